package commit

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/schema/refusal"
)

func TestChargesAreWhatMoneyAllocates(t *testing.T) {
	eur := money.MustCurrency("EUR")
	rapid.Check(t, func(t *rapid.T) {
		w := ShareWitness{Amount: rapid.Uint64Range(0, 1<<63-1).Draw(t, "amount"), Weights: rapid.SliceOfN(rapid.Uint32(), 1, MaxCharges).Draw(t, "weights")}
		weights := make([]int64, len(w.Weights))
		for i := range weights {
			weights[i] = int64(w.Weights[i])
		}
		charges, err := w.Charges()
		parts, refused := money.Allocate(money.New(int64(w.Amount), eur), weights)
		if refused != nil {
			if refusal.CodeOf(err) != CodeShareInvalid {
				t.Fatalf("money refuses (%v), Charges gives %v", refused, err)
			}
			return
		}
		for i, part := range parts {
			if err != nil || charges[i] != uint64(part.Minor()) {
				t.Fatalf("charges %v, %v; money gives %v", charges, err, parts)
			}
		}
	})
}

// TestAFractionIsTheRate holds that multiplier and divisor are the rate between minor units, in integers and below their bounds.
func TestAFractionIsTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		currencies := rapid.SampledFrom(money.Currencies())
		rate, err := money.NewRate(rapid.Int64Range(1, 1<<63-1).Draw(t, "mantissa"), rapid.Uint8Range(0, money.MaxRateScale).Draw(t, "scale"), currencies.Draw(t, "base"), currencies.Draw(t, "quote"))
		if err != nil {
			t.Fatal(err)
		}
		multiplier, divisor, err := RatePublic{Rate: rate, Rounding: money.RoundDown}.Fraction()
		if err != nil || multiplier.BitLen() > 77 || divisor.BitLen() > 74 || divisor.Sign() <= 0 {
			t.Fatalf("%s: %s / %s, %v", rate, multiplier, divisor, err)
		}
		a := rapid.Uint64Range(0, 1<<40).Draw(t, "a")
		b, err := RateWitness{Amount: a, Rate: rate, Rounding: money.RoundDown}.Converted()
		if err != nil {
			return // beyond 63 bits
		}
		want := new(big.Int).Mul(new(big.Int).SetUint64(a), multiplier)
		if want.Quo(want, divisor).Cmp(new(big.Int).SetUint64(b)) != 0 {
			t.Fatalf("%d at %s is %d, by the fraction %s", a, rate, b, want)
		}
	})
}

