package circuit

import (
	"fmt"

	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/permutation/poseidon2"

	"entente/zk/commit"
)

// compressor is the in-circuit twin of commit's Poseidon2 compression at one width: P(x)[0] + x[0].
type compressor struct {
	api         frontend.API
	permutation *poseidon2.Permutation
}

func newCompressor(api frontend.API, width int) (compressor, error) {
	p, err := poseidon2.NewPoseidon2FromParameters(api, width, commit.FullRounds, commit.PartialRounds(width))
	if err != nil {
		return compressor{}, fmt.Errorf("circuit: Poseidon2 of width %d: %w", width, err)
	}
	return compressor{api, p}, nil
}

// compress overwrites x, which must have the compressor's width.
func (c compressor) compress(x []frontend.Variable) (frontend.Variable, error) {
	first := x[0]
	if err := c.permutation.Permutation(x); err != nil {
		return nil, fmt.Errorf("circuit: Poseidon2 over %d elements: %w", len(x), err)
	}
	return c.api.Add(first, x[0]), nil
}

// treeRoot is the twin of commit's item tree: 16 children a node, missing ones zero.
func treeRoot(api frontend.API, level []frontend.Variable) (frontend.Variable, error) {
	c, err := newCompressor(api, commit.NodeWidth)
	if err != nil {
		return nil, err
	}
	for len(level) > 1 {
		next := make([]frontend.Variable, 0, (len(level)+commit.NodeWidth-1)/commit.NodeWidth)
		for first := 0; first < len(level); first += commit.NodeWidth {
			var children [commit.NodeWidth]frontend.Variable
			for i := range children {
				children[i] = 0
			}
			copy(children[:], level[first:min(len(level), first+commit.NodeWidth)])
			node, err := c.compress(children[:])
			if err != nil {
				return nil, err
			}
			next = append(next, node)
		}
		level = next
	}
	return level[0], nil
}
