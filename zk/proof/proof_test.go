//go:build unix

package proof

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"

	"entente/schema/refusal"
	"entente/zk/commit"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// keys are made once for all tests, for the two small circuits.
var keys *Keys

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "entente-keys-")
		if err == nil {
			defer os.RemoveAll(dir)
			keys, err = OpenDevelopment(context.Background(), dir, []string{Bill16, Totals}, nil)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func someBill(nonce byte) BillWitness {
	w := BillWitness{Size: 16, Context: commit.Context{Protocol: "bill-16/1", Nonce: [32]byte{nonce}}.Digest(), R: commit.Scalar{1, 2}, S: commit.Scalar{3, 4}}
	for i := range 5 {
		w.Items = append(w.Items, commit.Item{Amount: uint64(100 * i), Category: uint8(i), Details: [32]byte{byte(i)}, Salt: commit.Digest{31: 1}})
	}
	return w
}

func someTotals() TotalsWitness {
	return TotalsWitness{
		Context: commit.Context{Protocol: "totals/1"}.Digest(), Mask: 0b101,
		Totals: commit.Totals{{Low: 5}, {Low: 6}, {High: 7}}, R: commit.Scalar{5, 6},
	}
}

func proveBill(t testing.TB, w BillWitness) (BillPublic, Proof) {
	t.Helper()
	public, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := keys.ProveBill(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	return public, proof
}

func proveTotals(t testing.TB, w TotalsWitness) (TotalsPublic, Proof) {
	t.Helper()
	public, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := keys.ProveTotals(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	return public, proof
}

func verifier(t testing.TB, name string) *Verifier {
	t.Helper()
	v, err := keys.Verifier(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestABillProofHoldsForItsStatementOnly(t *testing.T) {
	public, proof := proveBill(t, someBill(1))
	other, otherProof := proveBill(t, someBill(2))
	v := verifier(t, Bill16)
	for _, pair := range []struct {
		public BillPublic
		proof  Proof
	}{{public, proof}, {other, otherProof}} {
		if err := v.VerifyBill(pair.public, pair.proof[:]); err != nil {
			t.Fatal(err)
		}
	}
	for what, change := range map[string]func(*BillPublic){
		"context":    func(p *BillPublic) { p.Context = other.Context },
		"digest":     func(p *BillPublic) { p.D = other.D },
		"C":          func(p *BillPublic) { p.C = p.T },
		"T":          func(p *BillPublic) { p.T = commit.Identity() },
		"everything": func(p *BillPublic) { *p = other },
	} {
		lie := public
		change(&lie)
		if err := v.VerifyBill(lie, proof[:]); refusal.CodeOf(err) != CodeProofInvalid {
			t.Errorf("another %s: %v", what, err)
		}
	}
	for what, change := range map[string]func(*BillPublic){
		"a context beyond the modulus": func(p *BillPublic) { p.Context = aliased(p.Context) },
		"a digest beyond the modulus":  func(p *BillPublic) { p.D = aliased(p.D) },
		"C off the curve":              func(p *BillPublic) { p.C[63] ^= 1 },
		"T off the curve":              func(p *BillPublic) { p.T = commit.Point{} },
	} {
		lie := public
		change(&lie)
		if code := refusal.CodeOf(v.VerifyBill(lie, proof[:])); code != commit.CodeDigestInvalid && code != commit.CodePointInvalid {
			t.Errorf("%s: %q", what, code)
		}
	}
}

// aliased adds the modulus: the same field element to a reader that reduces.
func aliased(d commit.Digest) commit.Digest {
	v := new(big.Int).SetBytes(d[:])
	v.Add(v, fr.Modulus()).FillBytes(d[:])
	return d
}

func TestATotalsProofHoldsForItsStatementOnly(t *testing.T) {
	public, proof := proveTotals(t, someTotals())
	v := verifier(t, Totals)
	if err := v.VerifyTotals(public, proof[:]); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*TotalsPublic){
		"context":         func(p *TotalsPublic) { p.Context[31] ^= 1 },
		"commitment":      func(p *TotalsPublic) { p.C = commit.Identity() },
		"mask":            func(p *TotalsPublic) { p.Mask |= 2 },
		"shown total":     func(p *TotalsPublic) { p.Shown[0].Low++ },
		"high part":       func(p *TotalsPublic) { p.Shown[2].High++ },
		"hidden revealed": func(p *TotalsPublic) { p.Mask |= 2; p.Shown[1].Low = 6 },
	} {
		lie := public
		change(&lie)
		if err := v.VerifyTotals(lie, proof[:]); refusal.CodeOf(err) != CodeProofInvalid {
			t.Errorf("another %s: %v", what, err)
		}
	}
}

// TestEachPublicInputIsBound changes the field elements themselves, one by one, below the checks on statements.
func TestEachPublicInputIsBound(t *testing.T) {
	bill, billProof := proveBill(t, someBill(1))
	totals, totalsProof := proveTotals(t, someTotals())
	billValues, err := billInputs(bill)
	if err != nil {
		t.Fatal(err)
	}
	totalsValues, err := totalsInputs(totals)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		values []fr.Element
		proof  Proof
	}{Bill16: {billValues, billProof}, Totals: {totalsValues, totalsProof}} {
		v := verifier(t, name)
		if want, _ := publicInputs(name); len(c.values) != want {
			t.Fatalf("%s has %d inputs, want %d", name, len(c.values), want)
		}
		for i := range c.values {
			before := c.values[i]
			c.values[i].Add(&before, new(fr.Element).SetOne())
			if err := v.verify(c.values, c.proof[:]); refusal.CodeOf(err) != CodeProofInvalid {
				t.Errorf("%s: input %d changed: %v", name, i, err)
			}
			c.values[i] = before
		}
		if err := v.verify(c.values, c.proof[:]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGnarksOwnVerifierAgrees reads our key and proof with gnark and compares verdicts.
func TestGnarksOwnVerifierAgrees(t *testing.T) {
	public, proof := proveBill(t, someBill(1))
	inputs, err := billInputs(public)
	if err != nil {
		t.Fatal(err)
	}
	info, err := keys.Info(Bill16)
	if err != nil {
		t.Fatal(err)
	}
	var vk groth16.VerifyingKey
	if n, err := vk.ReadFrom(bytes.NewReader(info.VKBytes)); err != nil || int(n) != len(info.VKBytes) {
		t.Fatalf("gnark reads %d of %d key bytes: %v", n, len(info.VKBytes), err)
	}
	if len(vk.CommitmentKeys) != 0 {
		t.Error("the key uses the commitment extension")
	}
	decoded, err := decodeProof(proof[:])
	if err != nil {
		t.Fatal(err)
	}
	theirs := &groth16.Proof{Ar: decoded.a, Bs: decoded.b, Krs: decoded.c}
	if err := groth16.Verify(theirs, &vk, inputs); err != nil {
		t.Errorf("gnark refuses: %v", err)
	}
	inputs[0].Double(&inputs[0])
	if err := groth16.Verify(theirs, &vk, inputs); err == nil {
		t.Error("gnark accepts another context")
	}
}

func TestDecodeThenEncodeIsTheIdentity(t *testing.T) {
	_, proof := proveBill(t, someBill(1))
	p, err := decodeProof(proof[:])
	if err != nil || p.encode() != proof {
		t.Errorf("a proof changes on its way: %v", err)
	}
}

// TestAProofCanBeRewritten pins a property of Groth16 that callers must know: proof bytes identify nothing.
func TestAProofCanBeRewritten(t *testing.T) {
	public, proof := proveBill(t, someBill(1))
	p, err := decodeProof(proof[:])
	if err != nil {
		t.Fatal(err)
	}
	p.a.Neg(&p.a)
	p.b.Neg(&p.b)
	other := p.encode()
	if err := verifier(t, Bill16).VerifyBill(public, other[:]); err != nil || other == proof {
		t.Errorf("(-A, -B, C): %v", err)
	}
}

func TestHostileProofsAreRefusedByName(t *testing.T) {
	public, proof := proveBill(t, someBill(1))
	v := verifier(t, Bill16)
	replace := func(offset int, b []byte) []byte {
		c := bytes.Clone(proof[:])
		copy(c[offset:], b)
		return c
	}
	beyond := func(offset int) []byte {
		v := new(big.Int).SetBytes(proof[offset : offset+32])
		var b [32]byte
		v.Add(v, fp.Modulus()).FillBytes(b[:])
		return replace(offset, b[:])
	}
	outside := outsideSubgroup(t).RawBytes()
	for what, b := range map[string][]byte{
		"nothing": nil, "one byte": {1}, "one byte short": proof[:ProofSize-1], "one byte long": append(bytes.Clone(proof[:]), 0),
		"a megabyte": make([]byte, 1<<20), "zeros": make([]byte, ProofSize), "ones": bytes.Repeat([]byte{0xff}, ProofSize),
		"A at infinity": replace(0, make([]byte, g1Size)), "B at infinity": replace(g1Size, make([]byte, g2Size)), "C at infinity": replace(g1Size+g2Size, make([]byte, g1Size)),
		"A compressed": replace(0, []byte{proof[0] | 0x80}), "A flagged infinite": replace(0, []byte{proof[0] | 0x40}),
		"A.X beyond": beyond(0), "A.Y beyond": beyond(32), "B.X1 beyond": beyond(64), "B.X0 beyond": beyond(96), "B.Y1 beyond": beyond(128), "B.Y0 beyond": beyond(160),
		"C.X beyond": beyond(192), "C.Y beyond": beyond(224), "A off the curve": replace(63, []byte{proof[63] ^ 1}), "B off the curve": replace(191, []byte{proof[191] ^ 1}),
		"C off the curve": replace(255, []byte{proof[255] ^ 1}), "B outside its subgroup": replace(g1Size, outside[:]),
	} {
		if err := v.VerifyBill(public, b); refusal.CodeOf(err) != CodeProofMalformed {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, _, g1, g2 := bn254.Generators()
	foreign := (&points{a: g1, b: g2, c: g1}).encode()
	swapped := replace(0, append(bytes.Clone(proof[192:]), proof[64:192]...))
	copy(swapped[192:], proof[:64])
	for what, b := range map[string][]byte{"generators": foreign[:], "A and C swapped": swapped} {
		if err := v.VerifyBill(public, b); refusal.CodeOf(err) != CodeProofInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// outsideSubgroup finds a point of the twist that is on the curve but not in the group of prime order.
func outsideSubgroup(t testing.TB) *bn254.G2Affine {
	t.Helper()
	_, _, _, generator := bn254.Generators()
	// b = y^2 - x^3 for the generator gives the twist's constant.
	var b, x3 bn254.E2
	x3.Square(&generator.X).Mul(&x3, &generator.X)
	b.Square(&generator.Y).Sub(&b, &x3)
	for i := uint64(1); ; i++ {
		var p bn254.G2Affine
		p.X.A0.SetUint64(i)
		var y2 bn254.E2
		y2.Square(&p.X).Mul(&y2, &p.X).Add(&y2, &b)
		if y2.Legendre() != 1 {
			continue
		}
		p.Y.Sqrt(&y2)
		if p.IsOnCurve() && !p.IsInSubGroup() {
			return &p
		}
	}
}

func TestVerifiersOfOtherCircuitsDoNotServe(t *testing.T) {
	bill, billProof := proveBill(t, someBill(1))
	totals, totalsProof := proveTotals(t, someTotals())
	if err := verifier(t, Totals).VerifyBill(bill, billProof[:]); refusal.CodeOf(err) != CodeKeyUnknown {
		t.Errorf("a bill under the totals key: %v", err)
	}
	if err := verifier(t, Bill16).VerifyTotals(totals, totalsProof[:]); refusal.CodeOf(err) != CodeKeyUnknown {
		t.Errorf("totals under a bill's key: %v", err)
	}
	if err := verifier(t, Bill16).VerifyBill(bill, totalsProof[:]); refusal.CodeOf(err) != CodeProofInvalid {
		t.Errorf("a totals proof for a bill: %v", err)
	}
	if _, err := keys.Verifier(Bill64); refusal.CodeOf(err) != CodeKeyUnknown {
		t.Errorf("a verifier that was not opened: %v", err)
	}
	if _, err := keys.Info("bill-17"); refusal.CodeOf(err) != CodeKeyUnknown {
		t.Errorf("a circuit there is not: %v", err)
	}
	w := someBill(1)
	w.Size = 64
	if _, err := keys.ProveBill(context.Background(), w); refusal.CodeOf(err) != CodeKeyUnknown {
		t.Errorf("a proof without keys: %v", err)
	}
}

func TestBadWitnessesAreRefusedBeforeProving(t *testing.T) {
	w := someBill(1)
	w.Items[0].Amount = 1 << 63
	if _, err := keys.ProveBill(context.Background(), w); refusal.CodeOf(err) != commit.CodeAmountOutOfRange {
		t.Errorf("amount 2^63: %v", err)
	}
	totals := someTotals()
	totals.R = commit.Scalar{0xff}
	if _, err := keys.ProveTotals(context.Background(), totals); refusal.CodeOf(err) != commit.CodeScalarInvalid {
		t.Errorf("a blinding beyond the order: %v", err)
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := keys.ProveTotals(done, someTotals()); err == nil || refusal.CodeOf(err) != "" {
		t.Errorf("a cancelled proof: %v", err)
	}
}

// TestCircuitIDsAreThoseOfTheRelease pins what the trust file names. A change here makes every key made for the circuit useless.
func TestCircuitIDsAreThoseOfTheRelease(t *testing.T) {
	var b strings.Builder
	b.WriteString("circuit,id\n")
	for _, name := range Names() {
		_, id, err := compile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s,%s\n", name, hex.EncodeToString(id[:]))
	}
	const golden = "testdata/circuits.csv"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("circuit ids are\n%s, pinned\n%s, %v", b.String(), want, err)
	}
}

func FuzzVerifyBill(f *testing.F) {
	public, proof := proveBill(f, someBill(1))
	v := verifier(f, Bill16)
	f.Add(proof[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := v.VerifyBill(public, b); err == nil && !bytes.Equal(b, proof[:]) {
			t.Error("other bytes verify")
		} else if err != nil && refusal.CodeOf(err) == "" {
			t.Errorf("a fault: %v", err)
		}
	})
}

func BenchmarkVerifyBill(b *testing.B) {
	public, proof := proveBill(b, someBill(1))
	v := verifier(b, Bill16)
	for b.Loop() {
		if err := v.VerifyBill(public, proof[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyTotals(b *testing.B) {
	public, proof := proveTotals(b, someTotals())
	v := verifier(b, Totals)
	for b.Loop() {
		if err := v.VerifyTotals(public, proof[:]); err != nil {
			b.Fatal(err)
		}
	}
}
