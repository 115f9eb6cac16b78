package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"entente/settlement/engine"
	"entente/settlement/swap"
)

// gated is a store whose commits tell that they begin, and then wait to be told how they end.
type gated struct {
	engine.Store
	began chan int // entries of the batch
	end   chan error
}

// Commit implements engine.Store.
func (g *gated) Commit(ctx context.Context, b *engine.Batch) error {
	g.began <- len(b.Records)
	if err := <-g.end; err != nil {
		return err
	}
	return g.Store.Commit(ctx, b)
}

// gate runs a furnished house on a store whose gate is shut from now on.
func gate(t *testing.T, db database) (*house, *gated) {
	h := newHouse(t, "boj", "JPY", db)
	h.start()
	h.furnish("JPN", 500, 900)
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	store, err := h.open(t)
	if err != nil {
		t.Fatal(err)
	}
	g := &gated{Store: store, began: make(chan int), end: make(chan error)}
	open := h.open
	h.open = func(testing.TB) (engine.Store, error) { return g, nil }
	h.start()
	h.open = open
	return h, g
}

// told is where an answer arrives.
func told(h *house, event swap.Event) chan error {
	answered := make(chan error, 1)
	go func() {
		_, err := h.present().Submit(context.Background(), engine.Work{Event: event})
		answered <- err
	}()
	return answered
}

// silent fails the test when any of the answers is there, having given them the time for it.
func silent(t *testing.T, answers ...chan error) {
	t.Helper()
	time.Sleep(30 * time.Millisecond)
	for i, a := range answers {
		if len(a) > 0 {
			t.Errorf("answer %d is there before its batch is stored", i)
		}
	}
}

func TestNothingIsToldBeforeItIsStored(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h, g := gate(t, db)
		first := h.issue("DESK-JPN", 1)
		a := told(h, first)
		if n := <-g.began; n != 1 {
			t.Fatalf("the first batch has %d entries", n)
		}
		// While it is under way: the same again, which changes nothing and must not be confirmed yet, and another one.
		again, b := told(h, first), told(h, h.issue("DESK-JPN", 2))
		seen := make(chan error, 1)
		var size int64
		silent(t, a, again, b)
		go func() {
			seen <- h.present().View(context.Background(), func(m *swap.Machine) { size = m.Ledger().Size() })
		}()
		silent(t, a, again, b, seen)
		before := h.present().Head().Size
		g.end <- nil
		if err := <-a; err != nil {
			t.Fatal(err)
		}
		if n := <-g.began; n != 1 {
			t.Fatalf("the second batch has %d entries", n)
		}
		if head := h.present().Head().Size; head != before+1 {
			t.Errorf("the head shows %d leaves while %d are stored", head, before+1)
		}
		silent(t, again, b, seen)
		g.end <- nil
		for _, c := range []chan error{again, b, seen} {
			if err := <-c; err != nil {
				t.Error(err)
			}
		}
		if size != before+2 {
			t.Errorf("the reader saw %d entries, want %d", size, before+2)
		}
	})
}

func TestWhatFollowsALostBatchIsLostWithIt(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h, g := gate(t, db)
		first, second := h.issue("DESK-JPN", 10), h.issue("DESK-JPN", 20)
		a := told(h, first)
		<-g.began
		b := told(h, second)
		seen := make(chan error, 1)
		silent(t, a, b)
		go func() { seen <- h.present().View(context.Background(), func(*swap.Machine) {}) }()
		silent(t, seen)
		broken := errors.New("the disk is full")
		g.end <- broken
		for i, c := range []chan error{a, b, seen} {
			if err := <-c; !errors.Is(err, engine.ErrStopped) || !errors.Is(err, broken) {
				t.Errorf("answer %d: %v", i, err)
			}
		}
		<-h.present().Done()
		h.start()
		if _, balance := balanceOf(t, h, "DESK-JPN"); balance != 500 {
			t.Errorf("the balance is %d", balance)
		}
		h.must(second)
		h.must(first)
		if _, balance := balanceOf(t, h, "DESK-JPN"); balance != 530 {
			t.Errorf("the balance is %d after both were given again", balance)
		}
	})
}

func TestClosingStoresWhatIsUnderWayAndInHand(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h, g := gate(t, db)
		a := told(h, h.issue("DESK-JPN", 1))
		<-g.began
		b := told(h, h.issue("DESK-JPN", 2))
		silent(t, a, b)
		closed := make(chan error, 1)
		go func() { closed <- h.present().Close() }()
		silent(t, closed)
		g.end <- nil
		<-g.began
		g.end <- nil
		for _, c := range []chan error{a, b, closed} {
			if err := <-c; err != nil {
				t.Error(err)
			}
		}
		h.start()
		if _, balance := balanceOf(t, h, "DESK-JPN"); balance != 503 {
			t.Errorf("the balance is %d", balance)
		}
	})
}
