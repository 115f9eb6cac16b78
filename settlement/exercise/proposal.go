package exercise

import (
	"fmt"
	"slices"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// PlacedProposal is a proposal in its place.
type PlacedProposal struct {
	Event wire.Hash
	By    programme.Nation
	Figures
	Evidence wire.Hash
	Note     string

	of *Case
}

// Propose says what a line in a case should be. The latest proposal of either party stands, so a second one is the answer to the first.
type Propose struct {
	Case wire.Hash
	Figures
	Evidence wire.Hash
	Note     string
}

// Kind gives propose.
func (*Propose) Kind() string { return "propose" }

func (a *Propose) fields(f *wire.Fields) {
	hashField(f, 1, &a.Case)
	a.walk(f, 2)
	hashField(f, 5, &a.Evidence)
	f.Text(6, &a.Note, programme.MaxTextBytes)
}

func (a *Propose) cites() []wire.Hash { return nil }

func (a *Propose) judge(s *State, e *Entry) error {
	c, err := s.open(a.Case, e)
	if err != nil {
		return err
	}
	if err := noteFault("note", a.Note); err != nil {
		return err
	}
	return s.figuresFault(c, a.Figures)
}

func (a *Propose) do(s *State, e *Entry) {
	c := s.cases[a.Case]
	verb := "proposes"
	if c.Standing != nil && c.Standing.By != e.Author {
		verb = "answers with"
	}
	c.Standing = &PlacedProposal{e.Hash, e.Author, a.Figures, a.Evidence, a.Note, c}
	s.documents[e.Hash] = c.Standing
	c.note(e, "%s %s%s%s", verb, a.Figures, because(a.Note), evidence(a.Evidence))
}

func (a *Propose) tell(s *State) string {
	return fmt.Sprintf("proposes %s for %s", a.Figures, s.cases[a.Case].Line.Key)
}

func because(note string) string {
	if note == "" {
		return ""
	}
	return ": " + note
}

func evidence(h wire.Hash) string {
	if h.IsZero() {
		return ""
	}
	return " (evidence " + h.Short() + ")"
}

func (p *PlacedProposal) maySign(s *State, e *Entry) error {
	_, err := s.open(p.of.ID, e)
	switch { // what both parties agree on stands, even where an award came to be before it
	case err != nil && (p.of.State != Awarded || !p.of.Line.party(e.Author) || p.of.settled(s, e.Author)):
		return err
	case p.of.Standing != p:
		return refusal.Newf(CodeCaseState, "answer the latest one", "%s has been answered", p.Figures)
	case p.By == e.Author:
		return refusal.Newf(CodeOwnProposal, "wait for the other party", "%s proposed it itself", e.Author)
	}
	return nil
}

// settled says whether what was decided is in a bill that binds a party, or given back in part, so that it cannot agree to anything else.
func (c *Case) settled(s *State, party programme.Nation) bool {
	lines := []*Line{c.Line}
	if c.delivery() {
		lines = nil
		for _, label := range outcomes {
			if l := s.lines[derivedID(label, c.ID[:])]; l != nil {
				lines = append(lines, l)
			}
		}
	}
	return slices.ContainsFunc(lines, func(l *Line) bool { return !l.open(party) || l.given() || l.Status == Discharged })
}

func (p *PlacedProposal) sign(s *State, e *Entry) {
	if p.of.State == Awarded {
		p.of.Line.lapse()
		for _, label := range outcomes {
			if l := s.lines[derivedID(label, p.of.ID[:])]; l != nil {
				l.lapse()
			}
		}
	}
	p.of.State = Agreed
	p.of.note(e, "agrees to %s", p.Figures)
	s.decide(p.of, p.Figures, e)
}

func (p *PlacedProposal) title() string { return fmt.Sprintf("%s for %s", p.Figures, p.of.Line.Key) }
