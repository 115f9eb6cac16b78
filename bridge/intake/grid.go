package intake

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"entente/schema/refusal"
)

// grid gives the rows of a file one by one, whatever the file is: a CSV file or one sheet of a workbook.
type grid interface {
	// next gives the next row's line and cells, which are valid until the next call; io.EOF at the end; a *Finding, or a fault of the
	// disk, where the file cannot be read on.
	next() (line int, cells []cell, err error)
	// done says how many bytes of the file have been read.
	done() int64
}

// cell is one value, as the file states it.
type cell struct {
	text string
	kind cellKind
}

type cellKind uint8

const (
	textCell    cellKind = iota // what somebody wrote, in the stated forms
	numberCell                  // a workbook's own number, in digits
	dayCell                     // a workbook's own date, as 2023-10-04
	clockCell                   // a workbook's own date with a time of day
	formulaCell                 // it is calculated
	errorCell                   // a calculation's error, such as #N/A
	truthCell                   // TRUE or FALSE
)

// maxRowBytes bounds one row, so that no row needs more memory than this allows; maxColumns bounds its cells.
const (
	maxRowBytes = 1 << 20
	maxColumns  = 256
)

var errRowTooLong = errors.New("the row is too long")

// gulps reads on only for so many bytes between two calls of breathe. What reads through it keeps no more than that, and its own buffer, of one row.
type gulps struct {
	r     io.Reader
	limit int64
	since int64
	total int64
}

func (g *gulps) breathe() { g.since = 0 }

func (g *gulps) Read(b []byte) (int, error) {
	if g.since > g.limit {
		return 0, errRowTooLong
	}
	n, err := g.r.Read(b)
	g.since += int64(n)
	g.total += int64(n)
	return n, err
}

// csvGrid reads a CSV file.
type csvGrid struct {
	source    string
	separator string
	reader    *csv.Reader
	bytes     *gulps
	cells     []cell
	offset    int // lines before what the reader reads
	line      int // of the last row
}

// openCSV begins to read a CSV file: it drops a byte order mark, takes the separator from a first line such as "sep=;", and refuses what is no CSV file.
func openCSV(r io.Reader, source string, m Mapping) (*csvGrid, error) {
	g := &csvGrid{source: source, separator: m.Separator, bytes: &gulps{r: r, limit: maxRowBytes}}
	lines := bufio.NewReader(g.bytes)
	begin, err := lines.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, g.broken(0, err)
	}
	refuse := func(do, format string, args ...any) (*csvGrid, error) {
		return nil, &Finding{Source: source, Refusal: refusal.Newf(CodeMalformedCSV, do, format, args...)}
	}
	switch {
	case bytes.HasPrefix(begin, []byte("PK\x03\x04")):
		return refuse("name it .xlsx", "it is a workbook or another archive, not a CSV file")
	case bytes.HasPrefix(begin, []byte("\xff\xfe")) || bytes.HasPrefix(begin, []byte("\xfe\xff")):
		return refuse("save it as UTF-8", "it is UTF-16, not UTF-8")
	case bytes.HasPrefix(begin, byteOrderMark):
		if _, err := lines.Discard(len(byteOrderMark)); err != nil {
			return nil, g.broken(0, err)
		}
		begin, _ = lines.Peek(5) // a shorter file has no such line
	}
	if len(begin) >= 5 && strings.EqualFold(string(begin[:4]), "sep=") {
		line, err := lines.ReadString('\n')
		stated := strings.TrimRight(line[4:], "\r\n")
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, g.broken(1, err)
		case stated != "," && stated != ";" && stated != "|" && stated != "\t":
			return refuse(`write sep= and one of , ; | or a tab`, "line 1 says %.20q, which separates no columns", strings.TrimSpace(line))
		case g.separator != "" && g.separator != stated:
			return refuse("state the separator that the file has", "line 1 says that %q separates the columns, and the mapping says %q", stated, g.separator)
		}
		g.separator, g.offset, g.line = stated, 1, 1
	}
	if g.separator == "" {
		g.separator = ","
	}
	g.reader = csv.NewReader(lines)
	g.reader.Comma = rune(g.separator[0])
	g.reader.FieldsPerRecord = -1
	g.reader.ReuseRecord = true
	g.reader.TrimLeadingSpace = g.separator != "\t" // so that a quote may follow the space after a comma
	return g, nil
}

func (g *csvGrid) next() (int, []cell, error) {
	g.bytes.breathe()
	fields, err := g.reader.Read()
	if errors.Is(err, io.EOF) {
		return 0, nil, io.EOF
	}
	if err != nil {
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return 0, nil, g.broken(parse.Line+g.offset, parse.Err)
		}
		return 0, nil, g.broken(g.line+1, err)
	}
	line, _ := g.reader.FieldPos(0)
	line += g.offset
	g.line = line
	if len(fields) > maxColumns {
		return 0, nil, &Finding{Source: g.source, Line: line, Refusal: refusal.Newf(CodeTooLarge, "leave out what is not needed", "it has %d columns, at most %d are read", len(fields), maxColumns)}
	}
	g.cells = g.cells[:0]
	for _, field := range fields {
		if !utf8.ValidString(field) {
			return 0, nil, &Finding{Source: g.source, Line: line, Refusal: refusal.New(CodeMalformedCSV, "it is not UTF-8; the rest of the file was not read", "save it as UTF-8")}
		}
		g.cells = append(g.cells, cell{text: field})
	}
	return line, g.cells, nil
}

func (g *csvGrid) done() int64 { return g.bytes.total }

// broken tells why nobody can say where the next row starts. What reading itself failed with is a fault.
func (g *csvGrid) broken(line int, err error) error {
	f := &Finding{Source: g.source, Line: line}
	switch {
	case errors.Is(err, errRowTooLong):
		f.Refusal = refusal.Newf(CodeTooLarge, "close the quotation mark that was left open, or shorten the row", "a row has more than %d bytes; the rest of the file was not read", maxRowBytes)
	case errors.Is(err, csv.ErrQuote), errors.Is(err, csv.ErrBareQuote), errors.Is(err, csv.ErrFieldCount):
		f.Refusal = refusal.Newf(CodeMalformedCSV, "double a quote inside a quoted value; the rest of the file was not read", "%v", err)
	default:
		return fmt.Errorf("%s cannot be read: %w", g.source, err)
	}
	return f
}
