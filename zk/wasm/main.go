//go:build js && wasm

// Package wasm is the verifier as a WebAssembly program, for browsers and node:
//
//	GOOS=js GOARCH=wasm go build -trimpath -ldflags="-s -w" -o verifier.wasm ./zk/wasm
//
// Started with Go's wasm_exec.js, it sets one function and stays ready:
//
//	ententeVerify(circuit, key, keyID, statement, proof) -> "" | "code: what happened; ..."
//
// circuit is a name such as "bill-16", key the verification key's bytes and keyID their SHA-256 in hexadecimal as the trust file pins it, statement the JSON
// of the public struct in package commit, proof 256 bytes. The result is empty when the proof proves the statement, and otherwise says why not.
//
// NB: it checks proofs and nothing else. Whether the statement is what was signed and logged, and whether the key is the trust file's, is for the caller; a page
// can lie about what this program said, so the trust lies in whoever serves the page.
package main

import (
	"encoding/hex"
	"syscall/js"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/proof"
)

// errArguments refuses a call that is not of the shape the package describes.
var errArguments = refusal.New(wire.CodeMalformed, "the call needs a circuit's name, a Uint8Array, 64 hexadecimal digits, JSON text and a Uint8Array of 256 bytes",
	"see the package's documentation")

// verifiers are those used so far, by circuit and key id: reading a key takes longer than checking a proof.
var verifiers = map[string]*proof.Verifier{}

func main() {
	js.Global().Set("ententeVerify", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if err := verify(args); err != nil {
			return err.Error()
		}
		return ""
	}))
	select {} // the function above is called from outside
}

func verify(args []js.Value) error {
	if len(args) != 5 || args[0].Type() != js.TypeString || args[2].Type() != js.TypeString || args[3].Type() != js.TypeString {
		return errArguments
	}
	name, keyID := args[0].String(), args[2].String()
	proofBytes, ok := bytesOf(args[4], proof.ProofSize)
	if !ok {
		return errArguments
	}
	v := verifiers[name+"/"+keyID]
	if v == nil {
		keyBytes, ok := bytesOf(args[1], keyMax)
		var id [32]byte
		if n, err := hex.Decode(id[:], []byte(keyID[:min(len(keyID), 64)])); !ok || err != nil || n != len(id) || len(keyID) != 64 {
			return errArguments
		}
		var err error
		if v, err = proof.NewVerifier(name, keyBytes, id); err != nil {
			return err
		}
		verifiers[name+"/"+keyID] = v
	}
	return v.VerifyJSON([]byte(args[3].String()), proofBytes)
}

// keyMax is above the length of every verification key.
const keyMax = 1 << 16

// bytesOf copies a Uint8Array of at most limit bytes.
func bytesOf(v js.Value, limit int) ([]byte, bool) {
	if !v.InstanceOf(js.Global().Get("Uint8Array")) || v.Get("length").Int() > limit {
		return nil, false
	}
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b, true
}
