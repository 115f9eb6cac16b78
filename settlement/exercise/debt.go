package exercise

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// token says whether a line is goods owed: litres, rounds, person-days, or other goods to its value.
func (l *Line) token() bool { return l.Method.InKind() && l.Status == Due && len(l.bills) == 0 }

// given says whether goods owed were given back in part, or turned into cash.
func (l *Line) given() bool {
	return l.cashed || l.Method.InKind() && (!l.Left.Equal(l.Quantity) || l.Value != l.Amount)
}

// inCash gives a line as it is billed: as it stands, or what is left of goods owed at the agreed price.
func (l *Line) inCash() programme.Line {
	line := l.Line
	switch {
	case l.Method == ReplacementInKind && !l.Left.Equal(l.Quantity):
		line.Quantity, line.Supplied, line.Received, line.Amount = l.Left, l.Left, l.Left, l.Value
	case l.Method == EqualValueExchange && l.Value != l.Amount:
		one := decimal.NewFromInt(1)
		line.Quantity, line.Supplied, line.Received, line.Unit = one, one, one, programme.RoundingUnit
		line.UnitPrice, line.Amount = decimal.New(l.Value.Minor(), -int32(l.Value.Currency().Digits())), l.Value
	}
	return line
}

// inCashOn says whether a line may be billed on a day: one settled in cash, or goods not given back in time. What is owed in another currency than its
// creditor bills in never is.
func (s *State) inCashOn(l *Line, on programme.Date) bool {
	if !l.Method.InKind() {
		return true
	}
	return l.DueBy.Before(on) && s.ownCurrency(l)
}

func (s *State) ownCurrency(l *Line) bool {
	v, err := s.ruling(l.Key)
	if err != nil {
		return false
	}
	m, ok := v.Terms.Agreement.Member(l.Supplier)
	return ok && m.Currency == l.Amount.Currency()
}

// tokenOf finds goods owed between the author and another, with the author in the given part.
func (s *State) tokenOf(id wire.Hash, debtor programme.Nation) (*Line, error) {
	l := s.lines[id]
	switch {
	case l == nil:
		return nil, refusal.Newf(CodeUnknownDocument, "name a line that is owed in kind", "there is no line %s", id.Short())
	case l.Receiver != debtor:
		return nil, refusal.Newf(CodeNotAParty, "let the debtor give back", "%s is owed by %s", l.Key, l.Receiver)
	case !l.token() || l.Case != nil && l.Case.State == Open:
		return nil, refusal.Newf(CodeLineState, "settle what is open about it, or pay its bill", "%s is %s by %s, billed or disputed", l.Key, l.Status, l.Method)
	}
	return l, nil
}

// Repay gives goods back: the same ones, or for an exchange of equal value others at a price. It counts once the creditor has signed for them.
type Repay struct {
	No        string
	Line      wire.Hash
	Date      programme.Date
	Item      string
	Quantity  decimal.Decimal
	Unit      string
	UnitPrice decimal.Decimal // in the currency of what is owed; 0 where the same goods come back
	Evidence  wire.Hash
}

// Kind gives repay.
func (*Repay) Kind() string { return "repay" }

func (a *Repay) fields(f *wire.Fields) {
	f.Text(1, &a.No, programme.MaxSerialBytes)
	hashField(f, 2, &a.Line)
	programme.DateField(f, 3, &a.Date)
	f.Text(4, &a.Item, programme.MaxTextBytes)
	programme.DecimalField(f, 5, &a.Quantity)
	f.Text(6, &a.Unit, programme.MaxUnitBytes)
	programme.DecimalField(f, 7, &a.UnitPrice)
	hashField(f, 8, &a.Evidence)
}

func (a *Repay) cites() []wire.Hash { return nil }

func (a *Repay) judge(s *State, e *Entry) error {
	if err := s.number(e, a.No); err != nil {
		return err
	}
	l, err := s.tokenOf(a.Line, e.Author)
	if err != nil {
		return err
	}
	for _, text := range []struct {
		what, text string
		limit      int
	}{{"item", a.Item, programme.MaxTextBytes}, {"unit", a.Unit, programme.MaxUnitBytes}} {
		if err := textFault(text.what, text.text, text.limit); err != nil {
			return err
		}
	}
	if a.Date.Before(l.Since) || !a.Quantity.IsPositive() || a.Quantity.Exponent() < -programme.MaxFractionDigits {
		return refusal.Newf(CodeActInvalid, "give back something, after it was received", "%s %s on %s", a.Quantity, a.Unit, a.Date)
	}
	if _, _, err := a.rest(l); err != nil {
		return err
	}
	return samePerson(e, l)
}

