package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente/ops/pgtest"
	"entente/settlement/engine"
)

// terminate ends every session on a database but its own, as a dying process or a cut line does.
func terminate(t testing.TB, url string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Error(err)
		return
	}
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Error(err)
	}
}

// keepAlive opens a bank again each time its engine stops, as a node does, until the test ends.
func keepAlive(t *testing.T, h *house) (stop func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-over:
				return
			case <-h.present().Done():
			}
			if _, err := h.tryStart(); err != nil {
				t.Logf("%s does not open yet: %v", h.bank, err)
				time.Sleep(20 * time.Millisecond)
			}
		}
	}()
	var once sync.Once
	stop = func() { once.Do(func() { close(over); <-done }) }
	t.Cleanup(stop)
	return stop
}

func TestLosingTheDatabaseUnderLoadLosesNothingAndDoublesNothing(t *testing.T) {
	pgtest.NoLeaks(t)
	url, open := postgresDatabase(t, "boj")
	h := newHouse(t, "boj", "JPY", func(testing.TB, string) func(testing.TB) (engine.Store, error) { return open })
	h.start()
	h.furnish("JPN", 500, 900)
	keepAlive(t, h)
	over := make(chan struct{})
	var killer, clients sync.WaitGroup
	killer.Add(1)
	go func() {
		defer killer.Done()
		for {
			select {
			case <-over:
				return
			case <-time.After(120 * time.Millisecond):
				terminate(t, url)
			}
		}
	}()
	const parallel = 16
	var acknowledged [parallel]int64
	for c := range parallel {
		clients.Add(1)
		go func() {
			defer clients.Done()
			for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); {
				// The same order, with the same key, until somebody answers it.
				if _, err := h.submit(engine.Work{Event: h.issue("DESK-JPN", 1)}); err != nil {
					t.Errorf("an order: %v", err)
					return
				}
				acknowledged[c]++
			}
		}()
	}
	clients.Wait()
	close(over)
	killer.Wait()
	want := int64(500)
	for _, n := range acknowledged {
		want += n
	}
	eventually(t, 20*time.Second, func() string {
		if h.present().Err() != nil {
			return h.present().Err().Error()
		}
		return ""
	})
	if _, got := balanceOf(t, h, "DESK-JPN"); got != want {
		t.Errorf("%d was acknowledged and the balance is %d", want, got)
	}
	if err := fsck(t, h, url); err != nil { // sessions were taken up again in the middle of the chain of seals
		t.Error(err)
	}
	t.Logf("%d orders were acknowledged", want-500)
}

func TestSwapsSettleWhileBothDatabasesDropTheirSessions(t *testing.T) {
	pgtest.NoLeaks(t)
	urls := map[string]string{}
	p := newPair(t, func(t testing.TB, bank string) func(testing.TB) (engine.Store, error) {
		url, open := postgresDatabase(t, bank)
		urls[bank] = url
		return open
	})
	p.furnish()
	keepAlive(t, p.aus)
	keepAlive(t, p.jpn)
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-over:
				return
			case <-time.After(150 * time.Millisecond):
				terminate(t, urls[[]string{"rba", "boj"}[i%2]])
			}
		}
	}()
	stop := time.AfterFunc(2*time.Second, func() { close(over) })
	defer stop.Stop()
	settleMany(t, p, 30, 25*time.Second)
	<-done
	for _, h := range []*house{p.aus, p.jpn} {
		if err := fsck(t, h, urls[h.bank]); err != nil {
			t.Error(err)
		}
	}
}
