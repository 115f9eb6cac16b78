package exercise

import (
	"fmt"

	"github.com/shopspring/decimal"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet/quorum"
)

// Discrepancy is what a receiver says is wrong with a delivery (SF 364).
type Discrepancy string

// The closed list of discrepancies. Returned is what the receiver sends back: once that is agreed, it can be issued again.
const (
	None      Discrepancy = ""
	Shortage  Discrepancy = "shortage"
	Damage    Discrepancy = "damage"
	WrongItem Discrepancy = "wrong_item"
	Returned  Discrepancy = "returned"
)

func (d Discrepancy) known() bool {
	return d == Shortage || d == Damage || d == WrongItem || d == Returned
}

// Issue says that the supplier handed over part of an order.
type Issue struct {
	No       string
	Order    wire.Hash
	Date     programme.Date
	Quantity decimal.Decimal
}

// issued is an issue in its place.
type issued struct {
	Issue
	order    *PlacedOrder
	received bool
}

// Kind gives issue.
func (*Issue) Kind() string { return "issue" }

func (a *Issue) fields(f *wire.Fields) {
	f.Text(1, &a.No, programme.MaxSerialBytes)
	hashField(f, 2, &a.Order)
	programme.DateField(f, 3, &a.Date)
	programme.DecimalField(f, 4, &a.Quantity)
}

func (a *Issue) cites() []wire.Hash { return []wire.Hash{a.Order} }

func (a *Issue) judge(s *State, e *Entry) error {
	if err := s.number(e, a.No); err != nil {
		return err
	}
	o := s.orders[a.Order]
	switch {
	case o == nil:
		return refusal.Newf(CodeUnknownDocument, "name an order", "event %s orders nothing", a.Order.Short())
	case o.Request.Supplier != e.Author:
		return refusal.Newf(CodeNotAParty, "let the supplier issue", "order %s is supplied by %s", o.No, o.Request.Supplier)
	case !o.Binds():
		return refusal.Newf(CodeUnsigned, "let the other side sign it first", "order %s is signed by one side", o.No)
	}
	if err := s.recordFault(e.Author, a.No, o.record(a.Date, a.Quantity)); err != nil {
		return err
	}
	return s.beyond(o, a.Date, o.Issued, a.Quantity, "an issue")
}

func (o *PlacedOrder) record(day programme.Date, quantity decimal.Decimal) programme.Record {
	return programme.Record{Key: o.Request.key(o.Receiver, day), Quantity: quantity, Unit: o.Request.Unit, UnitPrice: o.UnitPrice}
}

func (a *Issue) do(s *State, e *Entry) {
	s.useNumber(e, a.No)
	o := s.orders[a.Order]
	o.Issued = o.Issued.Add(a.Quantity)
	s.issues[e.Hash] = &issued{Issue: *a, order: o}
}

func (a *Issue) tell(s *State) string {
	o := s.orders[a.Order]
	return fmt.Sprintf("issues %s %s on order %s (%s)", a.Quantity, o.Request.Unit, o.No, a.No)
}

// Receive is the receiver's signed receipt for one issue. What it accepts is due from that moment; the rest of what was issued is disputed and held back.
type Receive struct {
	No       string
	Issue    wire.Hash
	Date     programme.Date
	Accepted decimal.Decimal
	Wrong    Discrepancy // with the rest; None where what is accepted is within the tolerance of what was issued
	Note     string      // what is wrong, in the receiver's words
	Evidence wire.Hash
}

// Kind gives receive.
func (*Receive) Kind() string { return "receive" }

func (a *Receive) fields(f *wire.Fields) {
	f.Text(1, &a.No, programme.MaxSerialBytes)
	hashField(f, 2, &a.Issue)
	programme.DateField(f, 3, &a.Date)
	programme.DecimalField(f, 4, &a.Accepted)
	f.Text(5, (*string)(&a.Wrong), 16)
	f.Text(6, &a.Note, programme.MaxTextBytes)
	hashField(f, 7, &a.Evidence)
}

