package exercise

import (
	"fmt"

	"github.com/shopspring/decimal"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet/quorum"
)

// Request is what a nation asks another for: the first link of the chain from request to settlement.
type Request struct {
	No       string // the author's own number
	Supplier programme.Nation
	Category string
	Item     string
	Stock    string // NATO stock number, empty where there is none
	Quantity decimal.Decimal
	Unit     string
	Needed   programme.Date
}

// Kind gives request.
func (*Request) Kind() string { return "request" }

func (a *Request) fields(f *wire.Fields) {
	f.Text(1, &a.No, programme.MaxSerialBytes)
	f.Text(2, (*string)(&a.Supplier), 8)
	f.Text(3, &a.Category, 16)
	f.Text(4, &a.Item, programme.MaxTextBytes)
	f.Text(5, &a.Stock, programme.MaxSerialBytes)
	programme.DecimalField(f, 6, &a.Quantity)
	f.Text(7, &a.Unit, programme.MaxUnitBytes)
	programme.DateField(f, 8, &a.Needed)
}

func (a *Request) cites() []wire.Hash { return nil }

func (a *Request) judge(s *State, e *Entry) error {
	if err := s.number(e, a.No); err != nil {
		return err
	}
	if err := noteFault("stock", a.Stock); err != nil {
		return err
	}
	return s.recordFault(e.Author, a.No, programme.Record{Key: a.key(e.Author, a.Needed), Quantity: a.Quantity, Unit: a.Unit})
}

func (a *Request) key(receiver programme.Nation, day programme.Date) programme.Key {
	return programme.Key{Date: day, Category: a.Category, Supplier: a.Supplier, Receiver: receiver, Item: a.Item}
}

// recordFault refuses what could not be counted and billed by the version that rules it.
func (s *State) recordFault(counter programme.Nation, source string, r programme.Record) error {
	v, err := s.ruling(r.Key)
	if err != nil {
		return err
	}
	return v.Terms.Agreement.CheckCount(programme.Count{Nation: counter, Source: source, Records: []programme.Record{r}})
}

func (a *Request) do(s *State, e *Entry) {
	s.useNumber(e, a.No)
	s.requests[e.Hash] = a
}

func (a *Request) tell(*State) string {
	return fmt.Sprintf("requests %s %s of %s from %s for %s (%s)", a.Quantity, a.Unit, a.Item, a.Supplier, a.Needed, a.No)
}

// Order lays down what is to be supplied on a request and at what price. Either side may; it binds once the other side has signed it too.
type Order struct {
	No        string
	Request   wire.Hash
	Date      programme.Date
	Quantity  decimal.Decimal // what is requested, or another quantity
	UnitPrice decimal.Decimal // in major units of the supplier's currency
	Method    Method          // how it is settled, whatever the category's method
}

// PlacedOrder is an order in its place.
type PlacedOrder struct {
	Order
	Event    wire.Hash
	Request  *Request
	Receiver programme.Nation
	Signed   map[programme.Nation]quorum.Person // who signed for each side
	Issued   decimal.Decimal                    // what the supplier says it handed over
	Received decimal.Decimal                    // what the receiver signed for; what is sent back is taken off again
}

// Binds says whether both sides have signed.
func (o *PlacedOrder) Binds() bool { return len(o.Signed) == 2 }

// Order gives an order by the event that laid it down.
func (s *State) Order(event wire.Hash) (*PlacedOrder, bool) {
	o, ok := s.orders[event]
	return o, ok
}

// Kind gives order.
func (*Order) Kind() string { return "order" }

func (a *Order) fields(f *wire.Fields) {
	f.Text(1, &a.No, programme.MaxSerialBytes)
	hashField(f, 2, &a.Request)
	programme.DateField(f, 3, &a.Date)
	programme.DecimalField(f, 4, &a.Quantity)
	programme.DecimalField(f, 5, &a.UnitPrice)
	f.U8(6, (*uint8)(&a.Method))
}

