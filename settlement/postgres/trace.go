package postgres

import (
	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
)

// Option says how a database is used beyond what is stored.
type Option func(*pgx.ConnConfig)

// Traced draws spans of the statements that run within a trace: their kind, how many there are and how long they take, never their text, their arguments, or
// where the database is. A nil provider draws nothing.
func Traced(provider trace.TracerProvider) Option {
	return func(c *pgx.ConnConfig) {
		if provider != nil {
			c.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(provider), otelpgx.WithDisableSQLStatementInAttributes(),
				otelpgx.WithDisableConnectionDetailsInAttributes(), otelpgx.WithDisableAcquireTracer(), otelpgx.WithMeterProvider(noop.MeterProvider{}))
		}
	}
}

func apply(c *pgx.ConnConfig, options []Option) {
	for _, option := range options {
		option(c)
	}
}
