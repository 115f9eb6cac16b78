package money

import (
	"slices"

	"github.com/bojanz/currency"

	"entente/schema/refusal"
)

// Currency is one currency of ISO 4217 that has a minor unit. It is comparable; the zero value is no currency.
type Currency struct {
	code   string
	digits uint8
}

// added lists currencies of ISO 4217 that the library's CLDR-derived table leaves out, with their digits.
var added = map[string]uint8{
	"CUC": 2, // Peso Convertible: out of circulation since 2021, still in table A.1 as published on 2024-06-25
	"XCG": 2, // Caribbean Guilder: amendment 176, in force since 2025-03-31
	"ZWG": 2, // Zimbabwe Gold: amendment 177, in force since 2024-09-25
}

// ParseCurrency gives the currency of a three-letter upper-case ISO 4217 code. Precious metals, bond market units, XTS and XXX have no minor unit and are
// refused like unknown codes, with unknown_currency.
func ParseCurrency(code string) (Currency, error) {
	if digits, ok := added[code]; ok {
		return Currency{code, digits}, nil
	}
	digits, ok := currency.GetDigits(code)
	if !ok {
		return Currency{}, refusal.Newf(CodeUnknownCurrency, "use a three-letter code of ISO 4217, such as JPY", "%.20q is no currency with a minor unit", code)
	}
	return Currency{code, digits}, nil
}

// MustCurrency is ParseCurrency for codes written in the program; it panics on any other.
func MustCurrency(code string) Currency {
	c, err := ParseCurrency(code)
	if err != nil {
		panic(err)
	}
	return c
}

// Currencies gives every known currency, ordered by code.
func Currencies() []Currency {
	codes := slices.Clone(currency.GetCurrencyCodes())
	for code := range added {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	all := make([]Currency, 0, len(codes))
	for _, code := range slices.Compact(codes) {
		all = append(all, MustCurrency(code))
	}
	return all
}

// Code gives the three letters, or "" for the zero value.
func (c Currency) Code() string { return c.code }

// String gives the code.
func (c Currency) String() string { return c.code }

// Digits gives the number of fraction digits, 0 to 4.
func (c Currency) Digits() uint8 { return c.digits }

// IsZero says whether c is no currency.
func (c Currency) IsZero() bool { return c == Currency{} }

// MarshalText gives the code; in JSON a currency is a string.
func (c Currency) MarshalText() ([]byte, error) { return []byte(c.code), nil }

// UnmarshalText reads a code. An empty text gives the zero value, so that a currency that was never set survives a round trip.
func (c *Currency) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Currency{}
		return nil
	}
	parsed, err := ParseCurrency(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