func (a *Order) cites() []wire.Hash { return []wire.Hash{a.Request} }

func (a *Order) judge(s *State, e *Entry) error {
	if err := s.number(e, a.No); err != nil {
		return err
	}
	r := s.requests[a.Request]
	if r == nil {
		return refusal.Newf(CodeUnknownDocument, "name the request it answers", "event %s requests nothing", a.Request.Short())
	}
	receiver := s.entries[a.Request].Author
	if e.Author != r.Supplier && e.Author != receiver {
		return refusal.Newf(CodeNotAParty, "leave it to the two sides", "request %s is of %s to %s", r.No, receiver, r.Supplier)
	}
	record := programme.Record{Key: r.key(receiver, a.Date), Quantity: a.Quantity, Unit: r.Unit, UnitPrice: a.UnitPrice}
	if err := s.recordFault(e.Author, a.No, record); err != nil {
		return err
	}
	v, err := s.ruling(record.Key)
	if err != nil {
		return err
	}
	category := v.Terms.Agreement.Categories[v.Terms.Agreement.CategoryIndex(r.Category)]
	if a.Method < Reimbursement || a.Method > EqualValueExchange || a.Method.InKind() && category.Formula.Kind != programme.ActualUse {
		return refusal.Newf(CodeActInvalid, "choose reimbursement, or for what the receiver bears alone replacement_in_kind or equal_value_exchange", "%s is %s and cannot be settled by %s", category.Code, category.Formula.Kind, a.Method)
	}
	if category.Formula.Kind == programme.HeadCount {
		return refusal.Newf(CodeActInvalid, "count people by tallies", "%s is a roster, and nobody orders people", category.Code)
	}
	return nil
}

func (a *Order) do(s *State, e *Entry) {
	s.useNumber(e, a.No)
	o := &PlacedOrder{Order: *a, Event: e.Hash, Request: s.requests[a.Request], Receiver: s.entries[a.Request].Author, Signed: map[programme.Nation]quorum.Person{}}
	s.orders[e.Hash], s.documents[e.Hash] = o, o
	o.sign(s, e)
}

func (a *Order) tell(s *State) string {
	r := s.requests[a.Request]
	return fmt.Sprintf("orders %s %s of %s at %s on request %s, by %s (%s)", a.Quantity, r.Unit, r.Item, a.UnitPrice, r.No, a.Method, a.No)
}

func (o *PlacedOrder) maySign(_ *State, e *Entry) error {
	if e.Author != o.Request.Supplier && e.Author != o.Receiver {
		return refusal.Newf(CodeNotAParty, "leave it to the two sides", "order %s is of %s and %s", o.No, o.Receiver, o.Request.Supplier)
	}
	if _, signed := o.Signed[e.Author]; signed {
		return refusal.Newf(CodeSigned, "nothing: the signature is there", "%s has signed order %s", e.Author, o.No)
	}
	return nil
}

func (o *PlacedOrder) sign(_ *State, e *Entry) { o.Signed[e.Author] = e.Person() }

func (o *PlacedOrder) title() string { return "order " + o.No }

// beyond refuses a quantity that takes what was said of an order so far above it by more than the tolerance of the day's version.
func (s *State) beyond(o *PlacedOrder, day programme.Date, so, more decimal.Decimal, what string) error {
	v, err := s.ruling(o.Request.key(o.Receiver, day))
	if err != nil {
		return err
	}
	whole := decimal.NewFromInt(programme.WholeBP)
	most := o.Quantity.Mul(decimal.NewFromInt(v.Terms.Agreement.ToleranceBP).Add(whole))
	if so.Add(more).Mul(whole).GreaterThan(most) {
		return refusal.Newf(CodeOverOrder, "order the rest first", "%s of %s and %s before is more than the %s of order %s and its tolerance", what, more, so, o.Quantity, o.No)
	}
	return nil
}
