package bus

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// Paths of a batch, as figures name them.
const (
	pathStream = "stream"
	pathDirect = "direct"
)

// figures are what a connection counts.
type figures struct {
	sent, received, dropped, denied metric.Int64Counter
}

func newFigures(m metric.Meter) (f figures, err error) {
	if m == nil {
		m = noop.Meter{}
	}
	var errs [4]error
	f.sent, errs[0] = m.Int64Counter("entente.bus.batches.sent", metric.WithDescription("Batches handed to the broker, by path."))
	f.received, errs[1] = m.Int64Counter("entente.bus.batches.received", metric.WithDescription("Batches received, by path; repeated ones each time."))
	f.dropped, errs[2] = m.Int64Counter("entente.bus.messages.dropped", metric.WithDescription("Messages given up before the broker took them, once for each path."))
	f.denied, errs[3] = m.Int64Counter("entente.bus.denied", metric.WithDescription("Operations that the broker's permissions refused."))
	if err := errors.Join(errs[:]...); err != nil {
		return f, fmt.Errorf("bus: count: %w", err)
	}
	return f, nil
}

func (f *figures) add(c metric.Int64Counter, n int, bank, path string) {
	attrs := []attribute.KeyValue{attribute.String("bank", bank)}
	if path != "" {
		attrs = append(attrs, attribute.String("path", path))
	}
	c.Add(context.Background(), int64(n), metric.WithAttributes(attrs...))
}
