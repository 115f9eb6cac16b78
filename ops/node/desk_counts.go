package node

import (
	"context"

	"entente/schema/refusal"
	"entente/settlement/programme"
)

// PostCount tells every other member the part of this nation's own count that concerns it: what the two exchanged, and what all share the cost of.
func (d *Desk) PostCount(ctx context.Context, own programme.Count) error {
	if string(own.Nation) != d.cfg.Nation {
		return refusal.Newf(programme.CodeWrongNation, "post your own count", "the desk of %s cannot post the count of %s", d.cfg.Nation, own.Nation)
	}
	if err := d.cfg.Agreement.CheckCount(own); err != nil {
		return err
	}
	// The first post is for this desk alone and holds the whole count, so that its own part is never seen half.
	readers := []programme.Nation{own.Nation}
	for _, m := range d.cfg.Agreement.Members {
		if m.Nation != own.Nation {
			readers = append(readers, m.Nation)
		}
	}
	for _, reader := range readers {
		part := programme.Count{Nation: own.Nation}
		for _, r := range own.Records {
			if reader == own.Nation || r.Supplier == reader || r.Receiver == reader || d.shared(r.Category) {
				part.Records = append(part.Records, r)
			}
		}
		body, err := part.Bytes()
		if err != nil {
			return err
		}
		if err := d.post(ctx, postCount, body, string(reader)); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) shared(category string) bool {
	i := d.cfg.Agreement.CategoryIndex(category)
	return i >= 0 && d.cfg.Agreement.Categories[i].Formula.Kind == programme.BasisPoints
}

// PostReceipts tells the supplier of a case what this nation received.
func (d *Desk) PostReceipts(ctx context.Context, c programme.Case) error {
	r := programme.Receipts{Case: c.ID, Receipts: c.Receipts}
	body, err := r.Bytes()
	if err != nil {
		return err
	}
	return d.post(ctx, postReceipts, body, string(c.Supplier))
}

// Counted tells whether every member's count and the receipts of every given case are there.
func (d *Desk) Counted(ctx context.Context, cases []string) error {
	return d.Wait(ctx, func() bool {
		for _, id := range cases {
			if _, ok := d.receipts[id]; !ok {
				return false
			}
		}
		return len(d.counts) == len(d.cfg.Agreement.Members)
	})
}

// Matched compares the counts this desk has seen.
func (d *Desk) Matched() ([]programme.Line, []programme.Divergence, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.matched()
}

func (d *Desk) matched() ([]programme.Line, []programme.Divergence, error) {
	counts := make([]programme.Count, 0, len(d.counts))
	for _, m := range d.cfg.Agreement.Members {
		if c, ok := d.counts[m.Nation]; ok {
			counts = append(counts, c)
		}
	}
	return programme.Match(d.cfg.Agreement, counts)
}

// drafts computes the bills this desk is part of, from what both nations of each signed.
func (d *Desk) drafts() ([]programme.DraftBill, error) {
	if len(d.counts) < len(d.cfg.Agreement.Members) {
		return nil, nil
	}
	lines, _, err := d.matched()
	if err != nil {
		return nil, err
	}
	var cases []programme.Case
	for _, c := range d.cfg.Cases {
		if receipts, ok := d.receipts[c.ID]; ok {
			c.Receipts = receipts
			cases = append(cases, c)
		}
	}
	all, err := programme.DraftBills(d.cfg.Agreement, lines, cases)
	if err != nil {
		return nil, err
	}
	var mine []programme.DraftBill
	for _, b := range all {
		if string(b.Creditor) == d.cfg.Nation || string(b.Debtor) == d.cfg.Nation {
			mine = append(mine, b)
		}
	}
	return mine, nil
}
