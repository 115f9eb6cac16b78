package node

import (
	"context"
	"encoding/json"
	"fmt"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

// PastQuery asks for an account as of a moment: after so many entries, or at the end of a time; with neither, now.
type PastQuery struct {
	Account string
	Size    int64 // entries; 0 to go by AtMS
	AtMS    int64 // 0: as of the latest entry
}

func (q *PastQuery) fields(f *wire.Fields) {
	f.Text(1, &q.Account, 64)
	f.Count(2, &q.Size)
	f.Count(3, &q.AtMS)
}

// Past answers an account's money as of a moment.
type Past struct {
	Account  string `json:"account"`
	Currency string `json:"currency"`
	Moment
}

// Moment is an account's money after the ledger's first Size entries.
type Moment struct {
	Size            int64 `json:"size"`
	TimeMS          int64 `json:"time_ms"` // of the last of them
	BalanceMinor    int64 `json:"balance_minor,string"`
	AvailableMinor  int64 `json:"available_minor,string"`
	PendingInMinor  int64 `json:"pending_in_minor,string"`
	PendingOutMinor int64 `json:"pending_out_minor,string"`
}

func momentOf(m engine.Moment, c ledger.Counters) Moment {
	return Moment{m.Size, m.TimeMS, c.Balance(), c.Available(), c.CreditsPending, c.DebitsPending}
}

func (b *Bank) onPast(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	var q PastQuery
	if err := wire.DecodeFields(body, 256, q.fields); err != nil {
		return nil, err
	}
	currency, err := b.readable(ctx, from, q.Account)
	if err != nil {
		return nil, err
	}
	size := int64(-1)
	switch {
	case q.Size > 0:
		size = q.Size
	case q.AtMS > 0:
		if size, err = b.engine.SizeAt(ctx, q.AtMS); err != nil {
			return nil, err
		}
	}
	then, err := b.engine.BalanceAt(ctx, q.Account, size)
	if err != nil {
		return nil, err
	}
	return json.Marshal(Past{q.Account, currency, momentOf(then.Moment, then.Then)})
}

// StatementQuery asks for a page of an account's statement.
type StatementQuery struct {
	Account string
	FromMS  int64 // booked from this time on, 0 for the beginning
	UntilMS int64 // and before this one; 0: up to the latest entry
	Size    int64 // as of so many entries in place of UntilMS, so that the pages of one statement belong together; 0 on the first
	Page    int64 // entry from which the page goes on, 0 for the first
	Lines   int64 // at most
}

func (q *StatementQuery) fields(f *wire.Fields) {
	f.Text(1, &q.Account, 64)
	f.Count(2, &q.FromMS)
	f.Count(3, &q.UntilMS)
	f.Count(4, &q.Size)
	f.Count(5, &q.Page)
	f.Count(6, &q.Lines)
}

// Statement answers a page of an account's statement.
type Statement struct {
	Account  string          `json:"account"`
	Owner    string          `json:"owner"`
	Currency string          `json:"currency"`
	Opening  Moment          `json:"opening"`
	Lines    []StatementLine `json:"lines"`
	Closing  Moment          `json:"closing"`
	Next     int64           `json:"next"` // entry from which the next page goes on, 0 after the last
}

// StatementLine is one entry of a statement. Holds and what gives them back change what is available, not the balance.
type StatementLine struct {
	Seq            int64    `json:"seq"`
	TimeMS         int64    `json:"time_ms"`
	Value          wire.Day `json:"value_date"`
	Kind           string   `json:"kind"`
	Counterparty   string   `json:"counterparty"` // account
	Minor          int64    `json:"minor,string"` // below zero for what leaves
	Reference      string   `json:"reference"`    // swap, payment or order; the reserves' movement; the entry undone
	BalanceMinor   int64    `json:"balance_minor,string"`
	AvailableMinor int64    `json:"available_minor,string"`
	Bills          int      `json:"bills"` // discharged
}

func (b *Bank) onTurnover(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	var q StatementQuery
	if err := wire.DecodeFields(body, 256, q.fields); err != nil {
		return nil, err
	}
	currency, err := b.readable(ctx, from, q.Account)
	if err != nil {
		return nil, err
	}
	first, until := int64(0), int64(-1)
	if q.FromMS > 0 {
		first, err = b.engine.SizeAt(ctx, q.FromMS-1)
	}
	if err == nil && q.Size > 0 {
		until = q.Size
	} else if err == nil && q.UntilMS > 0 {
		until, err = b.engine.SizeAt(ctx, q.UntilMS-1)
	}
	if err != nil {
		return nil, err
	}
	s, err := b.engine.StatementOf(ctx, q.Account, first, until, q.Page, int(min(q.Lines, engine.StatementLinesMost)))
	if err != nil {
		return nil, err
	}
	answer := Statement{Account: q.Account, Owner: s.Account.Owner, Currency: currency, Opening: momentOf(s.From, s.Opening), Closing: momentOf(s.To, s.Closing),
		Lines: []StatementLine{}, Next: s.Next}
	for i := range s.Lines {
		answer.Lines = append(answer.Lines, lineOf(&s.Lines[i], q.Account))
	}
	return json.Marshal(answer)
}

func lineOf(l *engine.Line, account string) StatementLine {
	e := &l.Entry
	line := StatementLine{Seq: e.Seq, TimeMS: e.TimeMS, Value: e.ValueDay(), Kind: e.Kind.String(), Counterparty: e.Debit, Minor: e.Minor,
		BalanceMinor: l.After.Balance(), AvailableMinor: l.After.Available(), Bills: len(e.Bills)}
	if e.Debit == account {
		line.Counterparty, line.Minor = e.Credit, -e.Minor
	}
	if e.Kind == wire.LeafVoid || e.Kind == wire.LeafExpire { // what a hold took or promised, back
		line.Minor = -line.Minor
	}
	switch {
	case e.Reserve != "":
		line.Reference = e.Reserve
	case e.Kind == wire.LeafReversal:
		line.Reference = fmt.Sprintf("entry %d", e.Reverses)
	case !e.Reference.IsZero():
		line.Reference = e.Reference.String()
	}
	return line
}

// readable lets an account's owner and the bank's operators through, and gives the ledger's currency. To anybody else the account is not there.
func (b *Bank) readable(ctx context.Context, from wire.Key, account string) (currency string, err error) {
	found := false
	err = b.engine.View(ctx, func(m *swap.Machine) {
		a, ok := m.Ledger().Account(account)
		found = ok && b.mayRead(from, &a)
		currency = m.Ledger().Currency
	})
	if err == nil && !found {
		err = notFound("account")
	}
	return currency, err
}
