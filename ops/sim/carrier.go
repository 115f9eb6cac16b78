package sim

import (
	"slices"

	"entente/schema/wire"
	"entente/settlement/swap"
)

// packet is a message on its way: bytes, and the document that is attached.
type packet struct {
	from, to   string
	kind       wire.PayloadType
	message    wire.SwapMessage
	hash       wire.Hash
	attachment []byte
	held       []swap.Held // enclosed messages
}

// pack makes a packet of what a bank sends. What a message encloses is looked up among all that was ever sent: a bank names only what it holds.
func (c *carrier) pack(from string, o swap.Outgoing) packet {
	p := packet{from: from, to: o.Key.Recipient, kind: o.Key.Type, message: o.Message, hash: o.Hash, attachment: o.Attachment}
	if !o.Passing {
		if c.sent == nil {
			c.sent = map[wire.Hash]swap.Held{}
		}
		c.sent[o.Hash] = swap.Held{Message: o.Message, Hash: o.Hash, Package: o.Attachment}
	}
	for _, hash := range o.Encloses {
		c.enclose(&p, hash)
	}
	return p
}

func (c *carrier) enclose(p *packet, hash wire.Hash) {
	h, ok := c.sent[hash]
	if !ok {
		panic("sim: a message encloses one that nobody sent")
	}
	p.held = append(p.held, h)
	if d, is := h.Message.(*wire.Decision); is {
		for _, vote := range d.Votes {
			c.enclose(p, vote)
		}
	}
}

// carrier loses, repeats, delays and replays. It invents nothing: signatures are not simulated.
type carrier struct {
	history []packet
	sent    map[wire.Hash]swap.Held // every message that was ever stored, by its hash
	parted  map[[2]string]int64     // until when two banks cannot reach each other
}

// send gives a packet to the carrier.
func (c *carrier) send(w *world, p packet) {
	w.result.Messages++
	c.history = append(c.history, p)
	if c.parted[pair(p.from, p.to)] > w.nowMS || w.chance(w.faults.lossPercent) {
		w.result.Lost++
		w.tell("  the carrier loses %s of %s to %s", verb(p.kind), p.from, p.to)
		return
	}
	copies := 1
	for copies < 4 && w.chance(w.faults.copyPercent) {
		copies++
	}
	for range copies {
		delay := 1 + w.random.Int64N(w.faults.delayMS)
		if w.chance(w.faults.longPercent) {
			delay = w.random.Int64N(20_000)
		}
		w.after(delay, func() { c.arrive(w, p) })
	}
}

// arrive hands a packet to its recipient.
func (c *carrier) arrive(w *world, p packet) {
	b := w.bank(p.to)
	if b.machine == nil {
		w.tell("  %s of %s finds %s down", verb(p.kind), p.from, p.to)
		return
	}
	m := p.message
	e := swap.MessageVerified{Message: m, Hash: p.hash, Held: p.held, NowMS: b.clock(w)}
	if p.kind == wire.TypePropose {
		e.Payment, e.Refusal = w.desks.verified(p.attachment)
	}
	if p.kind == wire.TypeHelloReply && len(p.held) > 0 {
		e.Held = slices.Clone(p.held)
		for i := range e.Held {
			if _, is := e.Held[i].Message.(*wire.Propose); is {
				e.Held[i].Payment, _ = w.desks.verified(e.Held[i].Package)
			}
		}
	}
	if h := m.Head(); h.Seq == 0 {
		b.step(w, e, "%s of %s", verb(p.kind), p.from)
		return
	}
	b.step(w, e, "%s of %s for %s", verb(p.kind), p.from, m.Head().Swap.Short())
}

// trouble parts two banks for a while, and replays something old, now and then.
func (c *carrier) trouble(w *world) {
	if w.healed {
		return
	}
	if w.faults.partitionEvery > 0 && w.random.Int64N(w.faults.partitionEvery) < 1_000 {
		a, b := w.banks[w.random.IntN(len(w.banks))], w.banks[w.random.IntN(len(w.banks))]
		if a != b {
			if c.parted == nil {
				c.parted = map[[2]string]int64{}
			}
			c.parted[pair(a.name, b.name)] = w.nowMS + w.between(500, 12_000)
			w.tell("  %s and %s cannot reach each other", a.name, b.name)
		}
	}
	if len(c.history) > 0 && w.chance(w.faults.replayPercent) {
		p := c.history[w.random.IntN(len(c.history))]
		w.result.Replayed++
		w.after(w.random.Int64N(2_000), func() { c.arrive(w, p) })
	}
	w.after(1_000, func() { c.trouble(w) })
}

func pair(a, b string) [2]string {
	if a > b {
		a, b = b, a
	}
	return [2]string{a, b}
}

func verb(t wire.PayloadType) string {
	switch t {
	case wire.TypePropose:
		return "PROPOSE"
	case wire.TypeVote:
		return "VOTE"
	case wire.TypeDecision:
		return "DECISION"
	case wire.TypeHello:
		return "HELLO"
	case wire.TypeHelloReply:
		return "HELLO_REPLY"
	}
	return "ACK"
}
