package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"entente/settlement/engine"
	"entente/settlement/ledger"
)

// EntriesUntil implements engine.History.
func (s *Store) EntriesUntil(ctx context.Context, timeMS int64) (int64, error) {
	var n int64
	if err := s.readers.QueryRow(ctx, "SELECT entries_until($1)", timeMS).Scan(&n); err != nil {
		return 0, fmt.Errorf("find a moment of the ledger: %w", err)
	}
	return n, nil
}

// CountersBefore implements engine.History: one row by the index, and the entries of one batch at most.
func (s *Store) CountersBefore(ctx context.Context, account string, size int64) (ledger.Counters, []ledger.Entry, error) {
	var c ledger.Counters
	err := s.readers.QueryRow(ctx, `SELECT debits_posted, credits_posted, debits_pending, credits_pending FROM turnover
		WHERE account = $1 AND seq < $2 ORDER BY seq DESC LIMIT 1`, account, size).Scan(&c.DebitsPosted, &c.CreditsPosted, &c.DebitsPending, &c.CreditsPending)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return c, nil, fmt.Errorf("read a past balance: %w", err)
	}
	// The batch in which that size was passed, if there was one, holds what is missing.
	places, err := s.places(ctx, account, size, 1)
	if err != nil || len(places) == 0 {
		return c, nil, err
	}
	entries, err := s.entriesAt(ctx, places[0].Within(0, size))
	return c, entries, err
}

// EntriesOf implements engine.History.
func (s *Store) EntriesOf(ctx context.Context, account string, from, to int64, limit int) ([]ledger.Entry, error) {
	var all []int64
	for rows, at := 8, from; len(all) < limit && at < to; rows *= 2 {
		batches, err := s.places(ctx, account, at, rows)
		if err != nil {
			return nil, err
		}
		for i := range batches {
			all = append(all, batches[i].Within(at, to)...)
			at = batches[i].Last() + 1
		}
		if len(batches) < rows {
			break
		}
	}
	return s.entriesAt(ctx, all[:min(len(all), max(0, limit))])
}

// places gives which entries of an account its next batches hold, from the one that holds entry from or a later one.
func (s *Store) places(ctx context.Context, account string, from int64, limit int) ([]engine.Turnover, error) {
	rows, err := s.readers.Query(ctx, "SELECT places FROM turnover WHERE account = $1 AND seq >= $2 ORDER BY seq LIMIT $3", account, from, limit)
	if err != nil {
		return nil, fmt.Errorf("read an account's turnover: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Turnover, error) {
		t := engine.Turnover{Account: account}
		var packed []byte
		err := row.Scan(&packed)
		for ; len(packed) >= 8; packed = packed[8:] {
			t.Places = append(t.Places, int64(binary.BigEndian.Uint64(packed)))
		}
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read an account's turnover: %w", err)
	}
	return list, nil
}

func (s *Store) entriesAt(ctx context.Context, places []int64) ([]ledger.Entry, error) {
	if len(places) == 0 {
		return nil, nil
	}
	rows, err := s.readers.Query(ctx, selectRecords+" WHERE seq = ANY($1) ORDER BY seq", places)
	if err != nil {
		return nil, fmt.Errorf("read an account's entries: %w", err)
	}
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ledger.Entry, error) {
		r, err := scanRecord(row)
		return r.Entry, err
	})
	if err != nil {
		return nil, fmt.Errorf("read an account's entries: %w", err)
	}
	if len(entries) != len(places) {
		return nil, engine.Broken(places[0], "an entry of an account's turnover is missing")
	}
	return entries, nil
}
