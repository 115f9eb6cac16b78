package postgres_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/postgres"
)

// TestADatabaseFromBeforeOperationsGetsItsHistory migrates a database that holds entries of the first version, and compares what it is given with what
// counting these entries gives.
func TestADatabaseFromBeforeOperationsGetsItsHistory(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Empty(t)
	before := fstest.MapFS{}
	for _, name := range []string{"00001_writer.sql", "00002_journal.sql", "00003_swap.sql"} {
		content, err := fs.ReadFile(migrations.Bank, name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = &fstest.MapFile{Data: content}
	}
	if err := postgres.Migrate(t.Context(), url, before); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, url)
	kinds := map[string]wire.AccountKind{"ISSUANCE": wire.AccountIssuance, "SUSPENSE": wire.AccountSuspense, "DESK": wire.AccountDesk, "OTHER": wire.AccountDesk}
	for id, kind := range kinds {
		if _, err := conn.Exec(t.Context(), "INSERT INTO account VALUES ($1, 'x', $2, 1, 0, 0, 0, 0)", id, int16(kind)); err != nil {
			t.Fatal(err)
		}
	}
	const first, second = 1_795_132_800_000, 1_795_219_200_000 // 2026-11-20 and the day after
	of := func(n byte) wire.Hash { return wire.Hash{n} }
	entries := []ledger.Entry{
		{TimeMS: first, Kind: wire.LeafOpen, Credit: "DESK", Key: wire.ID{1}},
		{TimeMS: first, Kind: wire.LeafIssue, Debit: "ISSUANCE", Credit: "DESK", Minor: 1_000, Key: wire.ID{2}},
		{TimeMS: first, Kind: wire.LeafTransfer, Debit: "DESK", Credit: "OTHER", Minor: 7, Reference: of(1)},
		{TimeMS: first, Kind: wire.LeafHold, Debit: "OTHER", Credit: "DESK", Minor: 3, Reference: of(2)},
		{TimeMS: second, Kind: wire.LeafHold, Debit: "DESK", Credit: "OTHER", Minor: 50, Reference: of(3)},
		{TimeMS: second, Kind: wire.LeafHold, Debit: "DESK", Credit: "OTHER", Minor: 60, Reference: of(4)},
		{TimeMS: second, Kind: wire.LeafVoid, Debit: "DESK", Credit: "OTHER", Minor: 60, Reference: of(4)},
		{TimeMS: second, Kind: wire.LeafPost, Debit: "DESK", Credit: "SUSPENSE", Minor: 50, Reference: of(3)},
		{TimeMS: second, Kind: wire.LeafRelease, Debit: "SUSPENSE", Credit: "OTHER", Minor: 50, Reference: of(3)},
		{TimeMS: second, Kind: wire.LeafPost, Debit: "OTHER", Credit: "DESK", Minor: 3, Reference: of(2)},
		{TimeMS: second, Kind: wire.LeafRedeem, Debit: "DESK", Credit: "ISSUANCE", Minor: 11, Key: wire.ID{3}},
	}
	type row struct {
		account string
		seq     int64
	}
	want := map[row]ledger.Counters{}
	now := map[string]ledger.Counters{}
	for i := range entries {
		e := &entries[i]
		e.Seq = int64(i)
		null := func(there bool, v any) any {
			if !there {
				return nil
			}
			return v
		}
		_, err := conn.Exec(t.Context(), "INSERT INTO entry VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, 'b', 'l')", e.Seq, e.TimeMS, null(e.Minor != 0, e.Minor), int16(e.Kind),
			null(e.Debit != "", e.Debit), e.Credit, null(!e.Reference.IsZero(), e.Reference[:]), null(e.Key != wire.ID{}, e.Key[:]))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{e.Debit, e.Credit} {
			c := now[id]
			c.Count(e, id, kinds[id])
			now[id] = c
			if e.Minor != 0 {
				want[row{id, e.Seq}] = c
			}
		}
	}
	if err := postgres.Migrate(t.Context(), url, migrations.Bank); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), "SELECT account, seq, debits_posted, credits_posted, debits_pending, credits_pending FROM turnover WHERE places = int8send(seq)")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		var r row
		var c ledger.Counters
		if err := rows.Scan(&r.account, &r.seq, &c.DebitsPosted, &c.CreditsPosted, &c.DebitsPending, &c.CreditsPending); err != nil {
			t.Fatal(err)
		}
		if n++; c != want[r] {
			t.Errorf("account %s after entry %d has %+v, counting gives %+v", r.account, r.seq, c, want[r])
		}
	}
	if err := rows.Err(); err != nil || n != len(want) {
		t.Errorf("%d rows, want %d (%v)", n, len(want), err)
	}
	for id, used := range map[string][2]int64{"DESK": {50, 20261121}, "OTHER": {3, 20261120}, "ISSUANCE": {0, 0}} {
		var got [2]int64
		if err := conn.QueryRow(t.Context(), "SELECT used, used_on FROM account WHERE id = $1", id).Scan(&got[0], &got[1]); err != nil || got != used {
			t.Errorf("account %s has used %v, want %v (%v)", id, got, used, err)
		}
	}
	var until int64
	if err := conn.QueryRow(t.Context(), "SELECT entries_until($1)", int64(second-1)).Scan(&until); err != nil || until != 4 {
		t.Errorf("%d entries until the second day (%v)", until, err)
	}
}
