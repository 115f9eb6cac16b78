package intake

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"entente/schema/refusal"
	"entente/settlement/programme"
)

var headRow = []any{"date", "category", "supplier", "receiver", "item", "quantity", "unit", "unit_price"}

func TestAWorkbookAndACSVFileOfTheSameRecordsAreTheSame(t *testing.T) {
	day := time.Date(2023, 11, 6, 0, 0, 0, 0, time.UTC)
	workbook := bytesOf(t, book(t, headRow,
		[]any{day, "MED", "DEU", "FRA", "field clinic", 1, "day", 1001.01},
		[]any{"2023-11-07", "MED", "FRA", "DEU", "vaccine", "30", "dose", "12.345"},
		[]any{day.AddDate(0, 0, 1), "WATER", "GBR", "DEU", "bottled water 0.5 l", 90.0, "bottle", 0.32},
		[]any{},
		[]any{day.AddDate(0, 0, 1), "MED", "DEU", "GBR", "ambulance", 1, "day", 333.33}))
	x, err := check(from(t, "deu.xlsx", DefaultMapping()), workbook)
	if err != nil {
		t.Fatal(err)
	}
	c, err := check(from(t, "deu.csv", DefaultMapping()), sound)
	if err != nil || x.Digest != c.Digest || told(x.Summary) != soundTold {
		t.Errorf("%v %s %s\n%s", err, x.Digest, c.Digest, told(x.Summary))
	}
	var last int
	if err := x.Each(func(r programme.Record, _ Change) error { last = r.Line; return nil }); err != nil || last != 6 {
		t.Errorf("the last record is on line %d (%v)", last, err)
	}
}

