package payment

import "entente/schema/wire"

// Authorised is a payment whose signatures, quorum, quote and arithmetic were verified: what banks act on.
type Authorised struct {
	Instruction     wire.Instruction
	InstructionHash wire.Hash
	Maker           wire.Key
	Approvers       []wire.Key
	Quote           *wire.Quote // nil for a payment inside one ledger
	QuoteHash       wire.Hash
	Acceptance      *wire.Acceptance
	Openings        []wire.TotalOpening // in the order of Instruction.Bills
}
