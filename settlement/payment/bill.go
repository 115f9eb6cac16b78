package payment

import (
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
)

// CheckOpening tells whether a bill's summed total commitment opens as said: to an amount above zero, under a blinding. Refusal: bill_opening_invalid.
func CheckOpening(bill wire.Hash, chunks []wire.Chunk, o *wire.TotalOpening) error {
	var total commit.Sum
	for _, c := range chunks {
		if err := total.Add(commit.Point(c.Total)); err != nil {
			return err
		}
	}
	if o.Bill != bill || o.TotalMinor <= 0 || !commit.OpenAmount(total.Point(), uint64(o.TotalMinor), commit.Scalar(o.Blinding)) {
		return refusal.Newf(CodeBillOpening, "send the openings that belong to the bills", "the total commitment of bill %s does not open to %d minor units", bill.Short(), o.TotalMinor)
	}
	return nil
}

// CheckBill tells whether a bill is the one that the instruction names at place i: between its two nations, on the payee's ledger and in its currency, with a
// total that opens to what is paid for it. Signatures and proofs of the bill are checked before. Refusals: bill_foreign, bill_opening_invalid.
func (a *Authorised) CheckBill(i int, bill *wire.Bill) error {
	in, hash := &a.Instruction, bill.Hash()
	if hash != in.Bills[i] {
		return refusal.Newf(CodeBillForeign, "send the bills that the instruction names, in its order", "bill %s came where %s is due", hash.Short(), in.Bills[i].Short())
	}
	if bill.Creditor != in.Payee || bill.Debtor != in.Payer || bill.Ledger != in.PayeeBank || bill.Currency != in.PayCurrency {
		return refusal.Newf(CodeBillForeign, "pay bills that the payer owes the payee", "bill %s is what %s owes %s in %s on the ledger of %s", hash.Short(), bill.Debtor, bill.Creditor, bill.Currency, bill.Ledger)
	}
	return CheckOpening(hash, bill.Chunks, &a.Openings[i])
}
