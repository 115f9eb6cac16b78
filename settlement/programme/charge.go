package programme

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
)

// RoundingUnit is the unit of the lines that carry what rounding left of a pool.
const RoundingUnit = "lot"

// Charge is what one member owes the supplier of a line.
type Charge struct {
	Line   Line
	Debtor Nation
	Amount money.Amount // in the supplier's currency; may be zero
	Pool   *Pool        // of which the line carries the rounding; nil where the line was confirmed
}

// Charges shares confirmed lines by the agreement's formulas, line by line in the order given, debtors in the agreement's order. By actual use the receiver
// owes the line. By basis points or person-days each line charges each member but the supplier amount * weight / all weights, rounded down; then, pool by pool, what rounding
// left for a member is one further charge over a line of its own, dated on the agreement's last day and absent where it is zero. So a debtor's charges of one
// supplier and category add to exactly its charge in Pools. The supplier bears its own share, rounding included, and owes itself nothing.
// Refused is what Pools refuses.
func Charges(a Agreement, lines []Line) ([]Charge, error) {
	pools, err := Pools(a, lines)
	if err != nil {
		return nil, err
	}
	rest := make(map[poolKey][]int64, len(pools)) // of every member's charge, what no line has charged yet
	weights := make(map[poolKey][]int64, len(pools))
	for _, p := range pools {
		left := make([]int64, len(p.Charges))
		for i, charge := range p.Charges {
			left[i] = charge.Minor()
		}
		key := poolKey{a.memberIndex(p.Supplier), a.CategoryIndex(p.Category)}
		rest[key], weights[key] = left, p.Weights
	}
	var charges []Charge
	for _, line := range lines {
		key := poolKey{a.memberIndex(line.Supplier), a.CategoryIndex(line.Category)}
		switch a.Categories[key.category].Formula.Kind {
		case HeadCount:
			continue
		case ActualUse:
			charges = append(charges, Charge{Line: line, Debtor: line.Receiver, Amount: line.Amount})
			continue
		}
		whole := int64(0)
		for _, weight := range weights[key] {
			whole += weight
		}
		for i, weight := range weights[key] {
			if i == key.supplier {
				continue
			}
			part := floorShare(line.Amount, weight, whole)
			rest[key][i] -= part.Minor()
			charges = append(charges, Charge{Line: line, Debtor: a.Members[i].Nation, Amount: part})
		}
	}
	for p := range pools {
		key := poolKey{a.memberIndex(pools[p].Supplier), a.CategoryIndex(pools[p].Category)}
		for i, minor := range rest[key] {
			// The rest is never negative: a member is charged at least the floor of its part of the sum, and the floor of a sum is at least the sum of the floors.
			if i != key.supplier && minor > 0 {
				line := roundingLine(a, pools[p], a.Members[i].Nation, minor)
				charges = append(charges, Charge{line, line.Receiver, line.Amount, &pools[p]})
			}
		}
	}
	return charges, nil
}

// floorShare gives amount * weight / whole, rounded down. The amount is not negative and the weight at most the whole, so the quotient fits.
func floorShare(amount money.Amount, weight, whole int64) money.Amount {
	hi, lo := bits.Mul64(uint64(amount.Minor()), uint64(weight))
	part, _ := bits.Div64(hi, lo, uint64(whole))
	return money.New(int64(part), amount.Currency())
}

// roundingLine is the line that carries what rounding left of a pool for one member: one lot, at the whole of it.
func roundingLine(a Agreement, p Pool, debtor Nation, minor int64) Line {
	one, amount := decimal.NewFromInt(1), money.New(minor, p.Total.Currency())
	return Line{
		Key:      Key{a.Ends, p.Category, p.Supplier, debtor, "rounding of shared " + p.Category},
		Quantity: one, Unit: RoundingUnit, UnitPrice: decimal.New(minor, -int32(amount.Currency().Digits())), Amount: amount, Supplied: one, Received: one,
	}
}

