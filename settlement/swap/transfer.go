package swap

import (
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
)

// transfer moves money between two accounts of this ledger, final at once. The same instruction again changes nothing: the first answer stands. An instruction
// that names bills is a payment, and comes with what opens them.
func (m *Machine) transfer(out *Output, e TransferAuthorised, now int64) {
	in := e.Instruction
	if _, known := m.Outcome(e.InstructionHash); known {
		return
	}
	if err := m.transferable(in, now); err != nil {
		m.refuse(out, err, e.InstructionHash, now)
		return
	}
	entries, err := m.ledger.Transfer(ledger.Movement{
		Reference: e.InstructionHash, Cause: e.InstructionHash, Creditor: in.Payee, Debtor: in.Payer,
		Postings: []wire.Posting{{Payer: in.PayerAccount, Payee: in.PayeeAccount, Minor: in.PayMinor}},
	}, now)
	m.book(out, entries, err, e.InstructionHash, now)
}

func (m *Machine) transferable(in *wire.Instruction, now int64) error {
	if err := m.payable(in, now); err != nil {
		return err
	}
	switch {
	case in.PayeeBank != m.Bank || in.PayCurrency != m.ledger.Currency:
		return refusal.Newf(CodeTermsMismatch, "pay on this ledger, in its currency", "a transfer on the ledger of %s to %s in %s", m.Bank, in.PayeeBank, in.PayCurrency)
	case len(in.Bills) != 0:
		return refusal.Newf(CodeBillOpening, "send it as a payment, with the openings", "a transfer that names %d bills", len(in.Bills))
	case in.PayMinor > in.MaxDebitMinor:
		return refusal.Newf(payment.CodeOverDebitLimit, "make an instruction with a higher limit", "%d minor units would be debited, the maker allowed %d", in.PayMinor, in.MaxDebitMinor)
	}
	return m.owns(in.PayeeAccount, in.Payee)
}
