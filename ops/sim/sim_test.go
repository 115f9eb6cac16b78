package sim

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

var (
	first = flag.Uint64("first", 1, "seed to begin with")
	seeds = flag.Int("seeds", 2_000, "seeds to play")
)

func TestEverySeedKeepsEveryInvariant(t *testing.T) {
	n := *seeds
	if testing.Short() {
		n = 200
	}
	began := time.Now()
	total, breaches := Campaign(Plan{First: *first, Seeds: n, Workers: 2, Most: 3})
	for _, err := range breaches {
		t.Error(err)
	}
	t.Logf("%s; %.0f seeds a second", total, float64(total.Runs)/time.Since(began).Seconds())
	if total.Settled < n || total.Aborted < n || total.Transfers < n/20 || total.Crashes < n {
		t.Errorf("too little happened for this to say much: %s", total)
	}
}

func TestTheSameSeedIsTheSameHistory(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		first, err := Run(seed, BanksOf(seed))
		if err != nil {
			t.Fatal(err)
		}
		second, err := Run(seed, BanksOf(seed))
		if err != nil || first != second {
			t.Errorf("seed %d gave %v and then %v, %v", seed, first, second, err)
		}
		other, err := Run(seed+100, BanksOf(seed))
		if err != nil || other.Digest == first.Digest {
			t.Errorf("seeds %d and %d gave the same history, %v", seed, seed+100, err)
		}
	}
}

func TestOneSwapSurvivesADeathAtEveryStep(t *testing.T) {
	plain := faults{delayMS: 30, calm: true}
	whole, breach := play(1, 2, plain, false)
	if breach != nil {
		t.Fatal(breach)
	}
	if whole.Settled != 1 || whole.Aborted != 0 {
		t.Fatalf("without faults: %s", whole)
	}
	const far = 40 // steps, clocks included: the swap is over before
	ends := map[string]int{}
	for first := range far {
		for second := first; second < min(first+15, far); second++ {
			for _, after := range []struct{ first, second bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
				f := plain
				f.crashes = []crash{{first + 1, after.first}, {second + 1, after.second}}
				result, breach := play(1, 2, f, false)
				if breach != nil {
					_, breach = play(1, 2, f, true)
					t.Fatalf("dying at %+v: %v", f.crashes, breach)
				}
				switch {
				case result.Settled == 1:
					ends["settled"]++
				case result.Aborted == 1:
					ends["aborted"]++
				default:
					ends["never begun"]++
				}
			}
		}
	}
	t.Logf("%v", ends)
	if ends["settled"] == 0 {
		t.Error("no run settled")
	}
}

func TestABreachTellsItsStory(t *testing.T) {
	w := calmWorld(t)
	err := noticed(t, w, func() { w.breach("ATOMIC", "swap %s", "x") })
	b := &Breach{Seed: 7, Banks: 2, Invariant: err.invariant, Found: err.found, Story: make([]string, 100)}
	for i := range b.Story {
		b.Story[i] = "line"
	}
	text := b.Error()
	if !strings.HasPrefix(text, "seed 7 with 2 banks breaks ATOMIC: swap x\n  ... 20 lines before\n  line\n") || strings.Count(text, "line") != 81 {
		t.Errorf("the error reads\n%s", text)
	}
	if _, err := Run(1, 5); err == nil || errors.As(err, new(*Breach)) {
		t.Errorf("five banks: %v", err)
	}
}
