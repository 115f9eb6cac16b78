// Package quorum is the algebra of who must agree: maker-checker for payments, and k of n for everything else. It is pure.
//
// Persons are counted, never keys: somebody with a second key or a later epoch is still one person. Promised: order and repetition do not matter, and a
// further voice never turns enough into too few. Not checked here: signatures, and whether a key is pinned; that comes first.
package quorum

import (
	"entente/schema/refusal"
	"entente/schema/wire"
)

// The codes of the refusals this package gives, in order of descending precedence.
const (
	// CodeApproverForeign refuses an approver of another nation than the maker's.
	CodeApproverForeign refusal.Code = "approver_foreign"
	// CodeSameApprover refuses an approval by the maker.
	CodeSameApprover refusal.Code = "same_approver"
	// CodeApprovalMissing says that fewer persons approved than the rule asks for.
	CodeApprovalMissing refusal.Code = "approval_missing"
)

// Person is somebody who speaks for an owner. It is comparable, and the same through all epochs of the person's keys.
type Person struct {
	Owner string // nation, bank or provider
	Name  string
}

// Of gives the person who holds a key.
func Of(k wire.Key) Person { return Person{k.Owner, k.Name} }

// String names the person for people.
func (p Person) String() string {
	if p.Name == "" {
		return p.Owner
	}
	return p.Name + " of " + p.Owner
}

// Rule is how many persons beside the maker must approve. Fewer than one counts as one: nobody pays alone.
type Rule struct{ Approvals int }

// Needed gives the number of approvals the rule asks for, at least one.
func (r Rule) Needed() int { return max(r.Approvals, 1) }

// Check asks whether the approvers suffice for what the maker made. Refusals: approver_foreign, same_approver, approval_missing.
func Check(maker wire.Key, approvers []wire.Key, rule Rule) error {
	var persons []Person
	for _, k := range approvers {
		if err := MayApprove(Of(maker), Of(k)); err != nil {
			return err
		}
		persons = append(persons, Of(k))
	}
	if n := Count(persons); n < rule.Needed() {
		return refusal.Newf(CodeApprovalMissing, "let further users of the desk approve", "%d of %d approvals are there", n, rule.Needed())
	}
	return nil
}

// MayApprove asks whether a person may approve what the maker made. Refusals: approver_foreign, same_approver.
func MayApprove(maker, approver Person) error {
	if approver.Owner != maker.Owner {
		return refusal.Newf(CodeApproverForeign, "let a user of the paying desk approve", "%s approved what %s made", approver, maker)
	}
	if approver == maker {
		return refusal.Newf(CodeSameApprover, "let somebody else approve", "%s approved what the same person made", maker)
	}
	return nil
}

// Count gives the number of distinct persons.
func Count(persons []Person) int {
	distinct := make(map[Person]bool, len(persons))
	for _, p := range persons {
		distinct[p] = true
	}
	return len(distinct)
}

// Group is k of n named persons, such as supplier, receiver and inspector.
type Group struct {
	K  int
	Of []Person
}

// Met tells whether at least K distinct members are among those who said yes; others do not count. A group that asks for none, or for more than it has, is
// never met: a rule left empty must not let anything through.
func (g Group) Met(yes []Person) bool {
	return g.K >= 1 && Count(g.members(yes)) >= g.K
}

// Silent lists the members who have not said yes, in the group's order, each once.
func (g Group) Silent(yes []Person) []Person {
	seen := make(map[Person]bool, len(yes)+len(g.Of))
	for _, p := range yes {
		seen[p] = true
	}
	var silent []Person
	for _, p := range g.Of {
		if !seen[p] {
			silent = append(silent, p)
			seen[p] = true
		}
	}
	return silent
}

func (g Group) members(persons []Person) []Person {
	in := make(map[Person]bool, len(g.Of))
	for _, p := range g.Of {
		in[p] = true
	}
	var members []Person
	for _, p := range persons {
		if in[p] {
			members = append(members, p)
		}
	}
	return members
}
