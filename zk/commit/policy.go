package commit

import "entente/schema/refusal"

// PolicyPublic is what a policy proof states about one chunk of a bill: every item digested by D has an amount of at most Threshold and a category whose bit
// is set in Allowed (bit 0 is category 0). Context is the question's; the bill's own context is inside D.
type PolicyPublic struct {
	Context   Digest
	D         Digest
	Threshold uint64 // minor units, below 2^63
	Allowed   uint16
}

// PolicyWitness is what the desk that proves knows. Bill is the context the items were digested under.
type PolicyWitness struct {
	Context   Digest
	Threshold uint64
	Allowed   uint16
	Bill      Digest
	Size      int // 16, 64 or 256
	Items     []Item
}

// Public computes the statement natively: the twin of the policy circuit. Refused: over_limit when an item breaks the policy, and as DigestItems refuses.
func (w PolicyWitness) Public() (PolicyPublic, error) {
	if _, err := w.Context.element(); err != nil {
		return PolicyPublic{}, err
	}
	if err := checkAmount(w.Threshold); err != nil {
		return PolicyPublic{}, err
	}
	d, err := DigestItems(w.Items, w.Size, w.Bill)
	if err != nil {
		return PolicyPublic{}, err
	}
	for i := range w.Items {
		if w.Items[i].Amount > w.Threshold || w.Allowed>>w.Items[i].Category&1 == 0 {
			return PolicyPublic{}, refusal.Newf(CodeOverLimit, "take the item out of the bill, or have it approved by name", "item %d breaks the policy", i)
		}
	}
	return PolicyPublic{Context: w.Context, D: d, Threshold: w.Threshold, Allowed: w.Allowed}, nil
}
