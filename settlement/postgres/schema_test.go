package postgres_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/schema/refusal"
	"entente/settlement/postgres"
)

// furniture is one true row of each table, to be spoilt.
var furniture = []string{
	"INSERT INTO writer (owner) VALUES ('boj')",
	"INSERT INTO ledger (bank, network, currency, origin) VALUES ('boj', 'test', 'JPY', 'boj.test/JPY')",
	"INSERT INTO batch VALUES (1, 1, 5, r(32, 1), r(64, 1), '')",
	"INSERT INTO entry VALUES (0, 5, NULL, 0, 1, NULL, 'ISSUANCE', NULL, r(16, 1), 'b', 'l')",
	"INSERT INTO entry VALUES (1, 5, 70, 0, 7, 'LP-JPY', 'DESK-JPN', r(32, 1), NULL, 'b', 'l')",
	"INSERT INTO entry VALUES (2, 5, 70, 0, 8, 'LP-JPY', 'DESK-JPN', r(32, 1), NULL, 'b', 'l')",
	"INSERT INTO entry VALUES (3, 5, 70, 0, 11, 'SUSPENSE', 'DESK-JPN', r(32, 1), NULL, 'b', 'l')",
	"INSERT INTO checkpoint VALUES (4, 1, r(32, 2), 'note')",
	"INSERT INTO bill VALUES (r(32, 3), 9, r(16, 3), 1, r(32, 4), 'JPN', 'AUS')",
	"INSERT INTO discharge VALUES (r(32, 3), 2)",
	"INSERT INTO account VALUES ('ISSUANCE', 'boj', 1, 1, 50, 0, 0, 0)",
	"INSERT INTO account VALUES ('DESK-JPN', 'JPN', 2, 1, 10, 50, 20, 0)",
	"INSERT INTO swap VALUES (r(32, 5), 1, 1, 't', NULL, NULL, NULL, '', 5, 5)",
	"INSERT INTO swap VALUES (r(32, 6), 2, 2, 't', NULL, r(32, 9), NULL, '', 5, 5)",
	"INSERT INTO swap VALUES (r(32, 7), 1, 3, 't', NULL, NULL, r(32, 8), '', 5, 5)",
	"INSERT INTO swap_peer VALUES (r(32, 7), 0, 'rba', r(32, 1), true, r(32, 8), true)",
	"INSERT INTO decision VALUES (r(32, 7), true, r(32, 8), 1)",
	"INSERT INTO stage VALUES (r(32, 7), 3, 5, '', 1)",
	"INSERT INTO message VALUES (r(32, 7), 'rba', 'application/vnd.entente.swap.decision.v1+tlv', 4, r(32, 8), 'e', NULL, true, true)",
	"INSERT INTO channel VALUES ('rba', 2, 1, 4, r(32, 8), 3)",
	"INSERT INTO note (kind, code, text, about, at_ms, batch) VALUES ('alarm', 'conflict', 'x', NULL, 5, 1)",
	"INSERT INTO evidence VALUES (r(32, 1), 'order', 'b', 1, r(32, 1))",
}

// furnished gives a database with the furniture in it, and r(n, b): n bytes of value b.
func furnished(t *testing.T) *pgx.Conn {
	t.Helper()
	conn := connect(t, pgtest.Owner(pgtest.Migrated(t, migrations.Bank, postgres.Migrate)))
	run(t, conn, "CREATE FUNCTION r(n int, b int) RETURNS bytea LANGUAGE sql AS $$ SELECT decode(repeat(lpad(to_hex(b), 2, '0'), n), 'hex') $$")
	for _, row := range furniture {
		run(t, conn, row)
	}
	return conn
}

// tried gives the constraint or SQLSTATE that refused a statement; nothing of it stays.
func tried(t *testing.T, conn *pgx.Conn, statement string) string {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.Exec(t.Context(), statement)
	if rollback := tx.Rollback(t.Context()); rollback != nil {
		t.Fatal(rollback)
	}
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &pg):
		t.Fatal(err)
	case pg.ConstraintName != "":
		return pg.ConstraintName
	}
	return pg.Code
}

