package postgres_test

import (
	"testing"

	"entente/ops/pgtest"
)

func TestTheDatabaseRefusesImpossibleOperations(t *testing.T) {
	pgtest.NoLeaks(t)
	conn := furnished(t)
	run(t, conn, "INSERT INTO entry VALUES (4, 5, 1, 0, 4, 'ISSUANCE', 'DESK-JPN', NULL, r(16, 4), 'b', 'l', 'RTGS-1')")
	run(t, conn, "INSERT INTO entry VALUES (5, 5, 1, 0, 13, 'DESK-JPN', 'ISSUANCE', NULL, r(16, 5), 'b', 'l', NULL, 4)")
	run(t, conn, "INSERT INTO undone VALUES (r(32, 3), 3)")
	run(t, conn, "INSERT INTO turnover VALUES ('DESK-JPN', 5, 1, 1, 0, 0, int8send(5))")
	for _, test := range []struct{ rule, statement string }{
		{"entry_settled_once", "INSERT INTO entry VALUES (6, 5, 1, 0, 12, 'DESK-AUS', 'DESK-JPN', r(32, 1), NULL, 'b', 'l')"},
		{"entry_referenced", "INSERT INTO entry VALUES (6, 5, 1, 0, 12, 'DESK-AUS', 'DESK-JPN', NULL, NULL, 'b', 'l')"},
		{"entry_amount_when_money", "INSERT INTO entry VALUES (6, 5, NULL, 0, 13, 'DESK-AUS', 'DESK-JPN', NULL, r(16, 6), 'b', 'l', NULL, 3)"},
		{"", "INSERT INTO entry VALUES (6, 5, NULL, 0, 14, NULL, NULL, NULL, r(16, 6), 'b', 'l', 'STATEMENT')"},
		{"", "INSERT INTO entry VALUES (6, 5, 100, 0, 14, NULL, NULL, NULL, r(16, 6), 'b', 'l', 'RTGS-1')"},
		{"entry_of_the_ledger", "INSERT INTO entry VALUES (6, 5, NULL, 0, 17, NULL, 'DESK-JPN', NULL, r(16, 6), 'b', 'l')"},
		{"entry_of_the_ledger", "INSERT INTO entry VALUES (6, 5, NULL, 0, 17, NULL, NULL, NULL, NULL, 'b', 'l')"},
		{"entry_kind_known", "INSERT INTO entry VALUES (6, 5, NULL, 0, 20, NULL, NULL, NULL, NULL, 'b', 'l')"},
		{"entry_reserve_where_due", "INSERT INTO entry VALUES (6, 5, 1, 0, 6, 'DESK-AUS', 'DESK-JPN', r(32, 5), NULL, 'b', 'l', 'RTGS-2')"},
		{"entry_reserve_where_due", "INSERT INTO entry VALUES (6, 5, 1, 0, 4, 'ISSUANCE', 'DESK-JPN', NULL, r(16, 6), 'b', 'l', repeat('X', 36))"},
		{"entry_reserved_once", "INSERT INTO entry VALUES (6, 5, 1, 0, 5, 'DESK-JPN', 'ISSUANCE', NULL, r(16, 6), 'b', 'l', 'RTGS-1')"},
		{"entry_reversed_once", "INSERT INTO entry VALUES (6, 5, 1, 0, 13, 'DESK-JPN', 'ISSUANCE', NULL, r(16, 6), 'b', 'l', NULL, 4)"},
		{"entry_reverses_earlier", "INSERT INTO entry VALUES (6, 5, 1, 0, 13, 'DESK-JPN', 'ISSUANCE', NULL, r(16, 6), 'b', 'l', NULL, 6)"},
		{"entry_reverses_earlier", "INSERT INTO entry VALUES (6, 5, 1, 0, 13, 'DESK-JPN', 'ISSUANCE', NULL, r(16, 6), 'b', 'l')"},
		{"entry_reverses_earlier", "INSERT INTO entry VALUES (6, 5, 1, 0, 4, 'ISSUANCE', 'DESK-JPN', NULL, r(16, 6), 'b', 'l', NULL, 3)"},

		{"account_limits", "UPDATE account SET per_transfer = -1 WHERE id = 'DESK-JPN'"},
		{"account_limits", "UPDATE account SET per_day = -1 WHERE id = 'DESK-JPN'"},
		{"account_used", "UPDATE account SET used = -1, used_on = 20260102 WHERE id = 'DESK-JPN'"},
		{"account_used", "UPDATE account SET used = 1 WHERE id = 'DESK-JPN'"},
		{"", "UPDATE account SET used = 1, used_on = 20260102 WHERE id = 'DESK-JPN'"},

		{"", "INSERT INTO discharge (bill, seq, round) VALUES (r(32, 3), 5, 1)"},
		{"discharge_pkey", "INSERT INTO discharge (bill, seq, round) VALUES (r(32, 3), 5, 0)"},
		{"discharge_round_counts", "INSERT INTO discharge (bill, seq, round) VALUES (r(32, 3), 5, -1)"},
		{"undone_pkey", "INSERT INTO undone VALUES (r(32, 3), 3)"},
		{"undone_bill_fkey", "INSERT INTO undone VALUES (r(32, 4), 3)"},
		{"undone_by_an_entry", "INSERT INTO undone VALUES (r(32, 3), -3)"},

		{"turnover_pkey", "INSERT INTO turnover VALUES ('DESK-JPN', 5, 1, 1, 0, 0, int8send(5))"},
		{"turnover_counters", "INSERT INTO turnover VALUES ('DESK-JPN', 6, 1, 1, -1, 0, int8send(6))"},
		{"turnover_names_places", "INSERT INTO turnover VALUES ('DESK-JPN', 6, 1, 1, 0, 0, '')"},
		{"turnover_names_places", "INSERT INTO turnover VALUES ('DESK-JPN', 6, 1, 1, 0, 0, r(9, 1))"},
	} {
		if got := tried(t, conn, test.statement); got != test.rule {
			t.Errorf("%s\n\tis refused by %q, not by %q", test.statement, got, test.rule)
		}
	}
	for _, table := range []string{"undone", "turnover"} {
		for _, statement := range []string{"UPDATE " + table + " SET seq = seq", "DELETE FROM " + table, "TRUNCATE " + table} {
			if got := tried(t, conn, statement); got != "EN003" {
				t.Errorf("%s gives %q, want EN003", statement, got)
			}
		}
	}
}
