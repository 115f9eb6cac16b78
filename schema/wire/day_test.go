package wire

import (
	"testing"

	"pgregory.net/rapid"

	"entente/schema/refusal"
)

func TestADayIsReadAsItIsWritten(t *testing.T) {
	for text, want := range map[string]Day{"2026-11-20": 20261120, "2024-02-29": 20240229, "0001-01-01": 10101, "9999-12-31": 99991231} {
		got, err := ParseDay(text)
		if err != nil || got != want || got.String() != text || !got.Valid() {
			t.Errorf("%s reads as %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2026-02-29", "2026-13-01", "20261120", "2026-11-20T00:00", "0000-01-01"} {
		if got, err := ParseDay(text); refusal.CodeOf(err) != CodeMalformed {
			t.Errorf("%q reads as %d, %v", text, got, err)
		}
	}
	for _, d := range []Day{0, 1, 13, 20260229, 20261301, 20260100, 100000101} {
		if d.Valid() {
			t.Errorf("%d is taken for a day", d)
		}
	}
	if d := DayOf(1_795_132_800_000); d != 20261120 || d.StartMS() != 1_795_132_800_000 || DayOf(1_795_132_799_999) != 20261119 {
		t.Errorf("the day is %d", d)
	}
}

func TestDaysCountAsTheCalendarDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := DayOf(rapid.Int64Range(0, 4_000_000_000_000).Draw(t, "time"))
		n := rapid.IntRange(1, 5_000).Draw(t, "days")
		if later := d.Plus(n); !later.Valid() || later <= d || later.Plus(-n) != d || later.StartMS()-d.StartMS() != int64(n)*86_400_000 {
			t.Fatalf("%d days after %s is %s", n, d, later)
		}
	})
}

func TestAppendedFieldsAreAllThereOrNoneOfThem(t *testing.T) {
	old, issue := sampleOrder(), sampleIssue()
	bare := Encode(old)
	padded := Encode(issue)
	*issue = *old
	issue.Reserve = "X"
	least := Encode(issue)
	for name, b := range map[string][]byte{
		"half a group":              padded[:len(padded)-10],
		"a group that says nothing": append(bare[:len(bare):len(bare)], append(least[len(bare):len(least)-7:len(least)-7], 0, 20, 0, 0, 0, 0)...),
	} {
		if _, err := ParseOrder(b); refusal.CodeOf(err) != CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	if o, err := ParseOrder(bare); err != nil || o != *old {
		t.Errorf("an order of the first version reads as %+v, %v", o, err)
	}
}
