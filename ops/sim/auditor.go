package sim

import (
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

// auditor sees everything that becomes durable anywhere, keeps its own simple books of it, and knows no rule of the machine but the invariants.
type auditor struct {
	money     map[string]map[string]int64 // by bank and account
	holds     map[place]*held
	dossiers  map[wire.Hash]*dossier
	bills     map[wire.Hash]wire.Hash // what paid a bill
	quotes    map[wire.Hash]wire.Hash // the swap that is prepared or settled on a quote
	payments  map[wire.Hash]wire.Hash // the swap that holds or moves money for an instruction
	cancelled map[wire.Hash]bool      // instructions
	rules     map[string]*rules       // by bank
	chains    map[[2]string]chain
}

// place is a hold on one bank's ledger.
type place struct {
	bank string
	id   ledger.HoldID
}

type held struct {
	debit, credit string
	minor         int64
	status        string // "held", "suspense", "settled"
	expiresMS     int64  // of a hold by order
	byOrder       bool
	day           wire.Day
}

// chain is the last message from one bank to another.
type chain struct {
	epoch uint64
	seq   uint64
	hash  wire.Hash
}

// dossier is what became durable about one swap, everywhere.
type dossier struct {
	initiator string
	terms     wire.Terms
	states    map[string]swap.State // by bank, as it is stored now
	told      map[string]swap.State // by bank, the final state that its desk was told; a restore does not undo that
	held      map[string]bool       // banks that ever stored the commit
	votes     map[string]ballot     // by bank: the last one
	prepared  map[wire.Hash]string  // votes that were prepared, by hash: by whom
	decisions map[string]wire.Hash  // by recipient: the last one
	words     map[wire.Hash]bool    // decisions by hash: whether they commit
	decided   bool
	commit    bool
}

type ballot struct {
	hash     wire.Hash
	prepared bool
}

func (a *auditor) open() {
	a.money, a.holds, a.dossiers = map[string]map[string]int64{}, map[place]*held{}, map[wire.Hash]*dossier{}
	a.cancelled, a.rules = map[wire.Hash]bool{}, map[string]*rules{}
	a.bills, a.quotes, a.payments, a.chains = map[wire.Hash]wire.Hash{}, map[wire.Hash]wire.Hash{}, map[wire.Hash]wire.Hash{}, map[[2]string]chain{}
}

func (a *auditor) dossier(id wire.Hash) *dossier {
	d := a.dossiers[id]
	if d == nil {
		d = &dossier{states: map[string]swap.State{}, told: map[string]swap.State{}, held: map[string]bool{}, votes: map[string]ballot{},
			prepared: map[wire.Hash]string{}, decisions: map[string]wire.Hash{}, words: map[wire.Hash]bool{}}
		a.dossiers[id] = d
	}
	return d
}

// check takes note of one step's output, which is about to become durable.
func (a *auditor) check(w *world, b *bank, e swap.Event, out *swap.Output) {
	for _, o := range out.Send {
		a.sent(w, b, o)
	}
	for _, id := range out.Changed {
		s, ok := b.machine.Swap(id)
		if !ok {
			w.breach("DURABLE", "%s changed swap %s and does not know it", b.name, id.Short())
		}
		a.changed(w, b, e, &s)
	}
	for i := range out.Entries {
		a.entered(w, b, &out.Entries[i])
	}
	if len(out.Entries) > 0 {
		a.checkBooks(w, b)
	}
	if _, ok := e.(swap.Tick); ok {
		a.checkDeadlines(w, b)
	}
	for _, n := range out.Notes {
		switch refusal.Code(n.Code) {
		case swap.CodeInDoubt, swap.CodeShortfall, swap.CodeUncovered:
			continue
		}
		if n.Kind == swap.NoteAlarm {
			w.breach("ALARM", "%s raises an alarm among honest banks: %s", b.name, n.Text)
		}
	}
	if out.Refusal != nil && len(out.Entries)+len(out.Changed)+len(out.Send) > 0 {
		w.breach("REFUSAL", "%s refused with %v and changed something", b.name, out.Refusal)
	}
}

// checkDeadlines wants nothing proposed to outlast its decide_by once the bank has looked at the clock.
func (a *auditor) checkDeadlines(w *world, b *bank) {
	for key, h := range a.holds {
		if key.bank == b.name && h.byOrder && h.status == "held" && h.expiresMS <= b.clock(w) {
			w.breach("CLOCK", "%s looked at the clock and still holds %d that expired %d ms ago", b.name, h.minor, b.clock(w)-h.expiresMS)
		}
	}
	for id, stored := range b.store.swaps {
		if stored.State != swap.Proposed || b.clock(w) < stored.Terms.DecideByMS {
			continue
		}
		s, _ := b.machine.Swap(id)
		heard := true // from every bank of the swap, in this run
		for _, p := range s.Peers {
			heard = heard && b.machine.Speaks(p.Bank)
		}
		if heard && s.State == swap.Proposed {
			w.breach("DEADLINE", "%s looked at the clock %d ms after decide_by and keeps swap %s proposed", b.name, b.clock(w)-stored.Terms.DecideByMS, id.Short())
		}
	}
}

// sent checks a message that is about to become durable, before it leaves.
func (a *auditor) sent(w *world, b *bank, o swap.Outgoing) {
	h := o.Message.Head()
	link := [2]string{b.name, o.Key.Recipient}
	c := a.chains[link]
	if h.Epoch > c.epoch {
		c = chain{}
	}
	if h.Epoch < c.epoch || h.Seq != c.seq+1 || h.Prev != c.hash {
		w.breach("CHAIN", "%s numbers a message to %s %d of epoch %d after %d of %d", b.name, o.Key.Recipient, h.Seq, h.Epoch, c.seq, c.epoch)
	}
	a.chains[link] = chain{h.Epoch, h.Seq, o.Hash}
	if b.machine.Channel(o.Key.Recipient).Fenced {
		w.breach("EPOCH", "%s signs %s for %s, which has not told what it holds", b.name, verb(o.Key.Type), o.Key.Recipient)
	}
	if b.store.outbox[o.Key] != nil {
		w.breach("ONE-"+verb(o.Key.Type), "%s made a second %s on swap %s for %s", b.name, verb(o.Key.Type), o.Key.Swap.Short(), o.Key.Recipient)
	}
	d := a.dossier(o.Key.Swap)
	switch m := o.Message.(type) {
	case *wire.Vote:
		if before, voted := d.votes[b.name]; voted && before.prepared != m.Prepared {
			w.breach("ONE-VOTE", "%s votes both ways on swap %s", b.name, o.Key.Swap.Short())
		}
		d.votes[b.name] = ballot{o.Hash, m.Prepared}
		if m.Prepared {
			d.prepared[o.Hash] = b.name
			if s, _ := b.machine.Swap(o.Key.Swap); h.Epoch == s.Terms.Banks[s.Place(b.name)].Epoch && h.TimeMS > s.Terms.VoteByMS {
				w.breach("DEADLINE", "%s votes prepared on swap %s %d ms after vote_by", b.name, o.Key.Swap.Short(), h.TimeMS-s.Terms.VoteByMS)
			}
		}
		a.checkReason(w, b, m)
	case *wire.Decision:
		if d.decided && d.commit != m.Commit {
			w.breach("ONE-DECISION", "%s decided swap %s both ways", b.name, o.Key.Swap.Short())
		}
		d.decisions[o.Key.Recipient], d.commit, d.decided = o.Hash, m.Commit, true
		d.words[o.Hash] = m.Commit
		if m.Commit {
			a.checkVotes(w, b, o.Key.Swap, d, m)
		}
	case *wire.DecisionAck:
		if _, made := d.words[m.Decision]; !made || !a.recovers(w, o.Key.Recipient) && !d.states[o.Key.Recipient].Final() && d.states[o.Key.Recipient] != swap.Committed {
			w.breach("EVIDENCE", "%s acknowledges a decision on swap %s that is not durable at %s", b.name, o.Key.Swap.Short(), o.Key.Recipient)
		}
	}
}

// checkVotes wants a commit to name a prepared vote of every responder, in their order.
func (a *auditor) checkVotes(w *world, b *bank, id wire.Hash, d *dossier, m *wire.Decision) {
	s, _ := b.machine.Swap(id)
	right := len(m.Votes) == len(s.Peers)
	for i, p := range s.Peers {
		right = right && d.prepared[m.Votes[i]] == p.Bank
	}
	if !right {
		w.breach("EVIDENCE", "%s commits swap %s without naming the prepared votes of every responder", b.name, id.Short())
	}
}

// recovers tells whether a bank has been restored and may not have heard yet what it lost.
func (a *auditor) recovers(w *world, name string) bool {
	b := w.bank(name)
	return b.recover > 0 || b.machine == nil || b.machine.Fenced()
}

// checkReason wants a vote that refuses a quote as used to be true.
func (a *auditor) checkReason(w *world, b *bank, v *wire.Vote) {
	if v.Code != string(swap.CodeQuoteUsed) {
		return
	}
	terms, err := wire.ParseTerms(v.Terms)
	by, used := a.quotes[terms.Quote]
	if err != nil || !used || a.dossier(by).states[b.name] == swap.Aborted {
		w.breach("TRUE", "%s refuses a quote as used that no swap uses", b.name)
	}
}

// changed checks a swap's new state against its old one, and against the other bank's.
func (a *auditor) changed(w *world, b *bank, e swap.Event, s *swap.Swap) {
	d := a.dossier(s.ID)
	old := d.states[b.name]
	if old.Final() && s.State != old {
		w.breach("FINAL", "swap %s was %s at %s and is %s", s.ID.Short(), old, b.name, s.State)
	}
	if told := d.told[b.name]; told != 0 && s.State.Final() && s.State != told {
		w.breach("FINAL", "the desks of %s were told that swap %s is %s, and now it is %s", b.name, s.ID.Short(), told, s.State)
	}
	if s.State.Final() {
		d.told[b.name] = s.State
	}
	if commits(s.State) { // also when it was on its way, and everybody who had stored it was restored
		d.held[b.name], d.decided, d.commit = true, true, true
	}
	if len(s.Terms.Banks) > 0 {
		d.terms = s.Terms
	}
	if s.Role == swap.Responder && old == swap.Prepared && s.State != swap.Prepared {
		m, ok := e.(swap.MessageVerified)
		decision, is := m.Message.(*wire.Decision)
		reply, told := m.Message.(*wire.HelloReply)
		if !ok || !(is && decision.Swap == s.ID && decision.Sender == d.initiator || told && reply.Sender == d.initiator) {
			w.breach("NO-CLOCK", "%s left PREPARED on swap %s without a decision, by %T", b.name, s.ID.Short(), e)
		}
	}
	if s.Role == swap.Initiator {
		d.initiator = b.name
	}
	d.states[b.name] = s.State
	for other, state := range d.states {
		if other == b.name {
			continue
		}
		if commits(s.State) && state == swap.Aborted || s.State == swap.Aborted && commits(state) {
			w.breach("ATOMIC", "swap %s is %s at %s and %s at %s", s.ID.Short(), s.State, b.name, state, other)
		}
		if s.Role == swap.Initiator && s.State == swap.Settled && !d.held[other] {
			w.breach("EVIDENCE", "%s tells its desk that swap %s is settled, at %s it is %s", b.name, s.ID.Short(), other, state)
		}
	}
	if s.State == old {
		return
	}
	if s.Role == swap.Responder && (s.State == swap.Prepared || s.State == swap.Settled) {
		a.once(w, a.quotes, s.Terms.Quote, s.ID, b.name, "quote")
	}
	if s.Role == swap.Initiator && s.State != swap.Aborted {
		if a.cancelled[s.Terms.Instruction] {
			w.breach("FINAL", "%s pays an instruction that was cancelled, by swap %s", b.name, s.ID.Short())
		}
		a.once(w, a.payments, s.Terms.Instruction, s.ID, b.name, "instruction")
	}
	if s.Role == swap.Initiator && s.Reason == "cancelled" {
		a.cancelled[s.Terms.Instruction] = true
	}
	switch {
	case s.Role != swap.Initiator:
	case old == 0:
		w.result.Swaps++
	case s.State == swap.Settled:
		w.result.Settled++
	case s.State == swap.Aborted:
		w.result.Aborted++
	}
}

// commits tells whether a state says that the swap takes place.
func commits(s swap.State) bool { return s == swap.Committed || s == swap.Settled }

// once checks that one swap alone uses what is used once; an aborted one gives it back.
func (a *auditor) once(w *world, used map[wire.Hash]wire.Hash, what, by wire.Hash, bank, kind string) {
	if first, ok := used[what]; ok && first != by && a.dossier(first).states[bank] != swap.Aborted && a.dossier(first).states[bank] != 0 {
		w.breach("ONCE", "%s lets swaps %s and %s use one %s", bank, first.Short(), by.Short(), kind)
	}
	used[what] = by
}

// entered books an entry and checks what it rests on.
func (a *auditor) entered(w *world, b *bank, e *ledger.Entry) {
	if a.money[b.name] == nil {
		a.money[b.name] = map[string]int64{}
	}
	key := place{b.name, e.Hold()}
	h := a.holds[key]
	d := a.dossier(e.Reference)
	mine := d.initiator == b.name
	move := func() {
		a.money[b.name][e.Debit] -= e.Minor
		a.money[b.name][e.Credit] += e.Minor
	}
	want := func(status string) {
		if h == nil || h.status != status || h.debit != e.Debit && status == "held" || h.minor != e.Minor {
			w.breach("CONSERVE", "%s has no hold for %s of %d on swap %s that is %s", b.name, e.Kind, e.Minor, e.Reference.Short(), status)
		}
	}
	if a.governed(w, b, e, h) {
		return
	}
	switch e.Kind {
	case wire.LeafOpen:
		a.money[b.name][e.Credit] = 0
	case wire.LeafIssue, wire.LeafRedeem:
		move()
	case wire.LeafTransfer:
		move()
		w.result.Transfers++
		a.pay(w, b, e)
	case wire.LeafHold:
		if h != nil {
			w.breach("CONSERVE", "%s holds twice for swap %s", b.name, e.Reference.Short())
		}
		a.holds[key] = &held{debit: e.Debit, credit: e.Credit, minor: e.Minor, status: "held", day: a.rulesOf(b.name).today(e)}
	case wire.LeafPost:
		want("held")
		move()
		if mine {
			a.posted(w, b, e, d)
			if h.status = "suspense"; e.Credit != suspense {
				h.status = "settled"
			}
			return
		}
		h.status = "settled"
		if !d.words[e.Cause] || e.Credit != h.credit {
			w.breach("EVIDENCE", "%s posts %d for swap %s without the commit it was sent", b.name, e.Minor, e.Reference.Short())
		}
		a.pay(w, b, e)
	case wire.LeafVoid:
		want("held")
		h.status = "settled"
		if commit, made := d.words[e.Cause]; d.commit || !mine && (!made || commit) {
			w.breach("EVIDENCE", "%s gives back %d of swap %s without an abort", b.name, e.Minor, e.Reference.Short())
		}
	case wire.LeafRelease:
		want("suspense")
		move()
		h.status = "settled"
		if d.held[b.name] && (!d.everybody() || e.Credit != h.credit) {
			w.breach("EVIDENCE", "%s releases %d of swap %s before every bank of it holds the commit", b.name, e.Minor, e.Reference.Short())
		}
	case wire.LeafCover:
		move()
		if !d.commit || b.store.tenures == nil {
			w.breach("EVIDENCE", "%s pays %d for swap %s out of suspense, and has lost nothing that was committed (%v, %d)", b.name, e.Minor, e.Reference.Short(), d.commit, len(b.store.tenures))
		}
		a.pay(w, b, e)
	}
}

// posted checks the initiator's posting: to suspense, where nobody spends it, and on the vote of a bank that is prepared.
func (a *auditor) posted(w *world, b *bank, e *ledger.Entry, d *dossier) {
	if e.Credit != suspense && d.everybody() && b.store.tenures != nil {
		return // a hold that was made again and could not go to suspense
	}
	if e.Credit != suspense {
		w.breach("EVIDENCE", "%s pays %d of swap %s to %s before the other bank holds the decision", b.name, e.Minor, e.Reference.Short(), e.Credit)
	}
	if d.prepared[e.Cause] != "" {
		return
	}
	w.breach("EVIDENCE", "%s posts %d for swap %s and names no prepared vote", b.name, e.Minor, e.Reference.Short())
}

// pay checks that a bill is paid once.
func (a *auditor) pay(w *world, b *bank, e *ledger.Entry) {
	for _, bill := range e.Bills {
		if by, paid := a.bills[bill]; paid {
			w.breach("ONCE", "%s pays bill %s for %s, which %s has paid", b.name, bill.Short(), e.Reference.Short(), by.Short())
		}
		a.bills[bill] = e.Reference
	}
}
