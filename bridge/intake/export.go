package intake

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"

	"entente/settlement/programme"
)

// RecordWriter writes records in the layout that DefaultMapping reads: what was written is read back equal, record for record. A text that a spreadsheet
// program would take for a formula gets an apostrophe before it, which reading takes away again.
type RecordWriter struct {
	w     io.Writer
	text  *csv.Writer
	book  *excelize.File
	sheet *excelize.StreamWriter
	day   int // the style of dates
	row   int
	cells []string
}

// NewRecordWriter begins a file with its header. Close ends it; a workbook is written to w only then, and kept in a temporary file before.
func NewRecordWriter(w io.Writer, format Format) (*RecordWriter, error) {
	e := &RecordWriter{w: w, row: 1}
	if format == CSV {
		e.text = csv.NewWriter(w)
		if err := e.text.Write(Fields); err != nil {
			return nil, fmt.Errorf("writing records: %w", err)
		}
		return e, nil
	}
	e.book = excelize.NewFile()
	if err := e.begin(); err != nil {
		_ = e.book.Close() // it was never begun
		return nil, fmt.Errorf("writing a workbook: %w", err)
	}
	return e, nil
}

func (e *RecordWriter) begin() error {
	if err := e.book.SetSheetName("Sheet1", SheetName); err != nil {
		return err
	}
	style, err := dayStyle(e.book)
	if err != nil {
		return err
	}
	e.day = style
	if e.sheet, err = e.book.NewStreamWriter(SheetName); err != nil {
		return err
	}
	if err := e.sheet.SetColWidth(1, len(Fields), 14); err != nil {
		return err
	}
	header := make([]any, len(Fields))
	for i, field := range Fields {
		header[i] = field
	}
	return e.sheet.SetRow("A1", header)
}

// dayStyle makes the style of a day: 2023-10-04, whatever the reader's country.
func dayStyle(book *excelize.File) (int, error) {
	form := "yyyy-mm-dd"
	return book.NewStyle(&excelize.Style{CustomNumFmt: &form})
}

// Write writes one record.
func (e *RecordWriter) Write(r programme.Record) error {
	e.row++
	if e.text != nil {
		e.cells = append(e.cells[:0], r.Date.String(), neutral(r.Category), neutral(string(r.Supplier)), neutral(string(r.Receiver)), neutral(r.Item),
			r.Quantity.String(), neutral(r.Unit), r.UnitPrice.String())
		return e.text.Write(e.cells)
	}
	return e.sheet.SetRow(fmt.Sprintf("A%d", e.row), []any{e.date(r.Date), neutral(r.Category), neutral(string(r.Supplier)), neutral(string(r.Receiver)),
		neutral(r.Item), sheetValue(r.Quantity), neutral(r.Unit), sheetValue(r.UnitPrice)})
}

// date gives a day as a workbook's own, or as text before March 1900, which a workbook cannot hold.
func (e *RecordWriter) date(d programme.Date) any {
	if d.Before(programme.Date{Year: 1900, Month: time.March, Day: 1}) {
		return d.String()
	}
	return excelize.Cell{StyleID: e.day, Value: time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)}
}

// sheetValue gives a number as a workbook's own where that holds all its digits, else as text. The float is the file format's: 15 digits come back from it
// as they went in.
func sheetValue(d decimal.Decimal) any {
	text := d.String()
	if len(strings.Trim(strings.Replace(text, ".", "", 1), "-0")) > significantDigits {
		return text
	}
	return d.InexactFloat64()
}

// Close ends the file.
func (e *RecordWriter) Close() error {
	if e.text != nil {
		e.text.Flush()
		return e.text.Error()
	}
	defer func() { _ = e.book.Close() }() // only its temporary file is left to remove
	if err := e.sheet.Flush(); err != nil {
		return fmt.Errorf("writing a workbook: %w", err)
	}
	if err := e.book.Write(e.w); err != nil {
		return fmt.Errorf("writing a workbook: %w", err)
	}
	return nil
}

// WriteTemplate writes an empty file of records: the header alone as CSV; as a workbook also lists to choose from where an agreement is given, and a
// second sheet that explains every column.
func WriteTemplate(w io.Writer, format Format, a *programme.Agreement) error {
	if format == CSV {
		e, err := NewRecordWriter(w, CSV)
		if err != nil {
			return err
		}
		return e.Close()
	}
	book := excelize.NewFile()
	defer func() { _ = book.Close() }() // nothing of it lies on a disk
	if err := template(book, a); err != nil {
		return fmt.Errorf("writing a workbook: %w", err)
	}
	if err := book.Write(w); err != nil {
		return fmt.Errorf("writing a workbook: %w", err)
	}
	return nil
}

