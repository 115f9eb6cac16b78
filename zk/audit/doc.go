// Package audit checks a bundle from its bytes and the trust file alone: no bank, no database, no network, no clock.
//
// What is done, in this order, each a step of the report, after the trust file itself:
//
//  1. file: magic line, checksum, strict decoding, the trust file's network;
//  2. heads: every pinned bank's log is there once, its head signed by the pinned log key, as many leaves as the head says;
//     witnesses: each head is cosigned by as many other banks as the trust file's quorum says, not too long before the bundle was made;
//  3. logs: the root recomputed from all leaves, every leaf strictly decoded, in its place, in order of time, its commitments points of the group;
//  4. bills: every bill in a log is in the bundle and every bill of the bundle in one log, once, signed by exactly its creditor and its debtor;
//  5. proofs: one for every chunk, under a verification key the trust file pins, for a context rebuilt from the signed bill;
//  6. settlement: a bill is logged before it is paid, paid once, and by an entry whose amount commitment is the sum of the bill's own totals;
//  7. charters: each signed by all its members, with shares by which a cost can be divided and budgets that can be checked;
//  8. statements: commitments of a slice added here, the signed statement about that sum, and its proof; totals by category with the charters' names;
//  9. budgets: all bills in force of a debtor, added here, are within the limits of its charter;
//  10. shares: a shared cost is divided by its charter's weights, and each other member's charge is what the creditor's bills to it hold of that cost;
//  11. rates: both legs of a swap between two ledgers, as their logs post them, stand at the rate that the bank of the sold currency signed;
//  12. supply: what every account holds at the head, added here from all leaves, is not below zero and together what the bank says it issued.
//
// The result is valid, invalid (proven so, and every finding says where) or undecidable (something needed is missing). Only "valid" says that nothing is
// wrong, and totals and supplies are stated only when everything they rest on was proven.
//
// Trusted: the trust file, SHA-256, Ed25519, Groth16 over BN254 with the ceremony behind the pinned keys, and discrete logarithms on the commitments' curve.
// Not checked: what every report lists under NotChecked. The two nations of a bill vouch for its items; nothing here sees one.
package audit
