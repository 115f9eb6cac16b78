package pgserver

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestARestartAfterAnImmediateStopKeepsTheAddressAndWhatWasCommitted(t *testing.T) {
	ctx := context.Background()
	s, err := Start(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(Fast); err != nil {
			t.Error(err)
		}
	})
	url := s.URL("postgres")
	run := func(sql string, into any) {
		t.Helper()
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if into == nil {
			_, err = conn.Exec(ctx, sql)
		} else {
			err = conn.QueryRow(ctx, sql).Scan(into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE TABLE kept AS SELECT 7 AS n", nil)
	pid := s.PID()
	if err := s.Restart(ctx, Immediate); err != nil {
		t.Fatal(err)
	}
	var n int
	run("SELECT n FROM kept", &n)
	if n != 7 || s.PID() == pid {
		t.Errorf("n = %d, process %d was %d", n, s.PID(), pid)
	}
}
