package intake

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"entente/schema/refusal"
	"entente/settlement/programme"
)

// progressEvery is how many rows go by between two words about progress.
const progressEvery = 1000

// recordReader reads records from the rows of a grid, and tells what is wrong with them.
type recordReader struct {
	grid    grid
	from    Import
	nation  programme.Nation
	total   int64
	found   *findings
	layout  string
	column  map[string]int // of each field; -1 where it is fixed
	names   []string       // the header
	line    int
	cells   []cell
	rows    int
	interns map[string]string
}

// open begins to read: it finds the header and the columns. What is wrong there comes as one *Finding or several, joined.
func (im Import) open(file io.ReaderAt, size int64, found *findings) (*recordReader, error) {
	r := &recordReader{from: im, nation: im.Nation, found: found, interns: map[string]string{}}
	r.layout, _ = dateLayout(im.Mapping.Date) // the mapping was checked
	switch im.Format {
	case XLSX:
		book, err := openWorkbook(file, size, im.Source)
		if err != nil {
			return nil, r.first(err)
		}
		sheet, err := book.openSheet(im.Mapping.Sheet)
		if err != nil {
			return nil, r.first(err)
		}
		r.grid = sheet
	case CSV:
		if size > MaxCSVBytes {
			return nil, r.first(&Finding{Source: im.Source, Refusal: refusal.Newf(CodeTooLarge, "split it", "it has %d bytes, at most %d are read", size, MaxCSVBytes)})
		}
		sheet, err := openCSV(io.NewSectionReader(file, 0, size), im.Source, im.Mapping)
		if err != nil {
			return nil, r.first(err)
		}
		r.grid, r.total = sheet, size
	default:
		return nil, refusal.Newf(CodeUnexpectedFile, "read .csv or .xlsx", "%.20q is no format of records", im.Format)
	}
	return r, r.header()
}

// first counts a finding that ends the reading before it began.
func (r *recordReader) first(err error) error {
	if f, ok := err.(*Finding); ok { //nolint:errorlint // it is the grid's own, never wrapped
		r.found.add(f)
	}
	return err
}

func (r *recordReader) header() error {
	for {
		line, cells, err := r.grid.next()
		if err == io.EOF { //nolint:errorlint // the grid's own end, never wrapped
			return r.first(&Finding{Source: r.from.Source, Refusal: refusal.Newf(CodeMalformedCSV, "start it with a header line", "there is no header on line %d", r.from.Mapping.HeaderLine)})
		}
		if err != nil {
			return r.first(err)
		}
		if line < r.from.Mapping.HeaderLine {
			continue
		}
		return r.columns(line, cells)
	}
}

// columns finds each field's column by the header's names, without regard to case, and tells everything that is wrong with the header at once.
func (r *recordReader) columns(line int, cells []cell) error {
	at, before := map[string]int{}, r.found.total
	r.line, r.column = line, map[string]int{}
	for i, c := range cells {
		name := strings.TrimFunc(c.text, unicode.IsSpace)
		r.names = append(r.names, name)
		if _, twice := at[strings.ToLower(name)]; twice && name != "" {
			at[strings.ToLower(name)] = -1
			continue
		}
		at[strings.ToLower(name)] = i
	}
	var missing []string
	for _, field := range Fields {
		if _, fixed := r.from.Mapping.Fixed[field]; fixed {
			r.column[field] = -1
			continue
		}
		name := r.from.Mapping.header(field)
		i, there := at[strings.ToLower(name)]
		if there && i < 0 {
			r.refuse("", CodeMalformedCSV, "name every column once", "the column %.40q is there twice", name)
		}
		if !there {
			missing = append(missing, name)
		}
		r.column[field] = i
	}
	if len(missing) > 0 {
		do := "name the columns " + strings.Join(Fields, ",") + ", or state in a mapping how they are called"
		if r.from.Format == CSV && len(cells) == 1 && strings.Contains(r.names[0], ";") {
			do = `state in a mapping how the columns are separated: {"separator": ";"}`
		}
		r.refuse("", CodeMalformedCSV, do, "the header lacks %s", strings.Join(missing, ", "))
	}
	if r.found.total > before {
		return r.found.err()
	}
	return nil
}

func (r *recordReader) finding(field string, what *refusal.Refusal) *Finding {
	f := &Finding{Source: r.from.Source, Line: r.line, Refusal: what}
	i, known := r.column[field]
	if !known || i < 0 || i >= len(r.names) {
		f.Column = field
		return f
	}
	f.Column = r.names[i]
	if r.from.Format == XLSX {
		f.Cell = fmt.Sprintf("%s%d", columnName(i), r.line)
	}
	return f
}

func (r *recordReader) refuse(field string, code refusal.Code, do, format string, args ...any) {
	r.found.add(r.finding(field, refusal.Newf(code, do, format, args...)))
}

