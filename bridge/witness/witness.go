package witness

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

// Store keeps what a witness must not forget. Its methods may be called by several goroutines and by several processes on one database at once.
type Store interface {
	// Witnessed gives the largest head of a log that was cosigned; the zero value before the first.
	Witnessed(ctx context.Context, origin string) (transcript.Witnessed, error)
	// Advance records next in the place of a head at from's size and root, if that is what is recorded and no proven contradiction of the log stands, and tells
	// whether it did. What it recorded is durable when it returns. An error leaves the outcome unknown.
	Advance(ctx context.Context, from transcript.Checkpoint, next transcript.Witnessed) (bool, error)
	// Accuse keeps a contradiction, once for each head that was shown, proven or not, and tells whether it is new. Beyond limit standing ones of a log that are
	// not proven it keeps no more.
	Accuse(ctx context.Context, c transcript.Contradiction, shown transcript.Checkpoint, limit int) (bool, error)
	// Contradictions gives those of one log, or of all when origin is empty, in order.
	Contradictions(ctx context.Context, origin string) ([]transcript.Contradiction, error)
	// Clear marks those of a log that stand as cleared, and tells how many there were.
	Clear(ctx context.Context, origin, reason string, atMS int64) (int, error)
}

// unprovenMost bounds how many heads of a log are kept that may be nothing but somebody else's noise.
const unprovenMost = 64

// Config is what a witness is made of.
type Config struct {
	Name  string             // of its key, as the trust file pins it
	Key   ed25519.PrivateKey // for cosignatures alone
	Logs  []note.Verifier    // keys of the logs it watches; a key's name is the log's origin
	Store Store
	Clock func() int64                   // Unix milliseconds
	Alarm func(transcript.Contradiction) // told once of each contradiction, after it was kept
}

// Witness cosigns the heads of other banks' logs. Its methods may be called by several goroutines at once.
type Witness struct {
	cfg  Config
	logs map[string][]note.Verifier // by origin
}

// New makes a witness. Refusal: key_name_invalid.
func New(cfg Config) (*Witness, error) {
	if _, err := transcript.NewCosigner(cfg.Name, cfg.Key, 1); err != nil {
		return nil, err
	}
	w := &Witness{cfg: cfg, logs: map[string][]note.Verifier{}}
	for _, v := range cfg.Logs {
		w.logs[v.Name()] = append(w.logs[v.Name()], v)
	}
	return w, nil
}

// Conflict is the refusal of a head that is not compared with the one cosigned last; it says which that is.
type Conflict struct {
	*refusal.Refusal
	Size uint64
}

// Unwrap gives the refusal.
func (c *Conflict) Unwrap() error { return c.Refusal }

// AddCheckpoint takes the body of an add-checkpoint request and gives the signature line of the cosignature, after the head was recorded.
// Refusals, as the specification orders them: witness_request_malformed, log_unknown, checkpoint_malformed, checkpoint_unsigned, old_size_invalid,
// old_size_conflict (a [Conflict]), empty_root_forged, split_view, log_stopped. After a fault the head may be recorded, and nobody has the cosignature.
func (w *Witness) AddCheckpoint(ctx context.Context, body []byte) ([]byte, error) {
	request, err := ParseRequest(body)
	if err != nil {
		return nil, err
	}
	head, signed, err := w.open(request.Note)
	if err != nil {
		return nil, err
	}
	kept, err := w.kept(ctx, head.Origin)
	if err != nil {
		return nil, err
	}
	if err := w.judge(ctx, &kept, &request, head, signed); err != nil {
		return nil, err
	}
	return w.cosign(ctx, kept.Checkpoint, head, signed)
}

// open verifies a head under the keys of its log, and gives it with nothing but the log's own signatures.
func (w *Witness) open(msg []byte) (transcript.Checkpoint, []byte, error) {
	origin, _, _ := bytes.Cut(msg, []byte("\n"))
	keys := w.logs[string(origin)]
	if len(keys) == 0 {
		return transcript.Checkpoint{}, nil, refusal.Newf(CodeLogUnknown, "send the heads of banks of this network", "this witness watches no log %.80q", origin)
	}
	// The signature comes first: what nobody signed is no statement of the log, however wrong it is.
	var unverified *note.UnverifiedNoteError
	var wrong *note.InvalidSignatureError
	if _, err := note.Open(msg, note.VerifierList(keys...)); errors.As(err, &unverified) || errors.As(err, &wrong) {
		return transcript.Checkpoint{}, nil, refusal.Newf(transcript.CheckpointUnsigned, "sign with the key that the trust file pins for the log",
			"the head of %s carries no valid signature of its log, or a wrong one", origin)
	}
	head, signatures, err := transcript.Open(msg, keys...)
	if refusal.CodeOf(err) == transcript.EmptyRootForged {
		return transcript.Checkpoint{}, nil, err
	}
	if err != nil {
		return transcript.Checkpoint{}, nil, fmt.Errorf("the head of %.80q: %w", origin, err)
	}
	return head, lines([]byte(head.Text()+"\n"), signatures...), nil
}

