package programme

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/schema/refusal"
)

// budgeted is exercise() with two budgets: IND for bills in yen, with a limit of BASE, and FRA for the euros of DEU.
func budgeted() Agreement {
	a, jpy, eur := exercise(), money.MustCurrency("JPY"), money.MustCurrency("EUR")
	a.Budgets = []Budget{
		{"IND", jpy, money.New(1_500_000, jpy), []Limit{{1, "BASE", money.New(40_000, jpy)}, {2, "EQUIP", money.New(1_500_000, jpy)}}},
		{"FRA", eur, money.New(250_000, eur), nil},
	}
	return a
}

func TestBudgetsThatCannotBeKeptAreRefused(t *testing.T) {
	jpy, eur := money.MustCurrency("JPY"), money.MustCurrency("EUR")
	for _, tt := range []struct {
		name   string
		change func(*Agreement)
		want   []string
	}{
		{"sound ones", func(*Agreement) {}, nil},
		{"nothing at all may be billed", func(a *Agreement) { a.Budgets[0] = Budget{"IND", jpy, money.Zero(jpy), nil} }, nil},
		{"the largest amount", func(a *Agreement) { a.Budgets[0].Total = money.New(math.MaxInt64, jpy) }, nil},
		{"of a stranger", func(a *Agreement) { a.Budgets[0].Nation = "USA" }, []string{`unknown_member: budget of "USA" in JPY: it is no member`}},
		{"in no currency", func(a *Agreement) { a.Budgets[1] = Budget{Nation: "FRA"} }, []string{`unknown_currency: budget of "FRA" in no currency`}},
		{"in a currency nobody bills in", func(a *Agreement) {
			usd := money.MustCurrency("USD")
			a.Budgets[1] = Budget{"FRA", usd, money.New(1, usd), nil}
		}, []string{`budget_invalid: budget of "FRA" in USD: no other member bills in it`}},
		{"in a currency it alone bills in", func(a *Agreement) { a.Budgets[0] = Budget{"JPN", jpy, money.New(1, jpy), nil} }, []string{`budget_invalid: budget of "JPN" in JPY: no other member bills in it`}},
		{"stated twice", func(a *Agreement) { a.Budgets = append(a.Budgets, a.Budgets[1]) }, []string{`budget_invalid: budget of "FRA" in EUR: it is there already`}},
		{"with a total in another currency", func(a *Agreement) { a.Budgets[1].Total = money.New(5, jpy) }, []string{"budget_invalid: budget of \"FRA\" in EUR: total: it is in JPY"}},
		{"below zero", func(a *Agreement) { a.Budgets[1].Total = money.New(-1, eur) }, []string{"total: -0.01 EUR is negative"}},
		{"with a limit of an unknown category", func(a *Agreement) { a.Budgets[0].Limits[0].Code = "FUEL" }, []string{`unknown_category: budget of "IND" in JPY: limit of FUEL`}},
		{"with a limit under the number of another category", func(a *Agreement) { a.Budgets[0].Limits[0].Category = 0 }, []string{"unknown_category: budget of \"IND\" in JPY: limit of BASE: category 0"}},
		{"with a limit beyond the categories", func(a *Agreement) { a.Budgets[0].Limits[0].Category = 200 }, []string{"unknown_category"}},
		{"with a limit stated twice", func(a *Agreement) { a.Budgets[0].Limits[1] = a.Budgets[0].Limits[0] }, []string{"budget_invalid: budget of \"IND\" in JPY: limit of BASE: it is there already"}},
		{"with a limit in another currency", func(a *Agreement) { a.Budgets[0].Limits[0].Most = money.New(5, eur) }, []string{"limit of BASE: it is in EUR"}},
		{"with a negative limit", func(a *Agreement) { a.Budgets[0].Limits[0].Most = money.New(-5, jpy) }, []string{"limit of BASE: -5 JPY is negative"}},
		{"with a limit that bounds nothing", func(a *Agreement) { a.Budgets[0].Limits[1].Most = money.New(1_500_001, jpy) }, []string{"limit of EQUIP: 1500001 JPY is more than the total of 1500000 JPY"}},
		{"with several errors", func(a *Agreement) { a.Budgets[0].Nation, a.Budgets[1].Total = "USA", money.New(-1, eur) }, []string{"unknown_member", "budget_invalid"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := budgeted()
			tt.change(&a)
			wantRefusals(t, a.Validate(), tt.want...)
		})
	}
}

