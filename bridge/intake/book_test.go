package intake

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"entente/schema/refusal"
	"entente/settlement/programme"
)

func toldOfBook(r BookReport) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows: %d lines, %d refused; %d fractional, %d free\n%s exactly, %s billed\n", r.Rows, r.Lines, r.Refused, r.Fractional, r.Free, r.Exact, r.Amount)
	for _, of := range r.Of {
		fmt.Fprintf(&b, "%s %d %s\n", of.CostUnits, of.Lines, of.Exact)
	}
	return b.String()
}

// By hand: 3 * 104,709,000 = 314,127,000; 12 * 400 = 4,800; 2.5 * 1.005 = 2.5125, billed as 2.51; 40 * 0 = 0.
func TestContractLinesOfABudgetBookAddUpExactly(t *testing.T) {
	f, err := os.Open("testdata/book.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []BookLine
	r, err := ReadBook(f, "book.csv", func(l BookLine) error { lines = append(lines, l); return nil })
	want := "9 rows: 4 lines, 5 refused; 1 fractional, 1 free\n314131802.5125 exactly, 314131802.51 USD billed\nDollars 2 2.5125\nThousands 1 4800\nMillions 1 314127000\n"
	if err != nil || toldOfBook(r) != want {
		t.Errorf("%v\n%s", err, toldOfBook(r))
	}
	var got []string
	for _, found := range r.Findings {
		got = append(got, found.Error()[:strings.Index(found.Error(), ";")])
	}
	reasons := []string{
		"amount_invalid: book.csv line 5, column quantity: it is zero",
		`date_invalid: book.csv line 6, column award_month: "0030-12" is no month of a contract`,
		`malformed_csv: book.csv line 7, column unit_cost_units: "Euros" is no unit of cost`,
		"record_invalid: book.csv line 9, column supplier: it is empty", "record_invalid: book.csv line 9, column item: it is empty", "amount_invalid: book.csv line 9, column quantity: it is zero",
		"amount_invalid: book.csv line 10, column quantity: it is negative: -1", `malformed_csv: book.csv line 10, column unit_cost: "many" is not a number`,
	}
	if strings.Join(got, "\n") != strings.Join(reasons, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(reasons, "\n"))
	}
	checkContract(t, lines)
}

// checkContract wants the lines to be such that an equipment case of the agreement can be billed by them.
func checkContract(t *testing.T, lines []BookLine) {
	t.Helper()
	c := programme.Case{ID: "BOOK-1", Title: "a book's lines", Supplier: "GBR", Receiver: "KWT", Category: "PARTS"}
	for _, l := range lines {
		c.Lines = append(c.Lines, l.Contract())
	}
	if _, outstanding, err := northern(t).Deliveries(c); err != nil || len(outstanding) != len(lines) {
		t.Errorf("%d outstanding of %d: %v", len(outstanding), len(lines), err)
	}
}

func TestTheContractLinesOfTheRealBooksAddUpExactly(t *testing.T) {
	const path = "../../../shared/data/defence/dod_equipment_contract_lines_pb2013_2014.csv.gz"
	open := func() io.Reader {
		f, err := os.Open(path)
		if err != nil {
			t.Skip("the published contract lines are not beside the repository: ", err)
		}
		t.Cleanup(func() { f.Close() })
		r, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	taken := map[int]bool{}
	var lines []BookLine
	r, err := ReadBook(open(), "books.csv", func(l BookLine) error {
		taken[l.Line] = true
		lines = append(lines, l)
		return nil
	})
	want := "11888 rows: 11802 lines, 86 refused; 0 fractional, 73 free\n6644635031360.414 exactly, 6644635031360.42 USD billed\nDollars 7440 35985512124.414\nThousands 1335 876445146236\nMillions 3027 5732204373000\n"
	if err != nil || toldOfBook(r) != want {
		t.Errorf("%v\n%s", err, toldOfBook(r))
	}
	named := map[int]bool{}
	for _, found := range r.Findings {
		named[found.Line] = true
	}
	if len(named) != r.Refused {
		t.Errorf("%d rows are named of %d refused", len(named), r.Refused)
	}
	checkContract(t, lines)
	// The same sum by other means: fractions of whole numbers over the rows that were taken.
	rows, sum := csv.NewReader(open()), new(big.Rat)
	header, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range header {
		at[name] = i
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		line, _ := rows.FieldPos(0)
		if taken[line] == named[line] {
			t.Fatalf("line %d was taken: %t, and refused: %t", line, taken[line], named[line])
		}
		if !taken[line] {
			continue
		}
		product := new(big.Rat).SetInt64(map[string]int64{"Dollars": 1, "Thousands": 1e3, "Millions": 1e6}[row[at["unit_cost_units"]]])
		for _, column := range []string{"quantity", "unit_cost"} {
			factor, ok := new(big.Rat).SetString(row[at[column]])
			if !ok {
				t.Fatalf("line %d: %s", line, row[at[column]])
			}
			product.Mul(product, factor)
		}
		sum.Add(sum, product)
	}
	if exact := sum.FloatString(3); exact != r.Exact.StringFixed(3) {
		t.Errorf("the total is %s, want %s", r.Exact, exact)
	}
}

func TestABookThatIsNoneIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "malformed_csv: book.csv: it is empty",
		"supplier,item\n":       "malformed_csv: book.csv line 1: the header lacks cost_category, line_no, award_month",
		"PK\x03\x04xxxxxxxxxxx": "malformed_csv: book.csv: it is a workbook",
		strings.Join(bookColumns, ",") + "\na,b\n\"": "malformed_csv: book.csv line 3",
	} {
		if _, err := ReadBook(strings.NewReader(text), "book.csv", func(BookLine) error { return nil }); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	stop := errors.New("enough")
	text := strings.Join(bookColumns, ",") + "\na,b,c,1,2030-01,1,Each,1,Dollars\n"
	if _, err := ReadBook(strings.NewReader(text), "book.csv", func(BookLine) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	huge := strings.Replace(text, ",1,Dollars", ",99999999999999,Millions", 1)
	if r, err := ReadBook(strings.NewReader(huge), "book.csv", func(BookLine) error { return nil }); err != nil || r.Refused != 1 || refusal.CodeOf(r.Findings[0]) != "overflow" {
		t.Errorf("%+v %v", r, err)
	}
	if d := (BookLine{Quantity: decimal.NewFromInt(2)}).Contract().Quantity; !d.Equal(decimal.NewFromInt(2)) {
		t.Error(d)
	}
}
