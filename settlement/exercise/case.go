package exercise

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet/quorum"
)

// CaseState says how far a case has come.
type CaseState string

// The closed list of case states.
const (
	Open    CaseState = "open"
	Agreed  CaseState = "agreed"  // by both parties
	Awarded CaseState = "awarded" // by the arbiter
	Moot    CaseState = "moot"    // the counts agree after all
)

// Side is what one party of a case counted.
type Side struct {
	Nation   programme.Nation
	Record   *programme.Record // nil where it counted nothing
	Evidence []wire.Hash
	By       []quorum.Person
}

// Figures are what a line is said to be. A quantity of zero says that nothing is owed.
type Figures struct {
	Quantity  decimal.Decimal
	Unit      string
	UnitPrice decimal.Decimal
}

// String gives "75 kg at 38.5".
func (f Figures) String() string { return fmt.Sprintf("%s %s at %s", f.Quantity, f.Unit, f.UnitPrice) }

// walk walks the figures as three fields of a document, from tag on.
func (f *Figures) walk(w *wire.Fields, tag uint16) {
	programme.DecimalField(w, tag, &f.Quantity)
	w.Text(tag+1, &f.Unit, programme.MaxUnitBytes)
	programme.DecimalField(w, tag+2, &f.UnitPrice)
}

// Case is a disagreement of two nations: two counts of a line that diverge, or what a receiver disputes of a delivery. It freezes that and nothing else.
type Case struct {
	ID       wire.Hash // the line's where two counts diverge, else the event that raised it
	Line     *Line
	Reason   string // what diverges, "contested", or what is wrong with a delivery
	State    CaseState
	Ours     Side            // the supplier's
	Theirs   Side            // the receiver's
	Held     decimal.Decimal // of a delivery: the quantity in dispute
	Standing *PlacedProposal // the latest proposal, nil before the first
	Appealed bool
	Decision *Figures // once decided

	contested bool
	late      bool            // raised after the line was billed: a decision gives a credit
	reported  bool            // the disputed part was accepted before
	received  decimal.Decimal // what its decision added to the order's quantities
	issued    decimal.Decimal
	history   []string
}

// outcomes label the lines in which a case about a delivery may end.
var outcomes = []string{"settled", "credit"}

// Cases lists all cases in the order of their lines, those of a line as they came up.
func (s *State) Cases() []*Case {
	return slices.SortedStableFunc(slices.Values(s.opened), func(c, d *Case) int {
		if by := c.Line.Key.Compare(d.Line.Key); by != 0 {
			return by
		}
		return compareHashes(c.Line.ID, d.Line.ID)
	})
}

// Case finds a case by its id.
func (s *State) Case(id wire.Hash) (*Case, bool) {
	c, ok := s.cases[id]
	return c, ok
}

// delivery says whether the case is about a delivery and not about two counts.
func (c *Case) delivery() bool { return c.ID != c.Line.ID }

func (s *State) openCase(c *Case, e *Entry) {
	c.State = Open
	if before := s.cases[c.ID]; before != nil {
		c.history = before.history
		s.opened = slices.DeleteFunc(s.opened, func(other *Case) bool { return other == before })
	}
	s.cases[c.ID], c.Line.Case = c, c
	s.opened = append(s.opened, c)
	if c.delivery() {
		c.note(e, "disputes %s %s: %s", c.Held, c.Line.Unit, c.Reason)
		return
	}
	c.note(e, "the counts are set side by side: %s", c.Reason)
}

func (c *Case) note(e *Entry, format string, args ...any) {
	c.history = append(c.history, fmt.Sprintf("%s %s: %s", minute(e.AtMS), who(e), fmt.Sprintf(format, args...)))
}

// Tell gives the case's history for people: both counts with their evidence, and what was said, a line each.
func (c *Case) Tell() string {
	var b strings.Builder
	fmt.Fprintf(&b, "case %s of %s: %s, %s\n", c.ID.Short(), c.Line.Key, c.Reason, c.State)
	if !c.delivery() {
		for _, side := range []struct {
			part string
			Side
		}{{"supplier", c.Ours}, {"receiver", c.Theirs}} {
			fmt.Fprintf(&b, "  %s %s counted %s\n", side.part, side.Nation, side.Side)
		}
	}
	for _, text := range c.history {
		fmt.Fprintf(&b, "  %s\n", text)
	}
	return b.String()
}

