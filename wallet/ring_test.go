package wallet

import (
	"crypto/rand"
	"strings"
	"testing"

	"entente/schema/wire"
)

// fullRing holds two epochs of everything.
func fullRing(t *testing.T) *Ring {
	t.Helper()
	ring := NewRing("JPN")
	for epoch := uint32(1); epoch <= 2; epoch++ {
		for _, s := range []*Signer{signer(t, "asha", wire.PurposeUser, epoch), signer(t, "desk", wire.PurposeService, epoch)} {
			if err := ring.Add(s); err != nil {
				t.Fatal(err)
			}
		}
		i, err := NewIdentity()
		if err != nil {
			t.Fatal(err)
		}
		ring.AddIdentity(i)
		if err := ring.NewSecret("blinding", epoch, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	return ring
}

func TestTheNewestEpochIsUsedAndOlderOnesStay(t *testing.T) {
	ring := fullRing(t)
	s, err := ring.Signer(wire.PurposeUser, "asha")
	if err != nil || s.Key().Epoch != 2 {
		t.Errorf("got %v, %v", s, err)
	}
	newest, err := ring.Secret("blinding")
	if err != nil {
		t.Fatal(err)
	}
	second, err := ring.SecretAt("blinding", 2)
	if err != nil || second != newest {
		t.Errorf("the newest secret is not the one of epoch 2: %v", err)
	}
	if first, err := ring.SecretAt("blinding", 1); err != nil || first == second {
		t.Errorf("the first secret is gone: %v", err)
	}
	if ring.SealTo() != ring.identities[1].SealTo() || len(ring.Identities()) != 2 || ring.Identities()[0] != ring.identities[1] {
		t.Error("documents must be sealed to the newest identity, and all of them open")
	}
	if len(ring.Keys()) != 4 || ring.Keys()[2].ID() != ring.Signers()[2].Key().ID() {
		t.Error("Keys and Signers disagree")
	}
	if NewRing("JPN").SealTo() != "" {
		t.Error("an empty ring has no recipient")
	}
}

func TestARingRefuses(t *testing.T) {
	ring := fullRing(t)
	t.Run("another owner's key", func(t *testing.T) {
		foreign, err := NewSigner("IND", "ravi", wire.PurposeUser, 1, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		refuses(t, ring.Add(foreign), CodeKeyForeign)
	})
	t.Run("a second key of one name and epoch", func(t *testing.T) {
		refuses(t, ring.Add(signer(t, "asha", wire.PurposeUser, 2)), CodeKeyRepeated)
	})
	t.Run("a second secret of one name and epoch", func(t *testing.T) {
		refuses(t, ring.AddSecret("blinding", 1, [32]byte{}), CodeKeyRepeated)
	})
	t.Run("a secret without a usable name", func(t *testing.T) {
		refuses(t, ring.AddSecret("", 1, [32]byte{}), wire.CodeMalformed)
	})
	t.Run("to give a key it lacks", func(t *testing.T) {
		_, err := ring.Signer(wire.PurposeNation, "asha")
		refuses(t, err, CodeKeyMissing)
	})
	t.Run("to give a secret it lacks", func(t *testing.T) {
		_, err := ring.Secret("tags")
		refuses(t, err, CodeKeyMissing)
		_, err = ring.SecretAt("blinding", 3)
		refuses(t, err, CodeKeyMissing)
	})
	if err := ring.NewSecret("tags", 1, strings.NewReader("short")); err == nil {
		t.Error("too little randomness must be a fault")
	}
	if len(ring.Signers()) != 4 || len(ring.secrets) != 2 {
		t.Error("a refusal changed the ring")
	}
}
