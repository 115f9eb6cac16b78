package intake

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/settlement/programme"
)

// BookLine is one equipment contract line as budget books publish it: who supplies how many of what, since when, at what cost each.
type BookLine struct {
	Line      int // of the file
	Supplier  string
	Item      string
	Category  string // may be empty
	No        string // the book's own number of the line
	Awarded   programme.Date
	Quantity  decimal.Decimal
	Unit      string
	CostUnits string          // in what the cost was stated: Dollars, Thousands or Millions
	UnitPrice decimal.Decimal // in dollars
	Exact     decimal.Decimal // quantity times unit price, in dollars, not rounded
	Amount    money.Amount    // the same as a bill's line has it: in cents, halves to even
}

// Contract gives the line as an equipment case has it.
func (l BookLine) Contract() programme.ContractLine {
	return programme.ContractLine{No: strconv.Itoa(l.Line), Item: l.Item, PartNumber: l.No, Quantity: l.Quantity, Unit: l.Unit, UnitPrice: l.UnitPrice}
}

// BookReport is what a file of contract lines comes to. Rows is Lines and Refused together.
type BookReport struct {
	Rows       int
	Lines      int
	Refused    int
	Fractional int // lines over a part of a unit, which count
	Free       int // lines at no cost, which count
	Exact      decimal.Decimal
	Amount     money.Amount // the sum of the lines' amounts; it differs from Exact by what rounding each line to cents did
	Of         []BookTotal  // by the unit of cost, in the order of BookUnits
	Findings   []*Finding   // why each refused row was, every reason of it, at most MaxFindings
}

// BookTotal is what the lines of one unit of cost come to.
type BookTotal struct {
	CostUnits string
	Lines     int
	Exact     decimal.Decimal
}

// BookUnits are the units in which costs are stated, with their powers of ten.
var BookUnits = []struct {
	Name  string
	Power int32
}{{"Dollars", 0}, {"Thousands", 3}, {"Millions", 6}}

var (
	dollar      = money.MustCurrency("USD")
	bookColumns = []string{"supplier", "item", "cost_category", "line_no", "award_month", "quantity", "quantity_units", "unit_cost", "unit_cost_units"}
)

// earliestAward is before any contract that still runs: what a book dates earlier is a slip.
const earliestAward = 1950

// ReadBook reads equipment contract lines, a CSV file with at least the columns supplier, item, cost_category, line_no, award_month, quantity,
// quantity_units, unit_cost and unit_cost_units, and gives each sound line to use. A row that cannot be billed is refused by itself and named in the
// report: no quantity, no supplier or item, no month, an unknown unit of cost. The error is what ended the reading early: a header that lacks columns, a
// file that cannot be read on, or what use gave.
func ReadBook(r io.Reader, source string, use func(BookLine) error) (BookReport, error) {
	report := BookReport{Amount: money.Zero(dollar)}
	for _, unit := range BookUnits {
		report.Of = append(report.Of, BookTotal{CostUnits: unit.Name})
	}
	b := bookReader{source: source, column: map[string]int{}}
	err := b.read(r, func(line BookLine) error {
		sum, err := report.Amount.Add(line.Amount)
		if err != nil {
			return fmt.Errorf("%s line %d: %w", source, line.Line, err)
		}
		report.Amount, report.Exact = sum, report.Exact.Add(line.Exact)
		report.Lines++
		if !line.Quantity.IsInteger() {
			report.Fractional++
		}
		if line.UnitPrice.IsZero() {
			report.Free++
		}
		of := &report.Of[unitIndex(line.CostUnits)]
		of.Lines, of.Exact = of.Lines+1, of.Exact.Add(line.Exact)
		return use(line)
	})
	report.Rows, report.Refused, report.Findings = b.rows, b.refused, b.found.kept
	return report, err
}

func unitIndex(name string) int {
	for i, unit := range BookUnits {
		if unit.Name == name {
			return i
		}
	}
	return -1
}

type bookReader struct {
	source        string
	found         findings
	column        map[string]int
	line          int
	cells         []cell
	rows, refused int
}

