package sim

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"entente/schema/wire"
	"entente/settlement/swap"
)

// faults say how hostile a run is.
type faults struct {
	lossPercent    int
	copyPercent    int // of messages that arrive twice
	replayPercent  int // chance at each beat that an old message comes again
	delayMS        int64
	longPercent    int // of messages that take up to 20 s
	crashPerMille  int // at each step
	skewMS         int64
	jumpPercent    int // chance at each beat of a second that a clock jumps
	partitionEvery int64
	restores       int
	crashes        []crash // named ones, instead of by chance
	payments       int
	calm           bool // desks and operators do nothing out of the ordinary
}

// crash is a place to die: before or after the commit of a step, counted over all banks.
type crash struct {
	step  int
	after bool
}

// hostile draws a run's faults from its seed: some runs lose half of all messages, some none; most clocks are nearly right, some wrong by minutes.
func hostile(seed uint64, banks int) faults {
	r := rand.New(rand.NewPCG(seed, uint64(banks)<<32|1))
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	return faults{
		lossPercent: pick(0, 5, 20, 50), copyPercent: pick(0, 10, 40), replayPercent: pick(0, 5, 20), delayMS: int64(pick(20, 200, 2_000)),
		longPercent: pick(0, 2, 20), crashPerMille: pick(0, 5, 30, 100), skewMS: int64(pick(0, 100, 100, 1_000, 4_000, 120_000)), jumpPercent: pick(0, 0, 0, 5),
		partitionEvery: int64(pick(0, 0, 5_000, 15_000)), payments: 4 + r.IntN(9), restores: pick(0, 0, 1, 1, 2, 3),
	}
}

// Times of a run, in milliseconds.
const (
	startMS   = 1_700_000_000_000
	hostileMS = 25_000 // faults last so long at least
	beatMS    = 250    // a bank looks at its clock and its outbox this often
	healMS    = 60_000 // LIVE: after so long without faults nothing is in doubt
)

// world is one run.
type world struct {
	seed    uint64
	random  *rand.Rand
	faults  faults
	banks   []*bank
	carrier carrier
	desks   desks
	auditor auditor
	queue   queue
	nowMS   int64
	steps   int
	runs    int
	size    int
	healed  bool
	result  Result
	digest  uint64
	telling bool
	story   []string
}

// newRandom gives the one source of chance of a run.
func newRandom(seed uint64, banks int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(banks))) }

// breached unwinds a run at the first breach.
type breached struct {
	invariant string
	found     string
}

func (w *world) breach(invariant, format string, args ...any) {
	panic(breached{invariant, fmt.Sprintf(format, args...)})
}

// note mixes into the digest what became durable.
func (w *world) note(values ...uint64) {
	for _, v := range values {
		w.digest = (w.digest ^ v) * 0x9e3779b97f4a7c15
		w.digest ^= w.digest >> 29
	}
}

// tell adds a line to the story.
func (w *world) tell(format string, args ...any) {
	if w.telling {
		w.story = append(w.story, fmt.Sprintf("%9.3f s  ", float64(w.nowMS-startMS)/1000)+fmt.Sprintf(format, args...))
	}
}

// play runs one seed under given faults.
func play(seed uint64, banks int, f faults, telling bool) (Result, *Breach) {
	_, result, breach := playWorld(seed, banks, f, telling)
	return result, breach
}

func playWorld(seed uint64, banks int, f faults, telling bool) (w *world, result Result, breach *Breach) {
	w = &world{seed: seed, random: newRandom(seed, banks), faults: f, nowMS: startMS, telling: telling}
	defer func() {
		w.result.Runs, w.result.Steps = 1, w.steps
		w.result.Digest = w.digest
		result = w.result
		if r := recover(); r != nil {
			b, ok := r.(breached)
			if !ok {
				panic(r)
			}
			breach = &Breach{Seed: seed, Banks: banks, Invariant: b.invariant, Found: b.found, Story: w.story}
		}
	}()
	w.found(banks)
	w.desks.plan(w)
	w.planRestores()
	for w.nowMS < startMS+hostileMS {
		w.next()
	}
	w.heal()
	for end := w.nowMS + healMS; w.nowMS < end && !w.quiet(); {
		w.next()
	}
	w.auditor.checkLive(w)
	w.replayAll()
	return
}

// next carries out the earliest thing that is due.
func (w *world) next() {
	due := heap.Pop(&w.queue).(timer)
	w.nowMS = max(w.nowMS, due.atMS)
	due.run()
}

