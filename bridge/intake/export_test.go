package intake

import (
	"bytes"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"entente/settlement/programme"
)

// written gives records as a file, and what reading it gives back.
func written(t testing.TB, im Import, records []programme.Record) (string, []programme.Record) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewRecordWriter(&b, im.Format)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := check(im, b.String())
	if err != nil {
		t.Fatal(err)
	}
	var back []programme.Record
	if err := c.Each(func(r programme.Record, _ Change) error { back = append(back, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return b.String(), back
}

func TestWhatIsExportedIsImportedEqual(t *testing.T) {
	text := rapid.StringMatching(`[=+@'-]{0,3}[A-Za-z"',;°é1-9]([ -~]{0,20}[a-z0-9])?`)
	number := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64Range(1, 1e7).Draw(t, "n"), -rapid.Int32Range(0, 6).Draw(t, "scale"))
	})
	csv, xlsx := from(t, "deu.csv", DefaultMapping()), from(t, "deu.xlsx", DefaultMapping())
	rapid.Check(t, func(t *rapid.T) {
		var records []programme.Record
		seen := map[programme.Key]bool{}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			r := programme.Record{Quantity: number.Draw(t, "quantity"), Unit: rapid.StringMatching(`[=+@'-]{0,2}[a-z]{1,8}`).Draw(t, "unit"), UnitPrice: number.Draw(t, "price")}
			r.Key = programme.Key{Date: programme.Date{Year: 2023, Month: 11, Day: rapid.IntRange(6, 7).Draw(t, "day")}, Category: "MED", Supplier: "DEU", Receiver: "FRA", Item: text.Draw(t, "item")}
			if !seen[r.Key] {
				seen[r.Key] = true
				records = append(records, r)
			}
		}
		var digests []string
		for _, im := range []Import{csv, xlsx} {
			var b bytes.Buffer
			w, err := NewRecordWriter(&b, im.Format)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if err := w.Write(r); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			c, err := check(im, b.String())
			if err != nil {
				t.Fatal(err)
			}
			i := 0
			if err := c.Each(func(r programme.Record, _ Change) error {
				if want := records[i]; r.Key != want.Key || r.Unit != want.Unit || !r.Quantity.Equal(want.Quantity) || !r.UnitPrice.Equal(want.UnitPrice) {
					t.Fatalf("%s: %v came back as %v", im.Source, want, r)
				}
				i++
				return nil
			}); err != nil || i != len(records) {
				t.Fatalf("%d of %d came back (%v)", i, len(records), err)
			}
			digests = append(digests, c.Digest)
		}
		if digests[0] != digests[1] {
			t.Fatal("the formats differ")
		}
	})
}

func TestNoCellOfAnExportBeginsAFormula(t *testing.T) {
	record := programme.Record{Key: programme.Key{Date: programme.Date{Year: 2023, Month: 11, Day: 6}, Category: "MED", Supplier: "DEU", Receiver: "FRA", Item: `=cmd|' /C calc'!A0`},
		Quantity: decimal.NewFromInt(1), Unit: "@SUM", UnitPrice: decimal.RequireFromString("123456789012345.123456")}
	text, _ := written(t, from(t, "deu.csv", DefaultMapping()), nil)
	if text != head {
		t.Errorf("an export of nothing is %q", text)
	}
	var b bytes.Buffer
	w, err := NewRecordWriter(&b, CSV)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := head + `2023-11-06,MED,DEU,FRA,'=cmd|' /C calc'!A0,1,'@SUM,123456789012345.123456` + "\n"; b.String() != want {
		t.Errorf("got %q", b.String())
	}
}

// Another program reads what we write: here the library's own reader.
func TestAnExportedWorkbookIsReadByOthers(t *testing.T) {
	record := programme.Record{Key: programme.Key{Date: programme.Date{Year: 2023, Month: 11, Day: 6}, Category: "MED", Supplier: "DEU", Receiver: "FRA", Item: "-20 °C bag"},
		Quantity: decimal.RequireFromString("1.5"), Unit: "each", UnitPrice: decimal.RequireFromString("0.32")}
	text, back := written(t, from(t, "deu.xlsx", DefaultMapping()), []programme.Record{record})
	if len(back) != 1 || back[0].Item != record.Item {
		t.Fatalf("%v", back)
	}
	f, err := excelize.OpenReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows(SheetName)
	if err != nil || len(rows) != 2 || strings.Join(rows[1], "|") != "2023-11-06|MED|DEU|FRA|'-20 °C bag|1.5|each|0.32" {
		t.Errorf("%q %v", rows, err)
	}
}

func TestATemplateIsAnEmptyCountThatExplainsItself(t *testing.T) {
	a := northern(t)
	for _, name := range []string{"deu.csv", "deu.xlsx"} {
		for _, given := range []*programme.Agreement{nil, &a} {
			im := from(t, name, DefaultMapping())
			var b bytes.Buffer
			if err := WriteTemplate(&b, im.Format, given); err != nil {
				t.Fatal(err)
			}
			if c, err := check(im, b.String()); err != nil || c.Records != 0 {
				t.Errorf("%s: %v", name, err)
			}
			if im.Format == CSV {
				continue
			}
			f, err := excelize.OpenReader(&b)
			if err != nil {
				t.Fatal(err)
			}
			help, err := f.GetRows("Help")
			lists, err2 := f.GetDataValidations(SheetName)
			if err != nil || err2 != nil || len(help) < 10 || (len(lists) == 3) != (given != nil) {
				t.Errorf("%d rows of help, %d lists (%v, %v)", len(help), len(lists), err, err2)
			}
			// What is typed into it is read.
			for cell, value := range map[string]any{"A2": "2023-11-06", "B2": "MED", "C2": "DEU", "D2": "FRA", "E2": "clinic", "F2": 1.5, "G2": "day", "H2": "2"} {
				if err := f.SetCellValue(SheetName, cell, value); err != nil {
					t.Fatal(err)
				}
			}
			if c, err := check(im, bytesOf(t, f)); err != nil || c.Added != 1 {
				t.Error(err)
			}
		}
	}
}
