package programme

import (
	"fmt"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/zk/commit"
)

// camp is exercise() with its base shared by person-days and a category for the rosters.
func camp() Agreement {
	a := exercise()
	a.Categories[1].Formula = Formula{Kind: PersonDays}
	a.Categories = append(a.Categories, Category{"PAX", "People present", Formula{Kind: HeadCount}})
	return a
}

func heads(date, counter, nation string, n int) Record {
	return record(2, date, "PAX", counter, nation, "people present", fmt.Sprint(n), RosterUnit, "0")
}

func TestAShareCanBeProvenAmongAllSharers(t *testing.T) {
	if MaxSharers != commit.MaxCharges {
		t.Errorf("an agreement shares among %d, a proof divides among %d", MaxSharers, commit.MaxCharges)
	}
	a := exercise()
	for i := len(a.Members); i < MaxSharers+1; i++ {
		a.Members = append(a.Members, Member{Nation(fmt.Sprintf("M%02d", i)), "More", money.MustCurrency("EUR"), "ecb", "European Central Bank"})
		a.Categories[1].Formula.Shares = append(a.Categories[1].Formula.Shares, 0)
		if i < MaxSharers {
			wantRefusals(t, a.Validate())
		}
	}
	wantRefusals(t, a.Validate(), "shares_invalid: categories[1]: BASE is shared by 9 members, and a share can be proven among 8 at most")
	a.Categories[1].Formula = Formula{Kind: ActualUse}
	wantRefusals(t, a.Validate())
}

func TestPersonDaysNeedARoster(t *testing.T) {
	wantRefusals(t, camp().Validate())
	a := camp()
	a.Categories[3].Formula = Formula{Kind: ActualUse}
	wantRefusals(t, a.Validate(), "agreement_invalid: categories[1]: BASE is person_days and there are 0 categories of head_count")
	a = camp()
	a.Categories[2].Formula = Formula{Kind: HeadCount}
	wantRefusals(t, a.Validate(), "BASE is person_days and there are 2", "EQUIP is head_count and there are 2", "PAX is head_count and there are 2")
	a = camp()
	a.Categories[1].Formula.Shares = []int64{1, 2, 3, 4}
	wantRefusals(t, a.Validate(), "shares_invalid: categories[1]: BASE is person_days, and rosters say")
}

func TestARosterCountsWholePersonsAtNoCost(t *testing.T) {
	for _, tt := range []struct{ quantity, unit, price, want string }{
		{"300", RosterUnit, "0", ""},
		{"300.0", RosterUnit, "0.00", ""},
		{"300.5", RosterUnit, "0", "record_invalid: count of IND line 2: quantity: 300.5 is no head count"},
		{"1048577", RosterUnit, "0", "quantity: 1048577 is no head count"},
		{"300", "each", "0", "unit: a roster is counted in person-day, not in \"each\""},
		{"300", RosterUnit, "1", "unit_price: a roster costs nothing"},
		{"1e9", RosterUnit, "0", "quantity: 1000000000 is no head count"},
	} {
		err := camp().CheckCount(Count{Nation: "IND", Records: []Record{record(2, "2023-10-04", "PAX", "JPN", "IND", "people present", tt.quantity, tt.unit, tt.price)}})
		if tt.want == "" {
			wantRefusals(t, err)
			continue
		}
		wantRefusals(t, err, tt.want)
	}
}

// 300 Indian, 200 Japanese and 100 German person-days bear 600.01: 300.01, 200.00 and 100.00. The two gates that counted the Indians count them once.
func TestWhoWasThereBearsTheBase(t *testing.T) {
	lighting := record(3, "2023-10-05", "BASE", "JPN", "FRA", "lighting", "1", "day", "60001")
	counts := []Count{
		{Nation: "IND", Records: []Record{heads("2023-10-04", "JPN", "IND", 300), heads("2023-10-04", "FRA", "IND", 303), heads("2023-10-04", "IND", "JPN", 200)}},
		{Nation: "JPN", Records: []Record{heads("2023-10-04", "JPN", "IND", 302), heads("2023-10-04", "IND", "JPN", 200), lighting}},
		{Nation: "FRA", Records: []Record{heads("2023-10-04", "FRA", "IND", 303), heads("2023-10-04", "FRA", "DEU", 100), lighting}},
		{Nation: "DEU", Records: []Record{heads("2023-10-04", "FRA", "DEU", 100), heads("2023-10-05", "FRA", "DEU", 50)}},
	}
	lines, divergences, err := Match(camp(), counts)
	if err != nil || len(divergences) != 1 {
		t.Fatal(divergences, err)
	}
	pools, err := Pools(camp(), lines)
	if err != nil {
		t.Fatal(err)
	}
	pool := poolOf(t, pools, "JPN", "BASE")
	if want := []int64{300, 200, 100, 0}; !slices.Equal(pool.Weights, want) {
		t.Errorf("the weights are %v, want %v", pool.Weights, want)
	}
	var got []int64
	for _, c := range pool.Charges {
		got = append(got, c.Minor())
	}
	if want := []int64{30001, 20000, 10000, 0}; !slices.Equal(got, want) {
		t.Errorf("the members bear %v, want %v", got, want)
	}
	bills, err := DraftBills(camp(), lines, nil)
	if err != nil || len(bills) != 2 {
		t.Fatal(bills, err)
	}
	_, err = Pools(camp(), slices.DeleteFunc(lines, func(l Line) bool { return l.Category == "PAX" }))
	wantRefusals(t, err, "roster_missing: BASE is shared by person-days and nobody's presence is confirmed")
}

func TestPersonDaysAndBasisPointsOfTheSameWeightsChargeAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld().Draw(t, "world")
		lines, _, _ := w.draft(t)
		shares := w.agreement.Categories[1].Formula.Shares
		byDays := camp()
		for i, m := range byDays.Members {
			if shares[i] > 0 {
				n := decimal.NewFromInt(shares[i])
				lines = append(lines, Line{Key: Key{byDays.Starts, "PAX", byDays.Members[(i+1)%4].Nation, m.Nation, "people present"}, Quantity: n, Unit: RosterUnit,
					Amount: money.Zero(byDays.Members[(i+1)%4].Currency)})
			}
		}
		want, err := Charges(w.agreement, slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.Category == "PAX" }))
		got, err2 := Charges(byDays, lines)
		if err != nil || err2 != nil || len(got) != len(want) {
			t.Fatal(err, err2, len(got), len(want))
		}
		for i := range want {
			if got[i].Line.Key != want[i].Line.Key || got[i].Debtor != want[i].Debtor || got[i].Amount != want[i].Amount {
				t.Fatalf("by days %+v, by basis points %+v", got[i], want[i])
			}
		}
	})
}

func TestAMonthLaterIsTheSameDayOrTheLastOne(t *testing.T) {
	for _, tt := range []struct {
		from   string
		months int
		want   string
	}{
		{"2023-10-04", 12, "2024-10-04"}, {"2024-02-29", 12, "2025-02-28"}, {"2023-08-31", 1, "2023-09-30"}, {"2023-08-31", 18, "2025-02-28"},
		{"2023-01-31", -2, "2022-11-30"}, {"2023-12-31", 2, "2024-02-29"}, {"2023-12-15", 0, "2023-12-15"},
	} {
		if got := day(tt.from).AddMonths(tt.months); got.String() != tt.want {
			t.Errorf("%s plus %d months is %s, want %s", tt.from, tt.months, got, tt.want)
		}
	}
	if got := DateAt(1_700_006_399_999); got.String() != "2023-11-14" {
		t.Errorf("a millisecond before midnight is %s", got)
	}
}
