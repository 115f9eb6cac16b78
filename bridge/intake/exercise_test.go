package intake

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/settlement/programme"
)

func draft(t *testing.T, e *Exercise) ([]programme.Line, []programme.Divergence, []programme.DraftBill) {
	t.Helper()
	lines, divergences, err := programme.Match(e.Agreement, e.Counts)
	if err != nil {
		t.Fatal(err)
	}
	bills, err := programme.DraftBills(e.Agreement, lines, e.Cases)
	if err != nil {
		t.Fatal(err)
	}
	return lines, divergences, bills
}

// Computed by hand. 995 bottles at 0.32 are 318.40 GBP. DEU supplies 1001.01 and 333.33 EUR for all; a quarter of 1334.34 is 333.585: 333.58 each and two odd
// cents for DEU, which bears its own, and FRA. 30 doses at 12.345 EUR are 370.35; a quarter is 92.5875: three odd cents for DEU, FRA, GBR. 12.345 m3 at 0.750 KWD are 9.25875: 9.259.
// One pump at 1250.005 GBP is half a penny above 1250.00, and halves go to the even penny.
func TestAnotherDirectoryGivesTheTotalsComputedByHand(t *testing.T) {
	e, err := Load(os.DirFS("testdata/euro"))
	if err != nil {
		t.Fatal(err)
	}
	lines, divergences, bills := draft(t, e)
	if len(lines) != 5 || len(divergences) != 1 || divergences[0].Reason != programme.QuantityDiffers {
		t.Errorf("%d lines, divergences %v", len(lines), divergences)
	}
	var got []string
	for _, b := range bills {
		total, err := b.Total()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s to %s: %s", b.Reference, b.Debtor, b.Creditor, total))
	}
	want := []string{
		"NORTHERN-2023 FRA to DEU: 333.59 EUR", "NORTHERN-2023 GBR to DEU: 333.58 EUR", "NORTHERN-2023 KWT to DEU: 333.58 EUR",
		"NORTHERN-2023 DEU to FRA: 92.59 EUR", "NORTHERN-2023 GBR to FRA: 92.59 EUR", "NORTHERN-2023 KWT to FRA: 92.58 EUR",
		"NORTHERN-2023 KWT to GBR: 318.40 GBP", "NORTHERN-2023 GBR to KWT: 9.259 KWD", "GBR-KWT-1 KWT to GBR: 1250.00 GBP",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("bills\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	totals, err := programme.CategoryTotals(bills)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, c := range totals {
		got = append(got, fmt.Sprintf("%s %s", c.CategoryCode, c.Amount))
	}
	if s := strings.Join(got, ", "); s != "MED 1278.51 EUR, WATER 318.40 GBP, PARTS 1250.00 GBP, WATER 9.259 KWD" {
		t.Errorf("totals: %s", s)
	}
	rate, fixed, err := e.Rates.Cross(e.Agreement.Starts, money.MustCurrency("KWD"), money.MustCurrency("GBP"))
	// 0.8725 / 0.329 of 2 November: the 3rd has no dinar, the 4th to 6th no fixing.
	if err != nil || rate.Decimal() != "2.6519757" || fixed.String() != "2023-11-02" {
		t.Errorf("%s of %s (%v)", rate, fixed, err)
	}
	if days := fmt.Sprint(e.Rates.DaysWithoutFixing(e.Agreement.Starts, e.Agreement.Ends)); days != "[2023-11-06]" {
		t.Errorf("days without a fixing: %s", days)
	}
}

func TestBudgetsAreReadInMajorUnitsAndTheMembersOrder(t *testing.T) {
	e, err := Load(os.DirFS("testdata/euro"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range e.Agreement.Budgets {
		text := fmt.Sprintf("%s %s", b.Nation, b.Total)
		for _, l := range b.Limits {
			text += fmt.Sprintf(" %d %s %s", l.Category, l.Code, l.Most)
		}
		got = append(got, text)
	}
	want := "FRA 500.00 EUR 1 MED 400.00 EUR; GBR 500.50 EUR; GBR 12.500 KWD; KWT 1700.00 GBP 0 WATER 350.00 GBP 2 PARTS 1300.00 GBP"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if err := e.Agreement.Validate(); err != nil {
		t.Error(err)
	}
}

func TestAnAgreementNeedsNoBudgets(t *testing.T) {
	m := changed(t, "agreement.json", `"budgets"`, `"budget"`)
	text := string(m["agreement.json"].Data)
	m["agreement.json"].Data = []byte(text[:strings.LastIndex(text, `,
  "budget"`)] + "}")
	if e, err := Load(m); err != nil || len(e.Agreement.Budgets) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
}

// changed gives the second data directory in memory with one text replaced.
func changed(t *testing.T, file, from, to string) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	root := os.DirFS("testdata/euro")
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, p)
		m[p] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if from == "" {
		delete(m, path.Dir(file)) // what becomes a folder is no file any more
		m[file] = &fstest.MapFile{Data: []byte(to)}
		return m
	}
	if m[file] == nil || !strings.Contains(string(m[file].Data), from) {
		t.Fatalf("%s does not contain %q", file, from)
	}
	m[file].Data = []byte(strings.Replace(string(m[file].Data), from, to, 1))
	return m
}

func TestADirectoryWithAnErrorIsRefusedWithItsPlace(t *testing.T) {
	for _, tt := range []struct {
		name, file, from, to string
		want                 []string
	}{
		{"a quantity with a letter", "records/DEU.csv", ",30,", ",12x,", []string{`malformed_csv: records/DEU.csv line 3: quantity "12x" is not a number`}},
		{"a decimal comma", "records/DEU.csv", ",12.345", `,"12,345"`, []string{`malformed_csv: records/DEU.csv line 3: unit_price "12,345" has a comma; nothing was changed; write the decimal sign as a point`}},
		{"an unquoted decimal comma", "records/DEU.csv", ",12.345", `,12,345`, []string{"malformed_csv: records/DEU.csv line 3: it has 9 values under 8 columns"}},
		{"an exponent", "records/DEU.csv", ",30,", ",3e1,", []string{`"3e1" is not a number`}},
		{"an empty price", "records/DEU.csv", ",12.345", ",", []string{"malformed_csv: records/DEU.csv line 3: unit_price is empty"}},
		{"a negative quantity", "records/DEU.csv", ",30,", ",-30,", []string{"amount_invalid: records/DEU.csv line 3: quantity is negative"}},
		{"an overflowing line", "records/DEU.csv", ",30,dose,12.345", ",999999999999999,dose,99999", []string{"overflow: records/DEU.csv line 3"}},
		{"a day that is none", "records/DEU.csv", "2023-11-06", "06.11.2023", []string{`date_invalid: records/DEU.csv line 2: date: "06.11.2023"`}},
		{"a day outside the period", "records/DEU.csv", "2023-11-06", "2023-11-05", []string{"date_outside_period: records/DEU.csv line 2"}},
		{"an unknown category", "records/DEU.csv", ",MED,", ",FUEL,", []string{"unknown_category: records/DEU.csv line 2"}},
		{"an unknown member", "records/DEU.csv", ",FRA,", ",USA,", []string{"unknown_member: records/DEU.csv line 2"}},
		{"somebody else's record", "records/DEU.csv", "MED,DEU,FRA", "MED,GBR,FRA", []string{"wrong_nation: records/DEU.csv line 2"}},
		{"a record stated twice", "records/GBR.csv", "2023-11-07,WATER,GBR,DEU", "2023-11-06,WATER,GBR,KWT", []string{"record_repeated: records/GBR.csv line 4: it states the same as line 2"}},
		{"a control character", "records/DEU.csv", "field clinic", "field\tclinic", []string{"malformed_csv: records/DEU.csv line 2: it contains the control character U+0009"}},
		{"a line break in a value", "records/DEU.csv", "field clinic", "\"field\nclinic\"", []string{"malformed_csv: records/DEU.csv line 2: it contains the control character U+000A"}},
		{"a formula", "records/DEU.csv", "field clinic", "=1+1", []string{`formula_refused: records/DEU.csv line 2: item "=1+1" is what a spreadsheet program calculates`}},
		{"a stray quote", "records/DEU.csv", "vaccine", `vac"cine`, []string{"malformed_csv: records/DEU.csv line 3: bare"}},
		{"a missing column", "records/DEU.csv", "unit_price", "price", []string{"malformed_csv: records/DEU.csv line 1: the header lacks unit_price"}},
		{"a repeated column", "records/DEU.csv", "unit_price", "unit", []string{`the column "unit" is there twice`}},
		{"an empty file", "records/DEU.csv", "", "", []string{"malformed_csv: records/DEU.csv: it is empty"}},
		{"another encoding", "records/DEU.csv", "field clinic", "Lazarettplatz \xe4", []string{"malformed_csv: records/DEU.csv: it is not UTF-8"}},
		{"two errors in one file and one in another", "records/DEU.csv", "1,day,1001.01\n2023-11-07,MED,FRA,DEU,vaccine,30", "x,day,1001.01\n2023-11-07,MED,FRA,DEU,vaccine,y",
			[]string{"records/DEU.csv line 2", "records/DEU.csv line 3"}},
		{"a stranger's count", "records/USA.csv", "", "date\n", []string{"unknown_member: records/USA.csv"}},
		{"a workbook", "records/DEU.xlsx", "", "PK", []string{"unexpected_file: records/DEU.xlsx"}},
		{"a rate of nothing", "rates.csv", "0.86830", "0.0", []string{`rate_invalid: rates.csv line 2: GBP "0.0" is no rate`}},
		{"a rate with a comma", "rates.csv", "0.86830", `"0,8683"`, []string{"rate_invalid: rates.csv line 2"}},
		{"a day fixed twice", "rates.csv", "3 November", "7 November", []string{"malformed_csv: rates.csv line 3: 2023-11-07 is on line 2 already"}},
		{"a column without a currency", "rates.csv", "ITL", "Lira", []string{"unknown_currency: rates.csv line 1"}},
		{"a member's currency not fixed", "rates.csv", "KWD", "ITL", []string{`malformed_csv: rates.csv line 1: the column "ITL" is there twice`}},
		{"a member's currency without rates", "rates.csv", "KWD", "SEK", []string{"rate_missing: rates.csv: no reference rate of EUR and KWD on 2023-11-06 to 2023-11-07 or within 7 days before: no fixing on 2023-10-30 to 2023-11-01, 2023-11-04 to 2023-11-06, a fixing without them on 2023-11-02 to 2023-11-03;"}},
		{"an unknown member of JSON", "agreement.json", `"name": "France"`, `"name": "France", "capital": "Paris"`, []string{"malformed_json: agreement.json: members[1].capital: the name is unknown"}},
		{"a missing member of JSON", "agreement.json", `"tolerance_bp": 100,`, ``, []string{"malformed_json: agreement.json: tolerance_bp: it is missing"}},
		{"a member of JSON stated twice", "agreement.json", `"tolerance_bp": 100,`, `"tolerance_bp": 100, "tolerance_bp": 9,`, []string{"malformed_json: agreement.json: tolerance_bp: it is there twice"}},
		{"a tolerance in words", "agreement.json", `"tolerance_bp": 100`, `"tolerance_bp": "1%"`, []string{"malformed_json: agreement.json: tolerance_bp"}},
		{"broken JSON", "agreement.json", `"tolerance_bp": 100,`, `"tolerance_bp": 100`, []string{"malformed_json: agreement.json line 7"}},
		{"JSON in another encoding", "agreement.json", "Germany", "Deutschland \xe4", []string{"malformed_json: agreement.json: it is not UTF-8"}},
		{"a folder in place of a file", "rates.csv/x", "", "x", []string{"unexpected_file: rates.csv: it is no regular file"}},
		{"a list in place of an agreement", "agreement.json", "", "[]", []string{"malformed_json: agreement.json: an object is due here"}},
		{"an unknown currency", "agreement.json", "KWD", "KWX", []string{"unknown_currency: agreement.json: members[3].currency"}},
		{"a strange formula", "agreement.json", "actual_use", "by_magic", []string{`malformed_json: agreement.json: categories[0].formula: "by_magic" is no formula`}},
		{"shares that do not add up", "agreement.json", `"DEU": 2500`, `"DEU": 2501`, []string{"shares_invalid: agreement.json: categories[1]: MED: the shares add to 10001"}},
		{"a stranger's share", "agreement.json", `"DEU": 2500`, `"USA": 2500`, []string{"unknown_member: agreement.json: categories[1].shares.USA", "shares_invalid: agreement.json: categories[1].shares.DEU"}},
		{"no shares", "agreement.json", `, "shares": {"KWT": 2500, "DEU": 2500, "FRA": 2500, "GBR": 2500}`, ``, []string{"malformed_json: agreement.json: categories[1].shares: it is missing"}},
		{"a budget without a total", "agreement.json", `"total": "12.500"`, `"categories": {}`, []string{"malformed_json: agreement.json: budgets[0].total: it is missing"}},
		{"a budget in digits without quotes", "agreement.json", `"12.500"`, `12.500`, []string{"malformed_json: agreement.json: budgets[0].total: a text is due here"}},
		{"a budget with a comma", "agreement.json", `"12.500"`, `"12,500"`, []string{`amount_invalid: agreement.json: budgets[0].total: "12,500" is no amount of KWD`}},
		{"a budget of nothing written", "agreement.json", `"12.500"`, `""`, []string{"amount_invalid: agreement.json: budgets[0].total: \"\" is no amount of KWD: it is empty"}},
		{"a negative budget", "agreement.json", `"12.500"`, `"-1"`, []string{"amount_invalid: agreement.json: budgets[0].total"}},
		{"a budget beyond 63 bits", "agreement.json", `"12.500"`, `"9223372036854775.808"`, []string{"overflow: agreement.json: budgets[0].total"}},
		{"a budget of too fine an amount", "agreement.json", `"500.00"`, `"500.001"`, []string{"amount_invalid: agreement.json: budgets[2].total"}},
		{"a budget in no currency", "agreement.json", `"currency": "GBP", "total"`, `"currency": "GBX", "total"`, []string{"unknown_currency: agreement.json: budgets[1].currency"}},
		{"a budget of an unknown category", "agreement.json", `"PARTS": "1300.00"`, `"FUEL": "1300.00"`, []string{"unknown_category: agreement.json: budgets[1].categories.FUEL: it is no category"}},
		{"a limit stated twice", "agreement.json", `"WATER": "350"`, `"PARTS": "350"`, []string{"malformed_json: agreement.json: budgets[1].categories.PARTS: it is there twice"}},
		{"a limit that is no amount", "agreement.json", `"WATER": "350"`, `"WATER": "much"`, []string{"amount_invalid: agreement.json: budgets[1].categories.WATER"}},
		{"limits in a list", "agreement.json", `{"MED": "400"}`, `["MED"]`, []string{"malformed_json: agreement.json: budgets[2].categories: an object is due here"}},
		{"a limit above its total", "agreement.json", `"MED": "400"`, `"MED": "500.01"`, []string{`budget_invalid: agreement.json: budget of "FRA" in EUR: limit of MED: 500.01 EUR is more than the total`}},
		{"a stranger's budget", "agreement.json", `"nation": "FRA", "currency": "EUR", "total"`, `"nation": "USA", "currency": "EUR", "total"`, []string{`unknown_member: agreement.json: budget of "USA" in EUR`}},
		{"a budget in a nation's own currency", "agreement.json", `"nation": "KWT", "currency": "GBP", "total"`, `"nation": "GBR", "currency": "GBP", "total"`, []string{`budget_invalid: agreement.json: budget of "GBR" in GBP: no other member bills in it`}},
		{"a budget stated twice", "agreement.json", `"nation": "FRA", "currency": "EUR", "total"`, `"nation": "GBR", "currency": "EUR", "total"`, []string{`budget_invalid: agreement.json: budget of "GBR" in EUR: it is there already`}},
		{"an unknown member of a budget", "agreement.json", `"total": "500.5"`, `"total": "500.5", "year": 2023`, []string{"malformed_json: agreement.json: budgets[3].year: the name is unknown"}},
		{"budgets that are no list", "agreement.json", `"total": "500.5"}
  ]`, `"total": "500.5"}
  ], "budgets": null`, []string{"malformed_json: agreement.json: budgets: it is there twice", "malformed_json: agreement.json: budgets: a list is due here"}},
		{"an over-delivery", "cases/GBR-KWT-1/receipts.csv", "1,2,1,P1,P2,shaft bent", "1,3,3,P1;P2;P3,,", []string{"over_delivery: cases/GBR-KWT-1 receipt R1 (line 2)", "unknown_serial: cases/GBR-KWT-1 receipt R1 (line 2)"}},
		{"a case with an unknown member of JSON", "cases/GBR-KWT-1/case.json", "title", "titel", []string{"malformed_json: cases/GBR-KWT-1/case.json: titel: the name is unknown", "malformed_json: cases/GBR-KWT-1/case.json: title: it is missing"}},
		{"a loose file among the cases", "cases/notes.txt", "", "x", []string{"unexpected_file: cases/notes.txt"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Load(changed(t, tt.file, tt.from, tt.to))
			if err == nil || e != nil {
				t.Fatalf("accepted: %v", err)
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
		})
	}
}

func TestAMissingFileIsNamed(t *testing.T) {
	for _, name := range []string{"agreement.json", "rates.csv", "records/FRA.csv", "cases/GBR-KWT-1/case.json", "cases/GBR-KWT-1/contract.csv", "cases/GBR-KWT-1/receipts.csv"} {
		m := changed(t, "x", "", "x")
		delete(m, name)
		_, err := Load(m)
		if err == nil || !strings.HasPrefix(err.Error(), "file_missing: "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHiddenFilesAndAnAbsentCasesFolderDoNotMatter(t *testing.T) {
	m := changed(t, "records/.DS_Store", "", "x")
	for name := range m {
		if strings.HasPrefix(name, "cases/") {
			delete(m, name)
		}
	}
	e, err := Load(m)
	if err != nil || len(e.Cases) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestSizesAreCheckedBeforeParsing(t *testing.T) {
	m := changed(t, "agreement.json", "", strings.Repeat("[", MaxJSONBytes+1))
	_, err := Load(m)
	if refusal.CodeOf(err) != CodeTooLarge {
		t.Error(err)
	}
	if _, err := ReadCount(strings.NewReader(strings.Repeat("x", MaxCSVBytes+1)), "DEU", "big.csv"); refusal.CodeOf(err) != CodeTooLarge {
		t.Error(err)
	}
}

func TestAFileFullOfErrorsIsCutOffWithTheirNumber(t *testing.T) {
	text := "date,category,supplier,receiver,item,quantity,unit,unit_price\n" + strings.Repeat("2023-11-06,MED,DEU,FRA,x,many,day,1\n", MaxReported+50)
	_, err := ReadCount(strings.NewReader(text), "DEU", "big.csv")
	got := strings.Split(err.Error(), "\n")
	if len(got) != MaxReported+1 || got[MaxReported] != "and 50 further errors" {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
}