func (b *bookReader) read(r io.Reader, use func(BookLine) error) error {
	g, err := openCSV(io.LimitReader(r, MaxCSVBytes+1), b.source, DefaultMapping())
	if err != nil {
		return err
	}
	line, header, err := g.next()
	if errors.Is(err, io.EOF) {
		return &Finding{Source: b.source, Refusal: refusal.New(CodeMalformedCSV, "it is empty", "start it with a header line")}
	}
	if err != nil {
		return err
	}
	for i, c := range header {
		b.column[strings.ToLower(strings.TrimSpace(c.text))] = i
	}
	lacking := slices.DeleteFunc(slices.Clone(bookColumns), func(name string) bool { _, there := b.column[name]; return there })
	if len(lacking) > 0 {
		return &Finding{Source: b.source, Line: line, Refusal: refusal.Newf(CodeMalformedCSV, "name the columns "+strings.Join(bookColumns, ","), "the header lacks %s", strings.Join(lacking, ", "))}
	}
	for {
		b.line, b.cells, err = g.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if g.done() > MaxCSVBytes {
			return &Finding{Source: b.source, Line: b.line, Refusal: refusal.Newf(CodeTooLarge, "split it", "it is larger than %d bytes", MaxCSVBytes)}
		}
		b.rows++
		if len(b.cells) != len(header) {
			b.refuse("", CodeMalformedCSV, "quote values that contain commas", "it has %d values under %d columns", len(b.cells), len(header))
			b.refused++
			continue
		}
		parsed, ok := b.parse()
		if !ok {
			b.refused++
			continue
		}
		if err := use(parsed); err != nil {
			return err
		}
	}
	return nil
}

func (b *bookReader) refuse(column string, code refusal.Code, do, format string, args ...any) {
	b.found.add(&Finding{Source: b.source, Line: b.line, Column: column, Refusal: refusal.Newf(code, do, format, args...)})
}

func (b *bookReader) text(column string) string {
	return strings.TrimSpace(b.cells[b.column[column]].text)
}

// parse reads one row, and says whether it is sound.
func (b *bookReader) parse() (l BookLine, ok bool) {
	before := b.found.total
	l = BookLine{Line: b.line, Supplier: b.text("supplier"), Item: b.text("item"), Category: b.text("cost_category"), No: b.text("line_no"), Unit: b.text("quantity_units"), CostUnits: b.text("unit_cost_units")}
	for _, column := range []string{"supplier", "item", "quantity_units"} {
		if b.text(column) == "" {
			b.refuse(column, programme.CodeRecordInvalid, "state it", "it is empty")
		}
	}
	month, err := time.Parse("2006-01", b.text("award_month"))
	if err != nil || month.Year() < earliestAward {
		b.refuse("award_month", programme.CodeDateInvalid, "write the month of the contract as 2012-06", "%.20q is no month of a contract", b.text("award_month"))
	}
	l.Awarded = programme.Date{Year: month.Year(), Month: month.Month(), Day: 1}
	var counted bool
	if l.Quantity, counted = b.number("quantity"); counted && l.Quantity.IsZero() {
		b.refuse("quantity", money.CodeAmountInvalid, "leave out what is not supplied", "it is zero")
	}
	unit := unitIndex(l.CostUnits)
	if unit < 0 {
		b.refuse("unit_cost_units", CodeMalformedCSV, "state Dollars, Thousands or Millions", "%.20q is no unit of cost", l.CostUnits)
	}
	l.UnitPrice, _ = b.number("unit_cost")
	if b.found.total > before {
		return l, false
	}
	l.UnitPrice = l.UnitPrice.Shift(BookUnits[unit].Power)
	l.Exact = l.Quantity.Mul(l.UnitPrice)
	if l.Amount, err = money.LineTotal(l.Quantity, l.UnitPrice, dollar, money.RoundHalfEven); err != nil {
		var fault *refusal.Refusal
		if !errors.As(err, &fault) {
			panic(fmt.Sprintf("intake: %v is no refusal", err))
		}
		b.found.add(&Finding{Source: b.source, Line: b.line, Refusal: fault})
		return l, false
	}
	return l, true
}

// number reads a plain decimal that is not negative; false where it was refused.
func (b *bookReader) number(column string) (decimal.Decimal, bool) {
	text := b.text(column)
	d, ok := Numbers{Decimal: "."}.parse(text)
	switch {
	case !ok:
		b.refuse(column, CodeMalformedCSV, "write it in plain digits, such as 12.5", "%.40q is not a number", text)
	case d.Sign() < 0:
		b.refuse(column, money.CodeAmountInvalid, "record a return as a line of its own", "it is negative: %.40s", text)
	default:
		return d, true
	}
	return d, false
}
