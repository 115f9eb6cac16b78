package programme

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"entente/schema/refusal"
)

// oneToOne holds a reader to its promise: refused by name, or the one encoding of what was read.
func oneToOne[D interface{ Bytes() ([]byte, error) }](t *testing.T, b []byte, parse func([]byte) (D, error)) {
	d, err := parse(b)
	if err != nil {
		if refusal.CodeOf(err) == "" {
			t.Fatalf("%v is no refusal", err)
		}
		return
	}
	if again, err := d.Bytes(); err != nil || !bytes.Equal(again, b) {
		t.Fatalf("what was read encodes to %x (%v)", again, err)
	}
}

func seed(f *testing.F, d interface{ Bytes() ([]byte, error) }) {
	b, err := d.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
}

func FuzzParseCount(f *testing.F) {
	seed(f, Count{Nation: "IND", Records: []Record{record(2, "2023-10-04", "FOOD", "IND", "JPN", "rice", "120.5", "kg", "38.5")}})
	f.Fuzz(func(t *testing.T, b []byte) {
		oneToOne(t, b, ParseCount)
		// Whatever an ally sends is judged without a panic.
		if c, err := ParseCount(b); err == nil {
			_ = exercise().CheckCount(c)
		}
	})
}

func FuzzParseReceipts(f *testing.F) {
	c := radios()
	seed(f, Receipts{Case: c.ID, Receipts: c.Receipts})
	f.Fuzz(func(t *testing.T, b []byte) {
		oneToOne(t, b, ParseReceipts)
		if r, err := ParseReceipts(b); err == nil {
			c := radios()
			c.Receipts = r.Receipts
			_, _, _ = exercise().Deliveries(c)
		}
	})
}

func FuzzParseBillItem(f *testing.F) {
	items, err := os.ReadFile("testdata/items.hex")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(items)) {
		b, err := hex.DecodeString(strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:]))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := ParseBillItem(b)
		switch {
		case err != nil && refusal.CodeOf(err) == "":
			t.Fatalf("%v is no refusal", err)
		case err == nil && !bytes.Equal(i.Bytes(), b):
			t.Fatalf("the item encodes to %x", i.Bytes())
		}
	})
}

func FuzzParseDate(f *testing.F) {
	for _, text := range []string{"2023-10-04", "2024-02-29", "0000-00-00", "9999-12-31", "2023-1-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := ParseDate(text); err == nil && d.String() != text {
			t.Errorf("%q is read as %s", text, d)
		}
	})
}
