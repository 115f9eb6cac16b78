// Package sim plays central banks against a hostile world, deterministically: one seed is one history, replayed exactly.
//
// Two to four banks, each the real machine of settlement/swap over a model of its store, exchange messages through a carrier that loses, repeats, delays,
// reorders and replays them and is partitioned; clocks are wrong and jump; banks die before and after any commit and start again from what was durable. Banks are
// restored from earlier backups, alone or several at once, their operators order recoveries, and banks die over these as well. Desks ask twice, cancel, try again
// with another quote, pay one bill twice and one quote twice; operators freeze, close, issue and redeem meanwhile.
//
// The store is modelled by its one promise: the output of a step is durable whole or not at all, and messages leave only after it is durable.
//
// After every step these hold, and a breach ends the run:
//
//	ATOMIC    no swap is committed at one bank and aborted at another
//	FINAL     a final state never changes
//	ONE-VOTE, ONE-DECISION   per swap and bank, durable before they leave
//	EVIDENCE  a commit names the exact vote, a posting the exact message it rests on; what the payer's bank releases, the payee's bank has settled
//	NO-CLOCK  what is prepared is released by a decision and by nothing else
//	CONSERVE  balances add up to zero and are what the entries say; nothing available is below zero; a hold settles once
//	ONCE      a quote settles one swap, a bill is paid by one payment, an instruction has one swap at a time and none once it is cancelled
//	DEADLINE  a bank that has looked at its clock keeps nothing proposed past decide_by
//	TRUE      a quote is refused as used only if it is
//	CHAIN     messages to a peer are numbered without a gap, each naming the one before
//	JOURNAL   what is restored is what was durable
//	EPOCH     a bank that recovers signs nothing but greetings for a peer that has not told what it holds
//	ALARM     honest banks never raise one, but that something waits long or that a restore lost money, and no machine panics
//
// At the end faults cease, and LIVE is checked: within a minute every swap is final, at both banks alike, no money is held or in suspense, and no message waits
// for an answer. Then old messages are replayed, and nothing moves.
//
// What a restore takes back the auditor takes back, and nothing else: what desks were told stays told, unless every bank that had stored a commit was restored to
// before it. A bank goes back to backups of its own past only, never of one that an earlier restore gave up.
//
// Not here: signatures and encoding (the machine takes verified messages; the bytes are the codec's and the engine's tests).
package sim
