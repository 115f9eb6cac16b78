package sim

import (
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
	Restores  int
	Digest    uint64 // over everything that became durable, in order: the same for the same seed
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
	r.Restores += o.Restores
	r.Digest ^= o.Digest
}

// String gives the counts in one line.
func (r Result) String() string {
	return fmt.Sprintf("%d runs, %d steps, %d swaps (%d settled, %d aborted), %d transfers, %d crashes, %d restores, %d messages (%d lost, %d replayed)",
		r.Runs, r.Steps, r.Swaps, r.Settled, r.Aborted, r.Transfers, r.Crashes, r.Restores, r.Messages, r.Lost, r.Replayed)
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

// Plan is a campaign.
type Plan struct {
	First   uint64 // seed
	Seeds   int
	Banks   int // 2 to 4; 0 for 2, 3 and 4 in turn
	Workers int
	Most    int             // breaches after which it stops; 0 for never
	Done    func(seeds int) // told of every 256 seeds, or nil
	Stop    func() bool     // asked before every seed, or nil
}

// Campaign plays a plan's seeds. It gives the breaches in the order of their seeds.
func Campaign(p Plan) (Result, []error) {
	var total Result
	var breaches []error
	var lock sync.Mutex
	var wait sync.WaitGroup
	next := 0
	take := func() (int, bool) {
		lock.Lock()
		defer lock.Unlock()
		if next >= p.Seeds || p.Most > 0 && len(breaches) >= p.Most || p.Stop != nil && p.Stop() {
			return 0, false
		}
		next++
		return next - 1, true
	}
	for range max(p.Workers, 1) {
		wait.Go(func() {
			for {
				i, more := take()
				if !more {
					return
				}
				seed := p.First + uint64(i)
				banks := p.Banks
				if banks == 0 {
					banks = BanksOf(seed)
				}
				result, err := Run(seed, banks)
				lock.Lock()
				total.add(result)
				if err != nil {
					breaches = append(breaches, err)
				}
				if p.Done != nil && total.Runs%256 == 0 {
					p.Done(total.Runs)
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

// Story plays one seed and tells all of it, whether or not anything breaks.
func Story(seed uint64, banks int) (Result, []string, error) {
	if banks < 2 || banks > len(houses) {
		return Result{}, nil, fmt.Errorf("sim: 2 to %d banks can be simulated, not %d", len(houses), banks)
	}
	w, result, breach := playWorld(seed, banks, hostile(seed, banks), true)
	if breach != nil {
		return result, w.story, breach
	}
	return result, w.story, nil
}
