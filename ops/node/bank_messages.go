package node

import (
	"context"
	"slices"
	"sync"

	"entente/bridge/bus"
	"entente/ops/failpoint"
	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/payment"
	"entente/settlement/swap"
)

// peersOf lists the other banks of the trust file.
func peersOf(cfg *BankConfig) []swap.Peer {
	var peers []swap.Peer
	for _, other := range cfg.Trust.Banks {
		if other.ID != cfg.ID {
			peers = append(peers, swap.Peer{Bank: other.ID, DoubtMinor: cfg.DoubtMinor})
		}
	}
	return peers
}

// storedPoints name the moment between a message's commit and its way out.
var storedPoints = map[wire.PayloadType]string{
	wire.TypePropose: failpoint.BankProposeStored, wire.TypeVote: failpoint.BankVoteStored, wire.TypeDecision: failpoint.BankDecisionStored,
	wire.TypeDecisionAck: failpoint.BankAckStored,
}

// deliver hands stored messages to the carrier. It runs after their commit.
func (b *Bank) deliver(messages []engine.Message) {
	items := make([]bus.Item, len(messages))
	for i, m := range messages {
		if !m.Passing() {
			failpoint.Pass(storedPoints[m.Key.Type])
		}
		items[i] = bus.Item{Recipient: m.Key.Recipient, Envelope: m.Envelope, Attachment: m.Attachment, Attempt: m.Attempt, Cause: m.Cause}
	}
	b.outbox.Deliver(items)
}

// receive takes a batch off the carrier. Every message is verified over the bytes received before it is read; all of a batch enter the engine together, so
// that they share one commit.
func (b *Bank) receive(ctx context.Context, from string, bytes []byte) {
	batch, err := wire.ParseBatch(bytes)
	if err != nil {
		b.cfg.Log.Warn("batch dropped", "from", from, "code", string(refusal.CodeOf(err)))
		return
	}
	attached := &enclosures{batch: &batch}
	var sent sync.WaitGroup
	for i := range batch.Messages {
		ctx, span := b.arrival(ctx, from, batch.Messages[i].Hash())
		work, err := b.admit(&batch.Messages[i], attached)
		if err != nil {
			telemetry.End(span, err)
			b.cfg.Log.Warn("message dropped", "from", from, "code", string(refusal.CodeOf(err)))
			continue
		}
		sent.Add(1)
		go func() {
			defer sent.Done()
			// A refusal is on record in the bank's notes; a fault stops the engine, and the message comes again.
			_, err := b.engine.Submit(ctx, work)
			telemetry.End(span, err)
			if err != nil && refusal.CodeOf(err) == "" && b.ctx.Err() == nil {
				b.cfg.Log.Error("message not processed", "from", from, "error", err)
			}
		}()
	}
	sent.Wait()
}

// admit verifies one message of SWAP/1 and, for a proposal, what its attached package authorises.
func (b *Bank) admit(envelope *wire.Envelope, attached *enclosures) (engine.Work, error) {
	payload := envelope.Payload
	if len(payload) > wire.LimitMessage {
		return engine.Work{}, refusal.Newf(wire.CodeTooLarge, "send a smaller message", "a message of %d bytes", len(payload))
	}
	message, err := b.verified(envelope)
	if err != nil {
		return engine.Work{}, err
	}
	event := swap.MessageVerified{Message: message, Hash: envelope.Hash(), NowMS: b.cfg.Clock()}
	evidence := []engine.Evidence{{Kind: engine.EvidenceMessage, Hash: event.Hash, Bytes: envelope.Bytes()}}
	switch m := message.(type) {
	case *wire.Propose:
		terms, err := wire.ParseTerms(m.Terms)
		if err != nil {
			return engine.Work{}, err
		}
		if bytes, there := attached.document(terms.Proofs); there {
			event.Payment, event.Refusal = b.authorised(bytes, b.cfg.Clock())
			evidence = append(evidence, engine.Evidence{Kind: engine.EvidenceAttachment, Hash: terms.Proofs, Bytes: bytes})
		}
	case *wire.Decision:
		err = b.unfold(attached, m.Votes, &event, &evidence)
	case *wire.HelloReply:
		err = b.unfold(attached, m.Held, &event, &evidence)
	}
	return engine.Work{Event: event, Evidence: evidence}, err
}

