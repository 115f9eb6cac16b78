package swap

import (
	"errors"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
)

// voted is I2: the commit point. The first durable vote of a bank counts; another word is kept as evidence.
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
	if p.Vote != (wire.Hash{}) && p.Prepared != v.Prepared {
		m.contradicted(out, v.Sender, "voted on", v.Swap, p.Vote, hash, now)
		return
	}
	fresh := p.hear(&v.Header)
	if p.Vote == (wire.Hash{}) {
		p.Vote, p.Prepared, fresh = hash, v.Prepared, true
		if !v.Prepared && s.State == Proposed {
			s.Reason = "refused by " + v.Sender + ": " + v.Code
		}
	}
	if fresh {
		m.changed(out, s)
	}
	if s.State != Proposed {
		out.Done = append(out.Done, MessageKey{s.ID, v.Sender, wire.TypePropose, s.Terms.Banks[0].Epoch})
		// The answer to a late or repeated vote is the decision that stands.
		if !p.Acked {
			m.tellDecision(out, s, p, now)
		}
		return
	}
	if m.verdict(s, now) != undecided {
		m.weigh(out, s, now)
		return
	}
	out.Done = append(out.Done, MessageKey{s.ID, v.Sender, wire.TypePropose, s.Terms.Banks[0].Epoch}) // other votes are still due
}

// tellDecision sends the decision that stands once more, signed in the present epoch.
func (m *Machine) tellDecision(out *Output, s *Swap, p *Peering, now int64) {
	if p.Epoch == m.Epoch && p.Decision != (wire.Hash{}) {
		out.Resend = append(out.Resend, MessageKey{s.ID, p.Bank, wire.TypeDecision, p.Epoch})
		return
	}
	m.decideFor(out, s, p, now)
	m.changed(out, s)
}

// The verdicts on a proposed swap.
const (
	undecided = "undecided"
	everybody = "" // every vote is prepared: commit
)

// verdict says what is to become of a proposed swap now: undecided, commit, or the reason to abort it. Nothing is decided while a bank of the swap has not told
// in this run what it holds, unless the swap was proposed in this run: else a decision may exist already that this bank has lost.
func (m *Machine) verdict(s *Swap, now int64) string {
	if _, fresh := m.session.fresh[s.ID]; !fresh && !m.settledFor(s) {
		return undecided
	}
	for _, p := range s.Peers {
		if p.Vote != (wire.Hash{}) && !p.Prepared {
			return s.Reason
		}
	}
	switch {
	case m.epochsMoved(s):
		return string(CodeStaleEpoch)
	case now >= s.Terms.DecideByMS:
		return string(CodeExpired)
	case s.prepared() && m.settledFor(s):
		return everybody
	}
	return undecided
}

// weigh decides a proposed swap, if it can be decided.
func (m *Machine) weigh(out *Output, s *Swap, now int64) {
	switch v := m.verdict(s, now); v {
	case undecided:
	case everybody:
		m.commit(out, s, now)
	default:
		m.abort(out, s, v, now)
	}
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

// abortUnknown answers a vote for a swap this bank does not know: it never proposed it and never will, and says so durably. It does so only when every bank of
// the swap has told what it holds: else the swap may have been decided by what was lost.
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
	if !m.settledFor(s) {
		return
	}
	p.Vote, p.Prepared = hash, v.Prepared
	p.hear(&v.Header)
	s.enter(Aborted, now)
	m.keep(s)
	m.decide(out, s, now)
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
	entries, err := m.ledger.Post(s.ID, s.Peers[0].Vote, m.ledger.Suspense(), now)
	if err != nil {
		m.abort(out, s, string(refusal.CodeOf(err)), now)
		return
	}
	m.apply(out, entries)
	s.enter(Committed, now)
	m.decide(out, s, now)
	m.changed(out, s)
}

// abort decides against the swap and gives the payer's money back.
func (m *Machine) abort(out *Output, s *Swap, reason string, now int64) {
	s.Reason = reason
	m.giveBack(out, s, s.Terms.Instruction, now)
	s.enter(Aborted, now)
	m.decide(out, s, now)
	m.changed(out, s)
}

// giveBack voids what is held for a swap that was proposed or prepared.
func (m *Machine) giveBack(out *Output, s *Swap, cause wire.Hash, now int64) {
	entries, err := m.ledger.Void(s.ID, cause, now)
	if err != nil {
		panic("swap: what was held for a swap cannot be voided: " + err.Error())
	}
	m.apply(out, entries)
}

