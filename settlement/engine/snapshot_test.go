package engine_test

import (
	"context"
	"flag"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entente/ops/pgtest"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/postgres"
	"entente/settlement/swap"
)

var startupEntries = flag.Int("startup.entries", 2_000, "entries of the ledger whose start-up is measured")

// keepSnapshot checks a database and keeps a snapshot of what the check has come to.
func keepSnapshot(t testing.TB, h *house, url string) {
	t.Helper()
	check := h.checker(true)
	if err := postgres.Fsck(t.Context(), url, h.identity(), check, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	s, err := check.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	w, err := postgres.Watch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Keep(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func TestAStartFromASnapshotGivesWhatFoldingEverythingGives(t *testing.T) {
	pgtest.NoLeaks(t)
	p, urls := played(t)
	for _, h := range []*house{p.aus, p.jpn} {
		for round := range 3 { // into both slots, and over the first
			keepSnapshot(t, h, urls[h.bank])
			h.start()
			if round < 2 {
				h.must(h.issue("LP-"+h.currency, 1))
			}
			if err := h.present().Close(); err != nil {
				t.Fatal(err)
			}
			if err := fsck(t, h, urls[h.bank]); err != nil {
				t.Errorf("%s: %v", h.bank, err)
			}
		}
		folded := newHouseAt(t, h, pgtest.Copy(t, urls[h.bank]))
		rewrite(t, folded.url, "DELETE FROM snapshot")
		h.start()
		if got, want := portrait(t, h.present()), portrait(t, folded.start()); got != want {
			t.Errorf("from the snapshot:\n%s\nfrom the first entry:\n%s", got, want)
		}
	}
}

// lodger is a house on another database.
type lodger struct {
	*house
	url string
}

func newHouseAt(t testing.TB, h *house, url string) *lodger {
	t.Helper()
	other := &house{t: t, bank: h.bank, currency: h.currency, signer: h.signer, log: h.log, verifier: h.verifier, veil: h.veil, clock: h.clock, deliver: func([]engine.Message) {}}
	other.open = func(testing.TB) (engine.Store, error) { return postgres.Open(context.Background(), url, h.bank) }
	return &lodger{other, url}
}

func TestAChangedSnapshotStopsTheStartAndIsFoundByFsck(t *testing.T) {
	pgtest.NoLeaks(t)
	p, urls := played(t)
	keepSnapshot(t, p.aus, urls["rba"])
	for name, statement := range map[string]string{
		"its size":            "UPDATE snapshot SET size = size - 1",
		"its root":            "UPDATE snapshot SET root = set_bit(root, 9, 1 - get_bit(root, 9))",
		"its edge":            "UPDATE snapshot SET edge = set_bit(edge, 9, 1 - get_bit(edge, 9))",
		"its hash":            "UPDATE snapshot SET hash = set_bit(hash, 9, 1 - get_bit(hash, 9))",
		"its seal":            "UPDATE snapshot SET seal = set_bit(seal, 9, 1 - get_bit(seal, 9))",
		"its batch":           "UPDATE snapshot SET batch = batch - 1",
		"a bit of the state":  "UPDATE snapshot_part SET bytes = set_bit(bytes, 999, 1 - get_bit(bytes, 999))",
		"the state, and hash": "UPDATE snapshot_part SET bytes = set_bit(bytes, 999, 1 - get_bit(bytes, 999)); UPDATE snapshot SET hash = sha256((SELECT bytes FROM snapshot_part))",
		"a part is gone":      "DELETE FROM snapshot_part",
		"one it never made":   "UPDATE snapshot SET batch = 1000000",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouseAt(t, p.aus, pgtest.Copy(t, urls["rba"]))
			rewrite(t, h.url, statement)
			if _, err := h.tryStart(); refusal.CodeOf(err) != engine.CodeJournalBroken {
				t.Errorf("the start gives %v", err)
			}
			if err := fsck(t, h.house, h.url); refusal.CodeOf(err) != engine.CodeJournalBroken {
				t.Errorf("fsck gives %v", err)
			}
		})
	}
}

// TestStartUp measures: go test ./settlement/engine -run TestStartUp -v -startup.entries=1000000
func TestStartUp(t *testing.T) {
	url, open := postgresDatabase(t, "boj")
	h := newHouse(t, "boj", "JPY", func(testing.TB, string) func(testing.TB) (engine.Store, error) { return open })
	h.start()
	h.furnish("JPN", 1<<40, 1<<40)
	h.openAccount("DESK-AUS", "AUS", wire.AccountDesk)
	began := time.Now()
	var given atomic.Int64
	var clients sync.WaitGroup
	for range 512 {
		clients.Go(func() {
			for given.Add(1) <= int64(*startupEntries) {
				in := wire.Instruction{Network: network, ID: randomID(), UETR: randomID(), Payer: "JPN", PayerBank: "boj", PayerAccount: "DESK-JPN", DebitCurrency: "JPY", MaxDebitMinor: 1,
					Payee: "AUS", PayeeBank: "boj", PayeeAccount: "DESK-AUS", PayCurrency: "JPY", PayMinor: 1, CreatedMS: now(), DeadlineMS: now() + 600_000}
				if _, err := h.submit(engine.Work{Event: swap.TransferAuthorised{Instruction: &in, InstructionHash: in.Hash(), NowMS: now()}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
	t.Logf("%d entries written in %v", *startupEntries, time.Since(began).Round(time.Millisecond))
	for _, from := range []string{"the first entry", "a snapshot"} {
		if err := h.present().Close(); err != nil {
			t.Fatal(err)
		}
		if from == "a snapshot" {
			checking := time.Now()
			keepSnapshot(t, h, url)
			took := time.Since(checking)
			t.Logf("fsck and snapshot in %v, %.0f entries a second", took.Round(time.Millisecond), float64(*startupEntries)/took.Seconds())
		}
		starting := time.Now()
		h.start()
		t.Logf("start from %s in %v", from, time.Since(starting).Round(time.Millisecond))
	}
}
