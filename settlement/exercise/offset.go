package exercise

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// Offset sets what two members owe each other against each other: lines that no bill charges for yet, in cash and in kind. Once the other signs, all of
// them are discharged, and one line is left for the difference. It is allowed where the terms net goods with cash and there are goods among them, and else
// when each of them is older than the terms' months. Bills are not offset here: their banks net them.
type Offset struct {
	No    string
	Owed  []wire.Hash // to the author; ascending
	Owing []wire.Hash // by the author; ascending
}

// Kind gives offset.
func (*Offset) Kind() string { return "offset" }

func (a *Offset) fields(f *wire.Fields) {
	f.Text(1, &a.No, programme.MaxUnitBytes)
	hashList(f, 2, &a.Owed, maxItems)
	hashList(f, 3, &a.Owing, maxItems)
}

func (a *Offset) cites() []wire.Hash { return nil }

func (a *Offset) judge(s *State, e *Entry) error {
	if err := s.number(e, a.No); err != nil {
		return err
	}
	_, err := s.balance(a, e)
	return err
}

// balance is what an offset leaves.
type balance struct {
	owed, owing []*Line
	creditor    programme.Nation // of the difference
	debtor      programme.Nation
	rest        money.Amount // zero where nothing is left
	larger      *Line        // the oldest line of the side the difference is of
	terms       Terms
}

func (s *State) balance(a *Offset, e *Entry) (balance, error) {
	var b balance
	if len(a.Owed) == 0 || len(a.Owing) == 0 || !ascending(a.Owed) || !ascending(a.Owing) || s.lines[a.Owed[0]] == nil {
		return b, refusal.Newf(CodeActInvalid, "name lines of both sides, each once, in ascending order", "%d lines against %d", len(a.Owed), len(a.Owing))
	}
	other := s.lines[a.Owed[0]].Receiver
	var err error
	if b.owed, err = s.offsetLines(a.Owed, e.Author, other); err != nil {
		return b, err
	}
	if b.owing, err = s.offsetLines(a.Owing, other, e.Author); err != nil {
		return b, err
	}
	v, err := s.ruling(b.owed[0].Key)
	if err != nil {
		return b, err
	}
	b.terms = v.Terms
	if err := b.allowed(e.Date()); err != nil {
		return b, err
	}
	toAuthor, err := sum(b.owed)
	if err != nil {
		return b, err
	}
	byAuthor, err := sum(b.owing)
	if err != nil {
		return b, err
	}
	against, err := b.convert(byAuthor, toAuthor.Currency())
	if err != nil {
		return b, err
	}
	if b.rest, err = toAuthor.Sub(against); err != nil {
		return b, err
	}
	b.creditor, b.debtor, b.larger = e.Author, other, oldest(b.owed)
	if b.rest.Minor() < 0 {
		if against, err = b.convert(toAuthor, byAuthor.Currency()); err != nil {
			return b, err
		}
		b.creditor, b.debtor, b.larger = other, e.Author, oldest(b.owing)
		b.rest, err = byAuthor.Sub(against)
	}
	if b.rest.Minor() < 0 { // two roundings may cross by a minor unit
		b.rest = money.Zero(b.rest.Currency())
	}
	return b, err
}

