package exercise

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/settlement/programme"
)

// charged adds what a debtor was charged in one category by all bills of a creditor.
func charged(s *State, creditor, debtor programme.Nation, category string) (minor int64) {
	for _, b := range s.Bills() {
		for _, item := range b.Items {
			if b.Creditor == creditor && b.Debtor == debtor && item.CategoryCode == category {
				minor += item.Amount.Minor()
			}
		}
	}
	return minor
}

// However a shared category is cut into bills, each debtor bears its share of the whole: the share proof of a programme's closing is over all its bills.
func TestBillsOfASharedCategoryAddUpToTheFormulaOverTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := begun(t)
		d.closed()
		shares := harbour().Agreement.Categories[3].Formula.Shares
		members := []programme.Nation{"IND", "JPN", "DEU", "FRA"}
		pool, reached := int64(0), [4]int64{} // the pool as of each debtor's last bill
		for round := range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for i := range rapid.IntRange(1, 3).Draw(t, "lines") {
				minor := rapid.Int64Range(1000, 99_999).Draw(t, "paise")
				pool += minor
				e := entryOf("2023-10-05", "BASE", "IND", "JPN", fmt.Sprintf("pier %d.%d", round, i), "1", "day", money.New(minor, money.MustCurrency("INR")).Decimal())
				for _, n := range []string{"IND", "JPN"} {
					d.says(n+" clerk", tally(fmt.Sprintf("manual %d.%d", round, i), 1, e))
				}
			}
			for i, n := range members {
				if n == "IND" || rapid.Bool().Draw(t, "not yet") {
					continue
				}
				drafts := d.drafts("IND", n, "2023-10-06")
				if n == "FRA" && len(drafts) > 0 {
					t.Fatal("France bears nothing and is billed")
				}
				if len(drafts) == 0 {
					continue
				}
				bill := d.says("IND asha", &drafts[0].Bill)
				if rapid.Bool().Draw(t, "signed") {
					d.says(string(n)+" saki", &Sign{bill})
				}
				reached[i] = pool
			}
		}
		for i, n := range members {
			split, err := money.Allocate(money.New(reached[i], money.MustCurrency("INR")), shares)
			if err != nil {
				t.Fatal(err)
			}
			if got := charged(d.state(), "IND", n, "BASE"); n != "IND" && got != split[i].Minor() {
				t.Fatalf("%s is charged %d of a pool of %d, the formula says %s", n, got, reached[i], split[i])
			}
		}
	})
}

func TestARosterThatGrewIsMadeUpForInTheNextBill(t *testing.T) {
	d := begun(t)
	d.closed()
	heads := func(counter, nation, item, n string) {
		e := entryOf("2023-10-08", "PAX", counter, nation, item, n, programme.RosterUnit, "0")
		for _, who := range []string{counter, nation} {
			d.says(who+" clerk", tally("roster "+item+nation, 1, e))
		}
	}
	tents := func(item, price string) {
		e := entryOf("2023-10-08", "CAMP", "FRA", "IND", item, "1", "each", price)
		for _, who := range []string{"FRA", "IND"} {
			d.says(who+" clerk", tally("camp "+item, 1, e))
		}
	}
	bill := func(want string) {
		t.Helper()
		draft := d.drafts("FRA", "JPN", "2023-10-21")
		if want == "" {
			if len(draft) != 0 {
				t.Errorf("billed is %s, and Japan has paid for more than it bears", draft[0].Total)
			}
			return
		}
		if len(draft) != 1 || draft[0].Total.String() != want {
			t.Fatalf("%+v, want %s", draft, want)
		}
		d.says("JPN saki", &Sign{d.says("FRA claire", &draft[0].Bill)})
	}
	heads("FRA", "IND", "morning", "300")
	heads("FRA", "JPN", "morning", "100")
	tents("tents", "1000")
	bill("250.00 EUR")
	// Japan turns out to have had 300 as well: of 1100 it bears 550, and 250 are billed.
	heads("FRA", "JPN", "evening", "200")
	tents("water", "100")
	bill("300.00 EUR")
	// India had another 600: of 1110 Japan bears 277.50, and 550 are billed. It is billed again when there is enough.
	heads("FRA", "IND", "evening", "600")
	tents("light", "10")
	bill("")
	tents("heating", "2000")
	bill("227.50 EUR")
	if got := charged(d.state(), "FRA", "JPN", "CAMP"); got != 77_750 { // a quarter of 3110
		t.Errorf("Japan is charged %d in all", got)
	}
}
