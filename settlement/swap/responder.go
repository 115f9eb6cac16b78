package swap

import (
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
)

// proposed is R1. A proposal that is not this bank's business is refused without an answer; one that is gets a durable vote, prepared or refused, and the
// same vote for ever after.
func (m *Machine) proposed(out *Output, p *wire.Propose, e MessageVerified, now int64) {
	if s := m.swaps[p.Swap]; s != nil {
		m.proposedAgain(out, s, p, now)
		return
	}
	terms, err := m.proposal(p)
	if terms == nil {
		m.refuse(out, err, p.Swap, now)
		return
	}
	s := &Swap{ID: p.Swap, Role: Responder, Terms: *terms, Peers: []Peering{{Bank: p.Sender, Proposal: e.Hash}}, CreatedMS: now}
	s.Peers[0].hear(&p.Header)
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
	s.Peers[0].Vote, s.Peers[0].Prepared = m.send(out, s, p.Sender, vote, nil, now), vote.Prepared
	m.changed(out, s)
}

// proposedAgain answers a proposal that was answered before. A vote refused is as good an answer as a prepared one; once the decision is held the initiator
// needs none.
func (m *Machine) proposedAgain(out *Output, s *Swap, p *wire.Propose, now int64) {
	if s.Role != Responder || s.Peers[0].Bank != p.Sender {
		return
	}
	q := &s.Peers[0]
	if q.hear(&p.Header) {
		m.changed(out, s)
	}
	switch {
	case q.Decision != (wire.Hash{}) || q.Vote == (wire.Hash{}):
	case q.Epoch == m.Epoch:
		out.Resend = append(out.Resend, MessageKey{s.ID, p.Sender, wire.TypeVote, q.Epoch})
	default:
		m.voteAgain(out, s, q, now)
		m.changed(out, s)
	}
}

// voteAgain signs the vote that stands in the present epoch. The first one counts: a commit names it.
func (m *Machine) voteAgain(out *Output, s *Swap, p *Peering, now int64) {
	vote := &wire.Vote{Terms: s.Terms.Bytes(), Prepared: s.State == Prepared}
	if !vote.Prepared {
		vote.Code = string(CodeStaleEpoch)
	}
	before := p.Epoch
	m.send(out, s, p.Bank, vote, nil, now)
	if before != 0 {
		out.Done = append(out.Done, MessageKey{s.ID, p.Bank, wire.TypeVote, before})
	}
}

// proposal reads the terms of a proposal. Without terms the refusal is nobody's business but the sender's; with terms it is what the bank votes.
func (m *Machine) proposal(p *wire.Propose) (*wire.Terms, error) {
	var terms wire.Terms
	if err := wire.Decode(p.Terms, wire.LimitMessage, &terms); err != nil {
		return nil, err
	}
	err := terms.Check()
	if len(terms.Banks) == 0 {
		return nil, err
	}
	switch {
	case terms.SwapID() != p.Swap:
		return nil, refusal.Newf(wire.CodeSwapIDMismatch, "propose under the id of the terms", "the terms' id is %s, the message says %s", terms.SwapID().Short(), p.Swap.Short())
	case terms.Network != m.Network:
		return nil, refusal.Newf(wire.CodeWrongNetwork, "propose on the terms' own network", "terms of network %q", terms.Network)
	case terms.Banks[0].Bank != p.Sender:
		return nil, refusal.Newf(CodeTermsMismatch, "the initiator proposes", "%s proposed a swap of which %s is the initiator", p.Sender, terms.Banks[0].Bank)
	}
	if _, mine := terms.LegOf(m.Bank); !mine {
		return nil, refusal.Newf(wire.CodeWrongRecipient, "propose to the banks of the terms", "no leg of swap %s is on this ledger", p.Swap.Short())
	}
	return &terms, err
}

