package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/zk/commit"
)

func someEntries(random *rand.Rand, from int64, n int) []ledger.Entry {
	text := func(name string) string { return fmt.Sprintf("%s-%d", name, random.IntN(40)) }
	bytes32 := func() (b [32]byte) {
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	entries := make([]ledger.Entry, n)
	for i := range entries {
		e := &entries[i]
		*e = ledger.Entry{Seq: from + int64(i), TimeMS: 5, Kind: wire.LeafTransfer, Debit: text("DESK"), Credit: text("LP"), Minor: 1 + random.Int64N(1<<62), Reference: bytes32(),
			Part: random.Uint32N(3), Cause: bytes32()}
		switch random.IntN(5) {
		case 0: // no money
			e.Kind, e.Debit, e.Minor = wire.LeafOpen, "", 0
			e.Owner = text("owner")
		case 1: // a bill
			e.Kind, e.Debit, e.Credit, e.Minor = wire.LeafBill, "", "", 0
			e.Programme = bytes32()
			e.Chunks = make([]wire.Chunk, 1+random.IntN(3))
			e.Chunks[0].Digest = bytes32()
		case 2: // paying bills
			e.Bills = []wire.Hash{bytes32(), bytes32()}
			e.Blinding = commit.DeriveBlinding(commit.Secret{}, "total", [16]byte{}, 1, uint32(i), nil)
		case 3:
			e.Value, e.Reserve = 20261120, "RTGS"
		}
	}
	return entries
}

func TestALoomGivesWhatTheVeilGives(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	v := Veil{Blinding: commit.Secret{1}, Tags: [32]byte{2}, Salt: [32]byte{3}, Epoch: 4}
	l := v.loom()
	for len(l.hands) < 3 { // as on three cores
		l.hands = append(l.hands, v.loom().hands[0])
	}
	seq := int64(0)
	for _, n := range []int{0, 1, 2, 31, 2 * blockLeast, 3*blockLeast + 17, 1} {
		entries := someEntries(random, seq, n)
		seq += int64(n)
		want, err := v.Records(entries)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.records(entries)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d records of %d entries", len(got), n)
		}
		for i := range want {
			if got[i].Entry.Seq != want[i].Entry.Seq || !bytes.Equal(got[i].Body, want[i].Body) || !bytes.Equal(got[i].Leaf, want[i].Leaf) {
				t.Fatalf("entry %d of %d (%s) differs", i, n, want[i].Entry.Kind)
			}
			if err := v.check(&got[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestALoomRefusesWhatCannotBeEncoded(t *testing.T) {
	v := Veil{}
	entries := someEntries(rand.New(rand.NewPCG(1, 2)), 0, 2*blockLeast)
	entries[2*blockLeast-1].Owner = "a\x00b"
	if _, err := v.loom().records(entries); err == nil {
		t.Error("an owner with a control character was written")
	}
}

func TestALoomKeepsItsSecrets(t *testing.T) {
	v := Veil{}
	if s := fmt.Sprintf("%v %+v %#v", v.loom(), v.loom(), v.loom()); s != "(loom) (loom) (loom)" {
		t.Error(s)
	}
}
