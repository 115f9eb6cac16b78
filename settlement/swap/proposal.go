package swap

import (
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
	"entente/zk/commit"
)

// reasonCancelled is why a swap the desk withdrew was aborted; its instruction is spent.
const reasonCancelled = "cancelled"

// again tells whether an instruction may be tried a second time: its swap was given up, not cancelled, and it comes with another quote.
func (m *Machine) again(o Outcome, p *payment.Authorised) bool {
	return o.State == Aborted && o.Reason != reasonCancelled && p.Quote != nil && m.swaps[o.Swap].Terms.Quote != quotesOf(p.Hops())
}

// pay is I1 for a payment across ledgers, and the whole of a payment inside one. The same instruction again changes nothing: the first answer stands,
// unless the first swap was aborted and there is a new quote.
func (m *Machine) pay(out *Output, e PaymentAuthorised, now int64) {
	p := e.Payment
	in := &p.Instruction
	if o, known := m.Outcome(p.InstructionHash); known && !m.again(o, p) {
		return
	}
	err := m.payable(in, now)
	if err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	if in.PayeeBank == m.Bank {
		m.payInside(out, e, now)
		return
	}
	legs, err := m.proposable(e, now)
	if err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	hops := p.Hops()
	terms := wire.Terms{
		Network: m.Network, Banks: []wire.Participant{{Bank: m.Bank, Epoch: m.Epoch}}, Legs: legs,
		UETR: in.UETR, Instruction: p.InstructionHash, Quote: quotesOf(hops), Bills: in.Bills, Proofs: wire.AttachmentHash(e.Package), Nonce: e.Nonce,
		CreatedMS: now, VoteByMS: now + VoteWindowMS, DecideByMS: now + DecideWindowMS,
	}
	s := &Swap{Role: Initiator, Authority: e.Package, CreatedMS: now}
	for _, l := range legs[1:] {
		terms.Banks = append(terms.Banks, wire.Participant{Bank: l.Bank, Epoch: m.channel(l.Bank).PeerEpoch})
		s.Peers = append(s.Peers, Peering{Bank: l.Bank})
	}
	if err := terms.Check(); err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	if err := m.owns(hops[0].Quote.SellAccount, hops[0].Quote.Provider); err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	s.ID, s.Terms = terms.SwapID(), terms
	entries, err := m.ledger.Hold(ledger.Movement{Reference: s.ID, Cause: p.InstructionHash, Postings: terms.Legs[0].Postings}, now)
	if err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	m.apply(out, entries)
	s.enter(Proposed, now)
	m.keep(s)
	if m.session.fresh != nil {
		m.session.fresh[s.ID] = struct{}{}
	}
	bytes := terms.Bytes()
	for i := range s.Peers {
		s.Peers[i].Proposal = m.send(out, s, s.Peers[i].Bank, &wire.Propose{Terms: bytes}, e.Package, now)
	}
	m.changed(out, s)
}

// payable checks the payer's side of an instruction against this bank.
func (m *Machine) payable(in *wire.Instruction, now int64) error {
	switch {
	case in.Network != m.Network:
		return refusal.Newf(wire.CodeWrongNetwork, "send it to its own network", "an instruction for network %q came to %q", in.Network, m.Network)
	case in.PayerBank != m.Bank:
		return refusal.Newf(wire.CodeWrongRecipient, "send it to the payer's bank", "an instruction for %q came to %q", in.PayerBank, m.Bank)
	case in.DebitCurrency != m.ledger.Currency:
		return refusal.Newf(CodeTermsMismatch, "debit in the ledger's currency", "a debit in %s on the ledger of %s", in.DebitCurrency, m.ledger.Currency)
	case now > in.DeadlineMS:
		return refusal.New(CodeExpired, "the instruction's deadline has passed", "make a new instruction")
	}
	return m.owns(in.PayerAccount, in.Payer)
}

// proposable checks what only a payment across ledgers needs: banks of this network that are not fenced off, quotes that last until the vote, their acceptance,
// the package that the responders will check, and somewhere to commit the money to. It gives the legs.
func (m *Machine) proposable(e PaymentAuthorised, now int64) ([]wire.Leg, error) {
	hops := e.Payment.Hops()
	if len(hops) == 0 || len(e.Package) == 0 {
		return nil, refusal.New(CodeTermsMismatch, "a payment across ledgers came without its quote, acceptance or package", "send the whole payment package")
	}
	legs, err := legsOf(e.Payment)
	if err != nil {
		return nil, err
	}
	for _, l := range legs[1:] {
		if err := m.checkPeer(l.Bank); err != nil {
			return nil, err
		}
	}
	for _, h := range hops {
		if h.Quote.ExpiresMS < now+VoteWindowMS {
			return nil, refusal.Newf(CodeQuoteExpired, "ask for a quote that lasts until vote_by", "quote %s expires at %d, before vote_by %d", h.Quote.ID, h.Quote.ExpiresMS, now+VoteWindowMS)
		}
	}
	if err := m.solvent(); err != nil {
		return nil, err
	}
	return legs, m.ledger.SuspenseReady()
}

