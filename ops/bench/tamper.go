//go:build unix

package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"entente/ops/pgserver"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/settlement/postgres"
	"entente/wallet"
	"entente/zk/transcript"
)

// TamperFigures is what came of changing stored rows at random.
type TamperFigures struct {
	Tampers  int            `json:"tampers"`
	Detected int            `json:"detected"`
	Kinds    map[string]int `json:"kinds"` // of tampers
	Seed     uint64         `json:"seed"`
	Entries  int64          `json:"entries"`
	Missed   []string       `json:"missed"`
}

// The kinds of tampering, in turns.
var tamperKinds = []string{"bit", "drop", "swap", "truncate", "bit", "repeat", "erase", "fork"}

// tampered are the tables of a bank's ledger. Left out are the writer's term, which only fences, and what the bank keeps about others' logs.
var tampered = []string{"entry", "batch", "checkpoint", "node", "account", "bill", "discharge", "undone", "turnover", "evidence", "note", "swap", "swap_peer",
	"decision", "stage", "message", "channel", "ledger"}

// Tamper writes a ledger, and then n times changes something in it as the owner of its tables could, with every rule of the schema out of the way; each time the
// whole ledger is checked and the change taken back. A change that the check does not find is in Missed.
func Tamper(ctx context.Context, n int, seed uint64, progress func(done, total int)) (f *TamperFigures, err error) {
	server, err := pgserver.Start(ctx, pgserver.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop(pgserver.Fast)) }()
	return TamperOn(ctx, server, n, seed, progress)
}

// TamperOn is Tamper on a server that runs.
func TamperOn(ctx context.Context, server *pgserver.Server, n int, seed uint64, progress func(done, total int)) (f *TamperFigures, err error) {
	a, err := newArchive(ctx, server, fmt.Sprintf("tamper_%d", seed))
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, a.owner)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if _, err := conn.Exec(ctx, unruled); err != nil {
		return nil, fmt.Errorf("bench: take the rules away: %w", err)
	}
	t := &tamperer{archive: a, conn: conn, random: mathrand.New(mathrand.NewPCG(seed, 1))}
	if err := t.survey(ctx); err != nil {
		return nil, err
	}
	f = &TamperFigures{Kinds: map[string]int{}, Seed: seed, Missed: []string{}}
	if what, found, err := t.once(ctx, func(pgx.Tx) (string, error) { return "nothing", nil }); err != nil || found {
		return nil, fmt.Errorf("bench: the ledger is not sound before anybody changed it: %v %s %w", found, what, err)
	}
	f.Entries = t.entries
	for f.Tampers < n {
		kind := tamperKinds[f.Tampers%len(tamperKinds)]
		what, found, err := t.once(ctx, func(tx pgx.Tx) (string, error) { return t.tamper(ctx, tx, kind) })
		if errors.Is(err, errNothing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f.Tampers++
		f.Kinds[kind]++
		if found {
			f.Detected++
		} else {
			f.Missed = append(f.Missed, what)
		}
		progress(f.Tampers, n)
	}
	return f, nil
}

// unruled takes every rule of the schema away.
const unruled = `DO $$
DECLARE r record;
BEGIN
	FOR r IN SELECT c.conrelid::regclass AS of, c.conname FROM pg_constraint c WHERE c.connamespace = 'public'::regnamespace AND c.conrelid <> 0
		AND c.conrelid::regclass::text NOT LIKE 'goose%' ORDER BY c.contype = 'p', c.contype = 'u' LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.of, r.conname);
	END LOOP;
	FOR r IN SELECT indexrelid::regclass AS of FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace
		AND i.indisunique AND i.indrelid::regclass::text NOT LIKE 'goose%' LOOP
		EXECUTE format('DROP INDEX %s', r.of);
	END LOOP;
	FOR r IN SELECT attrelid::regclass AS of, attname, attidentity <> '' AS counted FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND c.relname NOT LIKE 'goose%' LOOP
		IF r.counted THEN EXECUTE format('ALTER TABLE %s ALTER %I DROP IDENTITY', r.of, r.attname); END IF;
		EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', r.of, r.attname);
	END LOOP;
	FOR r IN SELECT oid::regclass AS of FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'goose%' LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', r.of);
	END LOOP;
END $$`

// errNothing says that a tampering found nothing to change, or changed nothing.
var errNothing = errors.New("nothing was changed")

type tamperer struct {
	*archive
	conn    *pgx.Conn
	random  *mathrand.Rand
	entries int64
	columns map[string][]column // of each table that has rows
	tables  []string
}

