package programme

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/schema/refusal"
)

// exercise is a three-member agreement: IND and JPN bill in their own currencies, DEU and FRA share the euro and a bank.
func exercise() Agreement {
	inr, jpy, eur := money.MustCurrency("INR"), money.MustCurrency("JPY"), money.MustCurrency("EUR")
	return Agreement{
		ID: "HARBOUR-2023", Name: "Harbour Light 2023", Starts: day("2023-10-02"), Ends: day("2023-10-11"), ToleranceBP: 200,
		Members: []Member{
			{"IND", "India", inr, "rbi", "Reserve Bank of India"},
			{"JPN", "Japan", jpy, "boj", "Bank of Japan"},
			{"DEU", "Germany", eur, "ecb", "European Central Bank"},
			{"FRA", "France", eur, "ecb", "European Central Bank"},
		},
		Categories: []Category{
			{"FOOD", "Food", Formula{Kind: ActualUse}},
			{"BASE", "Base operations", Formula{BasisPoints, []int64{3333, 3333, 3334, 0}}},
			{"EQUIP", "Equipment", Formula{Kind: ActualUse}},
		},
	}
}

func day(text string) Date {
	d, err := ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func record(line int, date, category, supplier, receiver, item, quantity, unit, price string) Record {
	return Record{Key{day(date), category, Nation(supplier), Nation(receiver), item}, dec(quantity), unit, dec(price), line}
}

// wantRefusals checks that err carries exactly these codes, in any order, and for each the given words.
func wantRefusals(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []string
	if err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	if len(got) != len(want) {
		t.Fatalf("%d refusals, want %d:\n%v", len(got), len(want), err)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("got  %s\nwant ... %s ...", got[i], want[i])
		}
	}
	if err != nil && refusal.CodeOf(err) == "" {
		t.Error("no refusal code is found in the joined error")
	}
}

func TestASoundAgreementIsAccepted(t *testing.T) {
	wantRefusals(t, exercise().Validate())
}

func TestAnAgreementIsToldEveryErrorAtOnce(t *testing.T) {
	a := exercise()
	a.ID, a.Name, a.ToleranceBP = "no spaces", "", 10_001
	a.Starts, a.Ends = a.Ends, a.Starts
	a.Members[1].Nation = "IND"
	a.Members[2].Currency = money.Currency{}
	a.Categories[1].Formula.Shares = []int64{5000, 5000, 1, 0}
	a.Categories[2].Code = "FOOD"
	a.Categories[0].Formula = Formula{}
	wantRefusals(t, a.Validate(),
		"agreement_invalid: id:", "agreement_invalid: name: it is empty", "agreement_invalid: starts, ends: 2023-10-11 to 2023-10-02", "agreement_invalid: tolerance_bp: 10001",
		"agreement_invalid: members[1]: IND is a member already", "unknown_currency: members[2]: DEU has no currency", "members[3]: DEU and FRA share the bank ecb but not its currency",
		"agreement_invalid: categories[0]: FOOD has no known formula", "shares_invalid: categories[1]: BASE: the shares add to 10001", "agreement_invalid: categories[2]: FOOD is there already")
}

func TestAgreementsAtTheirLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Agreement)
		want   string
	}{
		{"one member alone", func(a *Agreement) { a.Members = a.Members[:1]; a.Categories = a.Categories[:1] }, "members: there are 1"},
		{"no category", func(a *Agreement) { a.Categories = nil }, "categories: there are 0"},
		{"seventeen categories", func(a *Agreement) {
			for i := len(a.Categories); i < 17; i++ {
				a.Categories = append(a.Categories, Category{"C" + string(rune('A'+i)), "More", Formula{Kind: ActualUse}})
			}
		}, "categories: there are 17"},
		{"shares of a category by actual use", func(a *Agreement) { a.Categories[0].Formula.Shares = []int64{10_000, 0, 0, 0} }, "FOOD is billed by actual use and has shares"},
		{"a negative share", func(a *Agreement) { a.Categories[1].Formula.Shares = []int64{-1, 5001, 5000, 0} }, "the share of member 1 is -1"},
		{"a share missing", func(a *Agreement) { a.Categories[1].Formula.Shares = []int64{5000, 5000} }, "2 shares for 4 members"},
		{"a nation in lower case", func(a *Agreement) { a.Members[0].Nation = "ind" }, "cannot name a nation"},
		{"a bank with a point", func(a *Agreement) { a.Members[0].Bank = "r.b.i" }, "cannot name a bank"},
		{"a name that changes direction", func(a *Agreement) { a.Members[0].Name = "In\u202edia" }, "unprintable character U+202E"},
		{"a name that ends in a space", func(a *Agreement) { a.Members[0].Name = "India " }, "starts or ends with a space"},
		{"a name with a line break", func(a *Agreement) { a.Name = "Harbour\nLight" }, "unprintable character U+000A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := exercise()
			tt.change(&a)
			wantRefusals(t, a.Validate(), tt.want)
		})
	}
}

