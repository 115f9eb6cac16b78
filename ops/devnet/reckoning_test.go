package devnet_test

import (
	"encoding/csv"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reckoning is what the data comes to by the README's words, worked out here with nothing of the program: fractions, encoding/csv and encoding/json.
type reckoning struct {
	Members []struct {
		Nation, Currency, Bank string
	} `json:"members"`
	Categories []struct {
		Code, Formula string
		Shares        map[string]int64
	} `json:"categories"`
	ToleranceBP int64  `json:"tolerance_bp"`
	ID          string `json:"id"`

	records     int
	lines       int
	divergences int
	deliveries  int
	pools       map[pool]int64  // what a supplier supplied in a category all share, in minor units of its currency
	bills       map[bill]int64  // in minor units of the creditor's currency
	totals      map[total]int64 // of all bills
	rates       map[string]*big.Rat
	words       []string // every text that only two nations may know
	amounts     []int64  // of lines and shares
}

type bill struct{ debtor, creditor, reference string }

type pool struct{ supplier, category string }

type total struct{ currency, category string }

// digits are those of the currencies in the data, by ISO 4217.
var digits = map[string]int64{"EUR": 2, "GBP": 2, "KWD": 3}

func reckon(t *testing.T) *reckoning {
	t.Helper()
	r := &reckoning{pools: map[pool]int64{}, bills: map[bill]int64{}, totals: map[total]int64{}}
	text, err := os.ReadFile(filepath.Join(data, "agreement.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatal(err)
	}
	r.readRates(t)
	type key struct{ date, category, supplier, receiver, item string }
	pairs := map[key]map[string]map[string]string{} // key, counting nation, row
	for _, m := range r.Members {
		for _, row := range table(t, filepath.Join(data, "records", m.Nation+".csv")) {
			r.records++
			k := key{row["date"], row["category"], row["supplier"], row["receiver"], row["item"]}
			if pairs[k] == nil {
				pairs[k] = map[string]map[string]string{}
			}
			pairs[k][m.Nation] = row
			r.words = append(r.words, row["item"])
		}
	}
	for k, rows := range pairs {
		supplied, received := rows[k.supplier], rows[k.receiver]
		quantity, confirmed := r.agreed(t, supplied, received)
		if !confirmed {
			r.divergences++
			continue
		}
		r.lines++
		amount := r.minor(t, quantity, supplied["unit_price"], k.supplier)
		r.amounts = append(r.amounts, amount)
		r.share(k.category, k.supplier, k.receiver, amount)
	}
	for p, amount := range r.pools {
		r.split(p, amount)
	}
	r.readCases(t)
	return r
}

// agreed gives the lower quantity when both counts are there, say the same and are within the tolerance.
func (r *reckoning) agreed(t *testing.T, a, b map[string]string) (*big.Rat, bool) {
	if a == nil || b == nil || a["unit"] != b["unit"] || fraction(t, a["unit_price"]).Cmp(fraction(t, b["unit_price"])) != 0 {
		return nil, false
	}
	low, high := fraction(t, a["quantity"]), fraction(t, b["quantity"])
	if low.Cmp(high) > 0 {
		low, high = high, low
	}
	apart := new(big.Rat).Sub(high, low)
	allowed := new(big.Rat).Mul(high, big.NewRat(r.ToleranceBP, 10_000))
	return low, apart.Cmp(allowed) <= 0
}

// share bills a line to its receiver, or adds it to what its supplier supplied in the category all share.
func (r *reckoning) share(category, supplier, receiver string, amount int64) {
	shares := r.shares(category)
	if shares == nil {
		r.bill(receiver, supplier, r.ID, category, amount)
		return
	}
	r.pools[pool{supplier, category}] += amount
	for _, m := range r.Members {
		r.amounts = append(r.amounts, amount*shares[m.Nation]/10_000)
	}
}

// shares gives the basis points of a category all share, nil for one by actual use.
func (r *reckoning) shares(category string) map[string]int64 {
	for _, c := range r.Categories {
		if c.Code == category && c.Formula != "actual_use" {
			return c.Shares
		}
	}
	return nil
}

// split bills a pool to all members by basis points, the remainders largest first and ties to the earlier member.
func (r *reckoning) split(p pool, amount int64) {
	weights := r.shares(p.category)
	shares, rests := make([]int64, len(r.Members)), make([]int64, len(r.Members))
	left := amount
	for m, member := range r.Members {
		exact := amount * weights[member.Nation]
		shares[m], rests[m] = exact/10_000, exact%10_000
		left -= shares[m]
	}
	for ; left > 0; left-- {
		most := 0
		for m := range rests {
			if rests[m] > rests[most] {
				most = m
			}
		}
		shares[most]++
		rests[most] = -1
	}
	r.words = append(r.words, "rounding of shared "+p.category)
	for m, member := range r.Members {
		if member.Nation != p.supplier {
			r.bill(member.Nation, p.supplier, r.ID, p.category, shares[m])
		}
	}
}

func (r *reckoning) bill(debtor, creditor, reference, category string, amount int64) {
	if amount == 0 {
		return
	}
	r.amounts = append(r.amounts, amount)
	r.bills[bill{debtor, creditor, reference}] += amount
	r.totals[total{r.currency(creditor), category}] += amount
}

func (r *reckoning) currency(nation string) string {
	for _, m := range r.Members {
		if m.Nation == nation {
			return m.Currency
		}
	}
	return ""
}

func (r *reckoning) bank(nation string) string {
	for _, m := range r.Members {
		if m.Nation == nation {
			return m.Bank
		}
	}
	return ""
}

func (r *reckoning) readCases(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(data, "cases", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		var c struct{ Title, Supplier, Receiver, Category string }
		text, err := os.ReadFile(filepath.Join(folder, "case.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		r.words = append(r.words, c.Title)
		price := map[string]string{}
		for _, row := range table(t, filepath.Join(folder, "contract.csv")) {
			price[row["line"]] = row["unit_price"]
			r.words = append(r.words, row["item"], row["part_number"])
		}
		for _, row := range table(t, filepath.Join(folder, "receipts.csv")) {
			r.deliveries++
			r.words = append(r.words, row["discrepancy"])
			amount := r.minor(t, fraction(t, row["accepted"]), price[row["line"]], c.Supplier)
			r.bill(c.Receiver, c.Supplier, filepath.Base(folder), c.Category, amount)
		}
	}
}

// minor is quantity times price in minor units of a nation's currency, halves to even.
func (r *reckoning) minor(t *testing.T, quantity *big.Rat, price, nation string) int64 {
	exact := new(big.Rat).Mul(quantity, fraction(t, price))
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(digits[r.currency(nation)]), nil)
	exact.Mul(exact, new(big.Rat).SetInt(scale))
	whole, rest := new(big.Int).QuoRem(exact.Num(), exact.Denom(), new(big.Int))
	twice := rest.Lsh(rest, 1).Cmp(exact.Denom())
	if twice > 0 || twice == 0 && whole.Bit(0) == 1 {
		whole.Add(whole, big.NewInt(1))
	}
	return whole.Int64()
}

// readRates takes the newest fixing of each currency; in the data that is the exercise's last day for all of them.
func (r *reckoning) readRates(t *testing.T) {
	r.rates = map[string]*big.Rat{"EUR": big.NewRat(1, 1)}
	newest := table(t, filepath.Join(data, "rates.csv"))[0]
	for _, m := range r.Members {
		if m.Currency != "EUR" {
			r.rates[m.Currency] = fraction(t, newest[strings.ToLower(m.Currency)])
		}
	}
}

// debit is what minor units of one currency are in another at the reference rates, in minor units and not rounded.
func (r *reckoning) debit(minor int64, from, to string) *big.Rat {
	scale := func(code string) *big.Rat {
		return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(digits[code]), nil))
	}
	v := new(big.Rat).Quo(new(big.Rat).SetInt64(minor), scale(from))
	v.Quo(v, r.rates[from])
	v.Mul(v, r.rates[to])
	return v.Mul(v, scale(to))
}

func fraction(t *testing.T, text string) *big.Rat {
	t.Helper()
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	return v
}

// table reads a CSV file into rows by lower-case column name.
func table(t *testing.T, path string) []map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff")))
	reader.TrimLeadingSpace = true
	all, err := reader.ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var rows []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, row)
	}
	return rows
}
