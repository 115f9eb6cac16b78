package intake

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/settlement/programme"
)

const (
	// MaxFallbackDays is how old a fixing may be on the day it is used. No fixing is published at weekends and on the euro's bank holidays; the longest
	// regular gap, over Easter, is five days.
	MaxFallbackDays = 7
	// SignificantDigits is the precision of cross rates. The reference rates themselves have five or six digits.
	SignificantDigits = 8
)

// Rates are euro reference rates by day.
type Rates struct {
	fixings []fixing // ordered by date
}

type fixing struct {
	date programme.Date
	rate map[money.Currency]decimal.Decimal // units of the currency for one euro
}

var euro = money.MustCurrency("EUR")

// ReadRates reads euro reference rates in the layouts of the European Central Bank: a column Date and one for each currency; days as 2023-10-04 or
// "4 October 2023", in any order; N/A or nothing where there is no rate; a trailing comma; spaces after commas. Columns of withdrawn currencies are ignored.
// Everything unreadable is refused at once (malformed_csv, date_invalid, rate_invalid, too_large).
func ReadRates(r io.Reader, source string) (Rates, error) {
	var p problems
	rates := readRates(r, source, &p)
	return rates, p.err()
}

func readRates(r io.Reader, source string, p *problems) Rates {
	t := newTable(r, source, p)
	if t == nil || !t.require("date") {
		return Rates{}
	}
	columns := map[int]money.Currency{}
	for i, name := range t.names {
		if currency, err := money.ParseCurrency(name); err == nil {
			columns[i] = currency
		} else if i != t.column["date"] && name != "" && !threeLetters(name) {
			p.refuse(money.CodeUnknownCurrency, source+" line 1", "head every column with a three-letter code of ISO 4217", "the column %.40q names no currency", name)
		}
	}
	var rates Rates
	lineOf := map[programme.Date]int{}
	for row := t.next(); row != nil; row = t.next() {
		date, ok := row.fixingDate()
		if !ok {
			continue
		}
		if first, repeated := lineOf[date]; repeated {
			p.refuse(CodeMalformedCSV, row.place(), "keep one of them", "%s is on line %d already", date, first)
			continue
		}
		lineOf[date] = row.line
		f := fixing{date, make(map[money.Currency]decimal.Decimal, len(columns))}
		for i, currency := range columns {
			text := row.cells[i]
			if text == "" || text == "N/A" {
				continue
			}
			if !numberForm.MatchString(text) || strings.Trim(text, "0.") == "" || text[0] == '-' {
				p.refuse(money.CodeRateInvalid, row.place(), "write a positive decimal such as 91.9045, or N/A", "%s %.40q is no rate", currency, text)
				continue
			}
			f.rate[currency] = decimal.RequireFromString(text)
		}
		rates.fixings = append(rates.fixings, f)
	}
	slices.SortFunc(rates.fixings, func(a, b fixing) int { return a.date.Compare(b.date) })
	return rates
}

// fixingDate reads the day of a fixing in either of the bank's forms.
func (r *row) fixingDate() (programme.Date, bool) {
	if t, err := time.Parse("2 January 2006", r.text("date")); err == nil {
		return programme.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()}, true
	}
	return r.date("date")
}

func threeLetters(name string) bool {
	return len(name) == 3 && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// On gives the rate of a currency on exactly this day, in units of it for one euro, or false.
func (r Rates) On(date programme.Date, currency money.Currency) (decimal.Decimal, bool) {
	i, found := r.search(date)
	if !found {
		return decimal.Decimal{}, false
	}
	return r.fixings[i].of(currency)
}

func (f fixing) of(currency money.Currency) (decimal.Decimal, bool) {
	if currency == euro {
		return decimal.NewFromInt(1), true
	}
	rate, ok := f.rate[currency]
	return rate, ok
}

func (r Rates) search(date programme.Date) (int, bool) {
	return slices.BinarySearchFunc(r.fixings, date, func(f fixing, d programme.Date) int { return f.date.Compare(d) })
}

// Cross gives the rate from base to quote of the latest fixing on or before a day that has both, and that fixing's day. It is rounded half to even to
// SignificantDigits. A fixing more than MaxFallbackDays old is refused with rate_missing.
func (r Rates) Cross(date programme.Date, base, quote money.Currency) (money.Rate, programme.Date, error) {
	i, found := r.search(date)
	if !found {
		i--
	}
	for ; i >= 0 && r.fixings[i].date.DaysUntil(date) <= MaxFallbackDays; i-- {
		f := r.fixings[i]
		basePer, baseOK := f.of(base)
		quotePer, quoteOK := f.of(quote)
		if baseOK && quoteOK {
			rate, err := money.Cross(base, quote, basePer, quotePer, SignificantDigits, money.RoundHalfEven)
			return rate, f.date, err
		}
	}
	return money.Rate{}, programme.Date{}, refusal.Newf(CodeRateMissing, "add the fixing to the rates", "no reference rate of %s and %s on %s or within %d days before: %s",
		base, quote, date, MaxFallbackDays, r.why(date, base, quote))
}

// why names the days on which a rate was looked for: those without any fixing, and those whose fixing lacks one of the currencies.
func (r Rates) why(date programme.Date, base, quote money.Currency) string {
	var lacking []programme.Date
	first := date.AddDays(-MaxFallbackDays)
	for d := first; !date.Before(d); d = d.AddDays(1) {
		i, found := r.search(d)
		if !found {
			continue
		}
		_, baseOK := r.fixings[i].of(base)
		_, quoteOK := r.fixings[i].of(quote)
		if !baseOK || !quoteOK {
			lacking = append(lacking, d)
		}
	}
	var told []string
	if none := r.DaysWithoutFixing(first, date); len(none) > 0 {
		told = append(told, "no fixing on "+spans(none))
	}
	if len(lacking) > 0 {
		told = append(told, "a fixing without them on "+spans(lacking))
	}
	return strings.Join(told, ", ")
}

// spans writes ascending days as "2023-12-23 to 2023-12-26, 2023-12-30".
func spans(days []programme.Date) string {
	var b strings.Builder
	for i := 0; i < len(days); i++ {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		first := days[i]
		b.WriteString(first.String())
		for i+1 < len(days) && days[i+1] == days[i].AddDays(1) {
			i++
		}
		if days[i] != first {
			b.WriteString(" to " + days[i].String())
		}
	}
	return b.String()
}

// DaysWithoutFixing names the days of a period, both ends included, on which nothing was fixed: weekends and holidays, or gaps in the file.
func (r Rates) DaysWithoutFixing(first, last programme.Date) (days []programme.Date) {
	for d := first; !last.Before(d); d = d.AddDays(1) {
		if _, found := r.search(d); !found {
			days = append(days, d)
		}
	}
	return days
}
