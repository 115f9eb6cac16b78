package exercise

import (
	"fmt"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// Appeal asks the arbiter the agreement names to decide a case.
type Appeal struct {
	Case     wire.Hash
	Evidence wire.Hash
	Note     string
}

// Kind gives appeal.
func (*Appeal) Kind() string { return "appeal" }

func (a *Appeal) fields(f *wire.Fields) {
	hashField(f, 1, &a.Case)
	hashField(f, 2, &a.Evidence)
	f.Text(3, &a.Note, programme.MaxTextBytes)
}

func (a *Appeal) cites() []wire.Hash { return nil }

func (a *Appeal) judge(s *State, e *Entry) error {
	c, err := s.open(a.Case, e)
	if err != nil {
		return err
	}
	if c.Appealed {
		return refusal.Newf(CodeCaseState, "wait for the award, or agree", "the arbiter is asked already")
	}
	if _, err := s.arbiter(c); err != nil {
		return err
	}
	return noteFault("note", a.Note)
}

// arbiter gives who decides a case, by the version that rules its line.
func (s *State) arbiter(c *Case) (programme.Nation, error) {
	v, err := s.ruling(c.Line.Key)
	if err != nil {
		return "", err
	}
	n, ok := v.Terms.Arbiter(c.Line.Supplier, c.Line.Receiver)
	if !ok {
		return "", refusal.Newf(CodeNotArbiter, "agree with the other party, or amend the agreement", "version %d names no arbiter beside %s and %s", v.Terms.Version, c.Line.Supplier, c.Line.Receiver)
	}
	return n, nil
}

func (a *Appeal) do(s *State, e *Entry) {
	c := s.cases[a.Case]
	c.Appealed = true
	c.note(e, "appeals to the arbiter%s%s", because(a.Note), evidence(a.Evidence))
}

func (a *Appeal) tell(s *State) string { return "appeals about " + s.cases[a.Case].Line.Key.String() }

// Award is the arbiter's decision.
type Award struct {
	Case wire.Hash
	Figures
	Note string
}

// Kind gives award.
func (*Award) Kind() string { return "award" }

func (a *Award) fields(f *wire.Fields) {
	hashField(f, 1, &a.Case)
	a.walk(f, 2)
	f.Text(5, &a.Note, programme.MaxTextBytes)
}

func (a *Award) cites() []wire.Hash { return nil }

func (a *Award) judge(s *State, e *Entry) error {
	c := s.cases[a.Case]
	if c == nil {
		return refusal.Newf(CodeUnknownDocument, "name a case that is open", "there is no case %s", a.Case.Short())
	}
	n, err := s.arbiter(c)
	switch {
	case err != nil:
		return err
	case n != e.Author:
		return refusal.Newf(CodeNotArbiter, "leave it to the arbiter", "%s decides between %s and %s", n, c.Line.Supplier, c.Line.Receiver)
	case c.State != Open || !c.Appealed:
		return refusal.Newf(CodeCaseState, "wait for an appeal", "case %s is %s, and nobody waits for an award", a.Case.Short(), c.State)
	}
	if err := textFault("note", a.Note, programme.MaxTextBytes); err != nil {
		return err
	}
	return s.figuresFault(c, a.Figures)
}

func (a *Award) do(s *State, e *Entry) {
	c := s.cases[a.Case]
	c.State = Awarded
	c.note(e, "awards %s: %s", a.Figures, a.Note)
	s.decide(c, a.Figures, e)
}

func (a *Award) tell(s *State) string {
	return fmt.Sprintf("awards %s for %s", a.Figures, s.cases[a.Case].Line.Key)
}
