package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"entente/bridge/intake"
	"entente/ops/devnet"
	"entente/ops/telemetry"
	"entente/settlement/payment"
	"entente/zk/audit"
	"entente/zk/proof"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(played.close(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// The exercise whose words and numbers must not be found in anything that is told: each is like nothing else.
var canary = fstest.MapFS{
	"agreement.json": {Data: []byte(`{
  "id": "CANARY-2023", "name": "Silent Canary 2023", "starts": "2023-11-06", "ends": "2023-11-07", "tolerance_bp": 100,
  "members": [
    {"nation": "DEU", "name": "Germany", "currency": "EUR", "bank": "eurosystem", "bank_name": "Eurosystem"},
    {"nation": "FRA", "name": "France", "currency": "EUR", "bank": "eurosystem", "bank_name": "Eurosystem"},
    {"nation": "GBR", "name": "United Kingdom", "currency": "GBP", "bank": "boe", "bank_name": "Bank of England"}
  ],
  "categories": [{"code": "WATER", "name": "Water", "formula": "actual_use"}]
}`)},
	"rates.csv": {Data: []byte("Date, GBP, \n7 November 2023, 0.86830, \n6 November 2023, 0.86750, \n")},
	"records/DEU.csv": {Data: []byte(header +
		"2023-11-06,WATER,GBR,DEU,zebrawater,7,can,47113.37\n2023-11-06,WATER,DEU,FRA,gnuwater,3,can,91827.45\n")},
	"records/FRA.csv": {Data: []byte(header +
		"2023-11-06,WATER,DEU,FRA,gnuwater,3,can,91827.45\n2023-11-07,WATER,FRA,GBR,okapiwater,1,can,58329.19\n")},
	"records/GBR.csv": {Data: []byte(header +
		"2023-11-06,WATER,GBR,DEU,zebrawater,7,can,47113.37\n2023-11-07,WATER,FRA,GBR,okapiwater,1,can,58329.19\n")},
}

const header = "date,category,supplier,receiver,item,quantity,unit,unit_price\n"

// told is everything a network told while it played the exercise, and what it knew.
type told struct {
	once    sync.Once
	err     error
	dir     string
	net     *devnet.Net
	story   *devnet.Story
	log     buffer
	spans   tracetest.SpanStubs
	metrics string
	end     func(context.Context) error
}

var played told

// buffer collects a log from several goroutines.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// logTo writes every record but its time, whose digits are nobody's amount.
func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{}
		}
		return a
	}}))
}

// playOnce gives what was told while the exercise was played, from the first test on.
func playOnce(t *testing.T) *told {
	t.Helper()
	played.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute)
		defer cancel()
		played.err = played.play(ctx)
	})
	if played.err != nil {
		t.Fatal(played.err)
	}
	return &played
}

func (x *told) play(ctx context.Context) error {
	exercise, err := intake.Load(canary)
	if err != nil {
		return err
	}
	cache, err := proof.DefaultDir()
	if err != nil {
		return err
	}
	keys, err := proof.OpenDevelopment(ctx, cache, devnet.Circuits(), nil)
	if err != nil {
		return err
	}
	if x.dir, err = os.MkdirTemp("", "telemetry-test-"); err != nil {
		return err
	}
	exporter := tracetest.NewInMemoryExporter()
	shown, end, err := telemetry.Setup(ctx, telemetry.Options{Service: "test", Instance: "canary", Spans: exporter, MetricsListen: "127.0.0.1:0", Log: logTo(&x.log)})
	if err != nil {
		return err
	}
	x.end = end
	x.net, err = devnet.Start(ctx, devnet.Options{Dir: x.dir, Exercise: exercise, Sheet: canary["agreement.json"].Data, Files: canary, Keys: keys,
		Progress: func(string) {}, Log: logTo(&x.log), Telemetry: shown})
	if err != nil {
		return err
	}
	if x.story, err = x.net.Play(ctx, func(string, int, int) {}); err != nil {
		return err
	}
	for _, p := range x.story.Payments {
		if p.State != payment.Settled {
			return fmt.Errorf("payment %s is %s: %s", p.Instruction.UETR, p.State, p.Reason)
		}
	}
	if x.story.Report.Result != audit.Valid {
		return errors.New("the audit did not find the exercise valid")
	}
	if x.metrics, err = scrape("http://" + shown.MetricsAddress() + "/metrics"); err != nil {
		return err
	}
	x.spans = exporter.GetSpans()
	return nil
}

func scrape(url string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("metrics: %s", answer.Status)
	}
	return string(body), err
}

func (x *told) close() error {
	var all []error
	if x.net != nil {
		all = append(all, x.net.Close())
	}
	if x.end != nil {
		all = append(all, x.end(context.Background()))
	}
	if x.dir != "" {
		all = append(all, os.RemoveAll(x.dir))
	}
	return errors.Join(all...)
}
