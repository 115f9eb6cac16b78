package swap

import (
	"sort"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
)

// proposed is R1. A proposal that is not this bank's business is refused without an answer; one that is gets a durable vote, prepared or refused, and the
// same vote for ever after.
func (m *Machine) proposed(out *Output, p *wire.Propose, e MessageVerified, now int64) {
	if s := m.swaps[p.Swap]; s != nil {
		// A vote refused or an abort learnt before is as good an answer as a prepared vote.
		if s.Role == Responder && s.peer(p.Sender) != nil && s.Peers[0].Vote != (wire.Hash{}) {
			out.Resend = append(out.Resend, MessageKey{s.ID, p.Sender, wire.TypeVote})
		}
		return
	}
	var terms wire.Terms
	if err := wire.Decode(p.Terms, wire.LimitMessage, &terms); err != nil {
		m.refuse(out, err, p.Swap, now)
		return
	}
	err := terms.Check()
	if len(terms.Banks) == 0 {
		m.refuse(out, err, p.Swap, now)
		return
	}
	switch {
	case terms.SwapID() != p.Swap:
		m.refuse(out, refusal.Newf(wire.CodeSwapIDMismatch, "propose under the id of the terms", "the terms' id is %s, the message says %s", terms.SwapID().Short(), p.Swap.Short()), p.Swap, now)
		return
	case terms.Network != m.Network:
		m.refuse(out, refusal.Newf(wire.CodeWrongNetwork, "propose on the terms' own network", "terms of network %q", terms.Network), p.Swap, now)
		return
	case terms.Banks[0].Bank != p.Sender:
		m.refuse(out, refusal.Newf(CodeTermsMismatch, "the initiator proposes", "%s proposed a swap of which %s is the initiator", p.Sender, terms.Banks[0].Bank), p.Swap, now)
		return
	}
	if _, mine := terms.LegOf(m.Bank); !mine {
		m.refuse(out, refusal.Newf(wire.CodeWrongRecipient, "propose to the banks of the terms", "no leg of swap %s is on this ledger", p.Swap.Short()), p.Swap, now)
		return
	}
	s := &Swap{ID: p.Swap, Role: Responder, Terms: terms, Peers: []Peering{{Bank: p.Sender}}, CreatedMS: now}
	var entries []ledger.Entry
	if err == nil {
		entries, err = m.prepare(s, e, now)
	}
	vote := &wire.Vote{Terms: p.Terms, Prepared: err == nil}
	if err != nil {
		if !isRefusal(err) {
			panic("swap: a guard gave a fault: " + err.Error())
		}
		vote.Code = string(refusal.CodeOf(err))
		s.Reason, s.Quote = err.Error(), wire.Hash{}
		s.enter(Aborted, now)
		m.note(out, NoteRefusal, refusal.CodeOf(err), err.Error(), s.ID, now)
	} else {
		m.apply(out, entries)
		s.enter(Prepared, now)
	}
	m.keep(s)
	s.Peers[0].Vote = m.send(out, s, p.Sender, vote, nil, now)
	m.changed(out, s)
}

