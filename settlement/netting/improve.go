package netting

import (
	"cmp"
	"slices"
)

// Bounds of the searches that improve a set.
const (
	fundDepth       = 6    // payments in a row that fund each other
	passesMost      = 8    // passes over all payments that wait
	neighbours      = 18   // payments that are decided anew together
	neighbourSteps  = 4000 // of branch and bound, for each such neighbourhood
	neighbourhoods  = 400  // of one set
	neighbourShares = 5    // payments of one kind in a neighbourhood
)

// way is how payments are funded that their payer cannot afford.
type way struct {
	whole bool // each account by one payment that is enough, or by as many as it takes
	steps int  // payments looked at to fund one
}

// ways are both ways: the first goes far on large queues, the second finds more on those where money is short.
var ways = []way{{true, 5000}, {false, 1000}}

// improver knows for each account what it pays and is paid, most urgent first and in each class the largest first.
type improver struct {
	*problem
	order    []int
	outgoing [][]int
	incoming [][]int
	way      way
	steps    int
	trail    []int // payments added since a search began
}

func newImprover(p *problem) *improver {
	h := &improver{problem: p, order: make([]int, len(p.transfers)), outgoing: make([][]int, len(p.free)), incoming: make([][]int, len(p.free))}
	for i := range h.order {
		h.order[i] = i
	}
	slices.SortFunc(h.order, func(i, j int) int {
		t, u := &p.transfers[i], &p.transfers[j]
		return cmp.Or(cmp.Compare(t.class, u.class), cmp.Compare(u.minor, t.minor), cmp.Compare(i, j))
	})
	for _, i := range h.order {
		h.outgoing[p.transfers[i].from] = append(h.outgoing[p.transfers[i].from], i)
		h.incoming[p.transfers[i].to] = append(h.incoming[p.transfers[i].to], i)
	}
	return h
}

// improve adds, exchanges and decides anew until a pass over everything changes nothing, at most passesMost times. It ends with a set nothing can be added to.
func (h *improver) improve(s *selection) *selection {
	for range passesMost {
		before := s.score
		for h.addMore(s) || h.exchange(s) {
		}
		h.decideAnew(s)
		if s.score.compare(&before) == 0 {
			break
		}
	}
	for h.addMore(s) {
	}
	return s
}

// addMore adds what can be added, with whatever else that needs to be funded. It says whether there was anything.
func (h *improver) addMore(s *selection) (added bool) {
	for _, i := range h.order {
		if !s.in[i] && h.addFunded(s, i) {
			added = true
		}
	}
	return added
}

// addFunded adds a payment together with others that bring its payer what it lacks, or nothing.
func (h *improver) addFunded(s *selection, i int) bool {
	payer := h.transfers[i].from
	if s.room[payer] < h.transfers[i].minor {
		return false
	}
	h.steps, h.trail = h.way.steps, append(h.trail[:0], i)
	s.add(i)
	if h.fund(s, payer, fundDepth) {
		return true
	}
	h.undo(s, 0)
	return false
}

// fund adds payments to an account until it is not below zero: first such as their payers can afford, then such as
// are funded in turn.
func (h *improver) fund(s *selection, account, depth int) bool {
	if s.free[account] >= 0 {
		return true
	}
	mark := len(h.trail)
	for _, j := range h.incoming[account] {
		t := &h.transfers[j]
		if h.steps--; h.steps <= 0 {
			break
		}
		if !s.in[j] && s.free[t.from] >= t.minor && s.room[t.from] >= t.minor {
			s.add(j)
			h.trail = append(h.trail, j)
			if s.free[account] >= 0 {
				return true
			}
		}
	}
	if depth > 0 {
		for _, j := range h.incoming[account] {
			t := &h.transfers[j]
			if h.steps--; h.steps <= 0 {
				break
			}
			if s.in[j] || s.room[t.from] < t.minor || s.free[t.from] < 0 || h.way.whole && t.minor < -s.free[account] {
				continue
			}
			here := len(h.trail)
			s.add(j)
			h.trail = append(h.trail, j)
			switch {
			case !h.fund(s, t.from, depth-1):
				h.undo(s, here)
			case s.free[account] >= 0:
				return true
			}
		}
	}
	h.undo(s, mark)
	return false
}

// undo drops what was added since.
func (h *improver) undo(s *selection, mark int) {
	for _, j := range h.trail[mark:] {
		s.drop(j)
	}
	h.trail = h.trail[:mark]
}

// exchange puts a payment that waits into the place of one of its payer's that is worth less, the least one that frees enough.
func (h *improver) exchange(s *selection) (exchanged bool) {
	for _, i := range h.order {
		t := &h.transfers[i]
		if s.in[i] {
			continue
		}
		for k := len(h.outgoing[t.from]) - 1; k >= 0; k-- {
			j := h.outgoing[t.from][k]
			u := &h.transfers[j]
			if u.class < t.class || u.class == t.class && u.minor >= t.minor {
				break
			}
			if !s.in[j] {
				continue
			}
			s.drop(j)
			s.add(i)
			if s.holds(t.from) && s.free[u.to] >= 0 {
				exchanged = true
				break
			}
			s.drop(i)
			s.add(j)
		}
	}
	return exchanged
}

// decideAnew takes, for payments that wait, a few around each and finds the best choice among them with everything else as it is.
func (h *improver) decideAnew(s *selection) {
	left := neighbourhoods
	for _, i := range h.order {
		if left == 0 {
			return
		}
		if s.in[i] {
			continue
		}
		left--
		around := h.around(s, i)
		if in := h.best(s, around); in != nil {
			for k, j := range around {
				if s.in[j] && !in[k] {
					s.drop(j)
				}
			}
			for k, j := range around {
				if !s.in[j] && in[k] {
					s.add(j)
				}
			}
		}
	}
}

// around gives a payment with others that bear on it, in the rule's order: what its payer pays and is paid, and what its payee could pay on.
func (h *improver) around(s *selection, i int) []int {
	t := &h.transfers[i]
	near := []int{i}
	take := func(from []int, in bool) {
		taken := 0
		for k := len(from) - 1; k >= 0 && taken < neighbourShares && len(near) < neighbours; k-- {
			j := from[k]
			if s.in[j] == in && !slices.Contains(near, j) && (!in || h.transfers[j].class >= t.class) {
				near = append(near, j)
				taken++
			}
		}
	}
	take(h.outgoing[t.from], true)
	take(h.incoming[t.from], false)
	take(h.outgoing[t.from], false)
	take(h.outgoing[t.to], false)
	take(h.incoming[t.to], true)
	slices.Sort(near)
	return near
}

// best gives the best choice among a few payments, or nil when it is the present one.
func (h *improver) best(s *selection, few []int) []bool {
	small, numbers := problem{}, map[int]int{}
	number := func(account int) int {
		n, known := numbers[account]
		if !known {
			n = len(small.free)
			numbers[account] = n
			small.free, small.room = append(small.free, s.free[account]), append(small.room, s.room[account])
		}
		return n
	}
	var present score
	for _, i := range few {
		t := h.transfers[i]
		t.from, t.to = number(t.from), number(t.to)
		small.transfers = append(small.transfers, t)
		if s.in[i] {
			small.free[t.from] += t.minor
			small.room[t.from] += t.minor
			small.free[t.to] -= t.minor
			present[t.class].minor += t.minor
			present[t.class].count++
		}
	}
	in, _ := branchAndBound(&small, present, false, neighbourSteps)
	return in
}
