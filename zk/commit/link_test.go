package commit

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/refusal"
)

func drawLink(t *rapid.T) LinkWitness {
	return LinkWitness{Context: FormulaDigest([]byte{rapid.Byte().Draw(t, "context")}), K: rapid.IntRange(0, Categories-1).Draw(t, "k"),
		Totals: drawSums(t, "sums").Totals(), R: drawScalar(t, "r"), S: drawScalar(t, "s")}
}

func TestALinkHoldsForWhatItStatesAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawLink(t)
		l, err := w.Public()
		if err != nil {
			t.Fatal(err)
		}
		proof, err := ProveLink(w)
		if err != nil || len(proof) != LinkSize {
			t.Fatalf("%d bytes, %v", len(proof), err)
		}
		if err := VerifyLink(l, proof); err != nil {
			t.Fatal(err)
		}
		// Another category with another amount, another commitment, another context, another byte.
		other := l
		other.K = (l.K + 1) % Categories
		for what, wrong := range map[string]Link{
			"category": other,
			"C":        {l.Context, l.K, AmountGenerator(), l.A},
			"A":        {l.Context, l.K, l.C, AmountGenerator()},
			"context":  {FormulaDigest([]byte("another")), l.K, l.C, l.A},
		} {
			if err := VerifyLink(wrong, proof); refusal.CodeOf(err) != CodeLinkInvalid {
				t.Fatalf("another %s: %v", what, err)
			}
		}
		spoilt := bytes.Clone(proof)
		spoilt[rapid.IntRange(0, LinkSize-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if code := refusal.CodeOf(VerifyLink(l, spoilt)); code != CodeLinkInvalid && code != CodeScalarInvalid {
			t.Fatalf("a changed proof: %q", code)
		}
	})
}

// TestALinkOfAnotherAmountCannotBeMade plays the liar who knows both openings, of different amounts.
func TestALinkOfAnotherAmountCannotBeMade(t *testing.T) {
	w := LinkWitness{K: 3, Totals: Sums{3: 700}.Totals(), R: Scalar{31: 1}, S: Scalar{31: 2}}
	l, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	if l.A, err = CommitAmount(699, w.S); err != nil {
		t.Fatal(err)
	}
	proof, err := ProveLink(w)
	if err != nil {
		t.Fatal(err)
	}
	if refusal.CodeOf(VerifyLink(l, proof)) != CodeLinkInvalid {
		t.Error("a charge of 699 passes for 700")
	}
}

func TestLinksAreRefusedByName(t *testing.T) {
	w := LinkWitness{K: 3, Totals: Sums{3: 700}.Totals()}
	l, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := ProveLink(w)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		want refusal.Code
		link Link
		b    []byte
	}{
		"nothing":               {CodeLinkInvalid, l, nil},
		"one byte short":        {CodeLinkInvalid, l, proof[:LinkSize-1]},
		"one byte long":         {CodeLinkInvalid, l, append(bytes.Clone(proof), 0)},
		"category 16":           {CodeLinkInvalid, Link{l.Context, Categories, l.C, l.A}, proof},
		"category -1":           {CodeLinkInvalid, Link{l.Context, -1, l.C, l.A}, proof},
		"numbers beyond":        {CodeScalarInvalid, l, bytes.Repeat([]byte{0xff}, LinkSize)},
		"a point off the curve": {CodePointInvalid, Link{l.Context, l.K, Point{1}, l.A}, proof},
	} {
		if err := VerifyLink(c.link, c.b); refusal.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	for what, c := range map[string]struct {
		want refusal.Code
		w    LinkWitness
	}{
		"category 16":        {CodeChunkInvalid, LinkWitness{K: Categories}},
		"an amount of 2^63":  {CodeAmountOutOfRange, LinkWitness{Totals: Totals{{Low: 1 << 63}}}},
		"an amount of 2^64":  {CodeAmountOutOfRange, LinkWitness{Totals: Totals{{High: 1}}}},
		"a blinding beyond":  {CodeScalarInvalid, LinkWitness{R: Scalar{0xff}}},
		"another one beyond": {CodeScalarInvalid, LinkWitness{S: Scalar{0xff}}},
	} {
		if _, err := ProveLink(c.w); refusal.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
}

// FuzzVerifyLink alters a proof by what it is given.
func FuzzVerifyLink(f *testing.F) {
	w := LinkWitness{K: 3, Totals: Sums{3: 700}.Totals()}
	l, err := w.Public()
	if err != nil {
		f.Fatal(err)
	}
	proof, err := ProveLink(w)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add([]byte{31: 1})
	f.Fuzz(func(t *testing.T, change []byte) {
		b := bytes.Clone(proof)
		for i, x := range change {
			if i < len(b) {
				b[i] ^= x
			}
		}
		if err := VerifyLink(l, b); (err == nil) != bytes.Equal(b, proof) {
			t.Errorf("%v", err)
		}
	})
}
