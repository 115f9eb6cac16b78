package exercise

import (
	"bytes"
	"fmt"
	"slices"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet/quorum"
)

// BillState says how far a bill has come.
type BillState string

// The closed list of bill states.
const (
	Offered BillState = "offered" // by the creditor
	Signed  BillState = "signed"  // by the debtor too
	Paid    BillState = "paid"    // settled
	Lapsed  BillState = "lapsed"  // the debtor disputed a line of it instead of signing
)

// Limits of one bill.
const (
	// MaxBillLines bounds the lines of one bill beside the roster's; the next bill is for the rest.
	MaxBillLines = 1 << 12
	maxItems     = 1 << 14
)

// Bill charges a debtor for lines the author supplied. It stands once the debtor has signed it, and what stands in it is what both signed: whatever others
// say later of their part in a shared line changes the next bill. Whether it is what its lines come to, both desks ask Check before they sign.
type Bill struct {
	No      uint32 // the how many-th of the author for this debtor, from 1
	Debtor  programme.Nation
	Version uint32      // of the terms it is billed by
	Lines   []wire.Hash // ascending; of a category shared by person-days, the lines of the roster too
	Items   []programme.BillItem
}

// PlacedBill is a bill in its place.
type PlacedBill struct {
	Bill
	Event    wire.Hash
	Creditor programme.Nation
	Total    money.Amount
	State    BillState
	AtMS     int64 // when it was offered
	PaidBy   quorum.Person
	Leaf     wire.Hash // of the settlement, once paid

	lines []*Line
}

// Bills lists all bills in the order in which they were offered.
func (s *State) Bills() []*PlacedBill { return s.billed }

// Kind gives bill.
func (*Bill) Kind() string { return "bill" }

func (a *Bill) fields(f *wire.Fields) {
	f.U32(1, &a.No)
	f.Text(2, (*string)(&a.Debtor), 8)
	f.U32(3, &a.Version)
	hashList(f, 4, &a.Lines, maxItems)
	items := make([][]byte, len(a.Items))
	for i, item := range a.Items {
		items[i] = item.Bytes()
	}
	wire.List(f, 5, &items, maxItems, func(f *wire.Fields, b *[]byte) { f.Bytes(1, b, wire.LimitAttachment) })
	if len(a.Items) > 0 {
		return
	}
	for _, b := range items {
		item, err := programme.ParseBillItem(b)
		if err != nil {
			f.Refuse(5, refusalText(err))
			return
		}
		a.Items = append(a.Items, item)
	}
}

func hashList(f *wire.Fields, tag uint16, hashes *[]wire.Hash, most int) {
	wire.List(f, tag, hashes, most, func(f *wire.Fields, h *wire.Hash) { hashField(f, 1, h) })
}

func ascending(hashes []wire.Hash) bool {
	return slices.IsSortedFunc(hashes, compareHashes) && len(slices.Compact(slices.Clone(hashes))) == len(hashes)
}

func (a *Bill) cites() []wire.Hash { return nil }

// judge looks at what creditor and debtor alone have said.
func (a *Bill) judge(s *State, e *Entry) error {
	number := 1
	for _, b := range s.billed {
		if b.Creditor == e.Author && b.Debtor == a.Debtor {
			number++
		}
	}
	switch {
	case a.Debtor == e.Author || !s.member(a.Debtor):
		return refusal.Newf(CodeNotAParty, "bill another member", "%s bills %.20q", e.Author, a.Debtor)
	case int(a.No) != number:
		return refusal.Newf(CodeNumberTaken, "number it as State.Draft does", "bill %d of %s to %s, %d is due", a.No, e.Author, a.Debtor, number)
	case len(a.Lines) == 0 || len(a.Items) == 0 || !ascending(a.Lines):
		return refusal.Newf(CodeActInvalid, "name every line once, in ascending order", "%d lines and %d items", len(a.Lines), len(a.Items))
	}
	for _, h := range a.Lines {
		switch l := s.lines[h]; {
		case l == nil:
			return refusal.Newf(CodeUnknownDocument, "bill what was recorded", "there is no line %s", h.Short())
		case l.Supplier != e.Author && !l.roster:
			return refusal.Newf(CodeNotAParty, "bill what was supplied", "%s was supplied by %s", l.Key, l.Supplier)
		case l.bills[a.Debtor] != nil && !l.roster:
			return refusal.Newf(CodeLineState, "leave it out: a line is billed once", "%s is billed to %s already", l.Key, a.Debtor)
		case l.Status == Discharged:
			return refusal.Newf(CodeLineState, "leave it out", "%s is %s", l.Key, l.Status)
		}
	}
	_, err := a.total(e.Author)
	return err
}

