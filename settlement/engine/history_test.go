package engine_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

// checkHistory compares what the store says of every account at every moment with what replaying the journal up to it gives.
func checkHistory(t *testing.T, h *house) {
	t.Helper()
	e, ctx := h.present(), context.Background()
	var size int64
	if err := e.View(ctx, func(m *swap.Machine) { size = m.Ledger().Size() }); err != nil {
		t.Fatal(err)
	}
	entries, err := e.Entries(ctx, 0, size)
	if err != nil || int64(len(entries)) != size {
		t.Fatalf("%d of %d entries (%v)", len(entries), size, err)
	}
	replay := ledger.NewState(h.bank, h.currency)
	state := map[string][]ledger.Counters{} // by account, after each number of entries
	for n := range size + 1 {
		for _, a := range replay.Accounts() {
			for int64(len(state[a.ID])) < n {
				state[a.ID] = append(state[a.ID], ledger.Counters{}) // before it was opened
			}
			state[a.ID] = append(state[a.ID], a.Counters)
		}
		if n < size {
			if err := replay.Apply(entries[n]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for id, counters := range state {
		for n := range size + 1 {
			b, err := e.BalanceAt(ctx, id, n)
			if err != nil || b.Then != counters[n] || b.Moment.Size != n {
				t.Fatalf("account %s after %d of %d entries: %+v, replayed %+v (%v)", id, n, size, b.Then, counters[n], err)
			}
		}
		checkStatements(t, e, id, entries, counters)
	}
	for n, entry := range entries {
		upto := slices.IndexFunc(entries[n:], func(later ledger.Entry) bool { return later.TimeMS > entry.TimeMS })
		if want := int64(n + upto); upto >= 0 {
			if got, err := e.SizeAt(ctx, entry.TimeMS); err != nil || got != want {
				t.Fatalf("%d entries were booked up to %d, got %d (%v)", want, entry.TimeMS, got, err)
			}
		}
	}
	if got, err := e.SizeAt(ctx, entries[0].TimeMS-1); err != nil || got != 0 {
		t.Errorf("%d entries before the first (%v)", got, err)
	}
}

// checkStatements reads statements of random periods, page by page.
func checkStatements(t *testing.T, e *engine.Engine, id string, entries []ledger.Entry, counters []ledger.Counters) {
	t.Helper()
	whole, err := e.StatementOf(context.Background(), id, 0, int64(len(entries)), 0, engine.StatementLinesMost)
	lines := slices.IndexFunc(whole.Lines, func(l engine.Line) bool { return l.After != counters[l.Entry.Seq+1] })
	if n := len(slices.CompactFunc(slices.Clone(whole.Lines), func(a, b engine.Line) bool { return a.Entry.Seq == b.Entry.Seq })); err != nil || lines >= 0 || n != len(whole.Lines) {
		t.Fatalf("the whole statement of %s has %d lines, %d of them different (%v)", id, len(whole.Lines), n, err)
	}
	for range 5 {
		from := rand.Int64N(int64(len(entries)))
		to := from + rand.Int64N(int64(len(entries))-from+1)
		var want, got []int64
		for _, entry := range entries[from:to] {
			if entry.Minor != 0 && (entry.Debit == id || entry.Credit == id) {
				want = append(want, entry.Seq)
			}
		}
		for page, last := int64(0), counters[from]; ; {
			s, err := e.StatementOf(context.Background(), id, from, to, page, 3)
			if err != nil || s.Opening != counters[from] || s.Closing != counters[to] || s.Brought != last || len(s.Lines) > 3 {
				t.Fatalf("account %s from %d to %d, page %d: %+v (%v)", id, from, to, page, s, err)
			}
			for _, line := range s.Lines {
				got = append(got, line.Entry.Seq)
				if last = line.After; last != counters[line.Entry.Seq+1] {
					t.Fatalf("account %s is said to have %+v after entry %d, replayed %+v", id, last, line.Entry.Seq, counters[line.Entry.Seq+1])
				}
			}
			if page = s.Next; page == 0 {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the statement of %s from %d to %d lists %v, want %v", id, from, to, got, want)
		}
	}
}

func TestBalancesAndStatementsOfThePastAreWhatReplayGives(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		h.start()
		h.furnish("JPN", 100_000, 100_000)
		var group sync.WaitGroup
		for worker := range 8 { // at once, so that batches hold several entries of one account
			group.Go(func() {
				random := rand.New(rand.NewPCG(uint64(worker), 7))
				var holds []wire.Hash
				for range 12 {
					o := wire.Order{Account: "DESK-JPN", Payee: "LP-JPY", Minor: 1 + random.Int64N(50)}
					if random.IntN(2) == 0 {
						o.Account, o.Payee = o.Payee, o.Account
					}
					switch random.IntN(6) {
					case 0:
						o.Kind, o.Payee = wire.OrderIssue, ""
					case 1:
						o.Kind, o.Payee = wire.OrderRedeem, ""
					case 2, 3:
						o.Kind, o.ExpiresMS = wire.OrderHold, now()+1+random.Int64N(200)
					default:
						if len(holds) == 0 {
							continue
						}
						o = wire.Order{Kind: []wire.OrderKind{wire.OrderPost, wire.OrderVoid}[random.IntN(2)], Hold: holds[0]}
						holds = holds[1:]
					}
					result, err := h.submit(engine.Work{Event: h.order(o)})
					if err == nil && o.Kind == wire.OrderHold {
						holds = append(holds, result.Entries[0].Reference)
					} else if code := refusal.CodeOf(err); err != nil && code != ledger.CodeHoldUnknown && code != ledger.CodeHoldExpired && code != ledger.CodeExpiryInvalid {
						t.Errorf("%s: %v", o.Kind, err)
					}
				}
			})
		}
		group.Wait()
		checkHistory(t, h)
	})
}

func TestAHoldIsGivenBackByTheClockWithoutAnybodyAsking(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		h.start()
		h.furnish("JPN", 1_000, 1_000)
		held := h.must(h.order(wire.Order{Kind: wire.OrderHold, Account: "DESK-JPN", Payee: "LP-JPY", Minor: 400, ExpiresMS: now() + 300}))
		if a, _ := accountOf(t, h, "DESK-JPN"); a.Available() != 600 {
			t.Errorf("%d is available while it is held", a.Available())
		}
		eventually(t, 10*time.Second, func() string {
			if a, _ := accountOf(t, h, "DESK-JPN"); a.Available() != 1_000 {
				return "the money is still held"
			}
			return ""
		})
		entries, err := h.present().Entries(t.Context(), held.Size, held.Size+1)
		if err != nil || len(entries) != 1 || entries[0].Kind != wire.LeafExpire || entries[0].TimeMS < held.Entries[0].ExpiresMS {
			t.Errorf("what gave it back is %+v (%v)", entries, err)
		}
	})
}

