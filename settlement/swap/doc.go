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
// Step takes one event and changes the state; its Output names everything that must be made durable, in one transaction, BEFORE a message leaves or an
// answer is given. The same events in the same order give the same state and the same output, byte for byte.
//
// Promised: after PREPARED no clock releases the responder's hold; a decision is made once; a hold settles once; a quote is used once.
// Trusted: that events named Verified or Authorised were verified. Not here: signing, sending, storing (settlement/engine), recovery after a restore.
package swap