func (a *Bill) total(creditor programme.Nation) (money.Amount, error) {
	total := money.Zero(a.Items[0].Amount.Currency())
	for _, item := range a.Items {
		if item.Supplier != creditor || item.Amount.Minor() <= 0 {
			return total, refusal.Newf(CodeBillDiffers, "bill what State.Draft gives", "%s supplied by %s for %s", item.Item, item.Supplier, item.Amount)
		}
		var err error
		if total, err = total.Add(item.Amount); err != nil {
			return total, err
		}
	}
	return total, nil
}

func (a *Bill) advise(s *State, e *Entry) error { return s.billFault(a, e.Author, e.Date(), nil) }

func (a *Bill) do(s *State, e *Entry) {
	total, err := a.total(e.Author)
	if err != nil {
		panic("exercise: a bill that was judged has no total: " + err.Error())
	}
	b := &PlacedBill{Bill: *a, Event: e.Hash, Creditor: e.Author, Total: total, State: Offered, AtMS: e.AtMS}
	for _, h := range a.Lines {
		l := s.lines[h]
		b.lines = append(b.lines, l)
		if !l.roster {
			l.bills[a.Debtor] = b
		}
	}
	s.bills[e.Hash], s.documents[e.Hash] = b, b
	s.billed = append(s.billed, b)
}

func (a *Bill) tell(s *State) string {
	return fmt.Sprintf("bills %s %s (bill %d, %d items)", a.Debtor, s.billed[len(s.billed)-1].Total, a.No, len(a.Items))
}

func (b *PlacedBill) maySign(_ *State, e *Entry) error {
	switch {
	case e.Author != b.Debtor:
		return refusal.Newf(CodeNotAParty, "let the debtor sign", "the bill is for %s", b.Debtor)
	case b.State != Offered:
		return refusal.Newf(CodeSigned, "nothing, or wait for the next bill", "the bill is %s", b.State)
	}
	return nil
}

// advise is what the debtor's desk asks before it signs: whether it finds the same.
func (b *PlacedBill) advise(s *State, _ *Entry) error {
	return s.billFault(&b.Bill, b.Creditor, programme.DateAt(b.AtMS), b)
}

func (b *PlacedBill) sign(*State, *Entry) { b.State = Signed }

func (b *PlacedBill) title() string {
	return fmt.Sprintf("bill %d of %s for %s", b.No, b.Creditor, b.Total)
}

// lapse takes back the bill with the line that its receiver has not signed. Bills of others who share the line stand, and their next one makes up for it.
func (l *Line) lapse() {
	b := l.bills[l.Receiver]
	if b == nil || b.State != Offered {
		return
	}
	b.State = Lapsed
	for _, other := range b.lines {
		if other.bills[b.Debtor] == b {
			delete(other.bills, b.Debtor)
		}
	}
}

// signedBill says whether the receiver has signed a bill with the line.
func (l *Line) signedBill() bool {
	b := l.bills[l.Receiver]
	return b != nil && b.State != Offered
}

// open says whether a party may still bring the line's figures into question: the supplier until it has billed them, since the receiver may be signing the
// bill at this moment, and the receiver until it has signed.
func (l *Line) open(party programme.Nation) bool {
	if party == l.Supplier {
		return len(l.bills) == 0
	}
	return !l.signedBill()
}

// Pay says that a bill both signed is settled, and by which leaf of the ledger.
type Pay struct {
	Bill wire.Hash
	Leaf wire.Hash
}

// Kind gives pay.
func (*Pay) Kind() string { return "pay" }

func (a *Pay) fields(f *wire.Fields) {
	hashField(f, 1, &a.Bill)
	hashField(f, 2, &a.Leaf)
}

func (a *Pay) cites() []wire.Hash { return []wire.Hash{a.Bill} }

func (a *Pay) judge(s *State, e *Entry) error {
	b := s.bills[a.Bill]
	switch {
	case b == nil:
		return refusal.Newf(CodeUnknownDocument, "name a bill", "event %s bills nothing", a.Bill.Short())
	case b.Debtor != e.Author:
		return refusal.Newf(CodeNotAParty, "let the debtor pay", "the bill is for %s", b.Debtor)
	case b.State != Signed:
		return refusal.Newf(CodeUnsigned, "pay a bill once, after both sides signed it", "the bill is %s", b.State)
	}
	return samePerson(e, b.lines...)
}

// samePerson refuses a person who pays and ordered or received what is paid.
func samePerson(e *Entry, lines ...*Line) error {
	for _, l := range lines {
		for _, part := range []struct {
			did     string
			persons []quorum.Person
		}{{"ordered", l.ordered}, {"received", l.received}} {
			if slices.Contains(part.persons, e.Person()) {
				return refusal.Newf(CodeSamePerson, "let somebody else pay", "%s %s %s", e.Person(), part.did, l.Key)
			}
		}
	}
	return nil
}

func (a *Pay) do(s *State, e *Entry) {
	b := s.bills[a.Bill]
	b.State, b.PaidBy, b.Leaf = Paid, e.Person(), a.Leaf
}

