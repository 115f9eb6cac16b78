package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"entente/bridge/bus"
	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/payment"
)

// watch is what a server shows of the requests it answers.
type watch struct {
	who     attribute.KeyValue
	tracer  trace.Tracer
	answers metric.Float64Histogram
}

var answerBounds = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}

func newWatch(t *telemetry.Telemetry, who string) (*watch, error) {
	w := &watch{who: attribute.String("service", who), tracer: t.Tracer("node")}
	var err error
	w.answers, err = t.Meter("node").Float64Histogram("entente.answer", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(answerBounds...),
		metric.WithDescription("Time an answer took, by subject and by the code of a refusal, \"ok\" for none."))
	if err != nil {
		return nil, fmt.Errorf("count answers: %w", err)
	}
	return w, nil
}

// begins are the subjects whose requests begin a trace where they come without one. All others only read, and are asked over and over.
var begins = map[string]bool{
	SubjectOrder: true, SubjectBill: true, SubjectPay: true, SubjectCancel: true,
	SubjectCount: true, SubjectReceipts: true, SubjectOffer: true, SubjectMake: true, SubjectApprove: true,
}

// answer shows one request of a known subject.
func (w *watch) answer(ctx context.Context, subject string, handle func(context.Context) ([]byte, error)) (body []byte, err error) {
	began := time.Now()
	if begins[subject] || telemetry.Begun(ctx) {
		var span trace.Span
		ctx, span = w.tracer.Start(ctx, "answer "+subject, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(w.who))
		defer func() { telemetry.End(span, err) }()
	}
	body, err = handle(ctx)
	code := "ok"
	if err != nil {
		code = string(CodeFault)
		if refused := refusal.CodeOf(err); refused != "" {
			code = string(refused)
		}
	}
	w.answers.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(w.who, attribute.String("subject", subject), attribute.String("code", code)))
	return body, err
}

// begin draws the asking of a request that belongs to a trace. The asker of a person's client has no tracer and hands its trace on.
func (a *asker) begin(ctx context.Context, who, subject string) (context.Context, trace.Span) {
	if a.tracer == nil || !telemetry.Begun(ctx) {
		return ctx, trace.SpanFromContext(context.Background())
	}
	return a.tracer.Start(ctx, "ask "+subject, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("to", who)))
}

// arrival draws the taking in of a message that belongs to a trace.
func (b *Bank) arrival(ctx context.Context, from string, message wire.Hash) (context.Context, trace.Span) {
	ctx = bus.Cause(ctx, message)
	if !telemetry.Begun(ctx) {
		return ctx, trace.SpanFromContext(ctx)
	}
	return b.tracer.Start(ctx, "receive message", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("bank", b.cfg.ID), attribute.String("from", from), attribute.String("message", message.String())))
}

// arrival draws the taking in of a post that belongs to a trace.
func (d *Desk) arrival(ctx context.Context, p *wire.Post) trace.Span {
	if !telemetry.Begun(ctx) {
		return trace.SpanFromContext(ctx)
	}
	_, span := d.tracer.Start(ctx, "receive post", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("desk", d.cfg.Nation), attribute.String("author", p.Author), attribute.String("kind", p.Kind)))
	return span
}

// outside gives ctx outside of any trace, for what is asked over and over.
func outside(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.SpanContext{})
}

// traces are the contexts under which a process draws what belongs to one payment or bill: its first span of each in this run.
type traces struct {
	mu    sync.Mutex
	first map[wire.ID]trace.SpanContext
}