func TestTheDatabaseRefusesImpossibleRows(t *testing.T) {
	pgtest.NoLeaks(t)
	conn := furnished(t)
	// Each statement is one change away from a row that is taken.
	for _, test := range []struct{ rule, statement string }{
		{"writer_pkey", "INSERT INTO writer (owner) VALUES ('rba')"},
		{"writer_is_one_row", "INSERT INTO writer (one, owner) VALUES (false, 'rba')"},
		{"writer_owner_named", "UPDATE writer SET owner = ''"},
		{"writer_term_counts", "UPDATE writer SET term = -1"},
		{"writer_last_counts", "UPDATE writer SET last = -1"},
		{"ledger_is_one_row", "INSERT INTO ledger VALUES (false, 'boj', 'test', 'JPY', 'boj.test/JPY')"},
		{"ledger_names", "INSERT INTO ledger (bank, network, currency, origin) VALUES ('', 'test', 'JPY', 'boj.test/JPY')"},
		{"ledger_currency_coded", "INSERT INTO ledger (bank, network, currency, origin) VALUES ('boj', 'test', 'jpy', 'boj.test/JPY')"},
		{"batch_pkey", "INSERT INTO batch VALUES (1, 1, 5, r(32, 1), r(64, 1), '')"},
		{"batch_from_one", "INSERT INTO batch VALUES (0, 1, 5, r(32, 1), r(64, 1), '')"},
		{"batch_has_a_term", "INSERT INTO batch VALUES (2, 0, 5, r(32, 1), r(64, 1), '')"},
		{"batch_has_a_time", "INSERT INTO batch VALUES (2, 1, -5, r(32, 1), r(64, 1), '')"},

		{"", "INSERT INTO entry VALUES (4, 5, 1, 0, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_pkey", "INSERT INTO entry VALUES (3, 5, 1, 0, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_seq_from_zero", "INSERT INTO entry VALUES (-1, 5, 1, 0, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_has_a_time", "INSERT INTO entry VALUES (4, -5, 1, 0, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_amount_positive", "INSERT INTO entry VALUES (4, 5, 0, 0, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_amount_when_money", "INSERT INTO entry VALUES (4, 5, NULL, 0, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_amount_when_money", "INSERT INTO entry VALUES (4, 5, 1, 0, 10, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_part_counts", "INSERT INTO entry VALUES (4, 5, 1, -1, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_kind_known", "INSERT INTO entry VALUES (4, 5, NULL, 0, 20, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_between_accounts", "INSERT INTO entry VALUES (4, 5, 1, 0, 6, 'DESK-JPN', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_between_accounts", "INSERT INTO entry VALUES (4, 5, 1, 0, 6, NULL, 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
		{"entry_names_its_account", "INSERT INTO entry VALUES (4, 5, NULL, 0, 2, NULL, NULL, NULL, r(16, 2), 'b', 'l')"},
		{"entry_reference_length", "INSERT INTO entry VALUES (4, 5, 1, 0, 6, 'DESK-AUS', 'DESK-JPN', r(31, 5), NULL, 'b', 'l')"},
		{"entry_referenced", "INSERT INTO entry VALUES (4, 5, 1, 0, 6, 'DESK-AUS', 'DESK-JPN', NULL, NULL, 'b', 'l')"},
		{"entry_order_key_length", "INSERT INTO entry VALUES (4, 5, 1, 0, 4, 'DESK-AUS', 'DESK-JPN', NULL, r(15, 2), 'b', 'l')"},
		{"entry_body_size", "INSERT INTO entry VALUES (4, 5, 1, 0, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, '', 'l')"},
		{"entry_leaf_size", "INSERT INTO entry VALUES (4, 5, 1, 0, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', r(65537, 1))"},
		{"entry_held_once", "INSERT INTO entry VALUES (4, 5, 1, 0, 7, 'DESK-AUS', 'DESK-JPN', r(32, 1), NULL, 'b', 'l')"},
		{"", "INSERT INTO entry VALUES (4, 5, 1, 1, 7, 'DESK-AUS', 'DESK-JPN', r(32, 1), NULL, 'b', 'l')"},
		{"entry_settled_once", "INSERT INTO entry VALUES (4, 5, 1, 0, 9, 'DESK-AUS', 'DESK-JPN', r(32, 1), NULL, 'b', 'l')"},
		{"entry_released_once", "INSERT INTO entry VALUES (4, 5, 1, 0, 11, 'SUSPENSE', 'DESK-JPN', r(32, 1), NULL, 'b', 'l')"},
		{"entry_ordered_once", "INSERT INTO entry VALUES (4, 5, 1, 0, 4, 'ISSUANCE', 'DESK-JPN', NULL, r(16, 1), 'b', 'l')"},

		{"checkpoint_of_leaves", "INSERT INTO checkpoint VALUES (0, 2, r(32, 2), 'note')"},
		{"checkpoint_batch_key", "INSERT INTO checkpoint VALUES (5, 1, r(32, 2), 'note')"},
		{"checkpoint_root_length", "INSERT INTO checkpoint VALUES (5, 2, r(31, 2), 'note')"},
		{"checkpoint_is_signed", "INSERT INTO checkpoint VALUES (5, 2, r(32, 2), '')"},
		{"bill_pkey", "INSERT INTO bill VALUES (r(32, 3), 10, r(16, 4), 1, r(32, 4), 'JPN', 'AUS')"},
		{"bill_seq_key", "INSERT INTO bill VALUES (r(32, 4), 9, r(16, 4), 1, r(32, 4), 'JPN', 'AUS')"},
		{"bill_revision_once", "INSERT INTO bill VALUES (r(32, 4), 10, r(16, 3), 1, r(32, 4), 'JPN', 'AUS')"},
		{"bill_between_nations", "INSERT INTO bill VALUES (r(32, 4), 10, r(16, 4), 1, r(32, 4), 'JPN', 'JPN')"},
		{"bill_hash_length", "INSERT INTO bill VALUES (r(33, 4), 10, r(16, 4), 1, r(32, 4), 'JPN', 'AUS')"},
		{"bill_id_length", "INSERT INTO bill VALUES (r(32, 4), 10, r(17, 4), 1, r(32, 4), 'JPN', 'AUS')"},
		{"bill_programme_length", "INSERT INTO bill VALUES (r(32, 4), 10, r(16, 4), 1, r(31, 4), 'JPN', 'AUS')"},
		{"bill_revision_counts", "INSERT INTO bill VALUES (r(32, 4), 10, r(16, 4), -1, r(32, 4), 'JPN', 'AUS')"},
		{"discharge_pkey", "INSERT INTO discharge VALUES (r(32, 3), 3)"},
		{"discharge_bill_fkey", "INSERT INTO discharge VALUES (r(32, 4), 3)"},
		{"discharge_bill_length", "INSERT INTO discharge VALUES (r(31, 3), 3)"},
		{"discharge_by_an_entry", "INSERT INTO discharge VALUES (r(32, 4), -3)"},

		{"", "UPDATE account SET debits_pending = 40 WHERE id = 'DESK-JPN'"},
		{"account_not_overdrawn", "UPDATE account SET debits_pending = 41 WHERE id = 'DESK-JPN'"},
		{"account_not_overdrawn", "UPDATE account SET debits_posted = 31 WHERE id = 'DESK-JPN'"},
		{"account_counters", "UPDATE account SET credits_pending = -1 WHERE id = 'DESK-JPN'"},
		{"account_closed_empty", "UPDATE account SET status = 3 WHERE id = 'DESK-JPN'"},
		{"account_status_known", "UPDATE account SET status = 4 WHERE id = 'DESK-JPN'"},
		{"account_kind_known", "UPDATE account SET kind = 5 WHERE id = 'DESK-JPN'"},
		{"account_owned", "UPDATE account SET owner = '' WHERE id = 'DESK-JPN'"},
		{"account_id_formed", "UPDATE account SET id = 'desk' WHERE id = 'DESK-JPN'"},
		{"account_id_formed", "UPDATE account SET id = 'DE' WHERE id = 'DESK-JPN'"},
		{"account_id_formed", "UPDATE account SET id = 'DESK_JPN' WHERE id = 'DESK-JPN'"},
		{"account_id_formed", "UPDATE account SET id = repeat('A', 65) WHERE id = 'DESK-JPN'"},
		{"account_issuance_once", "INSERT INTO account VALUES ('OTHER', 'boj', 1, 1, 0, 0, 0, 0)"},

		{"swap_pkey", "INSERT INTO swap VALUES (r(32, 5), 1, 1, 't', NULL, NULL, NULL, '', 5, 5)"},
		{"swap_id_length", "INSERT INTO swap VALUES (r(31, 1), 1, 1, 't', NULL, NULL, NULL, '', 5, 5)"},
		{"swap_role_known", "INSERT INTO swap VALUES (r(32, 1), 3, 4, 't', NULL, NULL, r(32, 1), '', 5, 5)"},
		{"swap_state_of_role", "INSERT INTO swap VALUES (r(32, 1), 1, 2, 't', NULL, NULL, NULL, '', 5, 5)"},
		{"swap_state_of_role", "INSERT INTO swap VALUES (r(32, 1), 2, 3, 't', NULL, NULL, r(32, 1), '', 5, 5)"},
		{"swap_terms_unless_tombstone", "INSERT INTO swap VALUES (r(32, 1), 1, 1, '', NULL, NULL, NULL, '', 5, 5)"},
		{"", "INSERT INTO swap VALUES (r(32, 1), 2, 5, '', NULL, NULL, NULL, '', 5, 5)"},
		{"swap_terms_size", "INSERT INTO swap VALUES (r(32, 1), 1, 1, r(16385, 1), NULL, NULL, NULL, '', 5, 5)"},
		{"swap_authority_length", "INSERT INTO swap VALUES (r(32, 1), 1, 1, 't', 'x', NULL, NULL, '', 5, 5)"},
		{"swap_quote_length", "INSERT INTO swap VALUES (r(32, 1), 1, 1, 't', NULL, 'x', NULL, '', 5, 5)"},
		{"swap_decision_length", "INSERT INTO swap VALUES (r(32, 1), 1, 3, 't', NULL, NULL, 'x', '', 5, 5)"},
		{"swap_decided", "INSERT INTO swap VALUES (r(32, 1), 1, 3, 't', NULL, NULL, NULL, '', 5, 5)"},
		{"swap_undecided", "INSERT INTO swap VALUES (r(32, 1), 2, 2, 't', NULL, NULL, r(32, 1), '', 5, 5)"},
		{"swap_times", "INSERT INTO swap VALUES (r(32, 1), 1, 1, 't', NULL, NULL, NULL, '', 4, 5)"},
		{"swap_quote_used_once", "INSERT INTO swap VALUES (r(32, 1), 2, 2, 't', NULL, r(32, 9), NULL, '', 5, 5)"},
		{"", "INSERT INTO swap VALUES (r(32, 1), 2, 5, 't', NULL, r(32, 9), NULL, '', 5, 5)"},
		{"swap_peer_bank_once", "INSERT INTO swap_peer VALUES (r(32, 7), 1, 'rba', NULL, false, NULL, false)"},
		{"swap_peer_swap_length", "INSERT INTO swap_peer VALUES ('x', 1, 'rba', NULL, false, NULL, false)"},
		{"swap_peer_place_counts", "INSERT INTO swap_peer VALUES (r(32, 7), -1, 'rbi', NULL, false, NULL, false)"},
		{"swap_peer_bank_named", "INSERT INTO swap_peer VALUES (r(32, 7), 1, '', NULL, false, NULL, false)"},
		{"swap_peer_vote_length", "INSERT INTO swap_peer VALUES (r(32, 7), 1, 'rbi', 'x', false, NULL, false)"},
		{"swap_peer_decision_length", "INSERT INTO swap_peer VALUES (r(32, 7), 1, 'rbi', NULL, false, 'x', false)"},
		{"swap_peer_prepared_by_vote", "INSERT INTO swap_peer VALUES (r(32, 7), 1, 'rbi', NULL, true, NULL, false)"},
		{"swap_peer_acked_a_decision", "INSERT INTO swap_peer VALUES (r(32, 7), 1, 'rbi', NULL, false, NULL, true)"},
		{"decision_pkey", "INSERT INTO decision VALUES (r(32, 7), false, r(32, 9), 1)"},
		{"decision_swap_length", "INSERT INTO decision VALUES ('x', false, r(32, 9), 1)"},
		{"decision_message_length", "INSERT INTO decision VALUES (r(32, 1), false, 'x', 1)"},
		{"stage_pkey", "INSERT INTO stage VALUES (r(32, 7), 3, 6, '', 1)"},
		{"stage_state_known", "INSERT INTO stage VALUES (r(32, 7), 6, 6, '', 1)"},
		{"stage_swap_length", "INSERT INTO stage VALUES ('x', 4, 6, '', 1)"},
		{"stage_has_a_time", "INSERT INTO stage VALUES (r(32, 7), 4, -6, '', 1)"},

		{"message_pkey", "INSERT INTO message VALUES (r(32, 7), 'rba', 'application/vnd.entente.swap.decision.v1+tlv', 5, r(32, 1), 'e', NULL, true, false)"},
		{"message_numbered_once", "INSERT INTO message VALUES (r(32, 1), 'rba', 'application/vnd.entente.swap.decision.v1+tlv', 4, r(32, 1), 'e', NULL, true, false)"},
		{"message_type_known", "INSERT INTO message VALUES (r(32, 1), 'rba', 'application/json', 5, r(32, 1), 'e', NULL, true, false)"},
		{"message_swap_length", "INSERT INTO message VALUES ('x', 'rba', 'application/vnd.entente.swap.vote.v1+tlv', 5, r(32, 1), 'e', NULL, true, false)"},
		{"message_recipient_named", "INSERT INTO message VALUES (r(32, 1), '', 'application/vnd.entente.swap.vote.v1+tlv', 5, r(32, 1), 'e', NULL, true, false)"},
		{"message_seq_from_one", "INSERT INTO message VALUES (r(32, 1), 'rba', 'application/vnd.entente.swap.vote.v1+tlv', 0, r(32, 1), 'e', NULL, true, false)"},
		{"message_hash_length", "INSERT INTO message VALUES (r(32, 1), 'rba', 'application/vnd.entente.swap.vote.v1+tlv', 5, 'x', 'e', NULL, true, false)"},
		{"message_envelope_size", "INSERT INTO message VALUES (r(32, 1), 'rba', 'application/vnd.entente.swap.vote.v1+tlv', 5, r(32, 1), '', NULL, true, false)"},
		{"message_attachment_length", "INSERT INTO message VALUES (r(32, 1), 'rba', 'application/vnd.entente.swap.vote.v1+tlv', 5, r(32, 1), 'e', 'x', true, false)"},
		{"channel_counts", "INSERT INTO channel VALUES ('rbi', -1, 0, 0, NULL, 0)"},
		{"channel_chained", "INSERT INTO channel VALUES ('rbi', 1, 0, 1, NULL, 0)"},
		{"channel_last_length", "INSERT INTO channel VALUES ('rbi', 1, 0, 1, 'x', 0)"},
		{"channel_peer_named", "INSERT INTO channel VALUES ('', 1, 0, 0, NULL, 0)"},
		{"note_kind_known", "INSERT INTO note (kind, code, text, at_ms, batch) VALUES ('rumour', 'c', 't', 5, 1)"},
		{"note_about_length", "INSERT INTO note (kind, code, text, about, at_ms, batch) VALUES ('alarm', 'c', 't', 'x', 5, 1)"},
		{"note_has_a_time", "INSERT INTO note (kind, code, text, at_ms, batch) VALUES ('alarm', 'c', 't', -5, 1)"},
		{"evidence_pkey", "INSERT INTO evidence VALUES (r(32, 1), 'order', 'c', 1, r(32, 1))"},
		{"evidence_hash_length", "INSERT INTO evidence VALUES ('x', 'order', 'c', 1, r(32, 1))"},
		{"evidence_kind_named", "INSERT INTO evidence VALUES (r(32, 2), '', 'c', 1, r(32, 1))"},
		{"evidence_not_empty", "INSERT INTO evidence VALUES (r(32, 2), 'order', '', 1, r(32, 1))"},
	} {
		if got := tried(t, conn, test.statement); got != test.rule {
			t.Errorf("%s\n\tis refused by %q, not by %q", test.statement, got, test.rule)
		}
	}
}

func TestTheDatabaseRefusesToTakeAWordBack(t *testing.T) {
	pgtest.NoLeaks(t)
	conn := furnished(t)
	const final, word = "EN003", "EN004"
	for _, test := range []struct{ code, statement string }{
		{"", "UPDATE swap SET state = 3, decision = r(32, 1), since_ms = 6 WHERE id = r(32, 5)"},
		{"", "UPDATE swap SET state = 4, since_ms = 6 WHERE id = r(32, 7)"},
		{word, "UPDATE swap SET state = 5, since_ms = 6 WHERE id = r(32, 7)"},
		{word, "UPDATE swap SET state = 1, decision = NULL WHERE id = r(32, 7)"},
		{word, "UPDATE swap SET decision = r(32, 9) WHERE id = r(32, 7)"},
		{word, "UPDATE swap SET terms = 'u' WHERE id = r(32, 5)"},
		{word, "UPDATE swap SET authority = r(32, 1) WHERE id = r(32, 5)"},
		{word, "UPDATE swap SET created_ms = 4 WHERE id = r(32, 5)"},
		{word, "UPDATE swap_peer SET vote = r(32, 2)"},
		{word, "UPDATE swap_peer SET prepared = false"},
		{word, "UPDATE swap_peer SET decision = r(32, 2)"},
		{word, "UPDATE swap_peer SET acked = false"},
		{word, "UPDATE message SET done = false"},
		{word, "UPDATE message SET envelope = 'f'"},
		{word, "UPDATE message SET resend = false"},
		{"", "UPDATE channel SET seq = 5"},
		{word, "UPDATE channel SET seq = 3"},
		{word, "UPDATE channel SET heard = 2"},
		{word, "UPDATE channel SET peer_epoch = 1"},
		{word, "UPDATE channel SET floor = 0"},
	} {
		if got := tried(t, conn, test.statement); got != test.code {
			t.Errorf("%s gives %q, want %q", test.statement, got, test.code)
		}
	}
	for _, table := range []string{"ledger", "batch", "entry", "checkpoint", "discharge", "bill", "decision", "stage", "note", "evidence"} {
		column, ok := map[string]string{"ledger": "one", "entry": "seq", "discharge": "seq", "bill": "seq", "batch": "term"}[table]
		if !ok {
			column = "batch"
		}
		for _, statement := range []string{"UPDATE " + table + " SET " + column + " = " + column, "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE"} {
			if got := tried(t, conn, statement); got != final {
				t.Errorf("%s gives %q, want %q", statement, got, final)
			}
		}
	}
	for _, table := range []string{"account", "swap", "swap_peer", "message", "channel"} {
		for _, statement := range []string{"DELETE FROM " + table, "TRUNCATE " + table} {
			if got := tried(t, conn, statement); got != final {
				t.Errorf("%s gives %q, want %q", statement, got, final)
			}
		}
	}
}

// Every named rule of the schema must be met by a statement above: a rule nobody has seen refusing may refuse nothing.
func TestEveryRuleIsShownToRefuse(t *testing.T) {
	shown := ""
	for _, file := range []string{"schema_test.go", "witness_schema_test.go", "operations_schema_test.go", "snapshot_schema_test.go", "epoch_schema_test.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shown += string(source)
	}
	conn := connect(t, pgtest.Owner(pgtest.Migrated(t, migrations.Bank, postgres.Migrate)))
	rows, err := conn.Query(t.Context(), "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u') AND connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'goose%'")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 60 {
		t.Fatalf("%d rules (%v)", len(names), err)
	}
	for _, name := range names {
		if !strings.Contains(shown, `"`+name+`"`) {
			t.Errorf("no statement shows that %s refuses", name)
		}
	}
}

func TestEveryTableAndFunctionIsExplained(t *testing.T) {
	pgtest.NoLeaks(t)
	for name, url := range map[string]string{"bank": pgtest.Migrated(t, migrations.Bank, postgres.Migrate), "desk": pgtest.Migrated(t, migrations.Desk, postgres.Migrate)} {
		conn := connect(t, pgtest.Owner(url))
		rows, err := conn.Query(t.Context(), `
			SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'goose%' AND obj_description(oid, 'pg_class') IS NULL
			UNION ALL
			SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL`)
		if err != nil {
			t.Fatal(err)
		}
		bare, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(bare) > 0 {
			t.Errorf("%s: %v have no comment (%v)", name, bare, err)
		}
	}
}

func TestMigratingAgainChangesNothingAndALaterSchemaIsRefused(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Empty(t)
	done := make(chan error, 3)
	for range cap(done) {
		go func() { done <- postgres.Migrate(t.Context(), url, migrations.Bank) }()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Errorf("migrating at once: %v", err)
		}
	}
	conn := connect(t, url)
	run(t, conn, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)")
	if err := postgres.Migrate(t.Context(), url, migrations.Bank); refusal.CodeOf(err) != postgres.CodeSchemaNewer {
		t.Errorf("a later schema gives %v", err)
	}
	if err := postgres.Migrate(t.Context(), "postgres://user:secret@[", migrations.Bank); refusal.CodeOf(err) != postgres.CodeAddress || strings.Contains(err.Error(), "secret") {
		t.Errorf("a bad address gives %v", err)
	}
}

func TestTheSchemaOnlyGoesForward(t *testing.T) {
	for name, set := range map[string]fs.FS{"bank": migrations.Bank, "desk": migrations.Desk} {
		files, err := fs.Glob(set, "*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v (%v)", name, files, err)
		}
		for _, file := range files {
			b, err := fs.ReadFile(set, file)
			if err != nil || !strings.HasPrefix(string(b), "-- +goose Up\n") || strings.Contains(string(b), "goose Down") {
				t.Errorf("%s/%s does not only go forward (%v)", name, file, err)
			}
		}
	}
}
