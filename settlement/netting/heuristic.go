package netting

import (
	"cmp"
	"slices"
)

// heuristic gives a good set by a fixed sequence of searches: three beginnings, each improved in two ways until nothing improves it any more, and the best of
// them. Nothing in it is left to chance or to time.
func (p *problem) heuristic() *selection {
	h, lanes := newImprover(p), p.lanes()
	var best *selection
	for _, h.way = range ways {
		for _, start := range []*selection{p.nothing(), p.rounded(lanes), p.everything()} {
			if s := h.improve(start); best == nil || s.score.compare(&best.score) > 0 {
				best = s
			}
		}
	}
	return best
}

// lanes groups transfers, ordered by payer, payee and class.
func (p *problem) lanes() []lane {
	order := make([]int, len(p.transfers))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		t, u := &p.transfers[i], &p.transfers[j]
		return cmp.Or(cmp.Compare(t.from, u.from), cmp.Compare(t.to, u.to), cmp.Compare(t.class, u.class), cmp.Compare(u.minor, t.minor), cmp.Compare(i, j))
	})
	var lanes []lane
	for _, i := range order {
		t := &p.transfers[i]
		if n := len(lanes); n == 0 || lanes[n-1].from != t.from || lanes[n-1].to != t.to || lanes[n-1].class != t.class {
			lanes = append(lanes, lane{from: t.from, to: t.to, class: t.class})
		}
		l := &lanes[len(lanes)-1]
		l.minor += t.minor
		l.transfers = append(l.transfers, i)
	}
	return lanes
}

// rounded is the best circulation with whole payments: each lane takes its largest payments that fit into what it carries, and what then lacks is repaired.
func (p *problem) rounded(lanes []lane) *selection {
	s := p.nothing()
	r := p.relax(lanes, p.byUrgency())
	for _, l := range r.lanes {
		left := r.flow(l.arc)
		for _, i := range l.transfers {
			if p.transfers[i].minor <= left {
				left -= p.transfers[i].minor
				s.add(i)
			}
		}
	}
	s.repair()
	return s
}

// everything is all payments, and then without those that cannot be paid.
func (p *problem) everything() *selection {
	s := p.nothing()
	for i := range p.transfers {
		s.add(i)
	}
	s.repair()
	return s
}

// repair drops payments of accounts that are out of bounds until none is: of the latest class, and there the smallest that is enough or else the largest.
// Dropping one may put its payee out of bounds, so it comes to an end only because there are fewer payments each time.
func (s *selection) repair() {
	paying := make([][]int, len(s.free))
	for i, in := range s.in {
		if in {
			paying[s.transfers[i].from] = append(paying[s.transfers[i].from], i)
		}
	}
	for settled := false; !settled; {
		settled = true
		for a := range s.free {
			for !s.holds(a) {
				settled = false
				lacks := max(-s.free[a], -s.room[a])
				at := 0
				for k := range paying[a] {
					t, u := &s.transfers[paying[a][k]], &s.transfers[paying[a][at]]
					enough := t.minor >= lacks
					if t.class > u.class || t.class == u.class && (enough && (u.minor < lacks || t.minor < u.minor) || !enough && u.minor < t.minor && u.minor < lacks) {
						at = k
					}
				}
				s.drop(paying[a][at])
				paying[a] = slices.Delete(paying[a], at, at+1)
			}
		}
	}
}
