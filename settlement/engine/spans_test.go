package engine_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
)

// traced is an engine's telemetry as a test reads it.
type traced struct {
	spans  *tracetest.InMemoryExporter
	tracer trace.Tracer
	reader *sdkmetric.ManualReader
	meters *sdkmetric.MeterProvider
}

func newTraced(t *testing.T) *traced {
	x := &traced{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(x.spans))
	x.tracer = provider.Tracer("test")
	x.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(x.reader))
	return x
}

func (x *traced) config(c *engine.Config) { c.Tracer, c.Meter = x.tracer, x.meters.Meter("test") }

func (x *traced) named(name string) (found tracetest.SpanStubs) {
	for _, s := range x.spans.GetSpans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// value gives the sum of a figure's points with the labels.
func (x *traced) value(t *testing.T, name string, labels ...attribute.KeyValue) (sum float64) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := x.reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	has := func(set attribute.Set) bool {
		for _, l := range labels {
			if v, ok := set.Value(l.Key); !ok || v != l.Value {
				return false
			}
		}
		return true
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					if has(p.Attributes) {
						sum += float64(p.Value)
					}
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					if has(p.Attributes) {
						sum += float64(p.Value)
					}
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					if has(p.Attributes) {
						sum += p.Value
					}
				}
			case metricdata.Histogram[int64]:
				for _, p := range data.DataPoints {
					sum += float64(p.Count)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					sum += float64(p.Count)
				}
			default:
				t.Fatalf("%s is a %T", name, data)
			}
		}
	}
	return sum
}

