package engine

import (
	"context"
	"fmt"
	"slices"

	"entente/schema/wire"
	"entente/settlement/swap"
)

// enclose puts messages into one attachment: each as it was signed, with the votes that a commit names and the package that a proposal names. What is not at
// hand is left out, and so is what would make the attachment too large: then the recipient learns less, and nothing that is wrong.
// It tells which of the messages are in.
func (e *Engine) enclose(d *draft, w *work, hashes []wire.Hash) (attachment []byte, in []wire.Hash, err error) {
	var all wire.Batch
	size := 0
	seen := map[wire.Hash]bool{}
	var add func(wire.Hash) error
	add = func(hash wire.Hash) error {
		if seen[hash] {
			return nil
		}
		seen[hash] = true
		b, err := e.envelope(d, w, hash)
		if err != nil || b == nil {
			return err
		}
		envelope, err := wire.ParseEnvelope(b, wire.LimitAttachment)
		if err != nil {
			return fmt.Errorf("message %s is not as it was stored: %w", hash.Short(), err)
		}
		if size += len(b) + enclosedHead; size > wire.LimitEnclosed {
			return nil
		}
		all.Messages = append(all.Messages, envelope)
		m, err := wire.ParseSwapMessage(envelope.Type, envelope.Payload)
		if err != nil {
			return fmt.Errorf("message %s is not as it was stored: %w", hash.Short(), err)
		}
		switch m := m.(type) {
		case *wire.Decision:
			for _, vote := range m.Votes {
				if err := add(vote); err != nil {
					return err
				}
			}
		case *wire.Propose:
			terms, err := wire.ParseTerms(m.Terms)
			if err != nil {
				return nil //nolint:nilerr // terms that were refused have no package
			}
			pack, ok, err := e.document(d, w, EvidenceAttachment, terms.Proofs)
			if err != nil {
				return err
			}
			if ok && size+len(pack)+enclosedHead <= wire.LimitEnclosed {
				size += len(pack) + enclosedHead
				all.Attachments = append(all.Attachments, pack)
			}
		}
		return nil
	}
	for _, hash := range hashes {
		if err := add(hash); err != nil {
			return nil, nil, err
		}
	}
	for i := range all.Messages {
		if hash := all.Messages[i].Hash(); slices.Contains(hashes, hash) {
			in = append(in, hash)
		}
	}
	return all.Bytes(), in, nil
}

// enclosedHead is what an element of a list costs beside its own bytes, and more.
const enclosedHead = 32

// envelope finds a signed message by its payload hash, received or sent; nil if it is not there.
func (e *Engine) envelope(d *draft, w *work, hash wire.Hash) ([]byte, error) {
	b, ok, err := e.document(d, w, EvidenceMessage, hash)
	if err != nil || ok {
		return b, err
	}
	for i := range d.batch.Messages {
		if m := &d.batch.Messages[i]; m.Hash == hash {
			return m.Envelope, nil
		}
	}
	m, ok, err := e.cfg.Store.Sent(context.Background(), hash)
	if err != nil || !ok {
		return nil, err
	}
	return m.Envelope, nil
}

// document finds evidence: of this work, of this batch, or stored.
func (e *Engine) document(d *draft, w *work, kind string, hash wire.Hash) ([]byte, bool, error) {
	for _, docs := range [][]Evidence{w.Evidence, d.batch.Evidence} {
		for i := range docs {
			if docs[i].Kind == kind && docs[i].Hash == hash {
				return docs[i].Bytes, true, nil
			}
		}
	}
	return e.cfg.Store.Evidence(context.Background(), kind, hash)
}

// convict keeps the two messages in which a bank contradicted itself as one proof.
func (e *Engine) convict(d *draft, w *work, c *swap.Conflict) error {
	var proof wire.Equivocation
	for _, m := range []struct {
		hash wire.Hash
		into *wire.Envelope
	}{{c.First, &proof.First}, {c.Second, &proof.Second}} {
		b, err := e.envelope(d, w, m.hash)
		if err != nil || b == nil { // a bank that lost the first word has none to show
			return err
		}
		if *m.into, err = wire.ParseEnvelope(b, wire.LimitAttachment); err != nil {
			return fmt.Errorf("message %s is not as it was stored: %w", m.hash.Short(), err)
		}
	}
	d.evidence(Evidence{Kind: EvidenceEquivocation, Hash: proof.Hash(), Bytes: proof.Bytes()})
	return nil
}