// rest gives what is owed after it: a quantity and a value.
func (a *Repay) rest(l *Line) (decimal.Decimal, money.Amount, error) {
	none := money.Amount{}
	over := func(most string) error {
		return refusal.Newf(CodeOverRepayment, "give back what is owed", "%s %s given back, %s are owed", a.Quantity, a.Unit, most)
	}
	if l.Method == ReplacementInKind {
		left := l.Left.Sub(a.Quantity)
		switch {
		case a.Item != l.Item || a.Unit != l.Unit || !a.UnitPrice.IsZero():
			return left, none, refusal.Newf(CodeActInvalid, fmt.Sprintf("give back %s of %s, at no price", l.Unit, l.Item), "%s of %s at %s is not the same goods", a.Unit, a.Item, a.UnitPrice)
		case left.IsNegative():
			return left, none, over(l.Left.String())
		}
		value, err := money.LineTotal(left, l.UnitPrice, l.Amount.Currency(), money.RoundHalfEven)
		return left, value, err
	}
	value, err := money.LineTotal(a.Quantity, a.UnitPrice, l.Value.Currency(), money.RoundHalfEven)
	if err != nil {
		return l.Left, none, err
	}
	left, err := l.Value.Sub(value)
	switch {
	case err != nil:
		return l.Left, none, err
	case left.Minor() < 0:
		return l.Left, none, over(l.Value.String())
	case value.IsZero():
		return l.Left, none, refusal.Newf(CodeActInvalid, "agree on a price", "%s of %s at %s is worth nothing", a.Unit, a.Item, a.UnitPrice)
	}
	return l.Left, left, nil
}

func (a *Repay) do(s *State, e *Entry) {
	s.useNumber(e, a.No)
	s.documents[e.Hash] = &repayment{a, e.Author}
}

func (a *Repay) tell(s *State) string {
	return fmt.Sprintf("gives back %s %s of %s for %s (%s)", a.Quantity, a.Unit, a.Item, s.lines[a.Line].Key, a.No)
}

// repayment is a repayment its creditor may sign for.
type repayment struct {
	*Repay
	debtor programme.Nation
}

func (r *repayment) maySign(s *State, e *Entry) error {
	l, err := s.tokenOf(r.Line, r.debtor)
	switch {
	case err != nil:
		return err
	case l.Supplier != e.Author:
		return refusal.Newf(CodeNotAParty, "let the creditor sign for it", "it is owed to %s", l.Supplier)
	case s.used["repaid "+string(r.debtor)+" "+r.No]:
		return refusal.Newf(CodeSigned, "nothing: it is signed for", "%s is received", r.No)
	}
	_, _, err = r.rest(l)
	return err
}

func (r *repayment) sign(s *State, _ *Entry) {
	l := s.lines[r.Line]
	left, value, err := r.rest(l)
	if err != nil {
		panic("exercise: a repayment that was judged cannot be taken: " + err.Error())
	}
	s.used["repaid "+string(r.debtor)+" "+r.No] = true
	l.Left, l.Value = left, value
	if l.Method == ReplacementInKind && left.IsZero() || l.Method == EqualValueExchange && value.IsZero() {
		l.Status = Discharged
	}
}

func (r *repayment) title() string { return "for what came back (" + r.No + ")" }

// CashOffer is what a debtor may offer for goods that are due soon.
type CashOffer struct {
	Act    OfferCash // to sign
	Line   *Line
	Amount money.Amount // what is left of it, at the agreed price
}

// CashOffers prepares an offer for everything owed in kind that is due within the terms' days, and for nothing that is late already: that is billed. They
// come ordered by the day they are due, then as Lines.
func (s *State) CashOffers(on programme.Date) []CashOffer {
	var offers []CashOffer
	for _, l := range s.Lines() {
		if !l.token() || l.Case != nil && l.Case.State == Open || !s.ownCurrency(l) {
			continue
		}
		v, err := s.ruling(l.Key)
		if err != nil {
			continue
		}
		if days := on.DaysUntil(l.DueBy); days >= 0 && days <= int(v.Terms.Clocks.OfferDays) {
			offers = append(offers, CashOffer{OfferCash{l.ID}, l, l.inCash().Amount})
		}
	}
	slices.SortStableFunc(offers, func(o, p CashOffer) int { return cmp.Or(o.Line.DueBy.Compare(p.Line.DueBy)) })
	return offers
}

// OfferCash offers to pay what is left of goods owed at the agreed price. Once the creditor signs, it joins the next bill.
type OfferCash struct{ Line wire.Hash }

// Kind gives offer_cash.
func (*OfferCash) Kind() string { return "offer_cash" }

func (a *OfferCash) fields(f *wire.Fields) { hashField(f, 1, &a.Line) }

func (a *OfferCash) cites() []wire.Hash { return nil }

func (a *OfferCash) judge(s *State, e *Entry) error {
	l, err := s.tokenOf(a.Line, e.Author)
	if err != nil {
		return err
	}
	if !s.ownCurrency(l) {
		return refusal.Newf(CodeLineState, "give back goods to its value, or offset it", "%s is owed in %s, in which %s does not bill", l.Key, l.Amount.Currency(), l.Supplier)
	}
	return nil
}

func (a *OfferCash) do(s *State, e *Entry) { s.documents[e.Hash] = &cashOffered{a, e.Author} }

func (a *OfferCash) tell(s *State) string {
	l := s.lines[a.Line]
	return fmt.Sprintf("offers %s for what it owes in kind: %s", l.inCash().Amount, l.Key)
}

// cashOffered is an offer its creditor may take.
type cashOffered struct {
	*OfferCash
	debtor programme.Nation
}

func (o *cashOffered) maySign(s *State, e *Entry) error {
	l, err := s.tokenOf(o.Line, o.debtor)
	if err == nil && l.Supplier != e.Author {
		err = refusal.Newf(CodeNotAParty, "let the creditor take it", "it is owed to %s", l.Supplier)
	}
	return err
}

func (o *cashOffered) sign(s *State, _ *Entry) {
	l := s.lines[o.Line]
	l.Line = l.inCash()
	l.Method, l.cashed = Reimbursement, true
}

func (o *cashOffered) title() string { return "for cash instead of goods" }
