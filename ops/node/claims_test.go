package node_test

import (
	"testing"

	"entente/ops/node"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// claimsAreThere counts what banks and desks claim against what happened.
func claimsAreThere(t *testing.T, w *world, bundle *wire.Bundle) {
	t.Helper()
	swaps := 0
	for _, b := range w.net.Trust.Banks {
		s, err := w.net.Auditor.Summary(t.Context(), b.ID)
		if err != nil {
			t.Fatal(err)
		}
		swaps += s.SwapsSettled
	}
	agreement := w.agreement
	type pair struct{ nation, currency string }
	creditors, debtors := map[string]bool{}, map[pair]bool{}
	for _, m := range agreement.Members {
		for _, b := range w.net.Desks[string(m.Nation)].Bills() {
			creditors[b.Bill.Creditor], debtors[pair{b.Bill.Debtor, b.Bill.Currency}] = true, true
		}
	}
	shared, budgets := 0, 0
	for _, c := range agreement.Categories {
		if c.Formula.Kind == programme.BasisPoints {
			shared++
		}
	}
	for _, b := range agreement.Budgets {
		if debtors[pair{string(b.Nation), b.Currency.Code()}] {
			budgets++
		}
	}
	if swaps == 0 || shared == 0 || budgets == 0 {
		t.Fatalf("the exercise has %d swaps, %d shared categories and %d budgets with bills", swaps, shared, budgets)
	}
	for what, n := range map[string][2]int{
		"supplies": {len(bundle.Supplies), len(w.net.Trust.Banks)}, "rates": {len(bundle.Rates), swaps},
		"shares": {len(bundle.Shares), shared * len(creditors)}, "budgets": {len(bundle.Budgets), budgets},
	} {
		if n[0] != n[1] {
			t.Errorf("%d %s are claimed, %d are due", n[0], what, n[1])
		}
	}
}

// claimsAreForAuditors asks for claims as somebody who may not, and for claims that nobody should make.
func claimsAreForAuditors(t *testing.T, w *world) {
	bank, _ := w.net.Trust.Bank("eurosystem")
	note := w.net.Banks[bank.ID].Engine().Checkpoint()
	for who, subjects := range map[string][]string{"DEU": {node.SubjectBudget, node.SubjectClosing, node.SubjectStatement}, bank.ID: {node.SubjectRates, node.SubjectSupply}} {
		for _, subject := range subjects {
			_, err := w.ask(t, w.service(t, "GBR"), who, subject, note)
			refuses(t, err, node.CodeNotAllowed)
		}
	}
	auditor := w.key(t, "auditor", wire.PurposeService, w.net.Trust.Auditors[0].ID)
	for subject, who := range map[string]string{node.SubjectClosing: "DEU", node.SubjectStatement: "DEU"} {
		_, err := w.ask(t, auditor, who, subject, node.ClaimRequest([]byte("log.example/of/nobody\n1\n"), nil))
		refuses(t, err, wire.CodeWrongRecipient)
	}
	_, err := w.ask(t, auditor, "GBR", node.SubjectBudget, node.ClaimRequest(note, nil))
	if err != nil {
		t.Errorf("nothing is billed, and the desk says %v", err)
	}
	mine := w.billOf(t, "GBR", "DEU", "exercise")
	for name, named := range map[string][]wire.Hash{
		"one of several bills": {mine.Hash}, "another nation's bill": {w.billOf(t, "KWT", "DEU", "exercise").Hash}, "a bill nobody knows": {{1}},
	} {
		if _, err := w.ask(t, auditor, "GBR", node.SubjectBudget, node.ClaimRequest(note, named)); err == nil {
			t.Errorf("a budget claim about %s is made", name)
		} else {
			refuses(t, err, node.CodeBillDiffers)
		}
	}
}
