package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"entente/schema/refusal"
	"entente/settlement/engine"
	"entente/settlement/swap"
	"entente/zk/transcript"
)

// Sizes of a page of the archive: batches asked for at a time, and about how many entries of them.
const (
	pageBatches = 1024
	pageEntries = 8192
)

// collect reads the rows of a query into a slice.
func collect[T any](ctx context.Context, tx pgx.Tx, into *[]T, scan func(pgx.CollectableRow) (T, error), query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	*into, err = pgx.AppendRows(*into, rows, scan)
	return err
}

// readBatches gives the next batches after one.
func readBatches(ctx context.Context, tx pgx.Tx, after int64) (batches []engine.BatchRow, err error) {
	err = collect(ctx, tx, &batches, scanBatch, selectBatches+" WHERE b.id > $1 ORDER BY b.id LIMIT $2", after, pageBatches)
	return batches, err
}

// firstEntries cuts batches to a page's worth of entries, and after a batch with a snapshot, and gives the size of the log after them. It is used on batches
// whose seals are right.
func firstEntries(batches []engine.BatchRow, size int64, snapshots []snapshotRow) ([]engine.BatchRow, int64) {
	from := size
	for i := range batches {
		if p := batches[i].Checkpoint; p != nil {
			if i > 0 && p.Size-from > pageEntries {
				return batches[:i], size
			}
			size = p.Size
		}
		if slices.ContainsFunc(snapshots, func(s snapshotRow) bool { return s.Batch == batches[i].ID }) {
			return batches[:i+1], size
		}
	}
	return batches, size
}

