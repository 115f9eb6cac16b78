package exercise

import (
	"bytes"
	"cmp"
	"slices"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// Log is the set of events a desk knows of one exercise. It only grows, and what it says depends on what is in it alone. It is owned by one goroutine.
type Log struct {
	exercise string
	events   map[wire.Hash]*Entry
	authors  map[programme.Nation]map[uint64][]*Entry // more than one entry under a number is a fork
	tick     uint64                                   // the highest seen

	state *State
	late  []*Entry // added since the state was folded
}

// NewLog gives an empty log of the exercise whose agreement has this id.
func NewLog(exercise string) *Log {
	return &Log{exercise: exercise, events: map[wire.Hash]*Entry{}, authors: map[programme.Nation]map[uint64][]*Entry{}}
}

// Fold gives what events say together, in whatever order they are listed, and an error for those that cannot be in the log at all (see Log.Add).
func Fold(exercise string, events ...Event) (*State, error) {
	l := NewLog(exercise)
	for _, e := range events {
		if err := l.Add(e); err != nil {
			return nil, err
		}
	}
	return l.State(), nil
}

// Add takes an event whose signature was verified, and gives no error for one it has. Whether it is done or refused, State says: it may depend on what is
// still to come. Refused at the door: malformed, wrong_exercise. A second event under an author's number is taken as evidence; State alarms.
func (l *Log) Add(e Event) error {
	if e.Act == nil {
		return refusal.New(wire.CodeMalformed, "the event has no act", "say what was done")
	}
	if e.Exercise != l.exercise {
		return refusal.Newf(CodeWrongExercise, "add it to its own log", "an event of %.64q in the log of %s", e.Exercise, l.exercise)
	}
	entry, err := e.entry()
	if err != nil {
		return err
	}
	if l.events[entry.Hash] != nil {
		return nil
	}
	l.events[entry.Hash] = entry
	said := l.authors[e.Author]
	if said == nil {
		said = map[uint64][]*Entry{}
		l.authors[e.Author] = said
	}
	said[e.Seq] = append(said[e.Seq], entry)
	l.tick = max(l.tick, e.Tick)
	l.late = append(l.late, entry)
	return nil
}

// Next gives the number and the tick of an author's next event.
func (l *Log) Next(author programme.Nation) (seq, tick uint64) {
	for n := range l.authors[author] {
		seq = max(seq, n)
	}
	return seq + 1, l.tick + 1
}

// State gives what all events so far say together. It is to be read only, until the next Add.
func (l *Log) State() *State {
	if l.state != nil && len(l.late) == 0 {
		return l.state
	}
	if !l.extend() {
		l.refold()
	}
	l.late = nil
	return l.state
}

// extend carries the state on where everything new comes after everything folded, as it does for a desk that is up to date.
func (l *Log) extend() bool {
	if l.state == nil || len(l.state.Waiting) > 0 {
		return false
	}
	slices.SortFunc(l.late, (*Entry).order)
	if last := l.state.last; last != nil && l.late[0].order(last) < 0 {
		return false
	}
	last := map[programme.Nation]uint64{}
	for _, e := range l.late {
		if e.Seq <= max(l.state.numbers[e.Author], last[e.Author]) {
			return false // an earlier number of a higher tick
		}
		last[e.Author] = e.Seq
		if len(l.authors[e.Author][e.Seq]) > 1 || slices.ContainsFunc(l.state.Forks, func(f Fork) bool { return f.Author == e.Author }) {
			return false
		}
		if slices.ContainsFunc(e.Act.cites(), func(h wire.Hash) bool { return l.events[h] == nil }) {
			return false
		}
	}
	for _, e := range l.late {
		l.state.step(e)
	}
	return true
}

func (l *Log) refold() {
	l.state = newState(l.exercise)
	var due []*Entry
	for author, said := range l.authors {
		from := uint64(0) // the first forked number
		for seq, entries := range said {
			if len(entries) > 1 && (from == 0 || seq < from) {
				from = seq
			}
		}
		if from > 0 {
			fork := Fork{Author: author, Seq: from}
			for _, e := range said[from] {
				fork.Events = append(fork.Events, e.Hash)
			}
			slices.SortFunc(fork.Events, compareHashes)
			l.state.Forks = append(l.state.Forks, fork)
		}
		for seq, entries := range said {
			if from == 0 || seq < from {
				due = append(due, entries...)
			}
		}
	}
	slices.SortFunc(l.state.Forks, func(f, g Fork) int { return cmp.Compare(f.Author, g.Author) })
	l.state.behind = behindOwn(due)
	slices.SortFunc(due, (*Entry).order)
	grounded := l.grounded(due)
	for _, e := range due {
		if grounded[e.Hash] {
			l.state.step(e)
			continue
		}
		l.state.Waiting = append(l.state.Waiting, e)
	}
}

// behindOwn tells which events have a tick that is not above that of every lower number of their author: nobody speaks before what it said already.
func behindOwn(due []*Entry) map[wire.Hash]bool {
	found, highest, author := map[wire.Hash]bool{}, uint64(0), programme.Nation("")
	for _, e := range slices.SortedFunc(slices.Values(due), func(e, f *Entry) int { return cmp.Or(cmp.Compare(e.Author, f.Author), cmp.Compare(e.Seq, f.Seq)) }) {
		if e.Author != author {
			author, highest = e.Author, 0
		}
		if e.Tick <= highest {
			found[e.Hash] = true
		}
		highest = max(highest, e.Tick)
	}
	return found
}

// order is the order in which events are taken: by tick, author and number. An author's own ticks rise with its numbers, or the later event is refused.
func (e *Entry) order(f *Entry) int {
	return cmp.Or(cmp.Compare(e.Tick, f.Tick), cmp.Compare(e.Author, f.Author), cmp.Compare(e.Seq, f.Seq))
}

func compareHashes(h, g wire.Hash) int { return bytes.Compare(h[:], g[:]) }

// grounded tells which events rest on nothing that is missing, at however many removes.
func (l *Log) grounded(due []*Entry) map[wire.Hash]bool {
	needs, missing := map[wire.Hash][]*Entry{}, map[wire.Hash]int{}
	grounded := map[wire.Hash]bool{}
	var ready []*Entry
	for _, e := range due {
		cited := map[wire.Hash]bool{}
		for _, h := range e.Act.cites() {
			cited[h] = true
		}
		for h := range cited {
			needs[h] = append(needs[h], e)
		}
		if missing[e.Hash] = len(cited); len(cited) == 0 {
			ready = append(ready, e)
		}
	}
	for len(ready) > 0 {
		e := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		grounded[e.Hash] = true
		for _, next := range needs[e.Hash] {
			if missing[next.Hash]--; missing[next.Hash] == 0 {
				ready = append(ready, next)
			}
		}
	}
	return grounded
}
