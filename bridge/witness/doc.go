// Package witness is how banks watch each other's logs (C2SP tlog-witness): each cosigns the heads of the others' logs that follow from what it has seen, and
// each has its own heads cosigned before an auditor gets them.
//
//	POST /add-checkpoint          old size, consistency proof, signed head -> cosignature
//	GET  /<origin hash>/checkpoint   the latest head of a log that this witness cosigned
//
// [Witness] answers. The head is recorded, by compare and set on the one before, BEFORE the cosignature leaves: of two requests at once that do not follow from
// each other one is told of a conflict, and a process killed in between has promised nothing. [Feeder] asks: it sends the newest head of the own log to the
// other banks, at most a few times a second, and keeps the newest one that has its quorum.
//
// # When a log contradicts itself
//
// Two heads of one size with two roots, both signed by the log, are proof: nobody without the log's key can make them. Both notes are kept, an operator is told,
// and the witness cosigns nothing more of that log until an operator clears it, not even what follows from the head it knows: whoever signed the other head,
// the log's signature is no evidence any more. A head that is larger and not shown to follow, or smaller, is kept as well and told, but stops nothing: anybody
// can send a true head with a false proof, or an old head once more, and a stranger must not be able to stop a bank's log.
//
// Promised: a cosignature says that this head is the largest of its log that this witness has seen and follows from every one it cosigned before, across
// restarts. Not checked: entries; a witness sees hashes alone. Trusted: the pinned log keys for who speaks, the store for durability.
//
// NB: extension lines, repeated signatures of one key and loose base64 are refused as malformed, although C2SP tolerates them: no log of the network makes them.
// NB: ML-DSA-44 cosignatures, which the specification prefers, wait for a standard library that has them; sign-subtree is not offered.
package witness
