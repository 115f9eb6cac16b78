package engine_test

import (
	"testing"

	"entente/ops/pgtest"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
)

func TestPartsThatDoNotFitAreRefused(t *testing.T) {
	pgtest.NoLeaks(t)
	other := newHouse(t, "rba", "AUD", memory)
	for name, change := range map[string]func(*engine.Config){
		"no store":                      func(c *engine.Config) { c.Store = nil },
		"no carrier":                    func(c *engine.Config) { c.Deliver = nil },
		"another bank's swap key":       func(c *engine.Config) { c.Swap = other.signer },
		"another log's checkpoint key":  func(c *engine.Config) { c.Checkpoint = other.log },
		"an origin that is not the key": func(c *engine.Config) { c.Origin = "else" },
		"a negative queue":              func(c *engine.Config) { c.Queue = -1 },
		"a machine that is in use": func(c *engine.Config) {
			c.Machine.Step(swap.OrderGiven{Order: wire.Order{Network: network, Bank: "boj", Key: wire.ID{1}, Kind: wire.OrderOpen, Account: "ABC", Owner: "x", As: wire.AccountDesk}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, "boj", "JPY", memory)
			store, err := h.open(t)
			if err != nil {
				t.Fatal(err)
			}
			cfg := h.config(store)
			change(&cfg)
			if _, err := engine.Open(t.Context(), cfg); refusal.CodeOf(err) != engine.CodeMisconfigured {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEvidenceThatNoStoreTakesIsRefusedBeforeTheEvent(t *testing.T) {
	pgtest.NoLeaks(t)
	h := newHouse(t, "boj", "JPY", memory)
	e := h.start()
	for _, bad := range []engine.Evidence{{Kind: "", Bytes: []byte{1}}, {Kind: "order"}, {Kind: "a\x00b", Bytes: []byte{1}}, {Kind: "\xff", Bytes: []byte{1}}} {
		if _, err := e.Submit(t.Context(), engine.Work{Event: swap.Tick{}, Evidence: []engine.Evidence{bad}}); refusal.CodeOf(err) != engine.CodeMisconfigured {
			t.Errorf("%+v gives %v", bad, err)
		}
	}
	if _, err := e.Submit(t.Context(), engine.Work{}); refusal.CodeOf(err) != engine.CodeMisconfigured {
		t.Errorf("no event gives %v", err)
	}
}

func TestADocumentIsKeptOnce(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		e := h.start()
		kept := engine.Evidence{Kind: "rate", Hash: wire.Hash{7}, Bytes: []byte("a proof")}
		if err := e.Keep(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		again := kept
		again.Bytes = []byte("another proof")
		if err := e.Keep(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if b, ok, err := e.Evidence(t.Context(), "rate", wire.Hash{7}); err != nil || !ok || string(b) != "a proof" {
			t.Errorf("%q, %v, %v", b, ok, err)
		}
		if err := e.Keep(t.Context(), engine.Evidence{Kind: "rate"}); refusal.CodeOf(err) != engine.CodeMisconfigured {
			t.Errorf("a document without bytes: %v", err)
		}
	})
}
