package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/schema/wire"
	"entente/settlement/postgres"
)

func TestSpansTellThatStatementsRanAndNothingInThem(t *testing.T) {
	pgtest.NoLeaks(t)
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	url := pgtest.Migrated(t, migrations.Desk, postgres.Migrate)
	d, err := postgres.OpenDesk(t.Context(), url, postgres.Traced(provider))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	const secret = "a word that only the database may hear"
	event := []postgres.DeskEvent{{Kind: "made", Subject: wire.Hash{1}, Body: []byte(secret), AtMS: 5, Once: true}}
	if _, err := d.Append(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if got := spans.GetSpans(); len(got) > 0 {
		t.Errorf("statements outside of any trace gave %d spans", len(got))
	}
	ctx, root := provider.Tracer("test").Start(t.Context(), "root")
	if err := d.Put(ctx, wire.Hash{2}, secret, []byte(secret)); err != nil {
		t.Fatal(err)
	}
	event[0].Subject = wire.Hash{3}
	if _, err := d.Append(ctx, event); err != nil {
		t.Fatal(err)
	}
	root.End()
	names := map[string]int{}
	for _, s := range spans.GetSpans() {
		names[s.Name]++
		shown := fmt.Sprintf("%s %v %v %v", s.Name, s.Attributes, s.Events, s.Status)
		for _, hidden := range []string{secret, "document", "event_once", "VALUES", "/tmp", "postgres://"} {
			if strings.Contains(shown, hidden) {
				t.Errorf("a span shows %q: %s", hidden, shown)
			}
		}
		if s.SpanContext.TraceID() != root.SpanContext().TraceID() {
			t.Errorf("%s is of another trace", s.Name)
		}
	}
	if names["INSERT"] == 0 || names["COMMIT"] == 0 {
		t.Errorf("the spans are %v", names)
	}
}
