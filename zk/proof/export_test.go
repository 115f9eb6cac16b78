//go:build unix

package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"entente/schema/refusal"
)

// exportOf exports a proven statement of whatever kind.
func exportOf(t testing.TB, p proven) Export {
	t.Helper()
	info, err := keys.Info(p.circuit)
	if err != nil {
		t.Fatal(err)
	}
	var e Export
	switch statement := p.statement.(type) {
	case BillPublic:
		e, err = ExportSnarkJS(p.circuit, info.VKBytes, statement, p.proof[:])
	case TotalsPublic:
		e, err = ExportSnarkJS(p.circuit, info.VKBytes, statement, p.proof[:])
	case BudgetPublic:
		e, err = ExportSnarkJS(p.circuit, info.VKBytes, statement, p.proof[:])
	case SharePublic:
		e, err = ExportSnarkJS(p.circuit, info.VKBytes, statement, p.proof[:])
	case RatePublic:
		e, err = ExportSnarkJS(p.circuit, info.VKBytes, statement, p.proof[:])
	case ReservePublic:
		e, err = ExportSnarkJS(p.circuit, info.VKBytes, statement, p.proof[:])
	case PolicyPublic:
		e, err = ExportSnarkJS(p.circuit, info.VKBytes, statement, p.proof[:])
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// snarkjs is one case for testdata/snarkjs/verify.cjs.
type snarkjs struct {
	what   string
	holds  bool
	Key    json.RawMessage `json:"key"`
	Public []string        `json:"public"`
	Proof  exportProof     `json:"proof"`
}

// TestSnarkJSAgrees lets an implementation none of us wrote judge our proofs of every kind, and altered ones.
func TestSnarkJSAgrees(t *testing.T) {
	home := installed(t)
	var cases []snarkjs
	for _, p := range allKinds(t) {
		e := exportOf(t, p)
		add := func(what string, holds bool, change func(*snarkjs)) {
			c := snarkjs{what: p.circuit + ", " + what, holds: holds, Key: e.Key}
			if err := errors.Join(json.Unmarshal(e.Public, &c.Public), json.Unmarshal(e.Proof, &c.Proof)); err != nil {
				t.Fatal(err)
			}
			change(&c)
			cases = append(cases, c)
		}
		add("as it is", true, func(*snarkjs) {})
		add("the first input changed", false, func(c *snarkjs) { c.Public[0] = "1" })
		last := len(cases[len(cases)-1].Public) - 1
		add("the last input changed", false, func(c *snarkjs) { c.Public[last] = "12345" })
		add("A turned round", false, func(c *snarkjs) { c.Proof.A[1] = negative(t, c.Proof.A[1]) })
		add("A and C swapped", false, func(c *snarkjs) { c.Proof.A, c.Proof.C = c.Proof.C, c.Proof.A })
		add("an input beyond the field", false, func(c *snarkjs) {
			v, _ := new(big.Int).SetString(c.Public[0], 10)
			c.Public[0] = v.Add(v, fr.Modulus()).String()
		})
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	verify := exec.CommandContext(t.Context(), "node", "verify.cjs")
	verify.Dir, verify.Stdin = home, bytes.NewReader(input)
	var stderr bytes.Buffer
	verify.Stderr = &stderr
	output, err := verify.Output()
	var verdicts []any
	if err := errors.Join(err, json.Unmarshal(output, &verdicts)); err != nil || len(verdicts) != len(cases) {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	for i, c := range cases {
		if verdicts[i] != c.holds {
			t.Errorf("%s: snarkjs says %v, want %v", c.what, verdicts[i], c.holds)
		}
	}
}

func negative(t *testing.T, text string) string {
	t.Helper()
	var e fp.Element
	if _, err := e.SetString(text); err != nil {
		t.Fatal(err)
	}
	return decimal(e.Neg(&e))
}

// installed gives a folder with the snarkjs of our lockfile and the script beside it. Packages are downloaded once, into the cache.
func installed(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s here, so snarkjs cannot be asked", program)
		}
	}
	lockfile, err := os.ReadFile("testdata/snarkjs/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	keysHome, err := DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lockfile)
	home := filepath.Join(filepath.Dir(keysHome), "snarkjs-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(filepath.Join(home, "node_modules")); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(home), 0o700); err != nil {
			t.Fatal(err)
		}
		fresh, err := os.MkdirTemp(filepath.Dir(home), "snarkjs-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(fresh)
		if err := os.CopyFS(fresh, os.DirFS("testdata/snarkjs")); err != nil {
			t.Fatal(err)
		}
		install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = fresh
		if output, err := install.CombinedOutput(); err != nil {
			t.Skipf("npm cannot install snarkjs here: %v: %s", err, output)
		}
		if err := os.Rename(fresh, home); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("testdata/snarkjs/verify.cjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "verify.cjs"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

func TestExportsNeedASoundKeyAndProof(t *testing.T) {
	public, proof := proveBill(t, someBill(1))
	info, err := keys.Info(Bill16)
	if err != nil {
		t.Fatal(err)
	}
	for what, try := range map[string]struct {
		name  string
		key   []byte
		proof []byte
		want  refusal.Code
	}{
		"another circuit's name": {Totals, info.VKBytes, proof[:], CodeKeyDamaged},
		"a circuit there is not": {"bill-17", info.VKBytes, proof[:], CodeKeyUnknown},
		"a cut key":              {Bill16, info.VKBytes[1:], proof[:], CodeKeyDamaged},
		"a cut proof":            {Bill16, info.VKBytes, proof[1:], CodeProofMalformed},
	} {
		if _, err := ExportSnarkJS(try.name, try.key, public, try.proof); refusal.CodeOf(err) != try.want {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestNumbersNearTheTopAreWrittenInFull holds that minus one is not written "-1", which other programs read as another number.
func TestNumbersNearTheTopAreWrittenInFull(t *testing.T) {
	var minusOne fr.Element
	minusOne.SetInt64(-1)
	if got := decimals([]fr.Element{minusOne})[0]; got != new(big.Int).Sub(fr.Modulus(), big.NewInt(1)).String() {
		t.Errorf("minus one is written %s", got)
	}
}
