// Package pgtest gives tests a real PostgreSQL server: one for all packages of a `go test` run, started with the first use, and one database for each test,
// copied from a migrated template.
//
// A package that uses it declares
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// The first test binary that needs the server starts a keeper, a copy of itself that owns the server and ends with the `go` process. A test binary that was
// started by hand, or in a package without that line, has a server of its own, and with DATABASE_URL the tests use that one. A server that cannot be started
// fails the test: a store that was not tested has not passed.
//
// Promised: the server dies with `go test`, by kill -9 too, and with the keeper. Not promised: a database outlives its test, or is free of other tests' load.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"entente/ops/pgserver"
)

// startWait leaves room for a first installation of the server.
const startWait = 10 * time.Minute

var (
	start    sync.Once
	server   *pgserver.Server
	startErr error
	// underMain says that this binary can become a keeper: Main looks for the keeper's order before any test runs.
	underMain bool

	databases atomic.Int64
	known     sync.Map // URL to addresses
	// binary tells this process's databases from those of others on the server.
	binary = sync.OnceValue(func() string {
		var random [4]byte
		rand.Read(random[:]) // never fails
		return hex.EncodeToString(random[:])
	})
)

// Main runs the tests, gives the server back, and exits. Goroutines that outlive tests that passed fail the binary.
func Main(m *testing.M) {
	if dir, ordered := os.LookupEnv(keeperOrder); ordered {
		os.Exit(keep(dir))
	}
	underMain = true
	code := m.Run()
	if server != nil {
		if err := server.Stop(pgserver.Fast); err != nil {
			fmt.Fprintln(os.Stderr, "stop the test server:", err)
			code = max(code, 1)
		}
	}
	if used != nil {
		used.Close() // gives the lock back
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "after the tests:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// NoLeaks fails a test that leaves goroutines behind, those of the shared server aside.
func NoLeaks(tb testing.TB) {
	tb.Helper()
	ForTest(tb)
	before := goleak.IgnoreCurrent()
	tb.Cleanup(func() {
		if err := goleak.Find(before); err != nil {
			tb.Error(err)
		}
	})
}

// ForTest gives the test run's server, started with the first call.
func ForTest(tb testing.TB) *pgserver.Server {
	tb.Helper()
	start.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startWait)
		defer cancel()
		server, startErr = find(ctx)
	})
	if startErr != nil {
		tb.Fatalf("no PostgreSQL server for the tests: %v", startErr)
	}
	return server
}

func find(ctx context.Context) (*pgserver.Server, error) {
	if r, shared := runOf(os.Getppid()); shared && underMain && os.Getenv("DATABASE_URL") == "" {
		return r.join(ctx)
	}
	return pgserver.Start(ctx, pgserver.Options{Progress: tell})
}

func tell(progress string) { fmt.Fprintln(os.Stderr, progress) }

// Migrated gives the URL of a database of the test's own, dropped at its end, as migrate makes it from an empty one and the set of migrations. Each set is
// migrated once in a test run. migrate must have closed its connections when it returns. The URL is that of the application's role where the schema has a
// function admit that lets it in, else the owner's; [Owner] and [Admin] give the same database to others.
func Migrated(tb testing.TB, set fs.FS, migrate func(ctx context.Context, url string, set fs.FS) error) string {
	tb.Helper()
	sum, err := hashOf(set)
	if err != nil {
		tb.Fatalf("read the migrations: %v", err)
	}
	template := "template_" + hex.EncodeToString(sum[:8])
	owner := database(tb, func(ctx context.Context, s *pgserver.Server, name string) error {
		// The first test's end must not stop the migration that others wait for.
		if err := ensure(context.WithoutCancel(ctx), s, template, func(ctx context.Context, url string) error { return migrate(ctx, url, set) }); err != nil {
			return fmt.Errorf("the template: %w", err)
		}
		return s.CreateFromTemplate(ctx, name, template)
	})
	conn, err := pgx.Connect(tb.Context(), owner)
	if err != nil {
		tb.Fatalf("look at the test database: %v", err)
	}
	apart, err := apart(tb.Context(), conn)
	if err = errors.Join(err, conn.Close(tb.Context())); err != nil {
		tb.Fatalf("look at the test database: %v", err)
	}
	if apart {
		return called(owner).app
	}
	return owner
}

// Copy gives a copy of a database of this package, dropped at the test's end, by the same of its URLs. Nobody may be using the original.
func Copy(tb testing.TB, url string) string {
	tb.Helper()
	from := called(url)
	copied := called(database(tb, func(ctx context.Context, s *pgserver.Server, name string) error {
		return s.CreateFromTemplate(ctx, name, from.name)
	}))
	switch url {
	case from.admin:
		return copied.admin
	case from.owner:
		return copied.owner
	}
	return copied.app
}

// Owner gives the URL by which the owner of the tables reaches the database of a URL that this package gave.
func Owner(url string) string { return called(url).owner }

// App gives the URL by which the application's role reaches the database of a URL that this package gave.
func App(url string) string { return called(url).app }

// Admin gives the URL by which the server's superuser reaches the database of a URL that this package gave.
func Admin(url string) string { return called(url).admin }

// addresses are the name and the three URLs of a database.
type addresses struct{ name, admin, owner, app string }

// called finds a database of this binary by any of its URLs.
func called(url string) addresses {
	found, ok := known.Load(url)
	if !ok {
		panic("pgtest: " + url + " is no database of a test")
	}
	return found.(addresses)
}

// Empty gives the owner's URL of an empty database of the test's own, dropped at its end.
func Empty(tb testing.TB) string {
	tb.Helper()
	return database(tb, func(ctx context.Context, s *pgserver.Server, name string) error { return s.CreateDatabase(ctx, name) })
}

func database(tb testing.TB, create func(context.Context, *pgserver.Server, string) error) string {
	tb.Helper()
	s := ForTest(tb)
	name := fmt.Sprintf("test_%s_%d", binary(), databases.Add(1))
	if err := create(tb.Context(), s, name); err != nil {
		tb.Fatalf("make a test database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.DropDatabase(ctx, name); err != nil {
			tb.Errorf("drop the test database: %v", err)
		}
	})
	a := addresses{name, s.URL(name), s.OwnerURL(name), s.AppURL(name)}
	for _, url := range []string{a.admin, a.owner, a.app} {
		known.Store(url, a)
	}
	return a.owner
}
