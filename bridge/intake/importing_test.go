package intake

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"entente/schema/refusal"
	"entente/settlement/programme"
)

const head = "date,category,supplier,receiver,item,quantity,unit,unit_price\n"

func northern(t testing.TB) programme.Agreement {
	t.Helper()
	f, err := os.Open("testdata/euro/agreement.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := ReadAgreement(f, "agreement.json")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// from is Germany's count as a file of this name.
func from(t testing.TB, name string, m Mapping) Import {
	t.Helper()
	format, err := FormatOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return Import{Agreement: northern(t), Nation: "DEU", Source: name, Format: format, Mapping: m}
}

func check(im Import, text string) (*Checked, error) {
	return im.Check(strings.NewReader(text), int64(len(text)))
}

// told gives a summary as a person would note it down.
func told(s Summary) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d records: %d added, %d unchanged, %d changed\n", s.Records, s.Added, s.Unchanged, s.Changed)
	for _, total := range s.Totals {
		fmt.Fprintf(&b, "%s %s %d %s\n", total.Category, total.Direction, total.Records, total.Amount)
	}
	for _, c := range s.Changes {
		fmt.Fprintf(&b, "line %d %s: %s, was %s\n", c.Line, c.Key, c.After, c.Before)
	}
	return b.String()
}

const sound = head + `2023-11-06,MED,DEU,FRA,field clinic,1,day,1001.01
2023-11-07,MED,FRA,DEU,vaccine,30,dose,12.345
2023-11-07,WATER,GBR,DEU,bottled water 0.5 l,90,bottle,0.32
2023-11-07,MED,DEU,GBR,ambulance,1,day,333.33
`

// By hand: 1001.01 + 333.33 = 1334.34; 30 * 12.345 = 370.35; 90 * 0.32 = 28.80.
const soundTold = `4 records: 4 added, 0 unchanged, 0 changed
WATER received 1 28.80 GBP
MED supplied 2 1334.34 EUR
MED received 1 370.35 EUR
`

func TestTotalsAreToldBeforeAnythingIsStored(t *testing.T) {
	c, err := check(from(t, "deu.csv", DefaultMapping()), sound)
	if err != nil || told(c.Summary) != soundTold {
		t.Fatalf("%v\n%s", err, told(c.Summary))
	}
	var lines []string
	if err := c.Each(func(r programme.Record, change Change) error {
		lines = append(lines, fmt.Sprintf("%d %s %s %d", r.Line, r.Key, r.Statement(), change))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := "2 2023-11-06 MED DEU to FRA: field clinic 1 day at 1001.01 1"
	if len(lines) != 4 || lines[0] != want {
		t.Errorf("%q", lines)
	}
	stop := errors.New("the store is full")
	if err := c.Each(func(programme.Record, Change) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// store is what a desk holds already.
type store map[programme.Key]programme.Record

func (s store) prior(k programme.Key) (programme.Record, bool) {
	r, ok := s[k]
	return r, ok
}

func (s store) take(t *testing.T, c *Checked) {
	t.Helper()
	if err := c.Each(func(r programme.Record, _ Change) error {
		s[r.Key] = r
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTheSameFileAgainChangesNothingAndAChangedRowIsNamed(t *testing.T) {
	s := store{}
	im := from(t, "deu.csv", DefaultMapping())
	im.Prior = s.prior
	c, err := check(im, sound)
	if err != nil {
		t.Fatal(err)
	}
	s.take(t, c)
	again, err := check(im, strings.Replace(sound, "30,dose,12.345", "30.0,dose,12.3450", 1)) // the same numbers
	if err != nil || again.Added+again.Changed != 0 || again.Unchanged != 4 || again.Digest != c.Digest {
		t.Fatalf("%v\n%s", err, told(again.Summary))
	}
	changed, err := check(im, strings.Replace(sound, "30,dose", "31,dose", 1)+"2023-11-07,WATER,GBR,DEU,ice,2,kg,1\n")
	want := "line 3 2023-11-07 MED FRA to DEU: vaccine: 31 dose at 12.345, was 30 dose at 12.345\n"
	if err != nil || changed.Added != 1 || changed.Unchanged != 3 || changed.Changed != 1 || !strings.HasSuffix(told(changed.Summary), want) || changed.Digest == c.Digest {
		t.Fatalf("%v\n%s", err, told(changed.Summary))
	}
}

func TestAnotherQuantityUnitOrPriceIsAChangeAndAnotherKeyIsNot(t *testing.T) {
	s := store{}
	im := from(t, "deu.csv", DefaultMapping())
	im.Prior = s.prior
	c, err := check(im, sound)
	if err != nil {
		t.Fatal(err)
	}
	s.take(t, c)
	for to, changed := range map[string]int{"31,dose,12.345": 1, "30,box,12.345": 1, "30,dose,12.346": 1, "30,dose,12.3450": 0} {
		c, err := check(im, strings.Replace(sound, "30,dose,12.345", to, 1))
		if err != nil || c.Changed != changed || c.Unchanged != 4-changed {
			t.Errorf("%s: %v\n%s", to, err, told(c.Summary))
		}
	}
	if c, err := check(im, strings.Replace(sound, ",vaccine,", ",serum,", 1)); err != nil || c.Added != 1 || c.Changed != 0 {
		t.Errorf("%v\n%s", err, told(c.Summary))
	}
}

func TestAFileThatChangedAfterItWasCheckedIsRefused(t *testing.T) {
	for name, later := range map[string]string{
		"another number": strings.Replace(sound, "1001.01", "9001.01", 1), "a row more": sound[:len(sound)-5] + "9.33\n", "a row that is none": strings.Replace(sound, "1001.01", "1001,01", 1),
	} {
		text := []byte(sound)
		c, err := from(t, "deu.csv", DefaultMapping()).Check(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		copy(text, later)
		if err := c.Each(func(programme.Record, Change) error { return nil }); refusal.CodeOf(err) != CodeFileChanged {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCSVIsReadAsItIsSaid(t *testing.T) {
	german := Mapping{Separator: ";", Date: "DD.MM.YYYY", Numbers: Numbers{Decimal: ",", Group: "."}, HeaderLine: 3, Fixed: map[string]string{"category": "MED"},
		Columns: map[string]string{"date": "Tag", "supplier": "von", "receiver": "an", "item": "Was", "quantity": "Menge", "unit": "Einheit", "unit_price": "Preis"}}
	indian := DefaultMapping()
	indian.Numbers.Group = ","
	french := DefaultMapping()
	french.Numbers, french.Date = Numbers{Decimal: ",", Group: " "}, "D/M/YYYY"
	words := DefaultMapping()
	words.Date = "D Month YYYY"
	for _, tt := range []struct {
		name string
		m    Mapping
		text string
		want string
	}{
		{"plainly", DefaultMapping(), head + "2023-11-06,MED,DEU,FRA,clinic,1.50,day,1001.01\n", "MED DEU to FRA: clinic 1.5 day at 1001.01"},
		{"with a byte order mark and CRLF", DefaultMapping(), "\ufeff" + strings.ReplaceAll(head+"2023-11-06,MED,DEU,FRA,clinic,1,day,1\n", "\n", "\r\n"), "clinic 1 day at 1"},
		{"without a last line end", DefaultMapping(), head + "2023-11-06,MED,DEU,FRA,clinic,1,day,1", "clinic 1 day at 1"},
		{"with blank lines and rows of nothing", DefaultMapping(), "\n" + head + "\n , ,,,,,,\n2023-11-06,MED,DEU,FRA,clinic,1,day,1\n,,,,,,,\n", "clinic 1 day at 1"},
		{"with quotes in quotes", DefaultMapping(), head + "2023-11-06,MED,DEU,FRA,\"clinic \"\"B\"\", staffed\",1,day,1\n", `clinic "B", staffed 1 day at 1`},
		{"with a quote after a space", DefaultMapping(), head + "2023-11-06, MED, DEU, FRA, \"clinic, staffed\", 1, day, 1\n", "clinic, staffed 1 day at 1"},
		{"with a separator stated by the file", DefaultMapping(), "sep=;\n" + strings.ReplaceAll(head+"2023-11-06,MED,DEU,FRA,clinic,1,day,1\n", ",", ";"), "clinic 1 day at 1"},
		{"with tabs", Mapping{Separator: "\t", Date: "YYYY-MM-DD", Numbers: Numbers{Decimal: "."}, HeaderLine: 1}, strings.ReplaceAll(head+"2023-11-06,MED,DEU,FRA,clinic,1,day,1\n", ",", "\t"), "clinic 1 day at 1"},
		{"with columns in another order and case, and further ones", DefaultMapping(), "note,UNIT,Unit_Price,date,category,supplier,receiver,item,quantity\nx,day,1,2023-11-06,MED,DEU,FRA,clinic,2\n", "clinic 2 day at 1"},
		{"in German", german, "Zählung\n;;\nTag;von;an;Was;Menge;Einheit;Preis\n06.11.2023;DEU;FRA;Klinik;1.234,5;Tag;1.001,01\n", "2023-11-06 MED DEU to FRA: Klinik 1234.5 Tag at 1001.01"},
		{"in groups as in India", indian, head + "2023-11-06,MED,DEU,FRA,clinic,\"12,34,567.25\",day,\"1,234\"\n", "clinic 1234567.25 day at 1234"},
		{"with no-break spaces", french, head + "6/11/2023,MED,DEU,FRA,clinic,\"1\u202f234,5\",day,\"1\u00a0001,01\"\n", "2023-11-06 MED DEU to FRA: clinic 1234.5 day at 1001.01"},
		{"with months in words", words, head + "6 November 2023,MED,DEU,FRA,clinic,1,day,1\n", "2023-11-06"},
		{"with an apostrophe before what would be a formula", DefaultMapping(), head + "2023-11-06,MED,DEU,FRA,'-20 °C bag,1,day,1\n", "FRA: -20 °C bag 1 day at 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := check(from(t, "deu.csv", tt.m), tt.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := c.Each(func(r programme.Record, _ Change) error {
				got = append(got, r.Key.String()+" "+r.Statement())
				return nil
			}); err != nil || len(got) != 1 || !strings.Contains(got[0], tt.want) {
				t.Errorf("got %q, want %q (%v)", got, tt.want, err)
			}
		})
	}
}

func TestEveryErrorOfAFileIsToldWithLineAndColumn(t *testing.T) {
	comma := DefaultMapping()
	comma.Numbers = Numbers{Decimal: ",", Group: "."}
	row := func(fields string) string { return head + fields + "\n" }
	for _, tt := range []struct {
		name string
		m    Mapping
		text string
		want []string
	}{
		{"each wrong value of a row", DefaultMapping(), row("6.11.2023,MED,DEU,FRA,x,many,day,\"1,5\""), []string{
			`date_invalid: deu.csv line 2, column date: "6.11.2023" is no date`, `malformed_csv: deu.csv line 2, column quantity: "many" is not a number`,
			`malformed_csv: deu.csv line 2, column unit_price: "1,5" has a comma; nothing was changed; write the decimal sign as a point, 12.5, without grouping, or state how numbers are written`}},
		{"each rule of the agreement", DefaultMapping(), row("2023-12-06,FUEL,GBR,USA,x,-1,,0.1234567"), []string{
			"date_outside_period: deu.csv line 2, column date: ", "unknown_category: deu.csv line 2, column category: ", "unknown_member: deu.csv line 2, column receiver: ",
			"wrong_nation: deu.csv line 2: ", "record_invalid: deu.csv line 2, column unit: ", "amount_invalid: deu.csv line 2, column quantity: quantity is negative",
			"amount_invalid: deu.csv line 2, column unit_price: unit_price has too many fraction digits"}},
		{"rows far apart", DefaultMapping(), sound + "x\n" + strings.TrimPrefix(sound, head), []string{"malformed_csv: deu.csv line 6: it has 1 values under 8 columns",
			"record_repeated: deu.csv line 7: it states the same as line 2 (2023-11-06 MED DEU to FRA: field clinic)", "line 8", "line 9", "line 10"}},
		{"a formula", DefaultMapping(), row(`2023-11-06,MED,DEU,FRA,"=HYPERLINK(""http://x"")",1,day,1`), []string{`formula_refused: deu.csv line 2, column item: "=HYPERLINK(`}},
		{"formulas of every beginning", DefaultMapping(), row("2023-11-06,MED,DEU,FRA,+x,1,@y,1\n2023-11-06,MED,DEU,FRA,-z,1,＝d,1"), []string{
			"formula_refused: deu.csv line 2, column item", "formula_refused: deu.csv line 2, column unit", "formula_refused: deu.csv line 3, column item", "formula_refused: deu.csv line 3, column unit"}},
		{"a group of two", comma, row(`2023-11-06,MED,DEU,FRA,x,"12.34",day,"1.234,5"`), []string{`column quantity: "12.34" is not a number; nothing was changed; write it in plain digits, such as 12,5`}},
		{"a two-digit year", Mapping{Date: "DD.MM.YY", Numbers: Numbers{Decimal: "."}, HeaderLine: 1}, head, []string{`malformed_json: date: "DD.MM.YY" is no form of a date`}},
		{"a control character", DefaultMapping(), row("2023-11-06,MED,DEU,FRA,\"x\ny\",1,day,1"), []string{"malformed_csv: deu.csv line 2, column item: it contains the control character U+000A"}},
		{"another encoding", DefaultMapping(), row("2023-11-06,MED,DEU,FRA,caf\xe9,1,day,1"), []string{"malformed_csv: deu.csv line 2: it is not UTF-8; the rest of the file was not read"}},
		{"UTF-16", DefaultMapping(), "\xff\xfed\x00a\x00", []string{"malformed_csv: deu.csv: it is UTF-16"}},
		{"a workbook", DefaultMapping(), "PK\x03\x04aaaaaaaaa", []string{"malformed_csv: deu.csv: it is a workbook"}},
		{"semicolons that were not stated", DefaultMapping(), strings.ReplaceAll(head, ",", ";"), []string{`malformed_csv: deu.csv line 1: the header lacks date, category, supplier, receiver, item, quantity, unit, unit_price; nothing was changed; state in a mapping how the columns are separated: {"separator": ";"}`}},
		{"two separators", comma, "sep=;\n" + head, []string{"malformed_csv: deu.csv line 2: the header lacks"}},
		{"a separator that is none", DefaultMapping(), "sep=x\n" + head, []string{`malformed_csv: deu.csv: line 1 says "sep=x", which separates no columns`}},
		{"a column stated twice", DefaultMapping(), strings.Replace(head, "unit_price", "unit", 1), []string{`the column "unit" is there twice`, "the header lacks unit_price"}},
		{"an open quote", DefaultMapping(), row(`2023-11-06,MED,DEU,FRA,"x,1,day,1`), []string{"malformed_csv: deu.csv line 2: extraneous"}},
		{"nothing", DefaultMapping(), "", []string{"malformed_csv: deu.csv: there is no header on line 1"}},
		{"a row without end", DefaultMapping(), row(`2023-11-06,MED,DEU,FRA,"` + strings.Repeat("x", 3<<20)), []string{"too_large: deu.csv line 2: a row has more than 1048576 bytes"}},
		{"too many columns", DefaultMapping(), strings.Repeat("x,", 300) + "\n", []string{"too_large: deu.csv line 1: it has 301 columns"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := check(from(t, "deu.csv", tt.m), tt.text)
			if err == nil {
				t.Fatal("accepted")
			}
			got := strings.Split(err.Error(), "\n")
			if len(got) != len(tt.want) {
				t.Fatalf("%d errors, want %d:\n%v", len(got), len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("got  %s\nwant ... %s ...", got[i], want)
				}
			}
			if refusal.CodeOf(err) == "" {
				t.Error("it is no refusal")
			}
			if err := c.Each(func(programme.Record, Change) error { t.Error("a record of a refused file"); return nil }); err == nil {
				t.Error("a refused file was read a second time")
			}
		})
	}
}

func TestAllErrorsAreKeptAndCounted(t *testing.T) {
	text := head + strings.Repeat("2023-11-06,MED,DEU,FRA,x,many,day,1\n", MaxFindings+7)
	c, err := check(from(t, "deu.csv", DefaultMapping()), text)
	got := strings.Split(err.Error(), "\n")
	if c.FindingCount != MaxFindings+7 || len(c.Findings) != MaxFindings || c.Findings[MaxFindings-1].Line != MaxFindings+1 || got[len(got)-1] != fmt.Sprintf("and %d further errors", MaxFindings+7-MaxReported) {
		t.Errorf("%d kept of %d; %s", len(c.Findings), c.FindingCount, got[len(got)-1])
	}
}

func TestAMappingFileIsReadStrictly(t *testing.T) {
	m, err := ReadMapping(strings.NewReader(`{"separator": ";", "date": "DD.MM.YYYY", "decimal": ",", "group": ".", "sheet": "Zählung", "header_line": 3,
		"columns": {"date": "Datum"}, "fixed": {"supplier": "DEU"}}`), "map.json")
	if err != nil || m.Separator != ";" || m.Numbers != (Numbers{",", "."}) || m.HeaderLine != 3 || m.Columns["date"] != "Datum" || m.Fixed["supplier"] != "DEU" || m.Sheet != "Zählung" || m.Date != "DD.MM.YYYY" {
		t.Fatalf("%+v %v", m, err)
	}
	var b bytes.Buffer
	if err := WriteMapping(&b); err != nil {
		t.Fatal(err)
	}
	if m, err := ReadMapping(&b, "map.json"); err != nil || m.Date != "YYYY-MM-DD" || len(m.Columns) != 8 {
		t.Fatalf("%+v %v", m, err)
	}
	for text, want := range map[string]string{
		`{"separators": ";"}`: "separators: the name is unknown", `{"separator": "::"}`: "separator:", `{"decimal": "."` + `, "group": "."}`: "group:", `{"header_line": 0}`: "header_line:",
		`{"columns": {"price": "Preis"}}`: "columns.price: the name is unknown", `{"columns": {"date": "A", "item": "a "}}`: "is that of", `{"columns": {"date": ""}}`: "columns.date: it is empty",
		`{"columns": {"date": "A"}, "fixed": {"date": "2023-11-06"}}`: "date: it has both", `{"date": "DD.MM"}`: "date:", `[]`: "an object is due", `{"decimal": ";"}`: "decimal:",
	} {
		if _, err := ReadMapping(strings.NewReader(text), "map.json"); refusal.CodeOf(err) != CodeMalformedJSON || !strings.Contains(err.Error(), "map.json: "+want) && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// book makes a workbook by the library's ordinary way, which shares texts between cells.
func book(t testing.TB, rows ...[]any) *excelize.File {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func bytesOf(t testing.TB, f *excelize.File) string {
	t.Helper()
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
