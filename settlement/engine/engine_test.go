package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"entente/ops/pgtest"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/settlement/swap"
	"entente/zk/commit"
	"entente/zk/transcript"
)

func TestWhatWasAnsweredIsThereAfterARestart(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		e := h.start()
		h.furnish("JPN", 500, 900)
		c := newClaim(t, h, "JPN", "AUS", 70)
		h.must(swap.BillProven{Bill: c.bill, NowMS: now()})
		before := portrait(t, e)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if after := portrait(t, h.start()); after != before {
			t.Errorf("before\n%s\nafter\n%s", before, after)
		}
	})
}

func TestAnEngineThatDiesIsReplacedAndFenced(t *testing.T) {
	pgtest.NoLeaks(t)
	for _, name := range []string{"memory", "postgres"} {
		t.Run(name, func(t *testing.T) {
			var url string
			h := newHouse(t, "boj", "JPY", func(t testing.TB, bank string) (open func(testing.TB) (engine.Store, error)) {
				if name == "memory" {
					return memory(t, bank)
				}
				url, open = postgresDatabase(t, bank)
				return open
			})
			first := h.start()
			h.furnish("JPN", 500, 900)
			before := portrait(t, first)
			if url != "" {
				terminate(t, url) // as a crash does; the first engine does not know yet
			}
			second := h.start()
			if after := portrait(t, second); after != before {
				t.Errorf("before\n%s\nafter\n%s", before, after)
			}
			_, err := first.Submit(t.Context(), engine.Work{Event: h.issue("DESK-JPN", 1)})
			if !errors.Is(err, engine.ErrFenced) || !errors.Is(err, engine.ErrStopped) || !errors.Is(first.Err(), engine.ErrFenced) {
				t.Errorf("the first writer got %v and says %v", err, first.Err())
			}
			h.must(h.issue("DESK-JPN", 2))
			if after := portrait(t, second); after == before {
				t.Error("the second writer does not write")
			}
		})
	}
}

func TestTheSameOrderAgainIsTheSameAnswer(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		e := h.start()
		h.furnish("JPN", 500, 900)
		order := h.issue("DESK-JPN", 5)
		if n := len(h.must(order).Entries); n != 1 {
			t.Fatalf("%d entries", n)
		}
		before := portrait(t, e)
		if n := len(h.must(order).Entries); n != 0 {
			t.Errorf("%d entries the second time", n)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = h.start()
		if n := len(h.must(order).Entries); n != 0 || portrait(t, e) != before {
			t.Errorf("%d entries after a restart", n)
		}
		other := order
		other.Order.Minor, other.Cause = 6, wire.Hash{1}
		if _, err := h.submit(engine.Work{Event: other}); refusal.CodeOf(err) != ledger.CodeIdempotencyConflict {
			t.Errorf("the same key for another order gives %v", err)
		}
	})
}

func TestARefusalChangesNothingAndIsRecorded(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		e := h.start()
		h.furnish("JPN", 500, 900)
		before := portrait(t, e)
		evidence := engine.Evidence{Kind: "order", Hash: wire.Hash{9}, Bytes: []byte("the signed order")}
		order := h.order(wire.Order{Kind: wire.OrderRedeem, Account: "DESK-JPN", Minor: 501})
		result, err := h.submit(engine.Work{Event: order, Evidence: []engine.Evidence{evidence}})
		if refusal.CodeOf(err) != ledger.CodeInsufficientFunds || result.Refusal == nil {
			t.Fatalf("got %v", err)
		}
		if after := portrait(t, e); after != before {
			t.Errorf("before\n%s\nafter\n%s", before, after)
		}
		notes, err := e.Notes(t.Context(), 0, 10)
		if err != nil || len(notes) != 1 || notes[0].Code != string(ledger.CodeInsufficientFunds) || notes[0].About != order.Cause {
			t.Fatalf("notes %+v (%v)", notes, err)
		}
		if more, err := e.Notes(t.Context(), notes[0].ID, 10); err != nil || len(more) != 0 {
			t.Errorf("further notes %+v (%v)", more, err)
		}
		if b, ok, err := e.Evidence(t.Context(), "order", wire.Hash{9}); err != nil || !ok || string(b) != "the signed order" {
			t.Errorf("evidence %q %v (%v)", b, ok, err)
		}
		if _, ok, err := e.Evidence(t.Context(), "bill", wire.Hash{9}); err != nil || ok {
			t.Errorf("evidence of another kind is there (%v)", err)
		}
	})
}

