//go:build unix

package main_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entente/schema/money"
	"entente/zk/commit"
	"entente/zk/proof"
)

// TestTheVerifierRunsInNode builds the program for WebAssembly and lets node call it, with proofs that hold and with altered ones.
func TestTheVerifierRunsInNode(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node here to run the program")
	}
	file := filepath.Join(t.TempDir(), "verifier.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, ".")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}

	cases, want := cases(t)
	input, err := json.Marshal(map[string]any{"rounds": 20, "cases": cases})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "testdata/run.cjs", filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js"), file)
	node.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	node.Stderr = &stderr
	output, err := node.Output()
	var result struct {
		Verdicts []string
		MS       float64
	}
	if err := errors.Join(err, json.Unmarshal(output, &result)); err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	want = append(want, "malformed", "malformed", "malformed") // calls of the wrong shape
	if len(result.Verdicts) != len(want) {
		t.Fatalf("%d verdicts, want %d", len(result.Verdicts), len(want))
	}
	for i, verdict := range result.Verdicts {
		if code, _, _ := strings.Cut(verdict, ":"); code != want[i] {
			t.Errorf("case %d: %q, want %q", i, verdict, want[i])
		}
	}
	plain, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d KiB, %d KiB compressed; %.1f ms a proof", len(plain)>>10, packed.Len()>>10, result.MS)
	if packed.Len() > 3<<20 {
		t.Errorf("the program has %d KiB compressed: more than a page should load", packed.Len()>>10)
	}
}

// cases gives arguments of calls, and the code each must be answered with.
func cases(t *testing.T) (calls [][5]string, codes []string) {
	t.Helper()
	dir, err := proof.DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := proof.OpenDevelopment(t.Context(), dir, []string{proof.Bill16, proof.Rate}, nil)
	if err != nil {
		t.Fatal(err)
	}
	bill := proof.BillWitness{Size: 16, Items: []commit.Item{{Amount: 700, Category: 3}}, R: commit.Scalar{1}, S: commit.Scalar{2}}
	rate, err := money.ParseRate("97.83", money.MustCurrency("AUD"), money.MustCurrency("JPY"))
	if err != nil {
		t.Fatal(err)
	}
	leg := proof.RateWitness{Amount: 123_456, R: commit.Scalar{1}, S: commit.Scalar{2}, Rate: rate, Rounding: money.RoundHalfEven}
	billCall, billOther := call(t, keys, proof.Bill16, bill, keys.ProveBill)
	rateCall, rateOther := call(t, keys, proof.Rate, leg, keys.ProveRate)
	add := func(code string, args [5]string, change func(*[5]string)) {
		change(&args)
		calls, codes = append(calls, args), append(codes, code)
	}
	same := func(*[5]string) {}
	add("", billCall, same)
	add("", rateCall, same)
	add(string(proof.CodeProofInvalid), billCall, func(a *[5]string) { a[3] = billOther })
	add(string(proof.CodeProofInvalid), rateCall, func(a *[5]string) { a[3] = rateOther })
	add(string(proof.CodeProofInvalid), billCall, func(a *[5]string) { a[4] = rateCall[4] })
	add(string(proof.CodeProofMalformed), billCall, func(a *[5]string) { a[4] = strings.Repeat("00", proof.ProofSize) })
	add(string(proof.CodeProofMalformed), billCall, func(a *[5]string) { a[4] = "" })
	add(string(proof.CodeStatementMalformed), billCall, func(a *[5]string) { a[3] = "{" })
	add(string(proof.CodeStatementMalformed), billCall, func(a *[5]string) { a[3] = rateCall[3] })
	add(string(proof.CodeStatementMalformed), billCall, func(a *[5]string) { a[3] += "{}" })
	add(string(proof.CodeStatementMalformed), billCall, func(a *[5]string) { a[3] = strings.Repeat(" ", 1<<17) })
	add(string(proof.CodeKeyUnknown), billCall, func(a *[5]string) { a[0] = "bill-17" })
	add(string(proof.CodeKeyDamaged), billCall, func(a *[5]string) { a[0] = proof.Bill64; a[1] = a[1][2:] })
	add(string(proof.CodeKeyDamaged), billCall, func(a *[5]string) { a[2] = strings.Repeat("0", 64) })
	add("malformed", billCall, func(a *[5]string) { a[2] = "é" })
	add("malformed", billCall, func(a *[5]string) { a[4] = strings.Repeat("00", 1<<20) })
	return calls, codes
}

// call gives the arguments that verify w, and the text of the statement with another context.
func call[W interface{ Public() (S, error) }, S proof.Statement](t *testing.T, keys *proof.Keys, circuit string, w W, prove func(context.Context, W) (proof.Proof, error)) (args [5]string, other string) {
	t.Helper()
	info, err := keys.Info(circuit)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(statement)
	if err != nil {
		t.Fatal(err)
	}
	made, err := prove(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	none, _ := commit.Digest{}.MarshalText()
	some, _ := commit.Digest{31: 1}.MarshalText()
	return [5]string{circuit, hex.EncodeToString(info.VKBytes), hex.EncodeToString(info.VKID[:]), string(text), hex.EncodeToString(made[:])},
		strings.Replace(string(text), string(none), string(some), 1)
}
