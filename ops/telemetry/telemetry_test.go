package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"entente/ops/telemetry"
	"entente/schema/refusal"
)

func TestALogLineShowsWhatIsListedAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		attrs []any
		want  string
	}{
		"a code":                         {[]any{"code", "insufficient_funds"}, "code=insufficient_funds"},
		"a code that is none":            {[]any{"code", "12 EUR"}, "code=[redacted]"},
		"a house":                        {[]any{"bank", "boj", "desk", "JPN"}, "bank=boj desk=JPN"},
		"a position":                     {[]any{"seq", uint64(7), "attempt", 3}, "seq=7 attempt=3"},
		"a position as text":             {[]any{"seq", "seven"}, "seq=[redacted]"},
		"a duration":                     {[]any{"duration", time.Second}, "duration=1s"},
		"a hash":                         {[]any{"swap", strings.Repeat("ab", 32)}, "swap=" + strings.Repeat("ab", 32)},
		"a hash of another length":       {[]any{"swap", "abc"}, "swap=[redacted]"},
		"a UETR":                         {[]any{"uetr", "97ed4827-7b6f-4491-a06f-b548d5a7512d"}, "uetr=97ed4827-7b6f-4491-a06f-b548d5a7512d"},
		"an amount":                      {[]any{"amount", 1250}, "amount=[redacted]"},
		"an account":                     {[]any{"account", "BOJ-JPN"}, "account=[redacted]"},
		"a struct":                       {[]any{"bank", struct{ Key string }{"x"}}, "bank=[redacted]"},
		"a value that hides itself late": {[]any{"bank", valuer("boj 17")}, `bank="boj 17"`},
		"bytes":                          {[]any{"swap", []byte("secret")}, "swap=[redacted]"},
		"nothing":                        {[]any{"error", nil}, "error=[redacted]"},
		"a refusal":                      {[]any{"error", fmt.Errorf("pay: %w", refusal.New("insufficient_funds", "JPN-1 holds 5", ""))}, "error=insufficient_funds"},
		"a fault":                        {[]any{"error", errors.New("connect: refused")}, `error="connect: refused"`},
		"a group":                        {[]any{slog.Group("payment", "amount", 5, "code", "expired")}, "payment.amount=[redacted] payment.code=expired"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			telemetry.Guard(logTo(&b)).Info("line", c.attrs...)
			if got := strings.TrimSpace(strings.TrimPrefix(b.String(), "level=INFO msg=line ")); got != c.want {
				t.Errorf("it says %s, want %s", got, c.want)
			}
		})
	}
}

type valuer string

func (v valuer) LogValue() slog.Value { return slog.StringValue(string(v)) }

