package engine

import (
	"sync"

	"entente/settlement/swap"
)

// Back-off of messages that wait for an answer.
const (
	resendFirstMS = 250
	resendMostMS  = 5_000
)

// outbox is what waits for an answer. It belongs to the writer.
type outbox struct {
	waiting map[swap.MessageKey]*letter
	dueMS   int64 // not later than the earliest letter is due
	lastMS  int64 // when it was last looked at
}

// letter is a message with its back-off.
type letter struct {
	Message
	dueMS   int64
	pauseMS int64
}

func newOutbox() *outbox { return &outbox{waiting: map[swap.MessageKey]*letter{}} }

// put adds a message that was sent now, or that waits for its recipient.
func (o *outbox) put(m Message, nowMS int64, sent bool) {
	l := &letter{Message: m, dueMS: nowMS + resendFirstMS, pauseMS: resendFirstMS}
	if !sent {
		l.dueMS, l.pauseMS, l.Attempt = nowMS, resendFirstMS/2, 0
	}
	o.waiting[m.Key] = l
	o.dueMS = min(o.dueMS, l.dueMS)
	if len(o.waiting) == 1 {
		o.dueMS = l.dueMS
	}
}

func (o *outbox) has(key swap.MessageKey) bool { return o.waiting[key] != nil }

func (o *outbox) remove(key swap.MessageKey) { delete(o.waiting, key) }

// again counts one more delivery of a message outside its turn.
func (o *outbox) again(key swap.MessageKey) (Message, bool) {
	l := o.waiting[key]
	if l == nil {
		return Message{}, false
	}
	l.Attempt++
	return l.Message, true
}

// due gives the messages whose pause is over and whose recipient is spoken to, and doubles their pauses.
func (o *outbox) due(nowMS int64, speaks func(peer string) bool) []Message {
	if nowMS < o.lastMS { // the clock was set back: pauses begin anew
		for _, l := range o.waiting {
			l.dueMS = nowMS + l.pauseMS
		}
		o.dueMS = nowMS
	}
	o.lastMS = nowMS
	if len(o.waiting) == 0 || nowMS < o.dueMS {
		return nil
	}
	var messages []Message
	next := nowMS + resendMostMS
	for _, l := range o.waiting {
		if l.dueMS <= nowMS && speaks(l.Key.Recipient) {
			l.pauseMS = min(2*l.pauseMS, resendMostMS)
			l.dueMS = nowMS + l.pauseMS
			l.Attempt++
			messages = append(messages, l.Message)
		}
		next = min(next, l.dueMS)
	}
	o.dueMS = next
	sortMessages(messages)
	return messages
}

// courier hands messages to the carrier in a goroutine of its own, so that a slow carrier never holds up the ledger.
type courier struct {
	deliver func([]Message)
	mu      sync.Mutex
	ready   *sync.Cond
	queue   [][]Message
	held    int // messages in the queue
	closed  bool
	done    chan struct{}
}

// courierMost bounds what waits for a slow carrier; beyond it messages are left out: what needs an answer comes round again.
const courierMost = 1 << 16

func newCourier(deliver func([]Message)) *courier {
	c := &courier{deliver: deliver, done: make(chan struct{})}
	c.ready = sync.NewCond(&c.mu)
	go c.run()
	return c
}

// send queues messages and returns at once.
func (c *courier) send(messages []Message) {
	if len(messages) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.held >= courierMost {
		return
	}
	c.queue = append(c.queue, messages)
	c.held += len(messages)
	c.ready.Signal()
}

func (c *courier) run() {
	defer close(c.done)
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && !c.closed {
			c.ready.Wait()
		}
		if c.closed {
			c.mu.Unlock()
			return
		}
		messages := c.queue[0]
		c.queue = c.queue[1:]
		c.held -= len(messages)
		c.mu.Unlock()
		c.deliver(messages)
	}
}

// close drops what was not handed over yet and waits for the delivery in hand.
func (c *courier) close() {
	c.mu.Lock()
	c.closed = true
	c.ready.Signal()
	c.mu.Unlock()
	<-c.done
}
