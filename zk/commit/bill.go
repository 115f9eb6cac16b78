package commit

import "entente/schema/refusal"

// BillPublic is what a bill proof states about one chunk: D digests items whose sums by category are in C and whose total is in T. Every amount, every
// category sum and the total are below 2^63.
type BillPublic struct {
	Context Digest
	D       Digest
	C       Point
	T       Point
}

// BillWitness is what the desk that proves knows about one chunk. Empty slots follow the items.
type BillWitness struct {
	Context Digest
	Size    int // 16, 64 or 256
	Items   []Item
	R       Scalar // blinding of C
	S       Scalar // blinding of T
}

// SumItems adds amounts by category. Refused: item_invalid for an unknown category, amount_out_of_range when an amount or a sum is 2^63 or more.
func SumItems(items []Item) (Sums, error) {
	var sums Sums
	for i := range items {
		if items[i].Category >= Categories {
			return Sums{}, refusal.Newf(CodeItemInvalid, "use one of the agreement's categories", "item %d has category %d", i, items[i].Category)
		}
		if err := checkAmount(items[i].Amount); err != nil {
			return Sums{}, err
		}
		sum := &sums[items[i].Category]
		*sum += items[i].Amount // both below 2^63: no wrap before the check
		if err := checkAmount(*sum); err != nil {
			return Sums{}, err
		}
	}
	return sums, nil
}

// Public computes the statement natively: the twin of the bill circuit, and what the debtor's desk recomputes before it countersigns. It has the refusals
// of DigestItems, SumItems, Sums.Total and CommitSums.
func (w BillWitness) Public() (BillPublic, error) {
	d, err := DigestItems(w.Items, w.Size, w.Context)
	if err != nil {
		return BillPublic{}, err
	}
	sums, err := SumItems(w.Items)
	if err != nil {
		return BillPublic{}, err
	}
	total, err := sums.Total()
	if err != nil {
		return BillPublic{}, err
	}
	c, err := CommitSums(sums, w.R)
	if err != nil {
		return BillPublic{}, err
	}
	t, err := CommitAmount(total, w.S)
	if err != nil {
		return BillPublic{}, err
	}
	return BillPublic{Context: w.Context, D: d, C: c, T: t}, nil
}
