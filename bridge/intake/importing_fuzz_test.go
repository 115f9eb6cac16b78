package intake

import (
	"bytes"
	"strings"
	"testing"

	"entente/schema/refusal"
	"entente/settlement/programme"
)

// fuzzed checks a file: an error is a refusal, and what is accepted is sound, is given a second time alike, and is read back equal from an export.
func fuzzed(t *testing.T, im Import, text string) {
	c, err := check(im, text)
	if err != nil {
		if refusal.CodeOf(err) == "" {
			t.Fatalf("a fault: %v", err)
		}
		return
	}
	var again bytes.Buffer
	w, err := NewRecordWriter(&again, CSV)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	if err := c.Each(func(r programme.Record, _ Change) error {
		rows++
		if err := im.Agreement.CheckCount(programme.Count{Nation: im.Nation, Records: []programme.Record{r}}); err != nil {
			t.Fatalf("accepted %v: %v", r, err)
		}
		return w.Write(r)
	}); err != nil || rows != c.Added {
		t.Fatalf("%d of %d records (%v)", rows, c.Added, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(again.String(), "\n") {
		for _, value := range strings.Split(line, ",") {
			if calculates(value) {
				t.Fatalf("an export with a formula: %q", line)
			}
		}
	}
	im.Format, im.Mapping = CSV, DefaultMapping()
	back, err := check(im, again.String())
	if err != nil || back.Digest != c.Digest {
		t.Fatalf("the export of %q is not read back equal: %q (%v)", text, again.String(), err)
	}
}

// FuzzImportCSV reads texts as CSV files in two layouts.
func FuzzImportCSV(f *testing.F) {
	im := from(f, "deu.csv", DefaultMapping())
	german := Mapping{Separator: ";", Date: "D.M.YYYY", Numbers: Numbers{Decimal: ",", Group: "."}, HeaderLine: 2, Fixed: map[string]string{"category": "MED"}, Columns: map[string]string{"quantity": "Menge"}}
	f.Add(sound, false)
	f.Add("sep=;\n"+strings.ReplaceAll(sound, ",", ";"), false)
	f.Add("\ufeff"+strings.ReplaceAll(sound, "\n", "\r\n"), false)
	f.Add(head+"2023-11-06,MED,DEU,FRA,\"'=\"\"x\"\"\",1.50,'-d,0\n\n,,,,,,,\n", false)
	f.Add("Zählung\ndate;supplier;receiver;item;Menge;unit;unit_price\n6.11.2023;DEU;FRA;x;1.234,5;kg;0,5\n", true)
	f.Fuzz(func(t *testing.T, text string, inGerman bool) {
		im := im
		if inGerman {
			im.Mapping = german
		}
		fuzzed(t, im, text)
	})
}

// FuzzImportXLSX reads bytes as a workbook.
func FuzzImportXLSX(f *testing.F) {
	im := from(f, "deu.xlsx", DefaultMapping())
	f.Add([]byte(bytesOf(f, book(f, headRow, []any{"2023-11-06", "MED", "DEU", "FRA", "clinic", 1, "day", 1.5}))))
	f.Add([]byte(parts(f, sheetOf(`<row r="1"><c r="A1" t="inlineStr"><is><t>date</t></is></c></row>`))))
	f.Fuzz(func(t *testing.T, file []byte) { fuzzed(t, im, string(file)) })
}

// FuzzSheet reads texts as the XML of a sheet, of the shared texts and of the styles in an otherwise sound workbook.
func FuzzSheet(f *testing.F) {
	im := from(f, "deu.xlsx", DefaultMapping())
	var header strings.Builder
	for _, name := range Fields {
		header.WriteString(`<c t="inlineStr"><is><t>` + name + `</t></is></c>`)
	}
	f.Add("<worksheet><row>"+header.String()+`</row><row r="3"><c s="1"><v>45236</v></c><c t="s"><v>0</v></c><c t="str"><v>DEU</v></c><c t="str"><v>FRA</v></c><c t="str"><v>x</v></c><c><v>1E0</v></c>`+
		`<c t="str"><v>kg</v></c><c><v>0.32000000000000001</v></c></row></worksheet>`, `<sst><si><t>MED</t></si></sst>`, `<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>`)
	f.Add(`<worksheet><row><c><f>1+1</f><v>2</v></c><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c><c t="d"><v>2023-11-06</v></c></row></worksheet>`, `<sst><si><r><t>a</t></r><rPh><t>b</t></rPh></si></sst>`,
		`<styleSheet><numFmts><numFmt numFmtId="200" formatCode="[Red]yyyy&quot;d&quot;"/></numFmts><cellXfs><xf numFmtId="200"/></cellXfs></styleSheet>`)
	f.Fuzz(func(t *testing.T, sheet, texts, styles string) {
		fuzzed(t, im, parts(t, map[string]string{"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": texts, "xl/styles.xml": styles}))
	})
}

// FuzzMapping reads texts as mapping files: what is accepted can be followed.
func FuzzMapping(f *testing.F) {
	f.Add(`{"separator": ";", "date": "DD.MM.YYYY", "decimal": ",", "group": ".", "sheet": "S", "header_line": 3, "columns": {"date": "Datum"}, "fixed": {"supplier": "DEU"}}`)
	f.Add(`{"date": "D Month YYYY", "group": " "}`)
	im := from(f, "deu.csv", DefaultMapping())
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ReadMapping(strings.NewReader(text), "map.json")
		if err != nil {
			if refusal.CodeOf(err) == "" {
				t.Fatalf("a fault: %v", err)
			}
			return
		}
		im := im
		im.Mapping = m
		fuzzed(t, im, sound)
	})
}

// FuzzBook reads texts as contract lines: rows and reasons agree.
func FuzzBook(f *testing.F) {
	f.Add(strings.Join(bookColumns, ",") + "\nYard,Boat,Hull,7,2030-06,3,Each,104.709,Millions\nYard,Boat,Hull,7,0030-06,0,Each,-1,Euros\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := 0
		r, err := ReadBook(strings.NewReader(text), "book.csv", func(l BookLine) error {
			lines++
			if l.Quantity.Sign() <= 0 || l.UnitPrice.Sign() < 0 || l.Supplier == "" || l.Amount.Minor() < 0 {
				t.Fatalf("accepted %+v", l)
			}
			return nil
		})
		if err != nil && refusal.CodeOf(err) == "" {
			t.Fatalf("a fault: %v", err)
		}
		if lines != r.Lines || r.Lines+r.Refused != r.Rows || r.Refused > len(r.Findings) && len(r.Findings) < MaxFindings {
			t.Fatalf("%+v", r)
		}
	})
}
