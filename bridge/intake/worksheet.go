package intake

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// SheetName is the sheet that is read where a workbook has several and the mapping names none.
const SheetName = "Records"

// sheetGrid reads the cells of one sheet as a stream.
type sheetGrid struct {
	book  *workbook
	name  string
	xml   *markup
	cells []cell
	line  int
}

// openSheet finds the sheet that is meant and begins to read it.
func (w *workbook) openSheet(name string) (*sheetGrid, error) {
	var names []string
	var chosen *sheetEntry
	for i, s := range w.sheets {
		names = append(names, strconv.Quote(s.name))
		switch {
		case name != "" && s.name == name, name == "" && (len(w.sheets) == 1 || strings.EqualFold(s.name, SheetName)):
			chosen = &w.sheets[i]
		}
	}
	if chosen == nil {
		return nil, w.refuse(CodeMalformedXLSX, "name in the mapping which sheet to read", "no sheet is called %.40q; there are %.200s", orRecords(name), strings.Join(names, ", "))
	}
	m, there, err := w.part(chosen.part)
	if err == nil && !there {
		return nil, w.refuse(CodeMalformedXLSX, "save it as .xlsx again", "the sheet %.40q has no cells", chosen.name)
	}
	if err != nil {
		return nil, w.broken("the sheet "+strconv.Quote(chosen.name), err)
	}
	return &sheetGrid{book: w, name: chosen.name, xml: m}, nil
}

func orRecords(name string) string {
	if name == "" {
		return SheetName
	}
	return name
}

func (g *sheetGrid) done() int64 { return g.book.unpacked }

func (g *sheetGrid) next() (int, []cell, error) {
	for {
		token, err := g.xml.next()
		if errors.Is(err, io.EOF) {
			_ = g.xml.close() // it was only read
			return 0, nil, io.EOF
		}
		if err != nil {
			return 0, nil, g.broken(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "row" {
			continue
		}
		if err := g.row(start); err != nil {
			return 0, nil, g.broken(err)
		}
		return g.line, g.cells, nil
	}
}

func (g *sheetGrid) broken(err error) *Finding {
	found := g.book.broken("the sheet "+strconv.Quote(g.name), err)
	found.Line = g.line
	return found
}

// row reads one row's cells. Rows and cells may leave out their own numbers; they never go back.
func (g *sheetGrid) row(start xml.StartElement) error {
	line := g.line + 1
	if r := attr(start, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n < line || n > 1<<20 {
			return fmt.Errorf("%w: row %.20q follows row %d", errXML, r, g.line)
		}
		line = n
	}
	g.line, g.cells = line, g.cells[:0]
	for {
		token, err := g.xml.next()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				return nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			column := len(g.cells)
			if r := attr(t, "r"); r != "" {
				if column = columnOf(r); column < len(g.cells) {
					return fmt.Errorf("%w: cell %.20q follows column %s", errXML, r, columnName(len(g.cells)))
				}
			}
			if column >= maxColumns {
				return fmt.Errorf("a cell stands beyond column %s", columnName(maxColumns-1))
			}
			c, err := g.cell(t)
			if err != nil {
				return err
			}
			for len(g.cells) < column {
				g.cells = append(g.cells, cell{})
			}
			g.cells = append(g.cells, c)
		}
	}
}

// cell reads one cell: its formula, its value, or its own text.
func (g *sheetGrid) cell(start xml.StartElement) (cell, error) {
	kind, style := attr(start, "t"), attr(start, "s")
	var value strings.Builder
	inline, formula, depth := "", false, len(g.xml.open)
	for {
		token, err := g.xml.next()
		if err != nil {
			return cell{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "f":
				formula = true
			case "is":
				if inline, err = g.xml.text("is"); err != nil {
					return cell{}, err
				}
			}
		case xml.CharData:
			if g.xml.open[len(g.xml.open)-1] == "v" {
				value.Write(t)
			}
		case xml.EndElement:
			if len(g.xml.open) == depth-1 {
				if formula {
					return cell{text: value.String(), kind: formulaCell}, nil
				}
				return g.value(kind, style, value.String(), inline)
			}
		}
	}
}

func (g *sheetGrid) value(kind, style, value, inline string) (cell, error) {
	switch kind {
	case "s":
		if value == "" {
			return cell{}, nil
		}
		i, err := strconv.Atoi(value)
		if err != nil || i < 0 || i >= len(g.book.shared) {
			return cell{}, fmt.Errorf("%w: there is no text %.20q", errXML, value)
		}
		return cell{text: g.book.shared[i]}, nil
	case "inlineStr":
		return cell{text: inline}, nil
	case "str":
		return cell{text: value}, nil
	case "b":
		return cell{text: value, kind: truthCell}, nil
	case "e":
		return cell{text: value, kind: errorCell}, nil
	case "d":
		day, clock, timed := strings.Cut(value, "T")
		if timed && strings.Trim(clock, "0:.Z") != "" {
			return cell{text: value, kind: clockCell}, nil
		}
		return cell{text: day, kind: dayCell}, nil
	case "", "n":
	default:
		return cell{}, fmt.Errorf("%w: a cell has the unknown type %.20q", errXML, kind)
	}
	if value == "" {
		return cell{}, nil
	}
	if n, err := strconv.Atoi(style); err == nil && n >= 0 && n < len(g.book.isDate) && g.book.isDate[n] {
		return g.day(value), nil
	}
	return cell{text: value, kind: numberCell}, nil
}

// day turns a serial number into a date. The 1900 system counts a 29 February 1900 that never was, so days before March 1900 are read as numbers and refused.
func (g *sheetGrid) day(value string) cell {
	d, ok := sheetNumber(value)
	if !ok || d.Sign() < 0 || d.GreaterThan(decimal.New(2_958_465, 0)) {
		return cell{text: value, kind: numberCell}
	}
	if !d.IsInteger() {
		return cell{text: value, kind: clockCell}
	}
	epoch, n := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC), int(d.IntPart())
	if g.book.date1904 {
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if n < 61 {
		return cell{text: value, kind: numberCell}
	}
	return cell{text: epoch.AddDate(0, 0, n).Format(time.DateOnly), kind: dayCell}
}

// columnOf gives the number of the column of a cell such as F17, from 0, or one that is too large.
func columnOf(name string) int {
	n := 0
	for i := 0; i < len(name) && name[i] >= 'A' && name[i] <= 'Z'; i++ {
		if n = n*26 + int(name[i]-'A') + 1; n > 1<<20 {
			return 1 << 20
		}
	}
	if n == 0 {
		return 1 << 20
	}
	return n - 1
}

// columnName gives A for 0, AA for 26.
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}
