package audit

import (
	"fmt"
	"slices"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
)

// readCharters reads the programmes' names, members and categories, and what may be checked of what they agreed, each signed by all its members.
func (a *audit) readCharters() string {
	shared, budgets := 0, 0
	for i := range a.bundle.Charters {
		charter, where, ok := a.readCharter(i)
		if !ok {
			continue
		}
		if a.charters[charter.Programme] != nil {
			a.find(Invalid, CodeCharterRepeated, where, "the bundle holds two charters of this programme")
			continue
		}
		a.charters[charter.Programme] = charter
		budgets += len(charter.Budgets)
		for k := range charter.Categories {
			if len(charter.Categories[k].Shares) > 0 {
				shared++
			}
		}
	}
	return fmt.Sprintf("%d of %d charters hold, with %d shared categories and %d budgets", len(a.charters), len(a.bundle.Charters), shared, budgets)
}

func (a *audit) readCharter(i int) (charter *wire.Charter, where string, ok bool) {
	envelope := &a.bundle.Charters[i]
	charter, where = new(wire.Charter), fmt.Sprintf("charter %d", i)
	signers, err := envelope.Verify(wire.TypeCharter, a.network)
	if err != nil {
		a.refused(err, wire.CodeSigInvalid, where)
		return charter, where, false
	}
	if err := wire.Decode(envelope.Payload, wire.LimitAttachment, charter); err != nil {
		a.refused(err, wire.CodeMalformed, where)
		return charter, where, false
	}
	where = fmt.Sprintf("charter of programme %s", charter.Programme.Short())
	switch {
	case charter.Network != a.network.Network:
		a.find(Invalid, wire.CodeWrongNetwork, where, "it is of network %q", charter.Network)
	case !signedBy(signers, charter.Members...):
		a.find(Invalid, CodeCharterUnsigned, where, "it is not signed by exactly its members %q", charter.Members)
	case !distinct(charter.Members) || !distinct(categoryCodes(charter)):
		a.find(Invalid, wire.CodeMalformed, where, "members and categories are not each named, and named once")
	default:
		ok = true
	}
	for _, nation := range charter.Members {
		if _, member := a.network.Member(nation); !member {
			a.find(Invalid, CodeCharterUnsigned, where, "the trust file lists no member %q", nation)
			ok = false
		}
	}
	refuse := func(code refusal.Code, format string, args ...any) {
		a.find(Invalid, code, where, format, args...)
		ok = false
	}
	if ok {
		checkShares(charter, refuse)
		checkBudgets(charter, refuse)
	}
	return charter, where, ok
}

// checkShares refuses shares by which nothing can be divided, or not by the circuit.
func checkShares(c *wire.Charter, refuse func(refusal.Code, string, ...any)) {
	for k := range c.Categories {
		category := &c.Categories[k]
		nobody := !slices.ContainsFunc(category.Shares, func(weight uint32) bool { return weight > 0 })
		switch n := len(category.Shares); {
		case n == 0:
		case n != len(c.Members):
			refuse(CodeCharterShares, "category %q has %d shares for %d members", category.Code, n, len(c.Members))
		case nobody:
			refuse(CodeCharterShares, "nobody has a share of category %q", category.Code)
		}
	}
}

// checkBudgets refuses budgets of others than members, two for one thing, and limits that are not in order or beyond what can be proven.
func checkBudgets(c *wire.Charter, refuse func(refusal.Code, string, ...any)) {
	type about struct{ member, currency string }
	seen := map[about]bool{}
	for i := range c.Budgets {
		b := &c.Budgets[i]
		if !slices.Contains(c.Members, b.Member) {
			refuse(CodeCharterBudget, "budget %d is of %q, which is no member", i, b.Member)
		}
		if key := (about{b.Member, b.Currency}); seen[key] {
			refuse(CodeCharterBudget, "%s has two budgets in %q", b.Member, b.Currency)
		} else {
			seen[key] = true
		}
		for j, limit := range b.Limits {
			if int(limit.Category) >= len(c.Categories) || j > 0 && limit.Category <= b.Limits[j-1].Category {
				refuse(CodeCharterBudget, "the limits of %s in %q are not of categories of the charter, each once and in order", b.Member, b.Currency)
				break
			}
		}
		if _, _, err := commit.CharterLimits(b); err != nil {
			refuse(CodeCharterBudget, "a limit of %s in %q is 2^80 minor units or more", b.Member, b.Currency)
		}
	}
}

// chartered gives the charter of a programme. Where there is none, it says so once.
func (a *audit) chartered(tag wire.Hash) (*wire.Charter, bool) {
	charter := a.charters[tag]
	if charter == nil && !a.uncharted[tag] {
		a.find(Undecidable, CodeCharterMissing, "", "no charter says who the members and what the categories of programme %s are", tag.Short())
		a.uncharted[tag] = true
	}
	return charter, charter != nil
}

func categoryCodes(c *wire.Charter) []string {
	codes := make([]string, len(c.Categories))
	for k := range c.Categories {
		codes[k] = c.Categories[k].Code
	}
	return codes
}

// distinct tells whether there is at least one name, none is empty, and none is there twice.
func distinct(names []string) bool {
	sorted := slices.Sorted(slices.Values(names))
	return len(names) > 0 && !slices.Contains(names, "") && len(slices.Compact(sorted)) == len(names)
}
