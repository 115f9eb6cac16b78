package exercise

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet/quorum"
)

// Status says how far a line has come.
type Status string

// The closed list of statuses.
const (
	Counting   Status = "counting"   // its two nations have not both closed its day
	Frozen     Status = "frozen"     // a case about it is open
	Due        Status = "due"        // confirmed; to be billed, or to be given back in kind
	Struck     Status = "struck"     // decided to be nothing
	Discharged Status = "discharged" // given back, or offset
)

// Line is one line of what members supplied each other: two counts of one key, or one signed receipt, or what a decision or an offset left.
type Line struct {
	programme.Line
	ID     wire.Hash
	Status Status
	Method Method
	Since  programme.Date  // the day of the receipt, from which the clocks run
	DueBy  programme.Date  // the last day on which it is to be settled
	Case   *Case           // the last one about it, nil where there was none
	Left   decimal.Decimal // of goods owed in kind: how much is not given back yet
	Value  money.Amount    // of an exchange of equal value: what is not given back yet

	counted  bool // made by two counts
	roster   bool // counts people, and charges nobody: it is named in every bill that is shared by person-days
	cashed   bool // owed in kind before, in cash now
	decided  bool // its figures are fixed by a decision or a receipt
	order    *PlacedOrder
	ordered  []quorum.Person // who ordered it for the receiver
	received []quorum.Person // who counted or signed for it
	bills    map[programme.Nation]*PlacedBill
}

// Billed gives the bill that charges a debtor for the line, or nil.
func (l *Line) Billed(debtor programme.Nation) *PlacedBill { return l.bills[debtor] }

// done says whether nothing of the line is open that an amendment could harm.
func (l *Line) done() bool { return l.Status == Struck || l.Status == Discharged || len(l.bills) > 0 }

// party says whether a nation is one of the line's two.
func (l *Line) party(n programme.Nation) bool { return n == l.Supplier || n == l.Receiver }

// Lines lists all lines, ordered by key and id.
func (s *State) Lines() []*Line {
	if len(s.sorted) != len(s.listed) { // a line keeps its key and id
		s.sorted = slices.SortedFunc(slices.Values(s.listed), func(l, m *Line) int {
			if by := l.Key.Compare(m.Key); by != 0 {
				return by
			}
			return compareHashes(l.ID, m.ID)
		})
	}
	return slices.Clone(s.sorted)
}

// Line finds a line by its id.
func (s *State) Line(id wire.Hash) (*Line, bool) {
	l, ok := s.lines[id]
	return l, ok
}

// LineOf finds the line that two counts of a key make.
func (s *State) LineOf(key programme.Key) (*Line, bool) {
	l, ok := s.keyed[key]
	return l, ok
}

// KeyID names the line that two counts of a key make.
func KeyID(key programme.Key) (wire.Hash, error) {
	b, err := wire.EncodeFields(key.Fields)
	if err != nil {
		return wire.Hash{}, err
	}
	return derivedID("counted", b), nil
}

// derivedID names what an event brings about beside what it lays down.
func derivedID(label string, b []byte) wire.Hash {
	return sha256.Sum256(append([]byte("exercise line: "+label+"\n"), b...))
}

func (s *State) addLine(l *Line) {
	l.bills = map[programme.Nation]*PlacedBill{}
	s.lines[l.ID] = l
	s.listed = append(s.listed, l)
}

// match sets the two counts of a key side by side, once both nations have closed the day, and again whenever one of them counts more before it is billed.
func (s *State) match(key programme.Key, e *Entry) {
	l := s.keyed[key]
	if l == nil {
		id, err := KeyID(key)
		if err != nil {
			panic("exercise: a key that was read cannot be written: " + err.Error())
		}
		l = &Line{Line: programme.Line{Key: key}, ID: id, Status: Counting, Since: key.Date, counted: true}
		s.keyed[key] = l
		s.addLine(l)
	}
	v, err := s.ruling(key)
	if err != nil || l.decided || l.done() || l.given() || s.closed[key.Supplier].Before(key.Date) || s.closed[key.Receiver].Before(key.Date) {
		return
	}
	category := v.Terms.Agreement.CategoryIndex(key.Category)
	l.roster = category >= 0 && v.Terms.Agreement.Categories[category].Formula.Kind == programme.HeadCount
	ours, theirs := s.side(key.Supplier, key), s.side(key.Receiver, key)
	line, reason, err := v.Terms.Agreement.Compare(ours.Record, theirs.Record)
	if err != nil {
		reason = programme.Reason(refusal.CodeOf(err)) // not reached: counts that come to too much are refused
	}
	l.received = s.counters[counted{key.Receiver, key}]
	switch open := l.Case != nil && l.Case.State == Open; {
	case reason != "" && open:
		l.Case.Ours, l.Case.Theirs = ours, theirs
		l.Case.Reason = string(reason)
	case reason != "":
		l.Status = Frozen
		s.openCase(&Case{ID: l.ID, Line: l, Reason: string(reason), Ours: ours, Theirs: theirs}, e)
	case open && l.Case.contested:
		l.Case.Ours, l.Case.Theirs, l.Line = ours, theirs, line
	default:
		if open {
			l.Case.State = Moot
			l.Case.note(e, "the counts agree now")
		}
		l.Line = line
		s.confirm(l, v.Terms, v.Terms.Method(key.Category))
	}
}

