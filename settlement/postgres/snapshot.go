package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"entente/settlement/engine"
	"entente/zk/transcript"
)

// partBytes is the size of a snapshot's parts.
const partBytes = 4 << 20

const selectSnapshots = "SELECT slot, size, batch, version, root, edge, hash, seal, parts FROM snapshot ORDER BY size"

// snapshotRow is a snapshot whose image is in its parts.
type snapshotRow struct {
	engine.Snapshot
	slot  int16
	parts int64
}

func scanSnapshot(row pgx.CollectableRow) (snapshotRow, error) {
	var s snapshotRow
	var root, edge, hash, seal []byte
	err := row.Scan(&s.slot, &s.Size, &s.Batch, &s.Version, &root, &edge, &hash, &seal, &s.parts)
	s.Root, s.Hash, s.Seal = transcript.Hash(hashOf(root)), hashOf(hash), engine.Seal(hashOf(seal))
	for node := range slices.Chunk(edge, len(transcript.Hash{})) {
		s.Edge = append(s.Edge, transcript.Hash(hashOf(node)))
	}
	return s, err
}

// readImage puts a snapshot's parts together. What is missing or changed, its hash tells.
func readImage(ctx context.Context, tx pgx.Tx, s *snapshotRow) error {
	return each(ctx, tx, fmt.Sprintf("SELECT bytes FROM snapshot_part WHERE slot = %d AND n < %d ORDER BY n", s.slot, s.parts), pgx.RowTo[[]byte], func(b []byte) error {
		s.Image = append(s.Image, b...)
		return nil
	})
}

// Snapshot implements engine.Store.
func (s *Store) Snapshot(ctx context.Context) (*engine.Snapshot, error) {
	var latest *snapshotRow
	err := pgx.BeginTxFunc(ctx, s.readers, snapshotTx, func(tx pgx.Tx) error {
		var all []snapshotRow
		if err := collect(ctx, tx, &all, scanSnapshot, selectSnapshots); err != nil || len(all) == 0 {
			return err
		}
		latest = &all[len(all)-1]
		return readImage(ctx, tx, latest)
	})
	if err != nil {
		return nil, fmt.Errorf("read the latest snapshot: %w", err)
	}
	if latest == nil {
		return nil, nil
	}
	return &latest.Snapshot, nil
}

// Keep stores a snapshot in place of the older of two.
func (w *Watcher) Keep(ctx context.Context, s *engine.Snapshot) error {
	err := pgx.BeginFunc(ctx, w.readers, func(tx pgx.Tx) error {
		var all []snapshotRow
		if err := collect(ctx, tx, &all, scanSnapshot, selectSnapshots); err != nil {
			return err
		}
		slot := int16(len(all))
		if len(all) > 1 {
			slot = all[0].slot
		} else if len(all) == 1 {
			slot = 1 - all[0].slot
		}
		parts := int64(0)
		for part := range slices.Chunk(s.Image, partBytes) {
			_, err := tx.Exec(ctx, "INSERT INTO snapshot_part (slot, n, bytes) VALUES ($1, $2, $3) ON CONFLICT (slot, n) DO UPDATE SET bytes = excluded.bytes", slot, parts, part)
			if err != nil {
				return err
			}
			parts++
		}
		var edge []byte
		for i := range s.Edge {
			edge = append(edge, s.Edge[i][:]...)
		}
		_, err := tx.Exec(ctx, `INSERT INTO snapshot (slot, size, batch, version, root, edge, hash, seal, parts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (slot) DO UPDATE SET size = excluded.size, batch = excluded.batch, version = excluded.version, root = excluded.root, edge = excluded.edge,
				hash = excluded.hash, seal = excluded.seal, parts = excluded.parts`,
			slot, s.Size, s.Batch, s.Version, s.Root[:], edge, s.Hash[:], s.Seal[:], parts)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a snapshot: %w", err)
	}
	return nil
}

// latestSnapshot gives the size of the newest snapshot, 0 for none.
func (w *Watcher) latestSnapshot(ctx context.Context) (size int64, err error) {
	err = w.readers.QueryRow(ctx, "SELECT coalesce(max(size), 0) FROM snapshot").Scan(&size)
	return size, err
}

// compareSnapshot checks a stored snapshot where the check has come to its size.
func compareSnapshot(ctx context.Context, tx pgx.Tx, check *engine.Checker, s *snapshotRow) error {
	if err := readImage(ctx, tx, s); err != nil {
		return err
	}
	err := check.Compare(&s.Snapshot)
	s.Image = nil
	return err
}