// verified verifies a message over the bytes received, before it is read.
func (b *Bank) verified(envelope *wire.Envelope) (wire.SwapMessage, error) {
	signers, err := envelope.Verify(envelope.Type, b.cfg.Trust)
	if err != nil {
		return nil, err
	}
	message, err := wire.ParseSwapMessage(envelope.Type, envelope.Payload)
	if err != nil {
		return nil, err
	}
	if len(signers) != 1 || signers[0].Owner != message.Head().Sender {
		return nil, refusal.Newf(wire.CodeSigInvalid, "sign with a key of the sender", "a message of %s is signed by %s", message.Head().Sender, signers[0].Owner)
	}
	return message, nil
}

// unfold verifies the messages that another one encloses: those it names, and the votes that a decision among them names. What is missing is the machine's
// business; what is there and not signed makes the whole worthless.
func (b *Bank) unfold(attached *enclosures, named []wire.Hash, event *swap.MessageVerified, evidence *[]engine.Evidence) error {
	for _, hash := range named {
		envelope := attached.message(hash)
		if envelope == nil || slices.ContainsFunc(event.Held, func(h swap.Held) bool { return h.Hash == hash }) {
			continue
		}
		message, err := b.verified(envelope)
		if err != nil {
			return err
		}
		held := swap.Held{Message: message, Hash: hash}
		*evidence = append(*evidence, engine.Evidence{Kind: engine.EvidenceMessage, Hash: hash, Bytes: envelope.Bytes()})
		if m, ok := message.(*wire.Propose); ok {
			held.Package, held.Payment = b.packed(attached, m, evidence)
		}
		event.Held = append(event.Held, held)
		if m, ok := message.(*wire.Decision); ok {
			if err := b.unfold(attached, m.Votes, event, evidence); err != nil {
				return err
			}
		}
	}
	return nil
}

// packed gives the package of an enclosed proposal, and what it authorised when the terms were written; nothing where it is missing or was refused.
func (b *Bank) packed(attached *enclosures, m *wire.Propose, evidence *[]engine.Evidence) ([]byte, *payment.Authorised) {
	terms, err := wire.ParseTerms(m.Terms)
	if err != nil {
		return nil, nil
	}
	bytes, there := attached.document(terms.Proofs)
	if !there {
		return nil, nil
	}
	*evidence = append(*evidence, engine.Evidence{Kind: engine.EvidenceAttachment, Hash: terms.Proofs, Bytes: bytes})
	authorised, err := b.authorised(bytes, terms.CreatedMS)
	if err != nil {
		return bytes, nil
	}
	return bytes, authorised
}

// enclosures are what came with a batch: documents by their hash, and messages inside them.
type enclosures struct {
	batch     *wire.Batch
	documents map[wire.Hash][]byte
	messages  map[wire.Hash]*wire.Envelope // nil until one is asked for
}

// document finds an attached document.
func (e *enclosures) document(hash wire.Hash) ([]byte, bool) {
	if e.documents == nil {
		e.documents = make(map[wire.Hash][]byte, len(e.batch.Attachments))
		e.attach(e.batch.Attachments)
	}
	b, there := e.documents[hash]
	return b, there
}

func (e *enclosures) attach(all [][]byte) {
	for _, a := range all {
		e.documents[wire.AttachmentHash(a)] = a
	}
}

// message finds an enclosed message, nil if it is not there.
func (e *enclosures) message(hash wire.Hash) *wire.Envelope {
	if e.messages == nil {
		e.messages = map[wire.Hash]*wire.Envelope{}
		e.document(wire.Hash{})
		for _, a := range e.batch.Attachments {
			folded, err := wire.ParseBatch(a)
			if err != nil {
				continue // another message's document
			}
			for i := range folded.Messages {
				e.messages[folded.Messages[i].Hash()] = &folded.Messages[i]
			}
			e.attach(folded.Attachments)
		}
	}
	return e.messages[hash]
}

// authorised reads a payment package and verifies everything in it that does not depend on the ledger, as of a time.
func (b *Bank) authorised(bytes []byte, atMS int64) (*payment.Authorised, error) {
	p, err := wire.ParsePayment(bytes)
	if err != nil {
		return nil, err
	}
	return payment.Verify(&p, b.cfg.Trust, atMS)
}