// prepare runs the responder's guards: time, epochs, what the desk and the provider authorised, quote, bills, funds. What passes is held; after that
// nothing may refuse a commit.
func (m *Machine) prepare(s *Swap, e MessageVerified, now int64) ([]ledger.Entry, error) {
	t := &s.Terms
	if m.epochsMoved(s) {
		return nil, refusal.New(CodeStaleEpoch, "the terms name an epoch that is over", "propose again in the present epochs")
	}
	if now > t.VoteByMS {
		return nil, refusal.Newf(CodeExpired, "propose again", "the time to vote ended at %d, it is %d", t.VoteByMS, now)
	}
	if e.Refusal != nil {
		return nil, e.Refusal
	}
	p := e.Payment
	if p == nil {
		return nil, refusal.New(CodeTermsMismatch, "the payment package is not attached", "attach what the desks authorised")
	}
	if err := m.agree(t, p); err != nil {
		return nil, err
	}
	q := p.Quote
	if by, used := m.quotes[p.QuoteHash]; used {
		return nil, refusal.Newf(CodeQuoteUsed, "ask for a new quote", "quote %s is used by swap %s", q.ID, by.Short())
	}
	if q.ExpiresMS < t.VoteByMS { // and so not before now
		return nil, refusal.Newf(CodeQuoteExpired, "ask for a quote that lasts until vote_by", "quote %s expires at %d, before vote_by %d", q.ID, q.ExpiresMS, t.VoteByMS)
	}
	if err := m.owns(q.BuyAccount, q.Provider); err != nil {
		return nil, err
	}
	if err := m.owns(p.Instruction.PayeeAccount, p.Instruction.Payee); err != nil {
		return nil, err
	}
	blinding, err := m.openBills(t.Bills, p.Openings, p.Instruction.PayMinor)
	if err != nil {
		return nil, err
	}
	leg, _ := t.LegOf(m.Bank)
	s.Quote = p.QuoteHash
	return m.ledger.Hold(ledger.Movement{
		Reference: s.ID, Cause: e.Hash, Postings: leg.Postings, Bills: t.Bills, Blinding: blinding,
		Creditor: p.Instruction.Payee, Debtor: p.Instruction.Payer,
	}, now)
}

// agree checks that the terms are exactly what instruction, quote and acceptance say: both legs, bills, references.
func (m *Machine) agree(t *wire.Terms, p *payment.Authorised) error {
	const do = "propose exactly what was authorised"
	mismatch := func(format string, args ...any) error {
		return refusal.Newf(CodeTermsMismatch, do, format, args...)
	}
	in, q, a := &p.Instruction, p.Quote, p.Acceptance
	if q == nil || a == nil {
		return mismatch("a swap without a quote and its acceptance")
	}
	pay := wire.Posting{Payer: q.BuyAccount, Payee: in.PayeeAccount, Minor: in.PayMinor}
	debit := wire.Posting{Payer: in.PayerAccount, Payee: q.SellAccount, Minor: a.SellMinor}
	switch {
	case len(t.Legs) != 2 || t.Legs[0].Bank != in.PayerBank || t.Legs[1].Bank != in.PayeeBank || in.PayeeBank != m.Bank:
		return mismatch("the legs are not on the ledgers of %s and %s", in.PayerBank, in.PayeeBank)
	case t.Legs[0].Currency != in.DebitCurrency || t.Legs[1].Currency != in.PayCurrency || in.PayCurrency != m.ledger.Currency:
		return mismatch("the legs are not in %s and %s", in.DebitCurrency, in.PayCurrency)
	case len(t.Legs[1].Postings) != 1 || t.Legs[1].Postings[0] != pay:
		return mismatch("the payee's leg is not %d minor units from %s to %s", pay.Minor, pay.Payer, pay.Payee)
	case len(t.Legs[0].Postings) != 1 || t.Legs[0].Postings[0] != debit:
		return mismatch("the payer's leg is not %d minor units from %s to %s", debit.Minor, debit.Payer, debit.Payee)
	case t.UETR != in.UETR || t.Instruction != p.InstructionHash || t.Quote != p.QuoteHash:
		return mismatch("UETR, instruction or quote is another one")
	case len(t.Bills) != len(in.Bills):
		return mismatch("the terms name %d bills, the instruction %d", len(t.Bills), len(in.Bills))
	}
	for i := range t.Bills {
		if t.Bills[i] != in.Bills[i] {
			return mismatch("bill %d is another one than the instruction's", i)
		}
	}
	return nil
}

