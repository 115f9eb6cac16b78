package commit

import (
	"crypto/sha256"

	"entente/schema/money"
	"entente/schema/refusal"
)

// MaxCharges is how many members one share proof divides a total among.
const MaxCharges = 8

// CodeShareInvalid refuses a division among too many or too few members, or by weights that add to zero.
const CodeShareInvalid refusal.Code = "share_invalid"

// SharePublic is what a share proof states: the amount a in Total was divided among the members by the largest-remainder method. With W the sum of the
// weights, member i bears floor(a * Weights[i] / W), the minor units left over go one each to the largest remainders a * Weights[i] mod W, ties to the
// earlier member, and the charges add to exactly a. It is what money.Allocate computes.
//
// Weights are basis points where they add to 10,000, and may be any whole numbers below 2^32. There are 1 to 8 members; the slots behind the last one have
// weight zero and hold the commitment to zero, which is Identity() with the blinding zero. A member of weight zero bears nothing.
type SharePublic struct {
	Context Digest
	Total   Point
	Charges []Point
	Weights []uint32
	Formula Digest // FormulaDigest of the agreement's formula
}

// ShareWitness is what the one who proves knows. There are as many Blindings, one a charge, as Weights.
type ShareWitness struct {
	Context   Digest
	Amount    uint64 // below 2^63
	S         Scalar // blinding of Total
	Weights   []uint32
	Blindings []Scalar
	Formula   Digest
}

// FormulaDigest names the version of a formula by the bytes both sides signed: SHA-256 over a label and them, its three top bits cleared.
func FormulaDigest(formula []byte) Digest {
	e := truncated(sha256.Sum256(append([]byte("entente/formula/1\n"), formula...)))
	return e.Bytes()
}

// Charges computes what each member bears, in minor units. Refused: share_invalid for other than 1 to 8 weights or weights that add to zero,
// amount_out_of_range.
func (w ShareWitness) Charges() ([]uint64, error) {
	if len(w.Weights) == 0 || len(w.Weights) > MaxCharges {
		return nil, refusal.Newf(CodeShareInvalid, "share among 1 to 8 members", "a share proof has no room for %d members", len(w.Weights))
	}
	if err := checkAmount(w.Amount); err != nil {
		return nil, err
	}
	weights := make([]int64, len(w.Weights))
	for i, weight := range w.Weights {
		weights[i] = int64(weight)
	}
	parts, err := money.Allocate(money.New(int64(w.Amount), money.Currency{}), weights)
	if err != nil {
		return nil, refusal.New(CodeShareInvalid, "the weights add to zero, so nobody bears the amount", "give at least one member a share")
	}
	charges := make([]uint64, len(parts))
	for i, part := range parts {
		charges[i] = uint64(part.Minor())
	}
	return charges, nil
}

// Public computes the statement natively: the twin of the share circuit. It has the refusals of Charges and CommitAmounts, share_invalid when there is not one
// blinding a weight, and digest_invalid.
func (w ShareWitness) Public() (SharePublic, error) {
	charges, err := w.Charges()
	if err != nil {
		return SharePublic{}, err
	}
	if len(w.Blindings) != len(w.Weights) {
		return SharePublic{}, refusal.New(CodeShareInvalid, "there is not one blinding for each charge", "derive a blinding for each member")
	}
	for _, d := range []Digest{w.Context, w.Formula} {
		if _, err := d.element(); err != nil {
			return SharePublic{}, err
		}
	}
	points, err := CommitAmounts(append([]uint64{w.Amount}, charges...), append([]Scalar{w.S}, w.Blindings...))
	if err != nil {
		return SharePublic{}, err
	}
	return SharePublic{Context: w.Context, Total: points[0], Charges: points[1:], Weights: w.Weights, Formula: w.Formula}, nil
}
