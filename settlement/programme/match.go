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
		line, reason, err := a.Compare(p.supplier, p.receiver)
		if err != nil {
			return nil, nil, err
		}
		if reason != "" {
			divergences = append(divergences, Divergence{key, reason, copyOf(p.supplier), copyOf(p.receiver)})
			continue
		}
		lines = append(lines, line)
	}
	return lines, divergences, nil
}

// Compare sets two nations' records of the same key side by side, each checked before and nil where that nation has none, not both. They give the line
// they confirm, or the reason why they do not. Refused: what Price refuses.
func (a Agreement) Compare(supplier, receiver *Record) (Line, Reason, error) {
	if reason := a.diverge(supplier, receiver); reason != "" {
		return Line{}, reason, nil
	}
	line := Line{Key: supplier.Key, Quantity: decimal.Min(supplier.Quantity, receiver.Quantity), Unit: supplier.Unit, UnitPrice: supplier.UnitPrice,
		Supplied: supplier.Quantity, Received: receiver.Quantity}
	var err error
	line.Amount, err = a.Price(line)
	return line, "", err
}

// Price gives a line's amount: quantity times unit price in the currency of its supplier, halves rounded to even. Refused: unknown_member, amount_invalid
// for a negative factor, overflow.
func (a Agreement) Price(line Line) (money.Amount, error) {
	supplier, ok := a.Member(line.Supplier)
	if !ok {
		return money.Amount{}, refusal.Newf(CodeUnknownMember, "use the code of a member", "supplier %.20q is no member of %s", line.Supplier, a.ID)
	}
	amount, err := lineTotal(line.Quantity, line.UnitPrice, supplier.Currency)
	if err != nil {
		return money.Amount{}, fmt.Errorf("%s: %w", line.Key, err)
	}
	return amount, nil
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
