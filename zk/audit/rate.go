package audit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"entente/schema/money"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

// posted is what was posted of a swap, in the logs' order. A posting to suspense counts, its later release does not.
type posted []posting

type posting struct {
	ledger *ledger
	leaf   *leaf
}

// rates checks that the two legs of every settled swap between two ledgers stand to each other at the rate that the bank of the sold currency signed. What was
// posted in one log alone may be settled in the other after its head; it is counted, and so is what was posted in more than two.
func (a *audit) rates() string {
	swaps := a.swaps()
	claims := map[wire.Hash]*claim{}
	var proofs []proving[commit.RatePublic]
	for i := range a.bundle.Rates {
		proofs = append(proofs, a.readRate(i, swaps, claims)...)
	}
	verifyAll(a, proof.Rate, proofs, 0, 0)
	due, missing, single, many := 0, 0, 0, 0
	for _, swap := range slices.SortedFunc(maps.Keys(swaps), func(x, y wire.Hash) int { return bytes.Compare(x[:], y[:]) }) {
		switch legs, claim := swaps[swap].ledgers(), claims[swap]; {
		case len(legs) == 1:
			single++
			continue
		case len(legs) > 2:
			many++
			continue
		case claim == nil:
			missing++
			a.find(Undecidable, CodeRateMissing, "swap "+swap.Short(), "neither of the two banks that posted it states its rate")
		case claim.holds && legs[0].signed && legs[1].signed:
			a.report.Rates++
		}
		due++
	}
	a.unchecked(missing, "Swaps whose rate nobody states: %d.", missing)
	a.unchecked(single, "Payments that one log alone shows as posted: %d. Their other legs, if any, are later than the other logs' heads.", single)
	a.unchecked(many, "Settlements over more than two ledgers, between whose legs is no single rate: %d.", many)
	return fmt.Sprintf("%d of %d swaps between two ledgers at the rate stated", a.report.Rates, due)
}

// swaps finds what was posted, by reference.
func (a *audit) swaps() map[wire.Hash]posted {
	swaps := map[wire.Hash]posted{}
	for _, l := range a.logged {
		for i := range l.leaves {
			if leaf := &l.leaves[i]; leaf.decoded && leaf.Kind == wire.LeafPost && !leaf.Reference.IsZero() {
				swaps[leaf.Reference] = append(swaps[leaf.Reference], posting{l, leaf})
			}
		}
	}
	return swaps
}

// ledgers gives the ledgers that posted something, each once.
func (p posted) ledgers() []*ledger {
	var ledgers []*ledger
	for _, posting := range p {
		if !slices.Contains(ledgers, posting.ledger) {
			ledgers = append(ledgers, posting.ledger)
		}
	}
	return ledgers
}

// sum adds the commitments of what a ledger posted; false if one is not valid.
func (p posted) sum(l *ledger) (commit.Point, bool) {
	var sum commit.Sum
	for _, posting := range p {
		if posting.ledger != l {
			continue
		}
		if posting.leaf.fault != "" {
			return commit.Point{}, false
		}
		mustAdd(&sum, posting.leaf.amount)
	}
	return sum.Point(), true
}

// readRate checks all of a claim but its proof, and gives what the proof must prove.
func (a *audit) readRate(i int, swaps map[wire.Hash]posted, claims map[wire.Hash]*claim) []proving[commit.RatePublic] {
	var r wire.RateClaim
	c := a.readClaim(wire.TypeRate, &a.bundle.Rates[i], fmt.Sprintf("rate claim %d", i), &r)
	if c == nil {
		return nil
	}
	c.where = fmt.Sprintf("rate claim %d (swap %s)", i, r.Swap.Short())
	a.readOwner(c, r.SellBank, r.Network)
	sell, known := a.network.Bank(r.SellBank)
	buy, alsoKnown := a.network.Bank(r.BuyBank)
	if !known || !alsoKnown || sell.ID == buy.ID || r.SellCurrency != sell.Currency || r.BuyCurrency != buy.Currency {
		a.refuse(c, CodeClaimForeign, "%q of %q and %q of %q are not the currencies of two pinned banks", r.SellCurrency, r.SellBank, r.BuyCurrency, r.BuyBank)
		return nil
	}
	sold, bought := a.ledgers[sell.ID], a.ledgers[buy.ID]
	if sold == nil || bought == nil {
		c.holds = false // the missing log is a finding already
		return nil
	}
	legs := swaps[r.Swap]
	if ledgers := legs.ledgers(); len(ledgers) != 2 || !slices.Contains(ledgers, sold) || !slices.Contains(ledgers, bought) {
		a.refuse(c, CodeClaimUnfounded, "the logs of %s and %s, and no others, did not post such a swap", sell.ID, buy.ID)
		return nil
	}
	if claims[r.Swap] != nil {
		a.refuse(c, CodeClaimRepeated, "another claim is about the same swap")
	} else {
		claims[r.Swap] = c
	}
	b, whole := legs.sum(sold)
	p, alsoWhole := legs.sum(bought)
	switch {
	case !whole || !alsoWhole:
		c.holds = false // the damaged leaf is a finding already
		return nil
	case commit.Point(r.Sold) != b || commit.Point(r.Bought) != p:
		a.refuse(c, CodeRateAmount, "the amounts it states are not those posted in the logs")
		return nil
	case len(c.proofs) != 1:
		a.refuse(c, CodeProofMissing, "%d proofs came in place of one", len(c.proofs))
		return nil
	}
	rate, err := rateOf(&r)
	if err != nil {
		a.refused(err, money.CodeRateInvalid, c.where)
		c.holds = false
		return nil
	}
	public := commit.RatePublic{Context: commit.RateContext(r), A: p, B: b, Rate: rate, Rounding: money.Rounding(r.Rounding)}
	return []proving[commit.RatePublic]{{claim: c, statement: public, proof: c.proofs[0]}}
}

func rateOf(r *wire.RateClaim) (money.Rate, error) {
	base, err := money.ParseCurrency(r.BuyCurrency)
	if err != nil {
		return money.Rate{}, err
	}
	quote, err := money.ParseCurrency(r.SellCurrency)
	if err != nil {
		return money.Rate{}, err
	}
	return money.NewRate(r.RateMantissa, r.RateScale, base, quote)
}
