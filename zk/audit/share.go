package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

// sharing is what one share claim is about: what a creditor supplied in one category. Its nation is the creditor.
type sharing struct {
	slice
	category int
}

// between is a creditor's bills to one debtor.
type between struct {
	slice
	debtor string
}

// shares checks that the cost of every shared category was divided among the members as their charter says. The other members' charges are what the creditor's
// bills to them hold in the category; the creditor's own is the rest of a total that the formula then leaves no choice about, but for rounding.
func (a *audit) shares() string {
	by := func(b *bill) slice { return slice{programme{b.Ledger, b.Programme}, b.Creditor} }
	supplied := gather(a, by)
	charged := gather(a, func(b *bill) between { return between{by(b), b.Debtor} })
	claims := map[sharing]*claim{}
	var divisions []proving[commit.SharePublic]
	var links []link
	for i := range a.bundle.Shares {
		d, l := a.readShare(i, charged, claims)
		divisions, links = append(divisions, d...), append(links, l...)
	}
	verifyAll(a, proof.Share, divisions, 0, len(links))
	_, before := batches(len(divisions))
	a.verifyLinks(links, before)
	due, missing := 0, 0
	for _, key := range slices.SortedFunc(maps.Keys(supplied), slice.compare) {
		charter := a.charters[key.tag]
		if charter == nil || !slices.Contains(charter.Members, key.nation) {
			continue // a finding says so
		}
		for k := range charter.Categories {
			if len(charter.Categories[k].Shares) == 0 {
				continue
			}
			due++
			switch claim := claims[sharing{key, k}]; {
			case claim == nil:
				missing++
				a.find(Undecidable, CodeShareMissing, "ledger "+key.bank, "%s does not show that its bills of programme %s divide the cost of %q as agreed",
					key.nation, key.tag.Short(), charter.Categories[k].Code)
			case claim.holds && supplied[key].proven && a.ledgers[key.bank].signed:
				a.report.Shares++
			}
		}
	}
	a.unchecked(missing, "Shared costs that nobody shows to be divided as agreed: %d.", missing)
	a.unchecked(a.report.Shares, "A creditor's own part of a shared cost: no bill shows it. It is what the formula leaves beside the parts that are billed.")
	return fmt.Sprintf("%d of %d shared costs divided as agreed", a.report.Shares, due)
}

func (s slice) compare(t slice) int {
	return cmp.Or(s.programme.compare(t.programme), cmp.Compare(s.nation, t.nation))
}

// readShare checks all of a claim but its proofs, and gives what those must prove.
func (a *audit) readShare(i int, charged map[between]*content, claims map[sharing]*claim) ([]proving[commit.SharePublic], []link) {
	var s wire.ShareClaim
	c := a.readClaim(wire.TypeShare, &a.bundle.Shares[i], fmt.Sprintf("share claim %d", i), &s)
	if c == nil {
		return nil, nil
	}
	c.where = fmt.Sprintf("share claim %d (category %d of %s in %s)", i, s.Category, s.Nation, s.Currency)
	key, ok := a.readSlice(c, &s.Slice)
	if !ok {
		return nil, nil
	}
	about := sharing{key, int(s.Category)}
	if claims[about] != nil {
		a.refuse(c, CodeClaimRepeated, "another claim is about the same cost")
	} else {
		claims[about] = c
	}
	charter, ok := a.chartered(s.Programme)
	if !ok {
		c.holds = false
		return nil, nil
	}
	n := len(charter.Members)
	switch {
	case !slices.Contains(charter.Members, s.Nation) || about.category >= len(charter.Categories) || len(charter.Categories[about.category].Shares) == 0:
		a.refuse(c, CodeClaimUnfounded, "the charter of programme %s has no such category that %s shares with others", s.Programme.Short(), s.Nation)
		return nil, nil
	case len(s.Charges) != n:
		a.refuse(c, CodeShareCharges, "%d charges came for %d members", len(s.Charges), n)
		return nil, nil
	case len(c.proofs) != n:
		a.refuse(c, CodeProofMissing, "%d proofs came in place of one and one for each of %d other members", len(c.proofs), n-1)
		return nil, nil
	}
	var total commit.Sum
	charges := make([]commit.Point, n)
	for m := range charges {
		p, err := commit.ParsePoint(s.Charges[m][:])
		if err != nil {
			a.refused(err, commit.CodePointInvalid, fmt.Sprintf("%s, charge of %s", c.where, charter.Members[m]))
			c.holds = false
			return nil, nil
		}
		charges[m] = p
		mustAdd(&total, p)
	}
	public := commit.SharePublic{Context: commit.ShareContext(s), Total: total.Point(), Charges: charges,
		Weights: charter.Categories[about.category].Shares, Formula: commit.CharterFormula(charter, about.category)}
	return []proving[commit.SharePublic]{{claim: c, statement: public, proof: c.proofs[0]}}, a.linksOf(c, &s, charter, key, charges, charged)
}

// link is one member's charge and the proof that it is what its bills hold.
type link struct {
	claim     *claim
	member    string
	statement commit.Link
	proof     []byte
	err       error
}

// linksOf gives what joins the charges of all members but the creditor to their bills; to nothing, where they have none.
func (a *audit) linksOf(c *claim, s *wire.ShareClaim, charter *wire.Charter, key slice, charges []commit.Point, charged map[between]*content) []link {
	var links []link
	proofs := c.proofs[1:]
	for m, member := range charter.Members {
		if member == s.Nation {
			continue
		}
		proof := proofs[0]
		proofs = proofs[1:]
		billed := charged[between{key, member}]
		if billed == nil {
			billed = nothing()
		}
		if a.unplaced[key.programme] || !billed.summed {
			c.holds = false // a bill is missing or damaged, which is found before: the sum cannot be told
			continue
		}
		links = append(links, link{claim: c, member: member, proof: proof,
			statement: commit.Link{Context: commit.LinkContext(*s, m), K: int(s.Category), C: billed.sum.Point(), A: charges[m]}})
	}
	return links
}

// verifyLinks checks links on all processors, after as much else.
func (a *audit) verifyLinks(links []link, before int) {
	a.eachOf(before, before+len(links), len(links), func(i int) { links[i].err = commit.VerifyLink(links[i].statement, links[i].proof) })
	for i := range links {
		if l := &links[i]; l.err != nil {
			a.refused(l.err, commit.CodeLinkInvalid, fmt.Sprintf("%s, charge of %s", l.claim.where, l.member))
			l.claim.holds = false
		}
	}
}