func (a *Pay) tell(s *State) string {
	b := s.bills[a.Bill]
	return fmt.Sprintf("pays bill %d of %s: %s", b.No, b.Creditor, b.Total)
}

// Drafted is a bill one member may offer another now.
type Drafted struct {
	Bill  Bill // the act to sign
	Draft programme.DraftBill
	Total money.Amount
}

// Draft gives what a creditor may bill a debtor on a day, one bill for each version of the terms that rules some of it: every line that is due in cash, and
// what is owed in kind and was not given back in time. The first bill between two members refers to the agreement's id alone, later ones to its id and their
// number. Of more than MaxBillLines lines a version's bill has the first ones by key, and once it is offered Draft gives the rest. Nothing has to be asked for:
// a receipt that is signed is in it.
func (s *State) Draft(creditor, debtor programme.Nation, on programme.Date) ([]Drafted, error) {
	number := uint32(1)
	for _, b := range s.billed {
		if b.Creditor == creditor && b.Debtor == debtor {
			number++
		}
	}
	var drafts []Drafted
	for _, v := range s.versions {
		lines := firstLines(s.billable(v, creditor, debtor, on, nil))
		draft, err := s.draft(v, creditor, debtor, number, lines)
		if err != nil {
			return nil, err
		}
		if draft == nil {
			continue
		}
		total, err := draft.Total()
		if err != nil {
			return nil, err
		}
		b := Bill{No: number, Debtor: debtor, Version: v.Terms.Version, Items: draft.Items}
		for _, l := range lines {
			b.Lines = append(b.Lines, l.ID)
		}
		slices.SortFunc(b.Lines, compareHashes)
		drafts = append(drafts, Drafted{b, *draft, total})
		number++
	}
	return drafts, nil
}

// firstLines gives as many lines as one bill has, and all of a roster.
func firstLines(lines []*Line) []*Line {
	n := 0
	return slices.DeleteFunc(lines, func(l *Line) bool {
		if !l.roster {
			n++
		}
		return n > MaxBillLines && !l.roster
	})
}

// billable lists the lines that make a bill, as if there were no bill but those beside this one.
func (s *State) billable(v *Version, creditor, debtor programme.Nation, on programme.Date, but *PlacedBill) []*Line {
	a := v.Terms.Agreement
	var lines, heads []*Line
	byDays := false
	for _, l := range s.Lines() {
		ruling, err := s.ruling(l.Key)
		if err != nil || ruling != v || l.Status != Due {
			continue
		}
		kind := a.Categories[a.CategoryIndex(l.Category)].Formula.Kind
		if kind == programme.HeadCount {
			heads = append(heads, l)
			continue
		}
		if b := l.bills[debtor]; b != nil && b != but || l.Supplier != creditor || !kind.Shared() && l.Receiver != debtor || !s.inCashOn(l, on) {
			continue
		}
		byDays = byDays || kind == programme.PersonDays
		lines = append(lines, l)
	}
	switch {
	case byDays && len(heads) > 0:
		lines = append(lines, heads...)
	case byDays: // what is shared by person-days waits for the first roster
		lines = slices.DeleteFunc(lines, func(l *Line) bool {
			return a.Categories[a.CategoryIndex(l.Category)].Formula.Kind == programme.PersonDays
		})
	}
	return lines
}

func numbered(reference string, number uint32) string { return fmt.Sprintf("%s.%d", reference, number) }

// billFault says where a bill differs from what this state finds.
func (s *State) billFault(a *Bill, creditor programme.Nation, on programme.Date, but *PlacedBill) error {
	differs := func(format string, args ...any) error {
		return refusal.Newf(CodeBillDiffers, "compare records with the other desk, and bill again", "bill %d of %s to %s: %s", a.No, creditor, a.Debtor, fmt.Sprintf(format, args...))
	}
	v := s.version(a.Version)
	if v == nil {
		return differs("version %d is not in force", a.Version)
	}
	var named []*Line
	for _, l := range s.billable(v, creditor, a.Debtor, on, but) {
		_, found := slices.BinarySearchFunc(a.Lines, l.ID, compareHashes)
		switch {
		case found:
			named = append(named, l)
		case l.roster:
			return differs("it leaves out %s", l.Key)
		}
	}
	if len(named) != len(a.Lines) {
		return differs("of its %d lines %d are due by version %d", len(a.Lines), len(named), a.Version)
	}
	draft, err := s.draft(v, creditor, a.Debtor, a.No, named)
	switch {
	case err != nil:
		return err
	case draft == nil:
		return differs("its lines charge nothing")
	case len(draft.Items) != len(a.Items):
		return differs("it has %d items, %d are found", len(a.Items), len(draft.Items))
	}
	for i, item := range draft.Items {
		if !bytes.Equal(item.Bytes(), a.Items[i].Bytes()) {
			return differs("item %d (%s) is %s, %s is found", i+1, a.Items[i].Item, a.Items[i].Amount, item.Amount)
		}
	}
	return nil
}
