// Package circuit holds what is proven in zero knowledge, one circuit a file, over BN254 with gnark's R1CS. The native twin of each statement and of every
// digest and commitment in it is in entente/zk/commit; random differential tests hold the two together.
//
// Bill, for a chunk of N items: with word_i = amount_i + category_i*2^63 + used_i*2^67,
//
//	D = tree(used_i * compress(word_i, inner_i)),  a_k = sum of amount_i with category_i = k,
//	C = sum a_k*G_k + r*H,  T = (sum a_k)*G + s*H,  0 <= amount_i, a_k, sum a_k < 2^63,  unused slots are zero.
//
// Totals, for a slice of bills: C = sum A_k*G_k + R*H,  shown_k = mask_k*A_k,  0 <= A_k < 2^96.
//
// Budget, for the same commitment: 0 <= A_k <= limit_k < 2^80,  sum A_k <= limit.
//
// Share, of a total a in T = a*G + s*H among 8 slots with weights w_i below 2^32 that add to W: a*w_i = W*q_i + r_i,  0 <= r_i < W,  the charges are q_i or
// q_i + 1 and add to a,  the units go to the largest r_i, the earlier first.
//
// Rate, between a in A and b in B: b = a*multiplier/divisor rounded up, down, half up or half to even; rate.go has the bounds of each error.
//
// Reserve, for 16 or 64 accounts: every balance is in [0, 2^63), and so is the amount in the sum, which is what they add to.
//
// Policy, for a chunk with digest D: amount_i <= threshold,  and no item in a category that is not allowed.
//
// How they are built:
//   - Every range is a list of bits that are themselves private inputs, each constrained to be 0 or 1. There are no hints, so none can lie.
//   - The field's modulus is about 2^253.6. The widest integer that must not wrap is a sum of 256 amounts below 2^63, below 2^71; words have 68 bits. Products are
//     wider: below 2^99 in a share and 2^142 in a rate. Each bound stands beside its operation; public numbers keep to theirs because verifiers hold them
//     in types of that size.
//   - Points are only ever added to points of constant tables, with the complete addition law (window.go): no exceptional cases, no divisor of zero.
//   - Each public input is in a constraint, so none is unbound: gnark compiles an unused one silently, and a proof made for 5 then verifies for 6. The
//     context, and a share's formula, are squared for that.
//   - No commitment extension (range checks by it break independent verifiers, and CVE-2024-45039, CVE-2024-45040, CVE-2023-44378, CVE-2024-50354,
//     GHSA-fj2x-735w-74vq, GHSA-95v9-hv42-pwrj and gnark's issue 1767 concern it, emulation or additions of variable points), and no emulated arithmetic.
//
// NB, not proven: that inner digests were made as entente/zk/commit makes them, that quantity times unit price is the amount, that C and T sit in one leaf
// only. The debtor's desk recomputes the first two before it countersigns; the log's readers see the third.
package circuit
