package bus

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// OpenPosts makes the stream of the network's programme events, or checks the one that is there. It keeps every event: programmes last for years.
// Refusals: unsafe_broker_config: <field>, broker_denied.
func (b *Bus) OpenPosts(ctx context.Context) error {
	return b.open(ctx, b.stream(b.postsStream(), b.postSubject("*", "*"), 0, LimitPost+headerRoom))
}

// Post stores an author's event in a programme, for its readers, with the trace of ctx, and waits at most 2 s for the broker's acknowledgement. The author keeps the event itself.
// Refusals: bad_name, too_large, broker_denied. Faults as SendBatch.
func (b *Bus) Post(ctx context.Context, programme, author string, post []byte) error {
	if err := checkNames(programme, author); err != nil {
		return err
	}
	if err := checkSize("a post", len(post), LimitPost); err != nil {
		return err
	}
	return b.publish(ctx, b.postsStream(), &nats.Msg{Subject: b.postSubject(programme, author), Header: parentOf(ctx), Data: post})
}

// ReceivePosts gives every event of a programme to handle, one by one, from the first one on; a reader that comes back goes on where it was. It outlives lost
// brokers and a stream that does not exist yet; stop, the end of ctx, or Close end it.
//
// handle may get an event again, also in another order; ctx is within the trace that the event carries, and does not end. author is what the subject says and proves nothing. An event counts as read when handle returns before the end.
// handle must not call stop. Refusals: bad_name.
func (b *Bus) ReceivePosts(ctx context.Context, reader, programme string, handle func(ctx context.Context, author string, post []byte)) (stop func(), err error) {
	if err := checkNames(reader, programme); err != nil {
		return nil, err
	}
	return b.start(ctx, func(ctx context.Context) {
		b.consume(ctx, b.postsStream(), "READ_"+reader+"_"+programme, b.postSubject(programme, "*"), postsAhead, func(m jetstream.Msg) {
			author := token(m.Subject(), 3)
			if err := checkSize("a post of "+author, len(m.Data()), LimitPost); err != nil {
				b.options.OnError(err)
				return
			}
			handle(within(context.WithoutCancel(ctx), m.Headers()), author, m.Data())
		})
	})
}
