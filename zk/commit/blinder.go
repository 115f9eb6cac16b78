package commit

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"math/big"
)

// Blinder derives many blindings under one secret: what DeriveBlinding gives, with everything that does not depend on the commitment done once. It is not safe
// for concurrent use.
type Blinder struct {
	expand hash.Hash // HMAC under the key that HKDF extracts from the secret
	info   []byte
	wide   [2 * sha256.Size]byte
	value  big.Int
}

// NewBlinder prepares a secret.
func NewBlinder(secret Secret) *Blinder {
	// HKDF-Extract (RFC 5869, section 2.2) without a salt: the key of its HMAC is a hash's length of zeros.
	extract := hmac.New(sha256.New, make([]byte, sha256.Size))
	extract.Write(secret[:])
	return &Blinder{expand: hmac.New(sha256.New, extract.Sum(nil))}
}

// String keeps secrets out of logs.
func (*Blinder) String() string { return "(blinder)" }

// GoString keeps secrets out of logs.
func (*Blinder) GoString() string { return "(blinder)" }

// Derive is DeriveBlinding under the blinder's secret.
func (b *Blinder) Derive(purpose string, billID [16]byte, revision, chunk uint32, values []byte) Scalar {
	b.info = appendInfo(b.info[:0], blindingLabel, purpose, billID, revision, chunk, values)
	// HKDF-Expand (section 2.3) to two blocks.
	first := b.wide[:0]
	for block := byte(1); block <= 2; block++ {
		b.expand.Reset()
		if block == 2 {
			b.expand.Write(b.wide[:sha256.Size])
		}
		b.expand.Write(b.info)
		b.expand.Write([]byte{block})
		first = b.expand.Sum(first)
	}
	return scalarOf(b.value.SetBytes(b.wide[:]))
}
