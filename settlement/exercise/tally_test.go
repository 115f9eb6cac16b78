package exercise

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/settlement/programme"
)

// field is what really happened at a camp: each device hands out goods and writes files, each with all it counted so far.
type field struct {
	files  []Tally
	counts map[programme.Key]decimal.Decimal // what all devices handed out in all
}

func anyField() *rapid.Generator[field] {
	return rapid.Custom(func(t *rapid.T) field {
		f := field{counts: map[programme.Key]decimal.Decimal{}}
		for device := range rapid.IntRange(1, 3).Draw(t, "devices") {
			so := map[programme.Key]decimal.Decimal{}
			for n := range rapid.IntRange(1, 4).Draw(t, "files") {
				for _, item := range rapid.SliceOfN(rapid.SampledFrom([]string{"rice", "tea", "water"}), 0, 3).Draw(t, "handed out") {
					key := entryOf("2023-10-05", "FOOD", "IND", "JPN", item, "1", "kg", "1").Key
					q := decimal.NewFromInt(rapid.Int64Range(1, 50).Draw(t, "quantity"))
					so[key], f.counts[key] = so[key].Add(q), f.counts[key].Add(q)
				}
				file := Tally{Device: fmt.Sprintf("device %d", device), File: uint64(n + 1)}
				for key, q := range so {
					file.Entries = append(file.Entries, TallyEntry{Key: key, Quantity: q, Unit: "kg", UnitPrice: dec("1"), Evidence: evidenceOf(q.String())})
				}
				slices.SortFunc(file.Entries, func(a, b TallyEntry) int { return a.Key.Compare(b.Key) })
				f.files = append(f.files, file)
			}
		}
		return f
	})
}

// same compares all that two merged tallies say.
func same(t rapid.TB, a, b *Tallies) {
	t.Helper()
	if diff := cmp.Diff(a, b, cmp.AllowUnexported(Tallies{}), cmpopts.EquateEmpty()); diff != "" {
		t.Fatal(diff)
	}
}

func merged(t rapid.TB, files []Tally) *Tallies {
	var all Tallies
	for _, file := range files {
		if _, err := all.Add(file); err != nil {
			t.Fatal(err)
		}
	}
	return &all
}

func TestFilesFromTheFieldAreNeverCountedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyField().Draw(t, "field")
		inOrder := merged(t, f.files)
		heard := rapid.Permutation(slices.Concat(f.files, f.files[:rapid.IntRange(0, len(f.files)).Draw(t, "twice")])).Draw(t, "heard")
		mixed := merged(t, heard)
		same(t, inOrder, mixed)
		for key, want := range f.counts {
			if got, _, ok := mixed.Total(key); !ok || !got.Quantity.Equal(want) {
				t.Fatalf("%s: %s counted, %s handed out", key, got.Quantity, want)
			}
		}
		if trouble := mixed.Troubles(); trouble != nil {
			t.Fatalf("%+v", trouble)
		}
	})
}

func TestMergingIsCommutativeAssociativeAndIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyField().Draw(t, "field")
		part := func(name string) *Tallies {
			return merged(t, slices.DeleteFunc(slices.Clone(f.files), func(Tally) bool { return rapid.Bool().Draw(t, name) }))
		}
		a, b, c := part("a"), part("b"), part("c")
		join := func(parts ...*Tallies) *Tallies {
			var all Tallies
			for _, p := range parts {
				all.Merge(p)
			}
			return &all
		}
		same(t, join(a, b), join(b, a))
		same(t, join(join(a, b), c), join(a, join(b, c)))
		same(t, join(a, a), a)
		same(t, join(a, &Tallies{}), a)
	})
}

func TestAMissingFileAndADoubledDeviceAreSeen(t *testing.T) {
	two := merged(t, []Tally{{"gate", 1, []TallyEntry{rice("5")}}, {"gate", 4, []TallyEntry{rice("9")}}, {"gate", 4, []TallyEntry{rice("7")}}, {"kitchen", 2, []TallyEntry{rice("1")}}})
	want := []Trouble{{"gate", []uint64{2, 3}, []uint64{4}}, {"kitchen", []uint64{1}, nil}}
	if diff := cmp.Diff(want, two.Troubles()); diff != "" {
		t.Error(diff)
	}
	if total, _, _ := two.Total(rice("1").Key); !total.Quantity.Equal(dec("10")) {
		t.Errorf("%s: the larger count of one device stands, devices add up", total.Quantity)
	}
}

