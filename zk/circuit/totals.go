package circuit

import (
	"math/big"

	"github.com/consensys/gnark/frontend"

	"entente/zk/commit"
)

// Totals proves commit.TotalsPublic about the commitment of a slice. Its native twin is commit.TotalsWitness.Public.
type Totals struct {
	Context frontend.Variable                    `gnark:",public"`
	C       Coordinates                          `gnark:",public"`
	Mask    frontend.Variable                    `gnark:",public"`
	Shown   [commit.Categories]frontend.Variable `gnark:",public"`

	Show    [commit.Categories]frontend.Variable // bits of Mask
	Amounts [commit.Categories][commit.TotalBits]frontend.Variable
	R       [ScalarBits]frontend.Variable
}

// AssignTotals gives the full assignment for w and the statement it proves, with the refusals of commit.TotalsWitness.Public.
func AssignTotals(w commit.TotalsWitness) (*Totals, commit.TotalsPublic, error) {
	public, err := w.Public()
	if err != nil {
		return nil, commit.TotalsPublic{}, err
	}
	totals, err := AssignTotalsPublic(public)
	if err != nil {
		return nil, commit.TotalsPublic{}, err
	}
	assignBits(totals.Show[:], big.NewInt(int64(w.Mask)))
	for k := range totals.Amounts {
		assignBits(totals.Amounts[k][:], w.Totals[k].Big())
	}
	assignBits(totals.R[:], new(big.Int).SetBytes(w.R[:]))
	return totals, public, nil
}

// AssignTotalsPublic gives the public half of an assignment; refused (point_invalid) when C is not on the curve.
func AssignTotalsPublic(p commit.TotalsPublic) (*Totals, error) {
	c, err := coordinatesOf(p.C)
	if err != nil {
		return nil, err
	}
	totals := &Totals{Context: p.Context[:], C: c, Mask: p.Mask}
	for k := range p.Shown {
		totals.Shown[k] = p.Shown[k].Big()
	}
	return totals, nil
}

// Define states the constraints.
func (t *Totals) Define(api frontend.API) error {
	api.Mul(t.Context, t.Context) // binds the context

	api.AssertIsEqual(assertBits(api, t.Show[:]), t.Mask)
	c := commitment{api: api}
	for k := range t.Amounts {
		// Below 2^96 as an integer, and 2^96 is far below the group order: no other amounts of this size open the same commitment.
		amount := assertBits(api, t.Amounts[k][:])
		api.AssertIsEqual(api.Mul(t.Show[k], amount), t.Shown[k])
		c.addMultiple(commit.CategoryGenerator(k), t.Amounts[k][:])
	}
	assertBits(api, t.R[:])
	c.addMultiple(commit.BlindingGenerator(), t.R[:])
	c.assertEquals(t.C)
	return nil
}
