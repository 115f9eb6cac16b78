package programme

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run with -update and review):\n%s", path, diff)
	}
}

// tell writes matching and bills as text.
func tell(lines []Line, divergences []Divergence, bills []DraftBill) string {
	var b strings.Builder
	fmt.Fprintf(&b, "confirmed lines: %d\n", len(lines))
	for _, l := range lines {
		fmt.Fprintf(&b, "  %s | %s %s at %s = %s", l.Key, l.Quantity, l.Unit, l.UnitPrice, l.Amount)
		if !l.Supplied.Equal(l.Received) {
			fmt.Fprintf(&b, " (supplied %s, received %s)", l.Supplied, l.Received)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "divergences: %d\n", len(divergences))
	says := func(r *Record) string {
		if r == nil {
			return "nothing"
		}
		return r.Statement()
	}
	for _, d := range divergences {
		fmt.Fprintf(&b, "  %s | %s: supplier %s, receiver %s\n", d.Key, d.Reason, says(d.Ours), says(d.Theirs))
	}
	for _, bill := range bills {
		total, err := bill.Total()
		fmt.Fprintf(&b, "bill %s %s: %s owes %s %s (%v)\n", bill.Kind, bill.Reference, bill.Debtor, bill.Creditor, total, err)
		for _, i := range bill.Items {
			fmt.Fprintf(&b, "  %s %d %s | %s to %s: %s | %s %s at %s = %s | owes %s | %s", i.Date, i.Category, i.CategoryCode, i.Supplier, i.Receiver, i.Item, i.Quantity, i.Unit, i.UnitPrice, i.LineAmount, i.Amount, i.Reference)
			if len(i.Serials) > 0 {
				fmt.Fprintf(&b, " | %s", strings.Join(i.Serials, " "))
			}
			b.WriteByte('\n')
		}
	}
	totals, err := CategoryTotals(bills)
	fmt.Fprintf(&b, "totals (%v)\n", err)
	for _, t := range totals {
		fmt.Fprintf(&b, "  %d %s %s\n", t.Category, t.CategoryCode, t.Amount)
	}
	return b.String()
}

func story() world {
	return world{exercise(), []Count{
		{"IND", "", []Record{
			record(2, "2023-10-04", "FOOD", "IND", "JPN", "rice", "120", "kg", "38.50"),
			record(3, "2023-10-04", "FOOD", "IND", "DEU", "lentils", "60.5", "kg", "110.25"),
			record(4, "2023-10-05", "BASE", "IND", "JPN", "perimeter lighting", "1", "day", "100.01"),
			record(5, "2023-10-05", "FOOD", "IND", "JPN", "rice", "80", "kg", "38.50"),
			record(6, "2023-10-06", "FOOD", "DEU", "IND", "bread", "200", "kg", "2.10"),
			record(7, "2023-10-06", "FOOD", "IND", "FRA", "water", "900", "l", "0"),
		}},
		{"JPN", "", []Record{
			record(2, "2023-10-04", "FOOD", "IND", "JPN", "rice", "118.0", "kg", "38.5"),
			record(3, "2023-10-05", "BASE", "IND", "JPN", "perimeter lighting", "1", "day", "100.01"),
			record(4, "2023-10-05", "FOOD", "IND", "JPN", "rice", "70", "kg", "38.50"),
			record(5, "2023-10-06", "BASE", "JPN", "FRA", "pier hire", "2", "day", "50000"),
		}},
		{"DEU", "", []Record{
			record(2, "2023-10-04", "FOOD", "IND", "DEU", "lentils", "60.5", "kg", "110.25"),
			record(3, "2023-10-06", "FOOD", "DEU", "IND", "bread", "200", "kg", "2.15"),
		}},
		{"FRA", "", []Record{
			record(2, "2023-10-06", "BASE", "JPN", "FRA", "pier hire", "2", "day", "50000"),
			record(3, "2023-10-06", "FOOD", "IND", "FRA", "water", "900", "l", "0"),
			record(4, "2023-10-07", "FOOD", "IND", "FRA", "tea", "4", "kg", "300"),
		}},
	}, []Case{radios()}}
}

func TestTheStoryOfASmallExercise(t *testing.T) {
	w := story()
	lines, divergences, err := Match(w.agreement, w.counts)
	if err != nil {
		t.Fatal(err)
	}
	bills, err := DraftBills(w.agreement, lines, w.cases)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/story.txt", tell(lines, divergences, bills))
	var encoded strings.Builder
	for _, b := range bills {
		for _, i := range b.Items {
			fmt.Fprintf(&encoded, "%s %s\n", i.Item, hex.EncodeToString(i.Bytes()))
		}
	}
	golden(t, "testdata/items.hex", encoded.String())
}

func TestBillsBeyond63BitsAreRefused(t *testing.T) {
	c := Count{Nation: "IND"}
	for i := range 12 {
		r := record(i+2, "2023-10-04", "FOOD", "IND", "JPN", fmt.Sprintf("ship %d", i), "99999999", "each", "99999999")
		c.Records = append(c.Records, r)
	}
	lines, _, err := Match(exercise(), []Count{c, {Nation: "JPN", Records: c.Records}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = DraftBills(exercise(), lines, nil)
	wantRefusals(t, err, string(money.CodeOverflow))
}

func TestAnItemAndItsBytesAreOneToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, _, bills := anyWorld().Draw(t, "world").draft(t)
		seen := map[string]bool{}
		for _, b := range bills {
			for _, item := range b.Items {
				encoded := item.Bytes()
				back, err := ParseBillItem(encoded)
				if err != nil || !bytes.Equal(back.Bytes(), encoded) {
					t.Fatalf("%+v: %v", item, err)
				}
				if diff := cmp.Diff(item, back, cmp.Comparer(func(a, b money.Amount) bool { return a == b })); diff != "" {
					t.Fatal(diff)
				}
				// The same item may be owed by two debtors, but never twice in one bill.
				if key := string(b.Debtor) + string(encoded); seen[key] {
					t.Fatalf("two items share their bytes: %+v", item)
				} else {
					seen[key] = true
				}
			}
		}
	})
}

func TestItemBytesThatAreNotCanonicalAreRefused(t *testing.T) {
	w := story()
	lines, _, _ := Match(w.agreement, w.counts)
	bills, err := DraftBills(w.agreement, lines, w.cases)
	if err != nil {
		t.Fatal(err)
	}
	good := bills[0].Items[0].Bytes()
	swap := func(from, to string) []byte {
		if !bytes.Contains(good, []byte(from)) {
			t.Fatalf("%q is not in the bytes", from)
		}
		return bytes.Replace(good, []byte(from), []byte(to), 1)
	}
	for name, bad := range map[string][]byte{
		"a trailing byte":    append(bytes.Clone(good), 0),
		"a missing byte":     good[:len(good)-1],
		"a date that is not": swap("2023-10-04", "2023-13-04"),
		"a padded number":    swap("\x00\x05\x00\x00\x00\x03118", "\x00\x05\x00\x00\x00\x04118."),
		"an exponent":        swap("\x00\x05\x00\x00\x00\x03118", "\x00\x05\x00\x00\x00\x031e2"),
		"no currency":        swap("INR", "XXX"),
		"category 16":        swap("\x00\x02\x00\x00\x00\x01\x00", "\x00\x02\x00\x00\x00\x01\x10"),
	} {
		if _, err := ParseBillItem(bad); refusal.CodeOf(err) != wire.CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}
