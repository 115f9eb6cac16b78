package payment

import "entente/schema/wire"

// Authorised is a payment whose signatures, quorum, quote and arithmetic were verified: what banks act on.
type Authorised struct {
	Instruction     wire.Instruction
	InstructionHash wire.Hash
	Maker           wire.Key
	Approvers       []wire.Key  // in the order of the approvals; one person may stand here twice
	Quote           *wire.Quote // nil for a payment inside one ledger
	QuoteHash       wire.Hash
	Acceptance      *wire.Acceptance
	Openings        []wire.TotalOpening // in the order of Instruction.Bills
	Onward          []Hop               // quotes after the first, where the payment takes its way over other currencies
}

// Hop is an accepted quote: what its provider takes on one ledger and gives on another.
type Hop struct {
	Quote      *wire.Quote
	QuoteHash  wire.Hash
	Acceptance *wire.Acceptance
}

// Hops lists the quotes of the payment in their order, none for a payment inside one ledger.
func (a *Authorised) Hops() []Hop {
	if a.Quote == nil || a.Acceptance == nil {
		return nil
	}
	return append([]Hop{{a.Quote, a.QuoteHash, a.Acceptance}}, a.Onward...)
}

// DebitMinor gives what the payer's account is debited, in minor units of the instruction's debit currency.
func (a *Authorised) DebitMinor() int64 {
	if a.Acceptance != nil {
		return a.Acceptance.SellMinor
	}
	return a.Instruction.PayMinor
}
