package postgres_test

import "testing"

func TestTheDatabaseRefusesImpossibleSeals(t *testing.T) {
	noLeaks(t)
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
		{"EN003", "UPDATE damage SET what = what"},
		{"EN003", "DELETE FROM damage"},
	} {
		if got := tried(t, conn, test.statement); got != test.rule {
			t.Errorf("%s gives %q, not %q", test.statement, got, test.rule)
		}
	}
}