func TestStatementsThatAreNotTrueHaveNoPublicSide(t *testing.T) {
	rate, err := money.ParseRate("1.5", money.MustCurrency("AUD"), money.MustCurrency("INR"))
	if err != nil {
		t.Fatal(err)
	}
	large := Total{High: 1 << 31}
	beyond := Digest{0xff}
	for what, c := range map[string]struct {
		want   refusal.Code
		public func() error
	}{
		"a category above its limit": {CodeOverLimit, func() error { _, err := BudgetWitness{Totals: Totals{{Low: 1}}, Grand: MaxLimit}.Public(); return err }},
		"a grand total above": {CodeOverLimit, func() error {
			_, err := BudgetWitness{Totals: Totals{{Low: 1}}, Limits: Totals{{Low: 1}}}.Public()
			return err
		}},
		"a limit of 2^95":            {CodeAmountOutOfRange, func() error { _, err := BudgetWitness{Limits: Totals{3: large}}.Public(); return err }},
		"a grand limit of 2^95":      {CodeAmountOutOfRange, func() error { _, err := BudgetWitness{Grand: large}.Public(); return err }},
		"a budget's context beyond":  {CodeDigestInvalid, func() error { _, err := BudgetWitness{Context: beyond}.Public(); return err }},
		"a budget's blinding beyond": {CodeScalarInvalid, func() error { _, err := BudgetWitness{R: Scalar{0xff}}.Public(); return err }},
		"no members":                 {CodeShareInvalid, func() error { _, err := ShareWitness{}.Public(); return err }},
		"nine members":               {CodeShareInvalid, func() error { _, err := ShareWitness{Weights: make([]uint32, 9)}.Public(); return err }},
		"weights of nothing":         {CodeShareInvalid, func() error { _, err := ShareWitness{Weights: make([]uint32, 3)}.Public(); return err }},
		"members without a blinding": {CodeShareInvalid, func() error {
			_, err := ShareWitness{Weights: []uint32{1, 1}, Blindings: make([]Scalar, 1)}.Public()
			return err
		}},
		"a total of 2^63": {CodeAmountOutOfRange, func() error { _, err := ShareWitness{Amount: 1 << 63, Weights: []uint32{1}}.Public(); return err }},
		"a formula beyond": {CodeDigestInvalid, func() error {
			_, err := ShareWitness{Weights: []uint32{1}, Blindings: make([]Scalar, 1), Formula: beyond}.Public()
			return err
		}},
		"a leg of 2^63":           {CodeAmountOutOfRange, func() error { _, err := RateWitness{Amount: 1 << 63, Rate: rate, Rounding: 1}.Public(); return err }},
		"another leg of 2^63":     {money.CodeOverflow, func() error { _, err := RateWitness{Amount: 1<<63 - 1, Rate: rate, Rounding: 1}.Public(); return err }},
		"no rate":                 {money.CodeRateInvalid, func() error { _, err := RateWitness{Rounding: 1}.Public(); return err }},
		"no rounding":             {money.CodeRoundingUnknown, func() error { _, err := RateWitness{Rate: rate}.Public(); return err }},
		"a rate's context beyond": {CodeDigestInvalid, func() error { _, err := RateWitness{Rate: rate, Rounding: 1, Context: beyond}.Public(); return err }},
		"a block of 17":           {CodeBlockInvalid, func() error { _, err := ReserveWitness{Size: 17}.Public(); return err }},
		"a block of 256":          {CodeBlockInvalid, func() error { _, err := ReserveWitness{Size: 256}.Public(); return err }},
		"too many balances": {CodeBlockInvalid, func() error {
			_, err := ReserveWitness{Size: 16, Amounts: make([]uint64, 17), Blindings: make([]Scalar, 17)}.Public()
			return err
		}},
		"a balance without blinding": {CodeBlockInvalid, func() error { _, err := ReserveWitness{Size: 16, Amounts: make([]uint64, 2)}.Public(); return err }},
		"a balance of 2^63": {CodeAmountOutOfRange, func() error {
			_, err := ReserveWitness{Size: 16, Amounts: []uint64{1 << 63}, Blindings: make([]Scalar, 1)}.Public()
			return err
		}},
		"balances of 2^63 together": {CodeAmountOutOfRange, func() error {
			_, err := ReserveWitness{Size: 16, Amounts: []uint64{1 << 62, 1 << 62}, Blindings: make([]Scalar, 2)}.Public()
			return err
		}},
		"a reserve's context beyond": {CodeDigestInvalid, func() error { _, err := ReserveWitness{Size: 16, Context: beyond}.Public(); return err }},
		"an item above the threshold": {CodeOverLimit, func() error {
			_, err := PolicyWitness{Size: 16, Items: []Item{{Amount: 1}}, Allowed: 1}.Public()
			return err
		}},
		"a category not allowed": {CodeOverLimit, func() error {
			_, err := PolicyWitness{Size: 16, Items: []Item{{Category: 3}}, Allowed: 0xfff7}.Public()
			return err
		}},
		"a threshold of 2^63":       {CodeAmountOutOfRange, func() error { _, err := PolicyWitness{Size: 16, Threshold: 1 << 63}.Public(); return err }},
		"a policy's context beyond": {CodeDigestInvalid, func() error { _, err := PolicyWitness{Size: 16, Context: beyond}.Public(); return err }},
		"a chunk of 17":             {CodeChunkInvalid, func() error { _, err := PolicyWitness{Size: 17}.Public(); return err }},
	} {
		if err := c.public(); refusal.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// TestBlockSumsAddUpToTheSupply is what whoever audits a ledger does with reserve statements.
func TestBlockSumsAddUpToTheSupply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var supply uint64
		var blindings []Scalar
		var sum, points Sum
		for range rapid.IntRange(1, 3).Draw(t, "blocks") {
			w := ReserveWitness{Size: 16}
			for range rapid.IntRange(0, 16).Draw(t, "accounts") {
				w.Amounts = append(w.Amounts, rapid.Uint64Range(0, 1<<56).Draw(t, "balance"))
				w.Blindings = append(w.Blindings, drawScalar(t, "r"))
				supply += w.Amounts[len(w.Amounts)-1]
			}
			s, err := AddScalars(w.Blindings...)
			if err != nil {
				t.Fatal(err)
			}
			w.S = s
			p, err := w.Public()
			if err != nil {
				t.Fatal(err)
			}
			blindings = append(blindings, s)
			if err := sum.Add(p.Sum); err != nil {
				t.Fatal(err)
			}
			for _, balance := range p.Balances {
				if err := points.Add(balance); err != nil {
					t.Fatal(err)
				}
			}
		}
		blinding, err := AddScalars(blindings...)
		if err != nil || !OpenAmount(sum.Point(), supply, blinding) || OpenAmount(sum.Point(), supply+1, blinding) {
			t.Fatalf("the sums do not open to %d: %v", supply, err)
		}
		if points.Point() != sum.Point() {
			t.Fatal("with added blindings the sum is not the sum of the points")
		}
	})
}

func TestARateStatementSurvivesJSON(t *testing.T) {
	rate, err := money.ParseRate("0.010", money.MustCurrency("KWD"), money.MustCurrency("JPY"))
	if err != nil {
		t.Fatal(err)
	}
	p := RatePublic{Context: Digest{31: 1}, A: Identity(), B: AmountGenerator(), Rate: rate, Rounding: money.RoundHalfEven}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back RatePublic
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("%s: %+v, %v", b, back, err)
	}
	if err := json.Unmarshal([]byte(strings.Replace(string(b), "0.010", "-1", 1)), &back); refusal.CodeOf(err) != money.CodeRateInvalid {
		t.Errorf("a negative rate: %v", err)
	}
	if err := json.Unmarshal([]byte(`{"rate":1}`), &back); err == nil {
		t.Error("a number is read as a rate")
	}
}

func TestFormulasAreToldApart(t *testing.T) {
	one, other := FormulaDigest([]byte("a")), FormulaDigest([]byte("b"))
	if _, err := ParseDigest(one[:]); err != nil || one == other {
		t.Errorf("%s, %s, %v", one, other, err)
	}
}

func TestTotalsAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Total{High: rapid.Uint32Range(0, 2).Draw(t, "high"), Low: rapid.Uint64Range(0, 2).Draw(t, "low")}
		b := Total{High: rapid.Uint32Range(0, 2).Draw(t, "high"), Low: rapid.Uint64Range(0, 2).Draw(t, "low")}
		if a.Less(b) != (a.Big().Cmp(b.Big()) < 0) {
			t.Fatalf("%s below %s: %v", a, b, a.Less(b))
		}
	})
}
