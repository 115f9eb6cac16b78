package exercise

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/settlement/programme"
)

// shared is what members share in one category of one supplier.
type shared struct {
	due   money.Amount // of the debtor, over everything billed before and now, by the category's formula
	total string       // the reference of the pool it is a part of
}

// draft gives the bill that lines make for a debtor by a version, or nil where they charge it nothing. The debtor's part of a shared category is its part of
// everything billed to it there before and now together, less what it was charged before: so its bills add up to the formula over the whole, to the minor
// unit, however many there are, and a roster that grew is made up for. The first bill is what programme.DraftBills gives.
func (s *State) draft(v *Version, creditor, debtor programme.Nation, number uint32, lines []*Line) (*programme.DraftBill, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	a := v.Terms.Agreement
	var stated, again []programme.Line
	for _, l := range lines {
		stated = append(stated, l.inCash())
	}
	bill, err := draftOf(a, creditor, debtor, stated)
	if err != nil {
		return nil, err
	}
	before, old := s.billedBefore(v, creditor, debtor, number)
	for _, l := range old {
		again = append(again, l.inCash())
	}
	if bill != nil && len(again) > 0 {
		whole, err := draftOf(a, creditor, debtor, slices.Concat(stated, again))
		if err != nil {
			return nil, err
		}
		if whole == nil {
			whole = &programme.DraftBill{Currency: bill.Currency}
		}
		if bill.Items, err = carryOn(a, bill, whole, before); err != nil {
			return nil, err
		}
	}
	if bill == nil || len(bill.Items) == 0 {
		return nil, nil
	}
	if number > 1 {
		bill.Reference = numbered(bill.Reference, number)
	}
	return bill, nil
}

// draftOf gives the bill of one creditor to one debtor among those that lines make, or nil.
func draftOf(a programme.Agreement, creditor, debtor programme.Nation, lines []programme.Line) (*programme.DraftBill, error) {
	bills, err := programme.DraftBills(a, lines, nil)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(bills, func(b programme.DraftBill) bool { return b.Creditor == creditor && b.Debtor == debtor })
	if i < 0 {
		return nil, nil
	}
	return &bills[i], nil
}

// billedBefore gives what a debtor was charged in shared categories by earlier bills of a version, and the lines they charged for.
func (s *State) billedBefore(v *Version, creditor, debtor programme.Nation, number uint32) (items []programme.BillItem, lines []*Line) {
	for _, b := range s.billed {
		if b.Creditor != creditor || b.Debtor != debtor || b.Version != v.Terms.Version || b.State == Lapsed || b.No >= number {
			continue
		}
		for _, item := range b.Items {
			if isShared(v.Terms.Agreement, item.CategoryCode) {
				items = append(items, item)
			}
		}
		for _, l := range b.lines {
			if isShared(v.Terms.Agreement, l.Category) {
				lines = append(lines, l)
			}
		}
	}
	return items, lines
}

func isShared(a programme.Agreement, category string) bool {
	i := a.CategoryIndex(category)
	return i >= 0 && a.Categories[i].Formula.Kind.Shared()
}

// isShared says whether members share the cost of a line.
func (s *State) isShared(l *Line) bool {
	v, err := s.ruling(l.Key)
	return err == nil && isShared(v.Terms.Agreement, l.Category)
}

// rounding says whether an item is what rounding left of a pool, or carries on from an earlier bill.
func rounding(a programme.Agreement, item programme.BillItem) bool {
	return strings.HasPrefix(item.Reference, a.ID+" pool ")
}

// carryOn gives a bill's items with those of shared categories brought to what the whole comes to, less what was charged before.
func carryOn(a programme.Agreement, bill, whole *programme.DraftBill, before []programme.BillItem) ([]programme.BillItem, error) {
	due := map[string]shared{}
	for _, c := range a.Categories {
		if !c.Formula.Kind.Shared() {
			continue
		}
		part := shared{due: money.Zero(bill.Currency)}
		var err error
		for _, item := range whole.Items {
			if item.CategoryCode != c.Code {
				continue
			}
			if part.due, err = part.due.Add(item.Amount); err != nil {
				return nil, err
			}
			if rounding(a, item) {
				part.total = item.Reference
			}
		}
		for _, item := range before {
			if item.CategoryCode != c.Code {
				continue
			}
			if part.due, err = part.due.Sub(item.Amount); err != nil {
				return nil, err
			}
		}
		due[c.Code] = part
	}
	items := slices.DeleteFunc(slices.Clone(bill.Items), func(item programme.BillItem) bool { return rounding(a, item) })
	for _, c := range a.Categories {
		if c.Formula.Kind.Shared() {
			items = bring(a, items, c.Code, due[c.Code], bill.Debtor)
		}
	}
	slices.SortFunc(items, func(i, j programme.BillItem) int {
		return cmp.Or(i.Date.Compare(j.Date), cmp.Compare(i.Category, j.Category), cmp.Compare(i.Supplier, j.Supplier), cmp.Compare(i.Receiver, j.Receiver),
			cmp.Compare(i.Item, j.Item), cmp.Compare(i.Reference, j.Reference))
	})
	return items, nil
}

// bring makes the items of one category add up to what is due: by one item more, or by charging less of the last ones. Where nothing is due none is left.
func bring(a programme.Agreement, items []programme.BillItem, category string, part shared, debtor programme.Nation) []programme.BillItem {
	rest := part.due.Minor()
	last := -1
	for i, item := range items {
		if item.CategoryCode == category {
			rest -= item.Amount.Minor()
			last = i
		}
	}
	if last < 0 {
		return items
	}
	if rest > 0 {
		one, amount := decimal.NewFromInt(1), money.New(rest, part.due.Currency())
		return append(items, programme.BillItem{
			Date: a.Ends, Category: items[last].Category, CategoryCode: category, Item: "rounding of shared " + category, Quantity: one, Unit: programme.RoundingUnit,
			UnitPrice: decimal.New(rest, -int32(amount.Currency().Digits())), Supplier: items[last].Supplier, Receiver: debtor, LineAmount: amount, Amount: amount,
			Reference: cmp.Or(part.total, a.ID+" pool "+amount.String()),
		})
	}
	for i := len(items) - 1; i >= 0 && rest < 0; i-- {
		if items[i].CategoryCode == category {
			less := min(-rest, items[i].Amount.Minor())
			items[i].Amount = money.New(items[i].Amount.Minor()-less, items[i].Amount.Currency())
			rest += less
		}
	}
	return slices.DeleteFunc(items, func(item programme.BillItem) bool { return item.Amount.IsZero() })
}
