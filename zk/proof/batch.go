package proof

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// batchMax is how many proofs one check covers: it bounds memory and what one bad proof costs. Beyond it nothing gets cheaper.
const batchMax = 128

// claim is one proof of a batch with what it should prove, weighted by its challenge z.
type claim struct {
	inputs []fr.Element
	proof  points
	z      fr.Element
	a      bn254.G1Affine // z*A
}

// VerifyBatch checks many proofs under one key and gives one verdict each, in order: nil, or the refusal Verify gives for that very proof. It panics unless there
// is one proof a statement.
//
// The n equations of single verification are added with random weights z_i, which takes n + 3 Miller loops and one final exponentiation:
//
//	sum e(z_i*A_i, B_i) = (sum z_i)*e(alpha, beta) + e(sum z_i*L_i, gamma) + e(sum z_i*C_i, delta)
//
// A batch that fails is halved until the bad ones are found, and each of these is verified by itself before it is called bad. When all are bad this costs
// about twice what verifying them one by one does.
//
// Weights have 128 bits of entropy: a batch with a bad proof passes with a chance below 2^-127. They are drawn after the proofs are fixed, from the operating
// system (in a browser from its Web Crypto), and are forgotten. Deriving them from a hash of keys, statements and proofs would give the same verdicts but let
// a forger try weights offline, for no gain: nobody else has to repeat a check that gives what single verification gives.
func VerifyBatch[S Statement](v *Verifier, statements []S, proofs [][]byte) []error {
	if len(proofs) != len(statements) {
		panic(fmt.Sprintf("proof: a batch of %d statements and %d proofs", len(statements), len(proofs)))
	}
	verdicts := make([]error, len(statements))
	for first := 0; first < len(statements); first += batchMax {
		claims := make([]claim, 0, min(batchMax, len(statements)-first))
		places := make([]int, 0, cap(claims))
		for i := first; i < first+cap(claims); i++ {
			inputs, err := inputsOf(v.name, statements[i])
			if err != nil {
				verdicts[i] = err
				continue
			}
			proof, err := decodeProof(proofs[i])
			if err != nil {
				verdicts[i] = err
				continue
			}
			claims = append(claims, claim{inputs: inputs, proof: proof})
			places = append(places, i)
		}
		for i, err := range v.judge(claims) {
			verdicts[places[i]] = err
		}
	}
	return verdicts
}

// judge gives one verdict a claim.
func (v *Verifier) judge(claims []claim) []error {
	verdicts := make([]error, len(claims))
	if len(claims) > 1 {
		weigh(claims)
	}
	v.halve(claims, verdicts, false)
	return verdicts
}

// halve finds the bad claims. bad says that the claims are known to fail together.
func (v *Verifier) halve(claims []claim, verdicts []error, bad bool) {
	switch {
	case len(claims) <= 2:
		for i := range claims {
			verdicts[i] = v.check(claims[i].inputs, &claims[i].proof)
		}
	case bad || !v.together(claims):
		half := len(claims) / 2
		leftHolds := v.together(claims[:half])
		if !leftHolds {
			v.halve(claims[:half], verdicts[:half], true)
		}
		v.halve(claims[half:], verdicts[half:], leftHolds)
	}
}

// together says whether all claims hold, but for a chance below 2^-127.
func (v *Verifier) together(claims []claim) bool {
	as, bs, cs := make([]bn254.G1Affine, len(claims)), make([]bn254.G2Affine, len(claims)), make([]bn254.G1Affine, len(claims))
	weights := make([]fr.Element, len(claims))
	sums := make([]fr.Element, 1+len(v.inputs)) // of weights, and of weighted inputs
	for i := range claims {
		c := &claims[i]
		as[i], bs[i], cs[i], weights[i] = c.a, c.proof.b, c.proof.c, c.z
		sums[0].Add(&sums[0], &c.z)
		for j := range c.inputs {
			var e fr.Element
			sums[1+j].Add(&sums[1+j], e.Mul(&c.z, &c.inputs[j]))
		}
	}
	var fixed [3]bn254.G1Jac // the sides of -gamma, -delta and -beta
	v.k0.addMultiple(&fixed[0], &sums[0])
	for j := range v.inputs {
		v.inputs[j].addMultiple(&fixed[0], &sums[1+j])
	}
	if _, err := fixed[1].MultiExp(cs, weights, ecc.MultiExpConfig{NbTasks: 1}); err != nil {
		return false // then the claims are verified one by one
	}
	v.alpha.addMultiple(&fixed[2], &sums[0])

	variable, err := bn254.MillerLoop(as, bs)
	if err != nil {
		return false
	}
	known, err := bn254.MillerLoopFixedQ(bn254.BatchJacobianToAffineG1(fixed[:]), slices.Clone(v.lines))
	if err != nil {
		return false
	}
	product := bn254.FinalExponentiation(&variable, &known)
	return product.IsOne()
}

// glvLambda is a cube root of one modulo the group order. Multiplying by x + y*lambda costs 64 doublings for 64-bit x and y, where 128 bits in one piece
// cost 128; the 2^128 weights are distinct, because lambda has no such short relation.
var glvLambda = func() (e fr.Element) {
	lambda, ok := new(big.Int).SetString("4407920970296243842393367215006156084916469457145843978461", 10)
	if !ok {
		panic("proof: lambda is not a number")
	}
	return *e.SetBigInt(lambda)
}()

// weigh draws every claim's weight and multiplies its A.
func weigh(claims []claim) {
	entropy := make([]byte, 16*len(claims))
	rand.Read(entropy) // never fails: see crypto/rand
	weighted := make([]bn254.G1Jac, len(claims))
	for i := range claims {
		var low, high fr.Element
		low.SetUint64(binary.BigEndian.Uint64(entropy[16*i:]))
		high.SetUint64(binary.BigEndian.Uint64(entropy[16*i+8:]))
		claims[i].z.Mul(&high, &glvLambda)
		claims[i].z.Add(&claims[i].z, &low)
		var z big.Int
		weighted[i].FromAffine(&claims[i].proof.a)
		weighted[i].ScalarMultiplication(&weighted[i], claims[i].z.BigInt(&z))
	}
	for i, a := range bn254.BatchJacobianToAffineG1(weighted) {
		claims[i].a = a
	}
}
