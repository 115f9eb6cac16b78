package commit

import (
	"encoding/binary"
	"errors"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"entente/schema/refusal"
)

// AmountBits bounds a single amount and a bill's category sum: each lies in [0, 2^63).
const AmountBits = 63

// Sums are one chunk's category sums in minor units, each below 2^63.
type Sums [Categories]uint64

// Bytes gives the sums as 16 uint64 big-endian: the values DeriveBlinding hashes.
func (s Sums) Bytes() []byte {
	b := make([]byte, 0, 8*Categories)
	for _, a := range s {
		b = binary.BigEndian.AppendUint64(b, a)
	}
	return b
}

// Total adds the sums; refused (amount_out_of_range) unless every sum and the total are below 2^63.
func (s Sums) Total() (uint64, error) {
	var total uint64
	for _, a := range s {
		if err := checkAmount(a); err != nil {
			return 0, err
		}
		total += a // both below 2^63: no wrap before the check
		if err := checkAmount(total); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// AmountBytes gives one amount as uint64 big-endian: the value DeriveBlinding hashes.
func AmountBytes(a uint64) []byte { return binary.BigEndian.AppendUint64(nil, a) }

// CommitSums gives C = sum s[k]*G_k + r*H. Refused when a sum is 2^63 or more (amount_out_of_range) or r is not below the order (scalar_invalid).
func CommitSums(s Sums, r Scalar) (Point, error) {
	for _, a := range s {
		if err := checkAmount(a); err != nil {
			return Point{}, err
		}
	}
	return CommitTotals(s.Totals(), r)
}

// CommitAmount gives T = a*G + s*H, with the refusals of CommitSums.
func CommitAmount(a uint64, s Scalar) (Point, error) {
	points, err := CommitAmounts([]uint64{a}, []Scalar{s})
	if err != nil {
		return Point{}, err
	}
	return points[0], nil
}

// CommitAmounts commits to many amounts, each with its own blinding, and shares one field inversion among them. The first bad input refuses the batch.
func CommitAmounts(amounts []uint64, blindings []Scalar) ([]Point, error) {
	if len(amounts) != len(blindings) {
		return nil, errors.New("commit: one blinding is needed for each amount")
	}
	accumulators := make([]twistededwards.PointExtended, len(amounts))
	many := len(amounts) >= wideFrom
	for i, a := range amounts {
		if err := checkAmount(a); err != nil {
			return nil, err
		}
		if err := blindings[i].check(); err != nil {
			return nil, err
		}
		accumulators[i] = neutral
		addMultiple(&accumulators[i], amountTable(), AmountBytes(a))
		if !many {
			addMultiple(&accumulators[i], blindingTable(), blindings[i][:])
		}
	}
	if many {
		wideBlindingTable().addMultiples(accumulators, blindings)
	}
	return normalise(accumulators), nil
}

// OpenSums says whether (s, r) opens c.
func OpenSums(c Point, s Sums, r Scalar) bool {
	p, err := CommitSums(s, r)
	return err == nil && p == c
}

// OpenAmount says whether (a, s) opens t.
func OpenAmount(t Point, a uint64, s Scalar) bool {
	p, err := CommitAmount(a, s)
	return err == nil && p == t
}

func checkAmount(a uint64) error {
	if a>>AmountBits != 0 {
		return refusal.New(CodeAmountOutOfRange, "an amount is 2^63 minor units or more", "split it into several bills")
	}
	return nil
}

// Add gives the sum of points: the commitment to the added values under the added blindings. Each point must be on the curve (point_invalid).
func Add(points ...Point) (Point, error) {
	var sum Sum
	for i := range points {
		if err := sum.Add(points[i]); err != nil {
			return Point{}, err
		}
	}
	return sum.Point(), nil
}

// Sum adds a stream of points without an inversion a step. Its zero value is the identity. Not safe for concurrent use.
type Sum struct {
	acc     twistededwards.PointExtended
	started bool
}

// Add adds p; refused (point_invalid), with the sum unchanged, when p is not on the curve. The subgroup is not checked: see the package doc.
func (s *Sum) Add(p Point) error {
	c, err := p.cached()
	if err != nil {
		return err
	}
	s.add(&c)
	return nil
}

// Sub subtracts p, with the refusals of Add.
func (s *Sum) Sub(p Point) error {
	c, err := p.cached()
	if err != nil {
		return err
	}
	c.sum, c.difference = c.difference, c.sum
	c.product.Neg(&c.product)
	s.add(&c)
	return nil
}

func (s *Sum) add(p *cached) {
	if !s.started {
		s.acc, s.started = neutral, true
	}
	addCached(&s.acc, p)
}

// Point gives what was added so far.
func (s *Sum) Point() Point {
	if !s.started {
		return Identity()
	}
	return normalise([]twistededwards.PointExtended{s.acc})[0]
}
