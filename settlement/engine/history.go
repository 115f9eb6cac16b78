package engine

import (
	"context"
	"fmt"

	"entente/schema/refusal"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

// History is what a store knows of accounts in the past. What it says of a ledger's first entries never changes.
type History interface {
	// EntriesUntil gives how many entries were booked up to and with a ledger time.
	EntriesUntil(ctx context.Context, timeMS int64) (int64, error)
	// CountersBefore gives counters of an account that were stored when the ledger had size entries or fewer, and its entries of money from then on, below
	// size: counting them gives the counters as of size. How much it reads depends on one batch, never on the age of the ledger.
	CountersBefore(ctx context.Context, account string, size int64) (ledger.Counters, []ledger.Entry, error)
	// EntriesOf gives at most limit entries that moved, held or gave back an account's money, from seq from up to and without seq to, in order.
	EntriesOf(ctx context.Context, account string, from, to int64, limit int) ([]ledger.Entry, error)
}

// Moment is the ledger after its first Size entries.
type Moment struct {
	Size   int64
	TimeMS int64 // of the last of them, 0 for none
}

// Balance is an account as of a moment of the past. Owner, kind and limits are those of now; nobody changes the first two.
type Balance struct {
	Account ledger.Account
	Moment  Moment
	Then    ledger.Counters
}

// Line is an entry of a statement with the account's counters after it.
type Line struct {
	Entry ledger.Entry
	After ledger.Counters
}

// Statement is a page of what happened to an account's money in a period.
type Statement struct {
	Account ledger.Account
	From    Moment          // the period's beginning
	To      Moment          // and end
	Opening ledger.Counters // as of From
	Closing ledger.Counters // as of To
	Brought ledger.Counters // before the page's first line
	Lines   []Line
	Next    int64 // from where to ask for the next page; 0 when this was the last
}

// StatementLinesMost bounds a page.
const StatementLinesMost = 500

// SizeAt gives how many entries the ledger had at the end of a ledger time.
func (e *Engine) SizeAt(ctx context.Context, timeMS int64) (int64, error) {
	return e.cfg.Store.EntriesUntil(ctx, timeMS)
}

// BalanceAt gives an account as of the ledger's first size entries; a negative size is now. Refusals: account_unknown, moment_ahead.
func (e *Engine) BalanceAt(ctx context.Context, account string, size int64) (Balance, error) {
	a, now, err := e.account(ctx, account)
	if err != nil {
		return Balance{}, err
	}
	if size < 0 {
		size = now
	}
	b := Balance{Account: a}
	if b.Moment, err = e.moment(ctx, size, now); err == nil {
		b.Then, err = e.countersAt(ctx, &a, size)
	}
	return b, err
}

// StatementOf gives the page of an account's statement from size from to size to that begins at entry page, with at most lines lines. A page before the
// period is its beginning; a negative to is now. Refusals: account_unknown, moment_ahead, malformed. Lines that do not lead from the opening to the closing balance are a fault, journal_broken.
func (e *Engine) StatementOf(ctx context.Context, account string, from, to, page int64, lines int) (Statement, error) {
	a, now, err := e.account(ctx, account)
	if err != nil {
		return Statement{}, err
	}
	if to < 0 {
		to = now
	}
	page, lines = max(page, from), max(1, min(lines, StatementLinesMost))
	if from < 0 || from > to || page > to {
		return Statement{}, refusal.Newf(ledger.CodeMalformed, "ask for a period that goes up and a page within it", "a statement from %d to %d, from entry %d on", from, to, page)
	}
	s := Statement{Account: a}
	for _, step := range []func() error{
		func() error { s.From, err = e.moment(ctx, from, now); return err },
		func() error { s.To, err = e.moment(ctx, to, now); return err },
		func() error { s.Opening, err = e.countersAt(ctx, &a, from); return err },
		func() error { s.Closing, err = e.countersAt(ctx, &a, to); return err },
		func() error { s.Brought, err = e.countersAt(ctx, &a, page); return err },
	} {
		if err := step(); err != nil {
			return Statement{}, err
		}
	}
	return s, e.lines(ctx, &s, page, lines)
}

// lines fills in a page's lines, and checks that the last page ends at the closing balance.
func (e *Engine) lines(ctx context.Context, s *Statement, page int64, most int) error {
	entries, err := e.cfg.Store.EntriesOf(ctx, s.Account.ID, page, s.To.Size, most+1)
	if err != nil {
		return fmt.Errorf("read the entries of account %s: %w", s.Account.ID, err)
	}
	if len(entries) > most {
		s.Next = entries[most].Seq
		entries = entries[:most]
	}
	after := s.Brought
	for i := range entries {
		after.Count(&entries[i], s.Account.ID, s.Account.Kind)
		s.Lines = append(s.Lines, Line{entries[i], after})
	}
	if s.Next == 0 && after != s.Closing {
		return Broken(s.To.Size, fmt.Sprintf("the entries of account %s do not lead to its balance", s.Account.ID))
	}
	return nil
}

// account gives an account and the size of the ledger, of one moment.
func (e *Engine) account(ctx context.Context, id string) (a ledger.Account, size int64, err error) {
	known := false
	err = e.View(ctx, func(m *swap.Machine) {
		a, known = m.Ledger().Account(id)
		size = m.Ledger().Size()
	})
	if err == nil && !known {
		err = refusal.Newf(ledger.CodeAccountUnknown, "check the account's id", "there is no account %.80q on this ledger", id)
	}
	return a, size, err
}

func (e *Engine) moment(ctx context.Context, size, now int64) (Moment, error) {
	if size > now {
		return Moment{}, refusal.Newf(CodeMomentAhead, "name a moment that was", "the ledger has %d entries, not %d", now, size)
	}
	if size == 0 {
		return Moment{}, nil
	}
	last, err := e.cfg.Store.Entries(ctx, size-1, size)
	if err != nil {
		return Moment{}, err
	}
	if len(last) != 1 {
		return Moment{}, Broken(size-1, "the entry is missing")
	}
	return Moment{size, last[0].TimeMS}, nil
}

func (e *Engine) countersAt(ctx context.Context, a *ledger.Account, size int64) (ledger.Counters, error) {
	c, entries, err := e.cfg.Store.CountersBefore(ctx, a.ID, size)
	if err != nil {
		return c, fmt.Errorf("read the balance of account %s: %w", a.ID, err)
	}
	for i := range entries {
		c.Count(&entries[i], a.ID, a.Kind)
	}
	return c, nil
}
