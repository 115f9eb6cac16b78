package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// batchesAhead and postsAhead are how many messages of one stream are fetched before they are handled; they bound the memory of a slow receiver.
	batchesAhead = 32
	postsAhead   = 8

	ackWait   = 10 * time.Second // until a stream repeats what a reader that died had fetched
	heartbeat = time.Second      // of a stream that has nothing to say; two missed ones make the reader start over

	retryLeast = 100 * time.Millisecond
	retryMost  = time.Second
)

// subscribe listens on a subject. More than the given messages or bytes waiting are dropped, and that is reported.
func (b *Bus) subscribe(subject, queue string, messages, bytes int) (*nats.Subscription, error) {
	s, err := b.nc.QueueSubscribeSync(subject, queue)
	if err == nil {
		err = s.SetPendingLimits(messages, bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: listen on %s: %w", subject, err)
	}
	return s, nil
}

// flush returns when the broker knows of every subscription made so far.
func (b *Bus) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, replyWait)
	defer cancel()
	if err := b.nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("bus: reach the broker: %w", err)
	}
	return nil
}

// listen handles a subscription's messages one by one until ctx ends, and gives it back.
func (b *Bus) listen(ctx context.Context, s *nats.Subscription, handle func(*nats.Msg)) {
	defer func() {
		if err := s.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.options.OnError(fmt.Errorf("bus: leave %s: %w", s.Subject, err))
		}
	}()
	for {
		m, err := s.NextMsgWithContext(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			handle(m)
		case errors.Is(err, nats.ErrSlowConsumer): // some were dropped; the error handler has reported it
		default:
			b.options.OnError(fmt.Errorf("bus: listen on %s: %w", s.Subject, err))
			return
		}
	}
}

// consume handles a stream's messages one by one until ctx ends, whatever happens to broker and stream meanwhile. Its place is kept by the broker under the
// durable name; where that is lost it begins with the oldest message the stream holds.
func (b *Bus) consume(ctx context.Context, stream, durable, filter string, ahead int, handle func(jetstream.Msg)) {
	wait, last := retryLeast, ""
	for {
		handled, err := b.consumeOnce(ctx, stream, durable, filter, ahead, handle)
		if ctx.Err() != nil {
			return // what could not be given back comes again after ackWait
		}
		if handled {
			wait, last = retryLeast, ""
		}
		// A stream that is not there yet is no news, and a lost broker is reported by the connection. Other faults are reported once in a row.
		if text := err.Error(); text != last && !errors.Is(err, jetstream.ErrStreamNotFound) && b.nc.IsConnected() {
			b.options.OnError(fmt.Errorf("bus: read the stream %s: %w", stream, err))
			last = text
		}
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, retryMost)
	}
}

// consumeOnce reads until a fault, and tells whether it had handled anything before.
func (b *Bus) consumeOnce(ctx context.Context, stream, durable, filter string, ahead int, handle func(jetstream.Msg)) (handled bool, err error) {
	messages, err := b.attach(ctx, stream, durable, filter, ahead)
	if err != nil {
		return false, err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil {
			return handled, b.giveBack(messages, m)
		}
		if err != nil {
			return handled, err
		}
		handle(m)
		if ctx.Err() != nil { // the handler may have given up: it comes again
			return handled, b.giveBack(messages, m)
		}
		handled = true
		if err := m.Ack(); err != nil {
			return handled, fmt.Errorf("acknowledge: %w", err)
		}
	}
}

// giveBack returns what was fetched and will not be handled, so that the next reader gets it now and not after ackWait. It waits for the broker to stop
// sending, or replyWait.
func (b *Bus) giveBack(messages jetstream.MessagesContext, m jetstream.Msg) error {
	if !b.nc.IsConnected() {
		return nil
	}
	messages.Drain()
	var err error
	for ; err == nil; m, err = messages.Next(jetstream.NextMaxWait(replyWait)) {
		if m == nil {
			continue
		}
		if err := m.Nak(); err != nil {
			return fmt.Errorf("give back: %w", err)
		}
	}
	if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
		return nil
	}
	return fmt.Errorf("give back: %w", err)
}

func (b *Bus) attach(ctx context.Context, stream, durable, filter string, ahead int) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, replyWait)
	defer cancel()
	ctx, done := b.calls.watch(ctx, "$JS.API.CONSUMER.CREATE."+stream+"."+durable+"."+filter)
	defer done()
	c, err := b.js.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable: durable, FilterSubject: filter, DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait,
		MaxAckPending: 4 * ahead,
	})
	if err != nil {
		return nil, outcome(ctx, err)
	}
	return c.Messages(jetstream.PullMaxMessages(ahead), jetstream.PullHeartbeat(heartbeat), jetstream.PullExpiry(10*heartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
}
