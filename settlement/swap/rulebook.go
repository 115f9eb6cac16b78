package swap

import (
	"entente/schema/refusal"
	"entente/schema/wire"
)

// ruled carries out an order of the consortium: the bank it names is fenced, and its swaps in doubt are decided as the order says. The bank itself is bound by
// it as well, when it returns.
func (m *Machine) ruled(out *Output, e RulebookGiven, now int64) {
	r := &e.Order
	if err := m.ruling(r, e.Signers); err != nil {
		m.refuse(out, err, e.Cause, now)
		return
	}
	if r.Bank != m.Bank {
		c := m.channel(r.Bank)
		c.Floor = max(c.Floor, r.Epoch)
		out.Channels = append(out.Channels, r.Bank)
	}
	for i := range r.Rulings {
		u := &r.Rulings[i]
		s := m.swaps[u.Swap]
		switch {
		case s == nil || s.Terms.Banks[0].Bank != r.Bank:
		case s.Role == Responder:
			m.ruledFor(out, s, u, e.Cause, now)
		default:
			m.ruledAgainst(out, s, u, e.Cause, now)
		}
	}
}

// ruling checks that operators of more than half of the network's banks signed an order.
func (m *Machine) ruling(r *wire.Rulebook, signers []wire.Key) error {
	if r.Network != m.Network {
		return refusal.Newf(wire.CodeWrongNetwork, "send the order to its own network", "an order for network %q came to %q", r.Network, m.Network)
	}
	if r.Bank != m.Bank && !m.Knows(r.Bank) {
		return refusal.Newf(CodePeerUnknown, "name a bank of the trust file", "there is no bank %q in this network", r.Bank)
	}
	banks := map[string]bool{}
	for _, k := range signers {
		if k.Purpose == wire.PurposeOperator && (k.Owner == m.Bank || m.Knows(k.Owner)) {
			banks[k.Owner] = true
		}
	}
	if all := len(m.peers) + 1; 2*len(banks) <= all {
		return refusal.Newf(CodeQuorumMissing, "have operators of more than half of the banks sign it", "operators of %d of %d banks signed the order", len(banks), all)
	}
	return nil
}

// ruledFor decides a prepared swap of a bank that is gone. A decision that is held already stands.
func (m *Machine) ruledFor(out *Output, s *Swap, u *wire.Ruling, order wire.Hash, now int64) {
	p := &s.Peers[0]
	switch {
	case s.State == Prepared && u.Commit && !names(u.Votes, p.Vote):
		m.refuse(out, refusal.Newf(CodeDecisionWithoutVote, "name the votes that were given", "the order commits swap %s without this bank's vote", s.ID.Short()), s.ID, now)
		return
	case s.State == Prepared:
	case u.Commit != (s.State == Settled):
		m.refuse(out, refusal.Newf(CodeConflict, "look at the evidence again: a decision that is held stands", "the order decides swap %s against what is settled here", s.ID.Short()), s.ID, now)
		m.note(out, NoteAlarm, CodeConflict, "order "+order.String()+" contradicts a decision that is held", s.ID, now)
		return
	default:
		return
	}
	s.Decision = order
	out.Done = append(out.Done, MessageKey{s.ID, p.Bank, wire.TypeVote, p.Epoch})
	m.carryOut(out, s, u.Commit, "rulebook", order, now)
	m.changed(out, s)
}

// ruledAgainst binds the initiator that has returned. What it had not decided is decided as the order says; its own decision to the contrary is an alarm.
func (m *Machine) ruledAgainst(out *Output, s *Swap, u *wire.Ruling, order wire.Hash, now int64) {
	switch {
	case s.State != Proposed && u.Commit != (s.State != Aborted):
		m.refuse(out, refusal.Newf(CodeConflict, "stop and look at the evidence", "the order decides swap %s against this bank's own decision", s.ID.Short()), s.ID, now)
		m.note(out, NoteAlarm, CodeConflict, "order "+order.String()+" contradicts this bank's decision", s.ID, now)
		return
	case s.State == Proposed && u.Commit:
		d := &dossier{decision: &wire.Decision{Commit: true, Votes: u.Votes}}
		if len(u.Votes) != len(s.Peers) {
			m.refuse(out, refusal.Newf(CodeDecisionWithoutVote, "name every responder's vote", "the order names %d votes on swap %s", len(u.Votes), s.ID.Short()), s.ID, now)
			return
		}
		m.decideAsBefore(out, s, d, now)
	case s.State == Proposed:
		d := &dossier{decision: &wire.Decision{Reason: "rulebook"}}
		m.decideAsBefore(out, s, d, now)
	}
	s.Decision = first(s.Decision, order)
	for i := range s.Peers {
		p := &s.Peers[i]
		p.Decision = first(p.Decision, order)
		if !p.Acked { // the order told it
			m.holdsDecision(out, s, p, now)
		}
	}
	m.changed(out, s)
}
