package money

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/shopspring/decimal"

	"entente/schema/refusal"
)

// MaxRateScale is the largest number of fraction digits of a rate.
const MaxRateScale = 18

// Rounding names how a result between two minor units becomes one of them. The values are stable on the wire.
type Rounding uint8

// The closed list of roundings. Zero is none of them, so that a rounding that was forgotten is refused.
const (
	RoundUp       Rounding = 1 // away from zero
	RoundDown     Rounding = 2 // towards zero
	RoundHalfUp   Rounding = 3 // to the nearest, halves away from zero
	RoundHalfEven Rounding = 4 // to the nearest, halves to the even neighbour
)

var roundingNames = map[Rounding]string{RoundUp: "up", RoundDown: "down", RoundHalfUp: "half_up", RoundHalfEven: "half_even"}

// String gives the rounding's stable name: up, down, half_up or half_even.
func (r Rounding) String() string {
	if name, ok := roundingNames[r]; ok {
		return name
	}
	return fmt.Sprintf("rounding(%d)", uint8(r))
}

// Valid says whether r is in the closed list.
func (r Rounding) Valid() bool { return r >= RoundUp && r <= RoundHalfEven }

// MarshalText gives the name; an unknown rounding is refused.
func (r Rounding) MarshalText() ([]byte, error) {
	if !r.Valid() {
		return nil, unknownRounding(r.String())
	}
	return []byte(r.String()), nil
}

// UnmarshalText reads a name.
func (r *Rounding) UnmarshalText(text []byte) error {
	for rounding, name := range roundingNames {
		if name == string(text) {
			*r = rounding
			return nil
		}
	}
	return unknownRounding(string(text))
}

func unknownRounding(name string) *refusal.Refusal {
	return refusal.Newf(CodeRoundingUnknown, "name one of up, down, half_up, half_even", "%.20q is no rounding", name)
}

// Rate says how many major units of Quote one major unit of Base costs: Mantissa / 10^Scale. It is comparable; two rates of equal value may differ in scale.
type Rate struct {
	mantissa    int64
	scale       uint8
	base, quote Currency
}

// NewRate gives mantissa / 10^scale, which must be positive, with at most 18 fraction digits, between two named currencies (rate_invalid).
func NewRate(mantissa int64, scale uint8, base, quote Currency) (Rate, error) {
	switch {
	case mantissa <= 0:
		return Rate{}, badRate("%s/%s: a rate must be above zero", base, quote)
	case scale > MaxRateScale:
		return Rate{}, badRate("%s/%s: %d fraction digits, at most %d are allowed", base, quote, scale, MaxRateScale)
	case base.IsZero() || quote.IsZero():
		return Rate{}, badRate("a rate needs two currencies")
	}
	return Rate{mantissa, scale, base, quote}, nil
}

// ParseRate reads a rate such as "1.8345" as written: the scale is the number of fraction digits.
func ParseRate(text string, base, quote Currency) (Rate, error) {
	whole, fraction, point := strings.Cut(text, ".")
	if whole == "" || (point && fraction == "") || !onlyDigits(whole) || !onlyDigits(fraction) {
		return Rate{}, badRate("%.40q is no rate of %s/%s: only digits and one point may stand here", text, base, quote)
	}
	if len(fraction) > MaxRateScale {
		return Rate{}, badRate("%.40q has %d fraction digits, at most %d are allowed", text, len(fraction), MaxRateScale)
	}
	mantissa, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok || !mantissa.IsInt64() {
		return Rate{}, badRate("%.40q has more digits than a rate can hold", text)
	}
	return NewRate(mantissa.Int64(), uint8(len(fraction)), base, quote)
}

// Cross gives the rate from base to quote out of two reference rates against one common currency, as the European Central Bank publishes them against the
// euro: quotePerCommon / basePerCommon, rounded to a number of significant digits, 1 to 18. The common currency itself has the reference rate 1. A result that needs more than 18 fraction digits
// is refused (rate_invalid): ask for fewer significant ones.
func Cross(base, quote Currency, basePerCommon, quotePerCommon decimal.Decimal, significant uint8, rounding Rounding) (Rate, error) {
	switch {
	case significant < 1 || significant > 18:
		return Rate{}, badRate("%s/%s: %d significant digits asked for, 1 to 18 are possible", base, quote, significant)
	case !rounding.Valid():
		return Rate{}, unknownRounding(rounding.String())
	case basePerCommon.Sign() <= 0 || quotePerCommon.Sign() <= 0 || !workable(basePerCommon) || !workable(quotePerCommon):
		return Rate{}, badRate("%s/%s: a reference rate must be above zero and of a sane length", base, quote)
	}
	num, den := fractionOf(quotePerCommon)
	baseNum, baseDen := fractionOf(basePerCommon)
	num.Mul(num, baseDen)
	den.Mul(den, baseNum)
	// The scale estimated from the digit counts is right or one too high; so is the one after rounding 9.99 up to 10.0.
	scale := int(significant) - (len(num.String()) - len(den.String()))
	limit := pow10(int(significant))
	for ; ; scale-- {
		mantissa := roundedQuotient(scaledBy(num, scale), scaledBy(den, -scale), rounding)
		if mantissa.Cmp(limit) >= 0 {
			continue
		}
		for scale < 0 {
			mantissa.Mul(mantissa, big.NewInt(10))
			scale++
		}
		if scale > MaxRateScale || !mantissa.IsInt64() {
			return Rate{}, badRate("%s/%s: the cross rate does not fit %d digits", base, quote, MaxRateScale)
		}
		return NewRate(mantissa.Int64(), uint8(scale), base, quote)
	}
}

