// Package proof makes and checks the zero-knowledge proofs over the statements of entente/zk/commit: Groth16 on BN254.
//
// Circuits are named bill-16, bill-64, bill-256, totals, budget, share, rate, reserve-16, reserve-64, policy-16, policy-64 and policy-256 (Names). A circuit
// id is the SHA-256 of the compiled constraint system as gnark serialises it; a verification key's id is the SHA-256 of its bytes, which are gnark's
// uncompressed form (alpha1, beta1, beta2, gamma2, delta1, delta2, K). Whoever verifies pins both ids from the trust file.
//
// The verifier (verifier.go) stands on gnark-crypto alone: it needs the key's bytes and id, no compiled circuit and no proving key, and builds where the
// prover does not. Keys are checked against their id first and then for length, canonical coordinates, curve, subgroup, points at infinity (an infinite K
// point is a public input nobody is bound to) and equal gamma and delta. Proofs have a fixed size and one encoding.
//
// Many proofs under one key are cheaper together (VerifyBatch); a pool proves beside a ledger (Pool); an export lets snarkjs judge (ExportSnarkJS), and
// entente/zk/wasm lets browsers verify.
//
// The prover is our own (prover.go), over gnark's compiled circuits, solver and keys: it keeps to the cores it is given and stops when its context ends.
//
// Promised: a proof accepted under an uncompromised key is for exactly the given public values. Hostile bytes are refused by name and never panic.
//
// NB: a Groth16 proof can be turned into another valid proof of the same statement, so proof bytes are never an identity; statements are. Development keys
// (OpenDevelopment) are made by one party, who could forge: they are INSECURE, Info says so, and only a trust file made for development names them. The
// prover is not constant-time: prove on a host you trust.
//
// gnark is pinned at v0.16.3 and gnark-crypto at v0.22.0, which carry the fixes of CVE-2024-45039, CVE-2024-45040, CVE-2023-44378, CVE-2024-50354,
// GHSA-fj2x-735w-74vq and GHSA-95v9-hv42-pwrj; those and gnark's issue 1767 also concern parts that are not used here (the commitment extension, emulation).
package proof
