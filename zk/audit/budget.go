package audit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

// budgets checks that everything a member is billed keeps within its budget. There is one ledger a currency (the trust file says so), and a bill is on the
// ledger of its currency, so what the one ledger holds of a programme is all that a budget bounds. A budget without bills needs no claim.
func (a *audit) budgets() string {
	billed := gather(a, func(b *bill) slice { return slice{programme{b.Ledger, b.Programme}, b.Debtor} })
	claims := map[slice]*claim{}
	var proofs []proving[commit.BudgetPublic]
	for i := range a.bundle.Budgets {
		proofs = append(proofs, a.readBudget(i, billed, claims)...)
	}
	verifyAll(a, proof.Budget, proofs, 0, 0)
	due, idle, missing := 0, 0, 0
	for _, tag := range a.programmes() {
		charter := a.charters[tag]
		for _, b := range charter.Budgets {
			bank, _ := a.network.BankOf(b.Currency)
			key := slice{programme{bank.ID, tag}, b.Member}
			content, claim := billed[key], claims[key]
			switch {
			case content == nil:
				idle++
				continue
			case claim == nil:
				missing++
				a.find(Undecidable, CodeBudgetMissing, "ledger "+bank.ID, "%s does not show that its %d bills in %s keep within its budget of programme %s",
					b.Member, content.bills, bank.Currency, tag.Short())
			case claim.holds && content.proven && a.ledgers[bank.ID].signed:
				a.report.Budgets++
			}
			due++
		}
	}
	a.unchecked(missing, "Budgets that nobody shows to be kept: %d.", missing)
	return fmt.Sprintf("%d of %d budgets with bills kept, %d more without a bill", a.report.Budgets, due, idle)
}

// programmes lists those with a charter, in a fixed order.
func (a *audit) programmes() []wire.Hash {
	return slices.SortedFunc(maps.Keys(a.charters), func(x, y wire.Hash) int { return bytes.Compare(x[:], y[:]) })
}

// readBudget checks all of a claim but its proof, and gives what the proof must prove: nothing when that cannot be told.
func (a *audit) readBudget(i int, billed map[slice]*content, claims map[slice]*claim) []proving[commit.BudgetPublic] {
	var b wire.BudgetClaim
	c := a.readClaim(wire.TypeBudget, &a.bundle.Budgets[i], fmt.Sprintf("budget claim %d", i), &b)
	if c == nil {
		return nil
	}
	c.where = fmt.Sprintf("budget claim %d (%s in %s)", i, b.Nation, b.Currency)
	key, ok := a.readSlice(c, &b.Slice)
	if !ok {
		return nil
	}
	if claims[key] != nil {
		a.refuse(c, CodeClaimRepeated, "another claim is about the same budget")
	} else {
		claims[key] = c
	}
	a.readSum(c, b.Sum, key.programme, billed[key])
	charter, ok := a.chartered(b.Programme)
	if !ok {
		c.holds = false
		return nil
	}
	budget, ok := charter.Budget(b.Nation, b.Currency)
	if !ok {
		a.refuse(c, CodeClaimUnfounded, "the charter of programme %s gives %s no budget in %s", b.Programme.Short(), b.Nation, b.Currency)
		return nil
	}
	if len(c.proofs) != 1 {
		a.refuse(c, CodeProofMissing, "%d proofs came in place of one", len(c.proofs))
		return nil
	}
	sum, err := commit.ParsePoint(b.Sum[:])
	if err != nil {
		a.refused(err, commit.CodePointInvalid, c.where)
		c.holds = false
		return nil
	}
	limits, grand, err := commit.CharterLimits(&budget)
	if err != nil {
		a.refuse(c, CodeCharterBudget, "%s", sentence(err)) // not reached: the charter was checked
		return nil
	}
	public := commit.BudgetPublic{Context: commit.BudgetContext(b), C: sum, Limits: limits, Grand: grand}
	return []proving[commit.BudgetPublic]{{claim: c, statement: public, proof: c.proofs[0]}}
}

// readSum compares the sum that a claim states with that of the bills' commitments; where a bill is missing or damaged, which is found before, there is none.
func (a *audit) readSum(c *claim, stated [64]byte, p programme, content *content) {
	if content == nil {
		content = nothing()
	}
	switch {
	case a.unplaced[p] || !content.summed:
		c.holds = false
	case commit.Point(stated) != content.sum.Point():
		a.refuse(c, CodeBudgetSum, "its sum is not that of the commitments of the %d bills in the log", content.bills)
	}
}
