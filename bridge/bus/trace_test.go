package bus_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"entente/bridge/bus"
	"entente/schema/wire"
)

// spanOf makes a span's context that a test can tell from others.
func spanOf(n int) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1: byte(n >> 8), 15: byte(n)}, SpanID: trace.SpanID{7: byte(n), 0: 1}, TraceFlags: trace.FlagsSampled})
}

func within(ctx context.Context, n int) context.Context {
	return trace.ContextWithSpanContext(ctx, spanOf(n))
}

// same compares what arrived with what was sent: the same span, marked as another process's.
func same(got context.Context, n int) bool {
	s := trace.SpanContextFromContext(got)
	return s.IsRemote() && s.WithRemote(false).Equal(spanOf(n))
}

func TestATraceGoesWithARequestAndAPost(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	seen := make(chan context.Context, 4)
	stop, err := b.Serve(t.Context(), "INR", func(ctx context.Context, _ []byte) []byte {
		seen <- ctx
		return []byte{}
	})
	must(t, err)
	defer stop()
	_, err = b.Ask(within(t.Context(), 1), "INR", nil)
	must(t, err)
	_, err = b.Ask(t.Context(), "INR", nil)
	must(t, err)
	if got := <-seen; !same(got, 1) {
		t.Errorf("a request carried %v", trace.SpanContextFromContext(got))
	}
	if got := <-seen; trace.SpanContextFromContext(got).IsValid() {
		t.Errorf("a request outside of any trace carried %v", trace.SpanContextFromContext(got))
	}
	must(t, b.OpenPosts(t.Context()))
	stopRead, err := b.ReceivePosts(t.Context(), "JP", "a1", func(ctx context.Context, _ string, _ []byte) { seen <- ctx })
	must(t, err)
	defer stopRead()
	must(t, b.Post(within(t.Context(), 2), "a1", "IN", []byte("x")))
	if got := <-seen; !same(got, 2) {
		t.Errorf("a post carried %v", trace.SpanContextFromContext(got))
	}
}

func TestEveryMessageOfABatchHasATraceOfItsOwn(t *testing.T) {
	s := carrier(t)
	from, to := connect(t, s), connect(t, s)
	must(t, from.OpenOutbox(t.Context(), "INR"))
	hashes := map[wire.Hash]int{}
	seen := make(chan error, 1024)
	stop, err := to.ReceiveBatches(t.Context(), "JPY", []string{"INR"}, func(ctx context.Context, _ string, body []byte) {
		batch, err := wire.ParseBatch(body)
		if err != nil {
			seen <- err
			return
		}
		for i := range batch.Messages {
			hash := batch.Messages[i].Hash()
			n := hashes[hash]
			if got := bus.Cause(ctx, hash); n > 0 && !same(got, n) || n == 0 && trace.SpanContextFromContext(got).IsValid() {
				seen <- fmt.Errorf("message %d carries %v", n, trace.SpanContextFromContext(got))
			} else {
				seen <- nil
			}
		}
	})
	must(t, err)
	defer stop()
	var items []bus.Item
	for n := range 20 {
		body := envelope(fmt.Sprint("message ", n))
		e, err := wire.ParseEnvelope(body, wire.LimitBatch)
		must(t, err)
		item := bus.Item{Recipient: "JPY", Envelope: body, Attempt: 1 + n%2}
		if n > 0 {
			item.Cause = spanOf(n)
		}
		hashes[e.Hash()] = n
		items = append(items, item)
	}
	bus.NewOutbox(from, "INR").Deliver(items)
	for range 30 { // half of them on both paths
		must(t, <-seen)
	}
}

// Whoever may write to the broker may write any header.
func TestHeadersOfStrangersAreTakenForWhatTheyAre(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	seen := make(chan context.Context, 1)
	stop, err := b.ReceiveBatches(t.Context(), "JPY", []string{"INR"}, func(ctx context.Context, _ string, _ []byte) { seen <- ctx })
	must(t, err)
	defer stop()
	nc, err := nats.Connect("", nats.InProcessServer(s.InProcess()))
	must(t, err)
	defer nc.Close()
	hash := wire.Hash{0xab, 0xcd}
	const good = "abcd000000000000 00-00000000000000000000000000000001-0100000000000001-01"
	many := make([]string, 300)
	for i := range many {
		many[i] = fmt.Sprintf("%016x 00-00000000000000000000000000000001-0100000000000001-01", i)
	}
	for name, c := range map[string]struct {
		values []string
		found  bool
	}{
		"as it should be":          {[]string{good}, true},
		"among others":             {[]string{"nonsense", good}, true},
		"nothing":                  {nil, false},
		"no context":               {[]string{"abcd000000000000 "}, false},
		"a context of zeros":       {[]string{"abcd000000000000 00-00000000000000000000000000000000-0000000000000000-01"}, false},
		"a longer one":             {[]string{good + "-more"}, false},
		"a future version":         {[]string{"abcd000000000000 ff-00000000000000000000000000000001-0100000000000001-01"}, false},
		"capital letters":          {[]string{"abcd000000000000 00-0000000000000000000000000000000A-0100000000000001-01"}, false},
		"another name":             {[]string{"abcd 00-00000000000000000000000000000001-0100000000000001-01"}, false},
		"more than are read":       {append(many, good), false},
		"as many as are read":      {append(many[:255:255], good), true},
		"a header of another name": {nil, false},
	} {
		must(t, nc.PublishMsg(&nats.Msg{Subject: "swap." + network + ".INR.JPY.direct", Header: nats.Header{"Entente-Causes": c.values, "Other": {good}}, Data: []byte("x")}))
		got := trace.SpanContextFromContext(bus.Cause(<-seen, hash))
		if got.IsValid() != c.found {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheBusCountsWhatItCarries(t *testing.T) {
	s := carrier(t)
	reader := sdkmetric.NewManualReader()
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("test")
	b := connect(t, s, func(o *bus.Options) { o.Meter = meter })
	must(t, b.OpenOutbox(t.Context(), "INR"))
	r, _ := receive(t, b, "JPY", "INR")
	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("one")))
	must(t, b.SendDirect(t.Context(), "INR", "JPY", []byte("two")))
	must(t, b.SendDirect(t.Context(), "INR", "JPY", []byte("three")))
	r.wait(t, 1, "INR: one", "INR: two", "INR: three")
	bus.NewOutbox(b, "INR").Deliver([]bus.Item{{Recipient: "JPY", Envelope: []byte("no envelope")}})
	var all metricdata.ResourceMetrics
	must(t, reader.Collect(t.Context(), &all))
	got := map[string]int64{}
	for _, m := range all.ScopeMetrics[0].Metrics {
		for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
			got[m.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] = p.Value
		}
	}
	for name, want := range map[string]int64{
		"entente.bus.batches.sent bank=INR,path=stream": 1, "entente.bus.batches.sent bank=INR,path=direct": 2,
		"entente.bus.batches.received bank=JPY,path=stream": 1, "entente.bus.batches.received bank=JPY,path=direct": 2,
		"entente.bus.messages.dropped bank=INR": 1,
	} {
		if got[name] != want {
			t.Errorf("%s is %d, want %d; there are %v", name, got[name], want, got)
		}
	}
}
