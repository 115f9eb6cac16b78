// Package engine is the one loop that does I/O for a bank: it feeds events to the pure machine and makes what comes out durable.
//
//	events -> Step -> entries, swaps, messages -> leaves, log head -> one transaction -> answers and messages leave
//
// One goroutine owns the machine. Whatever arrived during the last commit forms the next batch, so that many events share one commit. Entries become leaves
// of the bank's log, the head is signed, outgoing messages are signed, and all of it is stored together before anybody hears of it.
//
// Promised: an answer or a message leaves only after what it says is durable; a message that needs an answer is sent again until it has one; a commit whose
// outcome is unknown is looked up, never guessed, and if that cannot be done the engine stops and drops its state. At start the state is the fold of the
// journal, and the log is the hash of its leaves; a stored byte of the journal that was changed stops the start.
//
// Trusted: the store, for durability and fencing, and whoever hands in events: names like MessageVerified mean what they say.
// Not checked at start: that amount commitments open to the clear amounts; that costs a curve operation an entry.
package engine
