package intake

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/settlement/programme"
)

// contributions are made-up assessed shares in the layout of the published ones, with an amount that is finer than a cent.
const contributions = `year,donor,status,category,entity,type,amount_usd
2030,Arcadia,member,Government,UN,Assessed,618481182.0
2030,Borduria,member,Government,UN,Assessed,61.119999999999997
2030,"Côte, la",member,Government,UN,Assessed,19222353.72
2030,Ruritania,member,Government,UN,Assessed,0.33
2030,Ruritania,member,Government,UN,Voluntary earmarked,-38.0
2030,Sylvania,member,Government,UN,Assessed,1.005
`

// assessed gives each year's and budget's assessed contributions in cents, halves to even.
func assessed(t *testing.T, r io.Reader) map[string][]int64 {
	t.Helper()
	rows := csv.NewReader(r)
	header, err := rows.Read()
	if err != nil || strings.Join(header, ",") != "year,donor,status,category,entity,type,amount_usd" {
		t.Fatalf("%q %v", header, err)
	}
	groups := map[string][]int64{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return groups
		}
		if err != nil {
			t.Fatal(err)
		}
		if row[5] != "Assessed" {
			continue
		}
		amount, err := decimal.NewFromString(row[6])
		if err != nil {
			t.Fatal(err)
		}
		cents := amount.Shift(2).RoundBank(0).IntPart()
		if cents < 0 {
			t.Fatalf("%s was assessed %s", row[1], row[6])
		}
		groups[row[0]+" "+row[4]] = append(groups[row[0]+" "+row[4]], cents)
	}
}

func TestSharesOfContributionsSplitABillExactly(t *testing.T) {
	groups := assessed(t, strings.NewReader(contributions))
	if f, err := os.Open("../../../shared/data/defence/un_member_state_contributions_UN_and_peacekeeping_2013_2020.csv"); err == nil {
		defer f.Close()
		real := assessed(t, f)
		if len(real) != 16 {
			t.Errorf("%d budgets", len(real))
		}
		for name, weights := range real {
			groups[name] = weights
		}
	} else {
		t.Log("the published contributions are not beside the repository, so only made-up ones are split: ", err)
	}
	for name, weights := range groups {
		whole := int64(0)
		for _, w := range weights {
			whole += w
		}
		for _, currency := range []string{"USD", "JPY", "KWD"} {
			for _, minor := range []int64{0, 1, 99, 100_000_007, 123_456_789_012_345} {
				bill := money.New(minor, money.MustCurrency(currency))
				parts, err := money.Allocate(bill, weights)
				if err != nil {
					t.Fatal(err)
				}
				sum, err := money.Sum(bill.Currency(), parts...)
				if err != nil || sum != bill {
					t.Errorf("%s: %d shares of %s add to %s (%v)", name, len(parts), bill, sum, err)
				}
				for i, part := range parts {
					exact := decimal.NewFromInt(minor).Mul(decimal.NewFromInt(weights[i])).DivRound(decimal.NewFromInt(whole), 12)
					if decimal.NewFromInt(part.Minor()).Sub(exact).Abs().GreaterThanOrEqual(decimal.NewFromInt(1)) {
						t.Errorf("%s: share %d of %s is %s, exactly %s", name, i, bill, part, exact)
					}
				}
			}
		}
		splitByAgreement(t, name, weights)
	}
}

// splitByAgreement makes the largest contributors' shares an agreement's basis points and bills a shared cost by it.
func splitByAgreement(t *testing.T, name string, weights []int64) {
	t.Helper()
	a := northern(t)
	largest := slices.Clone(weights)
	slices.Sort(largest)
	slices.Reverse(largest)
	points, err := money.Allocate(money.New(programme.WholeBP, money.MustCurrency("JPY")), largest[:len(a.Members)])
	if err != nil {
		t.Fatal(err)
	}
	shares := a.Categories[a.CategoryIndex("MED")].Formula.Shares
	for i, p := range points {
		shares[i] = p.Minor()
	}
	if err := a.Validate(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	record := programme.Record{Key: programme.Key{Date: a.Starts, Category: "MED", Supplier: "DEU", Receiver: "FRA", Item: "clinic"}, Quantity: decimal.NewFromInt(1), Unit: "lot", UnitPrice: decimal.RequireFromString("98765.43")}
	counts := []programme.Count{{Nation: "DEU", Records: []programme.Record{record}}, {Nation: "FRA", Records: []programme.Record{record}}}
	lines, divergences, err := programme.Match(a, counts)
	if err != nil || len(divergences) > 0 {
		t.Fatal(divergences, err)
	}
	pools, err := programme.Pools(a, lines)
	if err != nil || len(pools) != 1 {
		t.Fatal(pools, err)
	}
	if sum, err := money.Sum(pools[0].Total.Currency(), pools[0].Charges...); err != nil || sum != pools[0].Total {
		t.Errorf("%s: the shares of %s add to %s (%v)", name, pools[0].Total, sum, err)
	}
}
