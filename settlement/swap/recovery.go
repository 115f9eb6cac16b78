package swap

import (
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
)

// learn takes over, as binding, what a peer holds of this bank's own word and what the peer itself said on the same swaps.
func (m *Machine) learn(out *Output, from string, e MessageVerified, now int64) {
	var order []wire.Hash
	dossiers := map[wire.Hash]*dossier{}
	for i := range e.Held {
		h := &e.Held[i]
		head := h.Message.Head()
		if head.Network != m.Network {
			continue
		}
		d := dossiers[head.Swap]
		if d == nil {
			d = &dossier{}
			dossiers[head.Swap] = d
			order = append(order, head.Swap)
		}
		d.put(h)
	}
	for _, id := range order {
		d := dossiers[id]
		terms := d.terms(id)
		switch {
		case terms == nil || terms.Network != m.Network:
		case terms.Banks[0].Bank == m.Bank:
			m.learnDecision(out, from, terms, d, now)
		case terms.Banks[0].Bank == from:
			m.learnVote(out, terms, d, now)
			if d.decision != nil && (m.swaps[id] != nil || !d.decision.Commit) {
				m.decided(out, d.decision, MessageVerified{Message: d.decision, Hash: d.decisionHash, NowMS: now}, now)
			}
		}
	}
}

// dossier is what is enclosed about one swap.
type dossier struct {
	proposal     *Held
	votes        []*Held
	decision     *wire.Decision
	decisionHash wire.Hash
}

func (d *dossier) put(h *Held) {
	switch msg := h.Message.(type) {
	case *wire.Propose:
		d.proposal = h
	case *wire.Vote:
		d.votes = append(d.votes, h)
	case *wire.Decision:
		d.decision, d.decisionHash = msg, h.Hash
	}
}

// terms finds the swap's terms in the votes, the proposal or the abort.
func (d *dossier) terms(id wire.Hash) *wire.Terms {
	var found [][]byte
	for _, v := range d.votes {
		found = append(found, v.Message.(*wire.Vote).Terms)
	}
	if d.proposal != nil {
		found = append(found, d.proposal.Message.(*wire.Propose).Terms)
	}
	if d.decision != nil {
		found = append(found, d.decision.Terms)
	}
	for _, b := range found {
		if terms, err := wire.ParseTerms(b); err == nil && terms.SwapID() == id {
			return &terms
		}
	}
	return nil
}

// vote finds a bank's vote.
func (d *dossier) vote(bank string) (*wire.Vote, wire.Hash) {
	for _, h := range d.votes {
		if v := h.Message.(*wire.Vote); v.Sender == bank {
			return v, h.Hash
		}
	}
	return nil, wire.Hash{}
}

// learnVote makes a responder's own vote binding again: what it held is held again, or owed by the bank if the money is gone.
func (m *Machine) learnVote(out *Output, terms *wire.Terms, d *dossier, now int64) {
	vote, hash := d.vote(m.Bank)
	leg, mine := terms.LegOf(m.Bank)
	if vote == nil || !mine || vote.Recipient != terms.Banks[0].Bank || m.swaps[vote.Swap] != nil {
		return
	}
	s := &Swap{ID: vote.Swap, Role: Responder, Terms: *terms, CreatedMS: now,
		Peers: []Peering{{Bank: vote.Recipient, Vote: hash, Prepared: vote.Prepared, Epoch: vote.Epoch}}}
	if d.proposal != nil && d.proposal.Message.Head().Sender == vote.Recipient {
		s.Peers[0].Proposal = d.proposal.Hash
		s.Peers[0].hear(d.proposal.Message.Head())
	}
	if !vote.Prepared {
		s.Reason = vote.Code
		s.enter(Aborted, now)
		m.keep(s)
		m.changed(out, s)
		return
	}
	move := ledger.Movement{Reference: s.ID, Cause: hash, Postings: leg.Postings, Bills: m.billsHere(s)}
	if p := d.payment(); p != nil && m.agree(terms, p) == nil {
		m.rebind(s, p, &move)
	} else if len(terms.Banks) == 2 {
		s.Quote = terms.Quote
	}
	if by, used := m.quotes[s.Quote]; used && by != s.ID {
		s.Quote = wire.Hash{}
	}
	m.parties(&move)
	if entries, err := m.ledger.Hold(move, now); err == nil {
		m.apply(out, entries)
	} else {
		m.note(out, NoteAlarm, CodeShortfall, "what was promised is not there any more: "+err.Error(), s.ID, now)
	}
	s.enter(Prepared, now)
	m.keep(s)
	m.changed(out, s)
}

// payment gives the verified package that goes with the proposal.
func (d *dossier) payment() *payment.Authorised {
	if d.proposal == nil {
		return nil
	}
	return d.proposal.Payment
}

// rebind binds the quote of this bank's leg, and the opening of the bills, as the first vote did.
func (m *Machine) rebind(s *Swap, p *payment.Authorised, move *ledger.Movement) {
	s.Quote = p.Hops()[s.Place(m.Bank)-1].QuoteHash
	if len(move.Bills) == 0 {
		return
	}
	if blinding, err := m.openBills(s.Terms.Bills, p.Openings, p.Instruction.PayMinor); err == nil {
		move.Blinding = blinding
	}
}

