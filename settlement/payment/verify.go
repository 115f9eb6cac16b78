package payment

import (
	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/wallet/quorum"
)

// Verify checks everything that authorises a payment, at the time nowMS: signatures first, then what they say. Refusals: those of Envelope.Verify and of
// quorum.Check, and the codes of this package in their order.
func Verify(p *wire.Payment, network *trust.Network, nowMS int64) (*Authorised, error) {
	a := &Authorised{Openings: p.Openings}
	if err := a.verifyInstruction(&p.Instruction, network); err != nil {
		return nil, err
	}
	if err := a.verifyApprovals(p.Approvals, network); err != nil {
		return nil, err
	}
	if now, deadline := nowMS, a.Instruction.DeadlineMS; now > deadline {
		return nil, refusal.Newf(CodeExpired, "make a new instruction", "the instruction's deadline passed at %d, it is %d", deadline, now)
	}
	if err := checkParties(&a.Instruction, network); err != nil {
		return nil, err
	}
	if err := checkBills(&a.Instruction, p.Openings); err != nil {
		return nil, err
	}
	if a.Instruction.DebitCurrency == a.Instruction.PayCurrency {
		if err := checkInside(&a.Instruction, p); err != nil {
			return nil, err
		}
		return a, nil
	}
	if len(p.Quote) == 0 || len(p.Acceptance) == 0 {
		return nil, refusal.New(CodeQuoteMissing, "a payment across currencies came without a quote or without its acceptance", "accept a firm quote first")
	}
	if err := a.verifyQuote(p.Quote, network, nowMS); err != nil {
		return nil, err
	}
	if err := a.verifyAcceptance(p.Acceptance, network); err != nil {
		return nil, err
	}
	if err := checkAmounts(&a.Instruction, a.Quote, a.Acceptance); err != nil {
		return nil, err
	}
	return a, nil
}

// signedOnce verifies an envelope that exactly one key must have signed.
func signedOnce(e *wire.Envelope, due wire.PayloadType, keys wire.Keyring) (wire.Key, error) {
	signers, err := e.Verify(due, keys)
	if err != nil {
		return wire.Key{}, err
	}
	if len(signers) != 1 {
		return wire.Key{}, refusal.Newf(CodeSignatureCount, "let one person sign each document", "a document of type %q carries %d signatures, exactly one is due", due, len(signers))
	}
	return signers[0], nil
}

func (a *Authorised) verifyInstruction(e *wire.Envelope, network *trust.Network) error {
	maker, err := signedOnce(e, wire.TypeInstruction, network)
	if err != nil {
		return err
	}
	if err := wire.Decode(e.Payload, wire.LimitMessage, &a.Instruction); err != nil {
		return err
	}
	if a.Instruction.Network != network.Network {
		return wrongNetwork("instruction", a.Instruction.Network, network.Network)
	}
	if maker.Owner != a.Instruction.Payer {
		return refusal.Newf(CodeMakerForeign, "let a user of the paying desk make it", "%s made a payment of %s", maker.Title(), a.Instruction.Payer)
	}
	a.Maker, a.InstructionHash = maker, e.Hash()
	return nil
}

func (a *Authorised) verifyApprovals(envelopes []wire.Envelope, network *trust.Network) error {
	for i := range envelopes {
		e := &envelopes[i]
		approver, err := signedOnce(e, wire.TypeApproval, network)
		if err != nil {
			return err
		}
		var answer wire.Approval
		if err := wire.Decode(e.Payload, wire.LimitMessage, &answer); err != nil {
			return err
		}
		if answer.Network != network.Network {
			return wrongNetwork("approval", answer.Network, network.Network)
		}
		if answer.Instruction != a.InstructionHash {
			return refusal.Newf(CodeApprovalForeign, "approve this instruction", "%s answered instruction %s, this is %s", approver.Title(), answer.Instruction.Short(), a.InstructionHash.Short())
		}
		if err := quorum.MayApprove(quorum.Of(a.Maker), quorum.Of(approver)); err != nil {
			return err
		}
		if answer.Verdict != wire.VerdictApprove {
			return refusal.Newf(CodePaymentRejected, "make a new instruction that meets the objection", "%s rejected the payment: %s", approver.Title(), answer.Reason)
		}
		a.Approvers = append(a.Approvers, approver)
	}
	payer, ok := network.Member(a.Instruction.Payer)
	if !ok {
		return refusal.Newf(CodeMakerForeign, "let a member of the network pay", "%s is no member", a.Instruction.Payer)
	}
	return quorum.Check(a.Maker, a.Approvers, quorum.Rule{Approvals: payer.Approvals})
}

