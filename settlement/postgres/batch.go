package postgres

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/zk/transcript"
)

// statements gives the rows of a batch: one statement a table, its columns as arrays.
func statements(b *engine.Batch, term int64) *pgx.Batch {
	q := &pgx.Batch{}
	q.Queue("INSERT INTO batch (id, term, at_ms) VALUES ($1, $2, $3)", b.ID, term, b.AtMS)
	if len(b.Nodes) > 0 {
		queueNodes(q, b.Nodes)
	}
	if len(b.Records) > 0 {
		queueRecords(q, b.Records)
		queueBills(q, b.Records)
		queueDischarges(q, b.Records)
		queueTurnover(q, b)
		c := b.Checkpoint
		q.Queue("INSERT INTO checkpoint (size, batch, root, note) VALUES ($1, $2, $3, $4)", c.Size, b.ID, c.Root[:], c.Note)
		queueAccounts(q, b)
	}
	queueSwaps(q, b)
	queueMessages(q, b)
	if len(b.Notes) > 0 {
		queueNotes(q, b)
	}
	if len(b.Evidence) > 0 {
		queueEvidence(q, b)
	}
	return q
}

// column collects one column of many rows.
func column[R, V any](rows []R, of func(*R) V) []V {
	values := make([]V, len(rows))
	for i := range rows {
		values[i] = of(&rows[i])
	}
	return values
}

func queueRecords(q *pgx.Batch, rows []engine.Record) {
	q.Queue(`INSERT INTO entry (seq, time_ms, minor, part, kind, debit, credit, reference, order_key, body, leaf, reserve, reverses)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], $12::text[], $13::bigint[])`,
		column(rows, func(r *engine.Record) int64 { return r.Entry.Seq }),
		column(rows, func(r *engine.Record) int64 { return r.Entry.TimeMS }),
		column(rows, func(r *engine.Record) *int64 { return present(&r.Entry.Minor) }),
		column(rows, func(r *engine.Record) int64 { return int64(r.Entry.Part) }),
		column(rows, func(r *engine.Record) int16 { return int16(r.Entry.Kind) }),
		column(rows, func(r *engine.Record) *string { return present(&r.Entry.Debit) }),
		column(rows, func(r *engine.Record) *string { return present(&r.Entry.Credit) }),
		column(rows, func(r *engine.Record) []byte { return hash(&r.Entry.Reference) }),
		column(rows, func(r *engine.Record) []byte { return id(&r.Entry.Key) }),
		column(rows, func(r *engine.Record) []byte { return r.Body }),
		column(rows, func(r *engine.Record) []byte { return r.Leaf }),
		column(rows, func(r *engine.Record) *string { return present(&r.Entry.Reserve) }),
		column(rows, func(r *engine.Record) *int64 { return present(&r.Entry.Reverses) }))
}

func queueNodes(q *pgx.Batch, rows []transcript.Node) {
	q.Queue("INSERT INTO node (level, n, hash) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])",
		column(rows, func(n *transcript.Node) int16 { return int16(n.Level) }),
		column(rows, func(n *transcript.Node) int64 { return n.N }),
		column(rows, func(n *transcript.Node) []byte { return n.Hash[:] }))
}

func queueBills(q *pgx.Batch, records []engine.Record) {
	var rows []ledger.Entry
	for i := range records {
		if e := &records[i].Entry; e.Kind == wire.LeafBill {
			rows = append(rows, *e)
		}
	}
	if len(rows) == 0 {
		return
	}
	q.Queue(`INSERT INTO bill (hash, seq, bill_id, revision, programme, creditor, debtor)
		SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::text[], $7::text[])`,
		column(rows, func(e *ledger.Entry) []byte { return e.Reference[:] }),
		column(rows, func(e *ledger.Entry) int64 { return e.Seq }),
		column(rows, func(e *ledger.Entry) []byte { return e.BillID[:] }),
		column(rows, func(e *ledger.Entry) int64 { return int64(e.Revision) }),
		column(rows, func(e *ledger.Entry) []byte { return e.Programme[:] }),
		column(rows, func(e *ledger.Entry) string { return e.Creditor }),
		column(rows, func(e *ledger.Entry) string { return e.Debtor }))
}

