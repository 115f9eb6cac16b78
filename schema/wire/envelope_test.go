package wire

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"entente/schema/refusal"
)

type ring map[Hash]Key

func (r ring) Key(id Hash) (Key, bool) { k, ok := r[id]; return k, ok }

func ringOf(keys ...Key) ring {
	r := ring{}
	for _, k := range keys {
		r[k.ID()] = k
	}
	return r
}

// The example that the specification of DSSE publishes in its protocol description.
func TestTheSignedBytesAreThoseOfTheSpecification(t *testing.T) {
	got := SignedBytes("http://example.com/HelloWorld", []byte("hello world"))
	if want := "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := SignedBytes("", nil); string(got) != "DSSEv1 0  0 " {
		t.Errorf("of nothing: %q", got)
	}
}

func TestAnEnvelopeIsVerified(t *testing.T) {
	swap, swapPrivate := signatory(1, "BOJ", "BOJ", PurposeSwap)
	other, otherPrivate := signatory(2, "RBI", "RBI", PurposeSwap)
	checkpoint, checkpointPrivate := signatory(3, "BOJ", "BOJ", PurposeCheckpoint)
	stranger, strangerPrivate := signatory(4, "BOJ", "BOJ", PurposeSwap)
	keys := ringOf(swap, other, checkpoint)
	vote := Encode(sampleVote())
	sign := func(k Key, private ed25519.PrivateKey, kind PayloadType, payload []byte) Signature {
		return Signature{KeyID: k.ID(), Bytes: [64]byte(ed25519.Sign(private, SignedBytes(kind, payload)))}
	}
	good := Envelope{TypeVote, vote, []Signature{sign(swap, swapPrivate, TypeVote, vote)}}
	for name, c := range map[string]struct {
		spoil func(*Envelope)
		due   PayloadType
		code  refusal.Code
	}{
		"with one signature":                        {func(*Envelope) {}, TypeVote, ""},
		"with two signatures":                       {func(e *Envelope) { e.Signatures = append(e.Signatures, sign(other, otherPrivate, TypeVote, vote)) }, TypeVote, ""},
		"with a flipped bit in the payload":         {func(e *Envelope) { e.Payload[20] ^= 1 }, TypeVote, CodeSigInvalid},
		"with a flipped bit in the signature":       {func(e *Envelope) { e.Signatures[0].Bytes[7] ^= 1 }, TypeVote, CodeSigInvalid},
		"with a second half beyond the group order": {func(e *Envelope) { addOrder(&e.Signatures[0].Bytes) }, TypeVote, CodeSigInvalid},
		"with a byte after the payload":             {func(e *Envelope) { e.Payload = append(e.Payload, 0) }, TypeVote, CodeSigInvalid},
		"with a flipped bit in the key's id":        {func(e *Envelope) { e.Signatures[0].KeyID[0] ^= 1 }, TypeVote, CodeKeyUnknown},
		"signed by a key nobody pinned":             {func(e *Envelope) { e.Signatures[0] = sign(stranger, strangerPrivate, TypeVote, vote) }, TypeVote, CodeKeyUnknown},
		"signed by one under another's id":          {func(e *Envelope) { e.Signatures[0].KeyID = other.ID() }, TypeVote, CodeSigInvalid},
		"signed by a checkpoint key":                {func(e *Envelope) { e.Signatures[0] = sign(checkpoint, checkpointPrivate, TypeVote, vote) }, TypeVote, CodeKeyPurpose},
		"with a checkpoint key beside a good": {func(e *Envelope) {
			e.Signatures = append(e.Signatures, sign(checkpoint, checkpointPrivate, TypeVote, vote))
		}, TypeVote, CodeKeyPurpose},
		"with a bad signature beside a good": {func(e *Envelope) { e.Signatures = append(e.Signatures, Signature{KeyID: other.ID()}) }, TypeVote, CodeSigInvalid},
		"without a signature":                {func(e *Envelope) { e.Signatures = nil }, TypeVote, CodeSigInvalid},
		"with one signature twice":           {func(e *Envelope) { e.Signatures = append(e.Signatures, e.Signatures[0]) }, TypeVote, CodeSigInvalid},
		"where a decision is due":            {func(*Envelope) {}, TypeDecision, CodeSigInvalid},
		"relabelled as a decision":           {func(e *Envelope) { e.Type = TypeDecision }, TypeDecision, CodeSigInvalid},
		"of a type nobody may sign": {func(e *Envelope) {
			e.Type = "application/x"
			e.Signatures[0] = sign(swap, swapPrivate, "application/x", vote)
		}, "application/x", CodeKeyPurpose},
	} {
		t.Run(name, func(t *testing.T) {
			e := Envelope{good.Type, bytes.Clone(good.Payload), slices.Clone(good.Signatures)}
			c.spoil(&e)
			carried, err := ParseEnvelope(e.Bytes(), LimitMessage)
			if err != nil {
				t.Fatal(err)
			}
			signers, err := carried.Verify(c.due, keys)
			if refusal.CodeOf(err) != c.code || (c.code == "" && err != nil) {
				t.Errorf("got %v, want %q", err, c.code)
			}
			if c.code == "" && (len(signers) != len(e.Signatures) || signers[0].Owner != "BOJ") {
				t.Errorf("signers are %v", signers)
			}
			if c.code != "" && signers != nil {
				t.Errorf("a refused envelope gave signers %v", signers)
			}
		})
	}
}

