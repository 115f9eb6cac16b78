package engine_test

import (
	"slices"
	"testing"

	"entente/ops/pgtest"
	"entente/schema/refusal"
	"entente/settlement/engine"
	"entente/zk/transcript"
)

// leafy gives a house whose log is longer than two full tiles.
func leafy(h *house) *engine.Engine {
	h.start()
	h.furnish("JPN", 500, 900)
	done := make(chan struct{})
	for range 8 {
		go func() {
			for range 64 {
				h.must(h.issue("DESK-JPN", 1))
			}
			done <- struct{}{}
		}()
	}
	for range 8 {
		<-done
	}
	return h.present()
}

// nodesOf gives the nodes of level 1, checked against the leaves.
func nodesOf(t *testing.T, e *engine.Engine) []transcript.Hash {
	t.Helper()
	leaves, err := e.Leaves(t.Context(), 0, 1<<20)
	if err != nil || len(leaves) < 2*transcript.TileWidth {
		t.Fatalf("%d leaves (%v)", len(leaves), err)
	}
	nodes, err := e.Nodes(t.Context(), 1, 0, 1<<20)
	if err != nil || len(nodes) != len(leaves)/transcript.TileWidth {
		t.Fatalf("%d nodes over %d leaves (%v)", len(nodes), len(leaves), err)
	}
	for i, node := range nodes {
		if want := transcript.RootOf(leaves[i*transcript.TileWidth : (i+1)*transcript.TileWidth]); node != want {
			t.Errorf("node %d is not the root of its leaves", i)
		}
	}
	if some, err := e.Nodes(t.Context(), 1, 1, 2); err != nil || !slices.Equal(some, nodes[1:2]) {
		t.Errorf("the second node alone is %v (%v)", some, err)
	}
	return nodes
}

func TestEveryFullTileHasItsNode(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		h := newHouse(t, "boj", "JPY", db)
		nodes := nodesOf(t, leafy(h))
		if err := h.present().Close(); err != nil {
			t.Fatal(err)
		}
		if again := nodesOf(t, h.start()); !slices.Equal(again, nodes) {
			t.Error("the nodes changed with the start")
		}
		if err := h.present().Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestNodesThatAreMissingAreMadeAndFalseOnesStopTheStart(t *testing.T) {
	pgtest.NoLeaks(t)
	url, open := postgresDatabase(t, "boj")
	h := newHouse(t, "boj", "JPY", func(testing.TB, string) func(testing.TB) (engine.Store, error) { return open })
	nodes := nodesOf(t, leafy(h))
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	rewrite(t, url, "CREATE SCHEMA truth; CREATE TABLE truth.node AS TABLE node")
	for name, statement := range map[string]string{
		"a bit":             "UPDATE node SET hash = set_bit(hash, 3, 1 - get_bit(hash, 3)) WHERE n = 1",
		"one too many":      "INSERT INTO node SELECT 1, 2, hash FROM node WHERE n = 1",
		"one out of place":  "UPDATE node SET n = 9 WHERE n = 1",
		"one a level above": "INSERT INTO node SELECT 2, 0, hash FROM node WHERE n = 1",
	} {
		rewrite(t, url, statement)
		if _, err := h.tryStart(); refusal.CodeOf(err) != engine.CodeJournalBroken {
			t.Errorf("%s: got %v", name, err)
		}
		rewrite(t, url, "DELETE FROM node; INSERT INTO node SELECT * FROM truth.node")
	}
	rewrite(t, url, "DELETE FROM node")
	h.start()
	if again := nodesOf(t, h.present()); !slices.Equal(again, nodes) {
		t.Error("other nodes were made in the place of those that were missing")
	}
	h.must(h.issue("DESK-JPN", 1))
}
