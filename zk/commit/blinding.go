package commit

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

const (
	blindingLabel = "entente/blinding/1"
	saltLabel     = "entente/salt/1"
)

// Secret is one key epoch's root of all blindings and salts. Whoever holds it can open everything committed under it.
type Secret [32]byte

// String keeps secrets out of logs.
func (Secret) String() string { return "(secret)" }

// GoString keeps secrets out of logs.
func (Secret) GoString() string { return "(secret)" }

// DeriveBlinding derives the blinding of one commitment, so that it need not be stored and never repeats for other values: 64 bytes of
// HKDF-SHA256(secret, info) modulo Order(), where info is the label, the purpose with its length, the bill, revision, chunk and SHA-256(values). Purpose
// keeps commitments to the same values apart ("sums", "total", "leg"); values are the committed numbers (Sums.Bytes, AmountBytes).
func DeriveBlinding(secret Secret, purpose string, billID [16]byte, revision, chunk uint32, values []byte) Scalar {
	return scalarOf(derive(secret, deriveInfo(blindingLabel, purpose, billID, revision, chunk, values)))
}

// DeriveSalt derives the salt of one item as DeriveBlinding does, modulo the field: more than 253 bits of entropy. Slot is the item's index in its chunk, so
// that two equal items differ; record is the item record whose SHA-256 is Item.Details.
func DeriveSalt(secret Secret, billID [16]byte, revision, chunk, slot uint32, record []byte) Digest {
	info := deriveInfo(saltLabel, fmt.Sprintf("item/%d", slot), billID, revision, chunk, record)
	var e fr.Element
	e.SetBigInt(derive(secret, info))
	return e.Bytes()
}

func deriveInfo(label, purpose string, billID [16]byte, revision, chunk uint32, values []byte) string {
	return string(appendInfo(nil, label, purpose, billID, revision, chunk, values))
}

func appendInfo(b []byte, label, purpose string, billID [16]byte, revision, chunk uint32, values []byte) []byte {
	info := binary.BigEndian.AppendUint32(append(b, label...), uint32(len(purpose)))
	info = append(append(info, purpose...), billID[:]...)
	info = binary.BigEndian.AppendUint32(info, revision)
	info = binary.BigEndian.AppendUint32(info, chunk)
	hash := sha256.Sum256(values)
	return append(info, hash[:]...)
}

// derive gives 512 bits, so that reducing them leaves a bias below 2^-256.
func derive(secret Secret, info string) *big.Int {
	wide, err := hkdf.Key(sha256.New, secret[:], nil, info, 64)
	if err != nil {
		panic(fmt.Sprintf("commit: HKDF of 64 bytes failed: %v", err)) // only lengths above 255 hashes fail
	}
	return new(big.Int).SetBytes(wide)
}