type column struct{ Name, Type string }

// survey looks what there is to change.
func (t *tamperer) survey(ctx context.Context) error {
	t.columns = map[string][]column{}
	for _, table := range tampered {
		var rows int64
		if err := t.conn.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&rows); err != nil {
			return err
		}
		if rows == 0 {
			return fmt.Errorf("bench: the ledger has no row in %s", table)
		}
		if table == "entry" {
			t.entries = rows
		}
		// A column that says only that there is one row carries nothing.
		found, err := t.conn.Query(ctx, "SELECT column_name::text, udt_name::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 AND column_name <> 'one'", table)
		if err != nil {
			return err
		}
		if t.columns[table], err = pgx.CollectRows(found, pgx.RowToStructByPos[column]); err != nil {
			return err
		}
		t.tables = append(t.tables, table)
	}
	return nil
}

// once changes something, checks, and takes it back.
func (t *tamperer) once(ctx context.Context, change func(pgx.Tx) (string, error)) (what string, found bool, err error) {
	tx, err := t.conn.Begin(ctx)
	if err != nil {
		return "", false, err
	}
	defer func() { err = errors.Join(err, tx.Rollback(context.WithoutCancel(ctx))) }()
	if what, err = change(tx); err != nil {
		return what, false, err
	}
	err = postgres.FsckTx(ctx, tx, t.identity, t.checker(), func(int64, int64) {})
	switch refusal.CodeOf(err) {
	case engine.CodeJournalBroken, engine.CodeLedgerForeign:
		return what, true, nil
	}
	if err != nil {
		return what, false, fmt.Errorf("bench: check after %s: %w", what, err)
	}
	return what, false, nil
}

func (t *tamperer) tamper(ctx context.Context, tx pgx.Tx, kind string) (string, error) {
	table := t.tables[t.random.IntN(len(t.tables))]
	c := t.columns[table][t.random.IntN(len(t.columns[table]))]
	switch kind {
	case "fork":
		return t.fork(ctx, tx)
	case "bit":
		return t.change(ctx, tx, table, c, t.altered(c))
	case "erase":
		return t.change(ctx, tx, table, c, "NULL")
	case "drop":
		return t.statement(ctx, tx, fmt.Sprintf("DELETE FROM %s WHERE ctid = (%s)", table, t.row(table)))
	case "repeat":
		return t.statement(ctx, tx, fmt.Sprintf("INSERT INTO %[1]s SELECT %[1]s.* FROM %[1]s, generate_series(1, %[3]d) WHERE %[1]s.ctid = (%[2]s)", table, t.row(table), 1+t.random.IntN(2)))
	case "swap":
		return t.statement(ctx, tx, fmt.Sprintf(`WITH x AS (SELECT ctid AS at, %[1]s AS v FROM %[2]s WHERE ctid = (%[3]s)),
			y AS (SELECT o.ctid AS at, o.%[1]s AS v FROM %[2]s o, x WHERE o.%[1]s IS DISTINCT FROM x.v ORDER BY o.ctid OFFSET %[4]d LIMIT 1)
			UPDATE %[2]s SET %[1]s = CASE WHEN ctid = x.at THEN y.v ELSE x.v END FROM x, y WHERE ctid IN (x.at, y.at)`, c.Name, table, t.row(table), t.random.IntN(3)))
	}
	switch t.random.IntN(3) { // truncate
	case 0:
		return t.statement(ctx, tx, "DELETE FROM "+table)
	case 1:
		return t.statement(ctx, tx, fmt.Sprintf("DELETE FROM %s WHERE ctid >= (%s)", table, t.row(table)))
	}
	if c.Type != "bytea" && c.Type != "text" {
		return "", errNothing
	}
	return t.change(ctx, tx, table, c, fmt.Sprintf("substring(%[1]s FROM 1 FOR greatest(length(%[1]s) - 1, 0))", c.Name))
}

// row picks one at random.
func (t *tamperer) row(table string) string {
	return fmt.Sprintf("SELECT ctid FROM %[1]s ORDER BY ctid OFFSET (SELECT floor(%[2]f * count(*))::bigint FROM %[1]s) LIMIT 1", table, t.random.Float64())
}

