package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"entente/ops/pgtest"
	"entente/schema/refusal"
	"entente/settlement/engine"
	"entente/settlement/swap"
)

// rewrite changes rows as somebody with the server's own rights can, past triggers.
func rewrite(t *testing.T, url, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, pgtest.Admin(url))
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(ctx, "SET session_replication_role = replica; "+statement)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatal(err)
	}
}

func TestAChangedJournalStopsTheStart(t *testing.T) {
	pgtest.NoLeaks(t)
	url, open := postgresDatabase(t, "boj")
	h := newHouse(t, "boj", "JPY", func(testing.TB, string) func(testing.TB) (engine.Store, error) { return open })
	h.start()
	h.furnish("JPN", 500, 900)
	h.must(swap.BillProven{Bill: newClaim(t, h, "JPN", "AUS", 70).bill, NowMS: now()})
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	rewrite(t, url, "CREATE SCHEMA truth; CREATE TABLE truth.entry AS TABLE entry; CREATE TABLE truth.account AS TABLE account; CREATE TABLE truth.checkpoint AS TABLE checkpoint")
	for name, statement := range map[string]string{
		"a bit of a leaf":              "UPDATE entry SET leaf = set_bit(leaf, 500, 1 - get_bit(leaf, 500)) WHERE seq = 5",
		"a bit of an entry":            "UPDATE entry SET body = set_bit(body, 200, 1 - get_bit(body, 200)) WHERE seq = 5",
		"an amount beside the entry":   "UPDATE entry SET minor = minor + 1 WHERE seq = 4",
		"a payee beside the entry":     "UPDATE entry SET credit = 'LP-JPY' WHERE seq = 4",
		"a time beside the entry":      "UPDATE entry SET time_ms = time_ms + 1 WHERE seq = 4",
		"a key beside the entry":       "UPDATE entry SET order_key = NULL WHERE seq = 4",
		"a cause, which has no column": `UPDATE entry SET body = set_byte(body, position('\x000b00000020'::bytea in body) + 5, 1) WHERE seq = 4`,
		"everything is gone":           "DELETE FROM entry; DELETE FROM account",
		"the last entry is gone":       "DELETE FROM entry WHERE seq = 6",
		"an entry is gone":             "DELETE FROM entry WHERE seq = 5",
		"leaves changed places":        "UPDATE entry SET leaf = (SELECT leaf FROM entry o WHERE o.seq = 9 - entry.seq) WHERE seq IN (4, 5)",
		"a balance":                    "UPDATE account SET credits_posted = credits_posted + 1 WHERE id = 'DESK-JPN'",
		"an account is gone":           "DELETE FROM account WHERE id = 'SUSPENSE'",
		"a frozen account":             "UPDATE account SET status = 2 WHERE id = 'SUSPENSE'",
		"the root":                     "UPDATE checkpoint SET root = set_bit(root, 3, 1 - get_bit(root, 3)) WHERE size = 7",
		"the note":                     "UPDATE checkpoint SET note = set_bit(note, 100, 1 - get_bit(note, 100)) WHERE size = 7",
		"the last checkpoint is gone":  "DELETE FROM checkpoint WHERE size = 7",
	} {
		t.Run(name, func(t *testing.T) {
			rewrite(t, url, statement)
			e, err := h.tryStart()
			if err == nil {
				err = e.Close()
			}
			if refusal.CodeOf(err) != engine.CodeJournalBroken {
				t.Errorf("got %v", err)
			}
			t.Log(err)
			for _, table := range []string{"entry", "account", "checkpoint"} {
				rewrite(t, url, "DELETE FROM "+table+"; INSERT INTO "+table+" SELECT * FROM truth."+table)
			}
		})
	}
	h.start() // as it was
}

func TestALostPackageOfASwapStopsTheStart(t *testing.T) {
	pgtest.NoLeaks(t)
	url, open := postgresDatabase(t, "rba")
	h := newHouse(t, "rba", "AUD", func(testing.TB, string) func(testing.TB) (engine.Store, error) { return open })
	h.start()
	h.furnish("AUS", 1_000_000, 1_000_000)
	p := newPayer(t, h)
	h.must(p.pay(newClaim(t, p.jpn, "JPN", "AUS", 9_000), 9_000, 8_700))
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	rewrite(t, url, "UPDATE evidence SET bytes = 'another' WHERE kind = 'attachment'")
	if _, err := h.tryStart(); err == nil {
		t.Error("the engine starts without what it has to send")
	} else {
		t.Log(err)
	}
}
