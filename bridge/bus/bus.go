package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/metric"

	"entente/schema/refusal"
	"entente/schema/wire"
)

const (
	// LimitAsk is the largest request and the largest answer, in bytes.
	LimitAsk = 8 << 20
	// LimitPost is the largest programme event, in bytes: a sealed body of 4 MiB and its envelope.
	LimitPost = 4<<20 + 64<<10

	// headerRoom is what a message may weigh beside its body: broker limits count headers too.
	headerRoom = 64 << 10

	connectWait = 5 * time.Second // for the broker to take a connection
	replyWait   = 2 * time.Second // for the broker to acknowledge a publish or answer about a stream
	askWait     = 10 * time.Second
)

// Options say which broker to use and on whose network.
type Options struct {
	// URL is the broker's address. A user and password may be part of it.
	URL string
	// InProcess, when set, is a broker in this process, used instead of the address.
	InProcess nats.InProcessConnProvider
	// Name is shown to the broker's operator.
	Name string
	// Network is the name every subject carries.
	Network string
	// Development allows streams without replicas. In production every stream has at least three.
	Development bool
	// Meter counts batches; nil for nothing.
	Meter metric.Meter
	// OnError receives faults and refusals that no caller is waiting for, from several goroutines. Nil means that nobody wants them.
	OnError func(error)
}

// Bus is one connection. It is safe for concurrent use.
type Bus struct {
	options Options
	nc      *nats.Conn
	js      jetstream.JetStream
	calls   calls
	figures figures

	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu     sync.Mutex // orders start against Close
	closed bool
	work   sync.WaitGroup
}

// Connect opens the bus. A broker that is lost later is waited for, in the background and for ever; until it is back every call fails at once,
// and so do those that wait for an answer when it goes.
// Refusals: bad_name for the network, unsafe_broker_config: max_payload. A fault when the broker cannot be reached now.
func Connect(ctx context.Context, o Options) (*Bus, error) {
	if err := checkNames(o.Network); err != nil {
		return nil, err
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	b := &Bus{options: o}
	var err error
	if b.figures, err = newFigures(o.Meter); err != nil {
		return nil, err
	}
	wait := connectWait
	if due, ok := ctx.Deadline(); ok {
		wait = max(min(wait, time.Until(due)), time.Millisecond)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("bus: connect: %w", err)
	}
	options := []nats.Option{
		nats.Name(o.Name),
		nats.Timeout(wait),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // a broker that refuses the password for a moment is waited for as well
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectBufSize(-1), // a message that cannot leave now is the sender's to repeat, not the connection's
		nats.PingInterval(10 * time.Second),
		nats.ErrorHandler(b.asyncError),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil is Close
				err = fmt.Errorf("the broker is lost: %w", err)
				b.calls.lose(err)
				o.OnError(fmt.Errorf("bus: %w", err))
			}
		}),
	}
	if o.InProcess != nil {
		options = append(options, nats.InProcessServer(o.InProcess))
	}
	nc, err := nats.Connect(o.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("bus: connect: %w", err)
	}
	if nc.MaxPayload() < LimitAsk+headerRoom {
		nc.Close()
		return nil, unsafeBroker("max_payload", fmt.Sprintf("the broker carries %d bytes in a message, an answer takes up to %d", nc.MaxPayload(), LimitAsk+headerRoom))
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(replyWait))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("bus: connect: %w", err)
	}
	b.nc, b.js = nc, js
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b, nil
}

// Close ends all receiving and serving, waits for handlers that are running, and closes the connection. It must not be called from a handler.
// A second call does nothing.
func (b *Bus) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.work.Wait()
	b.nc.Close()
}

// start runs a loop until its context ends: with stop, with ctx, or with Close. stop waits for the loop.
func (b *Bus) start(ctx context.Context, loops ...func(context.Context)) (stop func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, fmt.Errorf("bus: %w", nats.ErrConnectionClosed)
	}
	ctx, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(b.ctx, cancel)
	var own sync.WaitGroup
	for _, loop := range loops {
		b.work.Add(1)
		own.Go(func() {
			defer b.work.Done()
			loop(ctx)
		})
	}
	return func() {
		cancel()
		own.Wait()
		unlink()
	}, nil
}

// asyncError takes what the broker reports beside any answer.
func (b *Bus) asyncError(_ *nats.Conn, s *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		refused := denied(err)
		b.calls.deny(err, refused)
		b.figures.denied.Add(context.Background(), 1)
		b.options.OnError(refused)
		return
	}
	if s != nil {
		err = fmt.Errorf("%s: %w", s.Subject, err)
	}
	b.options.OnError(fmt.Errorf("bus: %w", err))
}

// checkSize refuses a message before it leaves.
func checkSize(what string, n, limit int) error {
	if n > limit {
		return refusal.Newf(wire.CodeTooLarge, "send less at once", "%s of %d bytes exceeds the limit of %d bytes", what, n, limit)
	}
	return nil
}

// pause waits, or tells that the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
