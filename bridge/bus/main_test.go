package bus_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"entente/bridge/bus"
	"entente/ops/broker"
)

const network = "trial"

// patience bounds every wait of these tests; reaching it is a failure.
const patience = 10 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// carrier gives the test a broker, and checks at its end that no goroutine is left.
func carrier(t *testing.T, options ...broker.Options) *broker.Server {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	return broker.ForTest(t, options...)
}

// connect opens a bus that lets no unexpected error pass unseen: they are in the log of a failing test.
func connect(tb testing.TB, s *broker.Server, change ...func(*bus.Options)) *bus.Bus {
	tb.Helper()
	o := bus.Options{InProcess: s.InProcess(), Name: tb.Name(), Network: network, Development: true}
	for _, c := range change {
		c(&o)
	}
	b, err := bus.Connect(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

// errorsTo makes a bus report into a channel that never blocks it.
func errorsTo(c chan error) func(*bus.Options) {
	return func(o *bus.Options) {
		o.OnError = func(err error) {
			select {
			case c <- err:
			default:
			}
		}
	}
}

// raw gives the broker's own interface, for what an operator or an enemy would do.
func raw(t *testing.T, s *broker.Server) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s.InProcess()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

// received remembers what a handler got, as "from: body".
type received struct {
	mu    sync.Mutex
	times map[string]int
	news  chan struct{}
}

func newReceived() *received {
	return &received{times: map[string]int{}, news: make(chan struct{}, 1)}
}

func (r *received) handle(_ context.Context, from string, body []byte) {
	r.mu.Lock()
	r.times[from+": "+string(body)]++
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *received) count(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.times[what]
}

// wait returns when the handler got what is named, at least as many times.
func (r *received) wait(t *testing.T, times int, what ...string) {
	t.Helper()
	late := time.After(patience)
	for {
		missing := ""
		for _, w := range what {
			if n := r.count(w); n < times {
				missing = fmt.Sprintf("%q came %d times, want %d", w, n, times)
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-r.news:
		case <-late:
			t.Fatal(missing)
		}
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func receive(t *testing.T, b *bus.Bus, self string, peers ...string) (*received, func()) {
	t.Helper()
	r := newReceived()
	stop, err := b.ReceiveBatches(context.Background(), self, peers, r.handle)
	must(t, err)
	t.Cleanup(stop)
	return r, stop
}

// again repeats what a sender's engine would repeat, until it succeeds.
func again(t *testing.T, send func() error) {
	t.Helper()
	late := time.Now().Add(patience)
	for {
		err := send()
		if err == nil {
			return
		}
		if time.Now().After(late) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
