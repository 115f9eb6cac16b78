package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/jackc/pgx/v5"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/zk/transcript"
)

// statements gives the rows of a batch: one statement a table, its columns as arrays.
func statements(b *engine.Batch, term int64) *pgx.Batch {
	q := &pgx.Batch{}
	q.Queue("INSERT INTO batch (id, term, at_ms, seal, sums, docs) VALUES ($1, $2, $3, $4, $5, $6)", b.ID, term, b.AtMS, b.Seal[:],
		slices.Concat(b.Sums.Live[:], b.Sums.Past[:]), append([]byte{}, b.Docs...))
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

// In the lists of columns below each unnest stands by itself: together in FROM they would be laid out as a table each before a row is read.

func queueRecords(q *pgx.Batch, rows []engine.Record) {
	q.Queue(`INSERT INTO entry (seq, time_ms, minor, part, kind, debit, credit, reference, order_key, body, leaf, reserve, reverses)
		SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::smallint[]), unnest($6::text[]), unnest($7::text[]),
			unnest($8::bytea[]), unnest($9::bytea[]), unnest($10::bytea[]), unnest($11::bytea[]), unnest($12::text[]), unnest($13::bigint[])`,
		bigints(rows, func(r *engine.Record) int64 { return r.Entry.Seq }),
		bigints(rows, func(r *engine.Record) int64 { return r.Entry.TimeMS }),
		bigintsOrNull(rows, func(r *engine.Record) int64 { return r.Entry.Minor }),
		bigints(rows, func(r *engine.Record) int64 { return int64(r.Entry.Part) }),
		smallints(rows, func(r *engine.Record) int16 { return int16(r.Entry.Kind) }),
		textsOrNull(rows, func(r *engine.Record) string { return r.Entry.Debit }),
		textsOrNull(rows, func(r *engine.Record) string { return r.Entry.Credit }),
		blobs(rows, 32, func(r *engine.Record) []byte { return hash(&r.Entry.Reference) }),
		blobs(rows, 16, func(r *engine.Record) []byte { return id(&r.Entry.Key) }),
		blobs(rows, 512, func(r *engine.Record) []byte { return r.Body }),
		blobs(rows, 512, func(r *engine.Record) []byte { return r.Leaf }),
		textsOrNull(rows, func(r *engine.Record) string { return r.Entry.Reserve }),
		bigintsOrNull(rows, func(r *engine.Record) int64 { return r.Entry.Reverses }))
}

func queueNodes(q *pgx.Batch, rows []transcript.Node) {
	q.Queue("INSERT INTO node (level, n, hash) SELECT unnest($1::smallint[]), unnest($2::bigint[]), unnest($3::bytea[])",
		smallints(rows, func(n *transcript.Node) int16 { return int16(n.Level) }),
		bigints(rows, func(n *transcript.Node) int64 { return n.N }),
		blobs(rows, 32, func(n *transcript.Node) []byte { return n.Hash[:] }))
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
		case wire.LeafTransfer, wire.LeafPost, wire.LeafCover:
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
		SELECT unnest($1::text[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bytea[])`,
		texts(rows, func(t *engine.Turnover) string { return t.Account }),
		bigints(rows, func(t *engine.Turnover) int64 { return t.Last() }),
		bigints(rows, func(t *engine.Turnover) int64 { return t.After.DebitsPosted }),
		bigints(rows, func(t *engine.Turnover) int64 { return t.After.CreditsPosted }),
		bigints(rows, func(t *engine.Turnover) int64 { return t.After.DebitsPending }),
		bigints(rows, func(t *engine.Turnover) int64 { return t.After.CreditsPending }),
		blobs(rows, 16, packPlaces))
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
		texts(rows, func(a *ledger.Account) string { return a.ID }),
		smallints(rows, func(a *ledger.Account) int16 { return int16(a.Status) }),
		bigints(rows, func(a *ledger.Account) int64 { return a.DebitsPosted }),
		bigints(rows, func(a *ledger.Account) int64 { return a.CreditsPosted }),
		bigints(rows, func(a *ledger.Account) int64 { return a.DebitsPending }),
		bigints(rows, func(a *ledger.Account) int64 { return a.CreditsPending }),
		bigints(rows, func(a *ledger.Account) int64 { return a.PerTransfer }),
		bigints(rows, func(a *ledger.Account) int64 { return a.PerDay }),
		bigints(rows, func(a *ledger.Account) int64 { return a.Used }),
		integers(rows, func(a *ledger.Account) int32 { return int32(a.UsedOn) }),
	}
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

// hashOf reads a nullable hash. A value of another length, which no CHECK would have let in, gives a hash that is nobody's.
func hashOf(b []byte) wire.Hash {
	switch len(b) {
	case 0:
		return wire.Hash{}
	case len(wire.Hash{}):
		return wire.Hash(b)
	}
	return sha256.Sum256(b)
}
