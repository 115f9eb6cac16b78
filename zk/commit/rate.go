package commit

import (
	"encoding/json"
	"math/big"

	"entente/schema/money"
	"entente/schema/refusal"
)

// RatePublic is what a rate proof states: the amount in B is the amount in A converted at Rate, rounded once, as named, to the minor unit of the rate's
// quote currency. It is what money.Rate.Convert computes for an amount of the base currency. Both amounts stay hidden.
//
// NB: a hidden amount is only hidden among those that are plausible: who knows B's opening knows A's to within one rounding.
type RatePublic struct {
	Context  Digest
	A, B     Point
	Rate     money.Rate
	Rounding money.Rounding
}

// RateWitness is what the one who proves knows: the amount of leg A in minor units of the base currency, below 2^63, and both blindings.
type RateWitness struct {
	Context  Digest
	Amount   uint64
	R        Scalar // blinding of A
	S        Scalar // blinding of B
	Rate     money.Rate
	Rounding money.Rounding
}

// Converted gives the amount of leg B in minor units of the quote currency, with the refusals of money.Rate.Convert and amount_out_of_range.
func (w RateWitness) Converted() (uint64, error) {
	if err := checkAmount(w.Amount); err != nil {
		return 0, err
	}
	b, err := w.Rate.Convert(money.New(int64(w.Amount), w.Rate.Base()), w.Rounding)
	if err != nil {
		return 0, err
	}
	return uint64(b.Minor()), nil
}

// Public computes the statement natively: the twin of the rate circuit. It has the refusals of Converted and CommitAmounts, and digest_invalid.
func (w RateWitness) Public() (RatePublic, error) {
	b, err := w.Converted()
	if err != nil {
		return RatePublic{}, err
	}
	if _, err := w.Context.element(); err != nil {
		return RatePublic{}, err
	}
	points, err := CommitAmounts([]uint64{w.Amount, b}, []Scalar{w.R, w.S})
	if err != nil {
		return RatePublic{}, err
	}
	return RatePublic{Context: w.Context, A: points[0], B: points[1], Rate: w.Rate, Rounding: w.Rounding}, nil
}

// Fraction gives the rate between minor units as the circuit takes it: b = round(a * multiplier / divisor). With s = the rate's scale + digits of the base
// currency - digits of the quote currency, the multiplier is the mantissa, times 10^-s when s is negative: below 2^77; the divisor is 10^s, or 1: below 2^74.
// Refused (rate_invalid, rounding_unknown) when there is no rate or no such rounding.
func (p RatePublic) Fraction() (multiplier, divisor *big.Int, err error) {
	if p.Rate.IsZero() {
		return nil, nil, refusal.New(money.CodeRateInvalid, "the statement has no rate", "state the rate both sides signed")
	}
	if !p.Rounding.Valid() {
		return nil, nil, refusal.Newf(money.CodeRoundingUnknown, "name one of up, down, half_up, half_even", "%s is no rounding", p.Rounding)
	}
	scale := int(p.Rate.Scale()) + int(p.Rate.Base().Digits()) - int(p.Rate.Quote().Digits())
	ten := func(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(0, n))), nil) }
	multiplier = big.NewInt(p.Rate.Mantissa())
	return multiplier.Mul(multiplier, ten(-scale)), ten(scale), nil
}

// rateJSON is RatePublic as JSON carries it.
type rateJSON struct {
	Context  Digest         `json:"context"`
	A        Point          `json:"a"`
	B        Point          `json:"b"`
	Base     money.Currency `json:"base"`
	Quote    money.Currency `json:"quote"`
	Rate     string         `json:"rate"` // decimal, as written: its digits are its scale
	Rounding money.Rounding `json:"rounding"`
}

// MarshalJSON gives the rate as a decimal string beside its currencies.
func (p RatePublic) MarshalJSON() ([]byte, error) {
	return json.Marshal(rateJSON{p.Context, p.A, p.B, p.Rate.Base(), p.Rate.Quote(), p.Rate.Decimal(), p.Rounding})
}

// UnmarshalJSON reads what MarshalJSON gives, with the refusals of money.ParseRate, and rounding_unknown when none is named.
func (p *RatePublic) UnmarshalJSON(b []byte) error {
	var j rateJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	rate, err := money.ParseRate(j.Rate, j.Base, j.Quote)
	if err != nil {
		return err
	}
	// A member that is not there leaves the zero value without a word from UnmarshalText.
	if !j.Rounding.Valid() {
		return refusal.Newf(money.CodeRoundingUnknown, "name one of up, down, half_up, half_even", "%s is no rounding", j.Rounding)
	}
	*p = RatePublic{j.Context, j.A, j.B, rate, j.Rounding}
	return nil
}
