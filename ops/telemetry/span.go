package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// End ends a span with how it went: a refusal by its code, which is an answer and no error; a fault as an error.
func End(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		code := codeOf(err)
		span.SetAttributes(attribute.String("code", code))
		if code == "fault" {
			span.SetStatus(codes.Error, Fault(err))
		}
	}
	span.End()
}

// Begun tells whether ctx is within a trace, so that what happens too often to begin one of its own can join one.
func Begun(ctx context.Context) bool { return trace.SpanContextFromContext(ctx).IsValid() }
