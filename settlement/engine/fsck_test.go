package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/ops/pgtest"
	"entente/schema/refusal"
	"entente/settlement/engine"
	"entente/settlement/postgres"
	"entente/settlement/swap"
)

func (h *house) identity() engine.Identity {
	return engine.Identity{Network: network, Bank: h.bank, Currency: h.currency, Origin: h.origin()}
}

func (h *house) checker(fold bool) *engine.Checker {
	return engine.NewChecker(h.veil, h.bank, h.currency, h.origin(), h.verifier, fold)
}

func fsck(t testing.TB, h *house, url string) error {
	t.Helper()
	return postgres.Fsck(context.Background(), url, h.identity(), h.checker(true), func(int64, int64) {})
}

// played gives the databases of two banks, closed, after swaps, transfers, refusals and documents.
func played(t *testing.T) (*pair, map[string]string) {
	t.Helper()
	urls := map[string]string{}
	p := newPair(t, func(t testing.TB, bank string) func(testing.TB) (engine.Store, error) {
		url, open := postgresDatabase(t, bank)
		urls[bank] = url
		return open
	})
	p.furnish()
	settleMany(t, p, 5, 20*time.Second)
	for i, h := range []*house{p.aus, p.jpn} {
		// A refusal with its order, twice, and a document that comes by itself.
		order := h.issue("NOBODY", 5)
		for range 2 {
			if _, err := h.submit(engine.Work{Event: order, Evidence: []engine.Evidence{{Kind: "order", Hash: order.Cause, Bytes: []byte{byte(i + 1)}}}}); err == nil {
				t.Fatal("nobody has an account")
			}
		}
		if err := h.present().Keep(t.Context(), engine.Evidence{Kind: "supply", Hash: order.Cause, Bytes: []byte("proof")}); err != nil {
			t.Fatal(err)
		}
	}
	p.quiet(t)
	for _, h := range []*house{p.aus, p.jpn} {
		if err := h.present().Close(); err != nil {
			t.Fatal(err)
		}
	}
	return p, urls
}

func TestFsckFindsNothingWrongWithWhatWasWritten(t *testing.T) {
	pgtest.NoLeaks(t)
	p, urls := played(t)
	for range 2 { // and again after a restart, which goes on in the chain
		for _, h := range []*house{p.aus, p.jpn} {
			if err := fsck(t, h, urls[h.bank]); err != nil {
				t.Errorf("%s: %v", h.bank, err)
			}
			h.start()
			h.must(h.issue("LP-"+h.currency, 1))
			if err := h.present().Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	other := p.aus.identity()
	other.Currency = "NZD"
	err := postgres.Fsck(t.Context(), urls["rba"], other, p.aus.checker(true), func(int64, int64) {})
	if refusal.CodeOf(err) != engine.CodeLedgerForeign {
		t.Errorf("another ledger gives %v", err)
	}
}

func TestFsckNamesTheFirstBrokenEntry(t *testing.T) {
	pgtest.NoLeaks(t)
	p, urls := played(t)
	h, url := p.aus, urls["rba"]
	for _, test := range []struct {
		name, statement string
		seq             int64 // -1: wherever it was found
	}{
		{"an amount beside the entry", "UPDATE entry SET minor = minor + 1 WHERE seq = 4", 4},
		{"a leaf", "UPDATE entry SET leaf = set_bit(leaf, 500, 1 - get_bit(leaf, 500)) WHERE seq = 7", 7},
		{"a commitment", "UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE seq = 4) WHERE seq = 5", 5},
		{"two entries, of which the second is not even readable", "UPDATE entry SET leaf = 'x' WHERE seq = 6; UPDATE entry SET body = 'x' WHERE seq = 8", 6},
		{"an entry that is gone", "DELETE FROM entry WHERE seq = 9", 9},
		{"the end, without its batches", "DELETE FROM entry WHERE seq > 10", 11},
		{"the first entry", "DELETE FROM entry WHERE seq = 0", 0},
		{"a signature", "UPDATE checkpoint SET note = set_bit(note, octet_length(note) * 8 - 60, 1 - get_bit(note, octet_length(note) * 8 - 60)) WHERE size = 3", 2},
		{"an early document", "DELETE FROM evidence WHERE batch = (SELECT min(batch) FROM evidence)", -1},
		{"a document that came by itself", "UPDATE evidence SET bytes = 'other' WHERE kind = 'supply'", -1},
		{"a note's words", "UPDATE note SET text = text || '.'", -1},
		{"a message that was answered", "UPDATE message SET done = NOT done", -1},
		{"a moment", "UPDATE stage SET at_ms = at_ms + 1 WHERE ctid = (SELECT min(ctid) FROM stage)", -1},
		{"the time of a batch", "UPDATE batch SET at_ms = at_ms + 1 WHERE id = 5", -1},
		{"the term of a batch", "UPDATE batch SET term = term + 1 WHERE id = (SELECT max(id) FROM batch); UPDATE writer SET term = term + 1", -1},
		{"when a swap settled", "UPDATE swap SET since_ms = since_ms + 1", -1},
		{"who holds the writer's row", "UPDATE writer SET last = last - 1", -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			damaged := pgtest.Copy(t, url)
			rewrite(t, damaged, test.statement)
			err := fsck(t, h, damaged)
			var damage *engine.Damage
			if !errors.As(err, &damage) || (test.seq >= 0 && damage.Seq != test.seq) || !strings.HasPrefix(err.Error(), fmt.Sprintf("journal_broken at seq %d: ", damage.Seq)) {
				t.Errorf("got %v, want entry %d", err, test.seq)
			}
		})
	}
	if err := fsck(t, h, url); err != nil {
		t.Error(err)
	}
}

func TestARunningBankStopsAtDamageAndDoesNotOpenAgain(t *testing.T) {
	pgtest.NoLeaks(t)
	url, open := postgresDatabase(t, "boj")
	h := newHouse(t, "boj", "JPY", func(testing.TB, string) func(testing.TB) (engine.Store, error) { return open })
	e := h.start()
	h.furnish("JPN", 500, 900)
	watcher, err := postgres.Watch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rounds, found := make(chan int64, 100), make(chan error, 1)
	go func() {
		found <- watcher.Patrol(ctx, h.identity(), func() *engine.Checker { return h.checker(false) }, 50*time.Millisecond, func(n int64) {
			select {
			case rounds <- n:
			default:
			}
		})
	}()
	for range 3 { // under way, while entries come
		h.must(h.issue("DESK-JPN", 1))
		<-rounds
	}
	rewrite(t, url, "UPDATE entry SET time_ms = time_ms + 1 WHERE seq = 2")
	select {
	case err := <-found:
		var damage *engine.Damage
		if !errors.As(err, &damage) || damage.Seq != 2 {
			t.Fatalf("got %v", err)
		}
		e.Halt(err)
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was found")
	}
	<-e.Done()
	if _, err := e.Submit(t.Context(), engine.Work{Event: swap.Tick{NowMS: now()}}); !errors.Is(err, engine.ErrStopped) || refusal.CodeOf(err) != engine.CodeJournalBroken {
		t.Errorf("the engine answers %v", err)
	}
	if damaged, err := watcher.Damaged(t.Context()); err != nil || !damaged {
		t.Errorf("damage is remembered: %v (%v)", damaged, err)
	}
	if err := watcher.CheckAll(t.Context(), h.identity(), h.checker(true)); refusal.CodeOf(err) != engine.CodeJournalBroken {
		t.Errorf("the check before a start gives %v", err)
	}
}
