package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/settlement/swap"
	"entente/zk/transcript"
)

// readersMost bounds the sessions that read beside the writer.
const readersMost = 4

// Store keeps one bank's ledger. It implements engine.Store.
type Store struct {
	writer  *writer
	readers *pgxpool.Pool
	term    int64 // with which it was opened
}

var _ engine.Store = (*Store)(nil)

// Open takes over the database of a bank as its one writer: it waits up to 15 seconds for the session before to end, and fences it.
// Refusals: database_address_invalid, unsafe_db_config, schema_missing, database_in_use, database_foreign.
func Open(ctx context.Context, url, bank string, options ...Option) (*Store, error) {
	w, readers, err := open(ctx, url, bank, options)
	if err != nil {
		return nil, fmt.Errorf("open the ledger of %s: %w", bank, err)
	}
	return &Store{writer: w, readers: readers, term: w.term}, nil
}

// Standby is Open for a process that stands beside the one that writes: it waits for as long as ctx lasts until that one is gone, and takes over. waiting is
// told once, when there is another one to wait for.
func Standby(ctx context.Context, url, bank string, waiting func(), options ...Option) (*Store, error) {
	w, readers, err := openAs(ctx, url, bank, &turn{forever: true, waiting: waiting}, options)
	if err != nil {
		return nil, fmt.Errorf("open the ledger of %s: %w", bank, err)
	}
	return &Store{writer: w, readers: readers, term: w.term}, nil
}

func open(ctx context.Context, url, owner string, options []Option) (*writer, *pgxpool.Pool, error) {
	return openAs(ctx, url, owner, &turn{waiting: func() {}}, options)
}

func openAs(ctx context.Context, url, owner string, first *turn, options []Option) (*writer, *pgxpool.Pool, error) {
	w, err := newWriter(ctx, url, owner, first, options)
	if err != nil {
		return nil, nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		w.drop()
		return nil, nil, badAddress()
	}
	config.MaxConns = readersMost
	apply(config.ConnConfig, options)
	readers, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		w.drop()
		return nil, nil, err
	}
	return w, readers, nil
}

// Close implements engine.Store.
func (s *Store) Close() error {
	s.writer.drop()
	s.readers.Close()
	return nil
}

// Commit implements engine.Store.
func (s *Store) Commit(ctx context.Context, b *engine.Batch) error {
	if due := s.writer.last + 1; b.ID != due {
		return fmt.Errorf("batch %d came where %d is due", b.ID, due)
	}
	return s.writer.commit(ctx, b.ID, statements(b, s.term))
}

// Committed implements engine.Store.
func (s *Store) Committed(ctx context.Context, batch int64) (bool, error) {
	return s.writer.resolve(context.WithoutCancel(ctx), batch)
}

// Term implements engine.Store.
func (s *Store) Term() int64 { return s.term }

// Leaves implements engine.Store.
func (s *Store) Leaves(ctx context.Context, from, to int64) ([][]byte, error) {
	rows, err := s.readers.Query(ctx, "SELECT leaf FROM entry WHERE seq >= $1 AND seq < $2 ORDER BY seq", from, to)
	if err != nil {
		return nil, fmt.Errorf("read leaves: %w", err)
	}
	leaves, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read leaves: %w", err)
	}
	return leaves, nil
}

// Nodes implements engine.Store.
func (s *Store) Nodes(ctx context.Context, level int, from, to int64) ([]transcript.Hash, error) {
	rows, err := s.readers.Query(ctx, "SELECT hash FROM node WHERE level = $1 AND n >= $2 AND n < $3 ORDER BY n", level, from, to)
	if err != nil {
		return nil, fmt.Errorf("read nodes of the log: %w", err)
	}
	hashes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (transcript.Hash, error) {
		var hash []byte
		err := row.Scan(&hash)
		return transcript.Hash(hashOf(hash)), err
	})
	if err != nil {
		return nil, fmt.Errorf("read nodes of the log: %w", err)
	}
	return hashes, nil
}

// Entries implements engine.Store.
func (s *Store) Entries(ctx context.Context, from, to int64) ([]ledger.Entry, error) {
	rows, err := s.readers.Query(ctx, selectRecords+" WHERE seq >= $1 AND seq < $2 ORDER BY seq", from, to)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ledger.Entry, error) {
		r, err := scanRecord(row)
		return r.Entry, err
	})
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return entries, nil
}

// Evidence implements engine.Store.
func (s *Store) Evidence(ctx context.Context, kind string, hash wire.Hash) ([]byte, bool, error) {
	var b []byte
	err := s.readers.QueryRow(ctx, "SELECT bytes FROM evidence WHERE hash = $1 AND kind = $2", hash[:], kind).Scan(&b)
	return found(b, err, "evidence")
}

// found tells a row that is not there from an error.
func found[T any](v T, err error, what string) (T, bool, error) {
	var none T
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return none, false, nil
	case err != nil:
		return none, false, fmt.Errorf("read %s: %w", what, err)
	}
	return v, true, nil
}

// Message implements engine.Store.
func (s *Store) Message(ctx context.Context, key swap.MessageKey) (engine.Message, bool, error) {
	rows, err := s.readers.Query(ctx, selectMessages+" WHERE m.swap = $1 AND m.recipient = $2 AND m.type = $3 AND m.epoch = $4", key.Swap[:], key.Recipient, string(key.Type), int64(key.Epoch))
	if err != nil {
		return engine.Message{}, false, fmt.Errorf("read a message: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, scanMessage)
	return found(m, err, "a message")
}

// Sent implements engine.Store.
func (s *Store) Sent(ctx context.Context, hash wire.Hash) (engine.Message, bool, error) {
	rows, err := s.readers.Query(ctx, selectMessages+" WHERE m.hash = $1 LIMIT 1", hash[:])
	if err != nil {
		return engine.Message{}, false, fmt.Errorf("read a message: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, scanMessage)
	return found(m, err, "a message")
}

// Notes implements engine.Store.
func (s *Store) Notes(ctx context.Context, after int64, limit int) ([]engine.Note, error) {
	rows, err := s.readers.Query(ctx, "SELECT id, kind, code, text, about, at_ms FROM note WHERE id > $1 ORDER BY id LIMIT $2", after, max(0, limit))
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	notes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Note, error) {
		var n engine.Note
		var about []byte
		err := row.Scan(&n.ID, &n.Kind, &n.Code, &n.Text, &about, &n.AtMS)
		n.About = hashOf(about)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	return notes, nil
}

// Stages implements engine.Store.
func (s *Store) Stages(ctx context.Context, id wire.Hash) ([]engine.Stage, error) {
	rows, err := s.readers.Query(ctx, "SELECT state, reason, at_ms FROM stage WHERE swap = $1 ORDER BY batch, state", id[:])
	if err != nil {
		return nil, fmt.Errorf("read the stages of a swap: %w", err)
	}
	stages, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Stage, error) {
		st := engine.Stage{Swap: id}
		return st, row.Scan(&st.State, &st.Reason, &st.AtMS)
	})
	if err != nil {
		return nil, fmt.Errorf("read the stages of a swap: %w", err)
	}
	return stages, nil
}
