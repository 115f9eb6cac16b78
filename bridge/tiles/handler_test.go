package tiles_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"entente/bridge/tiles"
	"entente/ops/pgtest"
	"entente/schema/refusal"
	"entente/settlement/engine"
	"entente/zk/transcript"
)

// bearer presents a token with every request.
type bearer struct{ token string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(r)
}

func (b *bank) fetcher(t *testing.T, token string) *torchwood.TileFetcher {
	t.Helper()
	f, err := torchwood.NewTileFetcher(b.url, torchwood.WithHTTPClient(&http.Client{Transport: bearer{token}}))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// head reads the checkpoint as a standard client does.
func (b *bank) head(t *testing.T, f *torchwood.TileFetcher) torchwood.Checkpoint {
	t.Helper()
	raw, err := f.ReadEndpoint(t.Context(), "checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	head, _, err := torchwood.VerifyCheckpoint(raw, torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(b.verifier)))
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func TestAStandardClientReadsAndVerifiesTheLog(t *testing.T) {
	pgtest.NoLeaks(t)
	for name, store := range map[string]func(testing.TB) engine.Store{"memory": inMemory, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, store(t))
			f := b.fetcher(t, token)
			client, err := torchwood.NewClient(f)
			if err != nil {
				t.Fatal(err)
			}
			var before tlog.Tree
			for _, size := range []int{1, 255, 256, 257, 700} {
				b.grow(size)
				head := b.head(t, f)
				leaves, err := b.engine.Leaves(t.Context(), 0, int64(size))
				if err != nil || head.N != int64(size) {
					t.Fatalf("a head of %d leaves (%v), want %d", head.N, err, size)
				}
				var read [][]byte
				for i, entry := range client.AllEntries(t.Context(), head.Tree, 0) {
					if int(i) != len(read) {
						t.Fatalf("entry %d came where %d is due", i, len(read))
					}
					read = append(read, bytes.Clone(entry))
				}
				if err := client.Err(); err != nil || !slices.EqualFunc(read, leaves, bytes.Equal) {
					t.Fatalf("%d of %d leaves read (%v)", len(read), size, err)
				}
				hashes := torchwood.TileHashReaderWithContext(t.Context(), head.Tree, f)
				if before.N > 0 {
					proof, err := tlog.ProveTree(head.N, before.N, hashes)
					if err != nil || tlog.CheckTree(proof, head.N, head.Hash, before.N, before.Hash) != nil {
						t.Errorf("%d leaves are not shown to grow into %d (%v)", before.N, head.N, err)
					}
				}
				before = head.Tree
				entry, proof, err := client.Entry(t.Context(), head.Tree, int64(size/2))
				if err != nil || tlog.CheckRecord(proof, head.N, head.Hash, int64(size/2), tlog.RecordHash(entry)) != nil {
					t.Errorf("entry %d is not shown to be in the log (%v)", size/2, err)
				}
			}
		})
	}
}

