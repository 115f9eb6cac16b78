package dataset

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente/bridge/intake"
	"entente/schema/money"
	"entente/settlement/programme"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// The shipped exercise, told in figures. A change of the data or of a rule shows as a difference of this text.
func TestTheShippedExerciseInFigures(t *testing.T) {
	e, err := intake.Load(Files())
	if err != nil {
		t.Fatal(err)
	}
	lines, divergences, err := programme.Match(e.Agreement, e.Counts)
	if err != nil {
		t.Fatal(err)
	}
	bills, err := programme.DraftBills(e.Agreement, lines, e.Cases)
	if err != nil {
		t.Fatal(err)
	}
	got := tell(t, e, lines, divergences, bills)
	if *update {
		if err := os.WriteFile("testdata/figures.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/figures.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run with -update and review:\n%s", diff)
	}

	days, categories, reasons := map[programme.Date]bool{}, map[string]bool{}, map[programme.Reason]bool{}
	for _, l := range lines {
		days[l.Date], categories[l.Category] = true, true
	}
	for _, d := range divergences {
		reasons[d.Reason] = true
	}
	if len(lines) < 440 || len(days) != 10 || len(categories) < 10 || len(divergences) < 6 || len(divergences) > 8 || len(reasons) != 5 {
		t.Errorf("%d lines on %d days in %d categories, %d divergences for %d reasons", len(lines), len(days), len(categories), len(divergences), len(reasons))
	}
}

func tell(t *testing.T, e *intake.Exercise, lines []programme.Line, divergences []programme.Divergence, bills []programme.DraftBill) string {
	t.Helper()
	var b strings.Builder
	for _, c := range e.Counts {
		fmt.Fprintf(&b, "%s counts %d records\n", c.Nation, len(c.Records))
	}
	within := 0
	for _, l := range lines {
		if !l.Supplied.Equal(l.Received) {
			within++
		}
	}
	fmt.Fprintf(&b, "%d confirmed lines, %d of them within the tolerance\n\n%d divergences\n", len(lines), within, len(divergences))
	says := func(r *programme.Record) string {
		if r == nil {
			return "nothing"
		}
		return r.Statement()
	}
	for _, d := range divergences {
		fmt.Fprintf(&b, "  %s | %s: supplier %s, receiver %s\n", d.Key, d.Reason, says(d.Ours), says(d.Theirs))
	}
	fmt.Fprintf(&b, "\n%d bills\n", len(bills))
	dollars, usd := money.Zero(money.MustCurrency("USD")), money.MustCurrency("USD")
	for _, bill := range bills {
		total, err := bill.Total()
		if err != nil {
			t.Fatal(err)
		}
		rate, _, err := e.Rates.Cross(e.Agreement.Ends, bill.Currency, usd)
		if err != nil {
			t.Fatal(err)
		}
		inDollars, err := rate.Convert(total, money.RoundHalfEven)
		if err != nil {
			t.Fatal(err)
		}
		if dollars, err = dollars.Add(inDollars); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "  %s %s: %s owes %s %s for %d items\n", bill.Kind, bill.Reference, bill.Debtor, bill.Creditor, total.Format(), len(bill.Items))
	}
	fmt.Fprintf(&b, "  together about %s at the rates of %s\n\ntotals\n", dollars.Format(), e.Agreement.Ends)
	totals, err := programme.CategoryTotals(bills)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range totals {
		fmt.Fprintf(&b, "  %-9s %s\n", c.CategoryCode, c.Amount.Format())
	}
	fmt.Fprintln(&b, "\nbudgets")
	for _, m := range e.Agreement.Members {
		for _, c := range []string{"AUD", "INR", "JPY"} {
			tellBudget(t, &b, e.Agreement, m.Nation, money.MustCurrency(c), bills)
		}
	}
	fmt.Fprintln(&b, "\noutstanding under equipment cases")
	for _, c := range e.Cases {
		_, outstanding, err := e.Agreement.Deliveries(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range outstanding {
			fmt.Fprintf(&b, "  %s line %s %s: %s of %s accepted, %s disputed, %s outstanding\n", c.ID, o.Contract.No, o.Contract.Item, o.Accepted, o.Contract.Quantity, o.Disputed, o.Outstanding)
		}
	}
	fmt.Fprintf(&b, "\ndays without a fixing: %v\n", e.Rates.DaysWithoutFixing(e.Agreement.Starts, e.Agreement.Ends))
	return b.String()
}

// tellBudget writes how far the bills of one currency use up a member's budget, and fails where they leave it or nothing bounds them.
func tellBudget(t *testing.T, b *strings.Builder, a programme.Agreement, nation programme.Nation, currency money.Currency, bills []programme.DraftBill) {
	t.Helper()
	var sums, nothing [programme.MaxCategories]uint64
	billed := uint64(0)
	for _, bill := range bills {
		if bill.Debtor != nation || bill.Currency != currency {
			continue
		}
		for _, item := range bill.Items {
			sums[item.Category] += uint64(item.Amount.Minor())
			billed += uint64(item.Amount.Minor())
		}
	}
	budget, ok := a.Budget(nation, currency)
	if ok != (billed > 0) {
		t.Fatalf("%s is billed %d in %s; it has a budget: %t", nation, billed, currency, ok)
	}
	if !ok {
		return
	}
	if err := budget.Check(nothing, sums); err != nil {
		t.Error(err)
	}
	percent := func(part uint64, whole money.Amount) uint64 { return part * 100 / uint64(whole.Minor()) }
	fmt.Fprintf(b, "  %s uses %d %% of %s", nation, percent(billed, budget.Total), budget.Total.Format())
	for _, l := range budget.Limits {
		fmt.Fprintf(b, ", %d %% of %s for %s", percent(sums[l.Category], l.Most), l.Most.Format(), l.Code)
	}
	fmt.Fprintln(b)
}

func TestTheShippedRatesAreThePublishedOnes(t *testing.T) {
	published, err := os.Open("../../../shared/data/fx/ecb_eurofxref_2018_2023.csv")
	if err != nil {
		t.Skip("the published rates are not beside the repository: ", err)
	}
	defer published.Close()
	want, err := intake.ReadRates(published, "published")
	if err != nil {
		t.Fatal(err)
	}
	e, err := intake.Load(Files())
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for d := e.Agreement.Starts.AddDays(-7); !e.Agreement.Ends.Before(d); d = d.AddDays(1) {
		for _, code := range []string{"USD", "JPY", "INR", "AUD", "GBP", "SGD"} {
			ours, ok := e.Rates.On(d, money.MustCurrency(code))
			theirs, published := want.On(d, money.MustCurrency(code))
			if ok != published || ok && !ours.Equal(theirs) {
				t.Errorf("%s on %s: %s, published %s", code, d, ours, theirs)
			}
			if ok {
				compared++
			}
		}
	}
	if compared != 13*6 {
		t.Errorf("%d rates compared", compared)
	}
}
