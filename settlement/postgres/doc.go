// Package postgres keeps a bank's ledger and a desk's journal in PostgreSQL.
//
// One writer at a time: it holds an advisory lock on a session of its own, and a row with its term is locked and compared in every transaction. Whoever takes
// over raises the term, which waits for a transaction in flight and fences the writer before.
//
//	BEGIN; SELECT take_turn(term, last, next); INSERT ...; COMMIT      one round trip
//
// Promised: a commit that was answered is durable; after an error the outcome is looked up under a raised term, so that "not there" cannot become "there"
// later. A server that is configured to lose commits (fsync or synchronous_commit off) is refused. The database refuses by itself what its constraints name
// (schema/migrations), and the change of anything that is journaled.
//
// Trusted: the server and its disk. Not here: what the rows mean (settlement/ledger, settlement/swap), and finding a changed row: the engine compares the
// journal with its log when it starts.
package postgres
