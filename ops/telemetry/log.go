package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// Guard gives a logger that writes what the given one writes, redacted. A guarded logger comes back as it is; nil gives one that writes nothing.
//
// Attributes added to the logger before are the caller's own and stay as they are.
func Guard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	if _, already := log.Handler().(*guard); already {
		return log
	}
	return slog.New(&guard{log.Handler()})
}

// guard redacts records on their way to the next handler.
type guard struct{ next slog.Handler }

// Enabled implements slog.Handler.
func (g *guard) Enabled(ctx context.Context, level slog.Level) bool {
	return g.next.Enabled(ctx, level)
}

// Handle implements slog.Handler. It adds the trace that the record belongs to.
func (g *guard) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, scrub(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redact(a))
		return true
	})
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		clean.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return g.next.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (g *guard) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redact(a)
	}
	return &guard{g.next.WithAttrs(clean)}
}

// WithGroup implements slog.Handler.
func (g *guard) WithGroup(name string) slog.Handler { return &guard{g.next.WithGroup(scrub(name))} }

// redact keeps an attribute's value when it is listed, and its key, which is the programmer's.
func redact(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch {
	case v.Kind() == slog.KindGroup:
		inner := v.Group()
		clean := make([]slog.Attr, len(inner))
		for i := range inner {
			clean[i] = redact(inner[i])
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case shown(a.Key, v):
		return slog.Attr{Key: a.Key, Value: v}
	case v.Kind() == slog.KindAny:
		if err, ok := v.Any().(error); ok {
			return slog.String(a.Key, Fault(err))
		}
	}
	return slog.String(a.Key, Redacted)
}
