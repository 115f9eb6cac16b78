// Package ledger is one central bank's token ledger: accounts, entries and bills, as a pure machine.
//
// Every operation is a row of flat guards, each returning a named refusal, in an order that is part of the contract; only then does it give the entries to
// write. Entries are the only way state changes: State is what folding the entries from the first to the last gives, nothing else.
//
//	entries, err := state.Transfer(...)   // guards; the state is untouched
//	for _, e := range entries { state.Apply(e) }
//
// Amounts are integer minor units of the ledger's one currency. The issuance account is the bank's liability and the only one below zero, so that the sum
// of all balances is always zero. Time is ledger time, Unix milliseconds, given with each operation; it never runs backwards.
//
// The vocabulary of two-phase transfers (hold, post, void; pending and posted counters) follows TigerBeetle's.
//
// Not checked here: signatures (wallet), zero-knowledge proofs (zk/proof), and who may ask for what across banks (settlement/swap).
package ledger
