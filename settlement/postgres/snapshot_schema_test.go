package postgres_test

import (
	"testing"

	"entente/ops/pgtest"
)

func TestTheDatabaseRefusesImpossibleSeals(t *testing.T) {
	pgtest.NoLeaks(t)
	conn := furnished(t)
	for _, test := range []struct{ rule, statement string }{
		{"", "INSERT INTO batch VALUES (2, 1, 5, r(32, 1), r(64, 1), r(96, 1))"},
		{"batch_seal_length", "INSERT INTO batch VALUES (2, 1, 5, r(31, 1), r(64, 1), '')"},
		{"batch_sums_length", "INSERT INTO batch VALUES (2, 1, 5, r(32, 1), r(65, 1), '')"},
		{"batch_docs_named", "INSERT INTO batch VALUES (2, 1, 5, r(32, 1), r(64, 1), r(33, 1))"},
		{"evidence_seal_length", "INSERT INTO evidence VALUES (r(32, 2), 'order', 'b', 1, r(33, 1))"},
		{"", "INSERT INTO damage (at_ms, what) VALUES (0, 'x')"},
		{"damage_has_a_time", "INSERT INTO damage (at_ms, what) VALUES (-1, 'x')"},
		{"damage_described", "INSERT INTO damage (at_ms, what) VALUES (1, '')"},
		{"", "INSERT INTO snapshot VALUES (0, 5, 1, 1, r(32, 1), r(32, 1), r(32, 1), r(32, 1), 1)"},
		{"snapshot_two_slots", "INSERT INTO snapshot VALUES (2, 5, 1, 1, r(32, 1), r(32, 1), r(32, 1), r(32, 1), 1)"},
		{"snapshot_of_entries", "INSERT INTO snapshot VALUES (0, 0, 1, 1, r(32, 1), r(32, 1), r(32, 1), r(32, 1), 1)"},
		{"snapshot_root_length", "INSERT INTO snapshot VALUES (0, 5, 1, 1, r(31, 1), r(32, 1), r(32, 1), r(32, 1), 1)"},
		{"snapshot_edge_nodes", "INSERT INTO snapshot VALUES (0, 5, 1, 1, r(32, 1), r(33, 1), r(32, 1), r(32, 1), 1)"},
		{"snapshot_hash_length", "INSERT INTO snapshot VALUES (0, 5, 1, 1, r(32, 1), r(32, 1), r(31, 1), r(32, 1), 1)"},
		{"snapshot_seal_length", "INSERT INTO snapshot VALUES (0, 5, 1, 1, r(32, 1), r(32, 1), r(32, 1), r(31, 1), 1)"},
		{"snapshot_has_parts", "INSERT INTO snapshot VALUES (0, 5, 1, 1, r(32, 1), r(32, 1), r(32, 1), r(32, 1), 0)"},
		{"snapshot_part_counts", "INSERT INTO snapshot_part VALUES (0, -1, 'x')"},
		{"snapshot_part_not_empty", "INSERT INTO snapshot_part VALUES (0, 0, '')"},
		{"EN003", "UPDATE damage SET what = what"},
		{"EN003", "DELETE FROM damage"},
	} {
		if got := tried(t, conn, test.statement); got != test.rule {
			t.Errorf("%s gives %q, not %q", test.statement, got, test.rule)
		}
	}
}
