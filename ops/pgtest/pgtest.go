// Package pgtest gives tests a real PostgreSQL server: one for each test binary, started with the first use, and one database for each test, copied from a
// migrated template.
//
// A package that uses it declares
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// so that the server is stopped and its files are removed at the end. Without that the server still dies with the test binary, and its files go with the next
// start. A server that cannot be started fails the test: a store that was not tested has not passed.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entente/ops/pgserver"
)

// startWait leaves room for a first installation of the server.
const startWait = 10 * time.Minute

var (
	start    sync.Once
	server   *pgserver.Server
	startErr error

	databases atomic.Int64
	// templates holds one *template for each migrate function.
	templates sync.Map
)

type template struct {
	make sync.Once
	name string
	err  error
}

// Main runs the tests, stops the server if one was started, and exits.
func Main(m *testing.M) {
	code := m.Run()
	if server != nil {
		if err := server.Stop(pgserver.Fast); err != nil {
			fmt.Fprintln(os.Stderr, "stop the test server:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// ForTest gives the test binary's server, started with the first call.
func ForTest(tb testing.TB) *pgserver.Server {
	tb.Helper()
	start.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startWait)
		defer cancel()
		server, startErr = pgserver.Start(ctx, pgserver.Options{Progress: func(s string) { fmt.Fprintln(os.Stderr, s) }})
	})
	if startErr != nil {
		tb.Fatalf("no PostgreSQL server for the tests: %v", startErr)
	}
	return server
}

// TestDatabase gives the URL of a database of the test's own, dropped at its end. migrate runs once for the test binary on the template it is copied from,
// and must have closed its connections when it returns; nil gives an empty database. Two closures of the same function literal count as the same migration.
func TestDatabase(tb testing.TB, migrate func(ctx context.Context, url string) error) string {
	tb.Helper()
	s := ForTest(tb)
	name := fmt.Sprintf("test_%d", databases.Add(1))
	var err error
	if migrate == nil {
		err = s.CreateDatabase(tb.Context(), name)
	} else {
		err = fromTemplate(tb.Context(), s, name, migrate)
	}
	if err != nil {
		tb.Fatalf("make a test database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.DropDatabase(ctx, name); err != nil {
			tb.Errorf("drop the test database: %v", err)
		}
	})
	return s.URL(name)
}

func fromTemplate(ctx context.Context, s *pgserver.Server, name string, migrate func(context.Context, string) error) error {
	found, _ := templates.LoadOrStore(reflect.ValueOf(migrate).Pointer(), &template{name: "template_" + name})
	t := found.(*template)
	// The first test's end must not stop the migration that others wait for.
	t.make.Do(func() {
		ctx := context.WithoutCancel(ctx)
		if t.err = s.CreateDatabase(ctx, t.name); t.err == nil {
			t.err = migrate(ctx, s.URL(t.name))
		}
	})
	if t.err != nil {
		return fmt.Errorf("the template: %w", t.err)
	}
	return s.CreateFromTemplate(ctx, name, t.name)
}