// decided is R2. The first decision held rules; another one is evidence against the initiator.
func (m *Machine) decided(out *Output, d *wire.Decision, hash wire.Hash, now int64) {
	s := m.swaps[d.Swap]
	if s == nil {
		m.decidedUnknown(out, d, hash, now)
		return
	}
	if s.Role != Responder || s.Peers[0].Bank != d.Sender {
		m.refuse(out, refusal.Newf(CodeTermsMismatch, "the initiator decides", "%s decided swap %s", d.Sender, d.Swap.Short()), d.Swap, now)
		return
	}
	p := &s.Peers[0]
	if p.Decision == hash {
		out.Resend = append(out.Resend, MessageKey{s.ID, d.Sender, wire.TypeDecisionAck})
		return
	}
	if p.Decision != (wire.Hash{}) {
		m.equivocated(out, d, p.Decision, hash, now)
		return
	}
	if d.Commit && (s.State != Prepared || !names(d.Votes, p.Vote)) {
		m.refuse(out, refusal.Newf(CodeDecisionWithoutVote, "stop the peer and compare records", "%s committed swap %s without this bank's vote for it", d.Sender, d.Swap.Short()), d.Swap, now)
		m.note(out, NoteAlarm, CodeDecisionWithoutVote, "commit "+hash.String()+" does not name this bank's prepared vote", d.Swap, now)
		return
	}
	p.Decision, s.Decision = hash, hash
	out.Done = append(out.Done, MessageKey{s.ID, d.Sender, wire.TypeVote})
	journal := m.ledger.Size()
	if s.State == Prepared {
		m.carryOut(out, s, d, hash, now)
	}
	m.send(out, s, d.Sender, &wire.DecisionAck{Decision: hash, Journal: journal}, nil, now)
	m.changed(out, s)
}

// carryOut posts or releases what was held. It cannot be refused: the hold is there and settles once.
func (m *Machine) carryOut(out *Output, s *Swap, d *wire.Decision, hash wire.Hash, now int64) {
	settle, to := m.ledger.Void, Aborted
	if d.Commit {
		settle = func(reference, cause wire.Hash, nowMS int64) ([]ledger.Entry, error) {
			return m.ledger.Post(reference, cause, "", nowMS)
		}
		to = Settled
	} else {
		s.Reason = d.Reason
	}
	entries, err := settle(s.ID, hash, now)
	if err != nil {
		panic("swap: what was held for a prepared swap cannot be settled: " + err.Error())
	}
	m.apply(out, entries)
	s.enter(to, now)
}

// decidedUnknown answers a decision on a swap this bank never voted on: an abort leaves a tombstone, a commit raises the alarm.
func (m *Machine) decidedUnknown(out *Output, d *wire.Decision, hash wire.Hash, now int64) {
	if d.Commit {
		m.refuse(out, refusal.Newf(CodeDecisionWithoutVote, "stop the peer and compare records", "%s committed swap %s, which this bank does not know", d.Sender, d.Swap.Short()), d.Swap, now)
		m.note(out, NoteAlarm, CodeDecisionWithoutVote, "commit "+hash.String()+" of an unknown swap", d.Swap, now)
		return
	}
	s := &Swap{ID: d.Swap, Role: Responder, Peers: []Peering{{Bank: d.Sender, Decision: hash}}, Decision: hash, Reason: d.Reason, CreatedMS: now}
	s.enter(Aborted, now)
	m.keep(s)
	m.send(out, s, d.Sender, &wire.DecisionAck{Decision: hash, Journal: m.ledger.Size()}, nil, now)
	m.changed(out, s)
}

func (m *Machine) equivocated(out *Output, d *wire.Decision, first, second wire.Hash, now int64) {
	m.refuse(out, refusal.Newf(CodeConflict, "stop the peer: two signed decisions are proof against it", "%s decided swap %s twice: %s and %s", d.Sender, d.Swap.Short(), first, second), d.Swap, now)
	m.note(out, NoteAlarm, CodeConflict, "two decisions of one bank on one swap: "+first.String()+" and "+second.String(), d.Swap, now)
}

func names(votes []wire.Hash, vote wire.Hash) bool {
	for _, v := range votes {
		if v == vote && v != (wire.Hash{}) {
			return true
		}
	}
	return false
}

func sortByID(swaps []*Swap) {
	sort.Slice(swaps, func(i, j int) bool { return string(swaps[i].ID[:]) < string(swaps[j].ID[:]) })
}