// billsHere are the bills that a swap discharges on this ledger: all of them on the payee's, which is the last.
func (m *Machine) billsHere(s *Swap) []wire.Hash {
	if s.Place(m.Bank) == len(s.Terms.Banks)-1 {
		return s.Terms.Bills
	}
	return nil
}

// parties fills in whose the bills are, as recorded here.
func (m *Machine) parties(move *ledger.Movement) {
	for _, hash := range move.Bills {
		if b, ok := m.ledger.Bill(hash); ok {
			move.Creditor, move.Debtor = b.Creditor, b.Debtor
		}
	}
}

// recallVote makes this bank's own vote binding that a commit encloses as its proof.
func (m *Machine) recallVote(out *Output, d *wire.Decision, held []Held, now int64) bool {
	file := &dossier{}
	for i := range held {
		if h := &held[i]; h.Message.Head().Swap == d.Swap && names(d.Votes, h.Hash) {
			file.put(h)
		}
	}
	vote, _ := file.vote(m.Bank)
	terms := file.terms(d.Swap)
	if vote == nil || !vote.Prepared || terms == nil || terms.Banks[0].Bank != d.Sender || terms.Network != m.Network {
		return false
	}
	m.learnVote(out, terms, file, now)
	return m.swaps[d.Swap] != nil
}

// learnDecision makes an initiator's own decision binding again, which a responder holds.
func (m *Machine) learnDecision(out *Output, from string, terms *wire.Terms, d *dossier, now int64) {
	if d.decision == nil || d.decision.Sender != m.Bank || d.decision.Recipient != from {
		return
	}
	s := m.swaps[d.decision.Swap]
	if s == nil {
		s = &Swap{ID: d.decision.Swap, Role: Initiator, Terms: *terms, Peers: peersOf(*terms, m.Bank), CreatedMS: now}
		if d.proposal != nil && d.proposal.Message.Head().Sender == m.Bank {
			s.Authority = d.proposal.Package
		}
	}
	p := s.peer(from)
	if p == nil || d.decision.Commit && len(d.decision.Votes) != len(s.Peers) {
		return
	}
	switch {
	case s.State == 0 || s.State == Proposed:
		m.decideAsBefore(out, s, d, now)
	case d.decision.Commit != (s.State != Aborted):
		m.refuse(out, refusal.Newf(CodeConflict, "stop and look at the evidence", "%s holds another decision of this bank on swap %s", from, s.ID.Short()), s.ID, now)
		m.note(out, NoteAlarm, CodeConflict, "decision "+d.decisionHash.String()+" of this bank contradicts what it decided", s.ID, now)
		return
	}
	p.Decision = first(p.Decision, d.decisionHash)
	if p.Epoch == 0 {
		p.Epoch = d.decision.Epoch
	}
	p.Heard = always // no message of the peer's own says that it holds the decision
	s.Decision = first(s.Decision, d.decisionHash)
	m.keep(s)
	m.holdsDecision(out, s, p, now)
}

// decideAsBefore brings a swap that this bank has forgotten, or not yet decided, to the decision that it has signed.
func (m *Machine) decideAsBefore(out *Output, s *Swap, d *dossier, now int64) {
	known := s.State == Proposed
	if known {
		for _, p := range s.Peers {
			out.Done = append(out.Done, MessageKey{s.ID, p.Bank, wire.TypePropose, s.Terms.Banks[0].Epoch})
		}
	}
	if !d.decision.Commit {
		s.Reason = d.decision.Reason
		if known {
			m.giveBack(out, s, s.Terms.Instruction, now)
		}
		s.enter(Aborted, now)
		return
	}
	for i := range s.Peers {
		s.Peers[i].Vote, s.Peers[i].Prepared = d.decision.Votes[i], true
	}
	cause := s.Peers[0].Vote
	if !known {
		entries, err := m.ledger.Hold(ledger.Movement{Reference: s.ID, Cause: s.Terms.Instruction, Postings: s.Terms.Legs[0].Postings}, now)
		if err != nil {
			m.note(out, NoteAlarm, CodeShortfall, "what was committed is not there any more: "+err.Error(), s.ID, now)
		}
		m.apply(out, entries)
	}
	if len(m.ledger.HoldsOf(s.ID)) > 0 {
		// Where suspense is closed or full the hold stays until the payee is paid out of it.
		if entries, err := m.ledger.Post(s.ID, cause, m.ledger.Suspense(), now); err == nil {
			m.apply(out, entries)
		}
	}
	s.enter(Committed, now)
}

// first gives the first hash there is: a word that was given once stays.
func first(kept, learnt wire.Hash) wire.Hash {
	if kept != (wire.Hash{}) {
		return kept
	}
	return learnt
}

// cover pays what a commit owes and nothing is held for, out of suspense. It is never refused; what cannot be paid even so is an alarm.
func (m *Machine) cover(out *Output, s *Swap, move ledger.Movement, now int64) {
	m.parties(&move)
	entries, err := m.ledger.Cover(move, now)
	m.apply(out, entries)
	m.note(out, NoteAlarm, CodeShortfall, "the bank pays for swap "+s.ID.Short()+" what it lost the hold of", s.ID, now)
	if err != nil {
		m.note(out, NoteAlarm, CodeUncovered, err.Error(), s.ID, now)
	}
}