// String gives "80 kg at 38.5 (ravi of IND; evidence 0a1b2c3d)", or "nothing".
func (s Side) String() string {
	if s.Record == nil {
		return "nothing"
	}
	var notes []string
	for _, p := range s.By {
		notes = append(notes, p.String())
	}
	text := s.Record.Statement() + " (" + strings.Join(notes, ", ")
	for i, h := range s.Evidence {
		if i == 0 {
			text += "; evidence"
		}
		text += " " + h.Short()
	}
	return text + ")"
}

// open finds a case that is not decided and that the author is a party of.
func (s *State) open(id wire.Hash, e *Entry) (*Case, error) {
	c := s.cases[id]
	switch {
	case c == nil:
		return nil, refusal.Newf(CodeUnknownDocument, "name a case that is open", "there is no case %s", id.Short())
	case !c.Line.party(e.Author):
		return nil, refusal.Newf(CodeNotAParty, "leave it to its two nations", "the case is between %s and %s", c.Line.Supplier, c.Line.Receiver)
	case c.State != Open:
		return nil, refusal.Newf(CodeCaseState, "nothing: it stands as decided", "case %s is %s", id.Short(), c.State)
	}
	return c, nil
}

// figuresFault refuses figures the line could not be billed by.
func (s *State) figuresFault(c *Case, f Figures) error {
	l := c.Line
	if c.delivery() {
		if f.Unit != l.Unit || !f.UnitPrice.Equal(l.UnitPrice) || f.Quantity.GreaterThan(c.Held) {
			return refusal.Newf(CodeActInvalid, fmt.Sprintf("propose 0 to %s %s at %s", c.Held, l.Unit, l.UnitPrice), "%s is not of what is disputed", f)
		}
	}
	if f.Quantity.IsNegative() {
		return refusal.Newf(CodeActInvalid, "propose 0 or more", "%s is below zero", f)
	}
	v, err := s.ruling(l.Key)
	if err != nil {
		return err
	}
	r := programme.Record{Key: l.Key, Quantity: f.Quantity, Unit: f.Unit, UnitPrice: f.UnitPrice}
	if r.Quantity.IsZero() {
		r.Quantity = decimal.NewFromInt(1) // nothing of it is owed, and the rest must be sound all the same
	}
	return v.Terms.Agreement.CheckCount(programme.Count{Nation: l.Supplier, Source: "case " + c.ID.Short(), Records: []programme.Record{r}})
}

// Contest opens a case about a line both counts agree on: for the receiver until it has signed the bill with it, for the supplier until it has billed it.
type Contest struct {
	Line     wire.Hash
	Evidence wire.Hash
	Note     string
}

// Kind gives contest.
func (*Contest) Kind() string { return "contest" }

func (a *Contest) fields(f *wire.Fields) {
	hashField(f, 1, &a.Line)
	hashField(f, 2, &a.Evidence)
	f.Text(3, &a.Note, programme.MaxTextBytes)
}

func (a *Contest) cites() []wire.Hash { return nil }

func (a *Contest) judge(s *State, e *Entry) error {
	l := s.lines[a.Line]
	switch {
	case l == nil || !l.counted:
		return refusal.Newf(CodeUnknownDocument, "name a line of two counts; report what is wrong with a delivery", "no two counts make a line %s", a.Line.Short())
	case !l.party(e.Author):
		return refusal.Newf(CodeNotAParty, "leave it to its two nations", "the line is between %s and %s", l.Supplier, l.Receiver)
	case l.Status != Due || l.decided || l.given() || !l.open(e.Author):
		return refusal.Newf(CodeLineState, "settle the difference by a further record", "%s is %s, decided or billed", l.Key, l.Status)
	}
	return textFault("note", a.Note, programme.MaxTextBytes)
}

func (a *Contest) do(s *State, e *Entry) {
	l := s.lines[a.Line]
	l.lapse()
	l.Status = Frozen
	c := &Case{ID: l.ID, Line: l, Reason: "contested", Ours: s.side(l.Supplier, l.Key), Theirs: s.side(l.Receiver, l.Key), contested: true}
	s.openCase(c, e)
	c.note(e, "contests the line: %s%s", a.Note, evidence(a.Evidence))
}

func (a *Contest) tell(s *State) string { return "contests " + s.lines[a.Line].Key.String() }