func (a *Receive) cites() []wire.Hash { return []wire.Hash{a.Issue} }

func (a *Receive) judge(s *State, e *Entry) error {
	if err := s.number(e, a.No); err != nil {
		return err
	}
	i := s.issues[a.Issue]
	switch {
	case i == nil:
		return refusal.Newf(CodeUnknownDocument, "name an issue", "event %s issues nothing", a.Issue.Short())
	case i.order.Receiver != e.Author:
		return refusal.Newf(CodeNotAParty, "let the receiver sign", "issue %s is received by %s", i.No, i.order.Receiver)
	case i.received:
		return refusal.Newf(CodeSigned, "report what is wrong with it, if anything is", "issue %s has its receipt", i.No)
	case a.Date.Before(i.Date):
		return refusal.Newf(CodeActInvalid, "correct the date", "received on %s what was issued on %s", a.Date, i.Date)
	case i.order.Signed[e.Author] == e.Person():
		return refusal.Newf(CodeSamePerson, "let somebody else receive", "%s ordered it", e.Person())
	}
	if err := s.receiptFault(a, i); err != nil {
		return err
	}
	return s.beyond(i.order, a.Date, i.order.Received, a.Accepted, "a receipt")
}

// receiptFault refuses a receipt whose figures and words do not fit each other and the issue.
func (s *State) receiptFault(a *Receive, i *issued) error {
	record := i.order.record(a.Date, a.Accepted)
	if a.Accepted.IsZero() {
		record.Quantity = i.Quantity // all is disputed: the day and the category must be sound all the same
	}
	if err := s.recordFault(i.order.Receiver, a.No, record); err != nil {
		return err
	}
	v, err := s.ruling(record.Key)
	if err != nil {
		return err
	}
	record.Quantity = a.Accepted
	out := i.order.record(a.Date, i.Quantity)
	_, differs, err := v.Terms.Agreement.Compare(&out, &record)
	switch {
	case err != nil:
		return err
	case differs != "" && a.Accepted.GreaterThan(i.Quantity):
		return refusal.Newf(CodeOverOrder, "let the supplier issue the rest", "%s accepted of %s issued", a.Accepted, i.Quantity)
	case differs != "" && !a.Wrong.known():
		return refusal.Newf(CodeActInvalid, "say whether the rest is short, damaged, wrong or sent back", "%s accepted of %s issued, and nothing said of the rest", a.Accepted, i.Quantity)
	case a.Wrong == None && a.Note != "", a.Wrong != None && !a.Accepted.LessThan(i.Quantity):
		return refusal.Newf(CodeActInvalid, "drop the note or lower the accepted quantity", "it notes a discrepancy and accepts everything")
	case a.Wrong != None && !a.Wrong.known():
		return refusal.Newf(CodeActInvalid, "choose shortage, damage, wrong_item or returned", "%.16q is no discrepancy", string(a.Wrong))
	case a.Wrong != None:
		return textFault("note", a.Note, programme.MaxTextBytes)
	}
	return nil
}

func (a *Receive) do(s *State, e *Entry) {
	s.useNumber(e, a.No)
	i := s.issues[a.Issue]
	i.received = true
	i.order.Received = i.order.Received.Add(a.Accepted)
	l := s.deliver(i.order, a.Date, decimal.Min(a.Accepted, i.Quantity), e)
	l.ID, l.Supplied, l.Received = e.Hash, i.Quantity, a.Accepted
	l.Reference = fmt.Sprintf("order %s receipt %s", i.order.No, a.No)
	s.addLine(l)
	if a.Wrong != None {
		s.openCase(&Case{ID: derivedID("disputed", e.Hash[:]), Line: l, Reason: string(a.Wrong), Held: i.Quantity.Sub(a.Accepted)}, e)
		l.Case.note(e, "%s%s", a.Note, evidence(a.Evidence))
	}
}

