package witness_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"entente/bridge/witness"
	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/settlement/postgres"
	"entente/zk/transcript"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// noLeaks fails a test that leaves goroutines behind, those of the shared server and of idle connections aside.
func noLeaks(t testing.TB) {
	t.Helper()
	pgtest.NoLeaks(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections) // runs before the look
}

// stores give what opens a store again and again on one database.
var stores = map[string]func(testing.TB) func() witness.Store{
	"memory": func(testing.TB) func() witness.Store {
		m := witness.NewMemory()
		return func() witness.Store { return m }
	},
	"postgres": func(t testing.TB) func() witness.Store {
		url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
		var before *postgres.Store
		return func() witness.Store {
			if before != nil {
				if err := before.Close(); err != nil {
					t.Error(err)
				}
			}
			s, err := postgres.Open(context.Background(), url, "boj")
			if err != nil {
				t.Fatal(err)
			}
			before = s
			t.Cleanup(func() { _ = s.Close() }) // again, where it was closed before
			return s
		}
	},
}

// overBoth runs one test over both stores.
func overBoth(t *testing.T, test func(*testing.T, func() witness.Store)) {
	noLeaks(t)
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func private(seed string) ed25519.PrivateKey {
	s := sha256.Sum256([]byte(seed))
	return ed25519.NewKeyFromSeed(s[:])
}

func public(seed string) ed25519.PublicKey { return private(seed).Public().(ed25519.PublicKey) }

const origin = "rba.test/AUD"

// logOf is another bank's log: leaf hashes, and the key it signs with.
type logOf struct {
	t      testing.TB
	origin string
	leaves []transcript.Hash
	signer note.Signer
}

func newLog(t testing.TB, origin, seed string, size int) *logOf {
	t.Helper()
	signer, err := transcript.NewSigner(origin, private(seed))
	if err != nil {
		t.Fatal(err)
	}
	l := &logOf{t: t, origin: origin, signer: signer}
	for i := range size {
		l.leaves = append(l.leaves, transcript.LeafHash(fmt.Appendf(nil, "leaf %d", i)))
	}
	return l
}

// fork is the same log with other leaves from at on.
func (l *logOf) fork(at int, name string) *logOf {
	other := *l
	other.leaves = slices.Clone(l.leaves)
	for i := at; i < len(other.leaves); i++ {
		other.leaves[i] = transcript.LeafHash(fmt.Appendf(nil, "%s %d", name, i))
	}
	return &other
}

func (l *logOf) head(size int) transcript.Checkpoint {
	tree := transcript.TreeOf(l.leaves[:size])
	return transcript.Checkpoint{Origin: l.origin, Size: uint64(size), Root: tree.Root()}
}

// note signs the head, with further signers after it.
func (l *logOf) note(size int, more ...note.Signer) []byte {
	l.t.Helper()
	msg, err := transcript.Sign(l.head(size), l.signer, more...)
	if err != nil {
		l.t.Fatal(err)
	}
	return msg
}

func (l *logOf) proof(old, size int) []transcript.Hash {
	l.t.Helper()
	path, err := transcript.ProveConsistency(l.leaves[:size], uint64(old))
	if err != nil {
		l.t.Fatal(err)
	}
	return path
}

// request is the honest request from old to size.
func (l *logOf) request(old, size int) []byte {
	r := witness.Request{Old: uint64(old), Proof: l.proof(old, size), Note: l.note(size)}
	return r.Bytes()
}

func verifier(t testing.TB, origin, seed string) note.Verifier {
	t.Helper()
	v, err := transcript.ParseVerifierKey(transcript.VerifierKey(origin, public(seed)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const witnessName = "boj.test/JPY/witness"

// house is a bank's witness behind a real server.
type house struct {
	t       testing.TB
	store   witness.Store
	witness *witness.Witness
	url     string
	stop    func()

	mu     sync.Mutex
	alarms []transcript.Contradiction
	faults []error
	atMS   int64
}

func newHouse(t testing.TB, store witness.Store) *house {
	t.Helper()
	h := &house{t: t, store: store, atMS: 1_795_000_000_000}
	var err error
	h.witness, err = witness.New(witness.Config{Name: witnessName, Key: private("witness"), Store: store,
		Logs:  []note.Verifier{verifier(t, origin, "log"), verifier(t, "rbi.test/INR", "other log")},
		Clock: func() int64 { h.mu.Lock(); defer h.mu.Unlock(); h.atMS += 1000; return h.atMS },
		Alarm: func(c transcript.Contradiction) { h.mu.Lock(); defer h.mu.Unlock(); h.alarms = append(h.alarms, c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(witness.NewHandler(h.witness, func(err error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.faults = append(h.faults, err)
	}))
	h.url, h.stop = server.URL, server.Close
	t.Cleanup(server.Close)
	return h
}

// reply is what the witness answered.
type reply struct {
	status int
	kind   string
	body   string
}

func (h *house) send(method, path string, body []byte) reply {
	h.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, h.url+path, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header.Get("Content-Type"), string(text)}
}

func (h *house) add(body []byte) reply { return h.send(http.MethodPost, "/add-checkpoint", body) }

// cosigned wants a cosignature under the head of a request, and gives its time.
func (h *house) cosigned(l *logOf, size int, r reply) int64 {
	h.t.Helper()
	if r.status != http.StatusOK {
		h.t.Fatalf("the head of %d leaves gets %d %q", size, r.status, r.body)
	}
	key, err := transcript.ParseCosignerKey(transcript.CosignerKey(witnessName, public("witness")))
	if err != nil {
		h.t.Fatal(err)
	}
	_, sigs, err := transcript.Open(append(l.note(size), r.body...), l.verifier(), key)
	if err != nil || len(sigs) != 2 {
		h.t.Fatalf("the cosignature under %d leaves: %d signatures (%v)", size, len(sigs), err)
	}
	atS, err := transcript.CosignedAt(sigs[1])
	if err != nil {
		h.t.Fatal(err)
	}
	return atS
}

func (l *logOf) verifier() note.Verifier { return verifier(l.t, l.origin, "log") }

func (h *house) alarmed() []transcript.Contradiction {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]transcript.Contradiction(nil), h.alarms...)
}