// lines appends signature lines.
func lines(to []byte, signatures ...note.Signature) []byte {
	for _, s := range signatures {
		to = append(to, "— "+s.Name+" "+s.Base64+"\n"...)
	}
	return to
}

// kept gives the head cosigned last, which before the first is the empty tree.
func (w *Witness) kept(ctx context.Context, origin string) (transcript.Witnessed, error) {
	kept, err := w.cfg.Store.Witnessed(ctx, origin)
	if err == nil && kept.Note == nil {
		kept.Checkpoint = transcript.Checkpoint{Origin: origin, Root: transcript.EmptyRoot}
	}
	return kept, err
}

// judge refuses what may not be cosigned, and keeps what contradicts the head cosigned last.
func (w *Witness) judge(ctx context.Context, kept *transcript.Witnessed, r *Request, head transcript.Checkpoint, signed []byte) error {
	if head.Size == kept.Size && head.Root != kept.Root {
		why := fmt.Sprintf("the log signed two roots at %d leaves", head.Size)
		if err := w.accuse(ctx, kept, head, signed, true, why); err != nil {
			return err
		}
	}
	switch {
	case r.Old > head.Size:
		if r.Old == kept.Size {
			why := fmt.Sprintf("a head of %d leaves came after one of %d", head.Size, kept.Size)
			if err := w.accuse(ctx, kept, head, signed, false, why); err != nil {
				return err
			}
		}
		return refusal.Newf(CodeOldSize, "send a head that is not smaller than the one before", "the old size %d is larger than the head of %d leaves", r.Old, head.Size)
	case r.Old != kept.Size:
		return conflict(head.Origin, r.Old, kept.Size)
	}
	err := transcript.Extends(kept.Checkpoint, head, r.Proof)
	if err != nil && head.Size > kept.Size && kept.Note != nil {
		why := fmt.Sprintf("%d leaves are not shown to begin with the %d cosigned before", head.Size, kept.Size)
		if fault := w.accuse(ctx, kept, head, signed, false, why); fault != nil {
			return fault
		}
	}
	return err
}

func conflict(origin string, old, size uint64) error {
	return &Conflict{refusal.Newf(CodeConflict, "send a proof from that size", "this witness has cosigned log %s at %d leaves, and the old size is %d", origin, size, old), size}
}

// accuse keeps both notes and tells the operator.
func (w *Witness) accuse(ctx context.Context, kept *transcript.Witnessed, head transcript.Checkpoint, signed []byte, proven bool, why string) error {
	if kept.Note == nil {
		return nil // the empty tree contradicts nothing
	}
	c := transcript.Contradiction{Origin: head.Origin, Kept: kept.Note, Shown: signed, Proven: proven, Why: why, AtMS: w.cfg.Clock()}
	fresh, err := w.cfg.Store.Accuse(ctx, c, head, unprovenMost)
	if err != nil {
		return err
	}
	if fresh {
		w.cfg.Alarm(c)
	}
	return nil
}

// cosign records the head in the place of the one before and only then gives the cosignature.
func (w *Witness) cosign(ctx context.Context, from, head transcript.Checkpoint, signed []byte) ([]byte, error) {
	nowMS := w.cfg.Clock()
	signer, err := transcript.NewCosigner(w.cfg.Name, w.cfg.Key, nowMS/1000)
	if err != nil {
		return nil, err
	}
	line, err := note.Sign(&note.Note{Text: head.Text()}, signer)
	if err != nil {
		return nil, fmt.Errorf("cosign the head of %s at %d: %w", head.Origin, head.Size, err)
	}
	line = line[len(head.Text())+1:]
	recorded, err := w.cfg.Store.Advance(ctx, from, transcript.Witnessed{Checkpoint: head, Note: bytes.Join([][]byte{signed, line}, nil), AtMS: nowMS})
	if err != nil || recorded {
		return line, err
	}
	now, err := w.kept(ctx, head.Origin)
	switch {
	case err != nil:
		return nil, err
	case now.Checkpoint != from:
		return nil, conflict(head.Origin, from.Size, now.Size)
	}
	return nil, refusal.Newf(CodeLogStopped, "have the operator of this witness look at the evidence and clear it", "log %s has contradicted itself", head.Origin)
}

// Latest gives the head of a log that was cosigned last, as signed by the log and this witness; nil before the first. Refusal: log_unknown.
func (w *Witness) Latest(ctx context.Context, origin string) ([]byte, error) {
	if len(w.logs[origin]) == 0 {
		return nil, refusal.Newf(CodeLogUnknown, "ask for a log of this network", "this witness watches no log %.80q", origin)
	}
	kept, err := w.cfg.Store.Witnessed(ctx, origin)
	return kept.Note, err
}

// sizeLine is the body of the answer to a conflict.
func (c *Conflict) sizeLine() []byte { return append(strconv.AppendUint(nil, c.Size, 10), '\n') }
