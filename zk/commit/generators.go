package commit

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
)

// Categories is how many category sums one commitment holds.
const Categories = 16

// generatorLabel separates generator derivation from every other use of SHA-256. A change of label is a change of every commitment ever made.
const generatorLabel = "entente/generator/1"

var curve = twistededwards.GetEdwardsCurve()

// Order is the prime order of the subgroup all commitments live in; about 2^250.6. The caller owns the result.
func Order() *big.Int { return new(big.Int).Set(&curve.Order) }

// generatorSet holds the named generators in affine form.
type generatorSet struct {
	Category [Categories]twistededwards.PointAffine
	Amount   twistededwards.PointAffine
	Blinding twistededwards.PointAffine
}

var generators = sync.OnceValue(func() *generatorSet {
	var set generatorSet
	for k := range set.Category {
		set.Category[k] = hashToCurve(fmt.Sprintf("G_%d", k))
	}
	set.Amount = hashToCurve("G")
	set.Blinding = hashToCurve("H")
	return &set
})

// CategoryGenerator gives G_k, the generator of category k's sum. It panics when k is not below Categories.
func CategoryGenerator(k int) Point { return pointOf(&generators().Category[k]) }

// AmountGenerator gives G, the generator of a single amount.
func AmountGenerator() Point { return pointOf(&generators().Amount) }

// BlindingGenerator gives H, the generator of every blinding factor.
func BlindingGenerator() Point { return pointOf(&generators().Blinding) }

// hashToCurve finds a generator of the prime-order subgroup by try-and-increment. For counter = 0, 1, ...:
//
//	h = SHA-256(label || 0x00 || name || 0x00 || counter as uint32 big-endian)
//	y = h with its two top bits cleared; refused unless below the field's modulus
//	x = the root of (1 - y^2) / (a - d*y^2) that is lexicographically largest exactly when h's top bit is set; refused when there is none
//	P = 8*(x, y); refused when it is the identity
func hashToCurve(name string) twistededwards.PointAffine {
	for counter := uint32(0); ; counter++ {
		preimage := append([]byte(generatorLabel), 0)
		preimage = append(append(preimage, name...), 0)
		h := sha256.Sum256(binary.BigEndian.AppendUint32(preimage, counter))
		largest := h[0]&0x80 != 0
		h[0] &= 0x3f
		var y fr.Element
		if y.SetBytesCanonical(h[:]) != nil {
			continue
		}
		x, ok := abscissa(&y, largest)
		if !ok {
			continue
		}
		p := twistededwards.NewPointAffine(x, y)
		for range 3 { // cofactor 8
			p.Double(&p)
		}
		if !p.IsZero() {
			return p
		}
	}
}

// abscissa solves a*x^2 + y^2 = 1 + d*x^2*y^2 for x. The divisor a - d*y^2 is never zero: d/a is not a square.
func abscissa(y *fr.Element, largest bool) (fr.Element, bool) {
	var y2, numerator, divisor, x fr.Element
	y2.Square(y)
	numerator.SetOne()
	numerator.Sub(&numerator, &y2)
	divisor.Mul(&curve.D, &y2)
	divisor.Sub(&curve.A, &divisor)
	divisor.Inverse(&divisor)
	numerator.Mul(&numerator, &divisor)
	if x.Sqrt(&numerator) == nil {
		return x, false
	}
	if x.LexicographicallyLargest() != largest {
		x.Neg(&x)
	}
	return x, true
}
