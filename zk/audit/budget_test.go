package audit

import (
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

func TestChartersSayOnlyWhatCanBeChecked(t *testing.T) {
	charter := func(change func(*wire.Charter)) func(*world) { return func(w *world) { w.charter(change) } }
	shares := []refusal.Code{CodeCharterShares, CodeCharterMissing}
	budget := []refusal.Code{CodeCharterBudget, CodeCharterMissing}
	limits := func(l ...wire.CategoryLimit) func(*world) {
		return charter(func(c *wire.Charter) { c.Budgets[0].Limits = l })
	}
	beyond := wire.Total96{1: 1} // 2^80
	run(t, []broken{
		{name: "a share for two of three members", exit: 1, codes: shares, world: charter(func(c *wire.Charter) { c.Categories[4].Shares = []uint32{1, 1} })},
		{name: "shares for one more than the members", exit: 1, codes: shares, world: charter(func(c *wire.Charter) { c.Categories[4].Shares = []uint32{1, 1, 1, 1} })},
		{name: "shares that are all zero", exit: 1, codes: shares, world: charter(func(c *wire.Charter) { c.Categories[4].Shares = []uint32{0, 0, 0} })},
		{name: "a category shared by nine members, for which there is no circuit", whole: true, exit: 2, codes: []refusal.Code{CodeShareMissing},
			world: func(w *world) {
				nine := []string{"AUS", "IND", "JPN"}
				for _, nation := range []string{"CAN", "FRA", "GBR", "KOR", "NZL", "USA"} {
					nine = append(nine, nation)
					w.member(nation, "rba")
				}
				w.charter(func(c *wire.Charter) { c.Members, c.Categories[4].Shares = nine, []uint32{1, 1, 1, 1, 1, 1, 1, 1, 1} })
				w.shares = nil
			}},
		{name: "nine members that share nothing", exit: 0,
			world: func(w *world) {
				nine := []string{"AUS", "IND", "JPN"}
				for _, nation := range []string{"CAN", "FRA", "GBR", "KOR", "NZL", "USA"} {
					nine = append(nine, nation)
					w.member(nation, "rba")
				}
				w.charter(func(c *wire.Charter) { c.Members, c.Categories[4].Shares = nine, nil })
				w.shares = nil
			}},
		{name: "a budget of an outsider", exit: 1, codes: budget, world: charter(func(c *wire.Charter) { c.Budgets[0].Member = "USA" })},
		{name: "two budgets of a member in a currency", exit: 1, codes: budget, world: charter(func(c *wire.Charter) { c.Budgets = append(c.Budgets, c.Budgets[0]) })},
		{name: "a limit of a category that the charter does not have", exit: 1, codes: budget, world: limits(wire.CategoryLimit{Category: 5})},
		{name: "a limit of a category that no bill has", exit: 1, codes: budget, world: limits(wire.CategoryLimit{Category: 16})},
		{name: "two limits of a category", exit: 1, codes: budget, world: limits(wire.CategoryLimit{Category: 1}, wire.CategoryLimit{Category: 1})},
		{name: "limits out of order", exit: 1, codes: budget, world: limits(wire.CategoryLimit{Category: 2}, wire.CategoryLimit{Category: 1})},
		{name: "a limit beyond what can be proven", exit: 1, codes: budget, world: limits(wire.CategoryLimit{Category: 1, Most: beyond})},
		{name: "a grand limit beyond what can be proven", exit: 1, codes: budget, world: charter(func(c *wire.Charter) { c.Budgets[0].Grand = beyond })},
		{name: "a limit that is as good as none", exit: 0, world: limits(wire.CategoryLimit{Category: 1, Most: wire.Total96{2: 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}})},
	})
}

func TestBudgets(t *testing.T) {
	before := func(change func(*wire.BudgetClaim)) func(*world) {
		return func(w *world) { w.budgets[0].before = change }
	}
	after := func(change func(*wire.BudgetClaim)) func(*world) {
		return func(w *world) { w.budgets[0].change = change }
	}
	signers := func(names ...string) func(*world) { return func(w *world) { w.budgets[0].signers = names } }
	proofs := func(change func([][]byte) [][]byte) func(*world) {
		return func(w *world) { w.budgets[0].proofs = change }
	}
	invalid := []refusal.Code{proof.CodeProofInvalid}
	foreign := []refusal.Code{CodeClaimForeign, CodeBudgetMissing}
	runWhole(t, []broken{
		{name: "none", exit: 2, codes: []refusal.Code{CodeBudgetMissing}, world: func(w *world) { w.budgets = w.budgets[1:] }},
		{name: "none for a budget without bills", exit: 0, world: func(w *world) {
			w.charter(func(c *wire.Charter) { c.Budgets[2].Currency = "INR"; c.Budgets[2].Member = "IND" })
		}},
		{name: "one for a budget without bills", exit: 0,
			world: func(w *world) {
				w.charter(func(c *wire.Charter) { c.Budgets[2].Currency = "INR"; c.Budgets[2].Member = "IND" })
				w.budgets = append(w.budgets, &madeBudget{debtor: "IND", ledger: "rbi"})
			}},
		{name: "signed by another nation", exit: 1, codes: []refusal.Code{CodeClaimUnsigned}, world: signers("AUS")},
		{name: "signed by two nations", exit: 1, codes: []refusal.Code{CodeClaimUnsigned}, world: signers("IND", "AUS")},
		{name: "signed by a bank", exit: 1, codes: []refusal.Code{wire.CodeKeyPurpose}, world: signers("rba")},
		{name: "a signature changed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid},
			after: func(_ *world, b *wire.Bundle) { b.Budgets[0].Envelope.Signatures[0].Bytes[0] ^= 1 }},
		{name: "a signed document that is no claim", exit: 1, codes: []refusal.Code{wire.CodeMalformed, CodeBudgetMissing},
			after: func(w *world, b *wire.Bundle) {
				b.Budgets[0].Envelope = w.sign(wire.TypeBudget, []byte("budget"), wire.PurposeNation, "IND")
			}},
		{name: "of another network", exit: 1, codes: []refusal.Code{wire.CodeWrongNetwork}, world: before(func(c *wire.BudgetClaim) { c.Network = "elsewhere" })},
		{name: "on another ledger", exit: 1, codes: foreign, world: after(func(c *wire.BudgetClaim) { c.Ledger = "rbi" })},
		{name: "in another currency", exit: 1, codes: foreign, world: after(func(c *wire.BudgetClaim) { c.Currency = "INR" })},
		{name: "about another log", exit: 1, codes: foreign, world: after(func(c *wire.BudgetClaim) { c.Head.Origin = "rbi.test/INR" })},
		{name: "at an earlier size", exit: 1, codes: []refusal.Code{CodeClaimStale}, world: before(func(c *wire.BudgetClaim) { c.Head.Size-- })},
		{name: "at another root", exit: 1, codes: append(invalid, CodeClaimStale), world: after(func(c *wire.BudgetClaim) { c.Head.Root[0] ^= 1 })},
		{name: "two about one budget", exit: 1, codes: []refusal.Code{CodeClaimRepeated},
			after: func(_ *world, b *wire.Bundle) { b.Budgets = append(b.Budgets, b.Budgets[0]) }},
		{name: "about a nation without a budget", exit: 1, codes: []refusal.Code{CodeClaimUnfounded},
			world: func(w *world) {
				w.budgets = append(w.budgets, &madeBudget{debtor: "JPN", ledger: "rba", bills: w.bills[2:3]})
			}},
		{name: "about a programme without a charter", exit: 2, codes: []refusal.Code{CodeCharterMissing},
			world: func(w *world) {
				w.budgets = append(w.budgets, &madeBudget{debtor: "JPN", ledger: "rba", made: made[wire.BudgetClaim]{before: func(c *wire.BudgetClaim) { c.Programme[0] ^= 1 }}})
			}},
		{name: "a bill left out of the sum", exit: 1, codes: []refusal.Code{CodeBudgetSum}, world: func(w *world) { w.budgets[0].bills = nil }},
		{name: "a replaced bill in the sum", exit: 1, codes: []refusal.Code{CodeBudgetSum},
			world: func(w *world) {
				w.charter(func(c *wire.Charter) { c.Budgets[2].Currency, c.Budgets[2].Grand = "INR", w.total96(90_000) })
				w.budgets = append(w.budgets, &madeBudget{debtor: "JPN", ledger: "rbi", bills: w.bills[3:5]})
			}},
		{name: "a sum outside the group", exit: 1, codes: []refusal.Code{CodeBudgetSum, commit.CodePointInvalid}, world: after(func(c *wire.BudgetClaim) { c.Sum = [64]byte{} })},
		{name: "another nonce than the proven one", exit: 1, codes: invalid, world: after(func(c *wire.BudgetClaim) { c.Nonce[0]++ })},
		{name: "the proof of another budget", exit: 1, codes: invalid,
			after: func(_ *world, b *wire.Bundle) { b.Budgets[0].Proofs = b.Budgets[1].Proofs }},
		{name: "proven within wider limits than the charter's", exit: 1, codes: invalid,
			after: func(w *world, b *wire.Bundle) {
				w.charter(func(c *wire.Charter) { c.Budgets[0].Limits[0].Most = w.total96(10) })
				b.Charters = w.charters
			}},
		{name: "proven within another grand limit", exit: 1, codes: invalid,
			after: func(w *world, b *wire.Bundle) {
				w.charter(func(c *wire.Charter) { c.Budgets[0].Grand = w.total96(10) })
				b.Charters = w.charters
			}},
		{name: "no proof", exit: 1, codes: []refusal.Code{CodeProofMissing}, world: proofs(func([][]byte) [][]byte { return nil })},
		{name: "two proofs", exit: 1, codes: []refusal.Code{CodeProofMissing}, world: proofs(func(p [][]byte) [][]byte { return append(p, p[0]) })},
		{name: "bytes that are no proof", exit: 1, codes: []refusal.Code{proof.CodeProofMalformed}, world: proofs(func([][]byte) [][]byte { return [][]byte{make([]byte, 256)} })},
		{name: "no key to check them with", exit: 2, codes: []refusal.Code{CodeKeyMissing}, after: func(_ *world, b *wire.Bundle) { b.Keys = without(b.Keys, proof.Budget) }},
	})
}
