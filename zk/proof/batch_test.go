//go:build unix

package proof

import (
	"bytes"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/zk/commit"
)

// someBatch gives n honest pairs, of two statements in turns.
func someBatch(t testing.TB, n int) ([]BillPublic, [][]byte) {
	t.Helper()
	var publics []BillPublic
	var proofs [][]byte
	for i := range n {
		public, proof := proveBill(t, someBill(byte(1+i%2)))
		publics, proofs = append(publics, public), append(proofs, bytes.Clone(proof[:]))
	}
	return publics, proofs
}

func TestABatchNamesExactlyTheBadOnes(t *testing.T) {
	v := verifier(t, Bill16)
	honest, honestProofs := someBatch(t, 130) // more than one check covers
	damages := []struct {
		code refusal.Code
		do   func(*BillPublic, *[]byte)
	}{
		{CodeProofInvalid, func(p *BillPublic, _ *[]byte) { p.Context[31] ^= 1 }},
		{CodeProofInvalid, func(p *BillPublic, _ *[]byte) { p.C, p.T = p.T, p.C }},
		{CodeProofMalformed, func(_ *BillPublic, b *[]byte) { (*b)[0] ^= 1 }},
		{CodeProofMalformed, func(_ *BillPublic, b *[]byte) { *b = (*b)[:ProofSize-1] }},
		{commit.CodePointInvalid, func(p *BillPublic, _ *[]byte) { p.T[63] ^= 1 }},
		{commit.CodeDigestInvalid, func(p *BillPublic, _ *[]byte) { p.D = aliased(p.D) }},
	}
	check := func(t interface{ Fatalf(string, ...any) }, n int, bad map[int]int) {
		publics, proofs := slices.Clone(honest[:n]), slices.Clone(honestProofs[:n])
		for i, how := range bad {
			proofs[i] = bytes.Clone(proofs[i])
			damages[how].do(&publics[i], &proofs[i])
		}
		for i, err := range v.VerifyBillBatch(publics, proofs) {
			want := refusal.Code("")
			if how, is := bad[i]; is {
				want = damages[how].code
			}
			if refusal.CodeOf(err) != want || want == "" && err != nil {
				t.Fatalf("%d of %d with %v bad: %v, want %q", i, n, bad, err, want)
			}
		}
	}
	for _, n := range []int{0, 1, 2, 3, 130} {
		check(t, n, nil)
	}
	check(t, 1, map[int]int{0: 0})
	check(t, 130, map[int]int{0: 0, 127: 1, 128: 0, 129: 2})
	all := map[int]int{}
	for i := range 17 {
		all[i] = i % 2
	}
	check(t, 17, all)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(rt, "n")
		check(rt, n, rapid.MapOfN(rapid.IntRange(0, n-1), rapid.IntRange(0, len(damages)-1), 0, min(4, n)).Draw(rt, "bad"))
	})
}

// TestErrorsThatCancelAreStillFound adds a point to one proof and takes it from another: without random weights their sum would hold.
func TestErrorsThatCancelAreStillFound(t *testing.T) {
	publics, proofs := someBatch(t, 8)
	_, _, g, _ := bn254.Generators()
	for i, sign := range map[int]bool{2: true, 5: false} {
		p, err := decodeProof(proofs[i])
		if err != nil {
			t.Fatal(err)
		}
		shift := g
		if sign {
			shift.Neg(&shift)
		}
		p.c.Add(&p.c, &shift)
		encoded := p.encode()
		proofs[i] = encoded[:]
	}
	for i, err := range verifier(t, Bill16).VerifyBillBatch(publics, proofs) {
		if bad := i == 2 || i == 5; bad != (refusal.CodeOf(err) == CodeProofInvalid) {
			t.Errorf("proof %d: %v", i, err)
		}
	}
}

// TestOpposedProofsDoNotFillABatch offers (A, B, C) and (-A, B, C): their left sides cancel in an unweighted sum, whatever they claim.
func TestOpposedProofsDoNotFillABatch(t *testing.T) {
	publics, proofs := someBatch(t, 4)
	p, err := decodeProof(proofs[2])
	if err != nil {
		t.Fatal(err)
	}
	p.a.Neg(&p.a)
	opposed := p.encode()
	proofs[2] = opposed[:]
	for i, err := range verifier(t, Bill16).VerifyBillBatch(publics, proofs) {
		if (i == 2) != (refusal.CodeOf(err) == CodeProofInvalid) {
			t.Errorf("proof %d: %v", i, err)
		}
	}
}

func TestBatchesOfOtherCircuitsAreRefusedOneByOne(t *testing.T) {
	publics, proofs := someBatch(t, 3)
	for i, err := range verifier(t, Totals).VerifyBillBatch(publics, proofs) {
		if refusal.CodeOf(err) != CodeKeyUnknown {
			t.Errorf("proof %d: %v", i, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("three statements pass with two proofs")
		}
	}()
	verifier(t, Bill16).VerifyBillBatch(publics, proofs[:2])
}

// TestLambdaIsACubeRootOfOne holds that weights are cheap and distinct: multiplying by lambda must be the curve's endomorphism (x, y) -> (beta*x, y).
func TestLambdaIsACubeRootOfOne(t *testing.T) {
	var cube, one fr.Element
	one.SetOne()
	cube.Square(&glvLambda).Mul(&cube, &glvLambda)
	_, _, g, _ := bn254.Generators()
	var image bn254.G1Jac
	image.FromAffine(&g)
	image.ScalarMultiplication(&image, constantOf(glvLambda))
	var affine bn254.G1Affine
	affine.FromJacobian(&image)
	var beta fp.Element
	beta.Div(&affine.X, &g.X)
	beta.Exp(beta, constantOf(fr.NewElement(3)))
	if !cube.Equal(&one) || glvLambda.Equal(&one) || !affine.Y.Equal(&g.Y) || !beta.IsOne() {
		t.Error("lambda is another number")
	}
}

func constantOf(e fr.Element) *big.Int { return e.BigInt(new(big.Int)) }

// TestABatchIsWorthIt compares the best of several runs in turns, since other work disturbs each of them.
func TestABatchIsWorthIt(t *testing.T) {
	v := verifier(t, Bill16)
	single, batch := time.Hour, time.Hour
	publics, proofs := someBatch(t, 64)
	for range 5 {
		start := time.Now()
		for i := range publics {
			if err := v.VerifyBill(publics[i], proofs[i]); err != nil {
				t.Fatal(err)
			}
		}
		single = min(single, time.Since(start))
		start = time.Now()
		for i, err := range v.VerifyBillBatch(publics, proofs) {
			if err != nil {
				t.Fatal(i, err)
			}
		}
		batch = min(batch, time.Since(start))
	}
	speedup := float64(single) / float64(batch)
	t.Logf("64 proofs: %v one by one, %v together, %.2f times as fast", single, batch, speedup)
	if speedup < 2.5 {
		t.Errorf("64 proofs together are only %.2f times as fast", speedup)
	}
}
