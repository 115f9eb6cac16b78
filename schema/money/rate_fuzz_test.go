package money

import (
	"encoding/json"
	"testing"

	"entente/schema/refusal"
)

func FuzzParseRate(f *testing.F) {
	for _, text := range []string{"1.8345", "0.000000000000000001", "9223372036854775807", "00.10", "-1", "1e3", "१"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRate(text, inr, jpy)
		if err != nil {
			if refusal.CodeOf(err) == "" {
				t.Fatalf("%q: %v is no refusal", text, err)
			}
			return
		}
		if back, err := ParseRate(r.Decimal(), inr, jpy); err != nil || back != r || r.Mantissa() <= 0 {
			t.Fatalf("%q: %s came back as %s (%v)", text, r, back, err)
		}
		if converted, err := r.Convert(New(12_345, inr), RoundHalfEven); err == nil && converted.Minor() < 0 {
			t.Fatalf("%q makes %s", text, converted)
		}
	})
}

func FuzzAmountJSON(f *testing.F) {
	for _, text := range []string{`{"amount":"12.50","currency":"INR"}`, `{"amount":"-1","currency":"JPY"}`, `{"amount":1,"currency":"JPY"}`, `{"amount":"1"}`, `null`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var a, back Amount
		if json.Unmarshal(text, &a) != nil || a == (Amount{}) {
			return
		}
		written, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &back); err != nil || back != a {
			t.Errorf("%s came back as %s (%v)", written, back, err)
		}
	})
}
