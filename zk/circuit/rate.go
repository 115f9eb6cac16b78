package circuit

import (
	"math/big"

	"github.com/consensys/gnark/frontend"

	"entente/schema/money"
	"entente/zk/commit"
)

// errorBits bounds twice the distance between the limits of an error: they are at most 2^74 apart on either side of zero.
const errorBits = 76

// Rate proves commit.RatePublic: one hidden amount is another, converted and rounded. Its native twin is commit.RateWitness.Public.
//
// With e = b*divisor - a*multiplier, the error in parts of the divisor, the roundings are these, and each leaves exactly one b:
//
//	up          0 <= e < divisor
//	down        -divisor < e <= 0
//	half_up     -divisor < 2e <= divisor
//	half_even   -divisor <= 2e <= divisor for an even b, -divisor < 2e < divisor for an odd one
type Rate struct {
	Context    frontend.Variable `gnark:",public"`
	A          Coordinates       `gnark:",public"`
	B          Coordinates       `gnark:",public"`
	Multiplier frontend.Variable `gnark:",public"` // below 2^77: commit.RatePublic.Fraction
	Divisor    frontend.Variable `gnark:",public"` // below 2^74
	Rounding   frontend.Variable `gnark:",public"` // 1 to 4, the values of money.Rounding

	From, To Opening
	Modes    [4]frontend.Variable // one of them is 1: up, down, half_up, half_even
	Under    [errorBits]frontend.Variable
	Over     [errorBits]frontend.Variable
}

// AssignRate gives the full assignment for w and the statement it proves, with the refusals of commit.RateWitness.Public.
func AssignRate(w commit.RateWitness) (*Rate, commit.RatePublic, error) {
	public, err := w.Public()
	if err != nil {
		return nil, commit.RatePublic{}, err
	}
	b, err := w.Converted()
	if err != nil {
		return nil, commit.RatePublic{}, err
	}
	rate, err := AssignRatePublic(public)
	if err != nil {
		return nil, commit.RatePublic{}, err
	}
	rate.From.assign(w.Amount, w.R)
	rate.To.assign(b, w.S)
	rate.assignError(new(big.Int).SetUint64(w.Amount), new(big.Int).SetUint64(b), w.Rounding)
	return rate, public, nil
}

// AssignRatePublic gives the public half of an assignment; refused as commit.RatePublic.Fraction refuses, and point_invalid.
func AssignRatePublic(p commit.RatePublic) (*Rate, error) {
	multiplier, divisor, err := p.Fraction()
	if err != nil {
		return nil, err
	}
	rate := &Rate{Context: p.Context[:], Multiplier: multiplier, Divisor: divisor, Rounding: uint8(p.Rounding)}
	if rate.A, err = coordinatesOf(p.A); err != nil {
		return nil, err
	}
	if rate.B, err = coordinatesOf(p.B); err != nil {
		return nil, err
	}
	return rate, nil
}

// assignError assigns what a, b and the rounding imply.
func (r *Rate) assignError(a, b *big.Int, rounding money.Rounding) {
	multiplier, divisor := r.Multiplier.(*big.Int), r.Divisor.(*big.Int)
	twice := new(big.Int).Sub(new(big.Int).Mul(b, divisor), new(big.Int).Mul(a, multiplier))
	twice.Lsh(twice, 1)
	less := func(n int64) *big.Int { return new(big.Int).Sub(divisor, big.NewInt(n)) }
	low, high := new(big.Int), new(big.Int)
	switch odd := int64(b.Bit(0)); rounding {
	case money.RoundUp:
		high.Lsh(less(1), 1)
	case money.RoundDown:
		low.Lsh(less(1), 1)
	case money.RoundHalfUp:
		low, high = less(1), less(0)
	case money.RoundHalfEven:
		low, high = less(odd), less(odd)
	}
	for i := range r.Modes {
		r.Modes[i] = 0
	}
	r.Modes[rounding-money.RoundUp] = 1
	assignBits(r.Under[:], high.Sub(high, twice))
	assignBits(r.Over[:], low.Add(low, twice))
}

// Define states the constraints.
func (r *Rate) Define(api frontend.API) error {
	api.Mul(r.Context, r.Context) // binds the context

	a := r.From.assertOpens(api, r.A)
	b := r.To.assertOpens(api, r.B)

	for i := range r.Modes {
		api.AssertIsBoolean(r.Modes[i])
	}
	up, down, halfUp, halfEven := r.Modes[0], r.Modes[1], r.Modes[2], r.Modes[3]
	api.AssertIsEqual(total(api, r.Modes[:]), 1)
	api.AssertIsEqual(api.Add(up, api.Mul(down, 2), api.Mul(halfUp, 3), api.Mul(halfEven, 4)), r.Rounding)

	// Amounts are below 2^63, the multiplier below 2^77 and the divisor below 2^74: no product reaches 2^141.
	twice := api.Mul(api.Sub(api.Mul(b, r.Divisor), api.Mul(a, r.Multiplier)), 2)
	odd := api.Mul(halfEven, r.To.Amount[0])
	high := api.Sub(api.Mul(api.Add(api.Mul(up, 2), halfUp, halfEven), r.Divisor), api.Mul(up, 2), odd)
	low := api.Sub(api.Mul(api.Add(api.Mul(down, 2), halfUp, halfEven), r.Divisor), api.Mul(down, 2), halfUp, odd)
	api.AssertIsEqual(api.Sub(high, twice), assertBits(api, r.Under[:])) // twice the error is at most high
	api.AssertIsEqual(api.Add(low, twice), assertBits(api, r.Over[:]))   // and at least -low
	return nil
}
