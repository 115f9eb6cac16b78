package wallet

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// pinned is a keyring of the keys given.
type pinned map[wire.Hash]wire.Key

func (p pinned) Key(id wire.Hash) (wire.Key, bool) { k, ok := p[id]; return k, ok }

func pin(signers ...*Signer) pinned {
	p := pinned{}
	for _, s := range signers {
		p[s.Key().ID()] = s.Key()
	}
	return p
}

func signer(t *testing.T, name string, purpose wire.Purpose, epoch uint32) *Signer {
	t.Helper()
	s, err := NewSigner("JPN", name, purpose, epoch, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func refuses(t *testing.T, err error, code refusal.Code) {
	t.Helper()
	if refusal.CodeOf(err) != code {
		t.Errorf("got %v, want a refusal with code %s", err, code)
	}
}

func TestASignedEnvelopeVerifiesUnderThePinnedKey(t *testing.T) {
	nation, other := signer(t, "", wire.PurposeNation, 1), signer(t, "treasury", wire.PurposeNation, 1)
	e, err := nation.Sign(wire.TypeBill, []byte("bill"))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.CoSign(&e); err != nil {
		t.Fatal(err)
	}
	signers, err := e.Verify(wire.TypeBill, pin(nation, other))
	if err != nil {
		t.Fatal(err)
	}
	if len(signers) != 2 || signers[0].ID() != nation.Key().ID() || signers[1].ID() != other.Key().ID() {
		t.Errorf("signers are %v", signers)
	}
}

func TestTheSameRandomBytesGiveTheSameKey(t *testing.T) {
	random := bytes.Repeat([]byte{7}, 32)
	a, err := NewSigner("JPN", "asha", wire.PurposeUser, 1, bytes.NewReader(random))
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSigner("JPN", "asha", wire.PurposeUser, 1, bytes.NewReader(random))
	if err != nil {
		t.Fatal(err)
	}
	if a.Key().ID() != b.Key().ID() {
		t.Error("two keys were made of one seed")
	}
	if _, err := NewSigner("JPN", "asha", wire.PurposeUser, 1, bytes.NewReader(random[:31])); err == nil || refusal.CodeOf(err) != "" {
		t.Errorf("too little randomness must be a fault, got %v", err)
	}
}

func TestASignerRefuses(t *testing.T) {
	user := signer(t, "asha", wire.PurposeUser, 1)
	t.Run("a payload type of another purpose", func(t *testing.T) {
		_, err := user.Sign(wire.TypeVote, []byte("vote"))
		refuses(t, err, wire.CodeKeyPurpose)
	})
	t.Run("everything with a checkpoint key", func(t *testing.T) {
		_, err := signer(t, "", wire.PurposeCheckpoint, 1).Sign(wire.TypeVote, []byte("vote"))
		refuses(t, err, wire.CodeKeyPurpose)
	})
	t.Run("to sign twice, and leaves the envelope alone", func(t *testing.T) {
		e, err := user.Sign(wire.TypeInstruction, []byte("pay"))
		if err != nil {
			t.Fatal(err)
		}
		before := e.Bytes()
		refuses(t, user.CoSign(&e), wire.CodeSigInvalid)
		if !bytes.Equal(e.Bytes(), before) {
			t.Error("the envelope changed")
		}
	})
	t.Run("one signature more than an envelope holds", func(t *testing.T) {
		e := wire.Envelope{Type: wire.TypeInstruction, Signatures: make([]wire.Signature, 32)}
		refuses(t, user.CoSign(&e), wire.CodeMalformed)
		if len(e.Signatures) != 32 {
			t.Error("the envelope changed")
		}
	})
	for name, make := range map[string]func() (*Signer, error){
		"an owner without a name": func() (*Signer, error) { return NewSigner("", "asha", wire.PurposeUser, 1, rand.Reader) },
		"a name of 65 bytes": func() (*Signer, error) {
			return NewSigner("JPN", strings.Repeat("a", 65), wire.PurposeUser, 1, rand.Reader)
		},
		"a name with a line break": func() (*Signer, error) { return NewSigner("JPN", "a\nb", wire.PurposeUser, 1, rand.Reader) },
		"a purpose nobody knows":   func() (*Signer, error) { return NewSigner("JPN", "asha", "everything", 1, rand.Reader) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := make()
			refuses(t, err, wire.CodeMalformed)
		})
	}
}

func TestSigningDoesNotShareTheCallersBytes(t *testing.T) {
	user := signer(t, "asha", wire.PurposeUser, 1)
	payload := []byte("pay 1")
	e, err := user.Sign(wire.TypeInstruction, payload)
	if err != nil {
		t.Fatal(err)
	}
	payload[4] = '9'
	if _, err := e.Verify(wire.TypeInstruction, pin(user)); err != nil {
		t.Errorf("a change of the caller's bytes reached the envelope: %v", err)
	}
	key := user.Key()
	key.Public[0] ^= 1
	if bytes.Equal(user.Key().Public, key.Public) {
		t.Error("a change of the key handed out reached the signer")
	}
}

// shown prints a value in every way a program might.
func shown(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("json", "v", v)
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(j)
	fmt.Fprintln(&b, errors.Join(fmt.Errorf("with %v", v)))
	return b.String()
}

func TestNoPrinterShowsAPrivateValue(t *testing.T) {
	seed := bytes.Repeat([]byte{0xa7}, 32)
	s, err := newSigner("JPN", "asha", wire.PurposeUser, 1, seed)
	if err != nil {
		t.Fatal(err)
	}
	i, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	ring := NewRing("JPN")
	if err := ring.Add(s); err != nil {
		t.Fatal(err)
	}
	ring.AddIdentity(i)
	if err := ring.AddSecret("blinding", 1, [32]byte(seed)); err != nil {
		t.Fatal(err)
	}
	// Formatters cannot call methods on unexported fields: what lies in them must be safe by itself.
	type outer struct {
		signer   Signer
		identity Identity
		ring     Ring
		Signer   *Signer
		Ring     *Ring
	}
	private := map[string]string{
		"seed in hex":          hex.EncodeToString(seed[:8]),
		"seed in capital hex":  strings.ToUpper(hex.EncodeToString(seed[:8])),
		"seed in base64":       base64.StdEncoding.EncodeToString(seed)[:16],
		"seed as decimals":     "167 167 167",
		"seed as Go source":    "0xa7, 0xa7",
		"seed as raw bytes":    string(seed[:4]),
		"the identity":         i.private.reveal().String(),
		"the identity's label": "AGE-SECRET-KEY",
	}
	for kind, v := range map[string]any{
		"signer": *s, "pointer to signer": s, "identity": *i, "pointer to identity": i, "ring": *ring, "pointer to ring": ring,
		"struct around them": outer{*s, *i, *ring, s, ring}, "pointer to a struct": &outer{*s, *i, *ring, s, ring},
		"slice": []*Signer{s}, "map": map[string]Signer{"a": *s}, "slice of secrets": ring.secrets,
	} {
		text := shown(t, v)
		for what, p := range private {
			if strings.Contains(text, p) {
				t.Errorf("a printed %s shows %s:\n%s", kind, what, text)
			}
		}
	}
	if !strings.Contains(shown(t, s), "signer asha of JPN (user) epoch 1") {
		t.Errorf("a signer should be named: %s", shown(t, s))
	}
}