func TestDatesAreDaysOfTheCalendar(t *testing.T) {
	for _, bad := range []string{"", "2023-02-29", "2023-13-01", "2023-10-4", "04.10.2023", "2023-10-04 ", "2023-10-04T00:00:00Z", "0000-01-01"} {
		if _, err := ParseDate(bad); refusal.CodeOf(err) != CodeDateInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := day("2023-10-02").AddDays(rapid.IntRange(-200_000, 200_000).Draw(t, "d"))
		n := rapid.IntRange(-5000, 5000).Draw(t, "n")
		e := d.AddDays(n)
		back, err := ParseDate(e.String())
		if err != nil || back != e || d.DaysUntil(e) != n || d.Before(e) != (n > 0) || e.AddDays(-n) != d {
			t.Fatalf("%s plus %d days is %s, back %s (%v)", d, n, e, back, err)
		}
	})
}

func TestACountIsToldEveryErrorAtOnceWithItsLine(t *testing.T) {
	good := record(2, "2023-10-04", "FOOD", "IND", "JPN", "rice", "120", "kg", "38.50")
	c := Count{"JPN", "records/JPN.csv", []Record{
		good,
		record(3, "2023-10-12", "FOOD", "IND", "JPN", "rice", "1", "kg", "1"),
		record(4, "2023-10-04", "FUEL", "IND", "JPN", "rice", "1", "kg", "1"),
		record(5, "2023-10-04", "FOOD", "IND", "USA", "rice", "1", "kg", "1"),
		record(6, "2023-10-04", "FOOD", "JPN", "JPN", "rice", "1", "kg", "1"),
		record(7, "2023-10-04", "FOOD", "IND", "FRA", "rice", "1", "kg", "1"),
		record(8, "2023-10-04", "FOOD", "IND", "JPN", "bread", "0", "kg", "1"),
		record(9, "2023-10-04", "FOOD", "IND", "JPN", "milk", "-1", "l", "-1"),
		record(10, "2023-10-04", "FOOD", "IND", "JPN", "salt", "1.0000001", "kg", "1"),
		record(11, "2023-10-04", "FOOD", "IND", "JPN", "gold", "999999999999999", "kg", "999999999999999"),
		record(12, "2023-10-04", "FOOD", "IND", "JPN", "oil\t", "1", "", "1"),
		good,
	}}
	c.Records[11].Line = 13
	wantRefusals(t, exercise().CheckCount(c),
		"date_outside_period: records/JPN.csv line 3: 2023-10-12 is not within 2023-10-02 to 2023-10-11",
		"unknown_category: records/JPN.csv line 4: \"FUEL\"",
		"unknown_member: records/JPN.csv line 5: receiver \"USA\"",
		"wrong_nation: records/JPN.csv line 5: JPN counts what went from \"IND\" to \"USA\"",
		"record_invalid: records/JPN.csv line 6: \"JPN\" supplies itself",
		"wrong_nation: records/JPN.csv line 7",
		"amount_invalid: records/JPN.csv line 8: quantity is zero",
		"amount_invalid: records/JPN.csv line 9: quantity is negative", "amount_invalid: records/JPN.csv line 9: unit_price is negative",
		"amount_invalid: records/JPN.csv line 10: quantity has too many fraction digits",
		"overflow: records/JPN.csv line 11",
		"record_invalid: records/JPN.csv line 12: item: \"oil\\t\" starts or ends with a space", "record_invalid: records/JPN.csv line 12: unit: it is empty",
		"record_repeated: records/JPN.csv line 13: it states the same as line 2 (2023-10-04 FOOD IND to JPN: rice)")
	wantRefusals(t, exercise().CheckCount(Count{Nation: "USA"}), "unknown_member: count of USA")
}

func TestTwoCountsOfOneNationAreRefused(t *testing.T) {
	_, _, err := Match(exercise(), []Count{{Nation: "JPN"}, {Nation: "JPN"}})
	wantRefusals(t, err, "record_repeated: JPN gave two counts")
}
