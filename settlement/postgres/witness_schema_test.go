package postgres_test

import (
	"testing"

	"entente/ops/pgtest"
)

const (
	nodeRow          = "INSERT INTO node VALUES (1, 0, r(32, 1))"
	witnessedRow     = "INSERT INTO witnessed VALUES ('rba.test/AUD', 7, r(32, 1), 'note', 5)"
	contradictionRow = "INSERT INTO contradiction (origin, size, root, kept, shown, proven, why, at_ms) VALUES ('rba.test/AUD', 7, r(32, 2), 'k', 's', true, 'w', 5)"
)

func TestTheDatabaseRefusesImpossibleHeads(t *testing.T) {
	pgtest.NoLeaks(t)
	conn := furnished(t)
	for _, row := range []string{nodeRow, witnessedRow, contradictionRow} {
		run(t, conn, row)
	}
	const accuse = "INSERT INTO contradiction (origin, size, root, kept, shown, proven, why, at_ms, clear_ms, cleared) VALUES "
	for _, test := range []struct{ rule, statement string }{
		{"", "INSERT INTO node VALUES (1, 1, r(32, 1))"},
		{"node_pkey", nodeRow},
		{"node_above_leaves", "INSERT INTO node VALUES (0, 1, r(32, 1))"},
		{"node_above_leaves", "INSERT INTO node VALUES (8, 1, r(32, 1))"},
		{"node_from_zero", "INSERT INTO node VALUES (1, -1, r(32, 1))"},
		{"node_hash_length", "INSERT INTO node VALUES (1, 1, r(31, 1))"},
		{"EN003", "UPDATE node SET hash = hash"},
		{"EN003", "DELETE FROM node"},
		{"EN003", "TRUNCATE node"},

		{"", "INSERT INTO witnessed VALUES ('rbi.test/INR', 0, r(32, 1), 'note', 0)"},
		{"witnessed_pkey", witnessedRow},
		{"witnessed_log_named", "INSERT INTO witnessed VALUES ('', 7, r(32, 1), 'note', 5)"},
		{"witnessed_size_counts", "INSERT INTO witnessed VALUES ('x', -1, r(32, 1), 'note', 5)"},
		{"witnessed_root_length", "INSERT INTO witnessed VALUES ('x', 7, r(33, 1), 'note', 5)"},
		{"witnessed_is_signed", "INSERT INTO witnessed VALUES ('x', 7, r(32, 1), '', 5)"},
		{"witnessed_is_signed", "INSERT INTO witnessed VALUES ('x', 7, r(32, 1), r(131073, 1), 5)"},
		{"witnessed_has_a_time", "INSERT INTO witnessed VALUES ('x', 7, r(32, 1), 'note', -5)"},
		{"", "UPDATE witnessed SET size = 8, root = r(32, 2)"},
		{"", "UPDATE witnessed SET note = 'again', at_ms = 6"},
		{"EN004", "UPDATE witnessed SET size = 6"},
		{"EN004", "UPDATE witnessed SET root = r(32, 2)"},
		{"EN004", "UPDATE witnessed SET origin = 'x'"},
		{"EN003", "DELETE FROM witnessed"},
		{"EN003", "TRUNCATE witnessed"},

		{"", accuse + "('x', 7, r(32, 2), 'k', 's', true, 'w', 5, 6, 'because')"},
		{"contradiction_once", contradictionRow},
		{"contradiction_log_named", accuse + "('', 7, r(32, 2), 'k', 's', true, 'w', 5, NULL, NULL)"},
		{"contradiction_size_counts", accuse + "('x', -1, r(32, 2), 'k', 's', true, 'w', 5, NULL, NULL)"},
		{"contradiction_root_length", accuse + "('x', 7, r(31, 2), 'k', 's', true, 'w', 5, NULL, NULL)"},
		{"contradiction_has_evidence", accuse + "('x', 7, r(32, 2), '', 's', true, 'w', 5, NULL, NULL)"},
		{"contradiction_has_evidence", accuse + "('x', 7, r(32, 2), 'k', '', true, 'w', 5, NULL, NULL)"},
		{"contradiction_explained", accuse + "('x', 7, r(32, 2), 'k', 's', true, '', 5, NULL, NULL)"},
		{"contradiction_has_a_time", accuse + "('x', 7, r(32, 2), 'k', 's', true, 'w', -5, NULL, NULL)"},
		{"contradiction_clear_reasons", accuse + "('x', 7, r(32, 2), 'k', 's', true, 'w', 5, 6, NULL)"},
		{"contradiction_clear_reasons", accuse + "('x', 7, r(32, 2), 'k', 's', true, 'w', 5, 6, '')"},
		{"contradiction_clear_reasons", accuse + "('x', 7, r(32, 2), 'k', 's', true, 'w', 5, NULL, 'because')"},
		{"", "UPDATE contradiction SET clear_ms = 6, cleared = 'because'"},
		{"EN004", "UPDATE contradiction SET shown = 't'"},
		{"EN004", "UPDATE contradiction SET proven = false"},
		{"EN003", "DELETE FROM contradiction"},
		{"EN003", "TRUNCATE contradiction"},
	} {
		if got := tried(t, conn, test.statement); got != test.rule {
			t.Errorf("%s\n\tis refused by %q, not by %q", test.statement, got, test.rule)
		}
	}
	run(t, conn, "UPDATE contradiction SET clear_ms = 6, cleared = 'because'")
	if got := tried(t, conn, "UPDATE contradiction SET clear_ms = 7, cleared = 'no'"); got != "EN004" {
		t.Errorf("clearing twice gives %q", got)
	}
}