// WriteMapping writes a mapping file that states everything as DefaultMapping has it, to be changed.
func WriteMapping(w io.Writer) error {
	m := DefaultMapping()
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"separator\": \",\",\n  \"date\": %q,\n  \"decimal\": %q,\n  \"group\": \"\",\n  \"sheet\": %q,\n  \"header_line\": %d,\n  \"columns\": {\n",
		m.Date, m.Numbers.Decimal, SheetName, m.HeaderLine)
	for i, field := range Fields {
		comma := ","
		if i == len(Fields)-1 {
			comma = ""
		}
		fmt.Fprintf(&b, "    %q: %q%s\n", field, field, comma)
	}
	b.WriteString("  },\n  \"fixed\": {}\n}\n")
	_, err := w.Write(b.Bytes())
	return err
}

// columnHelp explains the columns of a template, in the order of Fields.
var columnHelp = []string{
	"the day, as a date or as text such as 2023-10-04", "the code of a category of the agreement", "the code of the member that supplied it", "the code of the member that received it",
	"what it was; the same words as in the other nation's count", "how much, above zero, at most 6 digits after the point", "what the quantity counts, such as kg; of a roster, person-day",
	"the price of one unit in the supplier's currency; of a roster, 0",
}

func template(book *excelize.File, a *programme.Agreement) error {
	if err := book.SetSheetName("Sheet1", SheetName); err != nil {
		return err
	}
	header := append([]string(nil), Fields...)
	if err := book.SetSheetRow(SheetName, "A1", &header); err != nil {
		return err
	}
	style, err := dayStyle(book)
	if err != nil {
		return err
	}
	words, err := book.NewStyle(&excelize.Style{NumFmt: 49}) // text: nothing typed is taken for a number, a date or a formula
	if err != nil {
		return err
	}
	for i, field := range Fields {
		column := columnName(i)
		switch field {
		case "date":
			err = book.SetColStyle(SheetName, column, style)
		case "quantity", "unit_price":
		default:
			err = book.SetColStyle(SheetName, column, words)
		}
		if err == nil {
			err = book.SetColWidth(SheetName, column, column, 14)
		}
		if err != nil {
			return err
		}
	}
	if err := book.SetPanes(SheetName, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	return explain(book, a)
}

// explain writes the second sheet, and the lists to choose from.
func explain(book *excelize.File, a *programme.Agreement) error {
	const sheet = "Help"
	if _, err := book.NewSheet(sheet); err != nil {
		return err
	}
	rows := [][]string{{"column", "meaning"}}
	for i, field := range Fields {
		rows = append(rows, []string{field, columnHelp[i]})
	}
	rows = append(rows, []string{}, []string{"Formulas are refused: paste values. Nothing on this sheet is read."})
	if a != nil {
		rows = append(rows, []string{}, []string{"agreement", a.ID, a.Name}, []string{"first day", a.Starts.String()}, []string{"last day", a.Ends.String()}, []string{}, []string{"category", "name"})
		first := len(rows) + 1
		for _, c := range a.Categories {
			rows = append(rows, []string{c.Code, neutral(c.Name)})
		}
		last := len(rows)
		rows = append(rows, []string{}, []string{"member", "name", "bills in"})
		if err := choose(book, "B", fmt.Sprintf("%s!$A$%d:$A$%d", sheet, first, last)); err != nil {
			return err
		}
		first = len(rows) + 1
		for _, m := range a.Members {
			rows = append(rows, []string{string(m.Nation), neutral(m.Name), m.Currency.Code()})
		}
		if err := choose(book, "C", fmt.Sprintf("%s!$A$%d:$A$%d", sheet, first, len(rows))); err != nil {
			return err
		}
		if err := choose(book, "D", fmt.Sprintf("%s!$A$%d:$A$%d", sheet, first, len(rows))); err != nil {
			return err
		}
	}
	for i, row := range rows {
		if err := book.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row); err != nil {
			return err
		}
	}
	return book.SetColWidth(sheet, "A", "B", 24)
}

// choose lets a column of the template take only what a range lists.
func choose(book *excelize.File, column, from string) error {
	v := excelize.NewDataValidation(true)
	v.SetSqref(fmt.Sprintf("%s2:%s%d", column, column, MaxRecords))
	v.SetSqrefDropList(from)
	return book.AddDataValidation(SheetName, v)
}
