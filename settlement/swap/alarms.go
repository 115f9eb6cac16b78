package swap

import (
	"fmt"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// readmit lets a peer that contradicted itself take part again.
func (m *Machine) readmit(out *Output, o *wire.Order, cause wire.Hash, now int64) {
	if !m.Knows(o.Account) {
		m.refuse(out, refusal.Newf(CodePeerUnknown, "name a bank of the trust file", "there is no bank %q in this network", o.Account), cause, now)
		return
	}
	m.channel(o.Account).Stopped = false
	out.Channels = append(out.Channels, o.Account)
}

// contradicted keeps two messages of one bank that contradict each other as evidence, and deals with the bank no more.
func (m *Machine) contradicted(out *Output, bank, what string, about, first, second wire.Hash, now int64) {
	m.refuse(out, refusal.Newf(CodeConflict, "keep to the first word: two signed ones are proof against the bank", "%s %s swap %s twice: %s and %s", bank, what, about.Short(), first, second), about, now)
	m.note(out, NoteAlarm, CodeConflict, bank+" contradicts itself: "+first.String()+" and "+second.String(), about, now)
	out.Conflicts = append(out.Conflicts, Conflict{bank, about, first, second})
	m.channel(bank).Stopped = true
	out.Channels = append(out.Channels, bank)
}

// alert raises an alarm for each swap that has been in doubt too long, once a run.
func (m *Machine) alert(out *Output, now int64) {
	var due []*Swap
	for id, alerted := range m.doubt {
		if s := m.swaps[id]; !alerted && now >= s.SinceMS+DoubtAlertMS {
			due = append(due, s)
		}
	}
	sortByID(due)
	for _, s := range due {
		m.doubt[s.ID] = true
		waits := "the decision of " + s.Peers[0].Bank
		if s.Role == Initiator {
			waits = "acknowledgements"
		}
		m.note(out, NoteAlarm, CodeInDoubt, fmt.Sprintf("swap %s is %s since %d and waits for %s", s.ID.Short(), s.State, s.SinceMS, waits), s.ID, now)
	}
}
