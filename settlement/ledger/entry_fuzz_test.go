package ledger

import (
	"bytes"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// FuzzParseEntry reads bytes as the journal stores entries, and folds what they say: refused by name, or the one encoding of an entry that folds or does not.
func FuzzParseEntry(f *testing.F) {
	b := opened(f)
	bill := b.bill("seed", 1)
	b.apply(b.state.Hold(pays("seed", 5, bill), b.nowMS))
	b.apply(b.state.Void(hashOf("seed"), hashOf("abort"), b.nowMS))
	b.status("JP-DESK", wire.StatusFrozen)
	for i := range b.entries {
		stored, err := b.entries[i].Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stored)
		f.Add(stored[:len(stored)-1])
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		e, err := ParseEntry(stored)
		if err != nil {
			if refusal.CodeOf(err) == "" {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if again, err := e.Bytes(); err != nil || !bytes.Equal(again, stored) {
			t.Fatalf("the entry encodes to %x (%v)", again, err)
		}
		state := opened(t).state
		if err := state.Apply(e); err == nil {
			checkSums(t, state)
		}
	})
}
