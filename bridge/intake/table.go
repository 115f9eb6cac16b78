package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"entente/settlement/programme"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// table reads a CSV file row by row, and its cells by the names of the header.
type table struct {
	source string
	reader *csv.Reader
	column map[string]int
	names  []string
	wrong  *problems
}

// row is one data row, with the line of the file it starts on.
type row struct {
	t     *table
	line  int
	cells []string
}

// readable gives the whole of a file as text, or refuses: too large, not UTF-8. A byte order mark is dropped.
func readable(r io.Reader, source string, limit int64, p *problems) ([]byte, bool) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		p.add(fmt.Errorf("%s cannot be read: %w", source, err))
		return nil, false
	case int64(len(data)) > limit:
		p.refuse(CodeTooLarge, source, "split it", "it is larger than %d bytes", limit)
		return nil, false
	}
	return bytes.TrimPrefix(data, byteOrderMark), true
}

// newTable reads the header. It gives nil after a refusal.
func newTable(r io.Reader, source string, p *problems) *table {
	data, ok := readable(r, source, MaxCSVBytes, p)
	if !ok {
		return nil
	}
	if !utf8.Valid(data) {
		p.refuse(CodeMalformedCSV, source, "save it as UTF-8", "it is not UTF-8")
		return nil
	}
	t := &table{source: source, reader: csv.NewReader(bytes.NewReader(data)), column: map[string]int{}, wrong: p}
	t.reader.FieldsPerRecord = -1
	t.reader.ReuseRecord = true
	t.reader.TrimLeadingSpace = true // so that a quote may follow the space after a comma
	header := t.next()
	if header == nil {
		if len(p.found) == 0 || len(bytes.TrimSpace(data)) == 0 {
			p.refuse(CodeMalformedCSV, source, "start it with a header line", "it is empty")
		}
		return nil
	}
	for i, cell := range header.cells {
		name := strings.ToLower(cell)
		t.names = append(t.names, cell)
		if _, repeated := t.column[name]; repeated && name != "" {
			p.refuse(CodeMalformedCSV, header.place(), "name every column once", "the column %.40q is there twice", cell)
			return nil
		}
		t.column[name] = i
	}
	return t
}

// require says whether the header has all these columns, and refuses the missing ones.
func (t *table) require(names ...string) bool {
	missing := []string{}
	for _, name := range names {
		if _, ok := t.column[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		t.wrong.refuse(CodeMalformedCSV, t.source+" line 1", "name the columns "+strings.Join(names, ","), "the header lacks %s", strings.Join(missing, ", "))
	}
	return len(missing) == 0
}

// next gives the next row, or nil at the end or where the file cannot be read on. Rows that are refused are skipped.
func (t *table) next() *row {
	for {
		cells, err := t.reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			// After a stray quote nobody can say where the next row starts.
			var parse *csv.ParseError
			if errors.As(err, &parse) {
				t.wrong.refuse(CodeMalformedCSV, fmt.Sprintf("%s line %d", t.source, parse.Line), "double a quote inside a quoted value; the rest of the file was not read", "%v", parse.Err)
			} else {
				t.wrong.add(fmt.Errorf("%s cannot be read: %w", t.source, err))
			}
			return nil
		}
		line, _ := t.reader.FieldPos(0)
		r := &row{t, line, cells}
		if r.sound() {
			return r
		}
	}
}

// sound trims the cells and refuses control characters and rows of another length than the header.
func (r *row) sound() bool {
	for i := range r.cells {
		for _, c := range r.cells[i] {
			if c < 0x20 || c >= 0x7f && c < 0xa0 {
				r.t.wrong.refuse(CodeMalformedCSV, r.place(), "remove it", "it contains the control character %U", c)
				return false
			}
		}
		r.cells[i] = strings.Trim(r.cells[i], " ")
	}
	if r.t.names != nil && len(r.cells) != len(r.t.names) {
		r.t.wrong.refuse(CodeMalformedCSV, r.place(), "quote values that contain commas, and write decimals with a point", "it has %d values under %d columns", len(r.cells), len(r.t.names))
		return false
	}
	return true
}

func (r *row) place() string { return fmt.Sprintf("%s line %d", r.t.source, r.line) }

func (r *row) text(column string) string { return r.cells[r.t.column[column]] }

var numberForm = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,18})?$`)

// number reads a plain decimal. A refused one gives false.
func (r *row) number(column string) (decimal.Decimal, bool) {
	text := r.text(column)
	switch {
	case text == "":
		r.t.wrong.refuse(CodeMalformedCSV, r.place(), "state it", "%s is empty", column)
	case strings.Contains(text, ","):
		r.t.wrong.refuse(CodeMalformedCSV, r.place(), "write the decimal sign as a point, 12.5, and do not group digits", "%s %.40q has a comma", column, text)
	case !numberForm.MatchString(text):
		r.t.wrong.refuse(CodeMalformedCSV, r.place(), "write it in plain digits, such as 12.5", "%s %.40q is not a number", column, text)
	default:
		return decimal.RequireFromString(text), true
	}
	return decimal.Decimal{}, false
}

// date reads a day as 2023-10-04. A refused one gives false.
func (r *row) date(column string) (programme.Date, bool) {
	d, err := programme.ParseDate(r.text(column))
	if err != nil {
		r.t.wrong.addAt(r.place()+": "+column, err)
	}
	return d, err == nil
}

// words reads a text that no spreadsheet program may take for a formula, as Import does. A refused one gives false.
func (r *row) words(column string) (string, bool) {
	text, ok := plain(r.text(column))
	if !ok {
		r.t.wrong.refuse(CodeFormula, r.place(), "begin it with another character, or with an apostrophe, which does not count", "%s %.40q is what a spreadsheet program calculates", column, text)
	}
	return text, ok
}

// serials reads serial numbers separated by semicolons; an empty cell has none.
func (r *row) serials(column string) []string {
	text := r.text(column)
	if text == "" {
		return nil
	}
	serials := strings.Split(text, ";")
	for i := range serials {
		serials[i] = strings.Trim(serials[i], " ")
	}
	return serials
}
