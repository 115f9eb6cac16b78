package programme

import (
	"math"
	"math/big"
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"entente/schema/money"
)

// poolOf gives the one pool of a supplier in a category.
func poolOf(t rapid.TB, pools []Pool, supplier Nation, category string) Pool {
	t.Helper()
	i := slices.IndexFunc(pools, func(p Pool) bool { return p.Supplier == supplier && p.Category == category })
	if i < 0 {
		t.Fatalf("%s has no pool of %s", supplier, category)
	}
	return pools[i]
}

// Two lines of 100.01 among 3333, 3333 and 3334: split one by one DEU would bear both odd paise, over the pool of 200.02 IND bears one of them.
func TestThePoolIsSplitAndNotTheLine(t *testing.T) {
	records := []Record{
		record(2, "2023-10-04", "BASE", "IND", "JPN", "lighting", "1", "day", "100.01"),
		record(3, "2023-10-05", "BASE", "IND", "FRA", "lighting", "1", "day", "100.01"),
	}
	lines, _, err := Match(exercise(), []Count{{Nation: "IND", Records: records}, {Nation: "JPN", Records: records[:1]}, {Nation: "FRA", Records: records[1:]}})
	if err != nil {
		t.Fatal(err)
	}
	pools, err := Pools(exercise(), lines)
	if err != nil || len(pools) != 1 {
		t.Fatal(pools, err)
	}
	var got []int64
	for _, c := range poolOf(t, pools, "IND", "BASE").Charges {
		got = append(got, c.Minor())
	}
	if want := []int64{6667, 6666, 6669, 0}; !slices.Equal(got, want) {
		t.Errorf("the members bear %v, want %v", got, want)
	}
	bills, err := DraftBills(exercise(), lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/pool.txt", tell(lines, nil, bills))
}

func TestAPoolBeyond63BitsIsRefused(t *testing.T) {
	line := Line{Key: Key{day("2023-10-04"), "BASE", "IND", "JPN", "harbour"}, Amount: money.New(math.MaxInt64, money.MustCurrency("INR"))}
	one := line
	one.Item, one.Amount = "buoy", money.New(1, money.MustCurrency("INR"))
	if pools, err := Pools(exercise(), []Line{line}); err != nil || pools[0].Total != line.Amount {
		t.Errorf("the largest pool: %v, %v", pools, err)
	}
	_, err := Charges(exercise(), []Line{line, one})
	wantRefusals(t, err, "what IND supplied in BASE: overflow:")
}

func TestLinesThatCannotBePooledAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Agreement, *Line)
		want   string
	}{
		{"a stranger's", func(_ *Agreement, l *Line) { l.Supplier = "USA" }, "unknown_member"},
		{"a category nobody agreed on", func(_ *Agreement, l *Line) { l.Category = "TANKS" }, "unknown_category"},
		{"one below zero", func(_ *Agreement, l *Line) { l.Amount = money.New(-1, l.Amount.Currency()) }, "amount_invalid"},
		{"shares of fewer members", func(a *Agreement, _ *Line) { a.Categories[1].Formula.Shares = []int64{WholeBP} }, "shares_invalid: BASE: 1 shares for 4 members"},
		{"no formula", func(a *Agreement, _ *Line) { a.Categories[1].Formula.Kind = 0 }, "agreement_invalid: BASE has no known formula"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, line := exercise(), Line{Key: Key{day("2023-10-04"), "BASE", "IND", "JPN", "harbour"}, Amount: money.New(5, money.MustCurrency("INR"))}
			tt.change(&a, &line)
			_, err := Charges(a, []Line{line})
			wantRefusals(t, err, tt.want)
		})
	}
}

