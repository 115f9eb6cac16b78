package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/trace"

	"entente/schema/wire"
)

// directFrom is the attempt from which a message also goes past the streams: the first may be on its way still.
const directFrom = 2

// Item is one signed message for one bank.
type Item struct {
	Recipient  string
	Envelope   []byte            // canonical bytes of a wire.Envelope
	Attachment []byte            // the document the message names by its hash, nil for none
	Attempt    int               // 1 when it is sent for the first time
	Cause      trace.SpanContext // trace that it belongs to, carried beside it; the zero one for none
}

// Outbox gathers a bank's messages into batches: while one batch for a recipient is on its way the next one fills, so that a single message leaves at once and
// many share one round trip. It keeps nothing: what is not taken is the engine's to send again. It ends with Close or its bus and is safe for concurrent use.
type Outbox struct {
	bus     *Bus
	bank    string
	dropped atomic.Uint64
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc

	mu    sync.Mutex
	lanes map[laneKey]*lane
}

type laneKey struct {
	recipient string
	direct    bool
}

// NewOutbox makes the outbox of a bank. The bank's stream must be open (OpenOutbox); if it is lost later, the outbox opens it again.
func NewOutbox(b *Bus, bank string) *Outbox {
	o := &Outbox{bus: b, bank: bank, lanes: map[laneKey]*lane{}}
	o.ctx, o.cancel = context.WithCancel(b.ctx)
	return o
}

// Close ends the sending; what waits is dropped.
func (o *Outbox) Close() { o.cancel() }

// Deliver queues messages and returns without waiting for the broker. Those from the second attempt on take the direct path as well. What does not fit the
// queue, or cannot be part of a batch, is dropped and counted; the reason of the latter goes to OnError. The items' bytes must not be changed afterwards.
func (o *Outbox) Deliver(messages []Item) {
	for _, m := range messages {
		p, err := wrap(m)
		if err != nil {
			o.drop(1, err)
			continue
		}
		o.queue(laneKey{recipient: m.Recipient}, p)
		if m.Attempt >= directFrom {
			o.queue(laneKey{recipient: m.Recipient, direct: true}, p)
		}
	}
}

// Dropped counts messages, once for each path, that were given up before the broker took them.
func (o *Outbox) Dropped() uint64 { return o.dropped.Load() }

func (o *Outbox) queue(key laneKey, p parcel) {
	l, err := o.lane(key)
	if err != nil {
		o.drop(1, err)
		return
	}
	if !l.push(p) {
		o.count(1)
	}
}

func (o *Outbox) count(n int) {
	o.dropped.Add(uint64(n))
	o.bus.figures.add(o.bus.figures.dropped, n, o.bank, "")
}

func (o *Outbox) drop(n int, err error) {
	o.count(n)
	o.bus.options.OnError(fmt.Errorf("bus: outbox of %s: %w", o.bank, err))
}

// lane finds or starts what sends to a recipient on one path.
func (o *Outbox) lane(key laneKey) (*lane, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l, ok := o.lanes[key]; ok {
		return l, nil
	}
	if err := checkNames(key.recipient); err != nil {
		return nil, err
	}
	l := &lane{wake: make(chan struct{}, 1)}
	if _, err := o.bus.start(o.ctx, func(ctx context.Context) { o.run(ctx, key, l) }); err != nil {
		return nil, err
	}
	o.lanes[key] = l
	return l, nil
}

func (o *Outbox) run(ctx context.Context, key laneKey, l *lane) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		for batch, h := l.take(); len(batch.Messages) > 0 && ctx.Err() == nil; batch, h = l.take() {
			o.send(ctx, key, batch, h)
		}
	}
}

// send tries once. The engine sends again what is not acknowledged by its recipient, so a lost batch costs time only.
func (o *Outbox) send(ctx context.Context, key laneKey, batch wire.Batch, h nats.Header) {
	var err error
	if key.direct {
		err = o.bus.sendDirect(ctx, o.bank, key.recipient, batch.Bytes(), h)
	} else {
		err = o.bus.sendBatch(ctx, o.bank, key.recipient, batch.Bytes(), h)
	}
	if errors.Is(err, ErrStreamGone) {
		err = errors.Join(err, o.bus.OpenOutbox(ctx, o.bank))
	}
	if err != nil && ctx.Err() == nil {
		o.drop(len(batch.Messages), err)
	}
}
