// Package transcript is the part of a bank's log that a stranger can check: an RFC 6962 Merkle tree over SHA-256, proofs about it, and its signed head.
//
// A head is a C2SP tlog-checkpoint inside a C2SP signed note:
//
//	bank.example/inr
//	20852163
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	— bank.example/inr Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
//
// Promised: a checkpoint has exactly one encoding; [Open] accepts one only with a valid signature by a given key whose name is the checkpoint's origin, so
// that one bank's key never speaks for another's log; [Extends] refuses every pair of heads that one honest append-only log could not have produced, given
// that SHA-256 resists collisions.
//
// Not checked: what a leaf says, when a checkpoint was made, and how old it is. A single reader cannot notice a log that shows two faces to two readers; that
// is what witnesses are for. Trusted: the verifier keys, which the caller pins from elsewhere.
//
// NB: extension lines are refused although the specification tolerates them: nothing in them could be audited.
package transcript
