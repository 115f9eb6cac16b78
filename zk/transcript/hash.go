package transcript

import (
	"crypto/sha256"
	"encoding/base64"

	"entente/schema/refusal"
)

// Hash is a node of the tree: 32 bytes of SHA-256. As text and in JSON it is the 44 characters of padded standard base64.
type Hash [sha256.Size]byte

// EmptyRoot is the root of the tree without leaves: SHA-256 of nothing (RFC 6962, section 2.1).
var EmptyRoot = Hash(sha256.Sum256(nil))

// The prefixes keep a leaf from being mistaken for an inner node, whatever its content.
const (
	leafPrefix  = 0
	innerPrefix = 1
)

// LeafHash is SHA-256(0x00 || leaf) (RFC 6962, section 2.1).
func LeafHash(leaf []byte) Hash {
	if room := [1 + 1023]byte{leafPrefix}; len(leaf) < len(room) { // on the stack
		return sha256.Sum256(room[:1+copy(room[1:], leaf)])
	}
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(leaf)
	return Hash(h.Sum(nil))
}

// inner is SHA-256(0x01 || left || right).
func inner(left, right Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = innerPrefix
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// String gives the base64 form.
func (h Hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

// ParseHash reads what [Hash.String] writes and nothing else; everything else is refused with "hash_malformed".
func ParseHash(s string) (Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != sha256.Size || Hash(b).String() != s {
		return Hash{}, refusal.Newf(HashMalformed, "give the 44 characters of base64 that the log published", "%.64q is not a hash of 32 bytes", s)
	}
	return Hash(b), nil
}

// MarshalText makes a hash a base64 string in JSON. It never fails.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is [ParseHash] for JSON.
func (h *Hash) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHash(string(text))
	return err
}
