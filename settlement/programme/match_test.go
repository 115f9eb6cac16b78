package programme

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestTwoCountsOfOneLine(t *testing.T) {
	for _, tt := range []struct {
		name                    string
		supplierSays, otherSays string // quantity unit price; empty for nothing
		quantity                string
		reason                  Reason
	}{
		{"agree", "120 kg 38.50", "120 kg 38.50", "120", ""},
		{"agree in other words", "120.0 kg 38.5", "120 kg 38.50", "120", ""},
		{"differ within the tolerance, the supplier counting more", "100 kg 1", "98 kg 1", "98", ""},
		{"differ within the tolerance, the receiver counting more", "98 kg 1", "100 kg 1", "98", ""},
		{"differ by more than the tolerance", "100 kg 1", "97.999 kg 1", "", QuantityDiffers},
		{"differ in price", "100 kg 1.01", "100 kg 1", "", PriceDiffers},
		{"differ in unit", "100 kg 1", "100 l 1", "", UnitDiffers},
		{"differ in everything: the unit is named", "100 kg 1", "5 l 2", "", UnitDiffers},
		{"differ in price and quantity: the price is named", "100 kg 1", "5 kg 2", "", PriceDiffers},
		{"the receiver has none", "100 kg 1", "", "", MissingAtReceiver},
		{"the supplier has none", "", "100 kg 1", "", MissingAtSupplier},
	} {
		t.Run(tt.name, func(t *testing.T) {
			side := func(nation Nation, says string) Count {
				c := Count{Nation: nation}
				if says != "" {
					var q, u, p string
					if _, err := fmt.Sscan(says, &q, &u, &p); err != nil {
						t.Fatal(err)
					}
					c.Records = []Record{record(2, "2023-10-04", "FOOD", "IND", "JPN", "rice", q, u, p)}
				}
				return c
			}
			lines, divergences, err := Match(exercise(), []Count{side("IND", tt.supplierSays), side("JPN", tt.otherSays)})
			if err != nil {
				t.Fatal(err)
			}
			if tt.reason == "" {
				if len(lines) != 1 || len(divergences) != 0 || !lines[0].Quantity.Equal(dec(tt.quantity)) {
					t.Errorf("lines %v, divergences %v", lines, divergences)
				}
				return
			}
			if len(lines) != 0 || len(divergences) != 1 || divergences[0].Reason != tt.reason {
				t.Fatalf("lines %v, divergences %v", lines, divergences)
			}
			d := divergences[0]
			if (d.Ours == nil) != (tt.supplierSays == "") || (d.Theirs == nil) != (tt.otherSays == "") {
				t.Errorf("ours %v, theirs %v", d.Ours, d.Theirs)
			}
		})
	}
}

// world is a random exercise: an agreement, its counts and one equipment case.
type world struct {
	agreement Agreement
	counts    []Count
	cases     []Case
}

func anyWorld() *rapid.Generator[world] {
	return rapid.Custom(func(t *rapid.T) world {
		a := exercise()
		shares := rapid.SliceOfN(rapid.Int64Range(0, WholeBP), len(a.Members)-1, len(a.Members)-1).Draw(t, "cuts")
		slices.Sort(shares)
		a.Categories[1].Formula.Shares = []int64{shares[0], shares[1] - shares[0], shares[2] - shares[1], WholeBP - shares[2]}
		byNation := map[Nation][]Record{}
		seen := map[Key]bool{}
		for i := range rapid.IntRange(0, 25).Draw(t, "records") {
			from := rapid.IntRange(0, len(a.Members)-1).Draw(t, "from")
			to := (from + rapid.IntRange(1, len(a.Members)-1).Draw(t, "to")) % len(a.Members)
			r := Record{Key: Key{a.Starts.AddDays(rapid.IntRange(0, 9).Draw(t, "day")), rapid.SampledFrom([]string{"FOOD", "BASE"}).Draw(t, "category"),
				a.Members[from].Nation, a.Members[to].Nation, rapid.SampledFrom([]string{"rice", "tents", "water"}).Draw(t, "item")},
				Quantity: decimal.New(rapid.Int64Range(1, 10_000).Draw(t, "quantity"), -1), Unit: "each", UnitPrice: decimal.New(rapid.Int64Range(0, 10_000).Draw(t, "price"), -2), Line: i}
			if seen[r.Key] {
				continue
			}
			seen[r.Key] = true
			other := r
			other.Quantity = other.Quantity.Mul(decimal.New(rapid.Int64Range(95, 105).Draw(t, "difference"), -2))
			who := rapid.IntRange(0, 8).Draw(t, "who counts")
			if who != 0 {
				byNation[r.Supplier] = append(byNation[r.Supplier], r)
			}
			if who != 1 {
				byNation[r.Receiver] = append(byNation[r.Receiver], other)
			}
		}
		w := world{agreement: a, cases: []Case{radios()}}
		for _, m := range a.Members {
			w.counts = append(w.counts, Count{Nation: m.Nation, Records: byNation[m.Nation]})
		}
		return w
	})
}

