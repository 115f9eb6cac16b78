package wire

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"entente/schema/refusal"
)

// Purpose says what a key may sign. A key has one purpose for life.
type Purpose string

// The purposes of keys.
const (
	PurposeSwap       Purpose = "swap"       // a bank's messages of SWAP/1
	PurposeCheckpoint Purpose = "checkpoint" // a bank's log heads
	PurposeWitness    Purpose = "witness"    // a bank's cosignatures under other banks' log heads
	PurposeOperator   Purpose = "operator"   // a central-bank operator's orders
	PurposeUser       Purpose = "user"       // a desk user's instructions and approvals
	PurposeService    Purpose = "service"    // a desk's or provider's own acceptances and requests
	PurposeNation     Purpose = "nation"     // a nation's counts, receipts, bills, charters, statements and claims
	PurposeQuote      Purpose = "quote"      // a liquidity provider's firm quotes
	PurposeTransport  Purpose = "transport"  // a bank's or provider's answers to requests, a bank's claims
)

// Key is the public half of a key, as pinned in the trust file.
type Key struct {
	Owner   string // bank, nation or provider
	Name    string // the person or service that holds it, such as "asha"
	Purpose Purpose
	Epoch   uint32
	Public  ed25519.PublicKey
}

// ID is SHA-256 over purpose, epoch, owner, name and the 32 public bytes. It is how signatures name their key.
func (k Key) ID() Hash {
	return labelled("key/1", Encode(&keyFields{k}))
}

type keyFields struct{ Key }

func (k *keyFields) fields(f *Fields) {
	purpose, public := string(k.Purpose), []byte(k.Public)
	f.Text(1, &purpose, maxName)
	f.U32(2, &k.Epoch)
	f.Text(3, &k.Owner, maxName)
	f.Text(4, &k.Name, maxName)
	f.Bytes(5, &public, ed25519.PublicKeySize)
}

// Keyring finds pinned keys by their id.
type Keyring interface {
	Key(id Hash) (Key, bool)
}

// PayloadType is the DSSE payload type of a document.
type PayloadType string

// Payload types, each with its version.
const (
	TypePropose     PayloadType = "application/vnd.entente.swap.propose.v1+tlv"
	TypeVote        PayloadType = "application/vnd.entente.swap.vote.v1+tlv"
	TypeDecision    PayloadType = "application/vnd.entente.swap.decision.v1+tlv"
	TypeDecisionAck PayloadType = "application/vnd.entente.swap.decision_ack.v1+tlv"
	TypeHello       PayloadType = "application/vnd.entente.swap.hello.v1+tlv"
	TypeHelloReply  PayloadType = "application/vnd.entente.swap.hello_reply.v1+tlv"
	TypeRulebook    PayloadType = "application/vnd.entente.rulebook.v1+tlv"
	TypeBill        PayloadType = "application/vnd.entente.bill.v1+tlv"
	TypeInstruction PayloadType = "application/vnd.entente.instruction.v1+tlv"
	TypeApproval    PayloadType = "application/vnd.entente.approval.v1+tlv"
	TypeQuote       PayloadType = "application/vnd.entente.quote.v1+tlv"
	TypeAcceptance  PayloadType = "application/vnd.entente.acceptance.v1+tlv"
	TypeOrder       PayloadType = "application/vnd.entente.order.v1+tlv"
	TypeCharter     PayloadType = "application/vnd.entente.charter.v2+tlv"
	TypeStatement   PayloadType = "application/vnd.entente.statement.v1+tlv"
	TypeBudget      PayloadType = "application/vnd.entente.budget.v1+tlv"
	TypeShare       PayloadType = "application/vnd.entente.share.v1+tlv"
	TypeRate        PayloadType = "application/vnd.entente.rate.v1+tlv"
	TypeSupply      PayloadType = "application/vnd.entente.supply.v1+tlv"
	TypePost        PayloadType = "application/vnd.entente.post.v1+tlv"
	TypeRequest     PayloadType = "application/vnd.entente.request.v1+tlv"
	TypeReply       PayloadType = "application/vnd.entente.reply.v1+tlv"
)

// purposes lists which keys may sign a payload type.
var purposes = map[PayloadType][]Purpose{
	TypePropose:     {PurposeSwap},
	TypeVote:        {PurposeSwap},
	TypeDecision:    {PurposeSwap},
	TypeDecisionAck: {PurposeSwap},
	TypeHello:       {PurposeSwap},
	TypeHelloReply:  {PurposeSwap},
	TypeRulebook:    {PurposeOperator},
	TypeBill:        {PurposeNation},
	TypeInstruction: {PurposeUser},
	TypeApproval:    {PurposeUser},
	TypeQuote:       {PurposeQuote},
	TypeAcceptance:  {PurposeService},
	TypeOrder:       {PurposeOperator},
	TypeCharter:     {PurposeNation},
	TypeStatement:   {PurposeNation},
	TypeBudget:      {PurposeNation},
	TypeShare:       {PurposeNation},
	TypeRate:        {PurposeTransport},
	TypeSupply:      {PurposeTransport},
	TypePost:        {PurposeNation},
	TypeRequest:     {PurposeService, PurposeOperator, PurposeUser},
	TypeReply:       {PurposeTransport, PurposeService},
}

// Signature is one Ed25519 signature of an envelope and the id of the key that made it.
type Signature struct {
	KeyID Hash
	Bytes [ed25519.SignatureSize]byte
}

// Envelope is a payload with the signatures over it, as DSSE defines them.
type Envelope struct {
	Type       PayloadType
	Payload    []byte
	Signatures []Signature
}

