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
// How they are built:
//   - Every range is a list of bits that are themselves private inputs, each constrained to be 0 or 1. There are no hints, so none can lie.
//   - The field's modulus is about 2^253.6. The widest integer that must not wrap is a sum of 256 amounts below 2^63, below 2^71; words have 68 bits.
//   - Points are only ever added to points of constant tables, with the complete addition law (window.go): no exceptional cases, no divisor of zero.
//   - Each public input is in a constraint, so none is unbound: gnark compiles an unused one silently, and a proof made for 5 then verifies for 6. The
//     context is squared for that.
//   - No commitment extension (range checks by it break independent verifiers, and CVE-2024-45039, CVE-2024-45040, CVE-2023-44378, CVE-2024-50354,
//     GHSA-fj2x-735w-74vq, GHSA-95v9-hv42-pwrj and gnark's issue 1767 concern it, emulation or additions of variable points), and no emulated arithmetic.
//
// NB, not proven: that inner digests were made as entente/zk/commit makes them, that quantity times unit price is the amount, that C and T sit in one leaf
// only. The debtor's desk recomputes the first two before it countersigns; the log's readers see the third.
package circuit
