package commit

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/poseidon2"
)

// Widths and rounds of the Poseidon2 instances, after the paper's tables for 128 bits over a 254-bit field with the S-box x^5: a leaf has width 2, an
// item's inner digest 4, a tree node 16. The widths keep the three apart.
const (
	LeafWidth  = 2
	InnerWidth = 4
	NodeWidth  = 16
	FullRounds = 8
)

// PartialRounds gives the number of partial rounds for a width of 2, 4 or 16.
func PartialRounds(width int) int {
	if width == NodeWidth {
		return 57
	}
	return 56
}

var (
	leafPermutation  = sync.OnceValue(func() *poseidon2.Permutation { return newPermutation(LeafWidth) })
	innerPermutation = sync.OnceValue(func() *poseidon2.Permutation { return newPermutation(InnerWidth) })
	nodePermutation  = sync.OnceValue(func() *poseidon2.Permutation { return newPermutation(NodeWidth) })
)

func newPermutation(width int) *poseidon2.Permutation {
	return poseidon2.NewPermutation(width, FullRounds, PartialRounds(width))
}

// compress gives P(x)[0] + x[0]. The inputs fill the width, so without the feed-forward the permutation could be run backwards. x is overwritten.
func compress(p *poseidon2.Permutation, x []fr.Element) fr.Element {
	first := x[0]
	if err := p.Permutation(x); err != nil {
		panic(fmt.Sprintf("commit: Poseidon2 over %d elements: %v", len(x), err)) // a wrong width is a mistake in this package
	}
	return *first.Add(&first, &x[0])
}

// truncated reads a SHA-256 hash as a field element with its three top bits cleared: below 2^253, so below the modulus.
func truncated(hash [32]byte) fr.Element {
	hash[0] &= 0x1f
	var e fr.Element
	e.SetBytes(hash[:])
	return e
}

// innerDomain fills the fourth lane of an item's inner digest.
var innerDomain = sync.OnceValue(func() fr.Element { return truncated(sha256.Sum256([]byte("entente/item/1"))) })