func TestCountsThatCannotBeAreRefusedWithTheirLine(t *testing.T) {
	d := begun(t)
	d.says("IND ravi", tally("manual", 1, rice("5")))
	for _, tt := range []struct {
		name string
		act  *Count
		code refusal.Code
	}{
		{"another price", tally("gate", 1, entryOf("2023-10-05", "FOOD", "IND", "JPN", "rice", "1", "kg", "40")), CodeTallyDiffers},
		{"another unit", tally("gate", 1, entryOf("2023-10-05", "FOOD", "IND", "JPN", "rice", "1", "g", "38.5")), CodeTallyDiffers},
		{"no file number", tally("gate", 0, rice("1")), CodeActInvalid},
		{"no entry", tally("gate", 1), CodeActInvalid},
		{"no device", tally("", 1, rice("1")), CodeActInvalid},
		{"one key twice", tally("gate", 1, rice("1"), rice("1")), programme.CodeRecordRepeated},
		{"others' goods", tally("gate", 1, entryOf("2023-10-05", "FOOD", "DEU", "JPN", "rice", "1", "kg", "1")), programme.CodeWrongNation},
		{"a stranger's", tally("gate", 1, entryOf("2023-10-05", "FOOD", "IND", "USA", "rice", "1", "kg", "1")), programme.CodeUnknownMember},
		{"an unknown category", tally("gate", 1, entryOf("2023-10-05", "TANKS", "IND", "JPN", "rice", "1", "kg", "1")), programme.CodeUnknownCategory},
		{"after the exercise", tally("gate", 1, entryOf("2023-11-05", "FOOD", "IND", "JPN", "rice", "1", "kg", "1")), programme.CodeDateOutsidePeriod},
		{"before it is in force", tally("gate", 1, entryOf("2023-09-05", "FOOD", "IND", "JPN", "rice", "1", "kg", "1")), CodeNothingInForce},
		{"half a person", tally("gate", 1, entryOf("2023-10-05", "PAX", "JPN", "IND", "people present", "1.5", programme.RosterUnit, "0")), programme.CodeRecordInvalid},
		{"more over all devices than can be billed", tally("gate", 1, rice("999999999999999")), "overflow"},
	} {
		t.Run(tt.name, func(t *testing.T) { d.refused("IND ravi", tt.act, tt.code) })
	}
}

// A whole day of field mode: three devices of two nations, files late and twice, manual entry beside them.
func TestManualEntryAndFieldFilesMakeOneCount(t *testing.T) {
	d := begun(t)
	d.on("2023-10-05")
	d.says("IND ravi", tally("gate", 1, rice("30")))
	d.says("IND ravi", tally("gate", 3, rice("70")))
	d.says("IND ravi", tally("kitchen", 1, rice("20")))
	d.says("IND asha", tally("manual", 1, rice("10")))
	d.says("IND ravi", tally("gate", 3, rice("70")))
	d.says("JPN yumi", tally("scanner", 1, rice("99")))
	d.closed()
	if got := d.total("IND", "JPN", "2023-10-06"); got != "3811.50 INR" { // 99 kg: within 2 % of 100
		t.Errorf("billed is %s", got)
	}
	// The file that was missing comes, and a device that was forgotten: the count is what it was, then grows, and the line is matched again.
	d.says("IND ravi", tally("gate", 2, rice("60")))
	if got := d.total("IND", "JPN", "2023-10-06"); got != "3811.50 INR" {
		t.Errorf("after a late file billed is %s", got)
	}
	d.says("IND ravi", tally("truck", 1, rice("5")))
	l, _ := d.state().LineOf(rice("1").Key)
	if l.Status != Frozen || !l.Case.Ours.Record.Quantity.Equal(dec("105")) || d.total("IND", "JPN", "2023-10-06") != "" {
		t.Errorf("%+v", l)
	}
	if trouble := d.state().Troubles("IND"); trouble != nil {
		t.Errorf("%+v", trouble)
	}
	total, evidence, ok := d.state().Count("IND", rice("1").Key)
	if !ok || !total.Quantity.Equal(dec("105")) || len(evidence) != 0 {
		t.Errorf("%+v %v", total, evidence)
	}
	c, ok := d.state().Case(l.ID)
	if !ok {
		t.Fatal("there is no case")
	}
	golden(t, "testdata/field.txt", d.state().Tell()+c.Tell())
}

func FuzzParseTally(f *testing.F) {
	b, err := Tally{"gate", 1, []TallyEntry{rice("5")}}.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) { oneToOne(t, b, ParseTally) })
}

func FuzzParseTerms(f *testing.F) {
	b, err := harbour().Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		oneToOne(t, b, ParseTerms)
		if terms, err := ParseTerms(b); err == nil {
			_ = terms.Validate()
		}
	})
}

// oneToOne holds a reader to its promise: refused by name, or the one encoding of what was read.
func oneToOne[D interface{ Bytes() ([]byte, error) }](t *testing.T, b []byte, parse func([]byte) (D, error)) {
	d, err := parse(b)
	if err != nil {
		if refusal.CodeOf(err) == "" {
			t.Fatalf("%v is no refusal", err)
		}
		return
	}
	if again, err := d.Bytes(); err != nil || string(again) != string(b) {
		t.Fatalf("what was read encodes to %x (%v)", again, err)
	}
}
