package telemetry

import (
	"context"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"entente/schema/refusal"
)

// guardSpans redacts spans on their way to an exporter, by the same list as logs. Spans of the database driver keep what its library says of the statement's
// kind; its text and arguments are never asked for.
func guardSpans(next sdktrace.SpanExporter) sdktrace.SpanExporter { return &spanGuard{next} }

type spanGuard struct{ sdktrace.SpanExporter }

// ExportSpans implements the exporter of the trace library.
func (g *spanGuard) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		clean[i] = redactedSpan{s}
	}
	return g.SpanExporter.ExportSpans(ctx, clean)
}

// redactedSpan is a span without what is not listed.
type redactedSpan struct{ sdktrace.ReadOnlySpan }

// Name gives the span's name, scrubbed like a log line.
func (s redactedSpan) Name() string { return scrub(s.ReadOnlySpan.Name()) }

// Attributes gives those that are listed.
func (s redactedSpan) Attributes() []attribute.KeyValue {
	return redactAll(s.ReadOnlySpan.Attributes())
}

// Events gives the span's events with the attributes that are listed.
func (s redactedSpan) Events() []sdktrace.Event {
	events := s.ReadOnlySpan.Events()
	clean := make([]sdktrace.Event, len(events))
	for i, e := range events {
		e.Name, e.Attributes = scrub(e.Name), redactAll(e.Attributes)
		clean[i] = e
	}
	return clean
}

// Links gives the span's links without attributes and foreign state.
func (s redactedSpan) Links() []sdktrace.Link {
	links := s.ReadOnlySpan.Links()
	clean := make([]sdktrace.Link, len(links))
	for i, l := range links {
		clean[i] = sdktrace.Link{SpanContext: l.SpanContext.WithTraceState(trace.TraceState{}), DroppedAttributeCount: l.DroppedAttributeCount}
	}
	return clean
}

// Status gives the outcome; its text is a refusal's code or scrubbed.
func (s redactedSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = scrub(status.Description)
	return status
}

// foreign are attributes of the libraries that are used; their values are of a closed set by those libraries' own doing.
var foreign = map[attribute.Key]bool{
	"db.system.name": true, "db.system": true, "db.operation.name": true, "db.operation.batch.size": true, "pgx.operation.type": true, "pgx.sql_state": true,
	"db.response.status_code": true, "exception.type": true,
}

func redactAll(attrs []attribute.KeyValue) []attribute.KeyValue {
	clean := make([]attribute.KeyValue, 0, len(attrs))
	for _, a := range attrs {
		switch {
		case foreign[a.Key], shown(string(a.Key), value(a.Value)):
			clean = append(clean, a)
		case a.Key == "exception.message":
			clean = append(clean, attribute.String(string(a.Key), scrub(a.Value.AsString())))
		}
	}
	return clean
}

func value(v attribute.Value) slog.Value {
	switch v.Type() {
	case attribute.STRING:
		return slog.StringValue(v.AsString())
	case attribute.INT64:
		return slog.Int64Value(v.AsInt64())
	case attribute.FLOAT64:
		return slog.Float64Value(v.AsFloat64())
	case attribute.BOOL:
		return slog.BoolValue(v.AsBool())
	}
	return slog.AnyValue(nil)
}

// codeOf is what a span says of an error: the refusal's code, or that it was a fault.
func codeOf(err error) string {
	if code := refusal.CodeOf(err); code != "" {
		return strings.ToLower(string(code))
	}
	return "fault"
}
