package bus

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"entente/schema/wire"
)

// Trace contexts travel in headers, beside what is signed: one in the form of W3C Trace Context for a request or a post, one for each message of a batch.
// They come from whoever sent them and decide nothing but where spans are drawn.
const (
	parentHeader  = "traceparent"
	causesHeader  = "Entente-Causes" // one value a message: the first bytes of its hash, a space, a traceparent
	causesMost    = 256              // messages of a batch whose context is carried; the others go without
	causeNameSize = 8                // bytes of a message's hash
)

var traceContext propagation.TraceContext

// traceparent writes a span's context, "" for none.
func traceparent(s trace.SpanContext) string {
	carrier := propagation.MapCarrier{}
	traceContext.Inject(trace.ContextWithSpanContext(context.Background(), s), carrier)
	return carrier[parentHeader]
}

// parseTraceparent reads what somebody sent; the zero context for whatever is not one.
func parseTraceparent(s string) trace.SpanContext {
	return trace.SpanContextFromContext(traceContext.Extract(context.Background(), propagation.MapCarrier{parentHeader: s}))
}

// parentOf gives the headers that carry the trace of ctx; nil outside of any.
func parentOf(ctx context.Context) nats.Header {
	if parent := traceparent(trace.SpanContextFromContext(ctx)); parent != "" {
		return nats.Header{parentHeader: {parent}}
	}
	return nil
}

// within gives ctx within the trace that a message carries.
func within(ctx context.Context, h nats.Header) context.Context {
	if parent := parseTraceparent(h.Get(parentHeader)); parent.IsValid() {
		return trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	return ctx
}

// cause writes the context of one message of a batch, "" for none.
func cause(message wire.Hash, s trace.SpanContext) string {
	if parent := traceparent(s); parent != "" {
		return hex.EncodeToString(message[:causeNameSize]) + " " + parent
	}
	return ""
}

type causesKey struct{}

// withCauses gives ctx with what a batch's headers say of its messages.
func withCauses(ctx context.Context, h nats.Header) context.Context {
	values := h.Values(causesHeader)
	if len(values) == 0 {
		return ctx
	}
	causes := make(map[string]trace.SpanContext, min(len(values), causesMost))
	for _, v := range values[:min(len(values), causesMost)] {
		name, parent, _ := strings.Cut(v, " ")
		if s := parseTraceparent(parent); s.IsValid() {
			causes[name] = s
		}
	}
	return context.WithValue(ctx, causesKey{}, causes)
}

// Cause gives ctx within the trace that a batch carried for one of its messages, named by the hash of its payload; ctx itself where it carried none.
// ctx is the one that ReceiveBatches gave its handler, or under it.
func Cause(ctx context.Context, message wire.Hash) context.Context {
	causes, _ := ctx.Value(causesKey{}).(map[string]trace.SpanContext)
	if s := causes[hex.EncodeToString(message[:causeNameSize])]; s.IsValid() {
		return trace.ContextWithRemoteSpanContext(ctx, s)
	}
	return ctx
}