func TestTheLogIsWhatALeafReaderRecomputes(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		e := h.start()
		if e.Checkpoint() != nil {
			t.Error("an empty log has a checkpoint")
		}
		h.furnish("JPN", 500, 500) // equal amounts, and yet not equal commitments
		c := newClaim(t, h, "JPN", "AUS", 70)
		h.must(swap.BillProven{Bill: c.bill, NowMS: now()})
		head, _, err := transcript.Open(e.Checkpoint(), h.verifier)
		if err != nil {
			t.Fatal(err)
		}
		leaves, err := e.Leaves(t.Context(), 0, 1<<40)
		if err != nil || len(leaves) != 7 || head.Size != 7 || transcript.RootOf(leaves) != head.Root {
			t.Fatalf("%d leaves under %+v (%v)", len(leaves), head, err)
		}
		entries, err := e.Entries(t.Context(), 0, 1<<40)
		if err != nil || len(entries) != 7 {
			t.Fatalf("%d entries (%v)", len(entries), err)
		}
		seen := map[string]int{}
		for i, b := range leaves {
			checkLeaf(t, h, &entries[i], b)
			leaf, err := wire.ParseLeaf(b)
			if err != nil {
				t.Fatal(err)
			}
			seen[string(leaf.Amount)]++
			for _, clear := range []string{"DESK-JPN", "ISSUANCE", "JPN"} {
				if bytes.Contains(b, []byte(clear)) {
					t.Errorf("leaf %d shows %q", i, clear)
				}
			}
		}
		if seen[""] != 5 || len(seen) != 3 {
			t.Errorf("amounts are committed to like this: %v", seen)
		}
		if some, err := e.Leaves(t.Context(), 2, 4); err != nil || len(some) != 2 || !bytes.Equal(some[0], leaves[2]) {
			t.Errorf("leaves 2 to 4: %d (%v)", len(some), err)
		}
		if none, err := e.Leaves(t.Context(), 7, 9); err != nil || len(none) != 0 {
			t.Errorf("leaves behind the last: %d (%v)", len(none), err)
		}
	})
}

// checkLeaf opens a leaf with the bank's secrets.
func checkLeaf(t *testing.T, h *house, e *ledger.Entry, b []byte) {
	t.Helper()
	leaf, err := wire.ParseLeaf(b)
	if err != nil {
		t.Fatal(err)
	}
	body, err := e.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if leaf.Seq != e.Seq || leaf.Kind != e.Kind || leaf.TimeMS != e.TimeMS || leaf.Debit != h.veil.Tag(e.Debit) || leaf.Credit != h.veil.Tag(e.Credit) ||
		leaf.Reference != e.Reference || leaf.Programme != e.Programme || len(leaf.Chunks) != len(e.Chunks) || len(leaf.Bills) != len(e.Bills) {
		t.Errorf("leaf %+v of entry %+v", leaf, e)
	}
	if leaf.Body != h.veil.BodyOf(e.Seq, body) {
		t.Errorf("leaf %d does not open to its body", e.Seq)
	}
	if e.Minor > 0 && !commit.OpenAmount(commit.Point(leaf.Amount), uint64(e.Minor), h.veil.BlindingOf(e, body)) {
		t.Errorf("leaf %d does not open to %d", e.Seq, e.Minor)
	}
}

func TestManyAtOnceShareCommitsAndKeepTheirAnswers(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		e := h.start()
		h.furnish("JPN", 500, 900)
		const clients, each = 32, 20
		var wait sync.WaitGroup
		for range clients {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for i := range each {
					minor := int64(1)
					if i%4 == 3 {
						minor = 0 // refused, in the same batches
					}
					result, err := e.Submit(context.Background(), engine.Work{Event: h.issue("DESK-JPN", minor)})
					if (minor > 0) != (err == nil) || (minor > 0) != (len(result.Entries) == 1) {
						t.Errorf("an order of %d got %d entries (%v)", minor, len(result.Entries), err)
					}
				}
			}()
		}
		wait.Wait()
		var a ledger.Account
		if err := e.View(t.Context(), func(m *swap.Machine) { a, _ = m.Ledger().Account("DESK-JPN") }); err != nil {
			t.Fatal(err)
		}
		if want := int64(500 + clients*each*3/4); a.Balance() != want {
			t.Errorf("the balance is %d, want %d", a.Balance(), want)
		}
	})
}