// after does something later.
func (w *world) after(ms int64, run func()) {
	w.queue.count++
	heap.Push(&w.queue, timer{w.nowMS + ms, w.queue.count, run})
}

// chance tells whether something of so many percent happens.
func (w *world) chance(percent int) bool { return percent > 0 && w.random.IntN(100) < percent }

// between draws from 0 to the most, both included.
func (w *world) between(least, most int64) int64 { return least + w.random.Int64N(most-least+1) }

// planRestores has some banks keep backups, and go back to them: one alone, or several at once.
func (w *world) planRestores() {
	for range w.faults.restores {
		for _, b := range w.banks {
			for range 1 + w.random.IntN(3) {
				w.after(w.between(0, 20_000), func() { b.backup() })
			}
		}
		w.after(w.between(1_000, 24_000), func() {
			several := 1
			if w.chance(40) {
				several = 1 + w.random.IntN(len(w.banks))
			}
			for _, at := range w.random.Perm(len(w.banks))[:several] {
				if b := w.banks[at]; len(b.backups) > 0 {
					b.restore(w, w.random.IntN(len(b.backups)))
				}
			}
		})
	}
}

// heal ends all faults: the carrier carries, clocks run, and every bank is up.
func (w *world) heal() {
	w.healed = true
	w.faults = faults{delayMS: 20}
	w.carrier.parted = nil
	w.tell("all faults cease")
	for _, b := range w.banks {
		if b.machine == nil {
			b.restart(w)
		}
		for _, h := range b.machine.Ledger().Holds() { // operators give back what they hold
			b.order(w, wire.Order{Kind: wire.OrderVoid, Hold: h.ID.Reference})
		}
	}
}

// quiet tells whether nothing is left to do: every swap final, every message answered, every desk's plan carried out.
func (w *world) quiet() bool {
	for _, b := range w.banks {
		for _, other := range w.banks {
			if b.machine == nil || b != other && !b.machine.Speaks(other.name) {
				return false
			}
		}
		for _, l := range b.store.outbox {
			if l.resend && !l.done {
				return false
			}
		}
		for _, s := range b.store.swaps {
			if !s.State.Final() {
				return false
			}
		}
	}
	return true
}

// replayAll gives every bank old messages again, and wants nothing to move.
func (w *world) replayAll() {
	sizes := make([]int, len(w.banks))
	for i, b := range w.banks {
		sizes[i] = len(b.store.entries)
	}
	for range min(40, len(w.carrier.history)) {
		w.carrier.arrive(w, w.carrier.history[w.random.IntN(len(w.carrier.history))])
	}
	for i, b := range w.banks {
		if len(b.store.entries) != sizes[i] {
			w.breach("FINAL", "%s moved money when old messages were replayed", b.name)
		}
		if !same(b.restored(w), b.machine) {
			w.breach("JOURNAL", "%s restored from its store is not what it was", b.name)
		}
	}
}

// timer is something that is due at a time; of two at once the one that was set first comes first.
type timer struct {
	atMS  int64
	count int
	run   func()
}

// queue is a heap of timers.
type queue struct {
	timers []timer
	count  int
}

func (q *queue) Len() int { return len(q.timers) }
func (q *queue) Less(i, j int) bool {
	if q.timers[i].atMS != q.timers[j].atMS {
		return q.timers[i].atMS < q.timers[j].atMS
	}
	return q.timers[i].count < q.timers[j].count
}
func (q *queue) Swap(i, j int) { q.timers[i], q.timers[j] = q.timers[j], q.timers[i] }
func (q *queue) Push(x any)    { q.timers = append(q.timers, x.(timer)) }
func (q *queue) Pop() any {
	last := q.timers[len(q.timers)-1]
	q.timers = q.timers[:len(q.timers)-1]
	return last
}

func sortBreaches(breaches []error) {
	slices.SortFunc(breaches, func(a, b error) int {
		var x, y *Breach
		if errors.As(a, &x) && errors.As(b, &y) {
			return cmp.Compare(x.Seed, y.Seed)
		}
		return 0
	})
}

// same compares what two machines of one bank would show of themselves: every account, bill and swap.
func same(a, b *swap.Machine) bool {
	return slices.Equal(a.Ledger().Accounts(), b.Ledger().Accounts()) && fmt.Sprint(a.Ledger().Bills()) == fmt.Sprint(b.Ledger().Bills()) &&
		fmt.Sprint(a.Swaps()) == fmt.Sprint(b.Swaps())
}