// Pool is everything one supplier supplied in one category whose cost all members share, and what the formula makes of it.
type Pool struct {
	Supplier Nation
	Category string         // the category's code
	Total    money.Amount   // the amounts of all its confirmed lines, in the supplier's currency
	Weights  []int64        // what each member's part of the total is in proportion to, in the agreement's order: its basis points, or its person-days
	Charges  []money.Amount // what each member bears, in the agreement's order, the supplier's own part among them; they add to Total
}

type poolKey struct{ supplier, category int } // numbers of the agreement

// Pools gives every pool of the lines, suppliers in the agreement's order and within them categories in its order: the amounts of all confirmed lines added
// up, then divided by money.Allocate over the category's basis points or over the person-days among the same lines, so by largest remainder, ties to the
// earlier member. The order of lines does not matter. Where no line of a supplier is in a shared category there is no pool. Refused: unknown_member,
// unknown_category, agreement_invalid for an unknown formula, shares_invalid, roster_missing where person-days share and nobody's presence is confirmed,
// amount_invalid for a line below zero, currency_mismatch, overflow for a pool beyond 63 bits.
func Pools(a Agreement, lines []Line) ([]Pool, error) {
	sums := map[poolKey]money.Amount{}
	for _, line := range lines {
		key := poolKey{a.memberIndex(line.Supplier), a.CategoryIndex(line.Category)}
		switch {
		case key.supplier < 0:
			return nil, refusal.Newf(CodeUnknownMember, "match the counts under this agreement", "%s: %.20q is no member of %s", line.Key, line.Supplier, a.ID)
		case key.category < 0:
			return nil, refusal.Newf(CodeUnknownCategory, "match the counts under this agreement", "%s: %.40q is no category of %s", line.Key, line.Category, a.ID)
		case a.Categories[key.category].Formula.Kind == ActualUse, a.Categories[key.category].Formula.Kind == HeadCount:
			continue
		case !a.Categories[key.category].Formula.Kind.Shared():
			return nil, refusal.Newf(CodeAgreementInvalid, "choose actual_use, basis_points, person_days or head_count", "%s has no known formula: %s", line.Category, a.Categories[key.category].Formula.Kind)
		case line.Amount.Minor() < 0:
			return nil, refusal.Newf(money.CodeAmountInvalid, "record a return as a supply in the other direction", "%s: it comes to %s", line.Key, line.Amount)
		}
		sum, ok := sums[key]
		if !ok {
			sum = money.Zero(line.Amount.Currency())
		}
		var err error
		if sums[key], err = sum.Add(line.Amount); err != nil {
			return nil, fmt.Errorf("what %s supplied in %s: %w", line.Supplier, line.Category, err)
		}
	}
	days, err := CountPersonDays(a, lines)
	if err != nil {
		return nil, err
	}
	var pools []Pool
	for supplier, member := range a.Members {
		for category, c := range a.Categories {
			total, ok := sums[poolKey{supplier, category}]
			if !ok {
				continue
			}
			weights := days
			switch {
			case c.Formula.Kind == BasisPoints:
				weights = c.Formula.Shares
				if why := sharesFault(weights, len(a.Members)); why != "" {
					return nil, refusal.Newf(CodeSharesInvalid, "give every member its basis points, 10000 in all", "%s: %s", c.Code, why)
				}
			case !slices.ContainsFunc(days, func(n int64) bool { return n > 0 }):
				return nil, refusal.Newf(CodeRosterMissing, "confirm the rosters first", "%s is shared by person-days and nobody's presence is confirmed", c.Code)
			}
			charges, err := money.Allocate(total, weights)
			if err != nil {
				return nil, fmt.Errorf("what %s supplied in %s: %w", member.Nation, c.Code, err)
			}
			pools = append(pools, Pool{member.Nation, c.Code, total, slices.Clone(weights), charges})
		}
	}
	return pools, nil
}
