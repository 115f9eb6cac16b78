package engine

import (
	"errors"
	"fmt"

	"entente/settlement/ledger"
	"entente/settlement/swap"
)

// Finish checks, after the last page, everything that changes, as of that same moment.
func (c *Checker) Finish(p *Present) error {
	size := c.Size()
	switch {
	case p.Last != c.batch.ID:
		return Broken(size, fmt.Sprintf("the last batch is %d and the writer's row says %d", c.batch.ID, p.Last))
	case p.Term < c.term:
		return Broken(size, fmt.Sprintf("the last batch is of term %d and the writer's row says %d", c.term, p.Term))
	}
	c.rows["ledger"], c.rows["writer"] = 1, 1
	for table, n := range c.rows {
		if p.Rows[table] != n {
			return Broken(size, fmt.Sprintf("%d rows of %s are stored and %d are due", p.Rows[table], table, n))
		}
	}
	if err := c.accounts(p.Accounts); err != nil {
		return err
	}
	sums, err := c.count(p)
	if err != nil {
		return err
	}
	due := Sums{}
	if c.batch.ID > 0 {
		due = c.notary.show(c.batch.ID, c.batch.Sums)
	}
	switch {
	case sums.Live != due.Live:
		return Broken(size, "the stored swaps and channels are not those of the last batch")
	case sums.Past != due.Past:
		return Broken(size, "the stored messages, stages, decisions and notes are not those of the batches")
	}
	return nil
}

func (c *Checker) accounts(stored []ledger.Account) error {
	if len(stored) != len(c.totals) {
		return Broken(c.Size(), fmt.Sprintf("%d accounts are stored and the entries open %d", len(stored), len(c.totals)))
	}
	for _, a := range stored {
		right := a.Counters == c.totals[a.ID] && a.Kind == c.kinds[a.ID]
		if c.state != nil {
			folded, known := c.state.Account(a.ID)
			right = right && known && folded == a
		}
		if !right {
			return Broken(c.Size(), fmt.Sprintf("the stored counters of account %s are not those that the entries give", a.ID))
		}
	}
	return nil
}

// count adds up the seals of every row that no entry gives.
func (c *Checker) count(p *Present) (sums Sums, err error) {
	n := c.notary
	notes, place, batch := int64(0), int64(0), int64(0)
	err = errors.Join(
		p.Swaps(func(s swap.Swap) error { sums.Live.add(n.swap(&s)); return nil }),
		p.Tenures(func(t swap.Tenure) error { sums.Live.add(n.tenure(&t)); return nil }),
		p.Channels(func(ch swap.Channel) error { sums.Live.add(n.channel(&ch)); return nil }),
		p.Messages(func(m MessageRow) error {
			sums.Past.add(n.message(&m))
			if m.Done {
				sums.Past.add(n.answered(m.Key))
			}
			return nil
		}),
		p.Stages(func(s Stage, batch int64) error { sums.Past.add(n.stage(&s, batch)); return nil }),
		p.Decisions(func(d Decision, batch int64) error { sums.Past.add(n.decision(&d, batch)); return nil }),
		p.Notes(func(m Note, of int64) error {
			if notes++; m.ID != notes {
				return Broken(c.Size(), fmt.Sprintf("note %d comes where %d is due", m.ID, notes))
			}
			if of != batch {
				batch, place = of, 0
			}
			sums.Past.add(n.note(&m.Note, of, place))
			place++
			return nil
		}),
	)
	return sums, err
}
