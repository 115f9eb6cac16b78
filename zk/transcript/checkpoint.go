package transcript

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
)

// MaxCheckpointBytes bounds a signed checkpoint before anything in it is looked at. It leaves room for 16 post-quantum signatures of 5 kB.
const MaxCheckpointBytes = 128 << 10

// maxSignatures is the most that the note package reads.
const maxSignatures = 100

// Checkpoint is the head of one log: who keeps it, how many leaves it has, and the root over them.
type Checkpoint struct {
	// Origin names the log and the key that signs for it, such as "bank.example/inr".
	Origin string
	// Size is the number of leaves, at most MaxSize.
	Size uint64
	// Root is the Merkle tree hash over the leaves; EmptyRoot when Size is 0.
	Root Hash
}

// Text is the body that is signed: origin, size and root, each on a line.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatUint(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

// Sign writes the checkpoint as a signed note. The signer must be named after the origin; cosigners, if any, sign after it.
// Signing is the caller's promise that every earlier checkpoint of this origin is a prefix: check with [Extends] before.
func Sign(c Checkpoint, log note.Signer, cosigners ...note.Signer) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if log.Name() != c.Origin {
		return nil, refusal.Newf(CheckpointUnsigned, "sign with the log's own key", "key %q may not sign for log %q", log.Name(), c.Origin)
	}
	msg, err := note.Sign(&note.Note{Text: c.Text()}, append([]note.Signer{log}, cosigners...)...)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint %s at %d: %w", c.Origin, c.Size, err)
	}
	return msg, nil
}

// Open reads a signed checkpoint. It gives the signatures that were verified, the log's own among them; signatures by keys that are not given are ignored,
// as the specification wants. Bytes that are not the only encoding of a checkpoint are refused with "checkpoint_malformed"; a root without leaves
// that is not the empty tree's with "empty_root_forged"; a wrong signature of a given key,
// or none by a given key named after the origin, with "checkpoint_unsigned". Two given verifiers of one name and id are a fault. The caller compares Origin with the log it asked for.
func Open(msg []byte, verifiers ...note.Verifier) (Checkpoint, []note.Signature, error) {
	c, err := parse(msg)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	n, err := note.Open(msg, note.VerifierList(verifiers...))
	var (
		unverified *note.UnverifiedNoteError
		wrong      *note.InvalidSignatureError
	)
	switch {
	case errors.As(err, &unverified):
		return Checkpoint{}, nil, unsigned(c)
	case errors.As(err, &wrong):
		return Checkpoint{}, nil, refusal.Newf(CheckpointUnsigned, "fetch the checkpoint again; if it stays so, report the log",
			"the signature of %s under the checkpoint of %s at %d is wrong", wrong.Name, c.Origin, c.Size)
	case err != nil:
		return Checkpoint{}, nil, fmt.Errorf("open checkpoint of %s: %w", c.Origin, err)
	}
	for _, s := range n.Sigs {
		if s.Name == c.Origin {
			return c, n.Sigs, nil
		}
	}
	return Checkpoint{}, nil, unsigned(c)
}

// Extends checks that next is what an append-only log may show after old: the same origin, not smaller, the same root at the same size, and otherwise a
// consistency proof between the two. Anything else is refused with "split_view", and both checkpoints together are evidence against the log.
func Extends(old, next Checkpoint, path []Hash) error {
	const do = "keep both checkpoints, stop trusting this log, and tell its operator and the other witnesses"
	switch {
	case old.Origin != next.Origin:
		return refusal.Newf(SplitView, "compare checkpoints of one log", "%q and %q are different logs", old.Origin, next.Origin)
	case next.Size < old.Size:
		return refusal.Newf(SplitView, do, "log %s went back from %d leaves to %d", old.Origin, old.Size, next.Size)
	case next.Size == old.Size && next.Root != old.Root:
		return refusal.Newf(SplitView, do, "log %s shows two roots at %d leaves", old.Origin, old.Size)
	}
	if err := VerifyConsistency(old.Size, old.Root, next.Size, next.Root, path); err != nil {
		return refusal.Newf(SplitView, do, "log %s does not prove that its %d leaves begin with the %d shown before", old.Origin, next.Size, old.Size)
	}
	return nil
}

// parse reads the checkpoint out of a note whose every byte is in its only form, signatures not yet verified.
func parse(msg []byte) (Checkpoint, error) {
	if len(msg) > MaxCheckpointBytes {
		return Checkpoint{}, malformed(fmt.Sprintf("it has %d bytes, more than %d", len(msg), MaxCheckpointBytes))
	}
	text, signatures, found := cutLast(string(msg), "\n\n")
	if !found {
		return Checkpoint{}, malformed("no empty line divides text and signatures")
	}
	c, err := parseText(text + "\n")
	if err != nil {
		return Checkpoint{}, err
	}
	return c, checkSignatureLines(signatures)
}

func parseText(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, malformed("the text is not the three lines origin, size and root")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return Checkpoint{}, malformed("the size is not a decimal number below 2^63")
	}
	root, err := ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, malformed("the root is not 32 bytes in base64")
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if err := c.check(); err != nil {
		return Checkpoint{}, err
	}
	if c.Text() != text {
		return Checkpoint{}, malformed("the text has a shorter form")
	}
	return c, nil
}

// check holds for every checkpoint that may be signed or believed.
func (c Checkpoint) check() error {
	switch {
	case checkName(c.Origin) != nil:
		return malformed("the origin cannot name a key")
	case c.Size > MaxSize:
		return malformed("the size is not below 2^63")
	case c.Size == 0 && c.Root != EmptyRoot:
		return refusal.Newf(EmptyRootForged, "report the log", "log %s has no leaves and another root than the empty tree", c.Origin)
	}
	return nil
}

// checkSignatureLines refuses what the note package reads generously: loose base64 and repeated signatures, which would give one checkpoint many encodings.
func checkSignatureLines(text string) error {
	seen := map[string]bool{}
	body, ended := strings.CutSuffix(text, "\n")
	if !ended {
		return malformed("the last signature line does not end")
	}
	for line := range strings.SplitSeq(body, "\n") {
		rest, dash := strings.CutPrefix(line, "— ")
		name, b64, space := strings.Cut(rest, " ")
		sig, err := base64.StdEncoding.Strict().DecodeString(b64)
		switch {
		case !dash || !space || checkName(name) != nil || err != nil || len(sig) < 5 || base64.StdEncoding.EncodeToString(sig) != b64:
			return malformed("a signature line is not dash, key name and base64")
		case seen[name+string(sig[:4])]:
			return malformed("two signatures by the same key")
		case len(seen) == maxSignatures:
			return malformed(fmt.Sprintf("more than %d signatures", maxSignatures))
		}
		seen[name+string(sig[:4])] = true
	}
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func malformed(why string) *refusal.Refusal {
	return refusal.New(CheckpointMalformed, "the bytes are not a checkpoint: "+why, "fetch it again from the log")
}

func unsigned(c Checkpoint) *refusal.Refusal {
	return refusal.Newf(CheckpointUnsigned, "fetch it from the log itself, or pin the log's verifier key in the trust file",
		"the checkpoint of %s at %d carries no signature by a pinned key of that name", c.Origin, c.Size)
}