// decide sends the one decision to every responder. Each copy has its own header, so each responder's acknowledgement names its own.
func (m *Machine) decide(out *Output, s *Swap, now int64) {
	for i := range s.Peers {
		m.decideFor(out, s, &s.Peers[i], now)
	}
	s.Decision = s.Peers[0].Decision
}

// decideFor signs the decision for one responder: for the first time, or again in a new epoch. A commit encloses the votes where the responder could need
// them as proof: when there are others beside it, and when the commit was signed before.
func (m *Machine) decideFor(out *Output, s *Swap, p *Peering, now int64) {
	d := &wire.Decision{Commit: s.State != Aborted}
	var enclosed []wire.Hash
	if d.Commit {
		for _, q := range s.Peers {
			d.Votes = append(d.Votes, q.Vote)
		}
		if len(s.Peers) > 1 || s.Terms.Banks[0].Epoch != m.Epoch {
			enclosed = d.Votes
		}
	} else {
		d.Reason, d.Terms = s.Reason, s.Terms.Bytes()
	}
	before := p.Epoch
	hash := m.send(out, s, p.Bank, d, nil, now)
	out.Send[len(out.Send)-1].Encloses = enclosed
	if p.Decision == (wire.Hash{}) {
		p.Decision = hash
		out.Done = append(out.Done, MessageKey{s.ID, p.Bank, wire.TypePropose, s.Terms.Banks[0].Epoch})
		return
	}
	p.Again = hash
	out.Done = append(out.Done, MessageKey{s.ID, p.Bank, wire.TypeDecision, before})
}

// acked is I3: once every responder holds a commit, the payee's money leaves suspense.
func (m *Machine) acked(out *Output, a *wire.DecisionAck, now int64) {
	s := m.swaps[a.Swap]
	if s == nil || s.Role != Initiator || s.peer(a.Sender) == nil {
		m.refuse(out, refusal.Newf(CodeTermsMismatch, "acknowledge what you were sent", "%s acknowledged a decision on swap %s", a.Sender, a.Swap.Short()), a.Swap, now)
		return
	}
	p := s.peer(a.Sender)
	// A decision that was signed again, by what a restore took back, is this bank's word all the same.
	if p.Decision == (wire.Hash{}) || p.Decision != a.Decision && p.Again == (wire.Hash{}) {
		m.refuse(out, refusal.Newf(CodeConflict, "acknowledge the decision that was sent", "%s acknowledged decision %s of swap %s", a.Sender, a.Decision.Short(), a.Swap.Short()), a.Swap, now)
		return
	}
	fresh := p.hear(&a.Header)
	if p.Acked {
		if fresh {
			m.changed(out, s)
		}
		return
	}
	m.holdsDecision(out, s, p, now)
}

// holdsDecision notes that a responder holds the decision, durably.
func (m *Machine) holdsDecision(out *Output, s *Swap, p *Peering, now int64) {
	p.Acked = true
	out.Done = append(out.Done, MessageKey{s.ID, p.Bank, wire.TypeDecision, p.Epoch})
	m.changed(out, s)
	if s.State != Committed {
		return
	}
	for _, q := range s.Peers {
		if !q.Acked {
			return
		}
	}
	m.payOn(out, s, s.Decision, now)
	s.enter(Settled, now)
	m.changed(out, s)
}

// payOn gives the payee of a committed swap its money: out of suspense, where the commit put it; and where a restore had lost the payer's hold, at the bank's
// own cost.
func (m *Machine) payOn(out *Output, s *Swap, cause wire.Hash, now int64) {
	if len(m.ledger.HoldsOf(s.ID)) > 0 {
		entries, err := m.ledger.Post(s.ID, cause, "", now)
		if err != nil {
			panic("swap: what is held for a committed swap cannot be posted: " + err.Error())
		}
		m.apply(out, entries)
		return
	}
	if len(m.ledger.InTransit(s.ID)) == 0 {
		m.cover(out, s, ledger.Movement{Reference: s.ID, Cause: cause, Postings: s.Terms.Legs[0].Postings}, now)
		return
	}
	entries, err := m.ledger.Release(s.ID, cause, s.Terms.Legs[0].Postings, now)
	if err != nil {
		panic("swap: what a committed swap left in suspense cannot be released: " + err.Error())
	}
	m.apply(out, entries)
}

// isRefusal tells whether err is a refusal, which is an answer, rather than a fault.
func isRefusal(err error) bool {
	var r *refusal.Refusal
	return errors.As(err, &r)
}
