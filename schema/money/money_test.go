package money

import (
	"encoding/json"
	"encoding/xml"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/refusal"
)

var inr, jpy, aud, kwd, eur = MustCurrency("INR"), MustCurrency("JPY"), MustCurrency("AUD"), MustCurrency("KWD"), MustCurrency("EUR")

func wantCode(t *testing.T, err error, code refusal.Code) {
	t.Helper()
	if got := refusal.CodeOf(err); got != code {
		t.Errorf("refused with %q (%v), want %q", got, err, code)
	}
}

func anyCurrency() *rapid.Generator[Currency] { return rapid.SampledFrom(Currencies()) }

func anyRounding() *rapid.Generator[Rounding] {
	return rapid.SampledFrom([]Rounding{RoundUp, RoundDown, RoundHalfUp, RoundHalfEven})
}

func anyMinor() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, math.MinInt64 + 1}))
}

func TestEveryCurrencyOfTableA1HasItsDigits(t *testing.T) {
	raw, err := os.ReadFile("../../../shared/data/refdata/iso4217_table_a1_current.xml")
	if err != nil {
		t.Skip("the published ISO 4217 table is not beside the repository: ", err)
	}
	var table struct {
		Entries []struct {
			Code  string `xml:"Ccy"`
			Units string `xml:"CcyMnrUnts"`
		} `xml:"CcyTbl>CcyNtry"`
	}
	if err := xml.Unmarshal(raw, &table); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, e := range table.Entries {
		if e.Code == "" {
			continue
		}
		c, err := ParseCurrency(e.Code)
		if e.Units == "N.A." {
			wantCode(t, err, CodeUnknownCurrency)
			continue
		}
		if err != nil || string('0'+rune(c.Digits())) != e.Units {
			t.Errorf("%s: %d digits (%v), the table says %s", e.Code, c.Digits(), err, e.Units)
		}
		checked++
	}
	if checked < 170 {
		t.Errorf("only %d currencies checked", checked)
	}
}

func TestWhatIsNoCurrencyIsRefused(t *testing.T) {
	for _, code := range []string{"", "inr", "INRR", "XAU", "XXX", "XTS", "ZZZ", "₹", " JPY", "DEM"} {
		_, err := ParseCurrency(code)
		wantCode(t, err, CodeUnknownCurrency)
	}
}

func TestParsingAnAmount(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		currency   Currency
		minor      int64
		code       refusal.Code
	}{
		{"with all its digits", "1234.50", inr, 123450, ""},
		{"with fewer digits", "1234.5", inr, 123450, ""},
		{"with none", "1234", inr, 123400, ""},
		{"yen have none", "1500", jpy, 1500, ""},
		{"dinars have three", "0.001", kwd, 1, ""},
		{"the largest", "92233720368547758.07", inr, math.MaxInt64, ""},
		{"zero", "0.00", inr, 0, ""},
		{"one beyond the largest", "92233720368547758.08", inr, 0, CodeOverflow},
		{"far beyond", strings.Repeat("9", 400), inr, 0, CodeOverflow},
		{"half a yen", "1.5", jpy, 0, CodeAmountInvalid},
		{"yen with a zero fraction", "1.0", jpy, 0, CodeAmountInvalid},
		{"a third digit of rupees", "1.005", inr, 0, CodeAmountInvalid},
		{"negative", "-1", inr, 0, CodeAmountInvalid},
		{"a plus sign", "+1", inr, 0, CodeAmountInvalid},
		{"an exponent", "1e3", inr, 0, CodeAmountInvalid},
		{"a decimal comma", "12,50", inr, 0, CodeAmountInvalid},
		{"grouping", "1,234.50", inr, 0, CodeAmountInvalid},
		{"a space", "1 234", inr, 0, CodeAmountInvalid},
		{"a leading space", " 1", inr, 0, CodeAmountInvalid},
		{"no digit before the point", ".5", inr, 0, CodeAmountInvalid},
		{"no digit after the point", "5.", inr, 0, CodeAmountInvalid},
		{"two points", "1.2.3", inr, 0, CodeAmountInvalid},
		{"a leading zero", "007", inr, 0, CodeAmountInvalid},
		{"other digits", "١٢", inr, 0, CodeAmountInvalid},
		{"hexadecimal", "0x10", inr, 0, CodeAmountInvalid},
		{"underscores", "1_000", inr, 0, CodeAmountInvalid},
		{"nothing", "", inr, 0, CodeAmountInvalid},
		{"not a number", "NaN", inr, 0, CodeAmountInvalid},
		{"no currency", "1", Currency{}, 0, CodeUnknownCurrency},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := Parse(tt.text, tt.currency)
			wantCode(t, err, tt.code)
			if err == nil && a != New(tt.minor, tt.currency) {
				t.Errorf("got %d", a.Minor())
			}
		})
	}
}

