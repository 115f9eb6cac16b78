package circuit

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark/frontend"

	"entente/zk/commit"
)

// Policy proves commit.PolicyPublic about one chunk of 16, 64 or 256 items. Its native twin is commit.PolicyWitness.Public.
type Policy struct {
	Context   frontend.Variable `gnark:",public"`
	D         frontend.Variable `gnark:",public"`
	Threshold frontend.Variable `gnark:",public"` // below 2^63
	Allowed   frontend.Variable `gnark:",public"`

	Lines []Line
	Below [][commit.AmountBits]frontend.Variable // what the threshold leaves above each line
	Allow [commit.Categories]frontend.Variable   // bits of Allowed
}

// NewPolicy gives the circuit for chunks of size items, ready to compile. It panics for a size other than 16, 64 or 256.
func NewPolicy(size int) *Policy {
	switch size {
	case commit.SmallChunk, commit.MediumChunk, commit.LargeChunk:
		return &Policy{Lines: make([]Line, size), Below: make([][commit.AmountBits]frontend.Variable, size)}
	}
	panic(fmt.Sprintf("circuit: there are no chunks of %d items", size))
}

// AssignPolicy gives the full assignment for w and the statement it proves, with the refusals of commit.PolicyWitness.Public.
func AssignPolicy(w commit.PolicyWitness) (*Policy, commit.PolicyPublic, error) {
	public, err := w.Public()
	if err != nil {
		return nil, commit.PolicyPublic{}, err
	}
	policy := NewPolicy(w.Size)
	policy.Context, policy.D, policy.Threshold, policy.Allowed = public.Context[:], public.D[:], public.Threshold, public.Allowed
	for i := range policy.Lines {
		amount := uint64(0)
		if i < len(w.Items) {
			item := w.Items[i]
			inner, err := item.Inner(w.Bill)
			if err != nil {
				return nil, commit.PolicyPublic{}, err
			}
			amount = item.Amount
			policy.Lines[i].assign(amount, item.Category, 1, inner)
		} else {
			policy.Lines[i].assign(0, 0, 0, commit.Digest{})
		}
		assignBits(policy.Below[i][:], new(big.Int).SetUint64(w.Threshold-amount))
	}
	assignBits(policy.Allow[:], big.NewInt(int64(w.Allowed)))
	return policy, public, nil
}

// Define states the constraints.
func (p *Policy) Define(api frontend.API) error {
	api.Mul(p.Context, p.Context) // binds the context

	leaf, err := newCompressor(api, commit.LeafWidth)
	if err != nil {
		return err
	}
	leaves := make([]frontend.Variable, len(p.Lines))
	var counts [commit.Categories][]frontend.Variable
	for i := range p.Lines {
		line := &p.Lines[i]
		amount, word := line.open(api)
		// Both below 2^63: equal to the threshold as integers.
		api.AssertIsEqual(api.Add(amount, assertBits(api, p.Below[i][:])), p.Threshold)
		digest, err := leaf.compress([]frontend.Variable{word, line.Inner})
		if err != nil {
			return err
		}
		leaves[i] = api.Mul(line.Used, digest)
		for k, one := range splitByCategory(api, line.Used, line.Category) {
			counts[k] = append(counts[k], one)
		}
	}
	root, err := treeRoot(api, leaves)
	if err != nil {
		return err
	}
	api.AssertIsEqual(root, p.D)

	api.AssertIsEqual(assertBits(api, p.Allow[:]), p.Allowed)
	for k := range counts {
		// The number of items in category k, at most 256: it is zero, or the category is allowed.
		api.AssertIsEqual(api.Mul(total(api, counts[k]), api.Sub(1, p.Allow[k])), 0)
	}
	return nil
}
