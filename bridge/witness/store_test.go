package witness_test

import (
	"testing"

	"entente/bridge/witness"
	"entente/zk/transcript"
)

// One suite for every store.
func TestAStoreAdvancesFromWhatIsRecordedAlone(t *testing.T) {
	overBoth(t, func(t *testing.T, open func() witness.Store) {
		store := open()
		l := newLog(t, origin, "log", 40)
		other := l.fork(0, "fork")
		at := func(l *logOf, size int) transcript.Witnessed {
			return transcript.Witnessed{Checkpoint: l.head(size), Note: l.note(size), AtMS: int64(size)}
		}
		empty := transcript.Checkpoint{Origin: origin, Root: transcript.EmptyRoot}
		for _, step := range []struct {
			name string
			from transcript.Checkpoint
			next transcript.Witnessed
			want bool
		}{
			{"from a size that is not there yet", l.head(5), at(l, 10), false},
			{"the first", empty, at(l, 10), true},
			{"a second first", empty, at(l, 12), false},
			{"a second first of the same size", empty, at(other, 10), false},
			{"from a smaller size", l.head(9), at(l, 12), false},
			{"from a larger size", l.head(11), at(l, 12), false},
			{"from another root", other.head(10), at(other, 12), false},
			{"the same once more", l.head(10), at(l, 10), true},
			{"the next", l.head(10), at(l, 20), true},
			{"the next once more", l.head(10), at(l, 20), false},
		} {
			if got, err := store.Advance(t.Context(), step.from, step.next); err != nil || got != step.want {
				t.Errorf("%s: %v (%v)", step.name, got, err)
			}
		}
		kept, err := store.Witnessed(t.Context(), origin)
		if err != nil || kept.Checkpoint != l.head(20) || string(kept.Note) != string(l.note(20)) || kept.AtMS != 20 {
			t.Errorf("kept is %v (%v)", kept, err)
		}
		if none, err := store.Witnessed(t.Context(), "rbi.test/INR"); err != nil || none.Note != nil || none.Size != 0 {
			t.Errorf("another log has %v (%v)", none, err)
		}
	})
}
