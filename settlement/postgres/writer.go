package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"entente/schema/refusal"
	"entente/settlement/engine"
)

// The advisory lock of the one writer; a database has one ledger or desk, and lock numbers are per database.
const (
	lockClass  = 0x656e7465
	lockObject = 1
)

// How long a writer waits: for the session before it to end, for one transaction, and for the outcome of one that broke off.
const (
	lockWait   = 15 * time.Second
	lockRetry  = 50 * time.Millisecond
	standRetry = 250 * time.Millisecond
	commitWait = 60 * time.Second
	lookupWait = 30 * time.Second
	closeWait  = 5 * time.Second
)

// turn is how a writer waits for its first session.
type turn struct {
	forever bool
	waiting func() // told once
}

// mortal makes the server end the session, and with it the lock, soon after its process or machine is gone without a word: within half a minute. Sessions on a
// Unix socket end at once, and take no notice.
const mortal = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 25000"

// writer is the one session that writes. It is used by one goroutine at a time.
type writer struct {
	config *pgx.ConnConfig
	owner  string
	first  *turn     // until the first session is taken
	conn   *pgx.Conn // nil after an error, until the next take
	term   int64
	last   int64 // number of the last transaction

	patience time.Duration // of a lookup after an error
}

func newWriter(ctx context.Context, url, owner string, first *turn, options []Option) (*writer, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, badAddress()
	}
	apply(config, options)
	w := &writer{config: config, owner: owner, patience: lookupWait, first: first}
	err = w.take(ctx)
	w.first = nil
	return w, err
}

// take opens a session, waits for the lock, and raises the term. The first time any term may be raised, later only this writer's own: else it was fenced.
func (w *writer) take(ctx context.Context) error {
	w.drop()
	conn, err := pgx.ConnectConfig(ctx, w.config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	w.conn = conn
	takeArrays(conn.TypeMap())
	if err := w.begin(ctx); err != nil {
		w.drop()
		return named(err)
	}
	return nil
}

func (w *writer) begin(ctx context.Context) error {
	if _, err := w.conn.Exec(ctx, mortal); err != nil {
		return err
	}
	if err := w.recognise(ctx); err != nil {
		return err
	}
	// A desk's documents are its own alone; a bank's journal must stand against whoever runs the bank.
	if err := checkSafety(ctx, w.conn, w.owner != deskOwner); err != nil {
		return err
	}
	if err := w.own(ctx); err != nil {
		return err
	}
	if err := w.lock(ctx); err != nil {
		return err
	}
	var term, last int64
	// Raising the term waits for a transaction that holds the row.
	err := w.conn.QueryRow(ctx, "UPDATE writer SET term = term + 1 WHERE $1::bigint IN (0, term) RETURNING term, last", w.term).Scan(&term, &last)
	if errors.Is(err, pgx.ErrNoRows) {
		return engine.ErrFenced
	}
	if err != nil {
		return err
	}
	w.term, w.last = term, last
	return nil
}

// own marks a new database.
func (w *writer) own(ctx context.Context) error {
	if _, err := w.conn.Exec(ctx, "INSERT INTO writer (owner) VALUES ($1) ON CONFLICT DO NOTHING", w.owner); err != nil {
		return err
	}
	return w.recognise(ctx)
}

// recognise refuses somebody else's database before anything in it is touched. One without an owner is new.
func (w *writer) recognise(ctx context.Context) error {
	var owner string
	err := w.conn.QueryRow(ctx, "SELECT owner FROM writer").Scan(&owner)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if owner != w.owner {
		return refusal.Newf(CodeForeign, "name the database of "+w.owner, "the database belongs to %s", owner)
	}
	return nil
}

// lock waits for the advisory lock: a session that was cut off ends a moment after its process. A writer whose term is over waits for nothing.
func (w *writer) lock(ctx context.Context) error {
	var once sync.Once
	for deadline := time.Now().Add(lockWait); ; {
		var got, over bool
		err := w.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2), $3::bigint NOT IN (0, term) FROM writer", lockClass, lockObject, w.term).Scan(&got, &over)
		switch {
		case err != nil:
			return err
		case over:
			return engine.ErrFenced
		case got:
			return nil
		}
		pause := lockRetry
		switch {
		case w.first != nil && w.first.forever:
			pause = standRetry
		case time.Now().After(deadline):
			return refusal.Newf(CodeInUse, "stop the other process", "another process writes to the database of %s", w.owner)
		}
		if w.first != nil {
			once.Do(w.first.waiting)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// commit runs the statements as transaction number next, in one round trip. ctx is not heeded once it has begun. Any error but engine.ErrFenced leaves the
// outcome unknown and the session closed.
func (w *writer) commit(ctx context.Context, next int64, statements *pgx.Batch) (err error) {
	if w.conn == nil {
		return errors.New("the session with the database is closed")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWait)
	defer cancel()
	whole := &pgx.Batch{}
	whole.Queue("BEGIN")
	whole.Queue("SELECT take_turn($1, $2, $3)", w.term, w.last, next)
	whole.QueuedQueries = append(whole.QueuedQueries, statements.QueuedQueries...)
	whole.Queue("COMMIT")
	results := w.conn.SendBatch(ctx, whole)
	for range len(whole.QueuedQueries) - 1 {
		if _, err := results.Exec(); err != nil {
			// Closing gives the same error again.
			_ = results.Close()
			w.drop()
			return named(err)
		}
	}
	tag, err := results.Exec()
	if err = errors.Join(err, results.Close()); err != nil {
		w.drop()
		return named(err)
	}
	if tag.String() != "COMMIT" {
		w.drop()
		return fmt.Errorf("the database answered the commit with %q", tag)
	}
	w.last = next
	return nil
}

// resolve tells after an error whether transaction number next was committed. It takes the database over again first, so that what is not there then never
// will be. It gives up after the writer's patience, or when ctx ends.
func (w *writer) resolve(ctx context.Context, next int64) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	for {
		err := w.take(ctx)
		if err == nil {
			return w.last >= next, nil
		}
		if errors.Is(err, engine.ErrFenced) || refusal.CodeOf(err) != "" {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, err
		case <-time.After(lockRetry):
		}
	}
}

// drop closes the session, and with it the lock.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	// The error of closing a session says nothing that its last statement did not.
	_ = w.conn.Close(ctx)
	w.conn = nil
}