// next gives the next record, or false for a row that was refused, which has been told; io.EOF at the end, also of what cannot be read on. Rows without
// any value are passed over.
func (r *recordReader) next() (record programme.Record, ok bool, err error) {
	for {
		r.line, r.cells, err = r.grid.next()
		if f, refused := err.(*Finding); refused { //nolint:errorlint // it is the grid's own, never wrapped
			r.found.add(f)
			return record, false, io.EOF
		}
		if err != nil {
			return record, false, err
		}
		if r.rows++; r.from.Progress != nil && r.rows%progressEvery == 0 {
			r.from.Progress(r.rows, r.grid.done(), r.total)
		}
		if !r.empty() {
			break
		}
	}
	if len(r.cells) > len(r.names) || r.from.Format == CSV && len(r.cells) != len(r.names) {
		r.refuse("", CodeMalformedCSV, "quote values that contain the separator, and state the decimal sign", "it has %d values under %d columns", len(r.cells), len(r.names))
		return record, false, nil
	}
	before := r.found.total
	record.Line = r.line
	record.Date = r.date("date")
	record.Category = r.short("category")
	record.Supplier = programme.Nation(r.short("supplier"))
	record.Receiver = programme.Nation(r.short("receiver"))
	record.Item = r.text("item")
	record.Quantity = r.number("quantity")
	record.Unit = r.short("unit")
	record.UnitPrice = r.number("unit_price")
	return record, r.found.total == before, nil
}

func (r *recordReader) empty() bool {
	for _, c := range r.cells {
		if c.kind != textCell || strings.TrimFunc(c.text, unicode.IsSpace) != "" {
			return false
		}
	}
	return true
}

// cell gives a field's cell; false where it was refused: nothing calculated is taken for a value.
func (r *recordReader) cell(field string) (cell, bool) {
	i := r.column[field]
	if i < 0 {
		return cell{text: r.from.Mapping.Fixed[field]}, true
	}
	if i >= len(r.cells) {
		return cell{}, true
	}
	c := r.cells[i]
	switch c.kind {
	case formulaCell:
		r.refuse(field, CodeFormula, "put the value in its place (copy, paste values)", "it is a formula")
	case errorCell:
		r.refuse(field, CodeMalformedXLSX, "put a value in its place", "it shows the error %.20q", c.text)
	case truthCell:
		r.refuse(field, CodeMalformedXLSX, "put a text or a number in its place", "it is a truth value")
	default:
		return c, true
	}
	return c, false
}

// text reads a text, which no spreadsheet program may take for a formula. Control characters are refused, spaces at the ends do not count.
func (r *recordReader) text(field string) string {
	c, ok := r.cell(field)
	if !ok {
		return ""
	}
	if c.kind == numberCell {
		d, ok := sheetNumber(c.text)
		if !ok {
			r.refuse(field, CodeMalformedXLSX, "format the column as text", "%.40q is no text", c.text)
			return ""
		}
		c.text = d.String()
	}
	if !utf8.ValidString(c.text) {
		r.refuse(field, CodeMalformedXLSX, "save it again", "it is not UTF-8")
		return ""
	}
	for _, char := range c.text {
		if unicode.IsControl(char) {
			r.refuse(field, CodeMalformedCSV, "remove it", "it contains the control character %U", char)
			return ""
		}
	}
	text, ok := plain(strings.TrimFunc(c.text, unicode.IsSpace))
	if !ok {
		r.refuse(field, CodeFormula, "begin it with another character, or with an apostrophe, which does not count", "%.40q is what a spreadsheet program calculates", text)
		return ""
	}
	return text
}

// short is text for what few values recur in, each of which is kept once.
func (r *recordReader) short(field string) string {
	text := r.text(field)
	if kept, ok := r.interns[text]; ok {
		return kept
	}
	if len(r.interns) < 4096 && len(text) <= programme.MaxUnitBytes {
		text = strings.Clone(text)
		r.interns[text] = text
	}
	return text
}

func (r *recordReader) number(field string) decimal.Decimal {
	c, ok := r.cell(field)
	if !ok {
		return decimal.Decimal{}
	}
	form := r.from.Mapping.Numbers
	if c.kind == numberCell {
		if d, ok := sheetNumber(c.text); ok {
			return d
		}
	}
	text := strings.TrimFunc(c.text, unicode.IsSpace)
	switch d, ok := form.parse(text); {
	case text == "":
		r.refuse(field, CodeMalformedCSV, "state it", "it is empty")
	case c.kind == dayCell || c.kind == clockCell:
		r.refuse(field, CodeMalformedXLSX, "format the cell as a number and write it again", "it is a date")
	case ok:
		return d
	case form.Decimal == "." && form.Group == "" && strings.Contains(text, ","):
		r.refuse(field, CodeMalformedCSV, `write the decimal sign as a point, 12.5, without grouping, or state how numbers are written: {"decimal": ",", "group": "."}`, "%.40q has a comma", text)
	default:
		r.refuse(field, CodeMalformedCSV, "write it in plain digits, such as "+strings.Replace("12.5", ".", form.Decimal, 1), "%.40q is not a number", text)
	}
	return decimal.Decimal{}
}

func (r *recordReader) date(field string) programme.Date {
	c, ok := r.cell(field)
	if !ok {
		return programme.Date{}
	}
	form, layout := r.from.Mapping.Date, r.layout
	text := strings.TrimFunc(c.text, unicode.IsSpace)
	switch c.kind {
	case clockCell:
		r.refuse(field, programme.CodeDateInvalid, "state the day alone", "%.40q has a time of day", text)
		return programme.Date{}
	case numberCell:
		r.refuse(field, programme.CodeDateInvalid, "format the cell as a date, or write the day as text", "%.40q is a number and not a date", text)
		return programme.Date{}
	case dayCell:
		form, layout = "YYYY-MM-DD", "2006-01-02"
	}
	d, refused := parseDate(text, form, layout)
	if refused != nil {
		r.found.add(r.finding(field, refused))
	}
	return d
}
