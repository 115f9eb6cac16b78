package exercise

import (
	"cmp"
	"fmt"
	"slices"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// Version is one version of the terms and who has signed it. It is in force once every member of it, and of the version it amends, has.
type Version struct {
	Terms  Terms
	Event  wire.Hash          // that laid it down
	Signed []programme.Nation // in the order in which they signed

	due []programme.Nation // who must sign
}

// invitation is a nation's to a first version.
type invitation struct {
	terms  wire.Hash
	nation programme.Nation
}

// signature is a nation's under one version number: it signs one only, so that no two versions of a number are ever in force.
type signature struct {
	nation  programme.Nation
	version uint32
}

// Complete says whether everybody has signed.
func (v *Version) Complete() bool { return len(v.Signed) == len(v.due) }

// Missing lists who has not signed yet.
func (v *Version) Missing() []programme.Nation {
	return slices.DeleteFunc(slices.Clone(v.due), func(n programme.Nation) bool { return slices.Contains(v.Signed, n) })
}

// Versions lists the versions everybody signed, by number. The last one's number is what an author's next event says it knows.
func (s *State) Versions() []*Version { return s.versions }

func (s *State) version(n uint32) *Version {
	for _, v := range s.versions {
		if v.Terms.Version == n {
			return v
		}
	}
	return nil
}

// InForce gives the version that rules records of a day: the highest that is effective by then and signed by all. Refused: nothing_in_force.
func (s *State) InForce(day programme.Date) (*Version, error) {
	for _, v := range slices.Backward(s.versions) {
		if !day.Before(v.Terms.Effective) {
			return v, nil
		}
	}
	return nil, s.nothingInForce(day)
}

func (s *State) nothingInForce(day programme.Date) error {
	return refusal.Newf(CodeNothingInForce, "let every member sign the agreement, with an earlier first day", "no version of %s that all members signed is in force on %s", s.Exercise, day)
}

// ruling gives the version that rules what a key names: the highest in force on its day that both its nations have said they know and that has its members,
// category and day. So a member's late signature changes nothing between two others before they know of it, and nothing recorded is orphaned by an amendment.
func (s *State) ruling(key programme.Key) (*Version, error) {
	known := min(max(s.known[key.Supplier], 1), max(s.known[key.Receiver], 1))
	var highest *Version
	for _, v := range slices.Backward(s.versions) {
		if v.Terms.Version > known || key.Date.Before(v.Terms.Effective) {
			continue
		}
		if v.fits(key) {
			return v, nil
		}
		highest = cmp.Or(highest, v)
	}
	if highest == nil {
		return nil, s.nothingInForce(key.Date)
	}
	return highest, nil // which says what is wrong with the key
}

func (v *Version) fits(key programme.Key) bool {
	a := v.Terms.Agreement
	_, supplier := a.Member(key.Supplier)
	_, receiver := a.Member(key.Receiver)
	return supplier && receiver && a.CategoryIndex(key.Category) >= 0 && !key.Date.Before(a.Starts) && !a.Ends.Before(key.Date)
}

// Create lays down the first version of the terms. The author signs it by that.
type Create struct{ Terms Terms }

// Kind gives create.
func (*Create) Kind() string { return "create" }

func (a *Create) fields(f *wire.Fields) { a.Terms.fields(f) }

func (a *Create) cites() []wire.Hash { return nil }

func (a *Create) judge(s *State, e *Entry) error {
	if a.Terms.Version != 1 {
		return refusal.Newf(CodeVersionTaken, "number it 1, or amend what there is", "version %d is not the first", a.Terms.Version)
	}
	return s.termsFault(a.Terms, e)
}

func (s *State) termsFault(t Terms, e *Entry) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if t.Agreement.ID != s.Exercise {
		return refusal.Newf(CodeWrongExercise, "keep the agreement's id", "terms of %s in the log of %s", t.Agreement.ID, s.Exercise)
	}
	if _, ok := t.Agreement.Member(e.Author); !ok {
		return refusal.Newf(CodeNotAParty, "let a member lay it down", "%s is no member by these terms", e.Author)
	}
	if s.signedAs[signature{e.Author, t.Version}] {
		return refusal.Newf(CodeSigned, "take the next number", "%s has signed a version %d already", e.Author, t.Version)
	}
	return nil
}

func (a *Create) do(s *State, e *Entry) {
	s.invited[invitation{e.Hash, e.Author}] = true
	s.layDown(a.Terms, e, nil)
}

func (a *Create) tell(*State) string {
	return fmt.Sprintf("creates %s: version 1, effective %s, among %d", a.Terms.Agreement.ID, a.Terms.Effective, len(a.Terms.Agreement.Members))
}

func (s *State) layDown(t Terms, e *Entry, before *Version) {
	v := &Version{Terms: t, Event: e.Hash}
	for _, m := range t.Agreement.Members {
		v.due = append(v.due, m.Nation)
	}
	if before != nil {
		for _, m := range before.Terms.Agreement.Members {
			if !slices.Contains(v.due, m.Nation) {
				v.due = append(v.due, m.Nation)
			}
		}
	}
	s.documents[e.Hash] = v
	v.sign(s, e)
}

// Invite asks a nation the terms name to sign the first version.
type Invite struct {
	Terms  wire.Hash // the event that created the exercise
	Nation programme.Nation
}