// deliver makes a line of what was received of an order. It is due, since the receipt is signed.
func (s *State) deliver(o *PlacedOrder, day programme.Date, quantity decimal.Decimal, e *Entry) *Line {
	record := o.record(day, quantity)
	l := &Line{Line: programme.Line{Key: record.Key, Quantity: quantity, Unit: record.Unit, UnitPrice: record.UnitPrice}, Since: day, decided: true, order: o}
	l.ordered, l.received = []quorum.Person{o.Signed[o.Receiver]}, []quorum.Person{e.Person()}
	s.price(l)
	return l
}

// price gives a line its amount, and makes it due by the version of its day. Its quantity was checked to be billable.
func (s *State) price(l *Line) {
	v, err := s.ruling(l.Key)
	if err != nil {
		panic("exercise: " + err.Error())
	}
	if l.Amount, err = v.Terms.Agreement.Price(l.Line); err != nil {
		panic("exercise: a line that was checked has no price: " + err.Error())
	}
	method := l.Method
	switch {
	case l.order != nil:
		method = l.order.Method
	case method == 0:
		method = v.Terms.Method(l.Category)
	}
	s.confirm(l, v.Terms, method)
}

func (a *Receive) tell(s *State) string {
	i := s.issues[a.Issue]
	text := fmt.Sprintf("receives %s of %s %s on issue %s (%s)", a.Accepted, i.Quantity, i.order.Request.Unit, i.No, a.No)
	if a.Wrong != None {
		text += fmt.Sprintf(" and holds back the rest: %s", a.Wrong)
	}
	return text
}

// Report disputes part of what was received before (SF 364): only that part is held back.
type Report struct {
	No       string
	Line     wire.Hash // of a receipt
	Quantity decimal.Decimal
	Wrong    Discrepancy
	Note     string
	Evidence wire.Hash
}

// Kind gives report.
func (*Report) Kind() string { return "report" }

func (a *Report) fields(f *wire.Fields) {
	f.Text(1, &a.No, programme.MaxSerialBytes)
	hashField(f, 2, &a.Line)
	programme.DecimalField(f, 3, &a.Quantity)
	f.Text(4, (*string)(&a.Wrong), 16)
	f.Text(5, &a.Note, programme.MaxTextBytes)
	hashField(f, 6, &a.Evidence)
}

func (a *Report) cites() []wire.Hash { return nil }

func (a *Report) judge(s *State, e *Entry) error {
	if err := s.number(e, a.No); err != nil {
		return err
	}
	l := s.lines[a.Line]
	switch {
	case l == nil || l.order == nil:
		return refusal.Newf(CodeUnknownDocument, "name a receipt; contest a line of two counts", "no receipt makes a line %s", a.Line.Short())
	case l.Receiver != e.Author:
		return refusal.Newf(CodeNotAParty, "let the receiver report", "%s was received by %s", l.Key, l.Receiver)
	case l.Status != Due || l.Case != nil && l.Case.State == Open || l.given():
		return refusal.Newf(CodeLineState, "settle what is open about it first", "%s is %s, given back in part, or has an open case", l.Key, l.Status)
	case !a.Quantity.IsPositive() || a.Quantity.GreaterThan(l.Quantity) || a.Quantity.Exponent() < -programme.MaxFractionDigits:
		return refusal.Newf(CodeActInvalid, "dispute at most what was received", "%s disputed of %s", a.Quantity, l.Quantity)
	case !a.Wrong.known():
		return refusal.Newf(CodeActInvalid, "choose shortage, damage, wrong_item or returned", "%.16q is no discrepancy", string(a.Wrong))
	}
	return textFault("note", a.Note, programme.MaxTextBytes)
}

