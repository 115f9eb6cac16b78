package commit

import (
	"encoding/binary"
	"math/big"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"entente/schema/refusal"
)

// TotalBits bounds the total of a category over a slice of bills: each lies in [0, 2^96), room for 2^33 bills.
const TotalBits = 96

// Total is a number of minor units below 2^96: High*2^64 + Low.
type Total struct {
	High uint32
	Low  uint64
}

// Totals are category totals over a slice of bills.
type Totals [Categories]Total

// Totals gives the sums in the wider type.
func (s Sums) Totals() Totals {
	var t Totals
	for k, a := range s {
		t[k].Low = a
	}
	return t
}

// Big gives the total as an integer the caller owns.
func (t Total) Big() *big.Int {
	var b [12]byte
	return new(big.Int).SetBytes(t.fill(&b))
}

// String gives the total in decimal.
func (t Total) String() string { return t.Big().String() }

// MarshalText gives the total in decimal.
func (t Total) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a decimal without sign or leading zeros; refused (amount_out_of_range) when it is not one below 2^96.
func (t *Total) UnmarshalText(text []byte) error {
	v, ok := new(big.Int).SetString(string(text), 10)
	if !ok || v.Sign() < 0 || v.BitLen() > TotalBits || v.String() != string(text) {
		return refusal.New(CodeAmountOutOfRange, "a total is not a decimal number below 2^96", "send minor units as digits only")
	}
	var b [12]byte
	v.FillBytes(b[:])
	*t = Total{High: binary.BigEndian.Uint32(b[:4]), Low: binary.BigEndian.Uint64(b[4:])}
	return nil
}

// Add gives t + u; refused (amount_out_of_range) when it reaches 2^96.
func (t Total) Add(u Total) (Total, error) {
	low, carry := bits.Add64(t.Low, u.Low, 0)
	high := uint64(t.High) + uint64(u.High) + carry
	if high>>32 != 0 {
		return Total{}, refusal.New(CodeAmountOutOfRange, "a total reaches 2^96 minor units", "ask for a smaller slice")
	}
	return Total{High: uint32(high), Low: low}, nil
}

// Less says whether t is below u.
func (t Total) Less(u Total) bool { return t.High < u.High || t.High == u.High && t.Low < u.Low }

// Add gives the totals with one chunk's sums added, with the refusals of Total.Add.
func (t Totals) Add(s Sums) (Totals, error) {
	for k, a := range s {
		sum, err := t[k].Add(Total{Low: a})
		if err != nil {
			return Totals{}, err
		}
		t[k] = sum
	}
	return t, nil
}

func (t Total) fill(b *[12]byte) []byte {
	binary.BigEndian.PutUint32(b[:4], t.High)
	binary.BigEndian.PutUint64(b[4:], t.Low)
	return b[:]
}

// CommitTotals gives sum t[k]*G_k + r*H: what the commitments of the bills in the slice add up to when r is the sum of their blindings.
// Refused (scalar_invalid) when r is not below the order.
func CommitTotals(t Totals, r Scalar) (Point, error) {
	if err := r.check(); err != nil {
		return Point{}, err
	}
	acc := neutral
	var b [12]byte
	for k := range t {
		addMultiple(&acc, categoryTables()[k], t[k].fill(&b))
	}
	addMultiple(&acc, blindingTable(), r[:])
	return normalise([]twistededwards.PointExtended{acc})[0], nil
}

// OpenTotals says whether (t, r) opens c.
func OpenTotals(c Point, t Totals, r Scalar) bool {
	p, err := CommitTotals(t, r)
	return err == nil && p == c
}

// TotalsPublic is what a totals proof states: the commitment C of a slice holds exactly Shown[k] in every category whose bit k is set in Mask (bit 0 is
// category 0). The other categories stay hidden and Shown is zero there. Every category, shown or not, is below 2^96.
type TotalsPublic struct {
	Context Digest
	C       Point
	Mask    uint16
	Shown   Totals
}

// TotalsWitness is what the one who proves knows: the slice's totals and the sum of its bills' blindings.
type TotalsWitness struct {
	Context Digest
	Mask    uint16
	Totals  Totals
	R       Scalar
}

// Public computes the statement natively: the twin of the totals circuit.
func (w TotalsWitness) Public() (TotalsPublic, error) {
	if _, err := w.Context.element(); err != nil {
		return TotalsPublic{}, err
	}
	c, err := CommitTotals(w.Totals, w.R)
	if err != nil {
		return TotalsPublic{}, err
	}
	p := TotalsPublic{Context: w.Context, C: c, Mask: w.Mask}
	for k := range p.Shown {
		if w.Mask>>k&1 == 1 {
			p.Shown[k] = w.Totals[k]
		}
	}
	return p, nil
}