func TestTilesOfEveryLevelAreServed(t *testing.T) {
	pgtest.NoLeaks(t)
	b := newBank(t, inMemory(t))
	const size = 1<<16 + 300
	b.grow(size)
	head := b.head(t, b.fetcher(t, ""))
	reader := torchwood.TileHashReaderWithContext(t.Context(), head.Tree, b.fetcher(t, ""))
	for _, old := range []int64{1, 256, 1 << 16, 1<<16 + 256, size - 1} {
		tree, err := tlog.TreeHash(old, reader) // each hash that is read is checked against the head
		if err != nil {
			t.Fatal(err)
		}
		proof, err := b.log.Consistency(t.Context(), uint64(old), transcript.Checkpoint{Origin: origin, Size: size, Root: transcript.Hash(head.Hash)})
		if err != nil || transcript.VerifyConsistency(uint64(old), transcript.Hash(tree), size, transcript.Hash(head.Hash), proof) != nil {
			t.Errorf("%d leaves are not shown to grow into %d (%v)", old, size, err)
		}
	}
	for path, width := range map[string]int{
		"/tile/0/255": 256, "/tile/0/x001/x000/000": 0, "/tile/0/257": 0, "/tile/0/257.p/44": 44, "/tile/0/257.p/45": 0, "/tile/0/000.p/7": 7,
		"/tile/1/000": 256, "/tile/1/001.p/1": 1, "/tile/1/001.p/2": 0, "/tile/2/000.p/1": 1, "/tile/2/000": 0, "/tile/3/000.p/1": 0, "/tile/63/000.p/1": 0,
		"/tile/0/x999/x999/x999/x999/x999/999": 0,
	} {
		answer := b.get(path)
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			t.Fatal(err)
		}
		switch {
		case width == 0 && answer.StatusCode != http.StatusNotFound, width > 0 && (answer.StatusCode != http.StatusOK || len(body) != 32*width):
			t.Errorf("%s gives %d with %d bytes, want %d hashes", path, answer.StatusCode, len(body), width)
		}
	}
}

func TestWhatIsAnsweredToWhom(t *testing.T) {
	pgtest.NoLeaks(t)
	b := newBank(t, inMemory(t))
	if answer := b.get("/checkpoint"); answer.StatusCode != http.StatusNotFound || answer.Body.Close() != nil {
		t.Errorf("a log without leaves has a head: %d", answer.StatusCode)
	}
	b.grow(300)
	mine := []string{"Authorization", "Bearer " + token}
	const text, bytes, forever, never = "text/plain; charset=utf-8", "application/octet-stream", "public, max-age=31536000, immutable", "no-store"
	for _, test := range []struct {
		path   string
		header []string
		status int
		kind   string
		cache  string
	}{
		{"/checkpoint", nil, 200, text, "public, max-age=1"},
		{"/tile/0/000", nil, 200, bytes, forever},
		{"/tile/0/001.p/44", nil, 200, bytes, forever},
		{"/tile/1/000.p/1", nil, 200, bytes, forever},
		{"/tile/entries/000", mine, 200, bytes, "private, max-age=31536000, immutable"},
		{"/tile/entries/001.p/44", mine, 200, bytes, "private, max-age=31536000, immutable"},
		{"/tile/entries/000", nil, 401, text, never},
		{"/tile/entries/000", []string{"Authorization", "Bearer wrong"}, 401, text, never},
		{"/tile/entries/000", []string{"Authorization", "Bearer "}, 401, text, never},
		{"/tile/entries/000", []string{"Authorization", "Basic " + token}, 401, text, never},
		{"/tile/entries/000", []string{"Authorization", token}, 401, text, never},
		{"/tile/entries/999", nil, 401, text, never}, // not even whether it is there
		{"/tile/entries/001", mine, 404, text, never},
		{"/tile/entries/001.p/45", mine, 404, text, never},
		{"/tile/data/000", mine, 404, text, never},
		{"/tile/8/0/000", nil, 404, text, never},
		{"/tile/0/0", nil, 404, text, never},
		{"/tile/0/x000/000", nil, 404, text, never},
		{"/tile/00/000", nil, 404, text, never},
		{"/tile/64/000", nil, 404, text, never},
		{"/tile/-1/000", nil, 404, text, never},
		{"/tile/0/000.p/0", nil, 404, text, never},
		{"/tile/0/000.p/256", nil, 404, text, never},
		{"/tile/0/000.p/01", nil, 404, text, never},
		{"/tile/0/%30%30%30", nil, 404, text, never},
		{"/tile/", nil, 404, text, never},
		{"/tile/0/" + strings.Repeat("x001/", 200) + "001", nil, 404, text, never},
	} {
		answer := b.get(test.path, test.header...)
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		h := answer.Header
		if answer.StatusCode != test.status || h.Get("Content-Type") != test.kind || h.Get("Cache-Control") != test.cache || (h.Get("WWW-Authenticate") != "") != (test.status == 401) {
			t.Errorf("%.60s gives %d %v", test.path, answer.StatusCode, h)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/checkpoint", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusMethodNotAllowed || answer.Body.Close() != nil {
		t.Errorf("a checkpoint handed in: %v (%v)", answer.StatusCode, err)
	}
}

func TestEntriesAreCompressedForWhoAsks(t *testing.T) {
	pgtest.NoLeaks(t)
	b := newBank(t, inMemory(t))
	b.grow(256)
	plain, packed := b.get("/tile/entries/000", "Authorization", "Bearer "+token, "Accept-Encoding", "identity"), b.get("/tile/entries/000", "Authorization", "Bearer "+token)
	one, err1 := io.ReadAll(plain.Body)
	other, err2 := io.ReadAll(packed.Body) // the client asked for gzip by itself, and takes it off
	if err := errors.Join(err1, err2, plain.Body.Close(), packed.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if plain.Header.Get("Content-Encoding") != "" || !packed.Uncompressed || !bytes.Equal(one, other) {
		t.Errorf("%d bytes plain, %d packed (%v)", len(one), len(other), packed.Uncompressed)
	}
}

// failing is a store whose log cannot be read.
type failing struct {
	engine.Store
	err error
}

func (f *failing) Leaves(ctx context.Context, from, to int64) ([][]byte, error) {
	leaves, err := f.Store.Leaves(ctx, from, to)
	if err == nil && f.err == nil && len(leaves) > 0 {
		leaves = leaves[1:] // as if one were gone
	}
	return leaves, errors.Join(err, f.err)
}

func TestAFaultIsToldToTheBankAndNotToTheReader(t *testing.T) {
	pgtest.NoLeaks(t)
	store := &failing{Store: inMemory(t), err: errors.New("disk 7 of host db-3 is gone")}
	b := newBank(t, store)
	b.grow(10)
	for _, store.err = range []error{store.err, nil} {
		var told error
		b.faults = func(err error) { told = err }
		answer := b.get("/tile/0/000.p/5")
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "db-3") || told == nil || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %q, the bank is told %v", answer.StatusCode, body, told)
		}
	}
}

