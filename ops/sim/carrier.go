package sim

import (
	"entente/schema/wire"
	"entente/settlement/swap"
)

// packet is a message on its way: bytes, and the document that is attached.
type packet struct {
	from, to   string
	kind       wire.PayloadType
	payload    []byte
	attachment []byte
}

// carrier loses, repeats, delays and replays. It invents nothing: signatures are not simulated.
type carrier struct {
	history []packet
	parted  map[[2]string]int64 // until when two banks cannot reach each other
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

// arrive hands a packet to its recipient, read back from its bytes.
func (c *carrier) arrive(w *world, p packet) {
	b := w.bank(p.to)
	if b.machine == nil {
		w.tell("  %s of %s finds %s down", verb(p.kind), p.from, p.to)
		return
	}
	m, err := wire.ParseSwapMessage(p.kind, p.payload)
	if err != nil {
		w.breach("CODEC", "%s of %s cannot be read: %v", verb(p.kind), p.from, err)
	}
	if string(wire.Encode(m)) != string(p.payload) {
		w.breach("CODEC", "%s of %s reads as another message than was written", verb(p.kind), p.from)
	}
	e := swap.MessageVerified{Message: m, Hash: wire.PayloadHash(p.kind, p.payload), NowMS: b.clock(w)}
	if p.kind == wire.TypePropose {
		e.Payment, e.Refusal = w.desks.verified(p.attachment)
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