func TestARefusedAmountTellsWhatToWrite(t *testing.T) {
	_, err := Parse("1.5", jpy)
	want := `amount_invalid: "1.5" is no amount of JPY: it has 1 fraction digits and the currency has 0; nothing was changed; write it such as 1`
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAmountsAreWrittenInOneWay(t *testing.T) {
	for _, tt := range []struct {
		a               Amount
		plain, forHuman string
	}{
		{New(123450, inr), "1234.50 INR", "1,234.50 INR"},
		{New(-5, inr), "-0.05 INR", "-0.05 INR"},
		{New(123456789, jpy), "123456789 JPY", "123,456,789 JPY"},
		{New(-123456, kwd), "-123.456 KWD", "-123.456 KWD"},
		{New(math.MinInt64, jpy), "-9223372036854775808 JPY", "-9,223,372,036,854,775,808 JPY"},
		{Zero(aud), "0.00 AUD", "0.00 AUD"},
	} {
		if tt.a.String() != tt.plain || tt.a.Format() != tt.forHuman {
			t.Errorf("%q and %q, want %q and %q", tt.a.String(), tt.a.Format(), tt.plain, tt.forHuman)
		}
	}
}

func TestParseAndFormatRoundTripForEveryCurrency(t *testing.T) {
	all := Currencies()
	if len(all) < 165 {
		t.Fatalf("only %d currencies known", len(all))
	}
	for _, c := range all {
		rapid.Check(t, func(t *rapid.T) {
			a := New(anyMinor().Filter(func(n int64) bool { return n != math.MinInt64 }).Draw(t, "minor"), c)
			back, err := ParseSigned(a.Decimal(), c)
			if err != nil || back != a {
				t.Fatalf("%s came back as %s (%v)", a, back, err)
			}
			grouped, err := ParseSigned(strings.TrimSuffix(strings.ReplaceAll(a.Format(), ",", ""), " "+c.Code()), c)
			if err != nil || grouped != a {
				t.Fatalf("%s came back as %s (%v)", a.Format(), grouped, err)
			}
			data, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			var fromJSON Amount
			if err := json.Unmarshal(data, &fromJSON); err != nil || fromJSON != a {
				t.Fatalf("%s came back as %s (%v)", data, fromJSON, err)
			}
		})
	}
}

func TestJSONCarriesStringsAndNothingElse(t *testing.T) {
	data, _ := json.Marshal(New(1250, inr))
	if string(data) != `{"amount":"12.50","currency":"INR"}` {
		t.Errorf("got %s", data)
	}
	for _, bad := range []string{`{"amount":12.5,"currency":"INR"}`, `"12.50 INR"`, `{"amount":"12.50","currency":"INR","note":"x"}`, `{"amount":"1.5","currency":"JPY"}`, `{"amount":"--1","currency":"INR"}`} {
		var a Amount
		wantCode(t, json.Unmarshal([]byte(bad), &a), CodeAmountInvalid)
	}
	var a Amount
	wantCode(t, json.Unmarshal([]byte(`{"amount":"1","currency":"XAU"}`), &a), CodeUnknownCurrency)
}

func TestArithmeticRefusesMixedCurrenciesAndOverflow(t *testing.T) {
	_, err := New(1, inr).Add(New(1, jpy))
	wantCode(t, err, CodeCurrencyMismatch)
	_, err = New(1, inr).Sub(New(1, jpy))
	wantCode(t, err, CodeCurrencyMismatch)
	_, err = New(1, inr).Cmp(New(1, jpy))
	wantCode(t, err, CodeCurrencyMismatch)
	_, err = New(math.MinInt64, inr).Neg()
	wantCode(t, err, CodeOverflow)
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyMinor().Draw(t, "a"), anyMinor().Draw(t, "b")
		for sign, operate := range map[int64]func(Amount) (Amount, error){1: New(a, inr).Add, -1: New(a, inr).Sub} {
			want := new(big.Int).Mul(big.NewInt(sign), big.NewInt(b))
			want.Add(want, big.NewInt(a))
			got, err := operate(New(b, inr))
			if want.IsInt64() != (err == nil) || (err == nil && got.Minor() != want.Int64()) {
				t.Fatalf("%d and %d: %s, %v; exact %s", a, b, got, err, want)
			}
			if err != nil && refusal.CodeOf(err) != CodeOverflow {
				t.Fatal(err)
			}
		}
	})
}

func TestACurrencyTravelsAsItsCode(t *testing.T) {
	type pair struct{ A, B Currency }
	data, err := json.Marshal(pair{A: jpy})
	var back pair
	if err != nil || string(data) != `{"A":"JPY","B":""}` || json.Unmarshal(data, &back) != nil || back != (pair{A: jpy}) {
		t.Errorf("%s, %+v (%v)", data, back, err)
	}
	wantCode(t, json.Unmarshal([]byte(`{"A":"XXX"}`), &back), CodeUnknownCurrency)
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", "1234.50", "1.5", "-1", "1e9", "9223372036854775807", "00.1", "१२"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range []Currency{jpy, inr, kwd, MustCurrency("CLF")} {
			a, err := Parse(text, c)
			if err != nil {
				if refusal.CodeOf(err) == "" {
					t.Fatalf("%q: %v is no refusal", text, err)
				}
				continue
			}
			if back, err := Parse(a.Decimal(), c); err != nil || back != a || a.Minor() < 0 {
				t.Fatalf("%q: %s came back as %s (%v)", text, a, back, err)
			}
		}
	})
}
