package wallet

import (
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// Ring is all the private keys of one owner. Keys of one purpose and name, and secrets of one name, follow each other in epochs: the newest is used, older
// ones stay for what was made with them.
type Ring struct {
	owner      string
	signers    []*Signer
	identities []*Identity // oldest first
	secrets    []*secret
}

type secret struct {
	name  string
	epoch uint32
	value *hidden[[32]byte]
}

// NewRing gives an empty ring of a bank, a nation or a provider.
func NewRing(owner string) *Ring { return &Ring{owner: owner} }

// Owner names the bank, nation or provider.
func (r *Ring) Owner() string { return r.owner }

// Add puts a signer into the ring. Refusals: key_foreign, key_repeated.
func (r *Ring) Add(s *Signer) error {
	if s.key.Owner != r.owner {
		return refusal.Newf(CodeKeyForeign, "keep each owner's keys in a ring of its own", "%s does not belong into the ring of %s", s, r.owner)
	}
	for _, before := range r.signers {
		if before.key.Purpose == s.key.Purpose && before.key.Name == s.key.Name && before.key.Epoch == s.key.Epoch {
			return refusal.Newf(CodeKeyRepeated, "give the new key a later epoch", "the ring holds %s already", before)
		}
	}
	r.signers = append(r.signers, s)
	return nil
}

// AddSecret puts 32 bytes under a name, such as "blinding" or "programme:<id>", and an epoch. Refusals: malformed name, key_repeated.
func (r *Ring) AddSecret(name string, epoch uint32, value [32]byte) error {
	if !wire.ValidName(name) {
		return refusal.Newf(wire.CodeMalformed, "use 1 to 64 bytes of plain text", "%.80q cannot name a secret", name)
	}
	for _, before := range r.secrets {
		if before.name == name && before.epoch == epoch {
			return refusal.Newf(CodeKeyRepeated, "give the new secret a later epoch", "the ring of %s holds secret %q of epoch %d already", r.owner, name, epoch)
		}
	}
	r.secrets = append(r.secrets, &secret{name, epoch, hide(value)})
	return nil
}

// NewSecret is AddSecret with 32 bytes of random.
func (r *Ring) NewSecret(name string, epoch uint32, random io.Reader) error {
	var value [32]byte
	if _, err := io.ReadFull(random, value[:]); err != nil {
		return fmt.Errorf("random bytes for secret %q of %s: %w", name, r.owner, err)
	}
	return r.AddSecret(name, epoch, value)
}

// AddIdentity puts a sealing identity into the ring; documents are sealed to the last one added, and all of them open.
func (r *Ring) AddIdentity(i *Identity) { r.identities = append(r.identities, i) }

// Signer gives the newest key of a purpose and name. Refusal: key_missing.
func (r *Ring) Signer(purpose wire.Purpose, name string) (*Signer, error) {
	var newest *Signer
	for _, s := range r.signers {
		if s.key.Purpose == purpose && s.key.Name == name && (newest == nil || s.key.Epoch > newest.key.Epoch) {
			newest = s
		}
	}
	if newest == nil {
		return nil, refusal.Newf(CodeKeyMissing, "open the ring that holds it", "the ring of %s has no %s key named %q", r.owner, purpose, name)
	}
	return newest, nil
}

// Signers gives every key, in the order they were added.
func (r *Ring) Signers() []*Signer { return slices.Clone(r.signers) }

// Keys gives the public halves of every key, as the trust file pins them.
func (r *Ring) Keys() []wire.Key {
	keys := make([]wire.Key, len(r.signers))
	for i, s := range r.signers {
		keys[i] = s.Key()
	}
	return keys
}

// Secret gives the newest secret of a name. Refusal: key_missing.
func (r *Ring) Secret(name string) ([32]byte, error) {
	var newest *secret
	for _, s := range r.secrets {
		if s.name == name && (newest == nil || s.epoch > newest.epoch) {
			newest = s
		}
	}
	return r.reveal(newest, name)
}

// SecretAt gives the secret of a name and epoch, for what an earlier one derived. Refusal: key_missing.
func (r *Ring) SecretAt(name string, epoch uint32) ([32]byte, error) {
	var found *secret
	for _, s := range r.secrets {
		if s.name == name && s.epoch == epoch {
			found = s
		}
	}
	return r.reveal(found, name)
}

func (r *Ring) reveal(s *secret, name string) ([32]byte, error) {
	if s == nil {
		return [32]byte{}, refusal.Newf(CodeKeyMissing, "open the ring that holds it", "the ring of %s has no such secret named %q", r.owner, name)
	}
	return s.value.reveal(), nil
}

// SealTo gives the recipient that documents for this owner are sealed to, or "" when the ring has no identity.
func (r *Ring) SealTo() string {
	if len(r.identities) == 0 {
		return ""
	}
	return r.identities[len(r.identities)-1].SealTo()
}

// Identities gives every sealing identity, newest first, as sealed.Open takes them.
func (r *Ring) Identities() []age.Identity {
	all := make([]age.Identity, 0, len(r.identities))
	for _, i := range slices.Backward(r.identities) {
		all = append(all, i)
	}
	return all
}

// String counts what the ring holds and shows none of it.
func (r Ring) String() string {
	return fmt.Sprintf("ring of %s: %d keys, %d identities, %d secrets", r.owner, len(r.signers), len(r.identities), len(r.secrets))
}