func (a *Report) do(s *State, e *Entry) {
	s.useNumber(e, a.No)
	l := s.lines[a.Line]
	c := &Case{ID: derivedID("disputed", e.Hash[:]), Line: l, Reason: string(a.Wrong), Held: a.Quantity, late: l.signedBill() && !s.isShared(l), reported: true}
	if !c.late { // what both signed in a bill stands, and a decision gives a credit; of what all share the next bills make up for it
		l.lapse()
		l.Quantity = l.Quantity.Sub(a.Quantity)
		s.price(l)
	}
	s.openCase(c, e)
	c.note(e, "%s%s", a.Note, evidence(a.Evidence))
}

func (a *Report) tell(s *State) string {
	l := s.lines[a.Line]
	return fmt.Sprintf("disputes %s %s of %s: %s (%s)", a.Quantity, l.Unit, l.Reference, a.Wrong, a.No)
}

// DisputeID names the case that a receipt with a discrepancy, or a report, opens.
func DisputeID(event wire.Hash) wire.Hash { return derivedID("disputed", event[:]) }

// decide carries out what a case came to. A decided line joins the next bill, or what is owed in kind.
func (s *State) decide(c *Case, f Figures, e *Entry) {
	c.Decision = &f
	l := c.Line
	if !c.delivery() {
		l.decided = true
		l.Supplied, l.Received = c.Ours.quantity(), c.Theirs.quantity()
		l.Quantity, l.Unit, l.UnitPrice = f.Quantity, f.Unit, f.UnitPrice
		l.received = c.Theirs.By
		s.price(l)
		return
	}
	c.carry(f)
	if c.late {
		s.credit(c, c.Held.Sub(f.Quantity), e)
		return
	}
	rest := s.outcome(c, "settled")
	rest.order, rest.ordered, rest.received, rest.Since = l.order, l.ordered, l.received, l.Since
	rest.Quantity, rest.Supplied, rest.Received = f.Quantity, f.Quantity, f.Quantity
	rest.Reference = l.Reference + " settled"
	s.price(rest)
}

// carry keeps the order's quantities up with what a case came to: what was sent back can be issued again, and what the receiver concedes it received.
func (c *Case) carry(f Figures) {
	o, back := c.Line.order, c.Held.Sub(f.Quantity)
	o.Received, o.Issued = o.Received.Sub(c.received), o.Issued.Sub(c.issued) // of a decision before
	c.received, c.issued = decimal.Zero, decimal.Zero
	if !c.reported {
		c.received = f.Quantity
	}
	if Discrepancy(c.Reason) == Returned {
		c.issued = back.Neg()
		if c.reported {
			c.received = back.Neg()
		}
	}
	o.Received, o.Issued = o.Received.Add(c.received), o.Issued.Add(c.issued)
}

// outcome gives the line that a case about a delivery ends in. Parties who agree after an award change it.
func (s *State) outcome(c *Case, label string) *Line {
	id := derivedID(label, c.ID[:])
	l := s.lines[id]
	if l == nil {
		l = &Line{Line: c.Line.Line, ID: id, decided: true}
		s.addLine(l)
	}
	return l
}

// credit is what a supplier owes back of a bill both signed: goods to that value, or an offset, in the supplier's own currency.
func (s *State) credit(c *Case, quantity decimal.Decimal, e *Entry) {
	v, err := s.ruling(c.Line.Key)
	if err != nil {
		panic("exercise: " + err.Error())
	}
	l := s.outcome(c, "credit")
	billed := c.Line.Line
	billed.Quantity = quantity
	if billed.Amount, err = v.Terms.Agreement.Price(billed); err != nil {
		panic("exercise: part of a line has no price: " + err.Error())
	}
	l.Line, l.Since = billed, e.Date()
	l.Supplier, l.Receiver, l.Reference = billed.Receiver, billed.Supplier, billed.Reference+" credit"
	s.confirm(l, v.Terms, EqualValueExchange)
}

func (s Side) quantity() decimal.Decimal {
	if s.Record == nil {
		return decimal.Zero
	}
	return s.Record.Quantity
}
