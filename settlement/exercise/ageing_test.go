package exercise

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/settlement/programme"
)

// owing is a story after which something of every kind is owed.
func owing(t rapid.TB) *desk {
	d := begun(t)
	d.on("2023-10-04")
	d.supplied(entryOf("2023-10-03", "FOOD", "IND", "JPN", "rice", "100", "kg", "38.5"))
	d.supplied(entryOf("2023-10-20", "FOOD", "IND", "JPN", "tea", "10", "kg", "300"))
	d.supplied(fuel("2023-10-05", "IND", "JPN", "1000", "90.25"))
	d.supplied(entryOf("2023-10-06", "SPARES", "DEU", "JPN", "pump", "4", "each", "250"))
	d.supplied(entryOf("2023-10-07", "BASE", "JPN", "FRA", "pier", "1", "day", "50001"))
	d.supplied(entryOf("2023-10-08", "CAMP", "FRA", "IND", "tents", "10", "each", "60.01"))
	for _, heads := range []struct{ counter, nation, n string }{{"FRA", "IND", "300"}, {"FRA", "JPN", "200"}, {"IND", "FRA", "100"}} {
		d.supplied(entryOf("2023-10-08", "PAX", heads.counter, heads.nation, "people present", heads.n, programme.RosterUnit, "0"))
	}
	d.closed()
	d.on("2023-10-21")
	bill := d.drafts("IND", "JPN", "2023-10-21")[0].Bill
	d.says("IND asha", &bill)
	return d
}

func TestAnAgeingReportRunsFromTheReceipt(t *testing.T) {
	d := owing(t)
	var b strings.Builder
	for _, on := range []string{"2023-10-21", "2024-04-02", "2024-10-06"} {
		report, err := d.state().Ageing(day(on))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(TellAgeing(report, day(on)))
	}
	golden(t, "testdata/ageing.txt", b.String())
}

func TestAgesFallIntoTheirBuckets(t *testing.T) {
	inr := money.MustCurrency("INR")
	for age, bucket := range map[int]int{-1: 0, 0: 0, 30: 0, 31: 1, 90: 1, 91: 2, 180: 2, 181: 3, 365: 3, 366: 4, 4000: 4} {
		zero := money.Zero(inr)
		a := Aged{Buckets: [5]money.Amount{zero, zero, zero, zero, zero}, Total: zero, Overdue: zero}
		on := day("2025-01-01")
		if err := a.add(Debt{Since: on.AddDays(-age), DueBy: on, Amount: money.New(5, inr)}, on); err != nil || a.Buckets[bucket].Minor() != 5 || a.Total.Minor() != 5 || !a.Overdue.IsZero() {
			t.Errorf("%d days: %v, %v", age, a.Buckets, err)
		}
	}
}

func TestRemindersFallOnTheirDays(t *testing.T) {
	d := owing(t)
	var all []string
	var b strings.Builder
	for on, last := day("2024-06-01"), day("2024-10-31"); !last.Before(on); on = on.AddDays(1) {
		due, err := d.state().Reminders(on.AddDays(-1), on)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range due {
			if r.On != on {
				t.Errorf("asked on %s it gives %s", on, r.On)
			}
			text := fmt.Sprintf("%s: in %d days %s owes %s %s (%s)", r.On, r.Days, r.Debt.Debtor, r.Debt.Creditor, r.Debt.Amount, r.Debt.What)
			all = append(all, text)
			b.WriteString(text + "\n")
		}
	}
	due, err := d.state().Reminders(day("2024-05-31"), day("2024-10-04"))
	if err != nil || len(due) == 0 || len(all) < len(due) {
		t.Errorf("%d at once, %d day by day (%v)", len(due), len(all), err)
	}
	golden(t, "testdata/reminders.txt", b.String())
}

func TestPersonDaysBearTheCampInTheBill(t *testing.T) {
	d := owing(t)
	// 600.10 among 300, 200 and 100 person-days: India 300.05, Japan 200.03, France itself 100.02.
	if ind, jpn := d.total("FRA", "IND", "2023-10-21"), d.total("FRA", "JPN", "2023-10-21"); ind != "300.05 EUR" || jpn != "200.03 EUR" {
		t.Errorf("India bears %s, Japan %s", ind, jpn)
	}
	draft := d.drafts("FRA", "IND", "2023-10-21")[0].Bill
	short := draft
	short.Lines = nil
	for _, h := range draft.Lines {
		if l, _ := d.state().Line(h); l.Receiver != "JPN" {
			short.Lines = append(short.Lines, h) // as if Japan had not been there
		}
	}
	d.refused("FRA claire", &short, CodeBillDiffers)
	var named []*Line
	for _, h := range short.Lines {
		l, _ := d.state().Line(h)
		named = append(named, l)
	}
	dearer, err := d.state().draft(d.state().Versions()[0], "FRA", "IND", 1, named)
	if err != nil {
		t.Fatal(err)
	}
	short.Items = dearer.Items
	d.refused("FRA claire", &short, CodeBillDiffers)
	d.says("IND asha", &Sign{d.says("FRA claire", &draft)})
	if got := d.total("FRA", "JPN", "2023-10-21"); got != "200.03 EUR" {
		t.Errorf("after the first bill Japan bears %s", got)
	}
}

func TestPersonDaysThatAreSuppliedAreBilledOnce(t *testing.T) {
	d := begun(t)
	d.supplied(entryOf("2023-10-08", "FOOD", "IND", "JPN", "guards", "5", programme.RosterUnit, "100"))
	d.closed()
	d.says("IND asha", &d.drafts("IND", "JPN", "2023-10-21")[0].Bill)
	if got := d.total("IND", "JPN", "2023-10-21"); got != "" {
		t.Errorf("%s are billed again", got)
	}
}

func TestWithoutARosterTheCampWaitsAndTheRestDoesNot(t *testing.T) {
	d := begun(t)
	d.supplied(entryOf("2023-10-08", "CAMP", "FRA", "IND", "tents", "10", "each", "60.01"))
	d.supplied(entryOf("2023-10-08", "FOOD", "FRA", "IND", "bread", "10", "kg", "2"))
	d.closed()
	if got := d.total("FRA", "IND", "2023-10-21"); got != "20.00 EUR" {
		t.Errorf("billed is %s", got)
	}
}
