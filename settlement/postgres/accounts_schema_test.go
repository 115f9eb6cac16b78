package postgres_test

import (
	"testing"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/settlement/postgres"
)

func TestAccountsThatAreNotStoredAreNotSet(t *testing.T) {
	conn := connect(t, pgtest.Owner(pgtest.Migrated(t, migrations.Bank, postgres.Migrate)))
	run(t, conn, "INSERT INTO account (id, owner, kind, status, debits_posted, credits_posted, debits_pending, credits_pending) VALUES ('DESK-A', 'A', 2, 1, 0, 0, 0, 0)")
	const set = "SELECT set_accounts(ARRAY['DESK-A', 'DESK-B'], '{1, 1}', '{0, 0}', '{5, 5}', '{0, 0}', '{0, 0}', '{0, 0}', '{0, 0}', '{0, 0}', '{0, 0}')"
	if got := tried(t, conn, set); got != "EN005" {
		t.Errorf("an account that is not there gives %q, want EN005", got)
	}
	var credits int64
	if err := conn.QueryRow(t.Context(), "SELECT credits_posted FROM account").Scan(&credits); err != nil || credits != 0 {
		t.Errorf("the other account has %d (%v)", credits, err)
	}
}