// queueDischarges stores which bills were paid, and before that which payments were undone: how often bounds how often a bill is paid.
func queueDischarges(q *pgx.Batch, records []engine.Record) {
	type billed struct {
		bills [][]byte
		seqs  []int64
	}
	var paid, undone billed
	for i := range records {
		e := &records[i].Entry
		to := &paid
		switch e.Kind {
		case wire.LeafReversal:
			to = &undone
		case wire.LeafTransfer, wire.LeafPost:
		default:
			continue
		}
		for j := range e.Bills {
			to.bills, to.seqs = append(to.bills, e.Bills[j][:]), append(to.seqs, e.Seq)
		}
	}
	if len(undone.bills) > 0 {
		q.Queue("INSERT INTO undone (bill, seq) SELECT * FROM unnest($1::bytea[], $2::bigint[])", undone.bills, undone.seqs)
	}
	if len(paid.bills) > 0 {
		q.Queue(`INSERT INTO discharge (bill, seq, round)
			SELECT p.bill, p.seq, (SELECT count(*) FROM undone u WHERE u.bill = p.bill AND u.seq < p.seq) FROM unnest($1::bytea[], $2::bigint[]) AS p (bill, seq)`, paid.bills, paid.seqs)
	}
}

// queueTurnover stores what the batch did to each account's money.
func queueTurnover(q *pgx.Batch, b *engine.Batch) {
	rows := b.Turnover()
	if len(rows) == 0 {
		return
	}
	q.Queue(`INSERT INTO turnover (account, seq, debits_posted, credits_posted, debits_pending, credits_pending, places)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[])`,
		column(rows, func(t *engine.Turnover) string { return t.Account }),
		column(rows, func(t *engine.Turnover) int64 { return t.Places[len(t.Places)-1] }),
		column(rows, func(t *engine.Turnover) int64 { return t.After.DebitsPosted }),
		column(rows, func(t *engine.Turnover) int64 { return t.After.CreditsPosted }),
		column(rows, func(t *engine.Turnover) int64 { return t.After.DebitsPending }),
		column(rows, func(t *engine.Turnover) int64 { return t.After.CreditsPending }),
		column(rows, packPlaces))
}

func packPlaces(t *engine.Turnover) []byte {
	packed := make([]byte, 0, 8*len(t.Places))
	for _, seq := range t.Places {
		packed = binary.BigEndian.AppendUint64(packed, uint64(seq))
	}
	return packed
}

// queueAccounts adds the accounts that the batch opens and changes the others.
func queueAccounts(q *pgx.Batch, b *engine.Batch) {
	var opened, changed []ledger.Account
	fresh := map[string]bool{}
	for i := range b.Records {
		if e := &b.Records[i].Entry; e.Kind == wire.LeafOpen {
			fresh[e.Credit] = true
		}
	}
	for i := range b.Accounts {
		if a := &b.Accounts[i]; fresh[a.ID] {
			opened = append(opened, *a)
		} else {
			changed = append(changed, *a)
		}
	}
	if len(opened) > 0 {
		q.Queue(`INSERT INTO account (id, status, debits_posted, credits_posted, debits_pending, credits_pending, per_transfer, per_day, used, used_on, owner, kind)
			SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
				$10::integer[], $11::text[], $12::smallint[])`,
			append(counters(opened),
				column(opened, func(a *ledger.Account) string { return a.Owner }),
				column(opened, func(a *ledger.Account) int16 { return int16(a.Kind) }))...)
	}
	if len(changed) > 0 {
		q.Queue("SELECT set_accounts($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", counters(changed)...)
	}
}

// counters gives the columns of accounts that change.
func counters(rows []ledger.Account) []any {
	return []any{
		column(rows, func(a *ledger.Account) string { return a.ID }),
		column(rows, func(a *ledger.Account) int16 { return int16(a.Status) }),
		column(rows, func(a *ledger.Account) int64 { return a.DebitsPosted }),
		column(rows, func(a *ledger.Account) int64 { return a.CreditsPosted }),
		column(rows, func(a *ledger.Account) int64 { return a.DebitsPending }),
		column(rows, func(a *ledger.Account) int64 { return a.CreditsPending }),
		column(rows, func(a *ledger.Account) int64 { return a.PerTransfer }),
		column(rows, func(a *ledger.Account) int64 { return a.PerDay }),
		column(rows, func(a *ledger.Account) int64 { return a.Used }),
		column(rows, func(a *ledger.Account) int32 { return int32(a.UsedOn) }),
	}
}

// present gives nil for a zero value: NULL in its column.
func present[T comparable](v *T) *T {
	var zero T
	if *v == zero {
		return nil
	}
	return v
}

func hash(h *wire.Hash) []byte {
	if h.IsZero() {
		return nil
	}
	return h[:]
}

func id(i *wire.ID) []byte {
	if *i == (wire.ID{}) {
		return nil
	}
	return i[:]
}

// hashOf reads a nullable hash; a value of another length cannot be in the database (its CHECKs) and would give the zero hash.
func hashOf(b []byte) wire.Hash {
	var h wire.Hash
	copy(h[:], b)
	return h
}
