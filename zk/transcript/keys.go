package transcript

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
)

// C2SP signature types.
const (
	typeEd25519     = 0x01 // plain Ed25519 note signatures
	typeCosignature = 0x04 // Ed25519 checkpoint cosignatures with a time
)

// signer signs notes with an Ed25519 key held by the caller.
type signer struct {
	name string
	id   uint32
	key  ed25519.PrivateKey
}

func (s signer) Name() string                    { return s.name }
func (s signer) KeyHash() uint32                 { return s.id }
func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// NewSigner makes a note signer with the key id of C2SP signed-note, type 0x01. A name that is empty or holds a space, a control character or a plus sign
// is refused with "key_name_invalid"; a key of the wrong length is a fault.
func NewSigner(name string, key ed25519.PrivateKey) (note.Signer, error) {
	public, err := publicOf(name, key)
	if err != nil {
		return nil, err
	}
	return signer{name: name, id: keyID(name, typeEd25519, public), key: key}, nil
}

// publicOf gives the public half of a key that may sign under a name.
func publicOf(name string, key ed25519.PrivateKey) (ed25519.PublicKey, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("signer %s: an Ed25519 private key has %d bytes, not %d", name, ed25519.PrivateKeySize, len(key))
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("signer %s: the key has no Ed25519 public half", name)
	}
	return public, nil
}

// VerifierKey writes the verifier key: name+hex(key id)+base64(0x01 || public key). The name must be one that [NewSigner] takes.
func VerifierKey(name string, public ed25519.PublicKey) string {
	return verifierKey(name, typeEd25519, public)
}

func verifierKey(name string, kind byte, public ed25519.PublicKey) string {
	return fmt.Sprintf("%s+%08x+%s", name, keyID(name, kind, public), base64.StdEncoding.EncodeToString(append([]byte{kind}, public...)))
}

// ParseVerifierKey reads what [VerifierKey] writes and nothing else: a wrong key id, another signature type, or a second encoding of the same key is refused
// with "verifier_key_malformed". The base64 part may itself hold plus signs.
func ParseVerifierKey(vkey string) (note.Verifier, error) {
	name, public, err := splitVerifierKey(vkey, typeEd25519)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(VerifierKey(name, public))
}

// splitVerifierKey gives name and key of a verifier key of one type. Refusal: verifier_key_malformed.
func splitVerifierKey(vkey string, kind byte) (string, ed25519.PublicKey, error) {
	name, public, err := cutVerifierKey(vkey, kind)
	if err != nil {
		return "", nil, refusal.Newf(VerifierKeyMalformed, "copy the whole line from the trust file", "%.120q is not a verifier key (%v)", vkey, err)
	}
	return name, public, nil
}

func cutVerifierKey(vkey string, kind byte) (string, ed25519.PublicKey, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return "", nil, fmt.Errorf("it has %d of 3 parts", len(parts))
	}
	if err := checkName(parts[0]); err != nil {
		return "", nil, err
	}
	key, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return "", nil, err
	}
	if len(key) != 1+ed25519.PublicKeySize || key[0] != kind {
		return "", nil, fmt.Errorf("the key is not of type %d with %d bytes", kind, ed25519.PublicKeySize)
	}
	public := ed25519.PublicKey(key[1:])
	if verifierKey(parts[0], kind, public) != vkey {
		return "", nil, fmt.Errorf("key id or encoding do not belong to the key")
	}
	return parts[0], public, nil
}

// keyID is SHA-256(name || 0x0A || type || public key), its first four bytes as a big-endian number.
func keyID(name string, kind byte, public ed25519.PublicKey) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{kind})
	h.Write(public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func checkName(name string) error {
	bad := func(r rune) bool { return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r) }
	if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, bad) {
		return refusal.Newf(KeyNameInvalid, "use a name like bank.example/inr", "%.120q cannot name a key: it is empty or holds a space, a control character or a plus sign", name)
	}
	return nil
}
