package netting

import (
	"cmp"
	"math"
)

// transfer is a queued payment between accounts by number. The searches below know transfers only by their place, which is their place in the rule's order.
type transfer struct {
	from, to int
	minor    int64
	class    int // 0 is urgent
}

// problem is what is to be chosen from. No transfer in it exceeds a limit by itself.
type problem struct {
	free      []int64 // what each account has
	room      []int64 // what each account may still pay today
	transfers []transfer
}

// score says what a set settles, class by class.
type score [classes]tally

type tally struct {
	minor int64
	count int
}

// compare is steps 2 of the rule.
func (s *score) compare(other *score) int {
	for c := range s {
		if by := cmp.Or(cmp.Compare(s[c].minor, other[c].minor), cmp.Compare(s[c].count, other[c].count)); by != 0 {
			return by
		}
	}
	return 0
}

// selection is a set of transfers and what it leaves of money and limits. It may be out of bounds while a search is under way.
type selection struct {
	*problem
	in    []bool
	free  []int64
	room  []int64
	score score
}

func (p *problem) nothing() *selection {
	return &selection{problem: p, in: make([]bool, len(p.transfers)), free: append([]int64(nil), p.free...), room: append([]int64(nil), p.room...)}
}

func (s *selection) add(i int) {
	t := &s.transfers[i]
	s.in[i] = true
	s.free[t.from] -= t.minor
	s.room[t.from] -= t.minor
	s.free[t.to] += t.minor
	s.score[t.class].minor += t.minor
	s.score[t.class].count++
}

func (s *selection) drop(i int) {
	t := &s.transfers[i]
	s.in[i] = false
	s.free[t.from] += t.minor
	s.room[t.from] += t.minor
	s.free[t.to] -= t.minor
	s.score[t.class].minor -= t.minor
	s.score[t.class].count--
}

// holds says whether an account is within its money and its limit.
func (s *selection) holds(account int) bool { return s.free[account] >= 0 && s.room[account] >= 0 }

// problemOf gives the transfers of a sorted queue that may settle at all, and where each stands in the queue. Left out is what exceeds its payer's limits by
// itself, and what its payer could not pay even if everything else that may settle came in.
func problemOf(q *Queue) (problem, []int) {
	number := make(map[string]int, len(q.Accounts))
	p := problem{free: make([]int64, len(q.Accounts)), room: make([]int64, len(q.Accounts))}
	for i, a := range q.Accounts {
		number[a.ID] = i
		p.free[i], p.room[i] = a.AvailableMinor, a.room()
	}
	var places []int
	for i := range q.Payments {
		t := &q.Payments[i]
		if from := number[t.From]; !q.Accounts[from].forbids(t.Minor) {
			p.transfers = append(p.transfers, transfer{from, number[t.To], t.Minor, int(t.Class - Urgent)})
			places = append(places, i)
		}
	}
	return p.affordable(places)
}

// affordable drops, again and again, transfers above what their payer has and could get.
func (p problem) affordable(places []int) (problem, []int) {
	for {
		most := append([]int64(nil), p.free...)
		for _, t := range p.transfers {
			most[t.to] += t.minor
		}
		kept := 0
		for i, t := range p.transfers {
			if t.minor <= most[t.from] {
				p.transfers[kept], places[kept] = t, places[i]
				kept++
			}
		}
		if kept == len(p.transfers) {
			return p, places
		}
		p.transfers, places = p.transfers[:kept], places[:kept]
	}
}

// room is what the account may still pay today.
func (a *Account) room() int64 {
	if a.PerDayMinor == 0 {
		return math.MaxInt64
	}
	return max(0, a.PerDayMinor-a.UsedMinor)
}

// forbids says whether a limit alone keeps a payment from settling.
func (a *Account) forbids(minor int64) bool {
	return a.PerPaymentMinor != 0 && minor > a.PerPaymentMinor || minor > a.room()
}
