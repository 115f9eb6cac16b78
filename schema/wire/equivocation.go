package wire

import "entente/schema/refusal"

// CodeNoEquivocation refuses two messages that do not contradict each other.
const CodeNoEquivocation refusal.Code = "no_equivocation"

// Equivocation is proof against a bank: two messages it signed, of which an honest bank signs one. Whoever pins the bank's keys can check it.
type Equivocation struct {
	First  Envelope
	Second Envelope
}

func (e *Equivocation) fields(f *Fields) {
	f.Nested(1, &e.First)
	f.Nested(2, &e.Second)
}

// Bytes gives the canonical encoding.
func (e *Equivocation) Bytes() []byte { return Encode(e) }

// Hash names the proof: SHA-256("equivocation/1\n" || bytes).
func (e *Equivocation) Hash() Hash { return labelled("equivocation/1", e.Bytes()) }

// ParseEquivocation reads a proof. It says nothing until it is checked.
func ParseEquivocation(b []byte) (Equivocation, error) {
	var e Equivocation
	err := Decode(b, LimitAttachment, &e)
	return e, err
}

// Contradiction is what a proof of equivocation proves.
type Contradiction struct {
	Bank   string
	Swap   Hash
	Type   PayloadType // a vote or a decision
	First  Hash        // payload hashes
	Second Hash
}

// Check verifies both signatures and that the messages contradict each other: votes of one bank on one swap, one prepared and one not, or decisions of one bank
// on one swap, one commit and one abort. Signing the same word again, as a bank does in a new epoch, is no contradiction.
// Refusals: sig_invalid, key_unknown, key_purpose, malformed, no_equivocation.
func (e *Equivocation) Check(keys Keyring) (Contradiction, error) {
	var c Contradiction
	first, err := word(&e.First, keys)
	if err != nil {
		return c, err
	}
	second, err := word(&e.Second, keys)
	if err != nil {
		return c, err
	}
	h, other := first.Head(), second.Head()
	if first.PayloadType() != second.PayloadType() || h.Sender != other.Sender || h.Swap != other.Swap || h.Network != other.Network || yes(first) == yes(second) {
		return c, refusal.New(CodeNoEquivocation, "the two messages do not contradict each other", "show two votes or two decisions of one bank on one swap that differ in what they say")
	}
	return Contradiction{h.Sender, h.Swap, first.PayloadType(), e.First.Hash(), e.Second.Hash()}, nil
}

// word verifies a vote or decision.
func word(e *Envelope, keys Keyring) (SwapMessage, error) {
	if e.Type != TypeVote && e.Type != TypeDecision {
		return nil, refusal.Newf(CodeNoEquivocation, "show two votes or two decisions", "a document of type %q", e.Type)
	}
	signers, err := e.Verify(e.Type, keys)
	if err != nil {
		return nil, err
	}
	m, err := ParseSwapMessage(e.Type, e.Payload)
	if err != nil {
		return nil, err
	}
	if len(signers) != 1 || signers[0].Owner != m.Head().Sender {
		return nil, refusal.Newf(CodeSigInvalid, "show what the bank itself signed", "a message of %s is signed by %s", m.Head().Sender, signers[0].Owner)
	}
	return m, nil
}

// yes tells whether a vote is prepared or a decision commits.
func yes(m SwapMessage) bool {
	switch m := m.(type) {
	case *Vote:
		return m.Prepared
	case *Decision:
		return m.Commit
	}
	return false
}