// side gives what one nation counted of a key.
func (s *State) side(n programme.Nation, key programme.Key) Side {
	r, evidence, ok := s.tallies[n].Total(key)
	if !ok {
		return Side{Nation: n}
	}
	return Side{n, &r, evidence, s.counters[counted{n, key}]}
}

// confirm makes a line due, with its figures as they stand. Goods owed in kind become tokens of their quantity or value.
func (s *State) confirm(l *Line, t Terms, m Method) {
	l.Status, l.Method, l.DueBy = Due, m, t.Due(l.Since, m)
	if l.Quantity.IsZero() {
		l.Status = Struck
	}
	if m.InKind() {
		l.Left, l.Value = l.Quantity, l.Amount
	}
}

// CloseDays says that the author has counted everything up to a day. What it counts of such days later is matched all the same until it is billed.
type CloseDays struct{ Through programme.Date }

// Kind gives close_days.
func (*CloseDays) Kind() string { return "close_days" }

func (a *CloseDays) fields(f *wire.Fields) { programme.DateField(f, 1, &a.Through) }

func (a *CloseDays) cites() []wire.Hash { return nil }

func (a *CloseDays) judge(s *State, e *Entry) error {
	if !s.closed[e.Author].Before(a.Through) {
		return refusal.Newf(CodeDayClosed, "close a later day", "%s has closed its days to %s", e.Author, s.closed[e.Author])
	}
	return nil
}

func (a *CloseDays) do(s *State, e *Entry) {
	before := s.closed[e.Author]
	s.closed[e.Author] = a.Through
	for _, l := range slices.Clone(s.listed) {
		if l.counted && l.party(e.Author) && before.Before(l.Date) && !a.Through.Before(l.Date) {
			s.match(l.Key, e)
		}
	}
}

func (a *CloseDays) tell(*State) string { return fmt.Sprintf("closes its days to %s", a.Through) }

// Troubles lists a nation's counting devices with files missing or doubled.
func (s *State) Troubles(n programme.Nation) []Trouble { return s.tallies[n].Troubles() }

// Count gives what a nation counted of a key so far, over all its devices, and the evidence for it.
func (s *State) Count(n programme.Nation, key programme.Key) (programme.Record, []wire.Hash, bool) {
	return s.tallies[n].Total(key)
}

// LateCount is a count that grew after its line was decided, billed or given back in part. The line stands; whoever wants the rest paid orders or counts it under another item.
type LateCount struct {
	Line   *Line
	Nation programme.Nation
	Now    decimal.Decimal
	Then   decimal.Decimal
}

// LateCounts lists what was counted too late, in the order of Lines.
func (s *State) LateCounts() []LateCount {
	var late []LateCount
	for _, l := range s.Lines() {
		if !l.counted || !l.decided && !l.done() && !l.given() {
			continue
		}
		for _, n := range []programme.Nation{l.Supplier, l.Receiver} {
			now, _, ok := s.tallies[n].Total(l.Key)
			then := l.statement(n)
			if ok && !now.Quantity.Equal(then) {
				late = append(late, LateCount{l, n, now.Quantity, then})
			}
		}
	}
	return late
}

// statement gives the quantity a party had counted when the line was confirmed or decided.
func (l *Line) statement(n programme.Nation) decimal.Decimal {
	if n == l.Supplier {
		return l.Supplied
	}
	return l.Received
}