func TestABudgetIsFoundByNationAndCurrency(t *testing.T) {
	a := budgeted()
	if b, ok := a.Budget("FRA", money.MustCurrency("EUR")); !ok || b.Total.Minor() != 250_000 {
		t.Errorf("%+v, %t", b, ok)
	}
	for _, none := range []struct {
		nation   Nation
		currency string
	}{{"FRA", "JPY"}, {"DEU", "EUR"}, {"USA", "JPY"}} {
		if b, ok := a.Budget(none.nation, money.MustCurrency(none.currency)); ok {
			t.Errorf("%v has %+v", none, b)
		}
	}
}

func TestBillsThatLeaveTheBudgetAreRefusedWithTheExcess(t *testing.T) {
	b := budgeted().Budgets[0]
	for _, tt := range []struct {
		name       string
		spent, add [MaxCategories]uint64
		want       string
	}{
		{name: "nothing"},
		{name: "up to the limit and the total", spent: [16]uint64{0: 100_000, 1: 39_999}, add: [16]uint64{0: 1_360_000, 1: 1}},
		{name: "a category of its own over its limit", spent: [16]uint64{1: 39_999}, add: [16]uint64{1: 13},
			want: "over_budget: what IND owes in JPY would be over its budget: BASE by 12 JPY (at most 40000 JPY); nothing was approved; settle the excess by an amendment all members sign"},
		{name: "categories within, the total over", spent: [16]uint64{0: 1_000_000}, add: [16]uint64{0: 480_000, 1: 30_000}, want: "the total by 10000 JPY (at most 1500000 JPY)"},
		{name: "both", add: [16]uint64{1: 1_600_000}, want: "BASE by 1560000 JPY (at most 40000 JPY), the total by 100000 JPY (at most 1500000 JPY)"},
		{name: "a category nobody named", add: [16]uint64{15: 1_500_001}, want: "the total by 1 JPY"},
		{name: "sums that wrap in 64 bits", spent: [16]uint64{1: math.MaxUint64}, add: [16]uint64{1: 1}, want: "BASE by 18446744073709511616 JPY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "" {
				wantRefusals(t, b.Check(tt.spent, tt.add))
				return
			}
			wantRefusals(t, b.Check(tt.spent, tt.add), tt.want)
		})
	}
	wantRefusals(t, budgeted().Budgets[1].Check([16]uint64{}, [16]uint64{0: 250_005}), "the total by 0.05 EUR (at most 2500.00 EUR)")
}

func TestABudgetIsKeptExactlyWhenEverySumIsWithinIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := budgeted()
		minor := func(most int64) *rapid.Generator[int64] {
			return rapid.OneOf(rapid.Int64Range(0, min(most, 50)), rapid.Int64Range(0, most))
		}
		b := a.Budgets[0]
		b.Total = money.New(minor(math.MaxInt64).Draw(t, "total"), b.Currency)
		b.Limits = []Limit{{1, "BASE", money.New(minor(b.Total.Minor()).Draw(t, "limit"), b.Currency)}}
		sums := rapid.Custom(func(t *rapid.T) (s [MaxCategories]uint64) {
			for k := range 3 {
				s[k] = uint64(minor(math.MaxInt64).Draw(t, "sum"))
			}
			return s
		})
		spent, add := sums.Draw(t, "spent"), sums.Draw(t, "add")
		total, within := new(big.Int), true
		for k := range spent {
			sum := new(big.Int).Add(new(big.Int).SetUint64(spent[k]), new(big.Int).SetUint64(add[k]))
			if total.Add(total, sum); k == 1 && sum.Cmp(big.NewInt(b.Limits[0].Most.Minor())) > 0 {
				within = false
			}
		}
		within = within && total.Cmp(big.NewInt(b.Total.Minor())) <= 0
		switch err := b.Check(spent, add); {
		case within != (err == nil):
			t.Fatalf("within %t: %v", within, err)
		case err != nil && refusal.CodeOf(err) != CodeOverBudget:
			t.Fatal(err)
		}
	})
}

func TestBudgetsListedInAnotherOrderAreTheSameBudgets(t *testing.T) {
	a, b := budgeted(), budgeted()
	slices.Reverse(b.Budgets)
	slices.Reverse(b.Budgets[1].Limits)
	before := b.Budgets[1].Limits[0].Code
	same := cmpopts.EquateComparable(money.Amount{}, money.Currency{})
	if diff := cmp.Diff(a.Normalised(), b.Normalised(), same); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(budgeted(), a.Normalised(), same); diff != "" {
		t.Errorf("what was in order is changed:\n%s", diff)
	}
	if b.Budgets[0].Nation != "FRA" || b.Budgets[1].Limits[0].Code != before {
		t.Error("the agreement that was given is changed")
	}
	wantRefusals(t, b.Validate())
}
