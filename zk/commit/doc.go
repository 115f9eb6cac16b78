// Package commit hides amounts and line items so that they can still be added up and checked.
//
// Three things live here, each the native twin of something the circuits prove:
//
//   - Pedersen commitments on the twisted Edwards curve over BN254's scalar field (a = -1, cofactor 8): C = sum a_k*G_k + r*H for the sums of up to 16
//     categories, T = a*G + s*H for one amount. Commitments add, and so do their openings.
//   - Item trees: Poseidon2 compressions (eprint 2023/323) with feed-forward, one leaf an item, 16 children a node, depth fixed by the chunk size.
//   - Contexts: the hash that ties a proof to one bill, chunk, checkpoint or question.
//
// Promised: generators nobody knows a relation between (generators.go says how to recompute them); byte forms with one encoding per value; points parsed
// from outside are on the curve and in the prime-order subgroup; blindings that differ for every secret, purpose, bill, revision, chunk and value.
//
// NB, not checked: Sum and Add check that a point is on the curve but not its subgroup; points from outside go through ParsePoint first, or are the C and T
// of a verified bill proof, which lie in the subgroup because they were proven to be sums of its generators. Nothing here is constant-time: whoever commits
// trusts the host. Commitments bind as long as discrete logarithms on the curve are hard, and hide unconditionally given uniform blindings.
package commit
