//go:build unix

package proof

import (
	"bytes"
	"encoding/json"
	"math/big"
	"runtime"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"

	"entente/schema/refusal"
)

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

// FuzzVerifyBill alters a proof by what it is given, byte by byte, and appends the rest: the fuzzer's processes prove each for themselves and no two proofs are
// alike, so that bytes which are a proof in one of them mean nothing in another.
func FuzzVerifyBill(f *testing.F) {
	public, proof := proveBill(f, someBill(1))
	v := verifier(f, Bill16)
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Add(make([]byte, ProofSize+1))
	f.Fuzz(func(t *testing.T, change []byte) {
		b := bytes.Clone(proof[:])
		for i, x := range change {
			if i < len(b) {
				b[i] ^= x
			} else {
				b = append(b, x)
			}
		}
		switch err := v.VerifyBill(public, b); {
		case err == nil && !bytes.Equal(b, proof[:]):
			t.Error("other bytes verify")
		case err != nil && bytes.Equal(b, proof[:]):
			t.Errorf("the proof itself is refused: %v", err)
		case err != nil && refusal.CodeOf(err) == "":
			t.Errorf("a fault: %v", err)
		}
	})
}

// hostileBytes are proofs nobody made, whatever they are for.
func hostileBytes(t testing.TB, proof Proof) map[string][]byte {
	outside := outsideSubgroup(t).RawBytes()
	with := func(offset int, b []byte) []byte {
		c := bytes.Clone(proof[:])
		copy(c[offset:], b)
		return c
	}
	return map[string][]byte{
		"nothing": nil, "one byte": {1}, "one byte short": proof[:ProofSize-1], "one byte long": append(bytes.Clone(proof[:]), 0), "a megabyte": make([]byte, 1<<20),
		"zeros": make([]byte, ProofSize), "ones": bytes.Repeat([]byte{0xff}, ProofSize), "A at infinity": with(0, make([]byte, g1Size)),
		"B at infinity": with(g1Size, make([]byte, g2Size)), "C at infinity": with(g1Size+g2Size, make([]byte, g1Size)),
		"B outside its subgroup": with(g1Size, outside[:]), "A compressed": with(0, []byte{proof[0] | 0x80}), "A off the curve": with(63, []byte{proof[63] ^ 1}),
	}
}

// TestHostileInputsOfEveryKindStaySmall offers hostile proofs, statements and texts to every way in, and counts every byte allocated on the way.
func TestHostileInputsOfEveryKindStaySmall(t *testing.T) {
	const limit = 64 << 20
	everything := allKinds(t)
	corpus := hostileBytes(t, everything[0].proof)
	texts := [][]byte{nil, []byte("{"), []byte("null"), []byte("[]"), []byte(`{"Context":1}`), []byte(`{"Weights":[4294967296]}`), []byte(`{"rate":"1e999999999"}`),
		bytes.Repeat([]byte("["), jsonMax), bytes.Repeat([]byte(" "), 10*jsonMax), []byte(`{"Limits":["` + string(bytes.Repeat([]byte("9"), jsonMax-20)) + `"]}`)}
	var batch [][]byte
	for range 100 {
		for _, b := range corpus {
			batch = append(batch, b)
		}
	}
	public := everything[0].statement.(BillPublic)
	publics := make([]BillPublic, len(batch))
	for i := range publics {
		publics[i] = public
	}
	spent := allocated(func() {
		for _, p := range everything {
			v := verifier(t, p.circuit)
			for what, b := range corpus {
				if err := p.verify(v, b); refusal.CodeOf(err) != CodeProofMalformed {
					t.Errorf("%s, %s: %v", p.circuit, what, err)
				}
			}
			for _, text := range texts {
				if err := v.VerifyJSON(text, p.proof[:]); refusal.CodeOf(err) == "" {
					t.Errorf("%s: %.40q: %v", p.circuit, text, err)
				}
			}
		}
		for i, err := range verifier(t, everything[0].circuit).VerifyBillBatch(publics, batch) {
			if refusal.CodeOf(err) != CodeProofMalformed {
				t.Fatalf("proof %d of a hostile batch: %v", i, err)
			}
		}
	})
	t.Logf("%d KiB in all", spent>>10)
	if spent > limit {
		t.Errorf("hostile input allocates %d MiB", spent>>20)
	}
}

func allocated(work func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestAStatementAsJSONIsVerified(t *testing.T) {
	for _, p := range allKinds(t) {
		text, err := json.Marshal(p.statement)
		if err != nil {
			t.Fatal(err)
		}
		v := verifier(t, p.circuit)
		if err := v.VerifyJSON(text, p.proof[:]); err != nil {
			t.Errorf("%s: %v", p.circuit, err)
		}
		for what, changed := range map[string][]byte{
			"another field":       append([]byte(`{"More":1,`), text[1:]...),
			"two statements":      append(bytes.Clone(text), text...),
			"something behind":    append(bytes.Clone(text), '1'),
			"too many spaces":     append(bytes.Repeat([]byte(" "), jsonMax), text...),
			"only half of it":     text[:len(text)/2],
			"a list around it":    append(append([]byte("["), text...), ']'),
			"a field twice":       append(bytes.Clone(text[:bytes.IndexByte(text, ',')+1]), text[1:]...),
			"another case":        bytes.Replace(text, []byte(`ontext"`), []byte(`ONTEXT"`), 1),
			"text in place of it": []byte(`"statement"`),
		} {
			if err := v.VerifyJSON(changed, p.proof[:]); refusal.CodeOf(err) != CodeStatementMalformed {
				t.Errorf("%s, %s: %v", p.circuit, what, err)
			}
		}
	}
}