// shuffled gives the same world told in another order.
func (w world) shuffled(seed int64) world {
	random := rand.New(rand.NewSource(seed))
	mix := func(n int, swap func(i, j int)) { random.Shuffle(n, swap) }
	w.counts = slices.Clone(w.counts)
	for i := range w.counts {
		records := slices.Clone(w.counts[i].Records)
		mix(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		w.counts[i].Records = records
	}
	mix(len(w.counts), func(i, j int) { w.counts[i], w.counts[j] = w.counts[j], w.counts[i] })
	w.cases = slices.Clone(w.cases)
	for i := range w.cases {
		receipts := slices.Clone(w.cases[i].Receipts)
		mix(len(receipts), func(i, j int) { receipts[i], receipts[j] = receipts[j], receipts[i] })
		w.cases[i].Receipts = receipts
	}
	return w
}

func (w world) draft(t *rapid.T) ([]Line, []Divergence, []DraftBill) {
	lines, divergences, err := Match(w.agreement, w.counts)
	if err != nil {
		t.Fatal(err)
	}
	bills, err := DraftBills(w.agreement, lines, w.cases)
	if err != nil {
		t.Fatal(err)
	}
	return lines, divergences, bills
}

func TestBothDesksDraftTheSameBillsInWhateverOrderTheyHeard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld().Draw(t, "world")
		lines, divergences, bills := w.draft(t)
		lines2, divergences2, bills2 := w.shuffled(rapid.Int64().Draw(t, "seed")).draft(t)
		if a, b := tell(lines, divergences, bills), tell(lines2, divergences2, bills2); a != b {
			t.Fatalf("one order:\n%s\nthe other:\n%s", a, b)
		}
		slices.Reverse(lines2)
		bills3, err := DraftBills(w.agreement, lines2, w.cases)
		if a, b := tell(nil, nil, bills), tell(nil, nil, bills3); err != nil || a != b {
			t.Fatalf("lines in one order:\n%s\nin reverse:\n%s\n%v", a, b, err)
		}
	})
}

func TestMatchingIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := exercise()
		ours, theirs := decimal.New(rapid.Int64Range(1, 3000).Draw(t, "ours"), -1), decimal.New(rapid.Int64Range(1, 3000).Draw(t, "theirs"), -1)
		count := func(nation Nation, quantity decimal.Decimal) Count {
			r := record(2, "2023-10-04", "FOOD", "IND", "JPN", "rice", "1", "kg", "1")
			r.Quantity = quantity
			return Count{Nation: nation, Records: []Record{r}}
		}
		lines, _, err := Match(a, []Count{count("IND", ours), count("JPN", theirs)})
		swapped, _, err2 := Match(a, []Count{count("IND", theirs), count("JPN", ours)})
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if len(lines) != len(swapped) || len(lines) == 1 && !lines[0].Quantity.Equal(swapped[0].Quantity) {
			t.Fatalf("%s and %s: %v, the other way %v", ours, theirs, lines, swapped)
		}
		// |a-b| / max(a,b) <= 200/10000
		within := ours.Sub(theirs).Abs().Mul(decimal.NewFromInt(50)).LessThanOrEqual(decimal.Max(ours, theirs))
		if within != (len(lines) == 1) {
			t.Fatalf("%s and %s: confirmed %t, within 2 percent %t", ours, theirs, len(lines) == 1, within)
		}
	})
}
