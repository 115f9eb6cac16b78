package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// deskOwner marks a desk's database.
const deskOwner = "desk"

// Desk is a treasury desk's durable memory: a journal that the desk folds at start, and documents by their hash. Its methods may be called by several
// goroutines at once.
type Desk struct {
	readers *pgxpool.Pool

	mu     sync.Mutex
	writer *writer
	lost   chan struct{}
	fault  error // why it was lost; set before lost is closed
}

// DeskEvent is one line of a desk's journal.
type DeskEvent struct {
	Kind    string    // 1 to 64 bytes, such as "instruction"
	Subject wire.Hash // what it is about, or zero
	Body    []byte
	AtMS    int64
	Once    bool // at most one event of this kind about this subject may ever be
}

// OpenDesk takes over a desk's database as its one writer, with the refusals of Open.
func OpenDesk(ctx context.Context, url string, options ...Option) (*Desk, error) {
	w, readers, err := open(ctx, url, deskOwner, options)
	if err != nil {
		return nil, fmt.Errorf("open the desk's journal: %w", err)
	}
	return &Desk{writer: w, readers: readers, lost: make(chan struct{})}, nil
}

// Close ends the desk's sessions.
func (d *Desk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writer.drop()
	d.readers.Close()
	return nil
}

// Lost is closed when the journal may hold what its reader does not know: another writer took over, or the outcome of an append cannot be told. Nothing can be
// appended any more; open the journal again and fold it anew. Err tells why.
func (d *Desk) Lost() <-chan struct{} { return d.lost }

// Err tells why the journal was lost, nil while it is not.
func (d *Desk) Err() error {
	select {
	case <-d.lost:
		return d.fault
	default:
		return nil
	}
}

// Append journals events, all or none, and gives the number of the first. When an event that happens once is there already, nothing is appended: the refusal
// is event_repeated and the number that of the event that stands. A session that broke off is opened again and the outcome looked up, so an error means that
// nothing was appended, unless the journal is lost by it.
func (d *Desk) Append(ctx context.Context, events []DeskEvent) (firstSeq int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Err(); err != nil {
		return 0, err
	}
	if len(events) == 0 {
		return d.writer.last + 1, nil
	}
	for attempt := 1; ; attempt++ {
		first := d.writer.last + 1
		next := d.writer.last + int64(len(events))
		err := d.writer.commit(ctx, next, eventStatements(first, events))
		if err == nil {
			return first, nil
		}
		there, lookup := d.writer.resolve(ctx, next)
		if lookup != nil {
			d.fault = fmt.Errorf("append to the desk's journal: %w; whether it was done cannot be told: %w", err, lookup)
			close(d.lost)
			return 0, d.fault
		}
		if there {
			return first, nil
		}
		if sqlState(err) == stateUnique {
			return d.standing(ctx, events, err)
		}
		if sqlState(err) != "" && !sessionEnded(err) || attempt > 1 {
			return 0, fmt.Errorf("append to the desk's journal: %w", err)
		}
	}
}

// SQLSTATEs after which the same statements may succeed in another session, and that of a unique index.
const (
	stateUnique        = "23505"
	stateAdminShutdown = "57P01"
	stateCrashShutdown = "57P02"
)

func sessionEnded(err error) bool {
	state := sqlState(err)
	return state == stateAdminShutdown || state == stateCrashShutdown
}

// standing finds the event that a repeated one would have doubled.
func (d *Desk) standing(ctx context.Context, events []DeskEvent, cause error) (int64, error) {
	for i := range events {
		e := &events[i]
		if !e.Once {
			continue
		}
		var seq int64
		err := d.readers.QueryRow(ctx, "SELECT seq FROM event WHERE kind = $1 AND subject = $2 AND once", e.Kind, e.Subject[:]).Scan(&seq)
		switch {
		case err == nil:
			return seq, refusal.Newf(CodeEventRepeated, "nothing: the first one stands", "%s of %s is in the journal already", e.Kind, e.Subject.Short())
		case !errors.Is(err, pgx.ErrNoRows):
			return 0, fmt.Errorf("find the event that stands: %w", err)
		}
	}
	return 0, fmt.Errorf("append to the desk's journal: %w", cause)
}

func eventStatements(first int64, events []DeskEvent) *pgx.Batch {
	seqs := make([]int64, len(events))
	for i := range seqs {
		seqs[i] = first + int64(i)
	}
	q := &pgx.Batch{}
	q.Queue(`INSERT INTO event (seq, kind, subject, once, at_ms, body)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::boolean[], $5::bigint[], $6::bytea[])`, seqs,
		column(events, func(e *DeskEvent) string { return e.Kind }),
		column(events, func(e *DeskEvent) []byte { return e.Subject[:] }),
		column(events, func(e *DeskEvent) bool { return e.Once }),
		column(events, func(e *DeskEvent) int64 { return e.AtMS }),
		column(events, func(e *DeskEvent) []byte { return append([]byte{}, e.Body...) }))
	return q
}

// Replay hands on every event in order, all as of one moment.
func (d *Desk) Replay(ctx context.Context, take func(seq int64, e DeskEvent) error) error {
	rows, err := d.readers.Query(ctx, "SELECT seq, kind, subject, once, at_ms, body FROM event ORDER BY seq")
	if err != nil {
		return fmt.Errorf("replay the desk's journal: %w", err)
	}
	defer rows.Close()
	for due := int64(1); rows.Next(); due++ {
		var seq int64
		var e DeskEvent
		var subject []byte
		if err := rows.Scan(&seq, &e.Kind, &subject, &e.Once, &e.AtMS, &e.Body); err != nil {
			return fmt.Errorf("replay the desk's journal: %w", err)
		}
		if seq != due {
			return fmt.Errorf("the desk's journal has event %d where %d is due", seq, due)
		}
		e.Subject = hashOf(subject)
		if err := take(seq, e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Put keeps a document under its hash and kind. The first bytes stand; the same again is no error.
func (d *Desk) Put(ctx context.Context, hash wire.Hash, kind string, bytes []byte) error {
	_, err := d.readers.Exec(ctx, "INSERT INTO document (hash, kind, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", hash[:], kind, bytes)
	if err != nil {
		return fmt.Errorf("keep a document: %w", err)
	}
	return nil
}

// Get gives the document kept under a hash and kind.
func (d *Desk) Get(ctx context.Context, hash wire.Hash, kind string) ([]byte, bool, error) {
	var b []byte
	err := d.readers.QueryRow(ctx, "SELECT bytes FROM document WHERE hash = $1 AND kind = $2", hash[:], kind).Scan(&b)
	return found(b, err, "a document")
}
