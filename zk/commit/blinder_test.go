package commit

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestABlinderGivesWhatDeriveBlindingGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var secret Secret
		copy(secret[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "secret"))
		b := NewBlinder(secret)
		for i := range 3 { // one after another: nothing of the one before is left
			purpose, revision := rapid.String().Draw(t, "purpose"), rapid.Uint32().Draw(t, "revision")
			values := rapid.SliceOf(rapid.Byte()).Draw(t, "values")
			id := [16]byte{byte(i)}
			if got, want := b.Derive(purpose, id, revision, 7, values), DeriveBlinding(secret, purpose, id, revision, 7, values); got != want {
				t.Fatalf("%q/%d: %x, want %x", purpose, revision, got[:], want[:])
			}
		}
	})
	if s := fmt.Sprintf("%v %+v %#v", NewBlinder(Secret{}), NewBlinder(Secret{}), NewBlinder(Secret{})); s != "(blinder) (blinder) (blinder)" {
		t.Error(s)
	}
}
