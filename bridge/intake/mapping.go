package intake

import (
	"errors"
	"io"
	"slices"
	"strings"

	"entente/schema/refusal"
)

// Fields are the columns of a count of records, in the order of templates and exports.
var Fields = []string{"date", "category", "supplier", "receiver", "item", "quantity", "unit", "unit_price"}

// Mapping says how a file of records is written. It is stated, never guessed.
type Mapping struct {
	Separator  string            // of a CSV file: "," ";" "|" or a tab; "" is a comma, or what the file's own first line "sep=;" says
	Date       string            // the form of dates in text: YYYY, MM or M or Month, DD or D, with - . / or a space between, such as DD.MM.YYYY
	Numbers    Numbers           // the form of numbers in text; the numbers of a workbook's own need none
	Sheet      string            // of a workbook; "" is the sheet Records, or the only one
	HeaderLine int               // the line of the header, 1 where nothing stands above it
	Columns    map[string]string // the header's name for a field, where it differs from the field's own
	Fixed      map[string]string // the value of a field that the file has no column for
}

// DefaultMapping is how templates and exports are written.
func DefaultMapping() Mapping {
	return Mapping{Date: "YYYY-MM-DD", Numbers: Numbers{Decimal: "."}, HeaderLine: 1}
}

// ReadMapping reads a mapping file: one JSON object, every member optional (malformed_json, too_large):
//
//	{"separator": ";", "date": "DD.MM.YYYY", "decimal": ",", "group": ".", "sheet": "Zählung", "header_line": 3,
//	 "columns": {"date": "Datum", "quantity": "Menge"}, "fixed": {"supplier": "DEU"}}
func ReadMapping(r io.Reader, source string) (Mapping, error) {
	var p problems
	m := DefaultMapping()
	doc, _ := readDocument(r, source, &p, []string{}, []string{"separator", "date", "decimal", "group", "sheet", "header_line", "columns", "fixed"})
	for name, into := range map[string]*string{"separator": &m.Separator, "date": &m.Date, "decimal": &m.Numbers.Decimal, "group": &m.Numbers.Group, "sheet": &m.Sheet} {
		if _, given := doc.members[name]; given {
			*into = doc.text(name)
		}
	}
	if _, given := doc.members["header_line"]; given {
		m.HeaderLine = int(min(doc.integer("header_line"), 1<<30))
	}
	for name, into := range map[string]*map[string]string{"columns": &m.Columns, "fixed": &m.Fixed} {
		raw, given := doc.members[name]
		if !given {
			continue
		}
		fields, _ := readObject(raw, doc.at(name), &p, []string{}, Fields)
		*into = map[string]string{}
		for _, field := range fields.order {
			(*into)[field] = fields.text(field)
		}
	}
	if len(p.found) == 0 {
		p.addAt(source, m.check())
	}
	return m, p.err()
}

// check names everything about a mapping that cannot be followed (malformed_json).
func (m Mapping) check() error {
	var wrong []error
	refuse := func(do, format string, args ...any) {
		wrong = append(wrong, refusal.Newf(CodeMalformedJSON, do, format, args...))
	}
	if m.Separator != "" && !slices.Contains([]string{",", ";", "|", "\t"}, m.Separator) {
		refuse(`state ",", ";", "|" or "\t"`, "separator: %.10q separates no columns", m.Separator)
	}
	if _, ok := dateLayout(m.Date); !ok {
		refuse("state year, month and day once each, such as YYYY-MM-DD, DD.MM.YYYY or D Month YYYY", "date: %.40q is no form of a date", m.Date)
	}
	if m.Numbers.Decimal != "." && m.Numbers.Decimal != "," {
		refuse(`state "." or ","`, "decimal: %.10q is no decimal sign", m.Numbers.Decimal)
	}
	if !slices.Contains(groupings, m.Numbers.Group) || m.Numbers.Group != "" && m.Numbers.Group == m.Numbers.Decimal {
		refuse(`state "", ".", ",", " " or "'", and not the decimal sign`, "group: %.10q cannot group digits", m.Numbers.Group)
	}
	if m.HeaderLine < 1 || m.HeaderLine > maxHeaderLine {
		refuse("state the line, from 1 on", "header_line: the header cannot stand on line %d", m.HeaderLine)
	}
	named := map[string]string{}
	for _, field := range Fields {
		header, mapped := m.Columns[field]
		_, fixed := m.Fixed[field]
		switch name := strings.ToLower(strings.TrimSpace(header)); {
		case mapped && fixed:
			refuse("state one of the two", "%s: it has both a column and a fixed value", field)
		case mapped && name == "":
			refuse("name the column as the file's header does", "columns.%s: it is empty", field)
		case mapped && named[name] != "":
			refuse("give each field a column of its own", "columns.%s: the column %.40q is that of %s already", field, header, named[name])
		case mapped:
			named[name] = field
		}
	}
	return errors.Join(wrong...)
}

// header gives the name under which a field stands in the file.
func (m Mapping) header(field string) string {
	if name, ok := m.Columns[field]; ok {
		return strings.TrimSpace(name)
	}
	return field
}

// maxHeaderLine bounds what may stand above a header.
const maxHeaderLine = 1000