func accountOf(t *testing.T, h *house, id string) (a ledger.Account, ok bool) {
	t.Helper()
	if err := h.present().View(t.Context(), func(m *swap.Machine) { a, ok = m.Ledger().Account(id) }); err != nil {
		t.Fatal(err)
	}
	return a, ok
}

func TestAMomentThatIsNotThereIsRefused(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		e := h.start()
		h.furnish("JPN", 1_000, 1_000)
		for name, c := range map[string]struct {
			want refusal.Code
			ask  func() error
		}{
			"a balance of the future":        {engine.CodeMomentAhead, func() error { _, err := e.BalanceAt(t.Context(), "DESK-JPN", 7); return err }},
			"a statement up to the future":   {engine.CodeMomentAhead, func() error { _, err := e.StatementOf(t.Context(), "DESK-JPN", 0, 7, 0, 10); return err }},
			"a period that goes down":        {ledger.CodeMalformed, func() error { _, err := e.StatementOf(t.Context(), "DESK-JPN", 3, 2, 0, 10); return err }},
			"a page beyond the period":       {ledger.CodeMalformed, func() error { _, err := e.StatementOf(t.Context(), "DESK-JPN", 0, 2, 3, 10); return err }},
			"an account that is not there":   {ledger.CodeAccountUnknown, func() error { _, err := e.BalanceAt(t.Context(), "NOWHERE", 1); return err }},
			"a statement of another account": {ledger.CodeAccountUnknown, func() error { _, err := e.StatementOf(t.Context(), "NOWHERE", 0, 2, 0, 10); return err }},
		} {
			if err := c.ask(); refusal.CodeOf(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// operators are the two of a bank who sign its orders.
func operators(bank string) []wire.Key {
	return []wire.Key{{Owner: bank, Name: "asha", Purpose: wire.PurposeOperator}, {Owner: bank, Name: "ben", Purpose: wire.PurposeOperator}}
}
