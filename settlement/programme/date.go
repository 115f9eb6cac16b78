package programme

import (
	"cmp"
	"time"

	"entente/schema/refusal"
)

// Date is a civil date, without a time of day or a zone: the day as the units in the field wrote it. It is comparable; the zero value is no date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a date of the form 2023-10-04 that exists in the calendar (date_invalid).
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return Date{}, refusal.Newf(CodeDateInvalid, "write an existing day as 2023-10-04", "%.20q is no date", text)
	}
	return dateOf(t), nil
}

func dateOf(t time.Time) Date { return Date{t.Year(), t.Month(), t.Day()} }

func (d Date) noon() time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }

// String gives the form 2023-10-04.
func (d Date) String() string { return d.noon().Format(time.DateOnly) }

// IsZero says whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Compare gives -1, 0 or 1 for d before, equal to or after e.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Before says whether d is earlier than e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// AddDays gives the date n days later, or earlier where n is negative.
func (d Date) AddDays(n int) Date { return dateOf(d.noon().AddDate(0, 0, n)) }

// AddMonths gives the same day n months later, or the last day of that month where it has no such day: a year after 29 February is 28 February.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 12, 0, 0, 0, time.UTC)
	return Date{first.Year(), first.Month(), min(d.Day, first.AddDate(0, 1, -1).Day())}
}

// DateAt gives the civil date of a time in Unix milliseconds, in UTC.
func DateAt(atMS int64) Date { return dateOf(time.UnixMilli(atMS).UTC()) }

// DaysUntil gives the number of days from d to e, negative where e is earlier.
func (d Date) DaysUntil(e Date) int { return int(e.noon().Sub(d.noon()) / (24 * time.Hour)) }

// Weekday gives the day of the week.
func (d Date) Weekday() time.Weekday { return d.noon().Weekday() }

// MarshalText gives the form 2023-10-04.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDate reads.
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
