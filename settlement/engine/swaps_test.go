package engine_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

func TestTwoBanksSettleASwap(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		p := newPair(t, db)
		p.furnish()
		pay := p.authorise(t, 9_000, 8_700)
		p.aus.must(pay)
		o := p.outcome(t, pay.Payment.InstructionHash, 10*time.Second)
		if o.State != swap.Settled {
			t.Fatalf("%+v", o)
		}
		for _, want := range []struct {
			h       *house
			account string
			minor   int64
		}{{p.aus, "DESK-AUS", 991_300}, {p.aus, "LP-AUD", 1_008_700}, {p.aus, "SUSPENSE", 0}, {p.jpn, "DESK-JPN", 1_009_000}, {p.jpn, "LP-JPY", 99_991_000}} {
			if _, got := balanceOf(t, want.h, want.account); got != want.minor {
				t.Errorf("%s holds %d, want %d", want.account, got, want.minor)
			}
		}
		checkStages(t, p.aus, o.Swap, swap.Proposed, swap.Committed, swap.Settled)
		checkStages(t, p.jpn, o.Swap, swap.Prepared, swap.Settled)
		if b, ok, err := p.aus.present().Evidence(t.Context(), engine.EvidenceAttachment, wire.AttachmentHash(pay.Package)); err != nil || !ok || string(b) != string(pay.Package) {
			t.Errorf("the package is stored as %q (%v)", b, err)
		}
		vote, ok, err := p.jpn.present().Message(t.Context(), swap.MessageKey{Swap: o.Swap, Recipient: "rba", Type: wire.TypeVote, Epoch: 1})
		if err != nil || !ok {
			t.Fatalf("the vote is not stored (%v)", err)
		}
		if b, ok, err := p.aus.present().Evidence(t.Context(), "message", vote.Hash); err != nil || !ok || string(b) != string(vote.Envelope) {
			t.Errorf("the vote is not kept by who received it (%v)", err)
		}
		// A post pays exactly the bill: its commitment opens with the bill's own blinding.
		entries, err := p.jpn.present().Entries(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		post := slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Kind == wire.LeafPost })
		if post < 0 || entries[post].Blinding != pay.Payment.Openings[0].Blinding {
			t.Fatalf("entry %d is not a post of the bill", post)
		}
		leaves, err := p.jpn.present().Leaves(t.Context(), int64(post), int64(post)+1)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := wire.ParseLeaf(leaves[0])
		if err != nil {
			t.Fatal(err)
		}
		err = p.jpn.present().View(t.Context(), func(m *swap.Machine) {
			if b, _ := m.Ledger().Bill(leaf.Bills[0]); string(leaf.Amount) != string(b.Chunks[0].Total[:]) {
				t.Error("the post's commitment is not the bill's")
			}
		})
		if err != nil {
			t.Error(err)
		}
		p.quiet(t)
		restartsAlike(t, p.aus)
		restartsAlike(t, p.jpn)
	})
}

func checkStages(t *testing.T, h *house, id wire.Hash, want ...swap.State) {
	t.Helper()
	var got []swap.State
	eventually(t, 5*time.Second, func() string {
		stages, err := h.present().Stages(context.Background(), id)
		if err != nil {
			return err.Error()
		}
		got = nil
		for _, s := range stages {
			got = append(got, s.State)
		}
		if !slices.Equal(got, want) {
			return h.bank + " went through other stages"
		}
		return ""
	})
}

func restartsAlike(t *testing.T, h *house) {
	t.Helper()
	before := portrait(t, h.present())
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	if after := portrait(t, h.start()); after != before {
		t.Errorf("%s before\n%s\nafter\n%s", h.bank, before, after)
	}
}

func TestARefusedProposalGivesTheMoneyBack(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		p := newPair(t, db)
		p.furnish()
		pay := p.authorise(t, 9_000, 8_700)
		p.jpn.must(p.jpn.order(wire.Order{Kind: wire.OrderStatus, Account: "DESK-JPN", Status: wire.StatusFrozen}))
		p.aus.must(pay)
		o := p.outcome(t, pay.Payment.InstructionHash, 10*time.Second)
		if o.State != swap.Aborted || o.Reason != "refused by boj: account_frozen" {
			t.Errorf("%+v", o)
		}
		if a, balance := balanceOf(t, p.aus, "DESK-AUS"); balance != 1_000_000 || a.DebitsPending != 0 {
			t.Errorf("%+v", a)
		}
		p.quiet(t)
		restartsAlike(t, p.aus)
		restartsAlike(t, p.jpn)
	})
}

func TestASilentPeerIsAskedAgainAndThenTheClockAborts(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "rba", "AUD", db)
		var late atomic.Int64 // added to the clock
		h.clock = func() int64 { return now() + late.Load() }
		var mu sync.Mutex
		attempts := map[wire.PayloadType][]int{}
		peer := besides(h, "boj", func(messages []engine.Message) {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range messages {
				attempts[m.Key.Type] = append(attempts[m.Key.Type], m.Attempt)
			}
		})
		seen := func(kind wire.PayloadType, n int) func() string {
			return func() string {
				mu.Lock()
				defer mu.Unlock()
				if len(attempts[kind]) >= n {
					return ""
				}
				return "too few deliveries of " + string(kind)
			}
		}
		h.start()
		<-peer.greeted
		h.furnish("AUS", 1_000_000, 1_000_000)
		p := newPayer(t, h)
		pay := p.pay(newClaim(t, p.jpn, "JPN", "AUS", 9_000), 9_000, 8_700)
		h.must(pay)
		eventually(t, 5*time.Second, seen(wire.TypePropose, 3))
		mu.Lock()
		if got := attempts[wire.TypePropose][:3]; !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("attempts are counted %v", got)
		}
		mu.Unlock()
		late.Store(swap.DecideWindowMS)
		o := p.outcome(t, pay.Payment.InstructionHash, 5*time.Second)
		if o.State != swap.Aborted || o.Reason != string(swap.CodeExpired) {
			t.Errorf("%+v", o)
		}
		eventually(t, 5*time.Second, seen(wire.TypeDecision, 1))
		if err := h.present().Close(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		clear(attempts)
		mu.Unlock()
		h.start()
		eventually(t, 5*time.Second, seen(wire.TypeDecision, 2)) // it still waits for its acknowledgement
		mu.Lock()
		defer mu.Unlock()
		if len(attempts[wire.TypePropose]) != 0 {
			t.Error("a proposal is sent after its abort")
		}
	})
}

