package commit

import (
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
)

// The table for many commitments at once: digits of more bits, from -1023 to 1024, so that a blinding takes 23 additions in place of 32. It takes 2 MiB and a
// while to make, so single commitments do without.
const (
	wideBits    = 11
	wideWindows = (251 + wideBits) / wideBits // of a scalar below 2^251, and the carry
	wideHalf    = 1 << (wideBits - 1)
	wideFrom    = 32 // commitments
)

// wideTable holds digit*2^(wideBits*window)*P for every window and every digit from 1 to wideHalf, at [window*wideHalf+digit-1].
type wideTable []cached

var wideBlindingTable = sync.OnceValue(func() wideTable {
	base := new(twistededwards.PointExtended)
	base.FromAffine(&generators().Blinding)
	points := make([]twistededwards.PointExtended, 0, wideWindows*wideHalf)
	for range wideWindows {
		next := *base
		for range wideHalf {
			points = append(points, next)
			next.Add(&next, base)
		}
		base.Double(&points[len(points)-1])
	}
	inverses := invertZ(points)
	table := make(wideTable, len(points))
	for i := range points {
		var affine twistededwards.PointAffine
		affine.X.Mul(&points[i].X, &inverses[i])
		affine.Y.Mul(&points[i].Y, &inverses[i])
		table[i] = cachedOf(&affine)
	}
	return table
})

// addMultiples adds scalars[i]*P to accs[i]. It goes window by window, so that the part of the table in use stays in the nearest cache. Scalars are big-endian
// and below the order.
func (t wideTable) addMultiples(accs []twistededwards.PointExtended, scalars []Scalar) {
	digits := make([][wideWindows]int16, len(scalars))
	for i := range scalars {
		digits[i] = wideDigits(&scalars[i])
	}
	for window := range wideWindows {
		part := t[window*wideHalf : (window+1)*wideHalf]
		for i := range accs {
			switch digit := digits[i][window]; {
			case digit > 0:
				addCached(&accs[i], &part[digit-1])
			case digit < 0:
				addCached(&accs[i], part[-digit-1].negated())
			}
		}
	}
}

// wideDigits gives the digits of a scalar, the lowest first.
func wideDigits(scalar *Scalar) (digits [wideWindows]int16) {
	var pending uint32 // bits not used yet, the lowest first
	bits, at, carry := 0, len(scalar), int16(0)
	for window := range digits {
		for bits < wideBits && at > 0 {
			at--
			pending |= uint32(scalar[at]) << bits
			bits += 8
		}
		digit := int16(pending&(1<<wideBits-1)) + carry
		pending >>= wideBits
		bits -= wideBits
		carry = 0
		if digit > wideHalf {
			digit -= 1 << wideBits
			carry = 1
		}
		digits[window] = digit
	}
	return digits
}

// negated is the point on the other side.
func (c *cached) negated() *cached {
	var product fr.Element
	product.Neg(&c.product)
	return &cached{c.difference, c.sum, product}
}