func TestWhatACellOfAWorkbookHoldsIsRefusedByName(t *testing.T) {
	day := time.Date(2023, 11, 6, 0, 0, 0, 0, time.UTC)
	row := []any{day, "MED", "DEU", "FRA", "clinic", 1, "day", 1.5}
	for _, tt := range []struct {
		name string
		put  func(*excelize.File) error
		want string
	}{
		{"a formula for a number", func(f *excelize.File) error { return f.SetCellFormula("Sheet1", "F2", "1+1") }, "formula_refused: deu.xlsx line 2, column quantity (F2): it is a formula"},
		{"a formula for a text", func(f *excelize.File) error { return f.SetCellFormula("Sheet1", "E2", `HYPERLINK("http://x","y")`) }, "formula_refused: deu.xlsx line 2, column item (E2): it is a formula"},
		{"a text that would be a formula", func(f *excelize.File) error { return f.SetCellStr("Sheet1", "E2", "=1+1") }, `formula_refused: deu.xlsx line 2, column item (E2): "=1+1"`},
		{"a number for a date", func(f *excelize.File) error {
			return errors.Join(f.SetCellStyle("Sheet1", "A2", "A2", 0), f.SetCellInt("Sheet1", "A2", 45236))
		}, "date_invalid: deu.xlsx line 2, column date (A2): \"45236\" is a number and not a date"},
		{"a time of day", func(f *excelize.File) error { return f.SetCellValue("Sheet1", "A2", day.Add(6*time.Hour)) }, "date_invalid: deu.xlsx line 2, column date (A2): "},
		{"a truth value", func(f *excelize.File) error { return f.SetCellBool("Sheet1", "F2", true) }, "malformed_xlsx: deu.xlsx line 2, column quantity (F2): it is a truth value"},
		{"a date for a number", func(f *excelize.File) error { return f.SetCellValue("Sheet1", "F2", day) }, "malformed_xlsx: deu.xlsx line 2, column quantity (F2): it is a date"},
		{"nothing", func(f *excelize.File) error { return f.SetCellValue("Sheet1", "H2", nil) }, "malformed_csv: deu.xlsx line 2, column unit_price (H2): it is empty"},
		{"more than the header names", func(f *excelize.File) error { return f.SetCellStr("Sheet1", "I2", "x") }, "malformed_csv: deu.xlsx line 2: it has 9 values under 8 columns"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := book(t, headRow, row)
			if err := tt.put(f); err != nil {
				t.Fatal(err)
			}
			if _, err := check(from(t, "deu.xlsx", DefaultMapping()), bytesOf(t, f)); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestWhichSheetIsReadIsStated(t *testing.T) {
	f := book(t, headRow, []any{"2023-11-06", "MED", "DEU", "FRA", "clinic", 1, "day", 1.5})
	if _, err := f.NewSheet("Zählung"); err != nil {
		t.Fatal(err)
	}
	two := bytesOf(t, f)
	if _, err := check(from(t, "deu.xlsx", DefaultMapping()), two); err == nil || !strings.Contains(err.Error(), `no sheet is called "Records"; there are "Sheet1", "Zählung"`) {
		t.Error(err)
	}
	m := DefaultMapping()
	m.Sheet = "Sheet1"
	if c, err := check(from(t, "deu.xlsx", m), two); err != nil || c.Records != 1 {
		t.Error(err)
	}
}

// parts makes an archive of these parts beside those every workbook has.
func parts(t testing.TB, more map[string]string) string {
	t.Helper()
	all := map[string]string{
		"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>`,
	}
	for name, text := range more {
		all[name] = text
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestCompression) })
	for name, text := range all {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sheetOf(rows string) map[string]string {
	return map[string]string{"xl/worksheets/sheet1.xml": "<worksheet><sheetData>" + rows + "</sheetData></worksheet>"}
}

func TestAHostileWorkbookIsRefusedBeforeItHarms(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	sheet := func(rows string) string { return parts(t, sheetOf(rows)) }
	twice := sheetOf("")
	twice["XL/workbook.xml"] = "<workbook/>"
	header := `<row r="1">`
	for i, name := range Fields {
		header += fmt.Sprintf(`<c r="%s1" t="inlineStr"><is><t>%s</t></is></c>`, columnName(i), name)
	}
	header += "</row>"
	for name, tt := range map[string]struct{ text, want string }{
		"a bomb in the sheet":         {sheet(header + many("<row></row>\n", 1<<20)), "too_large: deu.xlsx line"},
		"a bomb in the texts":         {parts(t, map[string]string{"xl/sharedStrings.xml": "<sst>" + many("<si><t>a</t></si>", 1<<18) + "</sst>"}), "unpacks to more than 120 times its size"},
		"a text of a gigabyte's kind": {sheet(`<row r="1"><c t="inlineStr"><is><t>` + many("a\n", 1<<21)), "too_large: deu.xlsx"},
		"a bomb of entities":          {sheet(`<!DOCTYPE a [<!ENTITY b "c">]><row><c><v>&b;</v></c></row>`), "malformed_xlsx: deu.xlsx"},
		"an entity":                   {sheet(`<row><c><v>&b;</v></c></row>`), "malformed_xlsx: deu.xlsx"},
		"depth":                       {sheet(many("<a>", 100)), "it is too deep"},
		"elements that cross":         {sheet(`<row><c></row></c>`), "ends nothing"},
		"a sheet cut off":             {parts(t, map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row r="1"><c t="inlineStr"><is><t>date`}), "malformed_xlsx: deu.xlsx"},
		"rows that go back":           {sheet(header + `<row r="3"></row><row r="2"></row>`), "row \"2\" follows row 3"},
		"cells that go back":          {sheet(`<row r="1"><c r="B1"/><c r="A1"/></row>`), `cell "A1" follows column C`},
		"a cell far out":              {sheet(`<row r="1"><c r="XFD1"/></row>`), "a cell stands beyond column IV"},
		"a text that is not there":    {sheet(`<row r="1"><c t="s"><v>7</v></c></row>`), `there is no text "7"`},
		"a type that is none":         {sheet(`<row r="1"><c t="x"><v>7</v></c></row>`), `unknown type "x"`},
		"a number of a thousand":      {sheet(`<row r="1"><c><v>1e999999999</v></c></row>`), "the header lacks"},
		"no sheet":                    {parts(t, nil), "has no cells"},
		"no workbook":                 {strings.ReplaceAll(sheet(""), "xl/workbook", "xl/workbrok"), "it is an archive, but no workbook"},
		"a part twice":                {parts(t, twice), "it has the part"},
		"text":                        {"date,category\n", "malformed_xlsx: deu.xlsx: it is no workbook"},
		"nothing":                     {"", "malformed_xlsx: deu.xlsx: it is no workbook"},
		"an old workbook":             {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it is an older workbook, or one with a password"},
		"a directory without end":     {sheet("") + many("PK\x01\x02", maxParts), "too_large: deu.xlsx: it has more than 4096 parts"},
		"a size beyond the limit":     {many("\x00", MaxWorkbookBytes+1), "too_large: deu.xlsx: it has 33554433 bytes"},
		"more columns than a header":  {sheet(`<row r="1"><c r="A1" t="inlineStr"><is><t>date</t></is></c></row>`), "the header lacks category"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := check(from(t, "deu.xlsx", DefaultMapping()), tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) || refusal.CodeOf(err) == "" {
				t.Errorf("got  %v\nwant ... %s ...", err, tt.want)
			}
		})
	}
}

// An archive may lie about how much it holds. What comes out is counted.
func TestWhatIsUnpackedIsCountedWhateverTheArchiveSays(t *testing.T) {
	text := []byte(parts(t, sheetOf(strings.Repeat("<row></row>\n", 1<<19))))
	for i := 0; i+46 < len(text); i++ {
		if bytes.Equal(text[i:i+4], []byte("PK\x01\x02")) {
			binary.LittleEndian.PutUint32(text[i+24:], 100) // the size unpacked
		}
	}
	if _, err := check(from(t, "deu.xlsx", DefaultMapping()), string(text)); err == nil || refusal.CodeOf(err) == "" {
		t.Error(err)
	}
}

func TestNumbersAndDatesOfAWorkbookAreThoseThatAreShown(t *testing.T) {
	for text, want := range map[string]string{
		"0.32000000000000001": "0.32", "1001.01": "1001.01", "1E3": "1000", "1.2E-3": "0.0012", "12.50": "12.5", "-0.1": "-0.1", "123456789012345.6": "123456789012346", "1e-401": "", "1e31": "", "x": "", "NaN": "", "1e999999999": "",
	} {
		d, ok := sheetNumber(text)
		if ok != (want != "") || ok && d.String() != want {
			t.Errorf("%s is %s (%t), want %q", text, d, ok, want)
		}
	}
	for code, want := range map[string]bool{
		"yyyy-mm-dd": true, "D/M/YY": true, "0.00": false, `0 "days"`: false, "[Red]0": false, "h:mm": false, `0\d`: false, "General": false, "[$-409]d-mmm": true, "0;d": false,
	} {
		if showsDate(200, code) != want {
			t.Errorf("%s shows a date: %t", code, !want)
		}
	}
	g := sheetGrid{book: &workbook{}}
	for text, want := range map[string]cell{
		"45236": {"2023-11-06", dayCell}, "61": {"1900-03-01", dayCell}, "60": {"60", numberCell}, "45236.25": {"45236.25", clockCell}, "2958465": {"9999-12-31", dayCell}, "2958466": {"2958466", numberCell},
		"-1": {"-1", numberCell}, "1e999999999": {"1e999999999", numberCell},
	} {
		if got := g.day(text); got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	g.book.date1904 = true
	if got := g.day("43774"); got.text != "2023-11-06" {
		t.Errorf("by the calendar from 1904 it is %s", got.text)
	}
	if columnName(0) != "A" || columnName(25) != "Z" || columnName(26) != "AA" || columnName(701) != "ZZ" || columnOf("AA7") != 26 || columnOf("7") != 1<<20 {
		t.Error("columns are misnamed")
	}
}

func TestTextsInRunsAndWithReadingsAreReadAsShown(t *testing.T) {
	var cells strings.Builder
	for i, name := range Fields {
		fmt.Fprintf(&cells, `<c r="%s1" t="inlineStr"><is><r><t>%s</t></r><r><t>%s</t></r><rPh><t>x</t></rPh></is></c>`, columnName(i), name[:2], name[2:])
	}
	more := sheetOf(`<row r="1">` + cells.String() + `</row><row><c t="d"><v>2023-11-06T00:00:00</v></c><c t="str"><v>MED</v></c><c t="s"><v>0</v></c><c t="inlineStr"><is><t>FRA</t></is></c>` +
		`<c t="inlineStr"><is><t>a&amp;b</t></is></c><c><v>2</v></c><c t="inlineStr"><is><t>day</t></is></c><c t="n"><v>0.5</v></c></row>`)
	more["xl/sharedStrings.xml"] = `<sst><si><r><t>D</t></r><r><t>EU</t></r><rPh><t>de</t></rPh></si></sst>`
	c, err := check(from(t, "deu.xlsx", DefaultMapping()), parts(t, more))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Each(func(r programme.Record, _ Change) error {
		if got := r.Key.String() + " " + r.Statement(); got != "2023-11-06 MED DEU to FRA: a&b 2 day at 0.5" {
			t.Errorf("got %s", got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
