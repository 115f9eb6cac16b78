package node

import (
	"testing"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/settlement/programme"
)

// TestWhatIsApprovedCountsAgainstTheBudget has a desk with a budget of 100.00 EUR, 40.00 of them for food, and two bills of 60.00.
func TestWhatIsApprovedCountsAgainstTheBudget(t *testing.T) {
	eur := money.MustCurrency("EUR")
	bill := func(n byte, food, fuel int64) (wire.Hash, *DeskBill) {
		return wire.Hash{n}, &DeskBill{Items: []programme.BillItem{{Category: 0, Amount: money.New(food, eur)}, {Category: 1, Amount: money.New(fuel, eur)}}}
	}
	first, firstBill := bill(1, 2_000, 4_000)
	second, secondBill := bill(2, 1_000, 5_000)
	hungry, hungryBill := bill(3, 4_001, 0)
	pays := func(currency string, bill wire.Hash) wire.Instruction {
		return wire.Instruction{PayCurrency: currency, Bills: []wire.Hash{bill}}
	}
	desk := func(nation programme.Nation, state payment.State, currency string) *Desk {
		d := &Desk{bills: map[wire.Hash]*DeskBill{first: firstBill, second: secondBill, hungry: hungryBill}, payments: map[wire.Hash]*deskPayment{}}
		d.cfg.Nation = string(nation)
		d.cfg.Agreement.Budgets = []programme.Budget{{Nation: "GBR", Currency: eur, Total: money.New(10_000, eur), Limits: []programme.Limit{{Category: 0, Code: "FOOD", Most: money.New(4_000, eur)}}}}
		if state != "" {
			d.payments[wire.Hash{91}] = &deskPayment{Payment: payment.Payment{Instruction: pays(currency, first), State: state}}
		}
		return d
	}
	for name, test := range map[string]struct {
		desk *Desk
		bill wire.Hash
		code refusal.Code
	}{
		"nothing is approved yet":                  {desk("GBR", "", ""), second, ""},
		"a category alone is over its limit":       {desk("GBR", "", ""), hungry, programme.CodeOverBudget},
		"the other payment is only made":           {desk("GBR", payment.Made, "EUR"), second, ""},
		"the other payment is approved":            {desk("GBR", payment.Approved, "EUR"), second, programme.CodeOverBudget},
		"the other payment is with the bank":       {desk("GBR", payment.Submitted, "EUR"), second, programme.CodeOverBudget},
		"the other payment may be tried again":     {desk("GBR", payment.Aborted, "EUR"), second, programme.CodeOverBudget},
		"the other payment is paid":                {desk("GBR", payment.Settled, "EUR"), second, programme.CodeOverBudget},
		"the other payment was refused":            {desk("GBR", payment.Refused, "EUR"), second, ""},
		"the other payment is in another currency": {desk("GBR", payment.Settled, "KWD"), second, ""},
		"a nation without a budget":                {desk("KWT", payment.Settled, "EUR"), second, ""},
	} {
		in := pays("EUR", test.bill)
		if err := test.desk.withinBudget(&in, wire.Hash{92}); refusal.CodeOf(err) != test.code {
			t.Errorf("%s: %v, want %q", name, err, test.code)
		}
	}
	// A payment is not counted twice when its second approver signs.
	d := desk("GBR", payment.Made, "EUR")
	d.payments[wire.Hash{91}].State = payment.Approved
	if err := d.mayApprove(wire.Hash{91}); err != nil {
		t.Errorf("against itself: %v", err)
	}
	d.payments[wire.Hash{92}] = &deskPayment{Payment: payment.Payment{Instruction: pays("EUR", second), State: payment.Made}}
	if err := d.mayApprove(wire.Hash{92}); refusal.CodeOf(err) != programme.CodeOverBudget {
		t.Errorf("the second payment: %v", err)
	}
	if err := d.mayApprove(wire.Hash{93}); err != nil {
		t.Errorf("an unknown payment is left to the step: %v", err)
	}
}
