package wire

import (
	"fmt"
	"time"

	"entente/schema/refusal"
)

// Day is a calendar day as the number yyyymmdd, such as 20261120: a ledger's business day or a value date. Zero is no day. Days compare as numbers do.
type Day uint32

const dayLayout = "2006-01-02"

// DayOf gives the day, in UTC, of a time in Unix milliseconds. From the year 10000 on it gives the last day before it.
func DayOf(ms int64) Day {
	t := time.UnixMilli(ms).UTC()
	if t.Year() > 9999 {
		return 99991231
	}
	return dayOf(t)
}

func dayOf(t time.Time) Day {
	return Day(t.Year()*10_000 + int(t.Month())*100 + t.Day())
}

// ParseDay reads a day as ISO 8601 writes it, such as 2026-11-20. Refusal: malformed.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayLayout, s)
	if err != nil || t.Year() < 1 {
		return 0, refusal.Newf(CodeMalformed, "write it as 2026-11-20", "%.40q is no day", s)
	}
	return dayOf(t), nil
}

// Valid tells whether the calendar has the day.
func (d Day) Valid() bool {
	return d != 0 && d <= 99991231 && dayOf(d.time()) == d
}

// StartMS is the day's first moment in UTC, Unix milliseconds.
func (d Day) StartMS() int64 { return d.time().UnixMilli() }

// Plus gives the day that many days later.
func (d Day) Plus(days int) Day { return dayOf(d.time().AddDate(0, 0, days)) }

func (d Day) time() time.Time {
	return time.Date(int(d/10_000), time.Month(d/100%100), int(d%100), 0, 0, 0, 0, time.UTC)
}

// String gives the day as ISO 8601 writes it, "" for no day.
func (d Day) String() string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", uint32(d)/10_000, uint32(d)/100%100, uint32(d)%100)
}

// MarshalText gives the day as String does.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText gives.
func (d *Day) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = 0
		return nil
	}
	day, err := ParseDay(string(text))
	*d = day
	return err
}
