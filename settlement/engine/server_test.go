//go:build linux

package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"entente/ops/pgserver"
	"entente/schema/migrations"
	"entente/settlement/engine"
	"entente/settlement/postgres"
)

// ownServer gives a bank on a server that no other test uses.
func ownServer(t *testing.T, o pgserver.Options) (*pgserver.Server, *house, string) {
	t.Helper()
	t.Setenv("DATABASE_URL", "")
	if err := os.Unsetenv("DATABASE_URL"); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	server, err := pgserver.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(pgserver.Fast); err != nil {
			t.Error(err)
		}
	})
	if err := server.CreateDatabase(ctx, "bank"); err != nil {
		t.Fatal(err)
	}
	url := server.AppURL("bank")
	if err := postgres.Migrate(ctx, server.OwnerURL("bank"), migrations.Bank); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Admit(ctx, server.OwnerURL("bank"), url); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, "boj", "JPY", func(testing.TB, string) func(testing.TB) (engine.Store, error) {
		return func(testing.TB) (engine.Store, error) { return postgres.Open(ctx, url, "boj") }
	})
	h.start()
	h.furnish("JPN", 500, 900)
	return server, h, url
}

// load has clients issue one unit at a time, each order until it is answered, and gives how many were. It ends when over is closed.
func load(t *testing.T, h *house, over <-chan struct{}) (acknowledged func() int64) {
	const clients = 8
	var group sync.WaitGroup
	var counts [clients]int64
	for c := range clients {
		group.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				order := h.issue("DESK-JPN", 1)
				for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
					if _, err := h.present().Submit(context.Background(), engine.Work{Event: order}); err == nil {
						break
					} else if time.Now().After(deadline) {
						t.Errorf("an order: %v", err)
						return
					}
				}
				counts[c]++
			}
		})
	}
	return func() (sum int64) {
		group.Wait()
		for _, n := range counts {
			sum += n
		}
		return sum
	}
}

func wantAll(t *testing.T, h *house, url string, acknowledged int64) {
	t.Helper()
	eventually(t, 20*time.Second, func() string {
		if err := h.present().Err(); err != nil {
			return err.Error()
		}
		return ""
	})
	if _, got := balanceOf(t, h, "DESK-JPN"); got != 500+acknowledged {
		t.Errorf("%d orders were acknowledged and %d are there", acknowledged, got-500)
	}
	if err := fsck(t, h, url); err != nil {
		t.Error(err)
	}
	t.Logf("%d orders were acknowledged", acknowledged)
}

func TestPostgresThatDiesAndComesBackUnderLoadLosesNothing(t *testing.T) {
	server, h, url := ownServer(t, pgserver.Options{})
	stop := keepAlive(t, h)
	over := make(chan struct{})
	acknowledged := load(t, h, over)
	for _, mode := range []pgserver.Mode{pgserver.Immediate, pgserver.Fast, pgserver.Immediate} {
		time.Sleep(150 * time.Millisecond)
		if err := server.Restart(context.Background(), mode); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(150 * time.Millisecond)
	close(over)
	n := acknowledged()
	wantAll(t, h, url, n)
	stop()
}

// The disk under the database fills up under load; later there is room again. The server may have ended meanwhile, as PostgreSQL does when it cannot write its
// log.
func TestAFullDiskLosesNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	disk, err := os.MkdirTemp("/tmp", "full-disk-") // within reach of the server's own user
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(disk)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=160m,mode=755"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	server, h, url := ownServer(t, pgserver.Options{Dir: filepath.Join(disk, "data")})
	if server.Dir() != filepath.Join(disk, "data") {
		t.Skipf("the server's user cannot reach %s", disk)
	}
	stop := keepAlive(t, h)
	over := make(chan struct{})
	acknowledged := load(t, h, over)
	time.Sleep(100 * time.Millisecond)
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	failed := h.present()
	select {
	case <-failed.Done():
		t.Logf("the engine stopped: %v", failed.Err())
	case <-time.After(15 * time.Second):
		t.Error("the disk is full and nobody noticed")
	}
	time.Sleep(300 * time.Millisecond)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	select {
	case <-server.Done():
	case <-time.After(500 * time.Millisecond):
	}
	if err := server.Restart(context.Background(), pgserver.Immediate); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	close(over)
	n := acknowledged()
	wantAll(t, h, url, n)
	stop()
}

// fill writes zeros until nothing more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
}
