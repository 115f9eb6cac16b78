package commit

import "entente/schema/refusal"

// CodeBlockInvalid refuses a block of balances that has another size or too many balances.
const CodeBlockInvalid refusal.Code = "block_invalid"

// ReservePublic is what a reserve proof states about one block of up to 16 or 64 accounts: every balance is in [0, 2^63), and Sum commits to what they add
// to, which is below 2^63 too. Slots behind the last balance hold the commitment to zero, Identity() with the blinding zero. Whoever audits adds the sums of
// all blocks of a ledger and compares with the commitment to issued minus redeemed (OpenAmount, given the blinding the bank tells). When the blinding of Sum is
// the sum of the balances' blindings, Sum is the sum of the points as well.
type ReservePublic struct {
	Context  Digest
	Balances []Point
	Sum      Point
}

// ReserveWitness is what the bank that proves knows. Size is the block's, 16 or 64; there are at most so many Amounts, and as many Blindings.
type ReserveWitness struct {
	Context   Digest
	Size      int
	Amounts   []uint64
	Blindings []Scalar
	S         Scalar // blinding of Sum
}

// Total adds the balances; refused (amount_out_of_range) unless each and their sum are below 2^63.
func (w ReserveWitness) Total() (uint64, error) {
	var total uint64
	for _, amount := range w.Amounts {
		if err := checkAmount(amount); err != nil {
			return 0, err
		}
		total += amount // both below 2^63: no wrap before the check
		if err := checkAmount(total); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// Public computes the statement natively: the twin of the reserve circuit. It has the refusals of Total and CommitAmounts, block_invalid and digest_invalid.
func (w ReserveWitness) Public() (ReservePublic, error) {
	if w.Size != SmallChunk && w.Size != MediumChunk || len(w.Amounts) > w.Size || len(w.Blindings) != len(w.Amounts) {
		return ReservePublic{}, refusal.Newf(CodeBlockInvalid, "use blocks of 16 or 64 accounts with one blinding each",
			"a block of %d with %d balances and %d blindings cannot be", w.Size, len(w.Amounts), len(w.Blindings))
	}
	if _, err := w.Context.element(); err != nil {
		return ReservePublic{}, err
	}
	total, err := w.Total()
	if err != nil {
		return ReservePublic{}, err
	}
	points, err := CommitAmounts(append([]uint64{total}, w.Amounts...), append([]Scalar{w.S}, w.Blindings...))
	if err != nil {
		return ReservePublic{}, err
	}
	return ReservePublic{Context: w.Context, Balances: points[1:], Sum: points[0]}, nil
}
