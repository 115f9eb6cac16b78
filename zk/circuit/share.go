package circuit

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/consensys/gnark/frontend"

	"entente/zk/commit"
)

const (
	weightSumBits = 35 // 8 weights below 2^32 add to less than 2^35
	slotBits      = 3  // of a member's index
	orderBits     = weightSumBits + slotBits
)

// Share proves commit.SharePublic: a total divided by the largest-remainder method. Its native twin is commit.ShareWitness.Public.
//
// With W the sum of the weights, a*w_i = W*q_i + r_i with 0 <= r_i < W, and the charge is q_i, or q_i + 1 where Extra is set. The charges add to a, so there
// are exactly as many extras as units are left over. That they went to the right members: order_i = 8*r_i + 7 - i are distinct numbers that put larger
// remainders first and earlier members before later ones; Extra is set exactly where order_i >= Bar. Any Bar that satisfies this gives the same charges.
type Share struct {
	Context frontend.Variable                    `gnark:",public"`
	Total   Coordinates                          `gnark:",public"`
	Charges [commit.MaxCharges]Coordinates       `gnark:",public"`
	Weights [commit.MaxCharges]frontend.Variable `gnark:",public"`
	Formula frontend.Variable                    `gnark:",public"`

	Whole Opening
	Parts [commit.MaxCharges]Part
	Bar   [orderBits + 1]frontend.Variable
}

// Part is one member's charge and how it came about.
type Part struct {
	Charge    Opening
	Remainder [weightSumBits]frontend.Variable
	Room      [weightSumBits]frontend.Variable // W - 1 - remainder
	Extra     frontend.Variable
	Distance  [orderBits + 1]frontend.Variable // order - Bar with Extra, Bar - 1 - order without
}

// AssignShare gives the full assignment for w and the statement it proves, with the refusals of commit.ShareWitness.Public.
func AssignShare(w commit.ShareWitness) (*Share, commit.SharePublic, error) {
	public, err := w.Public()
	if err != nil {
		return nil, commit.SharePublic{}, err
	}
	charges, err := w.Charges()
	if err != nil {
		return nil, commit.SharePublic{}, err
	}
	share, err := AssignSharePublic(public)
	if err != nil {
		return nil, commit.SharePublic{}, err
	}
	share.Whole.assign(w.Amount, w.S)
	var sum uint64
	for _, weight := range w.Weights {
		sum += uint64(weight)
	}
	var orders, left [commit.MaxCharges]uint64
	extras := uint64(0)
	for i := range share.Parts {
		var charge uint64
		var weight uint32
		var blinding commit.Scalar
		if i < len(charges) {
			charge, weight, blinding = charges[i], w.Weights[i], w.Blindings[i]
		}
		product := new(big.Int).Mul(new(big.Int).SetUint64(w.Amount), big.NewInt(int64(weight)))
		quotient, remainder := product.QuoRem(product, new(big.Int).SetUint64(sum), new(big.Int))
		left[i] = charge - quotient.Uint64()
		orders[i] = remainder.Uint64()<<slotBits + uint64(commit.MaxCharges-1-i)
		extras += left[i]
		part := &share.Parts[i]
		part.Charge.assign(charge, blinding)
		assignBits(part.Remainder[:], remainder)
		assignBits(part.Room[:], new(big.Int).SetUint64(sum-1-remainder.Uint64()))
		part.Extra = left[i]
	}
	// The lowest order that gets an extra unit; above all orders when none does.
	bar := uint64(1) << orderBits
	if extras > 0 {
		sorted := slices.SortedFunc(slices.Values(orders[:]), func(a, b uint64) int { return cmp.Compare(b, a) })
		bar = sorted[extras-1]
	}
	assignBits(share.Bar[:], new(big.Int).SetUint64(bar))
	for i := range share.Parts {
		distance := bar - 1 - orders[i]
		if left[i] == 1 {
			distance = orders[i] - bar
		}
		assignBits(share.Parts[i].Distance[:], new(big.Int).SetUint64(distance))
	}
	return share, public, nil
}

// AssignSharePublic gives the public half of an assignment, unused slots filled; refused (point_invalid) when a point is not on the curve.
func AssignSharePublic(p commit.SharePublic) (*Share, error) {
	share := &Share{Context: p.Context[:], Formula: p.Formula[:]}
	var err error
	if share.Total, err = coordinatesOf(p.Total); err != nil {
		return nil, err
	}
	for i := range share.Charges {
		point, weight := commit.Identity(), uint32(0)
		if i < len(p.Charges) {
			point, weight = p.Charges[i], p.Weights[i]
		}
		if share.Charges[i], err = coordinatesOf(point); err != nil {
			return nil, err
		}
		share.Weights[i] = weight
	}
	return share, nil
}

// Define states the constraints.
func (s *Share) Define(api frontend.API) error {
	api.Mul(s.Context, s.Context) // binds the context
	api.Mul(s.Formula, s.Formula) // binds the formula

	amount := s.Whole.assertOpens(api, s.Total)
	sum := total(api, s.Weights[:])
	bar := assertBits(api, s.Bar[:])
	charges := make([]frontend.Variable, len(s.Parts))
	for i := range s.Parts {
		charges[i] = s.Parts[i].define(api, s.Charges[i], api.Mul(amount, s.Weights[i]), sum, bar, i)
	}
	// 8 charges below 2^63: below 2^66.
	api.AssertIsEqual(total(api, charges), amount)
	return nil
}

// define constrains one member's part, with product = amount * weight, and gives the charge.
//
// The verifier's weights are below 2^32, so product is below 2^95 and W below 2^35. A quotient lies in [-1, 2^63): charge less a bit. Both sides of
// product = W*quotient + remainder are then integers between -2^35 and 2^99, so they are equal as integers; product is not negative, so neither is the quotient.
func (p *Part) define(api frontend.API, point Coordinates, product, sum, bar frontend.Variable, slot int) frontend.Variable {
	charge := p.Charge.assertOpens(api, point)
	api.AssertIsBoolean(p.Extra)
	remainder := assertBits(api, p.Remainder[:])
	api.AssertIsEqual(api.Add(remainder, assertBits(api, p.Room[:]), 1), sum) // remainder < W
	quotient := api.Sub(charge, p.Extra)
	api.AssertIsEqual(api.Mul(sum, quotient), api.Sub(product, remainder))

	// Orders are below 2^38 and Bar below 2^39, so a negative distance is no number of 39 bits.
	above := api.Sub(api.Add(api.Mul(remainder, 1<<slotBits), commit.MaxCharges-1-slot), bar)
	below := api.Sub(-1, above)
	api.AssertIsEqual(api.Mul(p.Extra, api.Sub(above, below)), api.Sub(assertBits(api, p.Distance[:]), below))
	return charge
}
