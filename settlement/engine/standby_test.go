package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"entente/ops/pgtest"
	"entente/settlement/engine"
	"entente/settlement/postgres"
)

func TestAStandbyWaitsTakesOverAndFencesTheWriterBefore(t *testing.T) {
	pgtest.NoLeaks(t)
	url, open := postgresDatabase(t, "boj")
	h := newHouse(t, "boj", "JPY", func(testing.TB, string) func(testing.TB) (engine.Store, error) { return open })
	first := h.start()
	h.furnish("JPN", 500, 900)
	waiting, second := make(chan struct{}), make(chan *engine.Engine, 1)
	go func() {
		store, err := postgres.Standby(context.Background(), url, "boj", func() { close(waiting) })
		if err != nil {
			t.Error(err)
			close(second)
			return
		}
		e, err := engine.Open(context.Background(), h.config(store))
		if err != nil {
			t.Error(err)
		}
		second <- e
	}()
	<-waiting
	for range 10 {
		h.must(h.issue("DESK-JPN", 1))
	}
	select {
	case <-second:
		t.Fatal("two writers at once")
	case <-time.After(400 * time.Millisecond):
	}
	rewrite(t, url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
	e := <-second
	if e == nil {
		return
	}
	t.Cleanup(func() { _ = e.Close() })
	if _, err := first.Submit(t.Context(), engine.Work{Event: h.issue("DESK-JPN", 1)}); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the first writer gives %v", err)
	}
}

// Two writers that both believe in their turn never both commit: whatever one of them acknowledges is there once, and the chain of batches has no branch.
func TestTwoWritersAtOnceLoseAndDoubleNothing(t *testing.T) {
	pgtest.NoLeaks(t)
	url, open := postgresDatabase(t, "boj")
	h := newHouse(t, "boj", "JPY", func(testing.TB, string) func(testing.TB) (engine.Store, error) { return open })
	h.start()
	h.furnish("JPN", 500, 900)
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var writers sync.WaitGroup
	var acknowledged [2]int64
	var turns [2]int
	for w := range 2 {
		writers.Go(func() {
			for ctx.Err() == nil {
				store, err := postgres.Standby(ctx, url, "boj", func() {})
				if err != nil {
					continue // its session was ended, or the time is over
				}
				e, err := engine.Open(context.Background(), h.config(store))
				if err != nil {
					continue
				}
				turns[w]++
				for ctx.Err() == nil {
					if _, err := e.Submit(context.Background(), engine.Work{Event: h.issue("DESK-JPN", 1)}); err != nil {
						break // lost the session; whether this one is there is unknown, and nobody was told that it is
					}
					acknowledged[w]++
				}
				_ = e.Close() // its fault is the test's business
			}
		})
	}
	writers.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(150 * time.Millisecond)
			terminate(t, url)
		}
	})
	writers.Wait()
	h.start()
	_, got := balanceOf(t, h, "DESK-JPN")
	least := 500 + acknowledged[0] + acknowledged[1]
	if got < least || got > least+int64(turns[0]+turns[1]) {
		t.Errorf("%d and what was left open in %d turns were acknowledged, and %d is there", least, turns[0]+turns[1], got)
	}
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	if err := fsck(t, h, url); err != nil {
		t.Error(err)
	}
	t.Logf("acknowledged %v in %v turns", acknowledged, turns)
}