// solvent refuses to set money aside while the bank owes its suspense account what a restore lost.
func (m *Machine) solvent() error {
	if short := m.ledger.Shortfall(); short > 0 {
		return refusal.Newf(CodeShortfall, "issue what is missing to the suspense account", "%s paid %d minor units out of suspense that it lost the holds of", m.Bank, short)
	}
	return nil
}

// owns checks that an account of this ledger belongs to whom the document says.
func (m *Machine) owns(account, owner string) error {
	a, ok := m.ledger.Account(account)
	if !ok {
		return refusal.Newf(ledger.CodeAccountUnknown, "check the account's id", "there is no account %q on this ledger", account)
	}
	if a.Owner != owner {
		return refusal.Newf(ledger.CodeAccountForeign, "use an account of the owner", "account %s belongs to %s, not to %s", account, a.Owner, owner)
	}
	return nil
}

// payInside is a payment whose payer and payee bank here: one transfer, final at once.
func (m *Machine) payInside(out *Output, e PaymentAuthorised, now int64) {
	p := e.Payment
	in := &p.Instruction
	if in.PayCurrency != m.ledger.Currency {
		m.refuse(out, refusal.Newf(CodeTermsMismatch, "pay in the ledger's currency", "a payment in %s on the ledger of %s", in.PayCurrency, m.ledger.Currency), p.InstructionHash, now)
		return
	}
	err := m.owns(in.PayeeAccount, in.Payee)
	var blinding [32]byte
	if err == nil {
		blinding, err = m.openBills(in.Bills, p.Openings, in.PayMinor)
	}
	if err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	entries, err := m.ledger.Transfer(ledger.Movement{
		Reference: p.InstructionHash, Cause: p.InstructionHash, Bills: in.Bills, Blinding: blinding, Creditor: in.Payee, Debtor: in.Payer,
		Postings: []wire.Posting{{Payer: in.PayerAccount, Payee: in.PayeeAccount, Minor: in.PayMinor}},
	}, now)
	m.book(out, entries, err, p.InstructionHash, now)
}

// openBills checks that the recorded total commitments of the bills open to the amounts stated, and that these add up to what is paid. It gives the sum of
// the blindings, with which the payment's own amount commitment becomes the sum of the bills' totals, so that anyone sees that it pays exactly them.
func (m *Machine) openBills(bills []wire.Hash, openings []wire.TotalOpening, payMinor int64) ([32]byte, error) {
	const do = "send the openings that belong to the bills"
	var none [32]byte
	if len(bills) == 0 || len(openings) != len(bills) {
		return none, refusal.Newf(CodeBillOpening, do, "%d openings for %d bills", len(openings), len(bills))
	}
	var sum int64
	blindings := make([]commit.Scalar, 0, len(bills))
	for i, hash := range bills {
		o := openings[i]
		b, ok := m.ledger.Bill(hash)
		if !ok {
			return none, refusal.Newf(ledger.CodeBillUnknown, "have the bill countersigned and recorded first", "bill %s is not recorded here", hash.Short())
		}
		if err := m.Opens(hash, b.Chunks, &o); err != nil {
			return none, err
		}
		if sum+o.TotalMinor < sum {
			return none, refusal.New(wire.CodeOverflow, "the bills' totals exceed 2^63-1 minor units", "pay fewer bills at once")
		}
		sum += o.TotalMinor
		blindings = append(blindings, commit.Scalar(o.Blinding))
	}
	if sum != payMinor {
		return none, refusal.Newf(CodeBillOpening, "pay what the bills say", "the bills add up to %d minor units, %d are to be paid", sum, payMinor)
	}
	blinding, err := commit.AddScalars(blindings...)
	return blinding, err
}

// cancel withdraws a payment that is not decided.
func (m *Machine) cancel(out *Output, e CancelAsked, now int64) {
	id, ok := m.paying[e.Instruction]
	if _, inside := m.ledger.Payment(e.Instruction); inside {
		m.refuse(out, refusal.Newf(CodeTooLate, "ask the payee to pay it back", "the payment of instruction %s is settled", e.Instruction.Short()), e.Instruction, now)
		return
	}
	if !ok {
		m.refuse(out, refusal.Newf(CodePaymentUnknown, "check the instruction", "no swap pays instruction %s", e.Instruction.Short()), e.Instruction, now)
		return
	}
	s := m.swaps[id]
	if s.State == Aborted {
		return
	}
	if s.State != Proposed {
		m.refuse(out, refusal.Newf(CodeTooLate, "ask the payee to pay it back", "the payment of instruction %s is %s", e.Instruction.Short(), s.State), e.Instruction, now)
		return
	}
	if _, fresh := m.session.fresh[s.ID]; !fresh && !m.settledFor(s) {
		m.refuse(out, refusal.Newf(CodeFenced, "ask again when the other banks have answered", "swap %s may have been decided before this bank started again", s.ID.Short()), e.Instruction, now)
		return
	}
	m.abort(out, s, reasonCancelled, now)
}
