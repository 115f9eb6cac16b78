package intake

import (
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"entente/schema/refusal"
	"entente/settlement/programme"
)

// Numbers says how a file writes its numbers. Nothing is guessed: 1.234 is a thousand and some or one and some by this alone.
type Numbers struct {
	Decimal string // the decimal sign: "." or ","
	Group   string // what groups digits: "", ".", ",", " " or "'"; a space stands for the no-break spaces too
}

var groupings = []string{"", ".", ",", " ", "'"}

// parse reads digits with at most one decimal sign and, where they are stated, correct groups: of three, or as in India of two before the last three.
func (n Numbers) parse(text string) (decimal.Decimal, bool) {
	unsigned, negative := strings.CutPrefix(text, "-")
	whole, fraction, point := strings.Cut(unsigned, n.Decimal)
	whole, ok := n.ungrouped(whole)
	if !ok || !digits(whole) || point && !digits(fraction) || len(whole) > 18 || len(fraction) > 18 {
		return decimal.Decimal{}, false
	}
	d, err := exact(whole, fraction)
	if err != nil {
		return decimal.Decimal{}, false
	}
	if negative {
		d = d.Neg()
	}
	return d, true
}

// exact gives the number of digits before and after the point.
func exact(whole, fraction string) (decimal.Decimal, error) {
	if len(whole)+len(fraction) <= 18 {
		n, err := strconv.ParseInt(whole+fraction, 10, 64)
		return decimal.New(n, -int32(len(fraction))), err
	}
	return decimal.NewFromString(whole + "." + fraction)
}

func (n Numbers) ungrouped(whole string) (string, bool) {
	if n.Group == "" {
		return whole, true
	}
	if n.Group == " " {
		whole = strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(whole)
	}
	groups := strings.Split(whole, n.Group)
	last := len(groups) - 1
	if last == 0 {
		return whole, true
	}
	width := len(groups[last-1]) // of the groups between the first and the last
	if last == 1 {
		width = 3
	}
	for i, group := range groups {
		switch {
		case i == last && len(group) != 3, i == 0 && (len(group) < 1 || len(group) > width), i > 0 && i < last && (len(group) != width || width < 2 || width > 3):
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// significantDigits is how many digits of a sheet's number count. A workbook stores binary fractions, often with the digits of the nearest one spelt out:
// 0.32000000000000001 was typed, and is shown, as 0.32.
const significantDigits = 15

// sheetNumber reads the number a workbook's cell holds, as it is shown: to 15 significant digits.
func sheetNumber(text string) (decimal.Decimal, bool) {
	if len(text) > 40 {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(text)
	if err != nil || d.Exponent() > 30 || d.Exponent() < -400 {
		return decimal.Decimal{}, false
	}
	if over := d.NumDigits() - significantDigits; over > 0 {
		d = d.RoundBank(-d.Exponent() - int32(over))
	}
	d, err = decimal.NewFromString(d.String()) // which has no zeros at the end of a fraction
	return d, err == nil
}

// dateLayout turns a stated form such as DD.MM.YYYY into Go's, or gives false. Year, month and day must each stand in it once, the year with four digits.
func dateLayout(form string) (string, bool) {
	layout, rest := "", form
	seen := map[string]bool{}
	for rest != "" {
		token, goes := "", ""
		for _, t := range []struct{ token, goes, what string }{
			{"YYYY", "2006", "year"}, {"Month", "January", "month"}, {"MM", "01", "month"}, {"M", "1", "month"}, {"DD", "02", "day"}, {"D", "2", "day"},
		} {
			if strings.HasPrefix(rest, t.token) {
				if seen[t.what] {
					return "", false
				}
				seen[t.what], token, goes = true, t.token, t.goes
				break
			}
		}
		if token == "" {
			if !strings.ContainsRune("-./ ", rune(rest[0])) {
				return "", false
			}
			token, goes = rest[:1], rest[:1]
		}
		layout, rest = layout+goes, rest[len(token):]
	}
	return layout, len(seen) == 3
}

// parseDate reads a day in a stated form.
func parseDate(text, form, layout string) (programme.Date, *refusal.Refusal) {
	if layout == time.DateOnly && len(text) != len(layout) {
		return programme.Date{}, noDate(text, form)
	}
	t, err := time.Parse(layout, text)
	if err != nil || t.Year() < 1 {
		return programme.Date{}, noDate(text, form)
	}
	return programme.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()}, nil
}

func noDate(text, form string) *refusal.Refusal {
	return refusal.Newf(programme.CodeDateInvalid, "write an existing day as "+form+", or state another form", "%.40q is no date", text)
}

// startsFormula are the characters with which a spreadsheet program begins to calculate a text, with their full-width twins.
const startsFormula = "=+-@\uff1d\uff0b\uff0d\uff20\t\r"

// neutral gives a text as a spreadsheet program may read it without calculating: with an apostrophe before what would begin a formula. Texts that
// already are such get one more, so that plain gives back exactly what neutral was given.
func neutral(text string) string {
	if calculates(strings.TrimLeft(text, "'")) {
		return "'" + text
	}
	return text
}

// plain takes the apostrophe of neutral away, and says whether the text is none that begins a formula.
func plain(text string) (string, bool) {
	bare := strings.TrimLeft(text, "'")
	if !calculates(bare) {
		return text, true
	}
	if len(bare) == len(text) {
		return text, false
	}
	return text[1:], true
}

func calculates(text string) bool {
	for _, r := range text {
		return strings.ContainsRune(startsFormula, r)
	}
	return false
}
