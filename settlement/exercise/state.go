package exercise

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet/quorum"
)

// State is what a log's events say together. It is read only.
type State struct {
	Exercise string
	Taken    []Taken  // every event that was done or refused, in the order in which they count
	Waiting  []*Entry // events that rest on others that are not there yet
	Forks    []Fork   // authors who said two different things under one number: an alarm

	versions  []*Version                  // signed by all, by version
	known     map[programme.Nation]uint32 // the highest version each nation said it knows
	invited   map[invitation]bool
	signedAs  map[signature]bool
	documents map[wire.Hash]document // what can be signed, by the event that laid it down
	used      map[string]bool        // numbers of documents
	requests  map[wire.Hash]*Request
	orders    map[wire.Hash]*PlacedOrder
	issues    map[wire.Hash]*issued
	tallies   map[programme.Nation]*Tallies
	counters  map[counted][]quorum.Person // who counted
	evidence  map[counted][]wire.Hash
	closed    map[programme.Nation]programme.Date // the last day a nation closed
	keyed     map[programme.Key]*Line             // lines that two counts make
	lines     map[wire.Hash]*Line
	listed    []*Line // all lines, as they came up
	sorted    []*Line // the same by key and id, where they are as many
	cases     map[wire.Hash]*Case
	opened    []*Case
	bills     map[wire.Hash]*PlacedBill
	billed    []*PlacedBill

	entries map[wire.Hash]*Entry
	behind  map[wire.Hash]bool          // events whose tick is not above that of a lower number of their author
	ticks   map[programme.Nation]uint64 // the highest of each author
	numbers map[programme.Nation]uint64 // the highest of each author
	last    *Entry
}

// Taken is an event and what became of it.
type Taken struct {
	Entry *Entry
	Err   error  // the refusal, nil where it was done
	Text  string // what its author did, where it was done
}

// Fork is evidence against an author: two events it signed under one number. From that number on nothing it said counts.
type Fork struct {
	Author programme.Nation
	Seq    uint64
	Events []wire.Hash
}

// counted is one nation's side of one key.
type counted struct {
	nation programme.Nation
	key    programme.Key
}

// document is something others sign by Sign.
type document interface {
	maySign(s *State, e *Entry) error
	sign(s *State, e *Entry)
	title() string
}

func newState(exercise string) *State {
	return &State{
		Exercise: exercise, known: map[programme.Nation]uint32{}, invited: map[invitation]bool{}, signedAs: map[signature]bool{}, documents: map[wire.Hash]document{}, used: map[string]bool{},
		requests: map[wire.Hash]*Request{}, orders: map[wire.Hash]*PlacedOrder{}, issues: map[wire.Hash]*issued{}, tallies: map[programme.Nation]*Tallies{},
		counters: map[counted][]quorum.Person{}, evidence: map[counted][]wire.Hash{}, closed: map[programme.Nation]programme.Date{},
		keyed: map[programme.Key]*Line{}, lines: map[wire.Hash]*Line{}, cases: map[wire.Hash]*Case{}, bills: map[wire.Hash]*PlacedBill{},
		entries: map[wire.Hash]*Entry{}, behind: map[wire.Hash]bool{}, ticks: map[programme.Nation]uint64{}, numbers: map[programme.Nation]uint64{},
	}
}

// Check asks whether an event would be done if it came now, after all others. It changes nothing. Refused: by the codes of this package and of programme.
func (s *State) Check(e Event) error {
	entry, err := e.entry()
	if err != nil {
		return err
	}
	if e.Tick <= s.ticks[e.Author] || e.Seq <= s.numbers[e.Author] {
		return behind(entry)
	}
	if err := s.judge(entry); err != nil {
		return err
	}
	if a, ok := e.Act.(advised); ok {
		return a.advise(s, entry)
	}
	return nil
}

func behind(e *Entry) error {
	return refusal.Newf(CodeOutOfOrder, "take number and tick from the log", "tick %d of %s under number %d is not above that of its earlier events", e.Tick, e.Author, e.Seq)
}

func (s *State) judge(e *Entry) error {
	if e.Exercise != s.Exercise {
		return refusal.Newf(CodeWrongExercise, "add it to its own log", "an event of %.64q in the log of %s", e.Exercise, s.Exercise)
	}
	for _, h := range e.Act.cites() {
		if s.entries[h] == nil {
			return refusal.Newf(CodeOutOfOrder, "take number and tick from the log", "tick %d of %s is not above that of event %s, on which it rests", e.Tick, e.Author, h.Short())
		}
	}
	if why := programme.TextFault(e.By, 64); why != "" {
		return refusal.Newf(CodeActInvalid, "name the person", "by: %s", why)
	}
	if e.Version > 0 && s.version(e.Version) == nil {
		return refusal.Newf(CodeNothingInForce, "name a version that all have signed", "version %d of %s is not signed by all", e.Version, s.Exercise)
	}
	if !joins(e.Act) && !s.member(e.Author) {
		return refusal.Newf(programme.CodeUnknownMember, "only members take part", "%s is no member of %s", e.Author, s.Exercise)
	}
	return e.Act.judge(s, e)
}

