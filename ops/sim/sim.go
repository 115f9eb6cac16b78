package sim

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
)

// Result counts what happened in a run, or in several.
type Result struct {
	Runs      int
	Steps     int // events that a machine took
	Swaps     int
	Settled   int
	Aborted   int
	Transfers int // payments inside one ledger
	Crashes   int
	Messages  int // given to the carrier, each resend counted
	Lost      int
	Replayed  int
	Digest    [sha256.Size]byte // over everything that became durable, in order: the same for the same seed
}

func (r *Result) add(o Result) {
	r.Runs += o.Runs
	r.Steps += o.Steps
	r.Swaps += o.Swaps
	r.Settled += o.Settled
	r.Aborted += o.Aborted
	r.Transfers += o.Transfers
	r.Crashes += o.Crashes
	r.Messages += o.Messages
	r.Lost += o.Lost
	r.Replayed += o.Replayed
	for i := range r.Digest {
		r.Digest[i] ^= o.Digest[i]
	}
}

// String gives the counts in one line.
func (r Result) String() string {
	return fmt.Sprintf("%d runs, %d steps, %d swaps (%d settled, %d aborted), %d transfers, %d crashes, %d messages (%d lost, %d replayed)",
		r.Runs, r.Steps, r.Swaps, r.Settled, r.Aborted, r.Transfers, r.Crashes, r.Messages, r.Lost, r.Replayed)
}

// Breach is an invariant that did not hold: the seed that shows it, what was found, and what led to it.
type Breach struct {
	Seed      uint64
	Banks     int
	Invariant string
	Found     string
	Story     []string // what happened, oldest first; empty until the seed is played again for it
}

// storyLines is how much of a story an error prints.
const storyLines = 80

// Error tells the story.
func (b *Breach) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d with %d banks breaks %s: %s", b.Seed, b.Banks, b.Invariant, b.Found)
	story := b.Story
	if len(story) > storyLines {
		fmt.Fprintf(&text, "\n  ... %d lines before", len(story)-storyLines)
		story = story[len(story)-storyLines:]
	}
	for _, line := range story {
		text.WriteString("\n  " + line)
	}
	return text.String()
}

// Run plays one seed with 2 to 4 banks. The error is a *Breach with its story, nil when every invariant held.
func Run(seed uint64, banks int) (Result, error) {
	if banks < 2 || banks > len(houses) {
		return Result{}, fmt.Errorf("sim: 2 to %d banks can be simulated, not %d", len(houses), banks)
	}
	result, breach := play(seed, banks, hostile(seed, banks), false)
	if breach == nil {
		return result, nil
	}
	// The story costs more than the run: it is written only when somebody will read it.
	_, told := play(seed, banks, hostile(seed, banks), true)
	if told == nil {
		breach.Found += "; and the same seed played again did not break anything, so the machine is not deterministic"
		return result, breach
	}
	return result, told
}

// Campaign plays n seeds from first on, with 2, 3 and 4 banks in turn, on so many workers. It stops after the most breaches asked for, and gives these in
// the order of their seeds.
func Campaign(first uint64, n, workers, most int) (Result, []error) {
	var total Result
	var breaches []error
	var lock sync.Mutex
	var wait sync.WaitGroup
	next := 0
	for range max(workers, 1) {
		wait.Go(func() {
			for {
				lock.Lock()
				i := next
				if i >= n || len(breaches) >= most {
					lock.Unlock()
					return
				}
				next++
				lock.Unlock()
				seed := first + uint64(i)
				result, err := Run(seed, BanksOf(seed))
				lock.Lock()
				total.add(result)
				if err != nil {
					breaches = append(breaches, err)
				}
				lock.Unlock()
			}
		})
	}
	wait.Wait()
	sortBreaches(breaches)
	return total, breaches
}

// BanksOf gives the number of banks that a campaign plays a seed with.
func BanksOf(seed uint64) int { return 2 + int(seed%3) }
