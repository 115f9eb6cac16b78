package netting

import (
	"cmp"
	"slices"
)

// report states a set: what settles and what waits, balances, classes with their bounds, and what it means for each owner. A set out of bounds is refused with
// run_differs, so that no run leaves this package with a negative balance.
func report(q *Queue, p *problem, places []int, in []bool, method Method) (Run, error) {
	set := p.nothing()
	for i, chosen := range in {
		if chosen {
			set.add(i)
		}
	}
	for a := range set.free {
		if !set.holds(a) {
			return Run{}, runDiffers("account %s would be left with %d minor units and could pay %d more today", q.Accounts[a].ID, set.free[a], set.room[a])
		}
	}
	digest, err := q.Digest()
	if err != nil {
		return Run{}, err
	}
	r := Run{Rule: Rule, Queue: digest, Method: method}
	settled := make([]bool, len(q.Payments))
	for i, place := range places {
		settled[place] = in[i]
	}
	for a, account := range q.Accounts {
		r.Balances = append(r.Balances, Balance{account.ID, set.free[a]})
	}
	r.classify(q, settled, p.bounds(p.lanes()))
	r.shareOut(q, settled, set)
	return r, nil
}

// classify adds up the classes.
func (r *Run) classify(q *Queue, settled []bool, most [classes]int64) {
	r.Classes = make([]Result, classes)
	for i, p := range q.Payments {
		c := &r.Classes[p.Class-Urgent]
		c.Queued++
		c.QueuedMinor += p.Minor
		if settled[i] {
			c.Settled++
			c.SettledMinor += p.Minor
		}
	}
	reached := int64(0)
	for i := range r.Classes {
		c := &r.Classes[i]
		reached += c.SettledMinor
		c.Class, c.ReachedMinor, c.BoundMinor = Urgent+Class(i), reached, most[i]
	}
}

// shareOut lists what settled and what waits, and adds up for the owners of the accounts that pay.
func (r *Run) shareOut(q *Queue, settled []bool, set *selection) {
	number := make(map[string]int, len(q.Accounts))
	for i, a := range q.Accounts {
		number[a.ID] = i
	}
	shares := map[string]*Share{}
	for i, p := range q.Payments {
		from := number[p.From]
		account := &q.Accounts[from]
		o := shares[account.Owner]
		if o == nil {
			o = &Share{Owner: account.Owner}
			shares[account.Owner] = o
		}
		o.Queued++
		o.QueuedMinor += p.Minor
		waited := q.AtMS - p.QueuedMS
		if settled[i] {
			o.Settled++
			o.SettledMinor += p.Minor
			o.SettledWaitMS = max(o.SettledWaitMS, waited)
			r.Settled = append(r.Settled, p.ID)
			continue
		}
		o.LeftWaitMS = max(o.LeftWaitMS, waited)
		o.Refusals += uint64(p.Left) + 1
		reason := ReasonFunds
		if account.forbids(p.Minor) || p.Minor > set.room[from] {
			reason = ReasonLimit
		}
		r.Left = append(r.Left, Left{p.ID, reason})
	}
	for _, o := range shares {
		r.Owners = append(r.Owners, *o)
	}
	slices.SortFunc(r.Owners, func(a, b Share) int { return cmp.Compare(a.Owner, b.Owner) })
}
