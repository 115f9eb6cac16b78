package witness_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"entente/bridge/witness"
	"entente/zk/transcript"
)

func TestAWitnessRemembersAcrossRestarts(t *testing.T) {
	overBoth(t, func(t *testing.T, open func() witness.Store) {
		l := newLog(t, origin, "log", 100)
		h := newHouse(t, open())
		h.cosigned(l, 60, h.add(l.request(0, 60)))
		h.stop()
		h = newHouse(t, open())
		if r := h.add(l.request(0, 20)); r.status != http.StatusConflict || r.body != "60\n" {
			t.Errorf("a smaller head after a restart gets %d %q", r.status, r.body)
		}
		if r := h.add(l.fork(50, "fork").request(60, 80)); r.status != http.StatusUnprocessableEntity {
			t.Errorf("a fork after a restart gets %d %q", r.status, r.body)
		}
		h.cosigned(l, 100, h.add(l.request(60, 100)))
	})
}

// dying is a store whose process is killed right after it recorded a head.
type dying struct {
	witness.Store
	dies bool
}

var errKilled = errors.New("killed")

func (d *dying) Advance(ctx context.Context, from transcript.Checkpoint, next transcript.Witnessed) (bool, error) {
	recorded, err := d.Store.Advance(ctx, from, next)
	if d.dies && err == nil {
		return false, errKilled
	}
	return recorded, err
}

func TestAWitnessKilledBetweenRecordAndAnswerHasPromisedNothingAndForgetsNothing(t *testing.T) {
	overBoth(t, func(t *testing.T, open func() witness.Store) {
		l := newLog(t, origin, "log", 100)
		store := &dying{Store: open()}
		h := newHouse(t, store)
		h.cosigned(l, 20, h.add(l.request(0, 20)))
		store.dies = true
		if r := h.add(l.request(20, 60)); r.status != http.StatusInternalServerError || len(h.faults) != 1 || !errors.Is(h.faults[0], errKilled) {
			t.Fatalf("%d %q, %v", r.status, r.body, h.faults)
		}
		h.stop()
		h = newHouse(t, open())
		if r := h.add(l.fork(40, "fork").request(20, 60)); r.status != http.StatusConflict || r.body != "60\n" {
			t.Errorf("another head of the recorded size gets %d %q", r.status, r.body)
		}
		// The log hears of the size, and asks again.
		if r := h.add(l.request(20, 60)); r.status != http.StatusConflict || r.body != "60\n" {
			t.Errorf("the head once more gets %d %q", r.status, r.body)
		}
		if r := h.add(l.request(60, 60)); r.status != http.StatusForbidden {
			t.Errorf("the log that forked in between gets %d %q", r.status, r.body)
		}
	})
}

func TestOfTwoRequestsAtOnceOneIsCosigned(t *testing.T) {
	overBoth(t, func(t *testing.T, open func() witness.Store) {
		h := newHouse(t, open())
		l := newLog(t, origin, "log", 200)
		h.cosigned(l, 10, h.add(l.request(0, 10)))
		branches := make([]*logOf, 8)
		for i := range branches {
			branches[i] = l.fork(10, fmt.Sprintf("branch %d", i))
		}
		replies := make([]reply, len(branches))
		var wait sync.WaitGroup
		for i, b := range branches {
			request := b.request(10, 20+i%2) // some of one size, some of another
			wait.Go(func() { replies[i] = h.add(request) })
		}
		wait.Wait()
		taken := 0
		for _, r := range replies {
			switch r.status {
			case http.StatusOK:
				taken++
			case http.StatusConflict, http.StatusUnprocessableEntity:
			default:
				t.Errorf("a branch gets %d %q", r.status, r.body)
			}
		}
		if taken != 1 {
			t.Errorf("%d of %d branches were cosigned", taken, len(branches))
		}
	})
}

