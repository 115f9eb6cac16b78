package telemetry

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

type idKey struct{}

// Named makes the next trace that begins under ctx have an id of the caller's: a payment's UETR, a bill's id.
func Named(ctx context.Context, id [16]byte) context.Context {
	return context.WithValue(ctx, idKey{}, trace.TraceID(id))
}

// ids gives random ids, except to traces that were named. They need not be secret, only different.
type ids struct{}

// NewIDs implements the id generator of the trace library.
func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, _ := ctx.Value(idKey{}).(trace.TraceID)
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements the id generator of the trace library.
func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}
