package swap

import (
	"errors"

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
	return o.State == Aborted && o.Reason != reasonCancelled && p.Quote != nil && m.swaps[o.Swap].Terms.Quote != p.QuoteHash
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
	q := p.Quote
	if err := m.proposable(e, now); err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	terms := wire.Terms{
		Network: m.Network,
		Banks:   []wire.Participant{{Bank: m.Bank, Epoch: m.Epoch}, {Bank: in.PayeeBank, Epoch: m.channel(in.PayeeBank).PeerEpoch}},
		Legs: []wire.Leg{
			{Bank: m.Bank, Currency: in.DebitCurrency, Postings: []wire.Posting{{Payer: in.PayerAccount, Payee: q.SellAccount, Minor: p.Acceptance.SellMinor}}},
			{Bank: in.PayeeBank, Currency: in.PayCurrency, Postings: []wire.Posting{{Payer: q.BuyAccount, Payee: in.PayeeAccount, Minor: in.PayMinor}}},
		},
		UETR: in.UETR, Instruction: p.InstructionHash, Quote: p.QuoteHash, Bills: in.Bills, Proofs: wire.AttachmentHash(e.Package), Nonce: e.Nonce,
		CreatedMS: now, VoteByMS: now + VoteWindowMS, DecideByMS: now + DecideWindowMS,
	}
	if err := terms.Check(); err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	if err := m.owns(q.SellAccount, q.Provider); err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	s := &Swap{ID: terms.SwapID(), Role: Initiator, Terms: terms, Authority: e.Package, CreatedMS: now, Peers: []Peering{{Bank: in.PayeeBank}}}
	entries, err := m.ledger.Hold(ledger.Movement{Reference: s.ID, Cause: p.InstructionHash, Postings: terms.Legs[0].Postings}, now)
	if err != nil {
		m.refuse(out, err, p.InstructionHash, now)
		return
	}
	m.apply(out, entries)
	s.enter(Proposed, now)
	m.keep(s)
	m.changed(out, s)
	m.send(out, s, in.PayeeBank, &wire.Propose{Terms: terms.Bytes()}, e.Package, now)
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

// proposable checks what only a payment across ledgers needs: a quote that lasts until the vote, its acceptance, the package that the responder will check, and
// somewhere to commit the money to.
func (m *Machine) proposable(e PaymentAuthorised, now int64) error {
	q := e.Payment.Quote
	switch {
	case q == nil || e.Payment.Acceptance == nil || len(e.Package) == 0:
		return refusal.New(CodeTermsMismatch, "a payment across ledgers came without its quote, acceptance or package", "send the whole payment package")
	case q.ExpiresMS < now+VoteWindowMS:
		return refusal.Newf(CodeQuoteExpired, "ask for a quote that lasts until vote_by", "quote %s expires at %d, before vote_by %d", q.ID, q.ExpiresMS, now+VoteWindowMS)
	}
	return m.ledger.SuspenseReady()
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
		if err := payment.CheckOpening(hash, b.Chunks, &o); err != nil {
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

// voted is I2: the commit point. The first durable vote of a bank counts; another one is kept as evidence.
func (m *Machine) voted(out *Output, v *wire.Vote, hash wire.Hash, now int64) {
	s := m.swaps[v.Swap]
	if s == nil {
		m.abortUnknown(out, v, hash, now)
		return
	}
	p := s.peer(v.Sender)
	if s.Role != Initiator || p == nil {
		m.refuse(out, refusal.Newf(CodeTermsMismatch, "vote on swaps you are a responder of", "%s voted on swap %s", v.Sender, v.Swap.Short()), v.Swap, now)
		return
	}
	if p.Vote != (wire.Hash{}) && p.Vote != hash {
		m.refuse(out, refusal.Newf(CodeConflict, "keep to the first vote", "%s voted twice on swap %s: %s and %s", v.Sender, v.Swap.Short(), p.Vote, hash), v.Swap, now)
		m.note(out, NoteAlarm, CodeConflict, "two votes of one bank on one swap: "+p.Vote.String()+" and "+hash.String(), v.Swap, now)
		return
	}
	proposal := MessageKey{s.ID, v.Sender, wire.TypePropose}
	if s.State != Proposed {
		out.Done = append(out.Done, proposal)
		// The answer to a late or repeated vote is the decision that stands.
		if p.Vote == (wire.Hash{}) {
			p.Vote, p.Prepared = hash, v.Prepared
			m.changed(out, s)
		}
		if p.Acked {
			return
		}
		out.Resend = append(out.Resend, MessageKey{s.ID, v.Sender, wire.TypeDecision})
		return
	}
	p.Vote, p.Prepared = hash, v.Prepared
	switch {
	case !v.Prepared:
		m.abort(out, s, "refused by "+v.Sender+": "+v.Code, now)
	case m.epochsMoved(s):
		m.abort(out, s, string(CodeStaleEpoch), now)
	case now >= s.Terms.DecideByMS:
		m.abort(out, s, string(CodeExpired), now)
	case s.prepared():
		m.commit(out, s, now)
	default:
		out.Done = append(out.Done, proposal) // the others' votes are still due
	}
	m.changed(out, s)
}

// epochsMoved tells whether a bank of the swap has changed its epoch since the terms were written.
func (m *Machine) epochsMoved(s *Swap) bool {
	for _, b := range s.Terms.Banks {
		if b.Bank == m.Bank {
			if b.Epoch != m.Epoch {
				return true
			}
		} else if b.Epoch != m.channel(b.Bank).PeerEpoch {
			return true
		}
	}
	return false
}

func (s *Swap) prepared() bool {
	for _, p := range s.Peers {
		if !p.Prepared {
			return false
		}
	}
	return true
}

// abortUnknown answers a vote for a swap this bank does not know: since it is not fenced, it never proposed it and never will, and says so durably.
func (m *Machine) abortUnknown(out *Output, v *wire.Vote, hash wire.Hash, now int64) {
	terms, err := wire.ParseTerms(v.Terms)
	if err != nil {
		m.refuse(out, err, v.Swap, now)
		return
	}
	if terms.SwapID() != v.Swap || terms.Network != m.Network || terms.Banks[0].Bank != m.Bank {
		m.refuse(out, refusal.Newf(wire.CodeSwapIDMismatch, "vote on the terms that were proposed", "a vote on swap %s carries other terms", v.Swap.Short()), v.Swap, now)
		return
	}
	s := &Swap{ID: v.Swap, Role: Initiator, Terms: terms, Peers: peersOf(terms, m.Bank), CreatedMS: now, Reason: "unknown to the initiator"}
	p := s.peer(v.Sender)
	if p == nil {
		m.refuse(out, refusal.Newf(CodeTermsMismatch, "vote on swaps you are a responder of", "%s voted on swap %s", v.Sender, v.Swap.Short()), v.Swap, now)
		return
	}
	p.Vote, p.Prepared = hash, v.Prepared
	s.enter(Aborted, now)
	m.keep(s)
	m.decide(out, s, &wire.Decision{Reason: s.Reason}, now)
	m.changed(out, s)
}

func peersOf(t wire.Terms, self string) []Peering {
	var peers []Peering
	for _, b := range t.Banks {
		if b.Bank != self {
			peers = append(peers, Peering{Bank: b.Bank})
		}
	}
	return peers
}

// commit decides for good: the money goes to suspense, where nobody can spend it until every responder holds the decision. When suspense cannot take it
// there is still time to decide against the swap.
func (m *Machine) commit(out *Output, s *Swap, now int64) {
	votes := make([]wire.Hash, len(s.Peers))
	for i, p := range s.Peers {
		votes[i] = p.Vote
	}
	entries, err := m.ledger.Post(s.ID, votes[0], m.ledger.Suspense(), now)
	if err != nil {
		m.abort(out, s, string(refusal.CodeOf(err)), now)
		return
	}
	m.apply(out, entries)
	s.enter(Committed, now)
	m.decide(out, s, &wire.Decision{Commit: true, Votes: votes}, now)
	m.changed(out, s)
}

// abort decides against the swap and gives the payer's money back.
func (m *Machine) abort(out *Output, s *Swap, reason string, now int64) {
	s.Reason = reason
	entries, err := m.ledger.Void(s.ID, s.Terms.Instruction, now)
	if err != nil {
		panic("swap: what was held for a proposed swap cannot be voided: " + err.Error())
	}
	m.apply(out, entries)
	s.enter(Aborted, now)
	m.decide(out, s, &wire.Decision{Reason: reason}, now)
	m.changed(out, s)
}

// decide sends the one decision to every responder. Each copy has its own header, so each responder's acknowledgement names its own.
func (m *Machine) decide(out *Output, s *Swap, d *wire.Decision, now int64) {
	for i := range s.Peers {
		p := &s.Peers[i]
		copied := *d
		p.Decision = m.send(out, s, p.Bank, &copied, nil, now)
		out.Done = append(out.Done, MessageKey{s.ID, p.Bank, wire.TypePropose})
	}
	s.Decision = s.Peers[0].Decision
}

// acked is I3: once every responder holds a commit, the payee's money leaves suspense.
func (m *Machine) acked(out *Output, a *wire.DecisionAck, now int64) {
	s := m.swaps[a.Swap]
	if s == nil || s.Role != Initiator || s.peer(a.Sender) == nil {
		m.refuse(out, refusal.Newf(CodeTermsMismatch, "acknowledge decisions you were sent", "%s acknowledged swap %s", a.Sender, a.Swap.Short()), a.Swap, now)
		return
	}
	p := s.peer(a.Sender)
	if p.Decision == (wire.Hash{}) || a.Decision != p.Decision {
		m.refuse(out, refusal.Newf(CodeConflict, "acknowledge the decision that was sent", "%s acknowledged decision %s of swap %s", a.Sender, a.Decision.Short(), a.Swap.Short()), a.Swap, now)
		return
	}
	out.Done = append(out.Done, MessageKey{s.ID, a.Sender, wire.TypeDecision})
	if p.Acked {
		return
	}
	p.Acked = true
	m.changed(out, s)
	if s.State != Committed {
		return
	}
	for _, q := range s.Peers {
		if !q.Acked {
			return
		}
	}
	entries, err := m.ledger.Release(s.ID, s.Decision, s.Terms.Legs[0].Postings, now)
	if err != nil {
		panic("swap: what a committed swap left in suspense cannot be released: " + err.Error())
	}
	m.apply(out, entries)
	s.enter(Settled, now)
	m.changed(out, s)
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
	m.abort(out, s, reasonCancelled, now)
}

// tick aborts what was proposed and not decided in time. Only the initiator's clock decides, and only before its decision.
func (m *Machine) tick(out *Output, now int64) {
	var due []*Swap
	for id := range m.open {
		if s := m.swaps[id]; now >= s.Terms.DecideByMS {
			due = append(due, s)
		}
	}
	sortByID(due)
	for _, s := range due {
		m.abort(out, s, string(CodeExpired), now)
	}
}

// isRefusal tells whether err is a refusal, which is an answer, rather than a fault.
func isRefusal(err error) bool {
	var r *refusal.Refusal
	return errors.As(err, &r)
}
