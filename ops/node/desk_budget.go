package node

import (
	"math/big"

	"entente/schema/money"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// withinBudget refuses (over_budget) a payment that would take what this nation was billed and approved beyond the budget its agreement gives it in the bills'
// currency. What was approved before counts until it is finally refused. The state is locked.
func (d *Desk) withinBudget(in *wire.Instruction, instruction wire.Hash) error {
	currency, err := money.ParseCurrency(in.PayCurrency)
	if err != nil {
		return err
	}
	budget, ok := d.cfg.Agreement.Budget(programme.Nation(d.cfg.Nation), currency)
	if !ok {
		return nil
	}
	var spent, add [programme.MaxCategories]uint64
	for hash, p := range d.payments {
		if hash != instruction && p.Instruction.PayCurrency == in.PayCurrency && p.State.Approved() {
			d.addItems(&spent, p.Instruction.Bills)
		}
	}
	d.addItems(&add, in.Bills)
	return budget.Check(spent, add)
}

// mayApprove tells whether a payment that was made keeps within the budget.
func (d *Desk) mayApprove(instruction wire.Hash) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.payments[instruction]
	if p == nil {
		return nil // the step says so
	}
	return d.withinBudget(&p.Instruction, instruction)
}

// addItems adds what bills charge by category. Their totals are below 2^63, and what a desk has paid fits as well, since it was in one account.
func (d *Desk) addItems(sums *[programme.MaxCategories]uint64, bills []wire.Hash) {
	for _, hash := range bills {
		if b := d.bills[hash]; b != nil {
			for _, item := range b.Items {
				sums[item.Category] += uint64(item.Amount.Minor())
			}
		}
	}
}

// budgets writes the agreement's budgets as auditors see them.
func budgets(a programme.Agreement) []wire.CharterBudget {
	total := func(m money.Amount) wire.Total96 {
		t, err := wire.NewTotal96(big.NewInt(m.Minor()))
		if err != nil {
			panic("node: a budget that Validate accepted is no total: " + err.Error())
		}
		return t
	}
	var list []wire.CharterBudget
	for _, b := range a.Normalised().Budgets {
		bound := wire.CharterBudget{Member: string(b.Nation), Currency: b.Currency.Code(), Grand: total(b.Total)}
		for _, l := range b.Limits {
			bound.Limits = append(bound.Limits, wire.CategoryLimit{Category: l.Category, Most: total(l.Most)})
		}
		list = append(list, bound)
	}
	return list
}