// prepare runs the responder's guards: time, epochs, banks, what the desk and the providers authorised, quote, bills, limits, funds. What passes is held; after
// that nothing may refuse a commit.
func (m *Machine) prepare(s *Swap, e MessageVerified, now int64) ([]ledger.Entry, error) {
	t := &s.Terms
	if m.epochsMoved(s) {
		return nil, refusal.New(CodeStaleEpoch, "the terms name an epoch that is over", "propose again in the present epochs")
	}
	if now > t.VoteByMS {
		return nil, refusal.Newf(CodeExpired, "propose again", "the time to vote ended at %d, it is %d", t.VoteByMS, now)
	}
	if err := m.checkPeer(t.Banks[0].Bank); err != nil {
		return nil, err
	}
	for _, b := range t.Banks[1:] {
		if b.Bank != m.Bank && !m.Knows(b.Bank) {
			return nil, refusal.Newf(CodePeerUnknown, "deal with banks of the trust file", "there is no bank %q in this network", b.Bank)
		}
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
	move, err := m.leg(s, p, now)
	if err != nil {
		return nil, err
	}
	if err := m.risk(t); err != nil {
		return nil, err
	}
	move.Cause = e.Hash
	return m.ledger.Hold(move, now)
}

// leg checks this bank's part of a payment and binds its quote. It gives what is to be held.
func (m *Machine) leg(s *Swap, p *payment.Authorised, now int64) (ledger.Movement, error) {
	t, hops := &s.Terms, p.Hops()
	at := s.Place(m.Bank)
	move := ledger.Movement{Reference: s.ID, Postings: t.Legs[at].Postings}
	before := hops[at-1]
	q := before.Quote
	if by, used := m.quotes[before.QuoteHash]; used {
		return move, refusal.Newf(CodeQuoteUsed, "ask for a new quote", "quote %s is used by swap %s", q.ID, by.Short())
	}
	if q.ExpiresMS < t.VoteByMS { // and so not before now
		return move, refusal.Newf(CodeQuoteExpired, "ask for a quote that lasts until vote_by", "quote %s expires at %d, before vote_by %d", q.ID, q.ExpiresMS, t.VoteByMS)
	}
	if err := m.owns(q.BuyAccount, q.Provider); err != nil {
		return move, err
	}
	s.Quote = before.QuoteHash
	if at < len(hops) {
		return move, m.owns(hops[at].Quote.SellAccount, hops[at].Quote.Provider)
	}
	if err := m.owns(p.Instruction.PayeeAccount, p.Instruction.Payee); err != nil {
		return move, err
	}
	blinding, err := m.openBills(t.Bills, p.Openings, p.Instruction.PayMinor)
	move.Bills, move.Blinding, move.Creditor, move.Debtor = t.Bills, blinding, p.Instruction.Payee, p.Instruction.Payer
	return move, err
}

// risk bounds what an initiator can leave in doubt here, and holds nothing while the bank owes its own suspense account.
func (m *Machine) risk(t *wire.Terms) error {
	if err := m.solvent(); err != nil {
		return err
	}
	leg, _ := t.LegOf(m.Bank)
	sum, err := leg.Sum()
	if err != nil {
		return err
	}
	peer, _ := m.known(t.Banks[0].Bank)
	if atRisk := m.atRisk[peer.Bank]; peer.DoubtMinor > 0 && sum > peer.DoubtMinor-atRisk {
		return refusal.Newf(CodeDoubtLimit, "wait until earlier swaps are decided", "%d minor units are in doubt with %s, with this swap it would be %d more and the limit is %d", atRisk, peer.Bank, sum, peer.DoubtMinor)
	}
	return nil
}

// Place finds a bank among those of the terms, -1 if it is none of them.
func (s *Swap) Place(bank string) int {
	for i, b := range s.Terms.Banks {
		if b.Bank == bank {
			return i
		}
	}
	return -1
}

// agree checks that the terms are exactly what instruction, quotes and acceptances say: legs, bills, references.
func (m *Machine) agree(t *wire.Terms, p *payment.Authorised) error {
	mismatch := func(format string, args ...any) error {
		return refusal.Newf(CodeTermsMismatch, "propose exactly what was authorised", format, args...)
	}
	legs, err := legsOf(p)
	if err != nil {
		return err
	}
	in := &p.Instruction
	if len(t.Legs) != len(legs) || m.ledger.Bank != m.Bank {
		return mismatch("the terms have %d legs, the payment %d", len(t.Legs), len(legs))
	}
	for i := range legs {
		if err := sameLeg(&t.Legs[i], &legs[i]); err != "" {
			return mismatch("leg %d %s", i, err)
		}
	}
	if leg, _ := t.LegOf(m.Bank); leg.Currency != m.ledger.Currency {
		return mismatch("the leg on this ledger is in %s", leg.Currency)
	}
	if t.UETR != in.UETR || t.Instruction != p.InstructionHash || t.Quote != quotesOf(p.Hops()) {
		return mismatch("UETR, instruction or quote is another one")
	}
	if len(t.Bills) != len(in.Bills) {
		return mismatch("the terms name %d bills, the instruction %d", len(t.Bills), len(in.Bills))
	}
	for i := range t.Bills {
		if t.Bills[i] != in.Bills[i] {
			return mismatch("bill %d is another one than the instruction's", i)
		}
	}
	return nil
}

// decided is R2. The first decision held rules; another word is evidence against the initiator.
func (m *Machine) decided(out *Output, d *wire.Decision, e MessageVerified, now int64) {
	s := m.swaps[d.Swap]
	if s == nil && d.Commit && m.recallVote(out, d, e.Held, now) {
		s = m.swaps[d.Swap]
	}
	if s == nil {
		m.decidedUnknown(out, d, e.Hash, now)
		return
	}
	if s.Role != Responder || s.Peers[0].Bank != d.Sender {
		m.refuse(out, refusal.Newf(CodeTermsMismatch, "the initiator decides", "%s decided swap %s", d.Sender, d.Swap.Short()), d.Swap, now)
		return
	}
	p := &s.Peers[0]
	if s.Decision != (wire.Hash{}) {
		m.decidedAgain(out, s, d, e.Hash, now)
		return
	}
	if d.Commit && (s.State != Prepared || !names(d.Votes, p.Vote)) {
		m.refuse(out, refusal.Newf(CodeDecisionWithoutVote, "stop the peer and compare records", "%s committed swap %s without this bank's vote for it", d.Sender, d.Swap.Short()), d.Swap, now)
		m.note(out, NoteAlarm, CodeDecisionWithoutVote, "commit "+e.Hash.String()+" does not name this bank's prepared vote", d.Swap, now)
		return
	}
	p.Decision, s.Decision = e.Hash, e.Hash
	p.hear(&d.Header)
	if p.Epoch != 0 {
		out.Done = append(out.Done, MessageKey{s.ID, d.Sender, wire.TypeVote, p.Epoch})
	}
	journal := m.ledger.Size()
	if s.State == Prepared {
		m.carryOut(out, s, d.Commit, d.Reason, e.Hash, now)
	}
	m.acknowledge(out, s, p, e.Hash, journal, now)
}

// acknowledge tells the initiator that its decision is held; not while it is fenced off, which then hears of it with everything else.
func (m *Machine) acknowledge(out *Output, s *Swap, p *Peering, decision wire.Hash, journal, now int64) {
	if m.Speaks(p.Bank) {
		m.send(out, s, p.Bank, &wire.DecisionAck{Decision: decision, Journal: journal}, nil, now)
		p.Acked = true
	}
	m.changed(out, s)
}

// decidedAgain answers a decision on a swap whose decision is held already.
func (m *Machine) decidedAgain(out *Output, s *Swap, d *wire.Decision, hash wire.Hash, now int64) {
	p := &s.Peers[0]
	if d.Commit != (s.State == Settled) {
		m.contradicted(out, d.Sender, "decided", d.Swap, s.Decision, hash, now)
		return
	}
	if p.hear(&d.Header) || p.Decision == (wire.Hash{}) { // the rulebook was faster
		p.Decision = first(p.Decision, hash)
		m.changed(out, s)
	}
	if p.Epoch == m.Epoch && p.Acked {
		out.Resend = append(out.Resend, MessageKey{s.ID, d.Sender, wire.TypeDecisionAck, p.Epoch})
		return
	}
	m.acknowledge(out, s, p, hash, m.ledger.Size(), now)
}

// carryOut posts or releases what was held. It cannot be refused: the hold is there and settles once; where a restore had lost it, the bank pays.
func (m *Machine) carryOut(out *Output, s *Swap, commit bool, reason string, cause wire.Hash, now int64) {
	held := len(m.ledger.HoldsOf(s.ID)) > 0
	if !commit {
		s.Reason = reason
		if held {
			m.giveBack(out, s, cause, now)
		}
		s.enter(Aborted, now)
		return
	}
	if !held {
		leg, _ := s.Terms.LegOf(m.Bank)
		m.cover(out, s, ledger.Movement{Reference: s.ID, Cause: cause, Postings: leg.Postings, Bills: m.billsHere(s)}, now)
		s.enter(Settled, now)
		return
	}
	entries, err := m.ledger.Post(s.ID, cause, "", now)
	if err != nil {
		panic("swap: what was held for a prepared swap cannot be posted: " + err.Error())
	}
	m.apply(out, entries)
	s.enter(Settled, now)
}

// decidedUnknown answers a decision on a swap this bank never voted on: an abort by the initiator that the terms name leaves a tombstone, a commit raises the alarm.
func (m *Machine) decidedUnknown(out *Output, d *wire.Decision, hash wire.Hash, now int64) {
	if d.Commit {
		m.refuse(out, refusal.Newf(CodeDecisionWithoutVote, "stop the peer and compare records", "%s committed swap %s, which this bank does not know", d.Sender, d.Swap.Short()), d.Swap, now)
		m.note(out, NoteAlarm, CodeDecisionWithoutVote, "commit "+hash.String()+" of an unknown swap", d.Swap, now)
		return
	}
	terms, err := wire.ParseTerms(d.Terms)
	if err == nil && terms.SwapID() != d.Swap {
		err = refusal.Newf(wire.CodeSwapIDMismatch, "abort with the terms that were proposed", "an abort of swap %s carries other terms", d.Swap.Short())
	}
	if err == nil {
		_, mine := terms.LegOf(m.Bank)
		if !mine || terms.Banks[0].Bank != d.Sender || terms.Network != m.Network {
			err = refusal.Newf(CodeTermsMismatch, "the initiator decides", "%s aborted swap %s, which it did not propose to this bank", d.Sender, d.Swap.Short())
		}
	}
	if err != nil {
		m.refuse(out, err, d.Swap, now)
		return
	}
	s := &Swap{ID: d.Swap, Role: Responder, Terms: terms, Peers: []Peering{{Bank: d.Sender, Decision: hash}}, Decision: hash, Reason: d.Reason, CreatedMS: now}
	s.Peers[0].hear(&d.Header)
	s.enter(Aborted, now)
	m.keep(s)
	m.acknowledge(out, s, &s.Peers[0], hash, m.ledger.Size(), now)
}

func names(votes []wire.Hash, vote wire.Hash) bool {
	for _, v := range votes {
		if v == vote && v != (wire.Hash{}) {
			return true
		}
	}
	return false
}
