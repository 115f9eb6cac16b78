package postgres_test

import (
	"testing"

	"entente/ops/pgtest"
)

const tenureRow = "INSERT INTO tenure VALUES (2, r(16, 1), r(32, 1), 5, 1)"

func TestTheDatabaseRefusesImpossibleEpochs(t *testing.T) {
	pgtest.NoLeaks(t)
	conn := furnished(t)
	run(t, conn, tenureRow)
	const (
		message = "INSERT INTO message VALUES (r(32, 7), 'rba', 'application/vnd.entente.swap.decision.v1+tlv', 1, r(32, 9), 'e', NULL, true, true, "
		cover   = "INSERT INTO entry VALUES (4, 5, 1, 0, 19, 'SUSPENSE', 'DESK-JPN', "
	)
	for _, test := range []struct{ rule, statement string }{
		{"", "INSERT INTO tenure VALUES (3, r(16, 1), NULL, 5, 1)"},
		{"tenure_pkey", tenureRow},
		{"tenure_after_the_first", "INSERT INTO tenure VALUES (1, r(16, 1), r(32, 1), 5, 1)"},
		{"tenure_opening_length", "INSERT INTO tenure VALUES (3, r(15, 1), r(32, 1), 5, 1)"},
		{"tenure_cause_length", "INSERT INTO tenure VALUES (3, r(16, 1), r(31, 1), 5, 1)"},
		{"tenure_has_a_time", "INSERT INTO tenure VALUES (3, r(16, 1), r(32, 1), -5, 1)"},
		{"EN003", "UPDATE tenure SET at_ms = 6"},
		{"EN003", "DELETE FROM tenure"},
		{"EN003", "TRUNCATE tenure"},

		{"", message + "2)"},
		{"message_pkey", message + "1)"},
		{"message_epoch_from_one", message + "0)"},
		{"EN004", "UPDATE message SET epoch = 2"},

		{"", "UPDATE channel SET epoch = 2, seq = 0, last = NULL, heard_epoch = 2, heard = 1, opening = r(16, 1), fenced = true, stopped = true"},
		{"channel_opening_length", "UPDATE channel SET opening = r(15, 1)"},
		{"channel_epochs", "UPDATE channel SET epoch = 1, heard_epoch = 2, heard = 0; INSERT INTO channel VALUES ('x', 1, 0, 0, NULL, 0, NULL, 0)"},
		{"EN004", "UPDATE channel SET epoch = 0"},
		{"EN004", "UPDATE channel SET heard_epoch = 0"},

		{"", "UPDATE swap_peer SET proposal = r(32, 1), again = r(32, 2), epoch = 2, heard_epoch = 2, heard_seq = 1"},
		{"swap_peer_proposal_length", "UPDATE swap_peer SET proposal = r(31, 1)"},
		{"swap_peer_again_decided", "UPDATE swap_peer SET again = r(31, 1)"},
		{"swap_peer_epochs", "UPDATE swap_peer SET heard_seq = -1"},

		{"", cover + "r(32, 5), NULL, 'b', 'l')"},
		{"entry_referenced", cover + "NULL, NULL, 'b', 'l')"},
		{"entry_covered_once", cover + "r(32, 5), NULL, 'b', 'l'); INSERT INTO entry VALUES (5, 5, 1, 0, 19, 'SUSPENSE', 'DESK-JPN', r(32, 5), NULL, 'b', 'l')"},
	} {
		if got := tried(t, conn, test.statement); got != test.rule {
			t.Errorf("%s\n\tis refused by %q, not by %q", test.statement, got, test.rule)
		}
	}
}
