package exercise

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"entente/schema/money"
	"entente/settlement/programme"
)

// DebtKind says in what form something is owed.
type DebtKind string

// The closed list of debt kinds.
const (
	UnbilledDebt DebtKind = "unbilled" // received, and no bill yet
	BilledDebt   DebtKind = "billed"   // in a bill that is not paid
	GoodsDebt    DebtKind = "goods"    // to be given back in kind
)

// Debt is one thing one member owes another.
type Debt struct {
	Debtor   programme.Nation
	Creditor programme.Nation
	Kind     DebtKind
	What     string         // the item, and of goods how much of it is left
	Since    programme.Date // the day of the receipt
	DueBy    programme.Date
	Amount   money.Amount // of goods at the agreed price
}

func (d Debt) compare(e Debt) int {
	return cmp.Or(cmp.Compare(d.Debtor, e.Debtor), cmp.Compare(d.Amount.Currency().Code(), e.Amount.Currency().Code()), d.Since.Compare(e.Since),
		cmp.Compare(d.Creditor, e.Creditor), cmp.Compare(d.Kind, e.Kind), cmp.Compare(d.What, e.What), cmp.Compare(d.Amount.Minor(), e.Amount.Minor()))
}

// Debts lists everything members owe each other as of a day, by debtor and currency, the oldest first. What is frozen is not owed until it is decided.
func (s *State) Debts(on programme.Date) ([]Debt, error) {
	var debts []Debt
	for _, b := range s.billed {
		if v := s.version(b.Version); v != nil && (b.State == Offered || b.State == Signed) {
			debts = append(debts, itemDebts(b.Items, b.Creditor, b.Debtor, BilledDebt, v)...)
		}
	}
	members := s.members()
	for _, creditor := range members {
		for _, debtor := range members {
			if creditor == debtor {
				continue
			}
			unbilled, err := s.unbilled(creditor, debtor, on)
			if err != nil {
				return nil, err
			}
			debts = append(debts, unbilled...)
		}
	}
	for _, l := range s.Lines() {
		if !l.token() || s.inCashOn(l, on) {
			continue
		}
		what := fmt.Sprintf("%s (%s to the value)", l.Item, l.Value)
		if l.Method == ReplacementInKind {
			what = fmt.Sprintf("%s (%s of %s %s)", l.Item, l.Left, l.Quantity, l.Unit)
		}
		debts = append(debts, Debt{l.Receiver, l.Supplier, GoodsDebt, what, l.Since, l.DueBy, l.inCash().Amount})
	}
	slices.SortFunc(debts, Debt.compare)
	return debts, nil
}

// unbilled lists what one member owes another and has no bill yet, however many bills it will take.
func (s *State) unbilled(creditor, debtor programme.Nation, on programme.Date) ([]Debt, error) {
	var debts []Debt
	for _, v := range s.versions {
		draft, err := s.draft(v, creditor, debtor, 1<<32-1, s.billable(v, creditor, debtor, on, nil))
		if err != nil {
			return nil, err
		}
		if draft != nil {
			debts = append(debts, itemDebts(draft.Items, creditor, debtor, UnbilledDebt, v)...)
		}
	}
	return debts, nil
}

func itemDebts(items []programme.BillItem, creditor, debtor programme.Nation, kind DebtKind, v *Version) []Debt {
	var debts []Debt
	latest := map[string]programme.Date{} // receipt of a category, from which what rounding left of it runs
	for _, item := range items {
		if !rounding(v.Terms.Agreement, item) && latest[item.CategoryCode].Before(item.Date) {
			latest[item.CategoryCode] = item.Date
		}
	}
	for _, item := range items {
		since := item.Date
		if rounding(v.Terms.Agreement, item) {
			since = latest[item.CategoryCode]
		}
		debts = append(debts, Debt{debtor, creditor, kind, item.Item, since, v.Terms.Due(since, Reimbursement), item.Amount})
	}
	return debts
}

