package node

import (
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/payment"
)

// Submission is what a desk hands to its bank to have a payment made: the payment package, and where the bills are recorded elsewhere, these with their
// proofs, in the instruction's order, so that the payer's bank need not take the payee's word for them.
type Submission struct {
	Payment []byte
	Bills   [][]byte // wire.ProvenBill
}

func (s *Submission) fields(f *wire.Fields) {
	f.Bytes(1, &s.Payment, wire.LimitAttachment)
	wire.List(f, 2, &s.Bills, 256, func(f *wire.Fields, b *[]byte) { f.Bytes(1, b, wire.LimitBatch) })
}

// Bytes gives the submission's encoding, the body of a request to pay.
func (s *Submission) Bytes() ([]byte, error) { return wire.EncodeFields(s.fields) }

// checkBills has the payer's bank see for itself, before it holds anything, what it is about to pay: bills that both nations signed, whose proofs hold, and
// whose commitments open to what is paid. Bills of its own ledger it checked when it recorded them.
func (b *Bank) checkBills(a *payment.Authorised, bills [][]byte) error {
	in := &a.Instruction
	if in.PayeeBank == b.cfg.ID {
		return nil
	}
	if len(bills) != len(in.Bills) {
		return refusal.Newf(payment.CodeBillTotalMismatch, "send each bill with its proofs, in the instruction's order", "%d bills came for %d that are to be paid", len(bills), len(in.Bills))
	}
	for i, bytes := range bills {
		proven, err := wire.ParseProvenBill(bytes)
		if err != nil {
			return err
		}
		bill, err := b.verifyBill(&proven)
		if err != nil {
			return err
		}
		if err := a.CheckBill(i, &bill); err != nil {
			return err
		}
	}
	return nil
}

// provenBills gives the bills of an instruction as its payer's bank wants to see them: none where it recorded them itself.
func (d *Desk) provenBills(in *wire.Instruction) ([][]byte, error) {
	if in.PayerBank == in.PayeeBank {
		return nil, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var list [][]byte
	for _, hash := range in.Bills {
		b := d.bills[hash]
		if b == nil || len(b.Proofs) != len(b.Bill.Chunks) {
			return nil, refusal.Newf(CodeNotFound, "wait until the creditor has sent them", "the proofs of bill %s are not here", hash.Short())
		}
		proven := b.Proven()
		list = append(list, proven.Bytes())
	}
	return list, nil
}
