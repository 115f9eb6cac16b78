package transcript

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
)

// cosignatureSize is the length of a cosignature without its key id: a time of 8 bytes and an Ed25519 signature.
const cosignatureSize = 8 + ed25519.SignatureSize

// cosigner signs checkpoints as C2SP tlog-cosignature v1: over the two lines "cosignature/v1" and "time ...", and the checkpoint's text.
type cosigner struct {
	signer
	atS int64
}

// NewCosigner makes the signer of a witness, by the name and key id of C2SP tlog-cosignature, type 0x04, for cosignatures made at one moment in Unix seconds.
// To cosign is to say that at this moment the checkpoint is the largest consistent head of its log that the witness has seen.
// A name that cannot name a key is refused with "key_name_invalid"; a key of the wrong length and a moment not after 1970 are faults.
func NewCosigner(name string, key ed25519.PrivateKey, atS int64) (note.Signer, error) {
	public, err := publicOf(name, key)
	if err != nil {
		return nil, err
	}
	if atS <= 0 {
		return nil, fmt.Errorf("cosigner %s: %d is no moment to sign at", name, atS)
	}
	return cosigner{signer{name: name, id: keyID(name, typeCosignature, public), key: key}, atS}, nil
}

// Sign implements note.Signer.
func (c cosigner) Sign(msg []byte) ([]byte, error) {
	sig := binary.BigEndian.AppendUint64(make([]byte, 0, cosignatureSize), uint64(c.atS))
	return append(sig, ed25519.Sign(c.key, cosigned(uint64(c.atS), msg))...), nil
}

// cosigned is what a cosignature is over.
func cosigned(atS uint64, msg []byte) []byte {
	head := strconv.AppendUint([]byte("cosignature/v1\ntime "), atS, 10)
	return append(append(head, '\n'), msg...)
}

// cosignatureVerifier checks what cosigner makes.
type cosignatureVerifier struct {
	name   string
	id     uint32
	public ed25519.PublicKey
}

func (v cosignatureVerifier) Name() string    { return v.name }
func (v cosignatureVerifier) KeyHash() uint32 { return v.id }
func (v cosignatureVerifier) Verify(msg, sig []byte) bool {
	if len(sig) != cosignatureSize {
		return false
	}
	atS := binary.BigEndian.Uint64(sig)
	return atS > 0 && atS <= math.MaxInt64 && ed25519.Verify(v.public, cosigned(atS, msg), sig[8:])
}

// CosignerKey writes the verifier key of a witness: name+hex(key id)+base64(0x04 || public key). The name must be one that [NewCosigner] takes.
func CosignerKey(name string, public ed25519.PublicKey) string {
	return verifierKey(name, typeCosignature, public)
}

// ParseCosignerKey reads what [CosignerKey] writes and nothing else. Refusal: verifier_key_malformed.
func ParseCosignerKey(vkey string) (note.Verifier, error) {
	name, public, err := splitVerifierKey(vkey, typeCosignature)
	if err != nil {
		return nil, err
	}
	return cosignatureVerifier{name, keyID(name, typeCosignature, public), public}, nil
}

// CosignedAt gives the moment of a verified cosignature in Unix seconds. Refusal: checkpoint_malformed for a signature that is none.
func CosignedAt(s note.Signature) (int64, error) {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(raw) != 4+cosignatureSize {
		return 0, refusal.Newf(CheckpointMalformed, "fetch the checkpoint again", "the signature of %s is no cosignature", s.Name)
	}
	atS := binary.BigEndian.Uint64(raw[4:])
	if atS == 0 || atS > math.MaxInt64 {
		return 0, refusal.Newf(CheckpointMalformed, "fetch the checkpoint again", "the cosignature of %s states no time", s.Name)
	}
	return int64(atS), nil
}
