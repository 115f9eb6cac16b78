package engine_test

import (
	"context"
	"sync"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/payment"
	"entente/settlement/swap"
)

// aloof is a bank that answers greetings and nothing else.
type aloof struct {
	house   *house
	mu      sync.Mutex
	machine *swap.Machine
	greeted chan struct{}
	once    sync.Once
}

// besides has a silent peer answer a house's greetings, and hands on what the house says besides them.
func besides(h *house, peer string, next func([]engine.Message)) *aloof {
	s := &aloof{house: h, machine: swap.New(network, peer, "XXX", 1), greeted: make(chan struct{})}
	s.machine.Know(swap.Peer{Bank: h.bank})
	s.machine.Step(swap.Started{Nonce: randomID(), NowMS: now()})
	h.deliver = func(messages []engine.Message) {
		var rest []engine.Message
		for _, m := range messages {
			if m.Passing() {
				go s.answer(m)
			} else {
				rest = append(rest, m)
			}
		}
		if len(rest) > 0 {
			next(rest)
		}
	}
	return s
}

func (s *aloof) answer(m engine.Message) {
	envelope, err := wire.ParseEnvelope(m.Envelope, wire.LimitMessage)
	if err != nil {
		s.house.t.Error(err)
		return
	}
	hello, err := wire.ParseSwapMessage(envelope.Type, envelope.Payload)
	if err != nil {
		s.house.t.Error(err)
		return
	}
	s.mu.Lock()
	out := s.machine.Step(swap.MessageVerified{Message: hello, Hash: m.Hash, NowMS: now()})
	s.mu.Unlock()
	for _, o := range out.Send {
		// The engine may have stopped meanwhile; the greeting comes again in its next run.
		if _, err := s.house.present().Submit(context.Background(), engine.Work{Event: swap.MessageVerified{Message: o.Message, Hash: o.Hash, NowMS: now()}}); err == nil {
			s.once.Do(func() { close(s.greeted) })
		}
	}
}

// received is a message as its recipient's verifier hands it over, with what is to be stored of it.
func (p *pair) received(to *house, m engine.Message, msg wire.SwapMessage) (swap.MessageVerified, []engine.Evidence) {
	event := swap.MessageVerified{Message: msg, Hash: m.Hash, NowMS: now()}
	evidence := []engine.Evidence{{Kind: engine.EvidenceMessage, Hash: m.Hash, Bytes: m.Envelope}}
	switch {
	case len(m.Attachment) == 0:
	case m.Key.Type == wire.TypePropose:
		event.Payment = p.packageOf(m.Attachment)
		evidence = append(evidence, engine.Evidence{Kind: engine.EvidenceAttachment, Hash: wire.AttachmentHash(m.Attachment), Bytes: m.Attachment})
	default:
		var enclosed []engine.Evidence
		event.Held, enclosed = p.unfold(to, m.Attachment)
		evidence = append(evidence, enclosed...)
	}
	return event, evidence
}

func (p *pair) packageOf(attachment []byte) *payment.Authorised {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packages[wire.AttachmentHash(attachment)]
}

// unfold reads and verifies the messages that another one encloses.
func (p *pair) unfold(to *house, attachment []byte) (held []swap.Held, evidence []engine.Evidence) {
	batch, err := wire.ParseBatch(attachment)
	if err != nil {
		to.t.Errorf("an enclosure to %s: %v", to.bank, err)
	}
	for i := range batch.Messages {
		e := &batch.Messages[i]
		msg, err := wire.ParseSwapMessage(e.Type, e.Payload)
		if _, unsigned := e.Verify(e.Type, p); err != nil || unsigned != nil {
			to.t.Errorf("an enclosed message to %s: %v, %v", to.bank, err, unsigned)
			continue
		}
		h := swap.Held{Message: msg, Hash: e.Hash()}
		evidence = append(evidence, engine.Evidence{Kind: engine.EvidenceMessage, Hash: h.Hash, Bytes: e.Bytes()})
		if propose, ok := msg.(*wire.Propose); ok {
			terms, err := wire.ParseTerms(propose.Terms)
			if err != nil {
				to.t.Error(err)
			}
			for _, a := range batch.Attachments {
				if wire.AttachmentHash(a) == terms.Proofs {
					h.Package, h.Payment = a, p.packageOf(a)
					evidence = append(evidence, engine.Evidence{Kind: engine.EvidenceAttachment, Hash: terms.Proofs, Bytes: a})
				}
			}
		}
		held = append(held, h)
	}
	return held, evidence
}
