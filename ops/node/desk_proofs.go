package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

// postOffer posts a bill to its debtor.
func (d *Desk) postOffer(ctx context.Context, id wire.ID, body []byte, debtor string) error {
	ctx, span := d.span(ctx, id, "offer bill")
	err := d.post(ctx, postBill, body, debtor)
	telemetry.End(span, err)
	return err
}

// ProveBills makes the missing proofs of this nation's bills, on as many workers as the desk's pool has. How far it is, Status tells. It ends when ctx does.
func (d *Desk) ProveBills(ctx context.Context) error {
	d.offering.Lock()
	defer d.offering.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	for _, b := range d.Bills() {
		if b.Bill.Creditor != d.cfg.Nation || b.Proofs != nil {
			continue
		}
		group.Go(func() error {
			ctx, span := d.span(ctx, b.Bill.ID, "prove bill")
			err := d.proveBill(ctx, &b)
			telemetry.End(span, err)
			return err
		})
	}
	return group.Wait()
}

func (d *Desk) proveBill(ctx context.Context, b *DeskBill) error {
	witnesses := make([]commit.BillWitness, len(b.chunks))
	for i := range b.chunks {
		var err error
		if witnesses[i], _, err = openChunk(&b.Bill, i, &b.chunks[i]); err != nil {
			return err
		}
	}
	began := time.Now()
	made, err := d.cfg.Prover.ProveBills(ctx, witnesses, func(done, _ int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.bills[b.Hash].proven = done
		d.touch()
	})
	if err != nil {
		return fmt.Errorf("prove bill %s: %w", b.Hash.Short(), err)
	}
	d.figures.proven(ctx, proof.BillName(int(b.Bill.ChunkSize)), len(made), time.Since(began))
	proofs := make([][]byte, len(made))
	for i := range made {
		proofs[i] = made[i][:]
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
	proven := b.Proven()
	answer, err := d.ask.again(ctx, b.Bill.Ledger, SubjectBill, proven.Bytes())
	if err != nil {
		return err
	}
	var recorded Recorded
	if err := json.Unmarshal(answer, &recorded); err != nil {
		return fmt.Errorf("answer of %s: %w", b.Bill.Ledger, err)
	}
	note := recordedNote{bill: b.Hash, seq: recorded.Seq, proofs: b.Proofs}
	body, err := wire.EncodeFields(note.fields)
	if err != nil {
		return err
	}
	return d.post(ctx, postRecorded, body, b.Bill.Debtor)
}

// recordedNote tells the debtor that a bill is in the log, and gives it the proofs: the debtor's bank wants to see them before it pays.
type recordedNote struct {
	bill   wire.Hash
	seq    int64
	proofs [][]byte
}

func (n *recordedNote) fields(f *wire.Fields) {
	f.Fixed(1, n.bill[:])
	f.Count(2, &n.seq)
	wire.List(f, 3, &n.proofs, 256, func(f *wire.Fields, b *[]byte) { f.Bytes(1, b, 1024) })
}

func (d *Desk) foldRecorded(author string, body []byte) error {
	var n recordedNote
	if err := wire.DecodeFields(body, wire.LimitBatch, n.fields); err != nil {
		return err
	}
	b := d.bills[n.bill]
	if b == nil || b.Bill.Creditor != author || b.State == BillOffered {
		return refusal.Newf(CodeNotFound, "record countersigned bills", "%s says it recorded a bill this desk did not see signed", author)
	}
	if b.State == BillRecorded {
		return nil // a leaf does not move
	}
	if len(n.proofs) != len(b.Bill.Chunks) {
		return refusal.Newf(CodeBillDiffers, "send one proof a chunk", "%d proofs came for the %d chunks of bill %s", len(n.proofs), len(b.Bill.Chunks), n.bill.Short())
	}
	b.State, b.Seq, b.Proofs = BillRecorded, n.seq, n.proofs
	return nil
}