// addOrder makes another encoding of the same signature, S + L, which RFC 8032 forbids.
func addOrder(signature *[64]byte) {
	order := [32]byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	carry := 0
	for i := range order {
		sum := int(signature[32+i]) + int(order[i]) + carry
		signature[32+i], carry = byte(sum), sum>>8
	}
}

func TestAnEnvelopesHashIgnoresItsSignatures(t *testing.T) {
	e := *sampleEnvelope()
	before := e.Hash()
	e.Signatures = nil
	if e.Hash() != before || before != PayloadHash(e.Type, e.Payload) {
		t.Error("the hash depends on signatures")
	}
	e.Type = TypeQuote
	if e.Hash() == before {
		t.Error("one payload under two types has one hash")
	}
}

func TestAnEnvelopeAboveItsLimitIsNotParsed(t *testing.T) {
	e := Envelope{Type: TypeReply, Payload: make([]byte, 9<<20)}
	if _, err := ParseEnvelope(e.Bytes(), LimitMessage); refusal.CodeOf(err) != CodeTooLarge {
		t.Errorf("got %v", err)
	}
	if _, err := ParseEnvelope(e.Bytes(), 10<<20); err != nil {
		t.Errorf("the largest reply must fit: %v", err)
	}
}

func TestEveryPayloadTypeIsSignedByKnownPurposes(t *testing.T) {
	all := []Purpose{PurposeSwap, PurposeCheckpoint, PurposeOperator, PurposeUser, PurposeService, PurposeNation, PurposeQuote, PurposeTransport}
	for kind, allowed := range purposes {
		if len(allowed) == 0 {
			t.Errorf("nobody may sign %s", kind)
		}
		for _, p := range all {
			if p.MaySign(kind) != slices.Contains(allowed, p) {
				t.Errorf("%s and %s", p, kind)
			}
		}
	}
	for _, p := range all {
		if !p.Known() {
			t.Errorf("%s is not known", p)
		}
	}
	if PurposeCheckpoint.MaySign(TypeVote) || Purpose("all").Known() || Purpose("").Known() {
		t.Error("too much is allowed")
	}
}

func TestAKeyIsCheckedBeforeItIsNamed(t *testing.T) {
	good, _ := signatory(1, "JPN", "asha", PurposeUser)
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	ids := map[Hash]string{good.ID(): "itself"}
	for name, change := range map[string]func(*Key){
		"another owner":   func(k *Key) { k.Owner = "IND" },
		"another name":    func(k *Key) { k.Name = "" },
		"another purpose": func(k *Key) { k.Purpose = PurposeService },
		"another epoch":   func(k *Key) { k.Epoch = 2 },
		"other bytes":     func(k *Key) { k.Public = bytes.Repeat([]byte{1}, 32) },
	} {
		k := good
		change(&k)
		if err := k.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if before, twice := ids[k.ID()]; twice {
			t.Errorf("%s and %s have one id", name, before)
		}
		ids[k.ID()] = name
	}
	for name, change := range map[string]func(*Key){
		"no owner":          func(k *Key) { k.Owner = "" },
		"an owner too long": func(k *Key) { k.Owner = strings.Repeat("o", 65) },
		"a name too long":   func(k *Key) { k.Name = strings.Repeat("n", 65) },
		"a name with a tab": func(k *Key) { k.Name = "a\tb" },
		"no purpose":        func(k *Key) { k.Purpose = "" },
		"too few bytes":     func(k *Key) { k.Public = k.Public[:31] },
		"too many bytes":    func(k *Key) { k.Public = append(bytes.Clone(k.Public), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			k := good
			change(&k)
			if err := k.Check(); refusal.CodeOf(err) != CodeMalformed {
				t.Errorf("got %v", err)
			}
		})
	}
	for title, k := range map[string]Key{"asha of JPN (user)": good, "BOJ (swap)": {Owner: "BOJ", Name: "BOJ", Purpose: PurposeSwap}, "JPN (nation)": {Owner: "JPN", Purpose: PurposeNation}} {
		if k.Title() != title {
			t.Errorf("got %s, want %s", k.Title(), title)
		}
	}
}
