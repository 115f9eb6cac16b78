package netting

// lane is all transfers of one class from one account to another.
type lane struct {
	from, to, class int
	minor           int64
	transfers       []int // ordered by value, largest first
	arc             int
}

// relaxed is the problem with payments that may settle in parts: a circulation. From a common node each account draws at most what it has; what it pays passes
// its limit of the day; lanes carry at most what is queued in them; what an account is left with goes back. Every set that may settle is such a circulation, so
// the most that circulations carry in some classes bounds what any set settles in them: that is the linear relaxation of the problem, and since only sums of
// lanes matter in it, one arc a lane is enough. Both the bound and its proof of optimality are in integers.
type relaxed struct {
	*network
	lanes []lane
}

// relax builds the circulation with a gain for each unit settled, by class.
func (p *problem) relax(lanes []lane, gain [classes]int64) *relaxed {
	accounts := len(p.free)
	all := int64(0)
	for _, l := range lanes {
		all += l.minor
	}
	r := &relaxed{newNetwork(1 + 2*accounts), lanes}
	held, paying := func(a int) int { return 1 + a }, func(a int) int { return 1 + accounts + a }
	for a := range p.free {
		r.arc(0, held(a), p.free[a], 0)
		r.arc(held(a), 0, p.free[a]+all, 0)
		r.arc(held(a), paying(a), min(p.room[a], p.free[a]+all), 0)
	}
	for i := range lanes {
		l := &lanes[i]
		l.arc = r.arc(paying(l.from), held(l.to), l.minor, -gain[l.class])
	}
	r.circulate()
	return r
}

// bounds gives, for each class, what no set can settle more of in it and all classes before.
func (p *problem) bounds(lanes []lane) (most [classes]int64) {
	var gain [classes]int64
	asked := [classes]int64{}
	for _, l := range lanes {
		asked[l.class] += l.minor
	}
	for c := range most {
		if c > 0 && asked[c] == 0 {
			most[c] = most[c-1]
			continue
		}
		for k := range c + 1 {
			gain[k] = 1
		}
		r := p.relax(lanes, gain)
		for _, l := range r.lanes {
			if l.class <= c {
				most[c] += r.flow(l.arc)
			}
		}
	}
	return most
}

// byUrgency gives gains under which no amount of later classes outweighs a unit of an earlier one: an exchange is a circle without repeated nodes, so a unit
// given up in one class buys at most one unit a lane on that circle.
func (p *problem) byUrgency() (gain [classes]int64) {
	weight := int64(1)
	for c := classes - 1; c >= 0; c-- {
		gain[c] = weight
		weight *= int64(2*len(p.free) + 2)
	}
	return gain
}