func (s *State) offsetLines(hashes []wire.Hash, creditor, debtor programme.Nation) ([]*Line, error) {
	var lines []*Line
	for _, h := range hashes {
		l := s.lines[h]
		if l == nil || l.Supplier != creditor || l.Receiver != debtor {
			return nil, refusal.Newf(CodeNotAParty, "name what two members owe each other", "line %s is not what %s owes %s", h.Short(), debtor, creditor)
		}
		v, err := s.ruling(l.Key)
		if err != nil {
			return nil, err
		}
		category := v.Terms.Agreement.Categories[v.Terms.Agreement.CategoryIndex(l.Category)]
		if l.Status != Due || len(l.bills) > 0 || l.Case != nil && l.Case.State == Open || category.Formula.Kind != programme.ActualUse {
			return nil, refusal.Newf(CodeLineState, "name what is due, undisputed, not billed and borne by its receiver alone", "%s is %s in %s", l.Key, l.Status, category.Formula.Kind)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func (b *balance) allowed(on programme.Date) error {
	both := slices.Concat(b.owed, b.owing)
	if b.terms.NetInKind && slices.ContainsFunc(both, (*Line).token) {
		return nil
	}
	for _, l := range both {
		if from := l.Since.AddMonths(int(b.terms.Clocks.OffsetMonths)); on.Before(from) {
			return refusal.Newf(CodeOffsetEarly, "settle it as agreed until then", "%s may be offset by consent from %s on", l.Key, from)
		}
	}
	return nil
}

func sum(lines []*Line) (money.Amount, error) {
	total := money.Zero(lines[0].Amount.Currency())
	for _, l := range lines {
		var err error
		if total, err = total.Add(l.inCash().Amount); err != nil {
			return total, err
		}
	}
	return total, nil
}

func oldest(lines []*Line) *Line {
	return slices.MinFunc(lines, func(l, m *Line) int {
		if by := l.Since.Compare(m.Since); by != 0 {
			return by
		}
		return compareHashes(l.ID, m.ID)
	})
}

// convert gives an amount in another currency at the agreement's rate, in whichever direction it is stated; halves are rounded to even.
func (b *balance) convert(amount money.Amount, to money.Currency) (money.Amount, error) {
	if amount.Currency() == to {
		return amount, nil
	}
	for _, r := range b.terms.Rates {
		switch {
		case r.Base() == amount.Currency() && r.Quote() == to:
			return r.Convert(amount, money.RoundHalfEven)
		case r.Quote() == amount.Currency() && r.Base() == to:
			return divide(amount, r)
		}
	}
	return money.Amount{}, refusal.Newf(CodeRateMissing, "amend the agreement by a rate", "the agreement has no rate between %s and %s", amount.Currency(), to)
}

// divide converts against a rate's direction.
func divide(amount money.Amount, r money.Rate) (money.Amount, error) {
	one := decimal.New(1, int32(r.Scale())).Shift(int32(r.Base().Digits()) - int32(r.Quote().Digits()))
	exact := decimal.NewFromInt(amount.Minor()).Mul(one)
	quotient, rest := exact.QuoRem(decimal.NewFromInt(r.Mantissa()), 0)
	switch twice := rest.Mul(decimal.NewFromInt(2)).Cmp(decimal.NewFromInt(r.Mantissa())); {
	case twice > 0, twice == 0 && !quotient.Mod(decimal.NewFromInt(2)).IsZero():
		quotient = quotient.Add(decimal.NewFromInt(1))
	}
	if !quotient.BigInt().IsInt64() {
		return money.Amount{}, refusal.Newf(money.CodeOverflow, "offset less at once", "%s is too much in %s", amount, r.Base())
	}
	return money.New(quotient.IntPart(), r.Base()), nil
}

func (a *Offset) do(s *State, e *Entry) {
	s.useNumber(e, a.No)
	s.documents[e.Hash] = &offsetting{a, e}
}

func (a *Offset) tell(*State) string {
	return fmt.Sprintf("proposes to set %d lines owed to it against %d it owes (%s)", len(a.Owed), len(a.Owing), a.No)
}

// offsetting is an offset the other side may sign.
type offsetting struct {
	*Offset
	entry *Entry
}

func (o *offsetting) maySign(s *State, e *Entry) error {
	b, err := s.balance(o.Offset, o.entry)
	if err == nil && e.Author != b.owed[0].Receiver {
		err = refusal.Newf(CodeNotAParty, "let the other side consent", "it is between %s and %s", o.entry.Author, b.owed[0].Receiver)
	}
	return err
}

func (o *offsetting) sign(s *State, _ *Entry) {
	b, err := s.balance(o.Offset, o.entry)
	if err != nil {
		panic("exercise: an offset that was judged cannot be done: " + err.Error())
	}
	for _, l := range slices.Concat(b.owed, b.owing) {
		l.Status = Discharged
	}
	if b.rest.IsZero() {
		return
	}
	one := decimal.NewFromInt(1)
	key := b.larger.Key
	key.Supplier, key.Receiver, key.Item = b.creditor, b.debtor, "balance of offset "+o.No
	l := &Line{ID: derivedID("offset", o.entry.Hash[:]), Since: b.larger.Since, decided: true, Line: programme.Line{
		Key: key, Quantity: one, Supplied: one, Received: one, Unit: programme.RoundingUnit, Amount: b.rest,
		UnitPrice: decimal.New(b.rest.Minor(), -int32(b.rest.Currency().Digits())), Reference: "offset " + o.No,
	}}
	for _, from := range slices.Concat(b.owed, b.owing) {
		l.ordered, l.received = append(l.ordered, from.ordered...), append(l.received, from.received...)
	}
	s.addLine(l)
	method := Reimbursement
	if !s.ownCurrency(l) {
		method = EqualValueExchange
	}
	s.confirm(l, b.terms, method)
}

func (o *offsetting) title() string { return "offset " + o.No }
