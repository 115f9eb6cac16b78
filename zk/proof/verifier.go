package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"entente/schema/refusal"
)

// Verifier checks proofs under one verification key. It is immutable and safe for concurrent use.
type Verifier struct {
	name   string
	id     [32]byte
	k0     inputTable
	inputs []inputTable // of K_1, K_2, ...
	alpha  inputTable

	alphaBeta bn254.GT // e(alpha, beta)
	// The precomputed lines of -gamma, -delta and -beta, the fixed arguments of pairings; the last serves batches.
	lines [][2][len(bn254.LoopCounter)]bn254.LineEvaluationAff
}

// NewVerifier reads a verification key of the named circuit. The bytes' SHA-256 is compared with wantID, which comes from the trust file, before anything is
// parsed. Refused: vk_unknown when there is no such circuit, vk_damaged when the bytes are not the key wantID names or the key is not a sound one.
func NewVerifier(name string, vkBytes []byte, wantID [32]byte) (*Verifier, error) {
	kind, ok := kinds[name]
	if !ok {
		return nil, refusal.Newf(CodeKeyUnknown, "use one of the circuits the trust file names", "there is no circuit %q", name)
	}
	damaged := func(what string) error {
		return refusal.Newf(CodeKeyDamaged, "fetch the key again, or correct the trust file", "the verification key of %s %s", name, what)
	}
	if size := keySize(kind.inputs); len(vkBytes) != size {
		return nil, damaged(fmt.Sprintf("has %d bytes in place of %d", len(vkBytes), size))
	}
	if sha256.Sum256(vkBytes) != wantID {
		return nil, damaged("is not the one its id names")
	}
	key, what := readKey(vkBytes, kind.inputs)
	if what != "" {
		return nil, damaged(what)
	}
	alphaBeta, err := bn254.Pair([]bn254.G1Affine{key.alpha}, []bn254.G2Affine{key.beta})
	if err != nil {
		return nil, fmt.Errorf("proof: pairing alpha and beta: %w", err)
	}
	v := &Verifier{name: name, id: wantID, alphaBeta: alphaBeta}
	for _, q := range []bn254.G2Affine{key.gamma, key.delta, key.beta} {
		q.Neg(&q)
		v.lines = append(v.lines, bn254.PrecomputeLines(q))
	}
	tables := newInputTables(append([]bn254.G1Affine{key.alpha}, key.k...))
	v.alpha, v.k0, v.inputs = tables[0], tables[1], tables[2:]
	return v, nil
}

// verificationKey is the part of a key that verification uses.
type verificationKey struct {
	alpha              bn254.G1Affine
	beta, gamma, delta bn254.G2Affine
	k                  []bn254.G1Affine
}

// keySize is the length of a key with that many public inputs: six points, the count of K, K with one more than the inputs, and two zero counts for the
// commitment extension.
func keySize(inputs int) int { return 3*g1Size + 3*g2Size + 4 + (inputs+1)*g1Size + 8 }

// readKey parses b, whose length is keySize(inputs), and says what is wrong with it, if anything.
func readKey(b []byte, inputs int) (key verificationKey, what string) {
	sound := true
	g1 := func() bn254.G1Affine {
		p, ok := decodeG1(b)
		sound, b = sound && ok, b[g1Size:]
		return p
	}
	g2 := func() bn254.G2Affine {
		p, ok := decodeG2(b)
		sound, b = sound && ok, b[g2Size:]
		return p
	}
	count := func() uint32 {
		n := binary.BigEndian.Uint32(b)
		b = b[4:]
		return n
	}
	key.alpha = g1()
	g1() // beta in G1 serves provers only
	key.beta, key.gamma = g2(), g2()
	g1() // delta in G1 likewise
	key.delta = g2()
	if n := count(); n != uint32(inputs)+1 {
		return key, fmt.Sprintf("is for %d public inputs in place of %d", int64(n)-1, inputs)
	}
	for range inputs + 1 {
		key.k = append(key.k, g1()) // refuses infinity, so no input is unbound
	}
	if !sound {
		return key, "has a point that is not canonical, at infinity, off the curve or outside its subgroup"
	}
	if hashed, committed := count(), count(); hashed != 0 || committed != 0 {
		return key, "uses the commitment extension"
	}
	if key.gamma.Equal(&key.delta) {
		return key, "has equal gamma and delta, so anything can be proven under it"
	}
	return key, ""
}

// Name gives the circuit's name.
func (v *Verifier) Name() string { return v.name }

// ID gives the verification key's id.
func (v *Verifier) ID() [32]byte { return v.id }

// VerifyBill checks the proof of one chunk. Refused: proof_invalid when it does not prove p, proof_malformed when it is no proof at all, digest_invalid or
// point_invalid when p is not well formed, vk_unknown when this is not a bill's verifier.
// NB: which of the three sizes was proven is the verifier's name; the caller compares it with the countersigned bill.
func (v *Verifier) VerifyBill(p BillPublic, proofBytes []byte) error { return Verify(v, p, proofBytes) }

// VerifyTotals checks a totals statement, with the refusals of VerifyBill.
func (v *Verifier) VerifyTotals(p TotalsPublic, proofBytes []byte) error {
	return Verify(v, p, proofBytes)
}

// VerifyBillBatch checks many chunks of one size, with one verdict a chunk: see VerifyBatch.
func (v *Verifier) VerifyBillBatch(ps []BillPublic, proofs [][]byte) []error {
	return VerifyBatch(v, ps, proofs)
}

// Verify checks a statement of any kind, with the refusals of Verifier.VerifyBill, amount_out_of_range when a number is beyond what the circuit holds,
// share_invalid or block_invalid when there are too many members or balances, and those of commit.RatePublic.Fraction.
func Verify[S Statement](v *Verifier, statement S, proofBytes []byte) error {
	inputs, err := inputsOf(v.name, statement)
	if err != nil {
		return err
	}
	return v.verify(inputs, proofBytes)
}

func (v *Verifier) verify(inputs []fr.Element, proofBytes []byte) error {
	proof, err := decodeProof(proofBytes)
	if err != nil {
		return err
	}
	return v.check(inputs, &proof)
}

// check asks whether e(A, B) * e(L, -gamma) * e(C, -delta) = e(alpha, beta) with L = K_0 + sum input_i * K_(i+1) (Groth, eprint 2016/260).
func (v *Verifier) check(inputs []fr.Element, proof *points) error {
	var sum bn254.G1Jac
	sum.FromAffine(&v.k0[0][0])
	for i := range inputs {
		v.inputs[i].addMultiple(&sum, &inputs[i])
	}
	var l bn254.G1Affine
	l.FromJacobian(&sum)

	variable, err := bn254.MillerLoop([]bn254.G1Affine{proof.a}, []bn254.G2Affine{proof.b})
	if err != nil {
		return fmt.Errorf("proof: pairing: %w", err)
	}
	// A copy, because the loop writes its evaluations into the lines it is given.
	fixed, err := bn254.MillerLoopFixedQ([]bn254.G1Affine{l, proof.c}, slices.Clone(v.lines[:2]))
	if err != nil {
		return fmt.Errorf("proof: pairing: %w", err)
	}
	product := bn254.FinalExponentiation(&variable, &fixed)
	if !product.Equal(&v.alphaBeta) {
		return refusal.Newf(CodeProofInvalid, "treat the statement as unproven", "the proof does not prove this %s statement", v.name)
	}
	return nil
}
