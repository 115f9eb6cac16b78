package money

import (
	"cmp"
	"math/bits"
	"slices"

	"entente/schema/refusal"
)

// Allocate splits total in proportion to weights by the largest-remainder method: everyone gets the exact share rounded towards zero, and the minor units
// left over go one each to the largest remainders, ties to the earlier index. The parts always add up to total, and none is a whole unit or more away from
// its exact share; a weight of zero gets nothing. Weights must not be negative, and must add to more than zero and at most 2^63-1 (weights_invalid).
func Allocate(total Amount, weights []int64) ([]Amount, error) {
	var sum uint64
	for i, w := range weights {
		if w < 0 {
			return nil, refusal.Newf(CodeWeightsInvalid, "give every party a share of zero or more", "weight %d is negative: %d", i+1, w)
		}
		if sum += uint64(w); sum > 1<<63-1 {
			return nil, refusal.New(CodeWeightsInvalid, "the weights add to more than 63 bits hold", "scale them down")
		}
	}
	if sum == 0 {
		return nil, refusal.New(CodeWeightsInvalid, "the weights add to zero, so nobody bears the amount", "give at least one party a share")
	}
	magnitude := total.magnitude()
	parts, remainders, order := make([]uint64, len(weights)), make([]uint64, len(weights)), make([]int, len(weights))
	left := magnitude
	for i, w := range weights {
		// w <= sum keeps the quotient at or below magnitude, so the 128-by-64 division cannot overflow.
		hi, lo := bits.Mul64(magnitude, uint64(w))
		parts[i], remainders[i] = bits.Div64(hi, lo, sum)
		left -= parts[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainders[b], remainders[a]) })
	for _, i := range order[:left] {
		parts[i]++
	}
	amounts := make([]Amount, len(weights))
	for i, part := range parts {
		minor := int64(part)
		if total.minor < 0 {
			minor = -minor
		}
		amounts[i] = Amount{minor, total.currency}
	}
	return amounts, nil
}
