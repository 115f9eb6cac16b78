package commit

import "entente/schema/refusal"

// CodeOverLimit refuses to prove what is not so: a total above its limit, an item above the threshold or outside the allowed categories.
const CodeOverLimit refusal.Code = "over_limit"

// BudgetBits bounds what a budget proof can hold: limits, and so the totals within them, lie in [0, 2^80).
const BudgetBits = 80

// MaxLimit is the largest limit, 2^80 - 1: as good as none.
var MaxLimit = Total{High: 1<<(BudgetBits-64) - 1, Low: 1<<64 - 1}

func limitTooLarge() error {
	return refusal.New(CodeAmountOutOfRange, "a limit is 2^80 minor units or more", "state a limit below 2^80")
}

// BudgetPublic is what a budget proof states: the commitment C of a slice holds at most Limits[k] in category k and at most Grand in all. How much it holds
// stays hidden. A category without a limit of its own gets MaxLimit. The limits come from the signed agreement, never from who asks: whoever chose
// them freely would find the totals by bisection.
type BudgetPublic struct {
	Context Digest
	C       Point
	Limits  Totals
	Grand   Total
}

// BudgetWitness is what the one who proves knows: the slice's totals and the sum of its bills' blindings.
type BudgetWitness struct {
	Context Digest
	Limits  Totals
	Grand   Total
	Totals  Totals
	R       Scalar
}

// Public computes the statement natively: the twin of the budget circuit. Refused: over_limit when a total is above its
// limit, amount_out_of_range when a limit is 2^80 or more, and as CommitTotals refuses.
func (w BudgetWitness) Public() (BudgetPublic, error) {
	if _, err := w.Context.element(); err != nil {
		return BudgetPublic{}, err
	}
	var grand Total
	for k, total := range w.Totals {
		if MaxLimit.Less(w.Limits[k]) || MaxLimit.Less(w.Grand) {
			return BudgetPublic{}, limitTooLarge()
		}
		if w.Limits[k].Less(total) {
			return BudgetPublic{}, refusal.Newf(CodeOverLimit, "settle the excess by an amendment both nations sign", "category %d is above its limit", k)
		}
		sum, err := grand.Add(total)
		if err != nil {
			return BudgetPublic{}, err
		}
		grand = sum
	}
	if w.Grand.Less(grand) {
		return BudgetPublic{}, refusal.New(CodeOverLimit, "the grand total is above its limit", "settle the excess by an amendment both nations sign")
	}
	c, err := CommitTotals(w.Totals, w.R)
	if err != nil {
		return BudgetPublic{}, err
	}
	return BudgetPublic{Context: w.Context, C: c, Limits: w.Limits, Grand: w.Grand}, nil
}