// Mantissa gives the rate's integer digits.
func (r Rate) Mantissa() int64 { return r.mantissa }

// Scale gives the number of fraction digits, 0 to 18.
func (r Rate) Scale() uint8 { return r.scale }

// Base gives the currency one major unit of which is priced.
func (r Rate) Base() Currency { return r.base }

// Quote gives the currency of the price.
func (r Rate) Quote() Currency { return r.quote }

// IsZero says whether r is no rate.
func (r Rate) IsZero() bool { return r == Rate{} }

// Decimal gives the number with exactly its scale's fraction digits, so that ParseRate gives back the same rate.
func (r Rate) Decimal() string {
	return decimal.New(r.mantissa, -int32(r.scale)).StringFixed(int32(r.scale))
}

// String gives "1.8345 JPY/INR": that many JPY for one INR.
func (r Rate) String() string { return r.Decimal() + " " + r.quote.code + "/" + r.base.code }

// Convert gives the amount in the quote currency. The exact product is rounded once, as named, to the quote currency's minor unit. Refuses with
// currency_mismatch when a is not in the base currency, and with overflow.
func (r Rate) Convert(a Amount, rounding Rounding) (Amount, error) {
	switch {
	case r.IsZero():
		return Amount{}, badRate("no rate was given to convert %s", a)
	case a.currency != r.base:
		return Amount{}, mismatch("%s cannot be converted at %s", a, r)
	case !rounding.Valid():
		return Amount{}, unknownRounding(rounding.String())
	}
	num := new(big.Int).Mul(big.NewInt(a.minor), big.NewInt(r.mantissa))
	num.Mul(num, pow10(int(r.quote.digits)))
	den := pow10(int(r.scale) + int(r.base.digits))
	minor := roundedQuotient(num, den, rounding)
	if !minor.IsInt64() {
		return Amount{}, overflow("%s at %s", a, r)
	}
	return Amount{minor.Int64(), r.quote}, nil
}

// LineTotal gives quantity times unit price (in major units, with as many digits as the contract states), rounded once to the currency's minor unit.
// Negative factors are refused with amount_invalid, results beyond 63 bits with overflow.
func LineTotal(quantity, unitPrice decimal.Decimal, currency Currency, rounding Rounding) (Amount, error) {
	switch {
	case currency.IsZero():
		return Amount{}, refusal.New(CodeUnknownCurrency, "a line total needs a currency", "name its currency")
	case !rounding.Valid():
		return Amount{}, unknownRounding(rounding.String())
	case !workable(quantity) || !workable(unitPrice):
		return Amount{}, refusal.New(CodeAmountInvalid, "a quantity or unit price has more digits than a line can carry", "write it with at most 30 digits")
	case quantity.Sign() < 0 || unitPrice.Sign() < 0:
		return Amount{}, refusal.Newf(CodeAmountInvalid, "bill a credit in the other direction", "%s times %s is negative", quantity, unitPrice)
	}
	num, den := fractionOf(quantity)
	priceNum, priceDen := fractionOf(unitPrice)
	num.Mul(num, priceNum)
	num.Mul(num, pow10(int(currency.digits)))
	minor := roundedQuotient(num, den.Mul(den, priceDen), rounding)
	if !minor.IsInt64() {
		return Amount{}, overflow("%s times %s %s", quantity, unitPrice, currency)
	}
	return Amount{minor.Int64(), currency}, nil
}

// workable bounds a decimal from outside before its exponent is expanded: 1e999999999 is three bytes long and fills the memory.
func workable(d decimal.Decimal) bool {
	return d.Exponent() >= -30 && d.Exponent() <= 30 && d.Coefficient().BitLen() <= 128
}

// fractionOf gives d as a new numerator and denominator.
func fractionOf(d decimal.Decimal) (num, den *big.Int) {
	exponent := int(d.Exponent())
	return scaledBy(d.Coefficient(), exponent), pow10(max(0, -exponent))
}

// scaledBy gives n times 10^by as a new number, or n itself copied when by is not positive.
func scaledBy(n *big.Int, by int) *big.Int { return new(big.Int).Mul(n, pow10(max(0, by))) }

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// roundedQuotient gives num / den for den > 0.
func roundedQuotient(num, den *big.Int, rounding Rounding) *big.Int {
	quotient, remainder := new(big.Int).QuoRem(num, den, new(big.Int))
	if remainder.Sign() == 0 {
		return quotient
	}
	half := new(big.Int).Abs(remainder)
	half.Lsh(half, 1)
	away := false
	switch rounding {
	case RoundUp:
		away = true
	case RoundHalfUp:
		away = half.Cmp(den) >= 0
	case RoundHalfEven:
		cmp := half.Cmp(den)
		away = cmp > 0 || cmp == 0 && quotient.Bit(0) == 1
	}
	if away {
		quotient.Add(quotient, big.NewInt(int64(num.Sign())))
	}
	return quotient
}

func badRate(format string, args ...any) *refusal.Refusal {
	return refusal.New(CodeRateInvalid, fmt.Sprintf(format, args...), "give a positive decimal such as 1.8345 between two currencies")
}