// step takes the next event. Its tick and hash are remembered even where it is refused, so that what rests on it is refused by name.
func (s *State) step(e *Entry) {
	err := s.judge(e)
	if s.behind[e.Hash] {
		err = behind(e)
	}
	taken := Taken{Entry: e, Err: err}
	if err == nil {
		s.learn(e)
		e.Act.do(s, e)
		taken.Text = e.Act.tell(s)
	}
	s.Taken = append(s.Taken, taken)
	s.entries[e.Hash], s.last = e, e
	s.ticks[e.Author], s.numbers[e.Author] = max(s.ticks[e.Author], e.Tick), max(s.numbers[e.Author], e.Seq)
}

// joins tells an act by which a nation becomes a member.
func joins(a Act) bool {
	switch a.(type) {
	case *Create, *Invite, *Sign:
		return true
	}
	return false
}

// learn takes note of the version an author knows. What it counted and is not billed yet is matched by it, as soon as the other party knows it too.
func (s *State) learn(e *Entry) {
	if e.Version <= s.known[e.Author] {
		return
	}
	s.known[e.Author] = e.Version
	for _, l := range slices.Clone(s.listed) {
		if l.counted && l.party(e.Author) {
			s.match(l.Key, e)
		}
	}
}

// member tells whether a nation is a member by any version in force.
func (s *State) member(n programme.Nation) bool {
	for _, v := range s.versions {
		if _, ok := v.Terms.Agreement.Member(n); ok {
			return true
		}
	}
	return false
}

// number refuses a number its author used before for the same kind of document.
func (s *State) number(e *Entry, no string) error {
	if err := textFault("no", no, programme.MaxSerialBytes); err != nil {
		return err
	}
	if s.used[numberKey(e, no)] {
		return refusal.Newf(CodeNumberTaken, "use the next number", "%s used number %s for another %s", e.Author, no, e.Act.Kind())
	}
	return nil
}

func (s *State) useNumber(e *Entry, no string) { s.used[numberKey(e, no)] = true }

func numberKey(e *Entry, no string) string {
	return fmt.Sprintf("%s %s %s", e.Author, e.Act.Kind(), no)
}

// Tell gives what was done and what was refused, one line an event, for people.
func (s *State) Tell() string {
	var b strings.Builder
	for _, t := range s.Taken {
		fmt.Fprintf(&b, "%s %s", minute(t.Entry.AtMS), who(t.Entry))
		if t.Err != nil {
			fmt.Fprintf(&b, " is refused (%s): %v\n", t.Entry.Act.Kind(), t.Err)
			continue
		}
		fmt.Fprintf(&b, " %s\n", t.Text)
	}
	for _, e := range s.Waiting {
		fmt.Fprintf(&b, "%s %s waits for what it rests on (%s)\n", minute(e.AtMS), who(e), e.Act.Kind())
	}
	for _, f := range s.Forks {
		fmt.Fprintf(&b, "ALARM %s said different things under number %d; nothing it said from there on counts\n", f.Author, f.Seq)
	}
	return b.String()
}

func minute(atMS int64) string { return time.UnixMilli(atMS).UTC().Format("2006-01-02 15:04") }

func who(e *Entry) string { return fmt.Sprintf("%s (%s)", e.Author, e.By) }

// Sign puts the author's signature under what an earlier event laid down: terms, an order, a bill, a proposal, something given back, an offer, an offset.
type Sign struct{ Document wire.Hash }

// Kind gives sign.
func (*Sign) Kind() string { return "sign" }

func (a *Sign) fields(f *wire.Fields) { hashField(f, 1, &a.Document) }

func (a *Sign) cites() []wire.Hash { return []wire.Hash{a.Document} }

func (a *Sign) judge(s *State, e *Entry) error {
	d := s.documents[a.Document]
	if d == nil {
		return refusal.Newf(CodeUnknownDocument, "sign what was laid down and not refused", "event %s laid nothing down that could be signed", a.Document.Short())
	}
	return d.maySign(s, e)
}

func (a *Sign) advise(s *State, e *Entry) error {
	if d, ok := s.documents[a.Document].(advised); ok {
		return d.advise(s, e)
	}
	return nil
}

func (a *Sign) do(s *State, e *Entry) { s.documents[a.Document].sign(s, e) }

func (a *Sign) tell(s *State) string { return "signs " + s.documents[a.Document].title() }