func (e *Envelope) fields(f *Fields) {
	kind := string(e.Type)
	f.Text(1, &kind, 96)
	e.Type = PayloadType(kind)
	f.Bytes(2, &e.Payload, limitPayload)
	List(f, 3, &e.Signatures, maxSignatures, func(f *Fields, s *Signature) {
		f.Fixed(1, s.KeyID[:])
		f.Fixed(2, s.Bytes[:])
	})
}

// SignedBytes gives what a signature covers: the DSSE pre-authentication encoding of type and payload.
func SignedBytes(t PayloadType, payload []byte) []byte { return dsse.PAE(string(t), payload) }

// ParseEnvelope reads an envelope of at most limit bytes. It proves nothing: call Verify before the payload is used.
func ParseEnvelope(b []byte, limit int) (Envelope, error) {
	var e Envelope
	err := Decode(b, limit, &e)
	return e, err
}

// Bytes gives the envelope's canonical encoding.
func (e *Envelope) Bytes() []byte { return Encode(e) }

// Hash names the payload under its type. Signatures are not part of it: a signature can be made again with other bytes.
func (e *Envelope) Hash() Hash { return PayloadHash(e.Type, e.Payload) }

// PayloadHash names a payload under its type.
func PayloadHash(t PayloadType, payload []byte) Hash { return labelled(string(t), payload) }

// Verify checks every signature over the bytes as received and gives the keys that made them, in the order of the signatures.
// Each must be pinned, of a purpose this payload type allows, and no key may appear twice.
// Refusals: sig_invalid (also when there is no signature or the type is not the one due), key_unknown, key_purpose.
func (e *Envelope) Verify(due PayloadType, keys Keyring) ([]Key, error) {
	if e.Type != due {
		return nil, refusal.Newf(CodeSigInvalid, "send the document under its own payload type", "a document of type %q came where %q is due", e.Type, due)
	}
	if len(e.Signatures) == 0 {
		return nil, refusal.Newf(CodeSigInvalid, "sign the document", "a document of type %q carries no signature", e.Type)
	}
	signed := SignedBytes(e.Type, e.Payload)
	signers := make([]Key, 0, len(e.Signatures))
	seen := make(map[Hash]bool, len(e.Signatures))
	for _, s := range e.Signatures {
		if seen[s.KeyID] {
			return nil, refusal.Newf(CodeSigInvalid, "sign once with each key", "key %s signed twice", s.KeyID.Short())
		}
		seen[s.KeyID] = true
		key, ok := keys.Key(s.KeyID)
		if !ok {
			return nil, refusal.Newf(CodeKeyUnknown, "sign with a key the trust file pins", "key %s of a %q is not in the trust file", s.KeyID.Short(), e.Type)
		}
		if !ed25519.Verify(key.Public, signed, s.Bytes[:]) {
			return nil, refusal.Newf(CodeSigInvalid, "ask the sender for the document again", "the signature of %s on a document of type %q does not verify", key.Title(), e.Type)
		}
		if !key.Purpose.MaySign(e.Type) {
			return nil, refusal.Newf(CodeKeyPurpose, "sign with a key of the right purpose", "a %s key of %s signed a document of type %q", key.Purpose, key.Owner, e.Type)
		}
		signers = append(signers, key)
	}
	return signers, nil
}

// Title names the key for people: owner, name and purpose.
func (k Key) Title() string {
	if k.Name == "" || k.Name == k.Owner {
		return fmt.Sprintf("%s (%s)", k.Owner, k.Purpose)
	}
	return fmt.Sprintf("%s of %s (%s)", k.Name, k.Owner, k.Purpose)
}

// MaySign tells whether keys of this purpose may sign a payload type.
func (p Purpose) MaySign(t PayloadType) bool { return slices.Contains(purposes[t], p) }

// Known tells whether the purpose is one of those listed here.
func (p Purpose) Known() bool {
	switch p {
	case PurposeSwap, PurposeCheckpoint, PurposeWitness, PurposeOperator, PurposeUser, PurposeService, PurposeNation, PurposeQuote, PurposeTransport:
		return true
	}
	return false
}

// Check refuses a key that cannot be named or used: an owner missing, a name too long or with control characters, an unknown purpose, a public half of
// another length. ID panics for names that Check refuses.
func (k Key) Check() error {
	const do = "correct the key's entry"
	if !ValidName(k.Owner) || (k.Name != "" && !ValidName(k.Name)) {
		return refusal.Newf(CodeMalformed, do, "the key %.80q of %.80q is not named by 1 to %d bytes of plain text", k.Name, k.Owner, maxName)
	}
	if !k.Purpose.Known() {
		return refusal.Newf(CodeMalformed, do, "%.80q is no purpose of a key", k.Purpose)
	}
	if len(k.Public) != ed25519.PublicKeySize {
		return refusal.Newf(CodeMalformed, do, "the public half of %s has %d bytes, not %d", k.Title(), len(k.Public), ed25519.PublicKeySize)
	}
	return nil
}

func decodeHex(into []byte, text []byte) error {
	if hex.DecodedLen(len(text)) != len(into) || len(text)%2 != 0 {
		return fmt.Errorf("%d hexadecimal digits are due, %d came", 2*len(into), len(text))
	}
	for _, c := range text {
		if c >= 'A' && c <= 'F' {
			return fmt.Errorf("hexadecimal digits are lower case")
		}
	}
	_, err := hex.Decode(into, text)
	return err
}
