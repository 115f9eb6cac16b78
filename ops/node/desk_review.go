package node

import (
	"bytes"
	"fmt"
	"slices"

	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// review judges every offer this nation is the debtor of, once both counts are there: item by item the same as the desk's own computation, or not signed.
func (d *Desk) review() {
	d.mu.Lock()
	drafts, err := d.drafts()
	if err != nil || drafts == nil {
		d.mu.Unlock()
		return
	}
	var sign []*DeskBill
	for _, h := range d.order {
		b := d.bills[h]
		if b.reviewed || b.Bill.Debtor != d.cfg.Nation || b.State != BillOffered {
			continue
		}
		if b.Kind == programme.CaseBill && d.receipts[b.Reference] == nil {
			continue
		}
		b.reviewed = true
		if err := d.judge(b, drafts); err != nil {
			d.refused = append(d.refused, Refused{From: b.Bill.Creditor, Kind: postBill, Err: err})
			d.touch()
			continue
		}
		sign = append(sign, b)
	}
	d.mu.Unlock()
	for _, b := range sign {
		if err := d.countersign(b); err != nil {
			d.cfg.Log.Error("bill not countersigned", "bill", b.Hash.Short(), "error", err)
			d.mu.Lock()
			b.reviewed = false // to be tried again
			d.mu.Unlock()
		}
	}
}

// judge compares an offered bill with what this desk computes itself.
func (d *Desk) judge(b *DeskBill, drafts []programme.DraftBill) error {
	differs := func(format string, args ...any) error {
		return refusal.Newf(CodeBillDiffers, "compare counts with the creditor", "bill %s of %s: %s", b.Hash.Short(), b.Bill.Creditor, fmt.Sprintf(format, args...))
	}
	creditor, ok := d.cfg.Trust.Member(b.Bill.Creditor)
	switch {
	case !ok:
		return differs("its creditor is no member")
	case b.Bill.Network != d.cfg.Trust.Network || b.Bill.Programme != d.programme:
		return differs("it is of another network or programme")
	case b.Bill.Ledger != creditor.Bank:
		return differs("it is for the ledger of %s, not of the creditor's bank %s", b.Bill.Ledger, creditor.Bank)
	}
	for _, other := range d.bills {
		if other != b && other.State != BillOffered && other.Kind == b.Kind && other.Reference == b.Reference && other.Bill.Creditor == b.Bill.Creditor && other.Bill.Debtor == b.Bill.Debtor {
			return differs("bill %s for the same is signed already", other.Hash.Short())
		}
	}
	for _, draft := range drafts {
		if draft.Kind != b.Kind || draft.Reference != b.Reference || string(draft.Creditor) != b.Bill.Creditor || string(draft.Debtor) != b.Bill.Debtor {
			continue
		}
		if draft.Currency.Code() != b.Bill.Currency {
			return differs("it is in %s, agreed is %s", b.Bill.Currency, draft.Currency)
		}
		if len(draft.Items) != len(b.Items) {
			return differs("it has %d items, this desk finds %d", len(b.Items), len(draft.Items))
		}
		for i := range draft.Items {
			if !bytes.Equal(draft.Items[i].Bytes(), b.Items[i].Bytes()) {
				return differs("item %d (%s) is not what this desk finds", i+1, b.Items[i].Item)
			}
		}
		return nil
	}
	return differs("nothing is owed for %s", b.Reference)
}

func (d *Desk) countersign(b *DeskBill) error {
	envelope := wire.Envelope{Type: b.envelope.Type, Payload: b.envelope.Payload, Signatures: slices.Clone(b.envelope.Signatures)}
	if err := d.nation.CoSign(&envelope); err != nil {
		return err
	}
	ctx, span := d.span(d.ctx, b.Bill.ID, "countersign bill")
	err := d.post(ctx, postCounter, envelope.Bytes(), b.Bill.Creditor)
	telemetry.End(span, err)
	return err
}

func (d *Desk) foldCountersignature(author string, body []byte) error {
	envelope, err := wire.ParseEnvelope(body, wire.LimitAttachment)
	if err != nil {
		return err
	}
	bill, err := VerifyCountersigned(&envelope, d.cfg.Trust)
	if err != nil {
		return err
	}
	b := d.bills[bill.Hash()]
	if b == nil || bill.Debtor != author {
		return refusal.Newf(CodeNotFound, "countersign bills you were offered", "%s countersigned a bill this desk does not know", author)
	}
	if b.State == BillOffered {
		b.State, b.envelope = BillCountersigned, envelope
	}
	return nil
}