// readPage reads what never changes of batches whose entries are from seq from up to and without seq to.
func readPage(ctx context.Context, tx pgx.Tx, batches []engine.BatchRow, from, to int64) (*engine.Page, error) {
	p := &engine.Page{}
	rows, err := tx.Query(ctx, selectRecords+" WHERE seq >= $1 AND seq < $2 ORDER BY seq", from, to)
	if err != nil {
		return nil, err
	}
	if p.Records, err = pgx.CollectRows(rows, scanRecord); refusal.CodeOf(err) == engine.CodeJournalBroken {
		// What was read before counts: an earlier entry may be broken as well.
		p.Fault = err
		if p.Records, err = readSome(ctx, tx, from, to); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	for level := 1; level <= 7; level++ {
		shift := level * transcript.TileHeight
		if first, end := from>>shift, to>>shift; first < end {
			if err := collect(ctx, tx, &p.Nodes, scanNode, "SELECT level, n, hash FROM node WHERE level = $1 AND n >= $2 AND n < $3", level, first, end); err != nil {
				return nil, err
			}
		}
	}
	const of = " WHERE seq >= $1 AND seq < $2"
	err = errors.Join(
		collect(ctx, tx, &p.Bills, scanBill, "SELECT seq, hash, bill_id, revision, programme, creditor, debtor FROM bill"+of, from, to),
		collect(ctx, tx, &p.Paid, scanPaid, "SELECT seq, bill, round FROM discharge"+of, from, to),
		collect(ctx, tx, &p.Undone, scanPaid, "SELECT seq, bill, 0::bigint FROM undone"+of, from, to),
		collect(ctx, tx, &p.Turnover, scanTurnover, "SELECT seq, account, debits_posted, credits_posted, debits_pending, credits_pending, places FROM turnover"+of, from, to))
	if err == nil && len(batches) > 0 {
		err = collect(ctx, tx, &p.Documents, scanDocument, "SELECT batch, kind, hash, bytes, seal FROM evidence WHERE batch >= $1 AND batch <= $2", batches[0].ID, batches[len(batches)-1].ID)
	}
	return p, err
}

// readSome reads entries up to the first that cannot be read.
func readSome(ctx context.Context, tx pgx.Tx, from, to int64) (records []engine.Record, err error) {
	err = each(ctx, tx, fmt.Sprintf("%s WHERE seq >= %d AND seq < %d ORDER BY seq", selectRecords, from, to), scanRecord, func(r engine.Record) error {
		records = append(records, r)
		return nil
	})
	if refusal.CodeOf(err) == engine.CodeJournalBroken {
		err = nil
	}
	return records, err
}

func scanBill(row pgx.CollectableRow) (engine.BillRow, error) {
	var b engine.BillRow
	var hash, id, programme []byte
	err := row.Scan(&b.Seq, &hash, &id, &b.Revision, &programme, &b.Creditor, &b.Debtor)
	b.Hash, b.Programme = hashOf(hash), hashOf(programme)
	copy(b.ID[:], id)
	return b, err
}

func scanPaid(row pgx.CollectableRow) (engine.PaidRow, error) {
	var p engine.PaidRow
	var bill []byte
	err := row.Scan(&p.Seq, &bill, &p.Round)
	p.Bill = hashOf(bill)
	return p, err
}

func scanTurnover(row pgx.CollectableRow) (engine.TurnoverRow, error) {
	var t engine.TurnoverRow
	var places []byte
	err := row.Scan(&t.Seq, &t.Account, &t.After.DebitsPosted, &t.After.CreditsPosted, &t.After.DebitsPending, &t.After.CreditsPending, &places)
	t.Places = string(places)
	return t, err
}

func scanDocument(row pgx.CollectableRow) (engine.DocumentRow, error) {
	var d engine.DocumentRow
	var hash, seal []byte
	err := row.Scan(&d.Batch, &d.Kind, &hash, &d.Bytes, &seal)
	d.Hash, d.Seal = hashOf(hash), engine.Seal(hashOf(seal))
	return d, err
}

// counted are the tables whose rows a check counts.
var counted = []string{"batch", "entry", "checkpoint", "node", "bill", "discharge", "undone", "turnover", "evidence", "ledger", "writer"}

// readPresent reads what changes.
func readPresent(ctx context.Context, tx pgx.Tx) (*engine.Present, error) {
	p := &engine.Present{Rows: map[string]int64{}}
	err := tx.QueryRow(ctx, "SELECT owner, term, last FROM writer").Scan(&p.Owner, &p.Term, &p.Last)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, err
	}
	id := &p.Identity
	err = tx.QueryRow(ctx, "SELECT bank, network, currency, origin FROM ledger").Scan(&id.Bank, &id.Network, &id.Currency, &id.Origin)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, err
	}
	for _, table := range counted {
		var n int64
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return nil, err
		}
		p.Rows[table] = n
	}
	if err := collect(ctx, tx, &p.Accounts, scanAccount, selectAccounts); err != nil {
		return nil, err
	}
	p.Swaps = func(take func(swap.Swap) error) error { return loadSwaps(ctx, tx, take) }
	p.Tenures = func(take func(swap.Tenure) error) error { return each(ctx, tx, selectTenures, scanTenure, take) }
	p.Channels = func(take func(swap.Channel) error) error { return each(ctx, tx, selectChannels, scanChannel, take) }
	p.Messages = func(take func(engine.MessageRow) error) error {
		return each(ctx, tx, "SELECT swap, recipient, type, epoch, seq, hash, envelope, attachment, resend, done FROM message", scanMessageRow, take)
	}
	type staged struct {
		engine.Stage
		batch int64
	}
	p.Stages = func(take func(engine.Stage, int64) error) error {
		return each(ctx, tx, "SELECT swap, state, at_ms, reason, batch FROM stage", func(row pgx.CollectableRow) (staged, error) {
			var s staged
			var of []byte
			err := row.Scan(&of, &s.State, &s.AtMS, &s.Reason, &s.batch)
			s.Swap = hashOf(of)
			return s, err
		}, func(s staged) error { return take(s.Stage, s.batch) })
	}
	type decided struct {
		engine.Decision
		batch int64
	}
	p.Decisions = func(take func(engine.Decision, int64) error) error {
		return each(ctx, tx, "SELECT swap, commits, message, batch FROM decision", func(row pgx.CollectableRow) (decided, error) {
			var d decided
			var of, message []byte
			err := row.Scan(&of, &d.Commit, &message, &d.batch)
			d.Swap, d.Hash = hashOf(of), hashOf(message)
			return d, err
		}, func(d decided) error { return take(d.Decision, d.batch) })
	}
	type noted struct {
		engine.Note
		batch int64
	}
	p.Notes = func(take func(engine.Note, int64) error) error {
		return each(ctx, tx, "SELECT id, kind, code, text, about, at_ms, batch FROM note ORDER BY id", func(row pgx.CollectableRow) (noted, error) {
			var n noted
			var about []byte
			err := row.Scan(&n.ID, &n.Kind, &n.Code, &n.Text, &about, &n.AtMS, &n.batch)
			n.About = hashOf(about)
			return n, err
		}, func(n noted) error { return take(n.Note, n.batch) })
	}
	return p, nil
}

// sound tells rows that cannot be read from a server that cannot be: what this program wrote, it can read, unless somebody changed it.
func sound(err error, check *engine.Checker) error {
	var scan pgx.ScanArgError
	var unread *unreadable
	if errors.As(err, &scan) || errors.As(err, &unread) {
		return engine.Broken(check.Size(), err.Error())
	}
	return err
}

// unreadable is a stored row that says what no row that was stored could say.
type unreadable struct{ what string }

func (u *unreadable) Error() string { return u.what }

func scanMessageRow(row pgx.CollectableRow) (engine.MessageRow, error) {
	var m engine.MessageRow
	var of, hash, attachment []byte
	err := row.Scan(&of, &m.Key.Recipient, &m.Key.Type, &m.Key.Epoch, &m.Seq, &hash, &m.Envelope, &attachment, &m.Resend, &m.Done)
	m.Key.Swap, m.Hash, m.Attachment = hashOf(of), hashOf(hash), hashOf(attachment)
	return m, err
}
