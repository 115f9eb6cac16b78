package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entente/schema/refusal"
	"entente/settlement/engine"
)

// snapshotTx reads a whole database as of one moment.
var snapshotTx = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// Fsck checks a bank's stored ledger from its first entry to its last, as of one moment, and changes nothing; it takes no part in who writes. check is fresh.
// progress is told how many entries of how many are done. Refusals: journal_broken at the first entry that is not as it was written, ledger_foreign,
// schema_missing, database_denied, database_address_invalid.
func Fsck(ctx context.Context, url string, identity engine.Identity, check *engine.Checker, progress func(done, total int64)) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return badAddress()
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return pgx.BeginTxFunc(ctx, conn, snapshotTx, func(tx pgx.Tx) error { return FsckTx(ctx, tx, identity, check, progress) })
}

// FsckTx is Fsck in the caller's transaction, and sees what that has changed.
func FsckTx(ctx context.Context, tx pgx.Tx, identity engine.Identity, check *engine.Checker, progress func(done, total int64)) error {
	var total int64
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM entry").Scan(&total); err != nil {
		return named(err)
	}
	for more := true; more; {
		var err error
		if more, err = checkPage(ctx, tx, check); err != nil {
			return named(sound(err, check))
		}
		progress(check.Size(), total)
	}
	return named(sound(checkPresent(ctx, tx, identity, check), check))
}

// checkPage checks the next page. It tells whether there was one.
func checkPage(ctx context.Context, tx pgx.Tx, check *engine.Checker) (bool, error) {
	batches, err := readBatches(ctx, tx, check.Batch())
	if err != nil || len(batches) == 0 {
		return false, err
	}
	var snapshots []snapshotRow
	if err := collect(ctx, tx, &snapshots, scanSnapshot, selectSnapshots); err != nil {
		return false, err
	}
	good, broken := check.Batches(batches)
	batches, to := firstEntries(batches[:good], check.Size(), snapshots)
	page, err := readPage(ctx, tx, batches, check.Size(), to)
	if err != nil {
		return false, fmt.Errorf("read entries from %d on: %w", check.Size(), err)
	}
	// An entry that is broken comes before a batch that is.
	if err := check.Page(batches, page); err != nil {
		return true, err
	}
	for i := range snapshots {
		if s := &snapshots[i]; s.Batch == check.Batch() {
			if err := compareSnapshot(ctx, tx, check, s); err != nil {
				return true, err
			}
		}
	}
	if len(batches) < good {
		return true, nil
	}
	return true, broken
}

func checkPresent(ctx context.Context, tx pgx.Tx, identity engine.Identity, check *engine.Checker) error {
	p, err := readPresent(ctx, tx)
	if err != nil {
		return err
	}
	if p.Identity == (engine.Identity{}) && check.Batch() == 0 {
		return nil // nothing was ever kept here
	}
	if p.Identity != identity {
		return engine.Foreign(p.Identity, identity)
	}
	if p.Owner != identity.Bank {
		return refusal.Newf(CodeForeign, "name the database of "+identity.Bank, "the database belongs to %s", p.Owner)
	}
	var ahead int64
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM snapshot WHERE batch < 1 OR batch > $1", check.Batch()).Scan(&ahead); err != nil {
		return err
	}
	if ahead > 0 {
		return engine.Broken(check.Size(), "a snapshot is of a batch that is not there")
	}
	return check.Finish(p)
}

// Watcher reads a bank's database beside its writer, to check it.
type Watcher struct{ readers *pgxpool.Pool }

// watchersMost bounds its sessions.
const watchersMost = 2

// Watch opens the sessions of a watcher. Refusal: database_address_invalid.
func Watch(ctx context.Context, url string) (*Watcher, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, badAddress()
	}
	config.MaxConns = watchersMost
	readers, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("watch over the journal: %w", err)
	}
	return &Watcher{readers}, nil
}

// Close ends the sessions.
func (w *Watcher) Close() { w.readers.Close() }

