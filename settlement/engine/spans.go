package engine

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/swap"
)

// Spans show the way of an event: one span from Submit until the answer, for events that come within a trace; one for the batch that carries them, under the
// event's where it is alone and else a trace of its own, linked both ways. What an event causes later (messages, the machine's clock) is drawn under it.
// None of this is stored, and nothing depends on it.

// eventName names an event in spans.
func eventName(event swap.Event) string {
	switch e := event.(type) {
	case swap.OrderGiven:
		return "order"
	case swap.BillProven:
		return "bill"
	case swap.PaymentAuthorised:
		return "payment"
	case swap.TransferAuthorised:
		return "transfer"
	case swap.CancelAsked:
		return "cancel"
	case swap.Started:
		return "start"
	case swap.RulebookGiven:
		return "rulebook"
	case swap.Tick:
		return "tick"
	case swap.MessageVerified:
		if e.Message != nil {
			return messageName(e.Message.PayloadType())
		}
	}
	return "event"
}

// messageName takes the noun out of a payload type, such as "vote".
func messageName(t wire.PayloadType) string {
	name := strings.TrimPrefix(string(t), "application/vnd.entente.swap.")
	name, _, _ = strings.Cut(name, ".")
	return name
}

// beginEvent gives a span for an event that comes within a trace, else nil.
func (e *Engine) beginEvent(ctx context.Context, event swap.Event) trace.Span {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return nil
	}
	_, span := e.cfg.Tracer.Start(ctx, "commit "+eventName(event), trace.WithAttributes(attribute.String("bank", e.machine.Bank)))
	return span
}

// cause is the trace context of the work, or of nothing.
func (w *work) cause() trace.SpanContext {
	if w.span == nil {
		return trace.SpanContext{}
	}
	return w.span.SpanContext()
}

// beginBatch gives the span of a batch and the context to store it under.
func (e *Engine) beginBatch(works []*work, id int64) (context.Context, trace.Span) {
	ctx := context.Background()
	var traced []trace.Span
	for _, w := range works {
		if w.span != nil && w.span.IsRecording() {
			traced = append(traced, w.span)
		}
	}
	if len(traced) == 0 {
		return ctx, trace.SpanFromContext(ctx)
	}
	size := trace.WithAttributes(attribute.String("bank", e.machine.Bank), attribute.Int("size", len(works)), attribute.Int64("batch", id))
	if len(works) == 1 {
		return e.cfg.Tracer.Start(trace.ContextWithSpan(ctx, traced[0]), "commit batch", size)
	}
	links := make([]trace.Link, len(traced))
	for i, s := range traced {
		links[i] = trace.Link{SpanContext: s.SpanContext()}
	}
	ctx, span := e.cfg.Tracer.Start(ctx, "commit batch", trace.WithNewRoot(), trace.WithLinks(links...), size)
	for _, s := range traced {
		s.AddLink(trace.Link{SpanContext: span.SpanContext()})
	}
	return ctx, span
}

// traceChange shows on the work's span where a swap came, and keeps that span's context for what follows. What time does to a swap gets a span of its own,
// under what the swap had last done.
func (e *Engine) traceChange(w *work, s *swap.Swap) {
	span := w.span
	if known, ok := e.causes[s.ID]; ok && span == nil {
		_, span = e.cfg.Tracer.Start(trace.ContextWithSpanContext(context.Background(), known), "commit "+eventName(w.Event),
			trace.WithAttributes(attribute.String("bank", e.machine.Bank)))
		defer span.End()
	}
	if span == nil {
		return
	}
	e.causes[s.ID] = span.SpanContext()
	span.AddEvent("swap "+s.State.String(), trace.WithAttributes(
		attribute.String("swap", s.ID.String()), attribute.String("uetr", s.Terms.UETR.String()), attribute.String("role", s.Role.String())))
}

// traceEnd forgets the causes of swaps that are final now.
func (e *Engine) traceEnd(changed []wire.Hash) {
	for _, id := range changed {
		if e.states[id].Final() {
			delete(e.causes, id)
		}
	}
}

// traceAnswer shows on an event's span what it brought about.
func (w *work) traceAnswer(a *answer) {
	if w.span == nil || !w.span.IsRecording() {
		return
	}
	w.span.SetAttributes(attribute.Int("entries", len(a.Entries)))
	if len(a.Entries) > 0 {
		w.span.SetAttributes(attribute.Int64("seq", a.Entries[0].Seq))
	}
	if code := refusal.CodeOf(a.Refusal); code != "" {
		w.span.SetAttributes(attribute.String("code", string(code)))
	}
	w.span.End()
}