// Kind gives invite.
func (*Invite) Kind() string { return "invite" }

func (a *Invite) fields(f *wire.Fields) {
	hashField(f, 1, &a.Terms)
	f.Text(2, (*string)(&a.Nation), 8)
}

func (a *Invite) cites() []wire.Hash { return []wire.Hash{a.Terms} }

func (a *Invite) judge(s *State, e *Entry) error {
	v, ok := s.documents[a.Terms].(*Version)
	if !ok || v.Terms.Version != 1 {
		return refusal.Newf(CodeUnknownDocument, "invite to the first version", "event %s created nothing", a.Terms.Short())
	}
	if !slices.Contains(v.Signed, e.Author) {
		return refusal.Newf(CodeNotAParty, "join before inviting others", "%s has not signed", e.Author)
	}
	if !slices.Contains(v.due, a.Nation) {
		return refusal.Newf(programme.CodeUnknownMember, "invite whom the terms name", "the terms do not name %.20q", a.Nation)
	}
	if s.invited[invitation{a.Terms, a.Nation}] {
		return refusal.Newf(CodeSigned, "nothing: it may sign", "%s is invited already", a.Nation)
	}
	return nil
}

func (a *Invite) do(s *State, _ *Entry) { s.invited[invitation{a.Terms, a.Nation}] = true }

func (a *Invite) tell(*State) string { return "invites " + string(a.Nation) }

// Amend lays down a further version of the terms. The author signs it by that.
type Amend struct {
	Amends wire.Hash // the event that laid down the version it amends, which all have signed
	Terms  Terms     // of a higher number
}

// Kind gives amend.
func (*Amend) Kind() string { return "amend" }

func (a *Amend) fields(f *wire.Fields) {
	hashField(f, 1, &a.Amends)
	termsField(f, 2, &a.Terms)
}

func (a *Amend) cites() []wire.Hash { return []wire.Hash{a.Amends} }

func (a *Amend) judge(s *State, e *Entry) error {
	before, ok := s.documents[a.Amends].(*Version)
	if !ok || !before.Complete() || a.Terms.Version <= before.Terms.Version {
		return refusal.Newf(CodeVersionTaken, "amend a version that all have signed, under a higher number", "version %d cannot follow event %s", a.Terms.Version, a.Amends.Short())
	}
	return s.termsFault(a.Terms, e)
}

func (a *Amend) advise(s *State, _ *Entry) error { return s.keepsWhatIsOwed(a.Terms) }

// keepsWhatIsOwed warns of terms under which what is recorded already would go on by an earlier version, or would be owed in another currency.
func (s *State) keepsWhatIsOwed(t Terms) error {
	for _, v := range s.versions {
		for _, m := range v.Terms.Agreement.Members {
			if now, stays := t.Agreement.Member(m.Nation); stays && now.Currency != m.Currency {
				return refusal.Newf(CodeTermsInvalid, "let a member keep its currency", "%s would bill in %s what it is owed in %s", m.Nation, now.Currency, m.Currency)
			}
		}
	}
	next := Version{Terms: t}
	for _, l := range s.Lines() {
		if !l.Date.Before(t.Effective) && !l.done() && !next.fits(l.Key) {
			return refusal.Newf(CodeTermsInvalid, "keep its members, category and day, or settle it first", "%s could not be billed by them", l.Key)
		}
	}
	return nil
}

func (a *Amend) do(s *State, e *Entry) { s.layDown(a.Terms, e, s.documents[a.Amends].(*Version)) }

func (a *Amend) tell(*State) string {
	return fmt.Sprintf("lays down version %d, effective %s", a.Terms.Version, a.Terms.Effective)
}

func (v *Version) maySign(s *State, e *Entry) error {
	switch {
	case !slices.Contains(v.due, e.Author):
		return refusal.Newf(CodeNotAParty, "let members sign", "version %d does not wait for %s", v.Terms.Version, e.Author)
	case v.Terms.Version == 1 && !s.invited[invitation{v.Event, e.Author}]:
		return refusal.Newf(CodeNotInvited, "ask a member that signed for an invitation", "%s was not invited", e.Author)
	case s.signedAs[signature{e.Author, v.Terms.Version}]:
		return refusal.Newf(CodeSigned, "nothing: one signature a number is enough", "%s has signed a version %d", e.Author, v.Terms.Version)
	}
	return nil
}

func (v *Version) advise(s *State, _ *Entry) error {
	if v.Terms.Version == 1 {
		return nil
	}
	return s.keepsWhatIsOwed(v.Terms)
}

func (v *Version) sign(s *State, e *Entry) {
	v.Signed = append(v.Signed, e.Author)
	s.signedAs[signature{e.Author, v.Terms.Version}] = true
	if v.Complete() {
		s.versions = append(s.versions, v)
		slices.SortFunc(s.versions, func(v, w *Version) int { return cmp.Compare(v.Terms.Version, w.Terms.Version) })
	}
}

func (v *Version) title() string {
	if v.Complete() {
		return fmt.Sprintf("version %d, which is in force from %s", v.Terms.Version, v.Terms.Effective)
	}
	return fmt.Sprintf("version %d (%d of %d)", v.Terms.Version, len(v.Signed), len(v.due))
}
