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
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"go.uber.org/goleak"

	"entente/schema/refusal"
	"entente/zk/commit"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// keys are the development keys of this machine for one circuit of every kind, made on the first run and cached in keysDir.
var (
	keys    *Keys
	keysDir string
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		dir, err := DefaultDir()
		if err == nil {
			keysDir = dir
			keys, err = OpenDevelopment(context.Background(), dir, []string{Bill16, Totals, Budget, Share, Rate, Reserve16, Policy16}, nil)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "after the tests:", err)
			code = max(code, 1)
		}
		return code
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

// made keeps proofs by context, so that each is made once.
var made = map[commit.Digest]Proof{}

func proveBill(t testing.TB, w BillWitness) (BillPublic, Proof) {
	t.Helper()
	public, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := made[w.Context]; !ok {
		if made[w.Context], err = keys.ProveBill(context.Background(), w); err != nil {
			t.Fatal(err)
		}
	}
	return public, made[w.Context]
}

func proveTotals(t testing.TB, w TotalsWitness) (TotalsPublic, Proof) {
	t.Helper()
	public, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := made[w.Context]; !ok {
		if made[w.Context], err = keys.ProveTotals(context.Background(), w); err != nil {
			t.Fatal(err)
		}
	}
	return public, made[w.Context]
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

// TestGnarksOwnVerifierAgrees reads our key and proof with gnark and compares verdicts.
func TestGnarksOwnVerifierAgrees(t *testing.T) {
	public, proof := proveBill(t, someBill(1))
	inputs, err := inputsOf(Bill16, public)
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

// TestTwoProofsOfOneStatementShareNothing holds that both random numbers go into every point: a proof says nothing but that its statement is true.
func TestTwoProofsOfOneStatementShareNothing(t *testing.T) {
	one, err := keys.ProveRate(context.Background(), someRate())
	if err != nil {
		t.Fatal(err)
	}
	other, err := keys.OnCores(3).ProveRate(context.Background(), someRate())
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string][2]int{"A": {0, g1Size}, "B": {g1Size, g1Size + g2Size}, "C": {g1Size + g2Size, ProofSize}} {
		if bytes.Equal(one[part[0]:part[1]], other[part[0]:part[1]]) {
			t.Errorf("two proofs have the same %s", name)
		}
	}
}

func TestDecodeThenEncodeIsTheIdentity(t *testing.T) {
	_, proof := proveBill(t, someBill(1))
	p, err := decodeProof(proof[:])
	if err != nil || p.encode() != proof {
		t.Errorf("a proof changes on its way: %v", err)
	}
}

func TestOneVerifierServesManyAtOnce(t *testing.T) {
	public, proof := proveBill(t, someBill(1))
	other, _ := someBill(2).Public()
	v := verifier(t, Bill16)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			if i%2 == 0 {
				if err := v.VerifyBill(public, proof[:]); err != nil {
					t.Error(err)
				}
			} else if err := v.VerifyBill(other, proof[:]); refusal.CodeOf(err) != CodeProofInvalid {
				t.Error(err)
			}
		})
	}
	group.Wait()
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
