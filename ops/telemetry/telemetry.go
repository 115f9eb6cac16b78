package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"entente/schema/refusal"
)

// Refusals of Setup.
const (
	// CodeMetricsExposed: the address for metrics is not of this machine alone.
	CodeMetricsExposed refusal.Code = "metrics_exposed"
	// CodeTracesInvalid: the address that takes traces cannot be used.
	CodeTracesInvalid refusal.Code = "traces_invalid"
)

// Options say what a process tells, and to whom.
type Options struct {
	Service       string                // role of the process, such as "bank"
	Instance      string                // which one, such as the bank's id
	TraceEndpoint string                // http or https URL of an OTLP collector, to which /v1/traces is added when it has no path; empty for none
	Spans         sdktrace.SpanExporter // takes the spans instead of a collector, each as it ends; nil for none
	MetricsListen string                // address of this machine to serve /metrics on, port 0 for any; empty for none
	Log           *slog.Logger          // of faults of telemetry itself; nil for none
}

// Telemetry gives tracers and meters. The nil Telemetry gives those that do nothing; so does a half for which Setup was given no address.
type Telemetry struct {
	tracers  trace.TracerProvider
	meters   metric.MeterProvider
	registry *prometheus.Registry
	address  string
}

const (
	endWait     = 5 * time.Second // for the last spans to leave
	headersWait = 5 * time.Second // for a reader of metrics to ask
)

// Setup starts what the options ask for. shutdown sends what is left and ends everything; it is given even when nothing was started.
// Refusals: metrics_exposed, traces_invalid. A fault when the address for metrics cannot be listened on.
func Setup(ctx context.Context, o Options) (t *Telemetry, shutdown func(context.Context) error, err error) {
	t = &Telemetry{}
	var ends []func(context.Context) error
	shutdown = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, endWait)
		defer cancel()
		var all []error
		for i := len(ends) - 1; i >= 0; i-- {
			all = append(all, ends[i](ctx))
		}
		return errors.Join(all...)
	}
	if o.Log != nil {
		log := Guard(o.Log)
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("telemetry is incomplete", "error", err) }))
	}
	for _, start := range []func(context.Context, *Options) (func(context.Context) error, error){t.startTraces, t.startMetrics} {
		end, err := start(ctx, &o)
		if err != nil {
			return nil, nil, errors.Join(err, shutdown(ctx))
		}
		if end != nil {
			ends = append(ends, end)
		}
	}
	return t, shutdown, nil
}

func (o *Options) resource() *resource.Resource {
	return resource.NewSchemaless(attribute.String("service.name", "entente-"+o.Service), attribute.String("service.instance.id", o.Instance))
}

func (t *Telemetry) startTraces(ctx context.Context, o *Options) (func(context.Context) error, error) {
	var processor sdktrace.SpanProcessor
	switch {
	case o.Spans != nil:
		processor = sdktrace.NewSimpleSpanProcessor(guardSpans(o.Spans))
	case o.TraceEndpoint != "":
		address, err := collector(o.TraceEndpoint)
		if err != nil {
			return nil, err
		}
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(address))
		if err != nil {
			return nil, fmt.Errorf("send traces: %w", err)
		}
		processor = sdktrace.NewBatchSpanProcessor(guardSpans(exporter))
	default:
		return nil, nil
	}
	// What another house decided to sample decides nothing here.
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor), sdktrace.WithResource(o.resource()), sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithSampler(sdktrace.AlwaysSample()))
	t.tracers = provider
	return provider.Shutdown, nil
}

func (t *Telemetry) startMetrics(ctx context.Context, o *Options) (func(context.Context) error, error) {
	if o.MetricsListen == "" {
		return nil, nil
	}
	if err := checkLoopback(o.MetricsListen); err != nil {
		return nil, err
	}
	t.registry = prometheus.NewRegistry()
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(t.registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(o.resource()))
	t.meters = provider
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.MetricsListen)
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	t.address = listener.Addr().String()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headersWait}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return func(ctx context.Context) error {
		err := errors.Join(server.Shutdown(ctx), provider.Shutdown(ctx))
		if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
			err = errors.Join(err, failed)
		}
		return err
	}, nil
}

// Tracer gives a tracer for a part of the process. Without an exporter it draws nothing and passes on what it is given.
func (t *Telemetry) Tracer(part string) trace.Tracer {
	if t == nil || t.tracers == nil {
		return nooptrace.NewTracerProvider().Tracer(part)
	}
	return t.tracers.Tracer("entente/" + part)
}

// Tracers gives the provider behind the tracers, nil when nothing is traced.
func (t *Telemetry) Tracers() trace.TracerProvider {
	if t == nil {
		return nil
	}
	return t.tracers
}

// Meter gives a meter for a part of the process. When nobody reads metrics it counts nothing.
func (t *Telemetry) Meter(part string) metric.Meter {
	if t == nil || t.meters == nil {
		return noopmetric.NewMeterProvider().Meter(part)
	}
	return t.meters.Meter("entente/" + part)
}

// MetricsAddress is where metrics are served, empty when they are not.
func (t *Telemetry) MetricsAddress() string {
	if t == nil {
		return ""
	}
	return t.address
}