func TestAFaultIsShownWithoutWhatItQuotes(t *testing.T) {
	for text, want := range map[string]string{
		"connect to nats://desk:hunter2@host.example:4222: refused": "connect to nats://host.example:#: refused",
		"dial postgres://bank:s3cret@db/entente: no route":          "dial postgres://db/entente: no route",
		`account "JPN 1" is closed`:                                 "account [...] is closed",
		"row `a b` and 'c d'":                                       "row [...] and [...]",
		"balance 1250000 of 12,500.00 EUR":                          "balance # of # EUR",
		"key bm90IGEga2V5IGJ1dCBhcyBsb25nIGFzIG9uZQ== is unknown":   "key [...] is unknown",
		"unexpected EOF":                                            "unexpected EOF",
		strings.Repeat("word ", 80):                                 strings.Repeat("word ", 60) + "...",
	} {
		if got := telemetry.Fault(errors.New(text)); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	if got := telemetry.Fault(nil); got != "" {
		t.Errorf("no fault is shown as %q", got)
	}
}

func TestGuardingTwiceIsGuardingOnce(t *testing.T) {
	var b bytes.Buffer
	log := telemetry.Guard(logTo(&b))
	if telemetry.Guard(log) != log {
		t.Error("a guarded logger was guarded again")
	}
	log.With("amount", 5).WithGroup("g").Info("line", "amount", 6)
	if got := b.String(); strings.ContainsAny(got, "56") {
		t.Errorf("derived loggers say %q", got)
	}
	telemetry.Guard(nil).Info("nobody hears it")
}

func TestALineOfATraceNamesIt(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	shown := setup(t, telemetry.Options{Spans: spans})
	ctx, span := shown.Tracer("test").Start(t.Context(), "span")
	defer span.End()
	var b bytes.Buffer
	telemetry.Guard(logTo(&b)).InfoContext(ctx, "line")
	if want := "trace_id=" + span.SpanContext().TraceID().String(); !strings.Contains(b.String(), want) {
		t.Errorf("%q lacks %q", b.String(), want)
	}
}

func setup(t *testing.T, o telemetry.Options) *telemetry.Telemetry {
	t.Helper()
	shown, end, err := telemetry.Setup(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return shown
}

func TestASpanShowsWhatIsListedAndNothingElse(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	shown := setup(t, telemetry.Options{Service: "bank", Instance: "boj", Spans: exporter})
	_, span := shown.Tracer("test").Start(t.Context(), "pay 1250", trace.WithAttributes(attribute.String("bank", "boj"), attribute.Int64("amount", 1250), attribute.Int64("seq", 4),
		attribute.Float64("duration", .5), attribute.Bool("recovered", true), attribute.StringSlice("bank", []string{"a"})))
	span.RecordError(errors.New(`account "JPN 1" holds 1250`))
	span.AddEvent("moved 1250", trace.WithAttributes(attribute.String("account", "JPN"), attribute.String("state", "settled")))
	span.AddLink(trace.Link{SpanContext: span.SpanContext(), Attributes: []attribute.KeyValue{attribute.Int("amount", 1250)}})
	telemetry.End(span, errors.New("row 1250 is gone"))
	_, refused := shown.Tracer("test").Start(t.Context(), "refused")
	telemetry.End(refused, refusal.New("insufficient_funds", "JPN-1 holds 1250", ""))
	got := exporter.GetSpans()
	all := fmt.Sprintf("%+v", got)
	for _, hidden := range []string{"1250", "JPN", "amount", "account"} {
		if strings.Contains(strings.ReplaceAll(all, "account [...]", ""), hidden) {
			t.Errorf("a span shows %q: %s", hidden, all)
		}
	}
	if got[0].Status.Code != codes.Error || got[0].Status.Description != "row # is gone" || got[1].Status.Code != codes.Unset {
		t.Errorf("the outcomes are %+v and %+v", got[0].Status, got[1].Status)
	}
	has := func(s tracetest.SpanStub, key attribute.Key) (value string) {
		for _, a := range s.Attributes {
			if a.Key == key {
				value = a.Value.String()
			}
		}
		return value
	}
	if has(got[0], "seq") != "4" || has(got[0], "duration") != "0.5" || has(got[0], "recovered") != "true" || has(got[1], "code") != "insufficient_funds" {
		t.Errorf("the spans show %v and %v", got[0].Attributes, got[1].Attributes)
	}
}

func TestANamedTraceHasItsId(t *testing.T) {
	shown := setup(t, telemetry.Options{Spans: tracetest.NewInMemoryExporter()})
	id := [16]byte{1, 2, 3}
	ctx, first := shown.Tracer("test").Start(telemetry.Named(t.Context(), id), "first")
	_, under := shown.Tracer("test").Start(ctx, "under")
	_, other := shown.Tracer("test").Start(t.Context(), "other")
	_, zero := shown.Tracer("test").Start(telemetry.Named(t.Context(), [16]byte{}), "zero")
	if first.SpanContext().TraceID() != id || under.SpanContext().TraceID() != id || first.SpanContext().SpanID() == under.SpanContext().SpanID() {
		t.Errorf("the spans are %v and %v", first.SpanContext(), under.SpanContext())
	}
	if other.SpanContext().TraceID() == id || !zero.SpanContext().TraceID().IsValid() {
		t.Errorf("traces without a name are %v and %v", other.SpanContext(), zero.SpanContext())
	}
}

func TestWithoutAnExporterNothingIsDrawnAndTracesPassThrough(t *testing.T) {
	for name, shown := range map[string]*telemetry.Telemetry{"nothing asked for": setup(t, telemetry.Options{}), "none": nil} {
		remote := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, Remote: true})
		_, span := shown.Tracer("test").Start(trace.ContextWithRemoteSpanContext(t.Context(), remote), "span")
		if span.IsRecording() || !span.SpanContext().Equal(remote) {
			t.Errorf("%s: span %v", name, span.SpanContext())
		}
		if shown.Tracers() != nil || shown.MetricsAddress() != "" {
			t.Errorf("%s: tracers or metrics are there", name)
		}
		if _, err := shown.Meter("test").Int64Counter("entente.test"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSpansReachACollector(t *testing.T) {
	got := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- r.URL.Path + " " + string(body)
	}))
	defer collector.Close()
	shown, end, err := telemetry.Setup(t.Context(), telemetry.Options{Service: "bank", Instance: "boj", TraceEndpoint: collector.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, span := shown.Tracer("test").Start(t.Context(), "a span", trace.WithAttributes(attribute.String("account", "hidden"), attribute.String("desk", "JPN")))
	span.End()
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
	body := <-got
	for _, part := range []string{"/v1/traces", "a span", "entente-bank", "boj", "JPN"} {
		if !strings.Contains(body, part) {
			t.Errorf("the collector did not get %q", part)
		}
	}
	if strings.Contains(body, "hidden") {
		t.Error("the collector got what is not listed")
	}
}

func TestASetUpThatWouldTellTooMuchIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		o    telemetry.Options
		want refusal.Code
	}{
		"metrics to everybody":       {telemetry.Options{MetricsListen: "0.0.0.0:0"}, telemetry.CodeMetricsExposed},
		"metrics on every interface": {telemetry.Options{MetricsListen: ":9464"}, telemetry.CodeMetricsExposed},
		"metrics by a name":          {telemetry.Options{MetricsListen: "bank.example:9464"}, telemetry.CodeMetricsExposed},
		"metrics without a port":     {telemetry.Options{MetricsListen: "127.0.0.1"}, telemetry.CodeMetricsExposed},
		"traces to a file":           {telemetry.Options{TraceEndpoint: "file:///tmp/x"}, telemetry.CodeTracesInvalid},
		"traces to a bare host":      {telemetry.Options{TraceEndpoint: "collector:4318"}, telemetry.CodeTracesInvalid},
		"traces with a password":     {telemetry.Options{TraceEndpoint: "https://me:secret@collector"}, telemetry.CodeTracesInvalid},
	} {
		_, _, err := telemetry.Setup(t.Context(), c.o)
		if refusal.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the refusal shows the password: %v", name, err)
		}
	}
	shown := setup(t, telemetry.Options{MetricsListen: "localhost:0"})
	if _, _, err := telemetry.Setup(t.Context(), telemetry.Options{Spans: tracetest.NewInMemoryExporter(), MetricsListen: shown.MetricsAddress()}); err == nil {
		t.Error("an address in use was taken")
	}
	if text, err := scrape("http://" + shown.MetricsAddress() + "/metrics"); err != nil || !strings.Contains(text, "go_goroutines") {
		t.Errorf("the metrics are %.40q (%v)", text, err)
	}
	if _, err := scrape("http://" + shown.MetricsAddress() + "/else"); err == nil {
		t.Error("something else than metrics is served")
	}
}
