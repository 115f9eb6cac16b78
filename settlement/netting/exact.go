package netting

import "entente/schema/refusal"

// Bounds of the exact search.
const (
	// ExactMost is how many payments a run solves exactly at most.
	ExactMost = 48
	// exactSteps is how many sets and parts of sets it looks at before it gives up.
	exactSteps = 1 << 21
)

// search is branch and bound over transfers in the rule's order, the branch that settles a transfer first: so the first of equal sets is the one that the
// rule's third step prefers.
type search struct {
	*selection
	coming  []int64          // what undecided transfers would bring each account
	going   [][classes]int64 // what undecided transfers would take
	waiting [classes]int     // how many are undecided
	best    score
	found   []bool // nil while the best score is one that the search was given
	steps   int
}

// branchAndBound gives the best set, or nil when no set beats the score to beat (or, where equal is enough, equals it), and whether the search came to its end.
func branchAndBound(p *problem, beat score, equalIsEnough bool, steps int) (in []bool, complete bool) {
	s := &search{selection: p.nothing(), coming: make([]int64, len(p.free)), going: make([][classes]int64, len(p.free)), best: beat, steps: steps}
	for _, t := range p.transfers {
		s.coming[t.to] += t.minor
		s.going[t.from][t.class] += t.minor
		s.waiting[t.class]++
	}
	for a := range s.free {
		if s.free[a]+s.coming[a] < 0 || s.room[a] < 0 {
			return nil, true
		}
	}
	s.from(0, equalIsEnough)
	return s.found, s.steps > 0
}

// from decides the i-th transfer and all after it.
func (s *search) from(i int, equalIsEnough bool) {
	s.steps--
	if s.steps <= 0 || !s.promises(equalIsEnough && s.found == nil) {
		return
	}
	if i == len(s.transfers) {
		s.best, s.found = s.score, append([]bool(nil), s.in...)
		return
	}
	t := &s.transfers[i]
	s.coming[t.to] -= t.minor
	s.going[t.from][t.class] -= t.minor
	s.waiting[t.class]--
	s.add(i)
	if s.free[t.from]+s.coming[t.from] >= 0 && s.room[t.from] >= 0 {
		s.from(i+1, equalIsEnough)
	}
	s.drop(i)
	if s.free[t.to]+s.coming[t.to] >= 0 {
		s.from(i+1, equalIsEnough)
	}
	s.coming[t.to] += t.minor
	s.going[t.from][t.class] += t.minor
	s.waiting[t.class]++
}

// promises says whether what is undecided could still make the set better than the best. An account can pay at most what it has and could get, within its
// limit, and at most what is asked of it; that holds for each class by itself.
func (s *search) promises(equalIsEnough bool) bool {
	for c := range s.score {
		minor := s.score[c].minor
		for a := range s.free {
			minor += min(s.going[a][c], s.free[a]+s.coming[a], s.room[a])
		}
		if minor != s.best[c].minor {
			return minor > s.best[c].minor
		}
		if count := s.score[c].count + s.waiting[c]; count != s.best[c].count {
			return count > s.best[c].count
		}
	}
	return equalIsEnough
}

// Exact gives the best set of a queue by the rule's first three steps, however many payments there are, or refuses with exact_too_large when that takes more
// steps than were allowed. It is what runs of small queues do, and what others are measured against. Further refusals: those of Validate.
func Exact(q Queue, steps int) (Run, error) {
	if err := q.Validate(); err != nil {
		return Run{}, err
	}
	s := q.sorted()
	p, places := problemOf(&s)
	start := p.heuristic()
	in, complete := branchAndBound(&p, start.score, true, steps)
	if !complete {
		return Run{}, refusal.Newf(CodeExactTooLarge, "allow more steps, or resolve the queue by the rule", "%d payments could not be decided in %d steps", len(q.Payments), steps)
	}
	return report(&s, &p, places, in, MethodExact)
}