// span begins a span of a payment or a bill, in the trace that has its id, whoever asked for it; the asker's span is linked. After a restart the trace goes
// on with another first span.
func (d *Desk) span(ctx context.Context, id wire.ID, name string) (context.Context, trace.Span) {
	options := []trace.SpanStartOption{trace.WithAttributes(attribute.String("desk", d.cfg.Nation))}
	if asked := trace.SpanContextFromContext(ctx); asked.TraceID() == trace.TraceID(id) {
		return d.tracer.Start(ctx, name, options...)
	} else if asked.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: asked}))
	}
	d.traces.mu.Lock()
	defer d.traces.mu.Unlock()
	if first, known := d.traces.first[id]; known {
		return d.tracer.Start(trace.ContextWithSpanContext(ctx, first), name, options...)
	}
	ctx, span := d.tracer.Start(telemetry.Named(ctx, id), name, append(options, trace.WithNewRoot())...)
	if span.IsRecording() {
		if d.traces.first == nil {
			d.traces.first = map[wire.ID]trace.SpanContext{}
		}
		d.traces.first[id] = span.SpanContext()
	}
	return ctx, span
}

// stepSpan begins the span of one step of a payment.
func (d *Desk) stepSpan(ctx context.Context, s *step) (context.Context, trace.Span) {
	var uetr wire.ID
	if s.event.Do == payment.Make {
		if _, in, err := readInstruction(s.documents); err == nil { // whatever is wrong with it, the step's own check says
			uetr = in.UETR
		}
	} else if p, err := d.payment(s.instruction); err == nil {
		uetr = p.Instruction.UETR
	}
	ctx, span := d.span(ctx, uetr, "payment "+string(s.event.Do))
	span.SetAttributes(attribute.String("uetr", uetr.String()))
	return ctx, span
}

// deskFigures are what a desk counts.
type deskFigures struct {
	desk     attribute.KeyValue
	proof    metric.Float64Histogram
	watching metric.Registration
}

var proofBounds = []float64{.05, .1, .2, .5, 1, 2, 5, 10, 20, 50, 100}

func (d *Desk) newFigures() (*deskFigures, error) {
	m := d.cfg.Telemetry.Meter("node")
	f := &deskFigures{desk: attribute.String("desk", d.cfg.Nation)}
	var err error
	wrap := func(err error) (*deskFigures, error) { return nil, fmt.Errorf("count what the desk does: %w", err) }
	f.proof, err = m.Float64Histogram("entente.desk.proof", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(proofBounds...),
		metric.WithDescription("Time one proof took, by circuit."))
	if err != nil {
		return wrap(err)
	}
	bills, err := m.Int64ObservableGauge("entente.desk.bills", metric.WithDescription("Bills the desk is part of, by state."))
	if err != nil {
		return wrap(err)
	}
	payments, err := m.Int64ObservableGauge("entente.desk.payments", metric.WithDescription("Payments the desk has made, by state."))
	if err != nil {
		return wrap(err)
	}
	f.watching, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		byState := map[BillState]int64{BillOffered: 0, BillCountersigned: 0, BillRecorded: 0}
		byPayment := map[payment.State]int64{}
		d.mu.Lock()
		for _, b := range d.bills {
			byState[b.State]++
		}
		for _, p := range d.payments {
			byPayment[p.State]++
		}
		d.mu.Unlock()
		for state, n := range byState {
			o.ObserveInt64(bills, n, metric.WithAttributes(f.desk, attribute.String("state", string(state))))
		}
		for state, n := range byPayment {
			o.ObserveInt64(payments, n, metric.WithAttributes(f.desk, attribute.String("state", string(state))))
		}
		return nil
	}, bills, payments)
	if err != nil {
		return wrap(err)
	}
	return f, nil
}

// proven counts proofs that were made together, each with its part of the time.
func (f *deskFigures) proven(ctx context.Context, circuit string, proofs int, took time.Duration) {
	for range proofs {
		f.proof.Record(ctx, took.Seconds()/float64(proofs), metric.WithAttributes(f.desk, attribute.String("circuit", circuit)))
	}
}

// end stops the observing.
func (f *deskFigures) end() error {
	if err := f.watching.Unregister(); err != nil {
		return fmt.Errorf("end the desk's figures: %w", err)
	}
	return nil
}
