package tiles_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente/bridge/tiles"
	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/postgres"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/commit"
	"entente/zk/transcript"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	origin = "boj.test/JPY"
	token  = "a token of the auditor, random and long"
)

// bank is a bank's engine whose log a server shows.
type bank struct {
	t        testing.TB
	engine   *engine.Engine
	log      *tiles.Log
	verifier note.Verifier
	url      string
	faults   func(error)
	opened   int
}

func inMemory(testing.TB) engine.Store { return engine.NewMemory().Session() }

func onPostgres(t testing.TB) engine.Store {
	s, err := postgres.Open(context.Background(), pgtest.Migrated(t, migrations.Bank, postgres.Migrate), "boj")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newBank(t testing.TB, store engine.Store) *bank {
	t.Helper()
	b := &bank{t: t, faults: func(err error) { t.Errorf("a fault: %v", err) }}
	swapKey, err := wallet.NewSigner("boj", "boj", wire.PurposeSwap, 1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := transcript.NewSigner(origin, private)
	if err != nil {
		t.Fatal(err)
	}
	if b.verifier, err = transcript.ParseVerifierKey(transcript.VerifierKey(origin, public)); err != nil {
		t.Fatal(err)
	}
	b.engine, err = engine.Open(t.Context(), engine.Config{
		Machine: swap.New("test", "boj", "JPY", 1), Store: store, Veil: engine.Veil{Blinding: commit.Secret{1}, Tags: [32]byte{2}, Salt: [32]byte{3}}, Swap: swapKey,
		Checkpoint: signer, Origin: origin, Clock: func() int64 { return time.Now().UnixMilli() }, Deliver: func([]engine.Message) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.log = tiles.Of(b.engine)
	server := httptest.NewServer(tiles.NewHandler(tiles.Options{
		Log: b.log, Checkpoint: func() []byte { return b.log.Head().Note }, Fault: func(err error) { b.faults(err) },
		Readers: map[string][32]byte{"AUDITOR-1": sha256.Sum256([]byte(token)), "AUDITOR-2": sha256.Sum256([]byte("another"))},
	}))
	b.url = server.URL
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
		if err := b.engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// grow opens accounts, an entry each, until the log has size leaves.
func (b *bank) grow(size int) {
	b.t.Helper()
	var wait sync.WaitGroup
	for ; b.opened < size; b.opened++ {
		order := wire.Order{Network: "test", Bank: "boj", Kind: wire.OrderOpen, Key: wire.NewUUID([16]byte(random())), Account: fmt.Sprintf("DESK-%d", b.opened),
			Owner: "JPN", As: wire.AccountDesk, AtMS: time.Now().UnixMilli()}
		event := swap.OrderGiven{Order: order, Cause: wire.PayloadHash(wire.TypeOrder, order.Bytes()), NowMS: order.AtMS}
		wait.Go(func() {
			if _, err := b.engine.Submit(context.Background(), engine.Work{Event: event}); err != nil {
				b.t.Errorf("open an account: %v", err)
			}
		})
		if b.opened%2048 == 2047 {
			wait.Wait()
		}
	}
	wait.Wait()
}

func random() []byte {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	return b[:]
}

// get asks the server, with the given headers as name, value, name, value.
func (b *bank) get(path string, header ...string) *http.Response {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer
}
