package swap

import (
	"math"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// receive checks what every message must be before its own rules apply.
func (m *Machine) receive(out *Output, e MessageVerified, now int64) {
	h := e.Message.Head()
	if err := m.acceptable(h); err != nil {
		m.refuse(out, err, h.Swap, now)
		return
	}
	switch msg := e.Message.(type) {
	case *wire.Hello:
		m.greeted(out, msg, e.Hash, now)
		return
	case *wire.HelloReply:
		m.replied(out, msg, e, now)
		return
	}
	if !m.Speaks(h.Sender) {
		return // it comes again, and by then it is known how far each has heard the other
	}
	c := m.channel(h.Sender)
	switch held := m.holds(e.Message, e.Hash); {
	case held:
	case h.Epoch < c.Floor:
		m.refuse(out, refusal.Newf(CodeStaleEpoch, "sign again in the present epoch", "a message of epoch %s of %s, the floor is %s", EpochText(h.Epoch), h.Sender, EpochText(c.Floor)), h.Swap, now)
		return
	case h.Epoch > c.PeerEpoch:
		m.refuse(out, refusal.Newf(CodeStaleEpoch, "greet before anything is sent in a new epoch", "a message of epoch %s of %s, which has greeted in epoch %s", EpochText(h.Epoch), h.Sender, EpochText(c.PeerEpoch)), h.Swap, now)
		return
	}
	if c.heard().Before(Place{h.Epoch, h.Seq}) {
		c.HeardEpoch, c.Heard = h.Epoch, h.Seq
	}
	switch msg := e.Message.(type) {
	case *wire.Propose:
		m.proposed(out, msg, e, now)
	case *wire.Vote:
		m.voted(out, msg, e.Hash, now)
	case *wire.Decision:
		m.decided(out, msg, e, now)
	case *wire.DecisionAck:
		m.acked(out, msg, now)
	}
}

// acceptable guards where a message comes from and goes to.
func (m *Machine) acceptable(h *wire.Header) error {
	switch {
	case h.Network != m.Network:
		return refusal.Newf(wire.CodeWrongNetwork, "send it to its own network", "a message for network %q came to %q", h.Network, m.Network)
	case h.Recipient != m.Bank:
		return refusal.Newf(wire.CodeWrongRecipient, "send it to its recipient", "a message for %q came to %q", h.Recipient, m.Bank)
	case !m.Knows(h.Sender):
		return refusal.Newf(CodePeerUnknown, "deal with banks of the trust file", "there is no bank %q in this network", h.Sender)
	case h.Epoch > math.MaxInt64 || h.Seq > math.MaxInt64:
		return refusal.Newf(wire.CodeMalformed, "count epochs and messages one by one", "a message of %s with number %d in epoch %d", h.Sender, h.Seq, h.Epoch)
	}
	return nil
}

// holds tells whether this very message was taken already: then its epoch does not matter any more.
func (m *Machine) holds(msg wire.SwapMessage, hash wire.Hash) bool {
	h := msg.Head()
	s := m.swaps[h.Swap]
	if s == nil {
		return false
	}
	p := s.peer(h.Sender)
	if p == nil {
		return false
	}
	switch msg.(type) {
	case *wire.Propose:
		return s.Role == Responder && p.Proposal == hash
	case *wire.Vote:
		return s.Role == Initiator && p.Vote == hash
	case *wire.Decision:
		return s.Role == Responder && p.Decision == hash
	}
	return false
}

// hear notes the place of a message that a swap has taken.
func (p *Peering) hear(h *wire.Header) bool {
	if at := (Place{h.Epoch, h.Seq}); p.Heard.Before(at) {
		p.Heard = at
		return true
	}
	return false
}
