package wallet

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"slices"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// Signer is one private Ed25519 key, with what its public half is pinned as.
type Signer struct {
	key     wire.Key
	private *hidden[ed25519.PrivateKey]
}

// NewSigner makes a key from 32 bytes of random. Refusals: malformed for names or a purpose that no trust file could hold. A failing reader is a fault.
func NewSigner(owner, name string, purpose wire.Purpose, epoch uint32, random io.Reader) (*Signer, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("random bytes for a %s key of %s: %w", purpose, owner, err)
	}
	return newSigner(owner, name, purpose, epoch, seed)
}

func newSigner(owner, name string, purpose wire.Purpose, epoch uint32, seed []byte) (*Signer, error) {
	private := ed25519.NewKeyFromSeed(seed)
	key := wire.Key{Owner: owner, Name: name, Purpose: purpose, Epoch: epoch, Public: private.Public().(ed25519.PublicKey)}
	if err := key.Check(); err != nil {
		return nil, err
	}
	return &Signer{key: key, private: hide(private)}, nil
}

// Key gives the public half as the trust file pins it.
func (s Signer) Key() wire.Key {
	k := s.key
	k.Public = slices.Clone(k.Public)
	return k
}

// Private gives the key itself, for the signer of checkpoint notes, which has its own format. Nothing else needs it.
func (s Signer) Private() ed25519.PrivateKey { return s.private.reveal() }

// Sign puts a payload into an envelope with one signature. Refusals: key_purpose, too_large or malformed when no envelope can hold the payload.
func (s Signer) Sign(t wire.PayloadType, payload []byte) (wire.Envelope, error) {
	e := wire.Envelope{Type: t, Payload: slices.Clone(payload)}
	if err := s.CoSign(&e); err != nil {
		return wire.Envelope{}, err
	}
	return e, nil
}

// CoSign adds a signature to an envelope; it reads neither the payload nor the signatures that are there.
// Refusals: key_purpose, sig_invalid when this key has signed already, malformed when no further signature fits. The envelope is then as before.
func (s Signer) CoSign(e *wire.Envelope) error {
	if !s.key.Purpose.MaySign(e.Type) {
		return refusal.Newf(wire.CodeKeyPurpose, "sign with a key of the right purpose", "a %s key of %s may not sign a document of type %q", s.key.Purpose, s.key.Owner, e.Type)
	}
	id := s.key.ID()
	for _, before := range e.Signatures {
		if before.KeyID == id {
			return refusal.Newf(wire.CodeSigInvalid, "sign once with each key", "%s has signed this document already", s.key.Title())
		}
	}
	signed := *e
	made := ed25519.Sign(s.Private(), wire.SignedBytes(e.Type, e.Payload))
	signed.Signatures = append(slices.Clone(e.Signatures), wire.Signature{KeyID: id, Bytes: [ed25519.SignatureSize]byte(made)})
	if _, err := wire.TryEncode(&signed); err != nil {
		return err
	}
	*e = signed
	return nil
}

// String names the key and never shows its private half.
func (s Signer) String() string { return fmt.Sprintf("signer %s epoch %d", s.key.Title(), s.key.Epoch) }
