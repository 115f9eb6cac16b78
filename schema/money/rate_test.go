package money

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"entente/schema/refusal"
)

func TestParsingARate(t *testing.T) {
	for _, good := range []string{"1", "1.8345", "0.5500", "0.000000000000000001", "9223372036854775807"} {
		r, err := ParseRate(good, jpy, inr)
		if err != nil || r.Decimal() != good {
			t.Errorf("%s came back as %s (%v)", good, r.Decimal(), err)
		}
	}
	for _, bad := range []string{"", "0", "0.000", "-1", "+1", ".5", "1.", "1e3", "1,5", " 1", "1.0000000000000000001", "9223372036854775808", strings.Repeat("1", 300)} {
		_, err := ParseRate(bad, jpy, inr)
		wantCode(t, err, CodeRateInvalid)
	}
	_, err := ParseRate("1", Currency{}, inr)
	wantCode(t, err, CodeRateInvalid)
	_, err = NewRate(1, 19, jpy, inr)
	wantCode(t, err, CodeRateInvalid)
}

func TestConversionRoundsOnceAsNamed(t *testing.T) {
	for _, tt := range []struct {
		name, rate string
		a          Amount
		quote      Currency
		up, down   int64
		half, even int64
	}{
		{"yen to rupees gains digits", "0.5863", New(1000, jpy), inr, 58630, 58630, 58630, 58630},
		{"an exact half", "0.5", New(1, jpy), jpy, 1, 0, 1, 0},
		{"an exact half above one", "0.5", New(3, jpy), jpy, 2, 1, 2, 2},
		{"a negative half", "0.5", New(-3, jpy), jpy, -2, -1, -2, -2},
		{"below the half", "0.333", New(1, jpy), jpy, 1, 0, 0, 0},
		{"rupees to yen loses digits", "1.7056", New(12345, inr), jpy, 211, 210, 211, 211},
		{"dinars to dollars", "4.9876", New(1001, kwd), aud, 500, 499, 499, 499},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseRate(tt.rate, tt.a.Currency(), tt.quote)
			if err != nil {
				t.Fatal(err)
			}
			for rounding, want := range map[Rounding]int64{RoundUp: tt.up, RoundDown: tt.down, RoundHalfUp: tt.half, RoundHalfEven: tt.even} {
				got, err := r.Convert(tt.a, rounding)
				if err != nil || got != New(want, tt.quote) {
					t.Errorf("%s: %s (%v), want %d", rounding, got, err, want)
				}
			}
		})
	}
}

func TestConversionIsWithinOneUnitOfTheExactValueOrOverflows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, quote := anyCurrency().Draw(t, "base"), anyCurrency().Draw(t, "quote")
		r, err := NewRate(rapid.Int64Range(1, math.MaxInt64).Draw(t, "mantissa"), uint8(rapid.IntRange(0, 18).Draw(t, "scale")), base, quote)
		if err != nil {
			t.Fatal(err)
		}
		a := New(anyMinor().Draw(t, "minor"), base)
		rounding := anyRounding().Draw(t, "rounding")
		exact := new(big.Rat).Mul(new(big.Rat).SetInt64(a.Minor()), new(big.Rat).SetFrac(big.NewInt(r.Mantissa()), pow10(int(r.Scale()))))
		exact.Mul(exact, new(big.Rat).SetFrac(pow10(int(quote.Digits())), pow10(int(base.Digits()))))
		got, err := r.Convert(a, rounding)
		if err != nil {
			if refusal.CodeOf(err) != CodeOverflow || exact.Cmp(new(big.Rat).SetInt64(math.MaxInt64-1)) < 0 && exact.Cmp(new(big.Rat).SetInt64(math.MinInt64+1)) > 0 {
				t.Fatalf("%s at %s: %v", a, r, err)
			}
			return
		}
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(got.Minor()), exact)
		bound := big.NewRat(1, 1)
		if rounding == RoundHalfUp || rounding == RoundHalfEven {
			bound = big.NewRat(1, 2)
		}
		outward := off.Sign() * exact.Sign()
		if new(big.Rat).Abs(off).Cmp(bound) > 0 || rounding == RoundUp && outward < 0 || rounding == RoundDown && outward > 0 {
			t.Fatalf("%s at %s rounded %s is %s", a, r, rounding, got)
		}
	})
}

func TestConversionRefusesForeignAmountsAndUnnamedRoundings(t *testing.T) {
	r, _ := ParseRate("0.5863", jpy, inr)
	_, err := r.Convert(New(1, aud), RoundHalfEven)
	wantCode(t, err, CodeCurrencyMismatch)
	for _, rounding := range []Rounding{0, 5, 255} {
		_, err = r.Convert(New(1, jpy), rounding)
		wantCode(t, err, CodeRoundingUnknown)
	}
	_, err = Rate{}.Convert(New(1, jpy), RoundUp)
	wantCode(t, err, CodeRateInvalid)
	_, err = r.Convert(New(math.MaxInt64, jpy), RoundDown)
	wantCode(t, err, CodeOverflow)
}

