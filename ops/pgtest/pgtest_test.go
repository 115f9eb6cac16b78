package pgtest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"entente/ops/pgtest"
)

var migrations atomic.Int64

var seen = fstest.MapFS{"1.sql": {Data: []byte("CREATE TABLE seen (who text PRIMARY KEY)")}}

func migrate(ctx context.Context, url string, set fs.FS) (err error) {
	migrations.Add(1)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	text, err := fs.ReadFile(set, "1.sql")
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, string(text))
	return err
}

func TestEachTestHasADatabaseOfItsOwnFromOneMigration(t *testing.T) {
	var mu sync.Mutex
	var made []string
	t.Run("together", func(t *testing.T) {
		for i := range 8 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				conn, err := pgx.Connect(t.Context(), pgtest.Migrated(t, seen, migrate))
				if err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				made = append(made, conn.Config().Database)
				mu.Unlock()
				// Left open on purpose: the end of the test must drop the database all the same.
				var rows int
				if err := conn.QueryRow(t.Context(), "INSERT INTO seen VALUES ('me') RETURNING (SELECT count(*) FROM seen)").Scan(&rows); err != nil || rows != 0 {
					t.Errorf("%d rows of others in the table (%v)", rows, err)
				}
			})
		}
	})
	if n := migrations.Load(); n != 1 {
		t.Errorf("the migration ran %d times", n)
	}
	var left int
	conn, err := pgtest.ForTest(t).Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if len(made) != 8 {
		t.Errorf("%d databases were made", len(made))
	}
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = ANY ($1)", made).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d test databases are left (%v)", left, err)
	}
}

func TestADatabaseWithoutMigrationIsEmpty(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var tables int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d tables (%v)", tables, err)
	}
}