func TestProofsFromAFalseLogAreNotMade(t *testing.T) {
	pgtest.NoLeaks(t)
	store := &failing{Store: inMemory(t)}
	b := newBank(t, store)
	b.grow(10)
	head, _, err := transcript.Open(b.engine.Checkpoint(), b.verifier)
	if err != nil {
		t.Fatal(err)
	}
	if path, err := b.log.Consistency(t.Context(), 4, head); err == nil {
		t.Errorf("a proof over missing leaves: %v", path)
	}
	if _, err := b.log.Consistency(t.Context(), 11, head); refusal.CodeOf(err) != transcript.MerkleProofInvalid {
		t.Errorf("a proof from a later size: %v", err)
	}
	if _, err := b.log.Tile(t.Context(), tlog.Tile{H: 8, L: 0, N: 0, W: 11}); refusal.CodeOf(err) != tiles.CodeMissing {
		t.Errorf("a tile beyond the head: %v", err)
	}
	if _, err := note.Open(b.engine.Checkpoint(), note.VerifierList(b.verifier)); err != nil {
		t.Error(err)
	}
}

// A tile's cost must not grow with the log.
func BenchmarkTile(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 16} {
		for _, path := range []tlog.Tile{{H: 8, L: 0, N: 3, W: 256}, {H: 8, L: 1, N: 0, W: 4}} {
			b.Run(torchwood.TilePath(path)+" of "+map[int]string{1 << 10: "1 K", 1 << 16: "64 K"}[size], func(b *testing.B) {
				bank := newBank(b, onPostgres(b))
				bank.grow(size)
				b.ResetTimer()
				for b.Loop() {
					if _, err := bank.log.Tile(b.Context(), path); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