// altered is an expression that differs from a column's value by a bit.
func (t *tamperer) altered(c column) string {
	switch r := t.random; c.Type {
	case "bytea":
		return fmt.Sprintf("CASE WHEN octet_length(%[1]s) > 0 THEN set_bit(%[1]s, %[2]d %% (8 * octet_length(%[1]s)), 1 - get_bit(%[1]s, %[2]d %% (8 * octet_length(%[1]s)))) ELSE '\\x01' END", c.Name, r.IntN(1<<20))
	case "text":
		return fmt.Sprintf("CASE WHEN length(%[1]s) > 0 THEN overlay(%[1]s placing chr(33 + (ascii(substr(%[1]s, 1 + %[2]d %% length(%[1]s), 1)) - 33 + 1) %% 90) from 1 + %[2]d %% length(%[1]s) for 1) ELSE 'x' END", c.Name, r.IntN(1<<16))
	case "bool":
		return "NOT coalesce(" + c.Name + ", false)"
	case "int2":
		return fmt.Sprintf("coalesce(%s, 0::smallint) # %d::smallint", c.Name, 1<<r.IntN(15))
	case "int4":
		return fmt.Sprintf("coalesce(%s, 0) # %d", c.Name, 1<<r.IntN(31))
	default:
		return fmt.Sprintf("coalesce(%s, 0) # %d::bigint", c.Name, int64(1)<<r.IntN(63))
	}
}

func (t *tamperer) change(ctx context.Context, tx pgx.Tx, table string, c column, to string) (string, error) {
	return t.statement(ctx, tx, fmt.Sprintf("UPDATE %[1]s SET %[2]s = %[3]s WHERE ctid = (%[4]s) AND %[2]s IS DISTINCT FROM %[3]s", table, c.Name, to, t.row(table)))
}

func (t *tamperer) statement(ctx context.Context, tx pgx.Tx, statement string) (string, error) {
	tag, err := tx.Exec(ctx, statement)
	if err == nil && tag.RowsAffected() == 0 {
		err = errNothing
	}
	if err != nil && !errors.Is(err, errNothing) {
		err = fmt.Errorf("bench: %s: %w", statement, err)
	}
	return strings.Join(strings.Fields(statement), " "), err
}

// fork writes the end of the journal anew, from some checkpoint on, with other amounts: entries, their columns, leaves, roots and notes all fit each other, and
// lack only the bank's secrets and keys.
func (t *tamperer) fork(ctx context.Context, tx pgx.Tx) (string, error) {
	veil, err := newVeil()
	if err != nil {
		return "", err
	}
	forger, err := wallet.NewSigner(benchBank, "log", wire.PurposeCheckpoint, 1, rand.Reader)
	if err != nil {
		return "", err
	}
	signer, err := transcript.NewSigner(benchOrigin, forger.Private())
	if err != nil {
		return "", err
	}
	from := t.random.Int64N(t.entries)
	rows, err := tx.Query(ctx, "SELECT body, leaf FROM entry ORDER BY seq")
	if err != nil {
		return "", err
	}
	type stored struct{ Body, Leaf []byte }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stored])
	if err != nil {
		return "", err
	}
	var hashes []transcript.Hash
	changed := 0
	for seq, s := range all {
		if int64(seq) >= from {
			e, err := ledger.ParseEntry(s.Body)
			if err != nil {
				return "", err
			}
			if e.Minor > 0 {
				e.Minor++
				changed++
			}
			records, err := veil.Records([]ledger.Entry{e})
			if err != nil {
				return "", err
			}
			s = stored{records[0].Body, records[0].Leaf}
			if _, err := tx.Exec(ctx, "UPDATE entry SET body = $2, leaf = $3, minor = nullif($4::bigint, 0) WHERE seq = $1", seq, s.Body, s.Leaf, e.Minor); err != nil {
				return "", err
			}
		}
		hashes = append(hashes, transcript.LeafHash(s.Leaf))
	}
	if changed == 0 {
		return "", errNothing
	}
	return fmt.Sprintf("a fork from entry %d on", from), t.forge(ctx, tx, signer, hashes, from)
}

// forge makes the checkpoints after a fork fit its leaves.
func (t *tamperer) forge(ctx context.Context, tx pgx.Tx, signer note.Signer, hashes []transcript.Hash, from int64) error {
	rows, err := tx.Query(ctx, "SELECT size FROM checkpoint WHERE size > $1 ORDER BY size", from)
	if err != nil {
		return err
	}
	sizes, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	var tree transcript.Tree
	for n, h := range hashes {
		tree.Append(h)
		if !slices.Contains(sizes, int64(n)+1) {
			continue
		}
		root := tree.Root()
		signed, err := transcript.Sign(transcript.Checkpoint{Origin: benchOrigin, Size: tree.Size(), Root: root}, signer)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE checkpoint SET root = $2, note = $3 WHERE size = $1", n+1, root[:], signed); err != nil {
			return err
		}
	}
	return nil
}