func TestACancelledPaymentIsAborted(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "rba", "AUD", db)
		h.start()
		h.furnish("AUS", 1_000_000, 1_000_000)
		p := newPayer(t, h)
		pay := p.pay(newClaim(t, p.jpn, "JPN", "AUS", 9_000), 9_000, 8_700)
		h.must(pay)
		h.must(swap.CancelAsked{Instruction: pay.Payment.InstructionHash, NowMS: now()})
		if o := p.outcome(t, pay.Payment.InstructionHash, time.Second); o.State != swap.Aborted {
			t.Errorf("%+v", o)
		}
		restartsAlike(t, h)
	})
}

// Proposal and cancel in one batch: the swap's first row is its last, and its proposal needs no answer.
func TestWhatBeginsAndEndsInOneBatchIsStored(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "rba", "AUD", db)
		e := h.start()
		h.furnish("AUS", 1_000_000, 1_000_000)
		p := newPayer(t, h)
		pay := p.pay(newClaim(t, p.jpn, "JPN", "AUS", 9_000), 9_000, 8_700)
		var wait sync.WaitGroup
		err := e.View(t.Context(), func(*swap.Machine) { // while the writer is held, both queue up
			for _, event := range []swap.Event{pay, swap.CancelAsked{Instruction: pay.Payment.InstructionHash, NowMS: now()}} {
				wait.Add(1)
				go func() { defer wait.Done(); h.must(event) }()
				time.Sleep(20 * time.Millisecond)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		wait.Wait()
		o := p.outcome(t, pay.Payment.InstructionHash, time.Second)
		checkStages(t, h, o.Swap, swap.Proposed, swap.Aborted)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		again := make(chan engine.Message, 100)
		besides(h, "boj", func(messages []engine.Message) {
			for _, m := range messages {
				again <- m
			}
		})
		h.start()
		if m := <-again; m.Key.Type != wire.TypeDecision || m.Attempt != 1 {
			t.Errorf("after a restart the first message is %+v", m.Key)
		}
	})
}

func TestSwapsSettleOverACarrierThatLosesAndRepeats(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		p := newPair(t, db)
		p.lose = func() bool { return rand.IntN(6) == 0 }
		p.twice = func() bool { return rand.IntN(4) == 0 }
		p.furnish()
		settleMany(t, p, 8, 20*time.Second)
		if _, got := balanceOf(t, p.aus, "SUSPENSE"); got != 0 {
			t.Errorf("suspense holds %d", got)
		}
		checkHistory(t, p.aus)
		checkHistory(t, p.jpn)
	})
}

// settleMany pays n bills at once and checks that both ledgers agree on what became of each.
func settleMany(t *testing.T, p *pair, n int, patience time.Duration) {
	t.Helper()
	payments := make([]swap.PaymentAuthorised, n)
	for i := range payments {
		payments[i] = p.authorise(t, 1_000, 100)
	}
	var wait sync.WaitGroup
	for i := range payments {
		wait.Add(1)
		go func() {
			defer wait.Done()
			payments[i].NowMS = now() // the window to vote begins here
			if _, err := p.aus.submit(engine.Work{Event: payments[i]}); err != nil {
				t.Errorf("payment %d: %v", i, err)
			}
		}()
	}
	wait.Wait()
	settled := int64(0)
	for i := range payments {
		o := p.outcome(t, payments[i].Payment.InstructionHash, patience)
		want := ledger.BillOutstanding
		if o.State == swap.Settled {
			settled++
			want = ledger.BillSettled
		}
		eventually(t, patience, func() string {
			var b ledger.Bill
			err := p.jpn.present().View(context.Background(), func(m *swap.Machine) { b, _ = m.Ledger().Bill(payments[i].Payment.Instruction.Bills[0]) })
			if err != nil || b.State != want {
				return "the bill of a payment that " + o.State.String() + " (" + o.Reason + ") is " + b.State.String()
			}
			return ""
		})
	}
	if settled == 0 {
		t.Error("nothing settled")
	}
	if _, got := balanceOf(t, p.jpn, "DESK-JPN"); got != 1_000_000+settled*1_000 {
		t.Errorf("the payee holds %d after %d payments", got, settled)
	}
	if _, got := balanceOf(t, p.aus, "DESK-AUS"); got != 1_000_000-settled*100 {
		t.Errorf("the payer holds %d after %d payments", got, settled)
	}
	for _, h := range []*house{p.aus, p.jpn} {
		eventually(t, patience, func() string {
			open := ""
			err := h.present().View(context.Background(), func(m *swap.Machine) {
				for _, s := range m.Swaps() {
					if !s.State.Final() {
						open = "a swap is " + s.State.String()
					}
				}
			})
			if err != nil {
				return err.Error()
			}
			return open
		})
	}
}
