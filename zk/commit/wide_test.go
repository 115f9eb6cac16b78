package commit

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestManyCommitmentsAreThoseOfOneByOne(t *testing.T) {
	check := func(t rapid.TB, blindings []Scalar) {
		amounts := make([]uint64, len(blindings))
		for i := range amounts {
			amounts[i] = uint64(i) << (i % 56)
		}
		points, err := CommitAmounts(amounts, blindings)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range points {
			if one, err := CommitAmount(amounts[i], blindings[i]); err != nil || one != p {
				t.Fatalf("%d under blinding %x: together %s, alone %s, %v", amounts[i], blindings[i][:], p, one, err)
			}
		}
	}
	// Where digits carry: at a half, one beside it, and all the way up.
	var edges []Scalar
	for _, bit := range []uint{0, 1, 10, 11, 21, 22, 249, 250} {
		for _, beside := range []int64{-1, 0, 1} {
			v := new(big.Int).Lsh(big.NewInt(1), bit)
			edges = append(edges, scalarOf(v.Add(v, big.NewInt(beside))), scalarOf(new(big.Int).Sub(Order(), v)))
		}
	}
	if len(edges) < wideFrom {
		t.Fatalf("%d are too few to go the other way", len(edges))
	}
	check(t, edges)
	if top := wideDigits((*Scalar)(&orderBytes))[wideWindows-1]; top <= 0 || top > wideHalf {
		t.Errorf("the highest digit of the order is %d", top)
	}
	rapid.Check(t, func(t *rapid.T) {
		blindings := make([]Scalar, wideFrom)
		for i := range blindings {
			blindings[i] = drawScalar(t, "blinding")
		}
		check(t, blindings)
	})
}

func TestManyCommitmentsRefuseOneBadInput(t *testing.T) {
	amounts, blindings := make([]uint64, wideFrom), make([]Scalar, wideFrom)
	blindings[wideFrom-1] = Scalar(orderBytes)
	if _, err := CommitAmounts(amounts, blindings); err == nil {
		t.Error("a blinding that is not below the order was taken")
	}
}
