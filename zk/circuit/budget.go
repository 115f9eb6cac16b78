package circuit

import (
	"math/big"

	"github.com/consensys/gnark/frontend"

	"entente/zk/commit"
)

// Budget proves commit.BudgetPublic about the commitment of a slice. Its native twin is commit.BudgetWitness.Public.
type Budget struct {
	Context frontend.Variable                    `gnark:",public"`
	C       Coordinates                          `gnark:",public"`
	Limits  [commit.Categories]frontend.Variable `gnark:",public"`
	Grand   frontend.Variable                    `gnark:",public"`

	Amounts [commit.Categories][commit.BudgetBits]frontend.Variable
	Left    [commit.Categories][commit.BudgetBits]frontend.Variable // what each limit leaves
	Rest    [commit.BudgetBits]frontend.Variable                    // what the grand limit leaves
	R       [ScalarBits]frontend.Variable
}

// AssignBudget gives the full assignment for w and the statement it proves, with the refusals of commit.BudgetWitness.Public.
func AssignBudget(w commit.BudgetWitness) (*Budget, commit.BudgetPublic, error) {
	public, err := w.Public()
	if err != nil {
		return nil, commit.BudgetPublic{}, err
	}
	c, err := coordinatesOf(public.C)
	if err != nil {
		return nil, commit.BudgetPublic{}, err
	}
	budget := &Budget{Context: public.Context[:], C: c, Grand: public.Grand.Big()}
	rest := public.Grand.Big()
	for k, total := range w.Totals {
		limit, amount := public.Limits[k].Big(), total.Big()
		budget.Limits[k] = public.Limits[k].Big()
		assignBits(budget.Amounts[k][:], amount)
		assignBits(budget.Left[k][:], limit.Sub(limit, amount))
		rest.Sub(rest, amount)
	}
	assignBits(budget.Rest[:], rest)
	assignBits(budget.R[:], new(big.Int).SetBytes(w.R[:]))
	return budget, public, nil
}

// Define states the constraints.
func (b *Budget) Define(api frontend.API) error {
	api.Mul(b.Context, b.Context) // binds the context

	c := commitment{api: api}
	amounts := make([]frontend.Variable, commit.Categories)
	for k := range amounts {
		amounts[k] = assertBits(api, b.Amounts[k][:])
		// Both below 2^80: their sum is below 2^81 and equals the limit as an integer, so the amount is at most the limit, whatever field element that is.
		api.AssertIsEqual(api.Add(amounts[k], assertBits(api, b.Left[k][:])), b.Limits[k])
		c.addMultiple(commit.CategoryGenerator(k), b.Amounts[k][:])
	}
	// 17 numbers below 2^80: below 2^85.
	api.AssertIsEqual(api.Add(total(api, amounts), assertBits(api, b.Rest[:])), b.Grand)
	assertBits(api, b.R[:])
	c.addMultiple(commit.BlindingGenerator(), b.R[:])
	c.assertEquals(b.C)
	return nil
}
