package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entente/zk/transcript"
)

// Witnessed gives the largest head of another bank's log that this bank cosigned; the zero value before the first.
func (s *Store) Witnessed(ctx context.Context, origin string) (transcript.Witnessed, error) {
	w := transcript.Witnessed{Checkpoint: transcript.Checkpoint{Origin: origin}}
	var root []byte
	err := s.readers.QueryRow(ctx, "SELECT size, root, note, at_ms FROM witnessed WHERE origin = $1", origin).Scan(&w.Size, &root, &w.Note, &w.AtMS)
	w.Root = transcript.Hash(hashOf(root))
	w, there, err := found(w, err, "a witnessed head")
	if err != nil || !there {
		return transcript.Witnessed{}, err
	}
	return w, nil
}

// Advance records that next is cosigned in the place of the head that was at size and root before, and that no proven contradiction of the log stands.
// It tells whether that was so; else nothing is recorded. When it returns true, the record is durable.
func (s *Store) Advance(ctx context.Context, from transcript.Checkpoint, next transcript.Witnessed) (bool, error) {
	const unaccused = " NOT EXISTS (SELECT FROM contradiction WHERE origin = $1 AND proven AND clear_ms IS NULL)"
	statement := "UPDATE witnessed SET size = $2, root = $3, note = $4, at_ms = $5 WHERE origin = $1 AND size = $6 AND root = $7 AND" + unaccused
	args := []any{next.Origin, int64(next.Size), next.Root[:], next.Note, next.AtMS, int64(from.Size), from.Root[:]}
	if from.Size == 0 { // before the first there is no row
		statement = `INSERT INTO witnessed AS kept (origin, size, root, note, at_ms) SELECT $1, $2::bigint, $3::bytea, $4::bytea, $5::bigint WHERE` + unaccused + `
			ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note, at_ms = excluded.at_ms WHERE kept.size = 0`
		args = args[:5]
	}
	tag, err := s.readers.Exec(ctx, statement, args...)
	if err != nil {
		return false, fmt.Errorf("record a witnessed head: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Accuse keeps the evidence of a contradiction, once for each head that was shown, proven or not. It tells whether it is new. Of one log at most limit that
// are not proven are kept, so that nobody fills the database with old heads.
func (s *Store) Accuse(ctx context.Context, c transcript.Contradiction, shown transcript.Checkpoint, limit int) (bool, error) {
	tag, err := s.readers.Exec(ctx, `INSERT INTO contradiction (origin, size, root, kept, shown, proven, why, at_ms)
		SELECT $1, $2::bigint, $3::bytea, $4::bytea, $5::bytea, $6::boolean, $7::text, $8::bigint
		WHERE $6::boolean OR (SELECT count(*) FROM contradiction WHERE origin = $1 AND NOT proven AND clear_ms IS NULL) < $9
		ON CONFLICT (origin, size, root, proven) DO NOTHING`,
		c.Origin, int64(shown.Size), shown.Root[:], c.Kept, c.Shown, c.Proven, c.Why, c.AtMS, limit)
	if err != nil {
		return false, fmt.Errorf("keep a contradiction: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Contradictions gives those of one log, or of all when origin is empty, in the order they were found.
func (s *Store) Contradictions(ctx context.Context, origin string) ([]transcript.Contradiction, error) {
	return contradictions(ctx, s.readers, origin)
}

// querier is a session or a pool of them.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func contradictions(ctx context.Context, q querier, origin string) ([]transcript.Contradiction, error) {
	rows, err := q.Query(ctx, `SELECT id, origin, kept, shown, proven, why, at_ms, coalesce(clear_ms, 0), coalesce(cleared, '') FROM contradiction
		WHERE $1 IN ('', origin) ORDER BY id`, origin)
	if err != nil {
		return nil, fmt.Errorf("read contradictions: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (transcript.Contradiction, error) {
		var c transcript.Contradiction
		return c, row.Scan(&c.ID, &c.Origin, &c.Kept, &c.Shown, &c.Proven, &c.Why, &c.AtMS, &c.ClearMS, &c.Cleared)
	})
	if err != nil {
		return nil, fmt.Errorf("read contradictions: %w", err)
	}
	return found, nil
}

// Clear ends what the standing contradictions of a log stop, by an operator's decision. It gives how many there were.
func (s *Store) Clear(ctx context.Context, origin, reason string, atMS int64) (int, error) {
	tag, err := s.readers.Exec(ctx, clearContradictions, origin, reason, atMS)
	if err != nil {
		return 0, fmt.Errorf("clear contradictions: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

const clearContradictions = "UPDATE contradiction SET clear_ms = $3, cleared = $2 WHERE origin = $1 AND clear_ms IS NULL"

// ReviewContradictions is for an operator at a bank's database while the bank runs: it gives all contradictions of its peers' logs, after clearing those of
// one log when origin is not empty.
func ReviewContradictions(ctx context.Context, url, origin, reason string) (all []transcript.Contradiction, err error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, badAddress()
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() {
		// The error of closing a session says nothing that its last statement did not.
		_ = conn.Close(context.WithoutCancel(ctx))
	}()
	if origin != "" {
		if _, err := conn.Exec(ctx, clearContradictions, origin, reason, time.Now().UnixMilli()); err != nil {
			return nil, fmt.Errorf("clear contradictions: %w", named(err))
		}
	}
	return contradictions(ctx, conn, "")
}
