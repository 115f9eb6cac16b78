package sim

import (
	"errors"
	"strings"
	"testing"

	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

var errForged = errors.New("forged")

// calmWorld plays two banks without faults until a swap is committed at one and prepared at the other.
func calmWorld(t *testing.T) *world {
	t.Helper()
	w := &world{seed: 1, random: newRandom(1, 2), faults: faults{delayMS: 30, calm: true}, nowMS: startMS, telling: true}
	w.found(2)
	w.desks.plan(w)
	for {
		w.next()
		for _, d := range w.auditor.dossiers {
			if d.states["RBI"] == swap.Committed && d.states["BOJ"] == swap.Prepared {
				return w
			}
		}
		if w.nowMS > startMS+hostileMS {
			t.Fatal("no swap was committed")
		}
	}
}

// noticed wants a breach.
func noticed(t *testing.T, _ *world, forge func()) (b breached) {
	t.Helper()
	defer func() {
		r := recover()
		if r == nil {
			t.Fatal("the auditor noticed nothing")
		}
		b = r.(breached)
	}()
	forge()
	return
}

// scene is the swap of a calm world, to forge things about.
type scene struct {
	*world
	id       wire.Hash
	swap     *dossier
	rbi, boj *bank
}

func sceneOf(t *testing.T) scene {
	w := calmWorld(t)
	for id, d := range w.auditor.dossiers {
		if d.initiator != "" {
			return scene{w, id, d, w.bank("RBI"), w.bank("BOJ")}
		}
	}
	t.Fatal("there is no swap")
	return scene{}
}

func (s *scene) state(b *bank, state swap.State, e swap.Event) {
	c, _ := b.machine.Swap(s.id)
	c.State = state
	s.auditor.changed(s.world, b, e, &c)
}

func (s *scene) entry(b *bank, kind wire.LeafKind, change func(*ledger.Entry)) {
	h := s.auditor.holds[place{b.name, ledger.HoldID{Reference: s.id}}]
	e := ledger.Entry{Kind: kind, Debit: h.debit, Credit: h.credit, Minor: h.minor, Reference: s.id}
	change(&e)
	s.auditor.entered(s.world, b, &e)
}

func (s *scene) message(b *bank, m wire.SwapMessage, to string) {
	c := s.auditor.chains[[2]string{b.name, to}]
	*m.Head() = wire.Header{Network: network, Swap: s.id, Sender: b.name, Recipient: to, Epoch: 1, Seq: c.seq + 1, Prev: c.hash}
	s.auditor.sent(s.world, b, swap.Outgoing{Key: swap.MessageKey{Swap: s.id, Recipient: to, Type: m.PayloadType(), Epoch: 1}, Message: m})
}

// TestTheAuditorNoticesEveryBreach forges, one at a time, what a broken machine would do.
func TestTheAuditorNoticesEveryBreach(t *testing.T) {
	decision := swap.MessageVerified{Message: &wire.Decision{}}
	for _, c := range []struct {
		name, invariant, found string
		forge                  func(*scene)
	}{
		{"the responder aborts what is committed", "ATOMIC", "is aborted at BOJ and committed at RBI", func(s *scene) {
			*decision.Message.Head() = wire.Header{Swap: s.id, Sender: "RBI"}
			s.state(s.boj, swap.Aborted, decision)
		}},
		{"the responder aborts by its clock", "NO-CLOCK", "by swap.Tick", func(s *scene) { s.state(s.boj, swap.Aborted, swap.Tick{}) }},
		{"the responder settles on a vote", "NO-CLOCK", "by swap.MessageVerified", func(s *scene) {
			s.state(s.boj, swap.Settled, swap.MessageVerified{Message: &wire.Vote{Header: wire.Header{Swap: s.id, Sender: "RBI"}}})
		}},
		{"the initiator tells its desk too early", "EVIDENCE", "tells its desk", func(s *scene) { s.state(s.rbi, swap.Settled, decision) }},
		{"a final state changes", "FINAL", "was settled at BOJ", func(s *scene) {
			s.swap.states["BOJ"] = swap.Settled
			s.state(s.boj, swap.Prepared, decision)
		}},
		{"a second vote", "ONE-VOTE", "second VOTE", func(s *scene) { s.message(s.boj, &wire.Vote{Prepared: true}, "RBI") }},
		{"a second decision", "ONE-DECISION", "second DECISION", func(s *scene) { s.message(s.rbi, &wire.Decision{}, "BOJ") }},
		{"decisions both ways", "ONE-DECISION", "both ways", func(s *scene) { s.message(s.rbi, &wire.Decision{}, "RBA") }},
		{"a commit that names another vote", "EVIDENCE", "without naming", func(s *scene) {
			s.swap.decisions = map[string]wire.Hash{}
			delete(s.rbi.store.outbox, swap.MessageKey{Swap: s.id, Recipient: "BOJ", Type: wire.TypeDecision, Epoch: 1})
			s.message(s.rbi, &wire.Decision{Commit: true, Votes: []wire.Hash{{1}}}, "BOJ")
		}},
		{"an acknowledgement of another decision", "EVIDENCE", "acknowledges a decision", func(s *scene) { s.message(s.boj, &wire.DecisionAck{Decision: wire.Hash{1}}, "RBI") }},
		{"a gap in the numbers", "CHAIN", "numbers a message", func(s *scene) {
			s.auditor.chains[[2]string{"BOJ", "RBI"}] = chain{seq: 8}
			m := &wire.Vote{Header: wire.Header{Seq: 10}}
			s.auditor.sent(s.world, s.boj, swap.Outgoing{Key: swap.MessageKey{Swap: s.id, Recipient: "RBI"}, Message: m})
		}},
		{"the responder posts on nothing", "EVIDENCE", "without the commit", func(s *scene) { s.entry(s.boj, wire.LeafPost, func(e *ledger.Entry) { e.Cause = wire.Hash{1} }) }},
		{"the responder gives back what is committed", "EVIDENCE", "without an abort", func(s *scene) {
			s.entry(s.boj, wire.LeafVoid, func(e *ledger.Entry) { e.Cause = s.swap.decisions["BOJ"] })
		}},
		{"the initiator releases before the acknowledgement", "EVIDENCE", "releases", func(s *scene) { s.entry(s.rbi, wire.LeafRelease, func(e *ledger.Entry) { e.Debit = suspense }) }},
		{"the initiator posts past suspense", "EVIDENCE", "before the other bank", func(s *scene) {
			s.auditor.holds[place{"RBI", ledger.HoldID{Reference: s.id}}].status = "held"
			s.entry(s.rbi, wire.LeafPost, func(*ledger.Entry) {})
		}},
		{"the initiator posts on no vote", "EVIDENCE", "names no prepared vote", func(s *scene) {
			s.auditor.holds[place{"RBI", ledger.HoldID{Reference: s.id}}].status = "held"
			s.entry(s.rbi, wire.LeafPost, func(e *ledger.Entry) { e.Credit, e.Cause = suspense, wire.Hash{1} })
		}},
		{"a hold settles twice", "CONSERVE", "has no hold", func(s *scene) { s.entry(s.rbi, wire.LeafPost, func(e *ledger.Entry) { e.Credit = suspense }) }},
		{"a hold is made twice", "CONSERVE", "holds twice", func(s *scene) { s.entry(s.boj, wire.LeafHold, func(*ledger.Entry) {}) }},
		{"money out of nowhere", "CONSERVE", "its entries say", func(s *scene) {
			s.auditor.money["BOJ"][desk]++
			s.auditor.checkBooks(s.world, s.boj)
		}},
		{"a quote used twice", "ONCE", "use one quote", func(s *scene) {
			c, _ := s.boj.machine.Swap(s.id)
			c.ID = wire.Hash{1}
			s.auditor.changed(s.world, s.boj, decision, &c)
		}},
		{"an instruction paid twice", "ONCE", "use one instruction", func(s *scene) {
			c, _ := s.rbi.machine.Swap(s.id)
			c.ID = wire.Hash{1}
			s.auditor.changed(s.world, s.rbi, decision, &c)
		}},
		{"a cancelled instruction that is paid", "FINAL", "was cancelled", func(s *scene) {
			c, _ := s.rbi.machine.Swap(s.id)
			s.auditor.cancelled[c.Terms.Instruction] = true
			s.swap.states["RBI"] = swap.Proposed
			s.state(s.rbi, swap.Committed, decision)
		}},
		{"a proposal that outlasts its deadline", "DEADLINE", "keeps swap", func(s *scene) {
			c, _ := s.rbi.machine.Swap(s.id)
			c.State = swap.Proposed
			s.rbi.machine.RestoreSwap(c)
			s.rbi.store.swaps[s.id] = c
			s.nowMS += 20_000
			s.auditor.checkDeadlines(s.world, s.rbi)
		}},
		{"a free quote refused as used", "TRUE", "no swap uses", func(s *scene) {
			c, _ := s.boj.machine.Swap(s.id)
			c.Terms.Quote = wire.Hash{1}
			s.auditor.checkReason(s.world, s.boj, &wire.Vote{Terms: c.Terms.Bytes(), Code: "quote_used"})
		}},
		{"a bill paid twice", "ONCE", "pays bill", func(s *scene) {
			e := &ledger.Entry{Kind: wire.LeafTransfer, Debit: guest, Credit: desk, Minor: 1, Reference: wire.Hash{1}, Bills: []wire.Hash{{9}}}
			s.auditor.entered(s.world, s.boj, e)
			e.Reference = wire.Hash{2}
			s.auditor.entered(s.world, s.boj, e)
		}},
		{"an alarm", "ALARM", "raises an alarm", func(s *scene) {
			s.auditor.check(s.world, s.boj, swap.Tick{}, &swap.Output{Notes: []swap.Note{{Kind: swap.NoteAlarm}}})
		}},
		{"a refusal that changes something", "REFUSAL", "changed something", func(s *scene) {
			s.auditor.check(s.world, s.boj, swap.Tick{}, &swap.Output{Refusal: errForged, Changed: []wire.Hash{s.id}})
		}},
		{"an entry lost from the store", "CONSERVE", "its entries say", func(s *scene) {
			s.boj.store.entries = s.boj.store.entries[:6]
			s.boj.machine = nil
			s.boj.restart(s.world)
		}},
		{"an entry changed in the store", "JOURNAL", "does not fold", func(s *scene) {
			s.boj.store.entries[3].Owner += "x"
			s.boj.restored(s.world)
		}},
		{"a swap lost from the store", "JOURNAL", "is not what it was", func(s *scene) {
			delete(s.boj.store.swaps, s.id)
			s.carrier.history = nil
			s.replayAll()
		}},
		{"a late message that moves money", "FINAL", "moved money", func(s *scene) { s.replayAll() }},
		{"a message lost from the store", "DURABLE", "never stored one", func(s *scene) {
			delete(s.boj.store.outbox, swap.MessageKey{Swap: s.id, Recipient: "RBI", Type: wire.TypeVote, Epoch: 1})
			s.boj.leaving(s.world, &swap.Output{Resend: []swap.MessageKey{{Swap: s.id, Recipient: "RBI", Type: wire.TypeVote, Epoch: 1}}})
		}},
		{"a machine that panics", "PANIC", "nil pointer", func(s *scene) { s.boj.step(s.world, nil, "nothing") }},
		{"a swap in doubt at the end", "LIVE", "is still", func(s *scene) { s.auditor.checkLive(s.world) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sceneOf(t)
			b := noticed(t, s.world, func() { c.forge(&s) })
			if b.invariant != c.invariant || !strings.Contains(b.found, c.found) {
				t.Errorf("noticed %s: %s; want %s: %s", b.invariant, b.found, c.invariant, c.found)
			}
		})
	}
}
