package wallet

import (
	"fmt"

	"filippo.io/age"
)

// Identity is a private age X25519 identity. It opens what was sealed to Recipient: documents for a desk, or a key file.
type Identity struct {
	recipient *age.X25519Recipient
	private   *hidden[*age.X25519Identity]
}

// NewIdentity makes an identity from the operating system's randomness.
func NewIdentity() (*Identity, error) {
	made, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make an age identity: %w", err)
	}
	return &Identity{made.Recipient(), hide(made)}, nil
}

func parseIdentity(text string) (*Identity, error) {
	parsed, err := age.ParseX25519Identity(text)
	if err != nil {
		return nil, err
	}
	return &Identity{parsed.Recipient(), hide(parsed)}, nil
}

// Unwrap makes Identity an age.Identity.
func (i Identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	return i.private.reveal().Unwrap(stanzas)
}

// Recipient gives the public half.
func (i Identity) Recipient() age.Recipient { return i.recipient }

// SealTo gives the public half as text, "age1...", as the trust file carries it.
func (i Identity) SealTo() string { return i.recipient.String() }

// String names the identity by its public half.
func (i Identity) String() string { return "identity of " + i.recipient.String() }
