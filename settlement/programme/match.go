package programme

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
)

// Line is a confirmed line item: both nations counted it, with the same unit and unit price, and quantities within the tolerance.
type Line struct {
	Key
	Quantity  decimal.Decimal // the lower of the two counts: what both signed
	Unit      string
	UnitPrice decimal.Decimal
	Amount    money.Amount    // quantity times unit price in the supplier's currency, halves rounded to even
	Supplied  decimal.Decimal // the quantity the supplier counted
	Received  decimal.Decimal // the quantity the receiver counted
	Reference string          // what confirmed it beside two counts, such as an order and its receipt, which the bill names; mostly empty
}

// Reason says why two counts diverge. When several hold, the first of the list is given.
type Reason string

// The closed list of reasons, by precedence.
const (
	MissingAtReceiver Reason = "missing_at_receiver" // only the supplier counted it
	MissingAtSupplier Reason = "missing_at_supplier" // only the receiver counted it
	UnitDiffers       Reason = "unit"
	PriceDiffers      Reason = "price"
	QuantityDiffers   Reason = "quantity" // by more than the tolerance
)

// Divergence is a line on which two counts disagree. It freezes that line alone.
type Divergence struct {
	Key
	Reason Reason
	Ours   *Record // the supplier's record, nil where it has none
	Theirs *Record // the receiver's record, nil where it has none
}

// Match compares the nations' own counts, at most one each. Lines and divergences come ordered by key, whatever the order of counts and records. A member
// without a count has counted nothing. Everything wrong with the counts is refused at once (see CheckCount), before anything is matched.
func Match(a Agreement, counts []Count) (lines []Line, divergences []Divergence, err error) {
	type pair struct{ supplier, receiver *Record }
	pairs := map[Key]*pair{}
	wrong, counted := []error{a.Validate()}, map[Nation]bool{}
	for _, c := range counts {
		wrong = append(wrong, a.CheckCount(c))
		if counted[c.Nation] {
			wrong = append(wrong, refusal.Newf(CodeRecordRepeated, "merge them into one", "%s gave two counts", c.Nation))
		}
		counted[c.Nation] = true
		for i := range c.Records {
			r := &c.Records[i]
			p := pairs[r.Key]
			if p == nil {
				p = &pair{}
				pairs[r.Key] = p
			}
			if c.Nation == r.Supplier {
				p.supplier = r
			} else {
				p.receiver = r
			}
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, nil, err
	}
	for _, key := range slices.SortedFunc(maps.Keys(pairs), Key.Compare) {
		p := pairs[key]
		if reason := a.diverge(p.supplier, p.receiver); reason != "" {
			divergences = append(divergences, Divergence{key, reason, copyOf(p.supplier), copyOf(p.receiver)})
			continue
		}
		line := Line{Key: key, Quantity: decimal.Min(p.supplier.Quantity, p.receiver.Quantity), Unit: p.supplier.Unit, UnitPrice: p.supplier.UnitPrice,
			Supplied: p.supplier.Quantity, Received: p.receiver.Quantity}
		supplier, _ := a.Member(key.Supplier)
		if line.Amount, err = lineTotal(line.Quantity, line.UnitPrice, supplier.Currency); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", key, err)
		}
		lines = append(lines, line)
	}
	return lines, divergences, nil
}

// diverge says why two records of the same key do not confirm each other, or "".
func (a Agreement) diverge(supplier, receiver *Record) Reason {
	switch {
	case receiver == nil:
		return MissingAtReceiver
	case supplier == nil:
		return MissingAtSupplier
	case supplier.Unit != receiver.Unit:
		return UnitDiffers
	case !supplier.UnitPrice.Equal(receiver.UnitPrice):
		return PriceDiffers
	}
	difference := supplier.Quantity.Sub(receiver.Quantity).Abs()
	allowed := decimal.Max(supplier.Quantity, receiver.Quantity).Mul(decimal.NewFromInt(a.ToleranceBP))
	if difference.Mul(decimal.NewFromInt(WholeBP)).GreaterThan(allowed) {
		return QuantityDiffers
	}
	return ""
}

func copyOf(r *Record) *Record {
	if r == nil {
		return nil
	}
	c := *r
	return &c
}
