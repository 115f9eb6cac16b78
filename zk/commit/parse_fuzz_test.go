package commit

import (
	"bytes"
	"encoding/json"
	"testing"

	"entente/schema/money"
	"entente/schema/refusal"
)

// FuzzParse reads bytes as a point, a blinding and a digest: refused by name, or a value that has these bytes and no others and can be reckoned with.
func FuzzParse(f *testing.F) {
	one := Identity()
	f.Add(one[:])
	base, err := CommitAmounts([]uint64{7}, []Scalar{{31: 9}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(base[0][:])
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Add(orderBytes[:])
	f.Add(make([]byte, 32))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, errPoint := ParsePoint(b)
		s, errScalar := ParseScalar(b)
		d, errDigest := ParseDigest(b)
		for _, err := range []error{errPoint, errScalar, errDigest} {
			if err != nil && refusal.CodeOf(err) == "" {
				t.Fatalf("%v is no refusal", err)
			}
		}
		if errPoint == nil {
			affine, err := p.affine()
			if err != nil || pointOf(&affine) != p || !bytes.Equal(p[:], b) {
				t.Errorf("the point %s is not its bytes (%v)", p, err)
			}
		}
		if errScalar == nil {
			if sum, err := AddScalars(s, Scalar{}); err != nil || sum != s {
				t.Errorf("adding zero changes the blinding (%v)", err)
			}
		}
		if errDigest == nil {
			if e, err := d.element(); err != nil || e.Bytes() != d {
				t.Errorf("the digest %s is not its element (%v)", d, err)
			}
		}
	})
}

// FuzzTexts reads the JSON of the statements that carry more than fixed bytes: refused, or the same after a round trip.
func FuzzTexts(f *testing.F) {
	inr, jpy := money.MustCurrency("INR"), money.MustCurrency("JPY")
	rate, err := money.ParseRate("1.8345", inr, jpy)
	if err != nil {
		f.Fatal(err)
	}
	statement, err := json.Marshal(RatePublic{A: Identity(), B: Identity(), Rate: rate, Rounding: money.RoundHalfEven})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(statement)
	f.Add(bytes.Replace(statement, []byte(`,"rounding":"half_even"`), nil, 1))
	for _, text := range []string{`"0"`, `"79228162514264337593543950335"`, `"79228162514264337593543950336"`, `"-1"`, `"01"`, `{}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r, sameRate RatePublic
		// A member that is not there stays the zero value, which is no point: whoever uses the statement refuses it.
		if json.Unmarshal(text, &r) == nil && !r.Rate.IsZero() && r.A != (Point{}) && r.B != (Point{}) {
			again, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(again, &sameRate); err != nil || sameRate != r {
				t.Errorf("%s came back as %+v (%v)", again, sameRate, err)
			}
		}
		var total, sameTotal Total
		if json.Unmarshal(text, &total) == nil {
			if err := sameTotal.UnmarshalText([]byte(total.String())); err != nil || sameTotal != total {
				t.Errorf("%s came back as %s (%v)", total, sameTotal, err)
			}
		}
	})
}
