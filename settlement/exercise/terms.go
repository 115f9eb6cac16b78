package exercise

import (
	"errors"
	"fmt"
	"slices"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// Method is a way to settle a debt (10 USC 2344).
type Method uint8

// The closed list of methods.
const (
	Reimbursement      Method = 1 // in cash, by a bill
	ReplacementInKind  Method = 2 // the same goods back
	EqualValueExchange Method = 3 // other goods of equal agreed value
)

// String gives the method's stable name: reimbursement, replacement_in_kind or equal_value_exchange.
func (m Method) String() string {
	switch m {
	case Reimbursement:
		return "reimbursement"
	case ReplacementInKind:
		return "replacement_in_kind"
	case EqualValueExchange:
		return "equal_value_exchange"
	}
	return fmt.Sprintf("method(%d)", uint8(m))
}

// InKind says whether a debt is given back in goods.
func (m Method) InKind() bool { return m == ReplacementInKind || m == EqualValueExchange }

// The clocks of the law, in months from the receipt (10 USC 2345).
const (
	MaxCashMonths   = 12 // credits and liabilities are liquidated at least so often
	MaxInKindMonths = 12 // goods are replaced within
	MinOffsetMonths = 18 // a debt may be offset by consent after
)

// Clocks are how long debts may stand. All run from the day of the receipt.
type Clocks struct {
	CashMonths   uint8  // 1 to 12
	InKindMonths uint8  // 1 to 12
	OffsetMonths uint8  // 18 or more
	OfferDays    uint16 // how long before goods are due a cash offer is prepared, up to 365
}

// Terms are one version of what every member of an exercise signs. All sign the same bytes.
type Terms struct {
	Version   uint32         // 1 creates the exercise
	Effective programme.Date // records of this day and later go by it
	Agreement programme.Agreement
	Methods   []Method // how each category is settled, in the agreement's order, unless an order says otherwise
	Clocks    Clocks
	Reminders []uint16           // how many days before it is due a debtor is reminded, descending
	Arbiters  []programme.Nation // who decides a divergence case: the first that is none of its two parties
	NetInKind bool               // whether goods owed may be offset against cash owed
	Rates     []money.Rate       // for offsets across currencies
}

// Limits of terms.
const (
	maxTermsBytes = 2 << 20
	maxReminders  = 16
	maxIDBytes    = 56 // leaves room for the number of a bill behind the id
	maxRates      = 256
)

// Bytes gives the canonical encoding, whose hash names the terms. Refused: malformed, when a text or number is beyond its limit.
func (t Terms) Bytes() ([]byte, error) { return wire.EncodeFields(t.fields) }

// ParseTerms reads what Bytes gives and nothing else. Refusals: too_large, malformed. Whether they can be kept, Validate says.
func ParseTerms(b []byte) (Terms, error) {
	var t Terms
	err := wire.DecodeFields(b, maxTermsBytes, t.fields)
	return t, err
}

func (t *Terms) fields(f *wire.Fields) {
	var agreement []byte
	if t.Agreement.ID != "" {
		var err error
		if agreement, err = t.Agreement.Bytes(); err != nil {
			f.Refuse(3, refusalText(err))
			return
		}
	}
	f.U32(1, &t.Version)
	programme.DateField(f, 2, &t.Effective)
	f.Bytes(3, &agreement, maxTermsBytes)
	wire.List(f, 4, &t.Methods, programme.MaxCategories, func(f *wire.Fields, m *Method) { f.U8(1, (*uint8)(m)) })
	f.U8(5, &t.Clocks.CashMonths)
	f.U8(6, &t.Clocks.InKindMonths)
	f.U8(7, &t.Clocks.OffsetMonths)
	f.U16(8, &t.Clocks.OfferDays)
	wire.List(f, 9, &t.Reminders, maxReminders, func(f *wire.Fields, days *uint16) { f.U16(1, days) })
	wire.List(f, 10, &t.Arbiters, programme.MaxMembers, func(f *wire.Fields, n *programme.Nation) { f.Text(1, (*string)(n), 8) })
	f.Bool(11, &t.NetInKind)
	wire.List(f, 12, &t.Rates, maxRates, rateFields)
	if t.Agreement.ID == "" {
		parsed, err := programme.ParseAgreement(agreement)
		if err != nil {
			f.Refuse(3, refusalText(err))
			return
		}
		t.Agreement = parsed
	}
}

// termsField walks terms as one field. Terms of no version are those to be read.
func termsField(f *wire.Fields, tag uint16, t *Terms) {
	var b []byte
	reading := t.Version == 0
	if !reading {
		var err error
		if b, err = t.Bytes(); err != nil {
			f.Refuse(tag, refusalText(err))
			return
		}
	}
	f.Bytes(tag, &b, maxTermsBytes)
	if !reading {
		return
	}
	parsed, err := ParseTerms(b)
	if err != nil || parsed.Version == 0 {
		f.Refuse(tag, "these are no terms")
		return
	}
	*t = parsed
}

func rateFields(f *wire.Fields, r *money.Rate) {
	base, quote, mantissa, scale := r.Base(), r.Quote(), r.Mantissa(), r.Scale()
	programme.CurrencyField(f, 1, &base)
	programme.CurrencyField(f, 2, &quote)
	f.Count(3, &mantissa)
	f.U8(4, &scale)
	parsed, err := money.NewRate(mantissa, scale, base, quote)
	if err != nil {
		f.Refuse(3, "the rate is none")
		return
	}
	*r = parsed
}

// Validate names everything that is wrong with the terms, joined into one error, or gives nil. Every error is a refusal: terms_invalid, or what
// Agreement.Validate refuses.
func (t Terms) Validate() error {
	wrong := []error{t.Agreement.Validate()}
	refuse := func(do, format string, args ...any) {
		wrong = append(wrong, refusal.Newf(CodeTermsInvalid, do, format, args...))
	}
	if len(t.Agreement.ID) > maxIDBytes {
		refuse("use a shorter one", "id: it has %d bytes, and bills number behind it: at most %d", len(t.Agreement.ID), maxIDBytes)
	}
	given, err := t.Agreement.Bytes()
	normal, err2 := t.Agreement.Normalised().Bytes()
	if err != nil || err2 != nil || string(given) != string(normal) {
		refuse("list budgets in the members' order", "budgets: all members must sign the same bytes, and these are not in their normal order")
	}
	if t.Version == 0 || t.Effective.IsZero() {
		refuse("number versions from 1 and name the first day each is in force", "version %d, effective %s", t.Version, t.Effective)
	}
	if len(t.Methods) != len(t.Agreement.Categories) {
		refuse("state how each category is settled", "methods: %d for %d categories", len(t.Methods), len(t.Agreement.Categories))
	} else {
		for i, m := range t.Methods {
			if c := t.Agreement.Categories[i]; m < Reimbursement || m > EqualValueExchange || m.InKind() && c.Formula.Kind != programme.ActualUse {
				refuse("choose reimbursement, or for what the receiver bears alone replacement_in_kind or equal_value_exchange", "methods[%d]: %s is %s and cannot be settled by %s", i, c.Code, c.Formula.Kind, m)
			}
		}
	}
	if c := t.Clocks; c.CashMonths < 1 || c.CashMonths > MaxCashMonths || c.InKindMonths < 1 || c.InKindMonths > MaxInKindMonths || c.OffsetMonths < MinOffsetMonths || c.OfferDays > 365 {
		refuse("settle within 12 months, offset after 18, and prepare offers at most 365 days ahead", "clocks: %d, %d and %d months, %d days", c.CashMonths, c.InKindMonths, c.OffsetMonths, c.OfferDays)
	}
	for i, days := range t.Reminders {
		if days > 365 || i > 0 && days >= t.Reminders[i-1] {
			refuse("give days before the due day, the largest first, at most 365", "reminders[%d]: %d days", i, days)
		}
	}
	for i, n := range t.Arbiters {
		if _, ok := t.Agreement.Member(n); !ok || slices.Contains(t.Arbiters[:i], n) {
			refuse("name members, each once", "arbiters[%d]: %.20q cannot be named here", i, n)
		}
	}
	for i, r := range t.Rates {
		if r.IsZero() || r.Base() == r.Quote() || slices.ContainsFunc(t.Rates[:i], func(q money.Rate) bool { return sameCurrencies(q, r) }) {
			refuse("give one rate for two currencies, in one direction", "rates[%d]: %s cannot be used", i, r)
		}
	}
	return errors.Join(wrong...)
}

func sameCurrencies(q, r money.Rate) bool {
	return q.Base() == r.Base() && q.Quote() == r.Quote() || q.Base() == r.Quote() && q.Quote() == r.Base()
}

// Arbiter gives who decides between two members: the first arbiter that is neither. It says false where the agreement names none.
func (t Terms) Arbiter(one, other programme.Nation) (programme.Nation, bool) {
	for _, n := range t.Arbiters {
		if n != one && n != other {
			return n, true
		}
	}
	return "", false
}

// Method gives how what is recorded in a category is settled. The category is one of the agreement's.
func (t Terms) Method(category string) Method { return t.Methods[t.Agreement.CategoryIndex(category)] }

// Due gives the last day on which what was received on a day is to be settled.
func (t Terms) Due(received programme.Date, m Method) programme.Date {
	if m.InKind() {
		return received.AddMonths(int(t.Clocks.InKindMonths))
	}
	return received.AddMonths(int(t.Clocks.CashMonths))
}
