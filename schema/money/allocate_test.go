package money

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAllocationGivesLeftoversToTheLargestRemaindersEarlierFirst(t *testing.T) {
	for _, tt := range []struct {
		name    string
		total   int64
		weights []int64
		want    []int64
	}{
		{"a tie goes to the earlier", 100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{"two left over", 101, []int64{1, 1, 1}, []int64{34, 34, 33}},
		{"the larger remainder first", 10, []int64{3333, 3333, 3334}, []int64{3, 3, 4}},
		{"basis points", 1_000_001, []int64{4000, 3500, 2500}, []int64{400_001, 350_000, 250_000}},
		{"who has no share gets nothing", 7, []int64{0, 1, 0, 1}, []int64{0, 4, 0, 3}},
		{"a negative total mirrors", -100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{"nothing", 0, []int64{5, 5}, []int64{0, 0}},
		{"the largest", math.MaxInt64, []int64{math.MaxInt64 - 1, 1}, []int64{math.MaxInt64 - 1, 1}},
		{"the least", math.MinInt64, []int64{1}, []int64{math.MinInt64}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parts, err := Allocate(New(tt.total, jpy), tt.weights)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]int64, len(parts))
			for i, p := range parts {
				got[i] = p.Minor()
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	for _, bad := range [][]int64{nil, {0, 0}, {1, -1}, {math.MaxInt64, 1}, {math.MaxInt64, math.MaxInt64, math.MaxInt64}} {
		_, err := Allocate(New(1, jpy), bad)
		wantCode(t, err, CodeWeightsInvalid)
	}
}

func TestAllocationAlwaysSumsAndStaysWithinOneUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := anyMinor().Draw(t, "total")
		weights := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 10_000), rapid.Int64Range(0, math.MaxInt64/8)), 1, 8).Draw(t, "weights")
		weights[0]++
		sum, got := new(big.Int), new(big.Int)
		for _, w := range weights {
			sum.Add(sum, big.NewInt(w))
		}
		parts, err := Allocate(New(total, inr), weights)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range parts {
			got.Add(got, big.NewInt(p.Minor()))
			// |part*sum - total*weight| < sum
			exact := new(big.Int).Mul(big.NewInt(total), big.NewInt(weights[i]))
			off := new(big.Int).Mul(big.NewInt(p.Minor()), sum)
			if off.Sub(off, exact).CmpAbs(sum) >= 0 {
				t.Fatalf("part %d of %d by %v is %s", i, total, weights, p)
			}
		}
		if got.Cmp(big.NewInt(total)) != 0 {
			t.Fatalf("%d by %v adds to %s", total, weights, got)
		}
	})
}

func TestAllocationGivesEqualWeightsTheLeftoversInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(1, 3), 13, 80).Draw(t, "weights")
		parts, err := Allocate(New(rapid.Int64Range(0, 10_000).Draw(t, "total"), inr), weights)
		if err != nil {
			t.Fatal(err)
		}
		last := map[int64]int64{}
		for i, p := range parts {
			if before, ok := last[weights[i]]; ok && p.Minor() > before {
				t.Fatalf("%v by %v: party %d overtakes an earlier one", parts, weights, i+1)
			}
			last[weights[i]] = p.Minor()
		}
	})
}