func TestAFullQueueRefuses(t *testing.T) {
	pgtest.NoLeaks(t)
	h := newHouse(t, "boj", "JPY", memory)
	store, err := h.open(t)
	if err != nil {
		t.Fatal(err)
	}
	cfg := h.config(store)
	cfg.Queue = 1
	e, err := engine.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	stuck, free := make(chan struct{}), make(chan struct{})
	go func() {
		// Holds the writer's goroutine.
		if err := e.View(context.Background(), func(*swap.Machine) { close(stuck); <-free }); err != nil {
			t.Error(err)
		}
	}()
	<-stuck
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := e.Submit(ctx, engine.Work{Event: h.issue("X", 1)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an event in the queue gives %v", err)
	}
	if _, err := e.Submit(t.Context(), engine.Work{Event: h.issue("X", 1)}); refusal.CodeOf(err) != engine.CodeBusy {
		t.Errorf("an event beyond the queue gives %v", err)
	}
	close(free)
}

func TestAClosedEngineSaysSo(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		e := h.start()
		if err := errors.Join(e.Close(), e.Close(), e.Err()); err != nil {
			t.Error(err)
		}
		<-e.Done()
		if _, err := e.Submit(t.Context(), engine.Work{Event: swap.Tick{}}); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("Submit gives %v", err)
		}
		if err := e.View(t.Context(), func(*swap.Machine) { t.Error("a view of nothing") }); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("View gives %v", err)
		}
	})
}

func TestAStoreOfAnotherLedgerIsRefused(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		if err := h.start().Close(); err != nil {
			t.Fatal(err)
		}
		store, err := h.open(t)
		if err != nil {
			t.Fatal(err)
		}
		cfg := h.config(store)
		cfg.Machine = swap.New("another", "boj", "JPY", 1)
		if _, err := engine.Open(t.Context(), cfg); refusal.CodeOf(err) != engine.CodeLedgerForeign {
			t.Errorf("got %v", err)
		}
	})
}

// wilful is a store whose commits can be made to break off.
type wilful struct {
	engine.Store
	fate func() (before, after error)
}

func (w *wilful) Commit(ctx context.Context, b *engine.Batch) error {
	before, after := w.fate()
	if before != nil {
		return before
	}
	if err := w.Store.Commit(ctx, b); err != nil {
		return err
	}
	return after
}

func TestACommitOfUnknownOutcomeIsLookedUp(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		var before, after error
		h := newHouse(t, "boj", "JPY", db)
		open := h.open
		h.open = func(t testing.TB) (engine.Store, error) {
			s, err := open(t)
			return &wilful{s, func() (error, error) { return before, after }}, err
		}
		e := h.start()
		h.furnish("JPN", 500, 900)
		broken := errors.New("the connection broke off")

		after = broken
		result, err := e.Submit(t.Context(), engine.Work{Event: h.issue("DESK-JPN", 3)})
		if err != nil || len(result.Entries) != 1 || e.Err() != nil {
			t.Fatalf("a commit that arrived: %v, %v", err, e.Err())
		}
		after, before = nil, broken
		if _, err := e.Submit(t.Context(), engine.Work{Event: h.issue("DESK-JPN", 4)}); !errors.Is(err, engine.ErrStopped) || !errors.Is(err, broken) {
			t.Errorf("a commit that did not arrive: %v", err)
		}
		<-e.Done()
		if !errors.Is(e.Err(), broken) || !errors.Is(e.Close(), broken) {
			t.Errorf("the engine says %v", e.Err())
		}
		before = nil
		h.start()
		if _, balance := balanceOf(t, h, "DESK-JPN"); balance != 503 {
			t.Errorf("the balance is %d", balance)
		}
	})
}

func balanceOf(t testing.TB, h *house, account string) (ledger.Account, int64) {
	t.Helper()
	var a ledger.Account
	if err := h.present().View(context.Background(), func(m *swap.Machine) { a, _ = m.Ledger().Account(account) }); err != nil {
		t.Fatal(err)
	}
	return a, a.Balance()
}

func TestADefectOfTheMachineStopsTheEngineAndNotTheProcess(t *testing.T) {
	pgtest.NoLeaks(t)
	h := newHouse(t, "boj", "JPY", memory)
	e := h.start()
	h.furnish("JPN", 500, 900)
	_, err := e.Submit(t.Context(), engine.Work{Event: swap.PaymentAuthorised{NowMS: now()}}) // without a payment
	if !errors.Is(err, engine.ErrStopped) {
		t.Errorf("got %v", err)
	}
	h.start()
	if _, balance := balanceOf(t, h, "DESK-JPN"); balance != 500 {
		t.Errorf("the balance is %d", balance)
	}
}

func ExampleVeil() {
	v := engine.Veil{Blinding: commit.Secret{1}, Tags: [32]byte{2}, Salt: [32]byte{3}}
	fmt.Printf("%v %+v %#v\n", v, v, v)
	// Output: (veil) (veil) (veil)
}