// What a person would recompute: each line rounded down, one item for the rest, and together the formula over everything the supplier supplied.
func TestChargesOfACategoryAreTheFormulaOverItsPool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld().Draw(t, "world")
		lines, _, _ := w.draft(t)
		charges, err := Charges(w.agreement, lines)
		if err != nil {
			t.Fatal(err)
		}
		shares := w.agreement.Categories[1].Formula.Shares
		pooled, charged, roundings := map[Nation]int64{}, map[[2]Nation]int64{}, map[[2]Nation]int{}
		for _, line := range lines {
			if line.Category == "BASE" {
				pooled[line.Supplier] += line.Amount.Minor()
			}
		}
		for _, c := range charges {
			pair := [2]Nation{c.Line.Supplier, c.Debtor}
			switch {
			case c.Amount.Minor() < 0 || c.Debtor == c.Line.Supplier:
				t.Fatalf("%s owes %s %s", c.Debtor, c.Line.Supplier, c.Amount)
			case c.Line.Category != "BASE":
				if c.Debtor != c.Line.Receiver || c.Amount != c.Line.Amount {
					t.Fatalf("%s: %s owes %s", c.Line.Key, c.Debtor, c.Amount)
				}
				continue
			case c.Pool != nil:
				roundings[pair]++
				if c.Amount.IsZero() || roundings[pair] > 1 || c.Line.Date != w.agreement.Ends || c.Line.Receiver != c.Debtor || c.Line.Amount != c.Amount {
					t.Fatalf("rounding: %+v", c)
				}
				if priced, err := lineTotal(c.Line.Quantity, c.Line.UnitPrice, c.Amount.Currency()); err != nil || priced != c.Amount {
					t.Fatalf("%s %s at %s is %s, not %s (%v)", c.Line.Quantity, c.Line.Unit, c.Line.UnitPrice, priced, c.Amount, err)
				}
			default:
				exact := new(big.Int).Mul(big.NewInt(c.Line.Amount.Minor()), big.NewInt(shares[w.agreement.memberIndex(c.Debtor)]))
				if down := exact.Div(exact, big.NewInt(WholeBP)).Int64(); c.Amount.Minor() != down {
					t.Fatalf("%s: %s owes %s, rounded down %d", c.Line.Key, c.Debtor, c.Amount, down)
				}
			}
			charged[pair] += c.Amount.Minor()
		}
		for _, m := range w.agreement.Members {
			split, err := money.Allocate(money.New(pooled[m.Nation], m.Currency), shares)
			if err != nil {
				t.Fatal(err)
			}
			left := pooled[m.Nation]
			for i, debtor := range w.agreement.Members {
				if left -= split[i].Minor(); debtor.Nation != m.Nation && charged[[2]Nation{m.Nation, debtor.Nation}] != split[i].Minor() {
					t.Fatalf("%s owes %s %d, the formula says %s", debtor.Nation, m.Nation, charged[[2]Nation{m.Nation, debtor.Nation}], split[i])
				}
			}
			if left != 0 {
				t.Fatalf("%d of what %s supplied is borne by nobody", left, m.Nation)
			}
		}
	})
}

func TestBillsHoldThePoolsAndConfirmedLinesAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld().Draw(t, "world")
		lines, divergences, bills := w.draft(t)
		pools, err := Pools(w.agreement, lines)
		if err != nil {
			t.Fatal(err)
		}
		shuffled := slices.Clone(lines)
		random := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again, err := Pools(w.agreement, shuffled)
		if diff := cmp.Diff(pools, again, cmpopts.EquateComparable(money.Amount{})); err != nil || diff != "" {
			t.Fatalf("%v: lines in another order give other pools:\n%s", err, diff)
		}
		owed := map[[2]Nation]int64{}
		for _, line := range lines {
			if line.Category != "BASE" {
				owed[[2]Nation{line.Supplier, line.Receiver}] += line.Amount.Minor()
			}
		}
		for _, p := range pools {
			for i, m := range w.agreement.Members {
				if m.Nation != p.Supplier {
					owed[[2]Nation{p.Supplier, m.Nation}] += p.Charges[i].Minor()
				}
			}
		}
		for _, b := range bills {
			if b.Kind == CaseBill {
				continue
			}
			total, err := b.Total()
			if err != nil || len(b.Items) == 0 {
				t.Fatalf("%+v: %v", b, err)
			}
			owed[[2]Nation{b.Creditor, b.Debtor}] -= total.Minor()
			for _, item := range b.Items {
				if item.Amount.Minor() <= 0 || slices.ContainsFunc(divergences, func(d Divergence) bool {
					return d.Key == Key{item.Date, item.CategoryCode, item.Supplier, item.Receiver, item.Item}
				}) {
					t.Fatalf("billed without ground: %+v", item)
				}
			}
		}
		for pair, rest := range owed {
			if rest != 0 {
				t.Fatalf("%s owes %s %d more than is billed", pair[1], pair[0], rest)
			}
		}
	})
}