func TestAnEventOfATraceHasASpanAndItsBatchOne(t *testing.T) {
	x := newTraced(t)
	h := newHouse(t, "boj", "JPY", memory)
	h.configure = x.config
	h.start()
	h.furnish("JPN", 500, 900)
	if spans := x.spans.GetSpans(); len(spans) > 0 {
		t.Fatalf("events outside of any trace gave %d spans, first %q", len(spans), spans[0].Name)
	}
	ctx, root := x.tracer.Start(t.Context(), "root")
	if _, err := h.present().Submit(ctx, engine.Work{Event: h.issue("DESK-JPN", 1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.present().Submit(ctx, engine.Work{Event: h.issue("NOBODY", 1)}); err == nil {
		t.Fatal("an issue to an account that is not there was taken")
	}
	root.End()
	events, batches := x.named("commit order"), x.named("commit batch")
	if len(events) != 2 || len(batches) != 2 {
		t.Fatalf("%d spans of events and %d of batches", len(events), len(batches))
	}
	for i, s := range events {
		if s.Parent.SpanID() != root.SpanContext().SpanID() || batches[i].Parent.SpanID() != s.SpanContext.SpanID() {
			t.Errorf("event %d is under %s, its batch under %s", i, s.Parent.SpanID(), batches[i].Parent.SpanID())
		}
	}
	if got := attribute.NewSet(events[1].Attributes...); !got.HasValue("code") || got.HasValue("seq") {
		t.Errorf("a refused event shows %v", events[1].Attributes)
	}
}

func TestEventsOfSeveralTracesShareABatchThatLinksThem(t *testing.T) {
	x := newTraced(t)
	h := newHouse(t, "boj", "JPY", memory)
	h.configure = x.config
	h.start()
	h.furnish("JPN", 500, 900)
	hold, entered := make(chan struct{}), make(chan struct{})
	go func() {
		// Cannot fail but by a stopped engine, which the events below would notice.
		_ = h.present().View(context.Background(), func(*swap.Machine) { close(entered); <-hold })
	}()
	<-entered
	const n = 3
	done := make(chan error, n)
	for range n {
		ctx, root := x.tracer.Start(t.Context(), "root", trace.WithNewRoot())
		event := h.issue("DESK-JPN", 1)
		go func() {
			_, err := h.present().Submit(ctx, engine.Work{Event: event})
			root.End()
			done <- err
		}()
	}
	for x.value(t, "entente.engine.queue") < n {
	}
	close(hold)
	for range n {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	batches := x.named("commit batch")
	if len(batches) != 1 || len(batches[0].Links) != n || batches[0].Parent.IsValid() {
		t.Fatalf("%d batches: %+v", len(batches), batches)
	}
	for _, s := range x.named("commit order") {
		if len(s.Links) != 1 || s.Links[0].SpanContext.SpanID() != batches[0].SpanContext.SpanID() {
			t.Errorf("an event's span links %v, not its batch", s.Links)
		}
	}
}

func TestTheEngineCountsWhatItDoes(t *testing.T) {
	x := newTraced(t)
	h := newHouse(t, "boj", "JPY", memory)
	h.configure = x.config
	h.start()
	h.furnish("JPN", 500, 900)
	size := h.present().Checkpoint()
	for range 3 {
		if _, err := h.present().Submit(t.Context(), engine.Work{Event: h.issue("NOBODY", 1)}); err == nil {
			t.Fatal("an issue to an account that is not there was taken")
		}
	}
	bank := attribute.String("bank", "boj")
	var leaves float64
	if err := h.present().View(t.Context(), func(m *swap.Machine) { leaves = float64(m.Ledger().Size()) }); err != nil {
		t.Fatal(err)
	}
	if leaves == 0 || len(size) == 0 {
		t.Fatal("the ledger is empty")
	}
	for name, want := range map[string]float64{"entente.engine.log.size": leaves, "entente.engine.entries": leaves, "entente.engine.refusals": 3, "entente.engine.queue": 0} {
		if got := x.value(t, name, bank); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := x.value(t, "entente.engine.refusals", bank, attribute.String("code", "account_unknown")); got != 3 {
		t.Errorf("%v refusals for the account", got)
	}
	if batches := x.value(t, "entente.engine.batches", bank); batches < 1 || batches != x.value(t, "entente.engine.commit") {
		t.Errorf("%v batches were stored and %v timed", batches, x.value(t, "entente.engine.commit"))
	}
	if events := x.value(t, "entente.engine.events", bank); events < leaves+3 || x.value(t, "entente.engine.batch.size") > events {
		t.Errorf("%v events", events)
	}
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	if got := x.value(t, "entente.engine.log.size", bank); got != 0 {
		t.Errorf("a closed engine still shows %v leaves", got)
	}
}

func TestWhatFollowsAnEventIsDrawnUnderIt(t *testing.T) {
	x := newTraced(t)
	h := newHouse(t, "rba", "AUD", memory)
	h.configure = x.config
	var late atomic.Int64 // added to the clock
	h.clock = func() int64 { return now() + late.Load() }
	var mu sync.Mutex
	var sent []engine.Message
	peer := besides(h, "boj", func(messages []engine.Message) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, messages...)
	})
	// until waits for n messages of a kind and gives the last.
	until := func(kind wire.PayloadType, n int) (last engine.Message) {
		eventually(t, 5*time.Second, func() string {
			mu.Lock()
			defer mu.Unlock()
			got := 0
			for _, m := range sent {
				if m.Key.Type == kind {
					got, last = got+1, m
				}
			}
			if got < n {
				return "too few of " + string(kind)
			}
			return ""
		})
		return last
	}
	h.start()
	<-peer.greeted
	h.furnish("AUS", 1_000_000, 1_000_000)
	p := newPayer(t, h)
	pay := p.pay(newClaim(t, p.jpn, "JPN", "AUS", 9_000), 9_000, 8_700)
	ctx, root := x.tracer.Start(t.Context(), "root")
	if _, err := h.present().Submit(ctx, engine.Work{Event: pay}); err != nil {
		t.Fatal(err)
	}
	root.End()
	proposed := x.named("commit payment")
	if len(proposed) != 1 || len(proposed[0].Events) != 1 || proposed[0].Events[0].Name != "swap proposed" {
		t.Fatalf("the payment gave the spans %+v", proposed)
	}
	if again := until(wire.TypePropose, 2); again.Attempt < 2 || again.Cause.SpanID() != proposed[0].SpanContext.SpanID() {
		t.Errorf("attempt %d carries span %s", again.Attempt, again.Cause.SpanID())
	}
	if n := x.value(t, "entente.engine.resends"); n < 1 {
		t.Errorf("%v resends", n)
	}
	state := func(s string) float64 {
		return x.value(t, "entente.engine.swaps", attribute.String("role", "initiator"), attribute.String("state", s))
	}
	if state("proposed") != 1 || state("aborted") != 0 {
		t.Errorf("%v swaps are proposed, %v aborted", state("proposed"), state("aborted"))
	}
	late.Store(swap.DecideWindowMS)
	decision := until(wire.TypeDecision, 1)
	aborted := x.named("commit tick")
	if len(aborted) != 1 || aborted[0].Parent.SpanID() != proposed[0].SpanContext.SpanID() || decision.Cause.SpanID() != aborted[0].SpanContext.SpanID() {
		t.Errorf("the abort carries span %s; the clock's spans are %+v", decision.Cause.SpanID(), aborted)
	}
	eventually(t, 5*time.Second, func() string {
		if state("proposed") != 0 || state("aborted") != 1 {
			return "the swap is not counted as aborted"
		}
		return ""
	})
	// A restart knows the swap, and no cause.
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	sent = nil
	mu.Unlock()
	h.start()
	if m := until(wire.TypeDecision, 1); m.Cause.IsValid() {
		t.Errorf("after a restart the decision carries span %s", m.Cause.SpanID())
	}
	if state("aborted") != 1 {
		t.Errorf("after a restart %v swaps are aborted", state("aborted"))
	}
}

func TestTheSwapLongestInDoubtIsShownByItsAge(t *testing.T) {
	x := newTraced(t)
	p := newPair(t, memory)
	p.jpn.configure = x.config
	var lost atomic.Bool // what the responder says
	lost.Store(true)
	carry := p.jpn.deliver
	p.jpn.deliver = func(messages []engine.Message) {
		if !lost.Load() || messages[0].Passing() {
			carry(messages)
		}
	}
	p.furnish()
	age := func() float64 { return x.value(t, "entente.engine.in_doubt.age", attribute.String("bank", "boj")) }
	if age() != 0 {
		t.Fatalf("nothing is in doubt, the age is %v", age())
	}
	pay := p.authorise(t, 9_000, 8_700)
	p.aus.must(pay)
	eventually(t, 5*time.Second, func() string {
		if age() <= 0.2 {
			return "the swap in doubt has no age"
		}
		return ""
	})
	if age() > 10 {
		t.Errorf("it has been in doubt for %v s", age())
	}
	lost.Store(false)
	p.outcome(t, pay.Payment.InstructionHash, 10*time.Second)
	eventually(t, 10*time.Second, func() string {
		if age() != 0 {
			return "still in doubt"
		}
		return ""
	})
	p.quiet(t)
}
