// Package swap is SWAP/1, the atomic swap between central-bank ledgers, together with the ledger it moves: one bank as one pure machine.
//
// Money never leaves its own ledger. A payment across currencies is two legs, each on one ledger, that become final together or not at all. The payer's
// bank is the initiator I and decides; the payee's bank is the responder R and votes:
//
//	I1  hold the payer's funds, PROPOSE                    PROPOSED
//	R1  hold the provider's funds, VOTE prepared           PREPARED   (or VOTE refused: ABORTED)
//	I2  one DECISION; commit posts to suspense             COMMITTED  (or ABORTED)
//	R2  post or release, ACK                               SETTLED    (or ABORTED)
//	I3  suspense to payee                                  SETTLED
//
// Where no quote leads from one currency to the other, quotes follow each other and the swap has a leg on each ledger between; all responders must be prepared.
//
// A bank greets every other bank when it starts (Started), and deals with each as it answers: an answer says how far the peer has heard it, and so whether this
// bank has lost something. Operators order a recovery after a restore: the bank opens a new epoch and is fenced. It signs nothing but greetings to a peer until
// the peer has told everything it holds of this bank's word, and takes that over as binding; the peer hears nothing from before any more that it does not hold.
// An undecided swap is aborted only when every bank of it has told. Money that a restore lost is paid by the bank, out of suspense; then it holds nothing new
// until that is made good.
//
// Step takes one event and changes the state; its Output names everything that must be made durable, in one transaction, BEFORE a message leaves or an
// answer is given. The same events in the same order give the same state and the same output, byte for byte.
//
// Promised: after PREPARED no clock releases the responder's hold; a decision is made once; a hold settles once; a quote is used once.
// Trusted: that events named Verified or Authorised were verified; that a restore is of this bank's own past, and not of a past that an earlier restore gave up.
// If every bank that held a decision is restored to before it, at once, nobody knows it any more: then the swap is aborted everywhere, whatever a desk was told.
// Not here: signing, sending, storing (settlement/engine).
package swap
