package money

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"entente/schema/refusal"
)

// Amount is a whole number of minor units of one currency: 123450 with INR is 1234.50 INR. It may be negative, as a balance may. It is comparable.
type Amount struct {
	minor    int64
	currency Currency
}

// New gives minor units of a currency.
func New(minor int64, currency Currency) Amount { return Amount{minor, currency} }

// Zero gives nothing of a currency.
func Zero(currency Currency) Amount { return Amount{0, currency} }

// Parse reads a non-negative decimal such as "1234.50": digits, then at most one point and at most as many digits as the currency has. Signs, spaces,
// exponents, grouping, superfluous leading zeros and a bare point are refused with amount_invalid, what does not fit 63 bits with overflow.
func Parse(text string, currency Currency) (Amount, error) {
	if currency.IsZero() {
		return Amount{}, refusal.New(CodeUnknownCurrency, "an amount needs a currency", "name its currency")
	}
	invalid := func(why string) (Amount, error) {
		return Amount{}, refusal.Newf(CodeAmountInvalid, "write it such as "+example(currency), "%.40q is no amount of %s: %s", text, currency.code, why)
	}
	whole, fraction, point := strings.Cut(text, ".")
	switch {
	case text == "":
		return invalid("it is empty")
	case text[0] == '-':
		return invalid("it is negative")
	case strings.Contains(text, ","):
		return invalid("the decimal sign is a point and digits are not grouped")
	case !onlyDigits(whole) || !onlyDigits(fraction):
		return invalid("only digits and one point may stand here")
	case whole == "":
		return invalid("a digit must stand before the point")
	case len(whole) > 1 && whole[0] == '0':
		return invalid("it starts with a superfluous zero")
	case point && fraction == "":
		return invalid("a digit must follow the point")
	case len(fraction) > int(currency.digits):
		return invalid(fmt.Sprintf("it has %d fraction digits and the currency has %d", len(fraction), currency.digits))
	}
	units := whole + fraction + strings.Repeat("0", int(currency.digits)-len(fraction))
	minor, err := strconv.ParseInt(units, 10, 64)
	if err != nil {
		return Amount{}, overflow("%.40s %s", text, currency.code)
	}
	return Amount{minor, currency}, nil
}

// ParseSigned is Parse with an optional leading minus, for balances and differences.
func ParseSigned(text string, currency Currency) (Amount, error) {
	positive, negative := strings.CutPrefix(text, "-")
	a, err := Parse(positive, currency)
	if err != nil || !negative {
		return a, err
	}
	return a.Neg()
}

// Minor gives the minor units.
func (a Amount) Minor() int64 { return a.minor }

// Currency gives the currency.
func (a Amount) Currency() Currency { return a.currency }

// IsZero says whether the amount is nothing, whatever its currency.
func (a Amount) IsZero() bool { return a.minor == 0 }

// Decimal gives the number with exactly the currency's fraction digits and no grouping: "1234.50", "-0.05", "700".
func (a Amount) Decimal() string { return a.text("") }

// String gives the number and the code: "1234.50 INR".
func (a Amount) String() string { return a.Decimal() + " " + a.currency.code }

// Format is String for people: the whole part grouped by threes with commas, the same for every locale: "1,234.50 INR".
func (a Amount) Format() string { return a.text(",") + " " + a.currency.code }

func (a Amount) text(group string) string {
	units := strconv.FormatUint(a.magnitude(), 10)
	digits := int(a.currency.digits)
	if missing := digits + 1 - len(units); missing > 0 {
		units = strings.Repeat("0", missing) + units
	}
	whole, fraction := units[:len(units)-digits], units[len(units)-digits:]
	var b strings.Builder
	if a.minor < 0 {
		b.WriteByte('-')
	}
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteByte(whole[i])
	}
	if digits > 0 {
		b.WriteByte('.')
		b.WriteString(fraction)
	}
	return b.String()
}

// magnitude is the absolute value; the least int64 has one too.
func (a Amount) magnitude() uint64 {
	if a.minor < 0 {
		return -uint64(a.minor)
	}
	return uint64(a.minor)
}

// Add gives a + b, or refuses with currency_mismatch or overflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.currency != b.currency {
		return Amount{}, mismatch("%s and %s do not add", a, b)
	}
	sum := a.minor + b.minor
	if (sum > a.minor) != (b.minor > 0) {
		return Amount{}, overflow("%s plus %s", a, b)
	}
	return Amount{sum, a.currency}, nil
}

// Sub gives a - b, or refuses with currency_mismatch or overflow.
func (a Amount) Sub(b Amount) (Amount, error) {
	if a.currency != b.currency {
		return Amount{}, mismatch("%s cannot be taken from %s", b, a)
	}
	difference := a.minor - b.minor
	if (difference < a.minor) != (b.minor > 0) {
		return Amount{}, overflow("%s minus %s", a, b)
	}
	return Amount{difference, a.currency}, nil
}

// Neg gives -a; only the least amount of all overflows.
func (a Amount) Neg() (Amount, error) {
	if a.minor == math.MinInt64 {
		return Amount{}, overflow("the negative of %s", a)
	}
	return Amount{-a.minor, a.currency}, nil
}

// Cmp gives -1, 0 or 1 for a below, equal to or above b, or refuses with currency_mismatch.
func (a Amount) Cmp(b Amount) (int, error) {
	if a.currency != b.currency {
		return 0, mismatch("%s and %s do not compare", a, b)
	}
	switch {
	case a.minor < b.minor:
		return -1, nil
	case a.minor > b.minor:
		return 1, nil
	}
	return 0, nil
}

// Sum adds amounts of one currency; of none it gives zero of that currency.
func Sum(currency Currency, amounts ...Amount) (Amount, error) {
	total := Zero(currency)
	for _, a := range amounts {
		var err error
		if total, err = total.Add(a); err != nil {
			return Amount{}, err
		}
	}
	return total, nil
}

type amountJSON struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// MarshalJSON gives {"amount":"1234.50","currency":"INR"}: the number is a string, so that no reader makes it a float.
func (a Amount) MarshalJSON() ([]byte, error) {
	return json.Marshal(amountJSON{a.Decimal(), a.currency.code})
}

// UnmarshalJSON reads what MarshalJSON writes and nothing else: both members as strings, no further member. A negative number is accepted, since balances
// travel too; a place that wants none checks the sign.
func (a *Amount) UnmarshalJSON(data []byte) error {
	var raw amountJSON
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&raw); err != nil {
		return refusal.Newf(CodeAmountInvalid, `write {"amount":"12.50","currency":"INR"}`, "no amount in JSON: %v", err)
	}
	currency, err := ParseCurrency(raw.Currency)
	if err != nil {
		return err
	}
	parsed, err := ParseSigned(raw.Amount, currency)
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// example is one unit and two tenths of a currency, or one unit where it has no fraction.
func example(currency Currency) string {
	if currency.digits == 0 {
		return "1"
	}
	return "1.2" + strings.Repeat("0", int(currency.digits)-1)
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func overflow(format string, args ...any) *refusal.Refusal {
	return refusal.Newf(CodeOverflow, "split it into smaller amounts", "%s is beyond what a 64-bit amount can hold", fmt.Sprintf(format, args...))
}

func mismatch(format string, args ...any) *refusal.Refusal {
	return refusal.New(CodeCurrencyMismatch, fmt.Sprintf(format, args...), "convert one of them at a named rate first")
}
