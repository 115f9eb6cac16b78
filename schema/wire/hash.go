package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Hash is a SHA-256 value.
type Hash [32]byte

// String gives lower-case hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short gives the first eight hexadecimal digits, for screens.
func (h Hash) Short() string { return hex.EncodeToString(h[:4]) }

// IsZero tells whether the hash is absent.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes lower-case hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads lower-case hexadecimal of exactly 32 bytes.
func (h *Hash) UnmarshalText(text []byte) error { return decodeHex(h[:], text) }

// ID is a 16-byte identifier chosen at random, shown in the form of a UUID.
type ID [16]byte

// String gives the canonical UUID form (RFC 9562), 8-4-4-4-12.
func (id ID) String() string {
	x := hex.EncodeToString(id[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// MarshalText writes the UUID form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the UUID form in lower case.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return fmt.Errorf("%.40q is no UUID", text)
	}
	digits := slices.Concat(text[:8], text[9:13], text[14:18], text[19:23], text[24:])
	return decodeHex(id[:], digits)
}

// NewUUID turns 16 random bytes into a version 4 UUID (RFC 9562 section 5.4), the form a UETR must have.
func NewUUID(random [16]byte) ID {
	random[6] = random[6]&0x0f | 0x40
	random[8] = random[8]&0x3f | 0x80
	return ID(random)
}

// IsUUIDv4 tells whether version and variant bits are those of a version 4 UUID.
func (id ID) IsUUIDv4() bool { return id[6]>>4 == 4 && id[8]>>6 == 2 }

// labelled hashes a label, a newline and the bytes: the label keeps documents of different kinds from ever sharing a hash.
func labelled(label string, b []byte) Hash {
	h := sha256.New()
	h.Write([]byte(label))
	h.Write([]byte{'\n'})
	h.Write(b)
	return Hash(h.Sum(nil))
}
