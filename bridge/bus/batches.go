package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"entente/schema/wire"
)

// directWaiting is how many messages of one peer may wait on the direct path before more are dropped.
const directWaiting = 64

// SendBatch stores a batch in the sender's stream, for the recipient to fetch, and waits at most 2 s for the broker's acknowledgement.
// Refusals: bad_name, too_large, broker_denied. Faults: ErrStreamGone; a time-out or a lost broker, which may have taken the batch all the same.
func (b *Bus) SendBatch(ctx context.Context, from, to string, batch []byte) error {
	return b.sendBatch(ctx, from, to, batch, nil)
}

func (b *Bus) sendBatch(ctx context.Context, from, to string, batch []byte, h nats.Header) error {
	if err := b.checkBatch(from, to, batch); err != nil {
		return err
	}
	if err := b.publish(ctx, b.outboxStream(from), &nats.Msg{Subject: b.batchSubject(from, to), Header: h, Data: batch}); err != nil {
		return err
	}
	b.figures.add(b.figures.sent, 1, from, pathStream)
	return nil
}

// SendDirect sends a batch past the streams. Nothing tells whether anybody received it, or whether the broker's permissions refused it: that goes to OnError.
// Refusals: bad_name, too_large.
func (b *Bus) SendDirect(ctx context.Context, from, to string, batch []byte) error {
	return b.sendDirect(ctx, from, to, batch, nil)
}

func (b *Bus) sendDirect(ctx context.Context, from, to string, batch []byte, h nats.Header) error {
	if err := b.checkBatch(from, to, batch); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("bus: send to %s: %w", to, err)
	}
	if err := b.nc.PublishMsg(&nats.Msg{Subject: b.directSubject(from, to), Header: h, Data: batch}); err != nil {
		return fmt.Errorf("bus: send to %s: %w", to, err)
	}
	b.figures.add(b.figures.sent, 1, from, pathDirect)
	return nil
}

func (b *Bus) checkBatch(from, to string, batch []byte) error {
	if err := checkNames(from, to); err != nil {
		return err
	}
	return checkSize("a batch", len(batch), wire.LimitBatch)
}

// ReceiveBatches gives every batch for self to handle, from each peer's stream, beginning with what it still holds, and from the direct path. It outlives
// lost brokers and streams that do not exist yet; stop, the end of ctx, or Close end it.
//
// handle is called from several goroutines, one for each peer and path; it gets the same batch more than once, in any order. from is what the subject says
// and proves nothing; ctx carries traces (see Cause) and does not end. A batch of a stream counts as received when handle returns: if the process dies or the receiving ends before, it comes again. handle must not call stop.
// Refusals: bad_name.
func (b *Bus) ReceiveBatches(ctx context.Context, self string, peers []string, handle func(ctx context.Context, from string, batch []byte)) (stop func(), err error) {
	if err := checkNames(append([]string{self}, peers...)...); err != nil {
		return nil, err
	}
	var loops []func(context.Context)
	for _, peer := range peers {
		direct, err := b.subscribe(b.directSubject(peer, self), "", directWaiting, directWaiting*wire.LimitBatch)
		if err != nil {
			return nil, b.abandon(loops, err)
		}
		fromPeer := func(path, subject string, h nats.Header, batch []byte) {
			if err := checkSize("a batch from "+token(subject, 2), len(batch), wire.LimitBatch); err != nil {
				b.options.OnError(err)
				return
			}
			b.figures.add(b.figures.received, 1, self, path)
			handle(withCauses(context.WithoutCancel(ctx), h), token(subject, 2), batch)
		}
		loops = append(loops,
			func(ctx context.Context) {
				b.listen(ctx, direct, func(m *nats.Msg) { fromPeer(pathDirect, m.Subject, m.Header, m.Data) })
			},
			func(ctx context.Context) {
				b.consume(ctx, b.outboxStream(peer), "RECEIVE_"+self, b.batchSubject(peer, self), batchesAhead, func(m jetstream.Msg) {
					fromPeer(pathStream, m.Subject(), m.Headers(), m.Data())
				})
			})
	}
	if err := b.flush(ctx); err != nil {
		return nil, b.abandon(loops, err)
	}
	stop, err = b.start(ctx, loops...)
	if err != nil {
		return nil, b.abandon(loops, err)
	}
	return stop, nil
}

// abandon lets loops that will not run give back their subscriptions.
func (b *Bus) abandon(loops []func(context.Context), err error) error {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, loop := range loops {
		loop(ended)
	}
	return err
}