// members lists every member by any version in force, by name.
func (s *State) members() []programme.Nation {
	var all []programme.Nation
	for _, v := range s.versions {
		for _, m := range v.Terms.Agreement.Members {
			all = append(all, m.Nation)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// buckets are the ages, in days since the receipt, by which debts are reported.
var buckets = []struct {
	title string
	most  int
}{{"to 30 days", 30}, {"31 to 90", 90}, {"91 to 180", 180}, {"181 to 365", 365}, {"over 365", 1 << 30}}

// Aged is what one member owes in one currency, by age.
type Aged struct {
	Debtor   programme.Nation
	Currency money.Currency
	Buckets  [5]money.Amount // up to 30, 90, 180 and 365 days since the receipt, and older
	Total    money.Amount
	Overdue  money.Amount // of the total, what was due before the day
	Debts    []Debt       // the oldest first
}

// Ageing reports what is owed as of a day, by debtor and currency.
func (s *State) Ageing(on programme.Date) ([]Aged, error) {
	debts, err := s.Debts(on)
	if err != nil {
		return nil, err
	}
	var report []Aged
	for _, d := range debts {
		currency := d.Amount.Currency()
		if n := len(report); n == 0 || report[n-1].Debtor != d.Debtor || report[n-1].Currency != currency {
			zero := money.Zero(currency)
			report = append(report, Aged{d.Debtor, currency, [5]money.Amount{zero, zero, zero, zero, zero}, zero, zero, nil})
		}
		if err := report[len(report)-1].add(d, on); err != nil {
			return nil, err
		}
	}
	return report, nil
}

func (a *Aged) add(d Debt, on programme.Date) error {
	age := d.Since.DaysUntil(on)
	sums := []*money.Amount{&a.Total}
	for i, b := range buckets {
		if age <= b.most {
			sums = append(sums, &a.Buckets[i])
			break
		}
	}
	if d.DueBy.Before(on) {
		sums = append(sums, &a.Overdue)
	}
	for _, sum := range sums {
		added, err := sum.Add(d.Amount)
		if err != nil {
			return err
		}
		*sum = added
	}
	a.Debts = append(a.Debts, d)
	return nil
}

// TellAgeing gives an ageing report for people.
func TellAgeing(report []Aged, on programme.Date) string {
	var b strings.Builder
	fmt.Fprintf(&b, "what is owed on %s\n", on)
	for _, a := range report {
		fmt.Fprintf(&b, "%s owes %s, of which %s is overdue\n", a.Debtor, a.Total, a.Overdue)
		for i, sum := range a.Buckets {
			fmt.Fprintf(&b, "  %-12s %20s\n", buckets[i].title, sum)
		}
		for _, d := range a.Debts {
			fmt.Fprintf(&b, "  %s %4d days, due %s: %s to %s, %s: %s\n", d.Since, d.Since.DaysUntil(on), d.DueBy, d.Amount, d.Creditor, d.Kind, d.What)
		}
	}
	return b.String()
}

// Reminder is a debt its debtor is to be reminded of.
type Reminder struct {
	On   programme.Date // the day of the reminder
	Days int            // until it is due
	Debt Debt
}

// Reminders lists the reminders that fall after one day and on or before another, by day and debt: those of the version in force on the later day, for what
// is still owed then. Whoever asks each day from the day it asked last misses none and repeats none.
func (s *State) Reminders(after, through programme.Date) ([]Reminder, error) {
	v, err := s.InForce(through)
	if err != nil {
		return nil, err
	}
	debts, err := s.Debts(through)
	if err != nil {
		return nil, err
	}
	var due []Reminder
	for _, d := range debts {
		for _, days := range v.Terms.Reminders {
			if on := d.DueBy.AddDays(-int(days)); after.Before(on) && !through.Before(on) {
				due = append(due, Reminder{on, int(days), d})
			}
		}
	}
	slices.SortStableFunc(due, func(r, q Reminder) int { return r.On.Compare(q.On) })
	return due, nil
}
