package audit

import (
	"crypto/sha256"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"entente/zk/proof"
)

func TestMain(m *testing.M) {
	newVerifier = readOnce
	goleak.VerifyTestMain(m)
}

// read remembers what came of reading a key.
var read sync.Map

type reading struct {
	verifier *proof.Verifier
	err      error
}

// readOnce is proof.NewVerifier with a memory of the same calls.
func readOnce(name string, b []byte, id [32]byte) (*proof.Verifier, error) {
	call := struct {
		name      string
		bytes, id [32]byte
	}{name, sha256.Sum256(b), id}
	if before, ok := read.Load(call); ok {
		return before.(reading).verifier, before.(reading).err
	}
	v, err := proof.NewVerifier(name, b, id)
	read.Store(call, reading{v, err})
	return v, err
}