func TestCrossRatesComeFromReferenceRatesAgainstTheEuro(t *testing.T) {
	dec := decimal.RequireFromString
	// European Central Bank, 2023-12-29: JPY 156.33, INR 91.9045, AUD 1.6263.
	for _, tt := range []struct {
		base, quote       Currency
		perBase, perQuote string
		significant       uint8
		want              string
	}{
		{jpy, inr, "156.33", "91.9045", 6, "0.587888"},
		{aud, jpy, "1.6263", "156.33", 6, "96.1262"},
		{inr, jpy, "91.9045", "156.33", 3, "1.70"},
		{eur, inr, "1", "91.9045", 6, "91.9045"},
		{aud, jpy, "1.6263", "156.33", 1, "100"},
		{jpy, jpy, "156.33", "156.33", 4, "1.000"},
		{inr, jpy, "1", "9.996", 3, "10.0"},
		{inr, jpy, "1", "99999.6", 5, "100000"},
	} {
		r, err := Cross(tt.base, tt.quote, dec(tt.perBase), dec(tt.perQuote), tt.significant, RoundHalfEven)
		if err != nil || r.Decimal() != tt.want || r.Base() != tt.base || r.Quote() != tt.quote {
			t.Errorf("%s/%s: %s (%v), want %s", tt.base, tt.quote, r, err, tt.want)
		}
	}
	for _, bad := range [][2]string{{"0", "1"}, {"1", "-1"}, {"1", "1e31"}, {"1e-31", "1"}, {"1", "1e-19"}} {
		_, err := Cross(jpy, inr, dec(bad[0]), dec(bad[1]), 6, RoundHalfEven)
		wantCode(t, err, CodeRateInvalid)
	}
	_, err := Cross(jpy, inr, dec("1"), dec("1"), 19, RoundHalfEven)
	wantCode(t, err, CodeRateInvalid)
}

func TestACrossRateIsWithinHalfAUnitOfItsLastDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := decimal.New(rapid.Int64Range(1, 99_999_999).Draw(t, "base"), -4)
		quote := decimal.New(rapid.Int64Range(1, 99_999_999).Draw(t, "quote"), -4)
		significant := uint8(rapid.IntRange(1, 10).Draw(t, "significant"))
		r, err := Cross(jpy, inr, base, quote, significant, RoundHalfEven)
		if err != nil {
			t.Fatal(err)
		}
		digits := strings.TrimLeft(strings.Replace(r.Decimal(), ".", "", 1), "0")
		if len(digits) < int(significant) || strings.TrimRight(digits[significant:], "0") != "" {
			t.Fatalf("%s has not %d significant digits", r, significant)
		}
		exact := new(big.Rat).Quo(quote.Rat(), base.Rat())
		off := new(big.Rat).Sub(decimal.RequireFromString(r.Decimal()).Rat(), exact)
		// Half a unit of the last significant digit is at most 5 / 10^significant of the value.
		bound := new(big.Rat).Mul(exact, new(big.Rat).SetFrac(big.NewInt(5), pow10(int(significant))))
		if off.Abs(off).Cmp(bound) > 0 {
			t.Fatalf("%s for %s is too far off", r, exact.FloatString(20))
		}
	})
}

func TestALineTotalIsQuantityTimesUnitPriceRoundedOnce(t *testing.T) {
	dec := decimal.RequireFromString
	// Three bytes that would fill the memory if their exponent were expanded.
	for _, huge := range []decimal.Decimal{decimal.New(1, 999_999_999), decimal.New(1, -999_999_999)} {
		_, err := LineTotal(huge, dec("1"), inr, RoundHalfEven)
		wantCode(t, err, CodeAmountInvalid)
		_, err = Cross(jpy, inr, huge, dec("1"), 6, RoundHalfEven)
		wantCode(t, err, CodeRateInvalid)
	}
	for _, tt := range []struct {
		quantity, price string
		currency        Currency
		want            int64
		code            refusal.Code
	}{
		{"12.5", "3.10", inr, 3875, ""},
		{"3", "0.005", inr, 2, ""},
		{"1", "0.005", inr, 0, ""},
		{"10", "151.25", jpy, 1512, ""},
		{"2.5", "1.0001", kwd, 2500, ""},
		{"0", "5", inr, 0, ""},
		{"1e3", "2", inr, 200000, ""},
		{"-1", "5", inr, 0, CodeAmountInvalid},
		{"1", "-5", inr, 0, CodeAmountInvalid},
		{"1e31", "1", inr, 0, CodeAmountInvalid},
		{"1e-31", "1", inr, 0, CodeAmountInvalid},
		{"92233720368547758.08", "1", inr, 0, CodeOverflow},
	} {
		got, err := LineTotal(dec(tt.quantity), dec(tt.price), tt.currency, RoundHalfEven)
		wantCode(t, err, tt.code)
		if err == nil && got != New(tt.want, tt.currency) {
			t.Errorf("%s times %s %s is %s, want %d", tt.quantity, tt.price, tt.currency, got, tt.want)
		}
	}
}

func TestRoundingsKeepTheirNamesAndWireValues(t *testing.T) {
	for value, name := range map[Rounding]string{1: "up", 2: "down", 3: "half_up", 4: "half_even"} {
		text, err := value.MarshalText()
		var back Rounding
		if err != nil || string(text) != name || back.UnmarshalText(text) != nil || back != value {
			t.Errorf("%d: %s, back %d (%v)", value, text, back, err)
		}
	}
	var r Rounding
	wantCode(t, r.UnmarshalText([]byte("nearest")), CodeRoundingUnknown)
	_, err := Rounding(0).MarshalText()
	wantCode(t, err, CodeRoundingUnknown)
	if !errors.Is(err, &refusal.Refusal{Code: CodeRoundingUnknown}) {
		t.Error("not a refusal")
	}
}