func wrongNetwork(document, got, want string) error {
	return refusal.Newf(wire.CodeWrongNetwork, "send it to its own network", "an %s for network %q came to %q", document, got, want)
}

// checkParties holds the instruction's two sides against the trust file.
func checkParties(in *wire.Instruction, network *trust.Network) error {
	if in.PayMinor <= 0 || in.MaxDebitMinor <= 0 {
		return refusal.Newf(wire.CodeAmountInvalid, "pay an amount above zero", "a payment of %d minor units for at most %d", in.PayMinor, in.MaxDebitMinor)
	}
	if in.Payer == in.Payee {
		return refusal.Newf(wire.CodeMalformed, "name two nations", "%s is to pay itself", in.Payer)
	}
	if !in.UETR.IsUUIDv4() {
		return refusal.Newf(wire.CodeMalformed, "make a random UETR", "UETR %s is no version 4 UUID", in.UETR)
	}
	if err := checkParty("payer", in.Payer, in.PayerBank, in.PayerAccount, in.DebitCurrency, network); err != nil {
		return err
	}
	return checkParty("payee", in.Payee, in.PayeeBank, in.PayeeAccount, in.PayCurrency, network)
}

func checkParty(role, nation, bank, account, currency string, network *trust.Network) error {
	const do = "take bank, account and currency from the trust file"
	if _, err := money.ParseCurrency(currency); err != nil {
		return err
	}
	member, ok := network.Member(nation)
	if !ok {
		return refusal.Newf(CodeAccountForeign, do, "the %s %s is no member", role, nation)
	}
	if member.Bank != bank || member.Account != account {
		return refusal.Newf(CodeAccountForeign, do, "the %s %s has account %s at %s, not %s at %s", role, nation, member.Account, member.Bank, account, bank)
	}
	if keeper, ok := network.Bank(bank); !ok || keeper.Currency != currency {
		return refusal.Newf(CodeAccountForeign, do, "%s keeps %s, not %s", bank, keeper.Currency, currency)
	}
	return nil
}

// checkBills wants one opening for each bill, in the instruction's order, and their sum to be what is paid.
func checkBills(in *wire.Instruction, openings []wire.TotalOpening) error {
	const do = "attach the opening of each bill's total, in the order of the instruction"
	seen := make(map[wire.Hash]bool, len(in.Bills))
	for _, bill := range in.Bills {
		if seen[bill] {
			return refusal.Newf(CodeBillRepeated, "name each bill once", "bill %s is named twice", bill.Short())
		}
		seen[bill] = true
	}
	if len(openings) != len(in.Bills) {
		return refusal.Newf(CodeBillTotalMismatch, do, "%d openings came for %d bills", len(openings), len(in.Bills))
	}
	rest := in.PayMinor
	for i, o := range openings {
		if o.Bill != in.Bills[i] {
			return refusal.Newf(CodeBillTotalMismatch, do, "opening %d is of bill %s, bill %s is due", i, o.Bill.Short(), in.Bills[i].Short())
		}
		if o.TotalMinor > rest {
			return refusal.Newf(CodeBillTotalMismatch, "pay the bills' total exactly", "the bills add up to more than the %d minor units paid", in.PayMinor)
		}
		rest -= o.TotalMinor
	}
	if rest != 0 {
		return refusal.Newf(CodeBillTotalMismatch, "pay the bills' total exactly", "the bills add up to %d minor units, %d are paid", in.PayMinor-rest, in.PayMinor)
	}
	return nil
}

// checkInside is what remains for a payment inside one ledger.
func checkInside(in *wire.Instruction, p *wire.Payment) error {
	if len(p.Quote) != 0 || len(p.Acceptance) != 0 {
		return refusal.New(CodeQuoteForeign, "a quote came with a payment inside one currency", "send the payment without it")
	}
	return checkLimit(in, in.PayMinor)
}

func checkLimit(in *wire.Instruction, debitMinor int64) error {
	if debitMinor > in.MaxDebitMinor {
		return refusal.Newf(CodeOverDebitLimit, "accept a better quote, or make an instruction with a higher limit", "%d minor units of %s would be debited, the maker allowed %d",
			debitMinor, in.DebitCurrency, in.MaxDebitMinor)
	}
	return nil
}