func TestTwoHeadsOfOneSizeConvictTheLog(t *testing.T) {
	overBoth(t, func(t *testing.T, open func() witness.Store) {
		h := newHouse(t, open())
		l := newLog(t, origin, "log", 100)
		other := l.fork(30, "fork")
		h.cosigned(l, 60, h.add(l.request(0, 60)))
		for range 2 {
			if r := h.add(other.request(60, 60)); r.status != http.StatusUnprocessableEntity {
				t.Fatalf("the second head of 60 leaves gets %d %q", r.status, r.body)
			}
		}
		alarms := h.alarmed()
		if len(alarms) != 1 || !alarms[0].Proven || alarms[0].Origin != origin {
			t.Fatalf("the operator is told %v", alarms)
		}
		kept, err := h.store.Contradictions(t.Context(), origin)
		if err != nil || len(kept) != 1 || !kept[0].Proven || kept[0].Why == "" || kept[0].AtMS == 0 {
			t.Fatalf("kept is %v (%v)", kept, err)
		}
		// The two notes alone convince a third party that has the log's key.
		one, _, err1 := transcript.Open(kept[0].Kept, l.verifier())
		two, _, err2 := transcript.Open(kept[0].Shown, l.verifier())
		if err1 != nil || err2 != nil || one.Size != two.Size || one.Root == two.Root || one != l.head(60) || two != other.head(60) {
			t.Errorf("the evidence is %v (%v) and %v (%v)", one, err1, two, err2)
		}

		for name, branch := range map[string]*logOf{"the branch that was cosigned": l, "the other branch": other} {
			if r := h.add(branch.request(60, 80)); r.status == http.StatusOK {
				t.Errorf("%s goes on: %d %q", name, r.status, r.body)
			}
		}
		if r := h.add(l.request(60, 80)); r.status != http.StatusForbidden {
			t.Errorf("the log that contradicted itself gets %d %q", r.status, r.body)
		}
		h.stop()
		h = newHouse(t, open())
		if r := h.add(l.request(60, 80)); r.status != http.StatusForbidden {
			t.Errorf("after a restart it gets %d %q", r.status, r.body)
		}
		rbi := newLog(t, "rbi.test/INR", "other log", 9)
		if r := h.add(rbi.request(0, 9)); r.status != http.StatusOK {
			t.Errorf("another log gets %d %q", r.status, r.body)
		}
		if n, err := h.store.Clear(t.Context(), origin, "the key was stolen and is replaced", 7); err != nil || n == 0 {
			t.Fatalf("%d cleared (%v)", n, err)
		}
		h.cosigned(l, 80, h.add(l.request(60, 80)))
		if kept, err = h.store.Contradictions(t.Context(), ""); err != nil || kept[0].ClearMS != 7 || kept[0].Cleared == "" || len(kept[0].Shown) == 0 {
			t.Errorf("the evidence became %v (%v)", kept, err)
		}
	})
}

// What anybody can send who has seen a true head must not stop a log.
func TestWhatAStrangerCanSendStopsNothing(t *testing.T) {
	overBoth(t, func(t *testing.T, open func() witness.Store) {
		h := newHouse(t, open())
		l := newLog(t, origin, "log", 300)
		h.cosigned(l, 60, h.add(l.request(0, 60)))
		if r := h.add(body("60", nil, l.note(50))); r.status != http.StatusBadRequest {
			t.Errorf("an old head gets %d %q", r.status, r.body)
		}
		if r := h.add(body("60", l.proof(50, 70), l.note(70))); r.status != http.StatusUnprocessableEntity {
			t.Errorf("a true head with a false proof gets %d %q", r.status, r.body)
		}
		if r := h.add(body("0", nil, l.note(50))); r.status != http.StatusConflict {
			t.Errorf("an old head from somebody who does not know better gets %d %q", r.status, r.body)
		}
		alarms := h.alarmed()
		if len(alarms) != 2 || alarms[0].Proven || alarms[1].Proven {
			t.Fatalf("the operator is told %v", alarms)
		}
		for size := 61; size <= 200; size++ {
			h.add(body("60", nil, l.note(size)))
		}
		if kept, err := h.store.Contradictions(t.Context(), origin); err != nil || len(kept) != 64 {
			t.Errorf("%d heads with false proofs are kept (%v)", len(kept), err)
		}
		h.cosigned(l, 300, h.add(l.request(60, 300)))
		// Proof is kept however much noise there was.
		if r := h.add(l.fork(30, "fork").request(300, 300)); r.status != http.StatusUnprocessableEntity {
			t.Errorf("a fork gets %d", r.status)
		}
		if alarms := h.alarmed(); len(alarms) != 65 || !alarms[64].Proven {
			t.Errorf("%d alarms", len(alarms))
		}
	})
}
