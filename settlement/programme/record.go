package programme

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
)

// MaxFractionDigits bounds the fraction digits of quantities and unit prices.
const MaxFractionDigits = 6

// maxNumber is a bound on quantities and unit prices that keeps every later product small.
var maxNumber = decimal.New(1, 15)

// Key names what a record counts. Two nations' records with the same key count the same thing.
type Key struct {
	Date     Date
	Category string // the category's code
	Supplier Nation
	Receiver Nation
	Item     string
}

// Compare orders keys by date, category code, supplier, receiver and item.
func (k Key) Compare(l Key) int {
	return cmp.Or(k.Date.Compare(l.Date), cmp.Compare(k.Category, l.Category), cmp.Compare(k.Supplier, l.Supplier),
		cmp.Compare(k.Receiver, l.Receiver), cmp.Compare(k.Item, l.Item))
}

// String gives "2023-10-04 FOOD IND to JPN: rice".
func (k Key) String() string {
	return fmt.Sprintf("%s %s %s to %s: %s", k.Date, k.Category, k.Supplier, k.Receiver, k.Item)
}

// Record is one row of one nation's own count.
type Record struct {
	Key
	Quantity  decimal.Decimal
	Unit      string
	UnitPrice decimal.Decimal // in major units of the supplier's currency
	Line      int             // the line of the source it was read from, for messages alone
}

// Statement gives what the record states beside its key: "120 kg at 38.50".
func (r Record) Statement() string {
	return fmt.Sprintf("%s %s at %s", r.Quantity, r.Unit, r.UnitPrice)
}

// Count is what one nation itself recorded of what it supplied and received.
type Count struct {
	Nation  Nation
	Source  string // where it was read from, such as a file name; for messages alone
	Records []Record
}

func (c Count) place(line int) string {
	source := c.Source
	if source == "" {
		source = "count of " + string(c.Nation)
	}
	return fmt.Sprintf("%s line %d", source, line)
}

// CheckCount names everything that is wrong with one nation's count, joined into one error, or gives nil. Refusals: unknown_member, wrong_nation,
// unknown_category, date_outside_period, record_invalid, record_repeated, amount_invalid, overflow.
func (a Agreement) CheckCount(c Count) error {
	var wrong []error
	if _, ok := a.Member(c.Nation); !ok {
		wrong = append(wrong, refusal.Newf(CodeUnknownMember, "only members count", "%s: %.20q is no member of %s", c.place(0), c.Nation, a.ID))
	}
	seen := make(map[Key]int, len(c.Records))
	for _, r := range c.Records {
		for _, fault := range a.recordFaults(c.Nation, r) {
			fault.What = c.place(r.Line) + ": " + fault.What
			wrong = append(wrong, fault)
		}
		if first, repeated := seen[r.Key]; repeated {
			wrong = append(wrong, refusal.Newf(CodeRecordRepeated, "add the quantities into one row, or tell the items apart",
				"%s: it states the same as line %d (%s)", c.place(r.Line), first, r.Key))
			continue
		}
		seen[r.Key] = r.Line
	}
	return errors.Join(wrong...)
}

func (a Agreement) recordFaults(counter Nation, r Record) (wrong []*refusal.Refusal) {
	refuse := func(code refusal.Code, do, format string, args ...any) {
		wrong = append(wrong, refusal.Newf(code, do, format, args...))
	}
	if r.Date.Before(a.Starts) || a.Ends.Before(r.Date) {
		refuse(CodeDateOutsidePeriod, "correct the date, or amend the agreement", "%s is not within %s to %s", r.Date, a.Starts, a.Ends)
	}
	if a.CategoryIndex(r.Category) < 0 {
		refuse(CodeUnknownCategory, "use a category of the agreement", "%.40q is no category of %s", r.Category, a.ID)
	}
	supplier, known := a.Member(r.Supplier)
	if !known {
		refuse(CodeUnknownMember, "use the code of a member", "supplier %.20q is no member of %s", r.Supplier, a.ID)
	}
	if _, ok := a.Member(r.Receiver); !ok {
		refuse(CodeUnknownMember, "use the code of a member", "receiver %.20q is no member of %s", r.Receiver, a.ID)
	}
	if r.Supplier == r.Receiver {
		refuse(CodeRecordInvalid, "own use is not recorded", "%.20q supplies itself", r.Supplier)
	}
	if counter != r.Supplier && counter != r.Receiver {
		refuse(CodeWrongNation, "a nation counts what it supplied or received itself", "%s counts what went from %.20q to %.20q", counter, r.Supplier, r.Receiver)
	}
	if why := TextFault(r.Item, MaxTextBytes); why != "" {
		refuse(CodeRecordInvalid, "describe what was supplied", "item: %s", why)
	}
	if why := TextFault(r.Unit, MaxUnitBytes); why != "" {
		refuse(CodeRecordInvalid, "name the unit of measure", "unit: %s", why)
	}
	numbers := pricedFaults(r.Quantity, r.UnitPrice)
	if i := a.CategoryIndex(r.Category); i >= 0 && a.Categories[i].Formula.Kind == HeadCount && len(numbers) == 0 {
		wrong = append(wrong, headFaults(r)...)
	}
	if wrong = append(wrong, numbers...); known && len(numbers) == 0 {
		if _, err := lineTotal(r.Quantity, r.UnitPrice, supplier.Currency); err != nil {
			wrong = append(wrong, asRefusal(err))
		}
	}
	return wrong
}

// pricedFaults checks a quantity and a unit price: quantity above zero, price not below it, both of a length that both desks can write down.
func pricedFaults(quantity, unitPrice decimal.Decimal) (wrong []*refusal.Refusal) {
	for _, n := range []struct {
		name  string
		value decimal.Decimal
	}{{"quantity", quantity}, {"unit_price", unitPrice}} {
		switch {
		case n.value.Sign() < 0:
			wrong = append(wrong, refusal.Newf(money.CodeAmountInvalid, "record a return as a supply in the other direction", "%s is negative", n.name))
		case n.value.Exponent() < -MaxFractionDigits:
			wrong = append(wrong, refusal.Newf(money.CodeAmountInvalid, fmt.Sprintf("round it to at most %d fraction digits", MaxFractionDigits), "%s has too many fraction digits", n.name))
		case n.value.Exponent() > 15 || n.value.GreaterThanOrEqual(maxNumber):
			wrong = append(wrong, refusal.Newf(money.CodeOverflow, "split it into smaller rows", "%s has more than 15 digits before the point", n.name))
		}
	}
	if quantity.Sign() == 0 {
		wrong = append(wrong, refusal.New(money.CodeAmountInvalid, "quantity is zero", "leave out what was not supplied"))
	}
	return wrong
}

// lineTotal is the one place where a line is priced. Both desks round halves to even, so that many lines do not drift to one side.
func lineTotal(quantity, unitPrice decimal.Decimal, currency money.Currency) (money.Amount, error) {
	return money.LineTotal(quantity, unitPrice, currency, money.RoundHalfEven)
}

// asRefusal gives the refusal in err. The pure core refuses and never faults, so there always is one.
func asRefusal(err error) *refusal.Refusal {
	var r *refusal.Refusal
	if !errors.As(err, &r) {
		panic(fmt.Sprintf("programme: %v is no refusal", err))
	}
	return r
}
