package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/zk/proof"
)

// postOffer posts a bill to its debtor.
func (d *Desk) postOffer(ctx context.Context, id wire.ID, body []byte, debtor string) error {
	ctx, span := d.span(ctx, id, "offer bill")
	err := d.post(ctx, postBill, body, debtor)
	telemetry.End(span, err)
	return err
}

// ProveBills makes the missing proofs of this nation's bills, chunk by chunk; step is told of each chunk done.
func (d *Desk) ProveBills(ctx context.Context, step func()) error {
	d.offering.Lock()
	defer d.offering.Unlock()
	for _, b := range d.Bills() {
		if b.Bill.Creditor != d.cfg.Nation || b.Proofs != nil {
			continue
		}
		ctx, span := d.span(ctx, b.Bill.ID, "prove bill")
		err := d.proveBill(ctx, &b, step)
		telemetry.End(span, err)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) proveBill(ctx context.Context, b *DeskBill, step func()) error {
	proofs := make([][]byte, len(b.chunks))
	for i := range b.chunks {
		w, _, err := openChunk(&b.Bill, i, &b.chunks[i])
		if err != nil {
			return err
		}
		began := time.Now()
		p, err := d.cfg.Keys.ProveBill(ctx, w)
		if err != nil {
			return fmt.Errorf("prove chunk %d of bill %s: %w", i, b.Hash.Short(), err)
		}
		d.figures.proven(ctx, proof.BillName(w.Size), time.Since(began))
		proofs[i] = p[:]
		d.mu.Lock()
		d.bills[b.Hash].proven++
		d.mu.Unlock()
		step()
	}
	body, err := encodeBlobs(proofs)
	if err != nil {
		return err
	}
	if err := d.append(ctx, eventProofs, b.Hash, body); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bills[b.Hash].Proofs = proofs
	d.touch()
	return nil
}

// Chunks counts the chunks of this nation's bills that still have to be proven.
func (d *Desk) Chunks() int {
	n := 0
	for _, b := range d.Bills() {
		if b.Bill.Creditor == d.cfg.Nation && b.Proofs == nil {
			n += len(b.chunks)
		}
	}
	return n
}

// RecordBills has every countersigned and proven bill of this nation entered into the log of its bank, and tells the debtor.
func (d *Desk) RecordBills(ctx context.Context) error {
	d.offering.Lock()
	defer d.offering.Unlock()
	for _, b := range d.Bills() {
		if b.Bill.Creditor != d.cfg.Nation || b.State != BillCountersigned || b.Proofs == nil {
			continue
		}
		ctx, span := d.span(ctx, b.Bill.ID, "record bill")
		err := d.recordBill(ctx, &b)
		telemetry.End(span, err)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) recordBill(ctx context.Context, b *DeskBill) error {
	proven := wire.ProvenBill{Envelope: b.envelope, Proofs: b.Proofs}
	answer, err := d.ask.again(ctx, b.Bill.Ledger, SubjectBill, proven.Bytes())
	recorded := Recorded{Seq: -1}
	switch {
	case refusal.CodeOf(err) == ledger.CodeBillRepeated: // an earlier answer was lost: the bill is there
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(answer, &recorded); err != nil {
			return fmt.Errorf("answer of %s: %w", b.Bill.Ledger, err)
		}
	}
	note := recordedNote{bill: b.Hash, seq: max(recorded.Seq, 0)}
	body, err := wire.EncodeFields(note.fields)
	if err != nil {
		return err
	}
	return d.post(ctx, postRecorded, body, b.Bill.Debtor)
}

// recordedNote tells the debtor that a bill is in the log.
type recordedNote struct {
	bill wire.Hash
	seq  int64
}

func (n *recordedNote) fields(f *wire.Fields) {
	f.Fixed(1, n.bill[:])
	f.Count(2, &n.seq)
}

func (d *Desk) foldRecorded(author string, body []byte) error {
	var n recordedNote
	if err := wire.DecodeFields(body, 256, n.fields); err != nil {
		return err
	}
	b := d.bills[n.bill]
	if b == nil || b.Bill.Creditor != author || b.State == BillOffered {
		return refusal.Newf(CodeNotFound, "record countersigned bills", "%s says it recorded a bill this desk did not see signed", author)
	}
	b.State, b.Seq = BillRecorded, n.seq
	return nil
}