// Patrol checks the stored ledger of a running bank again and again, each time from its first entry to its last within about the given time, and gives the
// first fault: journal_broken, after noting it for the next start, or that the database cannot be read. It ends with ctx, which is no fault. begin gives a
// fresh checker for each round; done, if not nil, is told of each round that found nothing.
//
// A page is read as of a moment of its own, since what it reads never changes; what does is read together at the end of the round.
func (w *Watcher) Patrol(ctx context.Context, identity engine.Identity, begin func() *engine.Checker, round time.Duration, done func(entries int64)) error {
	for {
		check := begin()
		err := sound(w.round(ctx, identity, check, round), check)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil //nolint:nilerr // its end was asked for, and what broke off because of it is no news
		case refusal.CodeOf(err) == engine.CodeJournalBroken:
			return w.remember(ctx, err)
		case err != nil:
			return fmt.Errorf("check the journal: %w", err)
		}
		if err := w.snapshot(ctx, check); err != nil {
			return err
		}
		if done != nil {
			done(check.Size())
		}
	}
}

// SnapshotEvery is how many entries a ledger grows by between two snapshots, at least.
const SnapshotEvery = 100_000

// hurried is how much longer a round takes than its work while a snapshot is overdue: a start should not have to fold more than it must.
const hurried = 4

// snapshot keeps what a round that folded has come to, if the last snapshot is old enough.
func (w *Watcher) snapshot(ctx context.Context, check *engine.Checker) error {
	last, err := w.latestSnapshot(ctx)
	if err != nil || check.Size()-last < SnapshotEvery {
		return err
	}
	s, err := check.Snapshot()
	if err != nil || s == nil {
		return err
	}
	return w.Keep(ctx, s)
}

func (w *Watcher) round(ctx context.Context, identity engine.Identity, check *engine.Checker, length time.Duration) error {
	var total int64
	if err := w.readers.QueryRow(ctx, "SELECT coalesce(max(seq) + 1, 0) FROM entry").Scan(&total); err != nil {
		return err
	}
	last, err := w.latestSnapshot(ctx)
	if err != nil {
		return err
	}
	began, worked := time.Now(), time.Duration(0)
	for check.Size() < total {
		more, page := false, time.Now()
		err := pgx.BeginTxFunc(ctx, w.readers, snapshotTx, func(tx pgx.Tx) (err error) {
			more, err = checkPage(ctx, tx, check)
			return err
		})
		if err != nil {
			return err
		}
		if !more {
			break
		}
		worked += time.Since(page)
		// As far through the time as through the journal; a round that cannot keep up does not wait.
		due := time.Duration(float64(length) * float64(check.Size()) / float64(total))
		if total-last >= SnapshotEvery {
			due = min(due, hurried*worked)
		}
		if err := rest(ctx, due-time.Since(began)); err != nil {
			return err
		}
	}
	if total-last >= SnapshotEvery {
		length = min(length, hurried*worked)
	}
	if err := rest(ctx, length-time.Since(began)); err != nil {
		return err
	}
	return pgx.BeginTxFunc(ctx, w.readers, snapshotTx, func(tx pgx.Tx) error {
		for more := true; more; {
			var err error
			if more, err = checkPage(ctx, tx, check); err != nil {
				return err
			}
		}
		return checkPresent(ctx, tx, identity, check)
	})
}

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(max(0, d)):
		return nil
	}
}

// remember notes damage, so that the next start checks everything first. The note's own failure changes nothing about the damage.
func (w *Watcher) remember(ctx context.Context, damage error) error {
	if _, err := w.readers.Exec(ctx, "INSERT INTO damage (at_ms, what) VALUES ($1, $2)", time.Now().UnixMilli(), damage.Error()); err != nil {
		return fmt.Errorf("%w (and it could not be noted: %w)", damage, err)
	}
	return damage
}

// Damaged tells whether a running bank ever found its journal changed.
func (w *Watcher) Damaged(ctx context.Context) (found bool, err error) {
	if err := w.readers.QueryRow(ctx, "SELECT EXISTS (SELECT FROM damage)").Scan(&found); err != nil {
		return false, fmt.Errorf("look for damage: %w", named(err))
	}
	return found, nil
}

// CheckAll checks everything at once, as a start after damage does.
func (w *Watcher) CheckAll(ctx context.Context, identity engine.Identity, check *engine.Checker) error {
	return w.round(ctx, identity, check, 0)
}
