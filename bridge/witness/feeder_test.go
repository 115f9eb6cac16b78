package witness_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente/bridge/tiles"
	"entente/bridge/witness"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/commit"
	"entente/zk/transcript"
)

// bank is a bank's engine whose heads are to be cosigned.
type bank struct {
	t      testing.TB
	engine *engine.Engine
	log    note.Verifier
	opened int
}

// newBank opens a bank on a database. Every bank here signs with one log key.
func newBank(t testing.TB, db *engine.Memory) *bank {
	t.Helper()
	key, err := wallet.NewSigner("rba", "rba", wire.PurposeSwap, 1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := transcript.NewSigner(origin, private("log"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bank{t: t, log: verifier(t, origin, "log")}
	b.engine, err = engine.Open(t.Context(), engine.Config{
		Machine: swap.New("test", "rba", "AUD", 1), Store: db.Session(), Veil: engine.Veil{Blinding: commit.Secret{1}, Tags: [32]byte{2}, Salt: [32]byte{3}}, Swap: key,
		Checkpoint: signer, Origin: origin, Clock: func() int64 { return time.Now().UnixMilli() }, Deliver: func([]engine.Message) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.opened = int(b.engine.Head().Size)
	t.Cleanup(func() { _ = b.engine.Close() }) // again, where a test closed it
	return b
}

// open opens an account, which is an entry, and gives the size of the log it is in.
func (b *bank) open() int64 {
	b.t.Helper()
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		b.t.Fatal(err)
	}
	b.opened++
	order := wire.Order{Network: "test", Bank: "rba", Kind: wire.OrderOpen, Key: wire.NewUUID(id), Account: fmt.Sprintf("DESK-%d", b.opened), Owner: "AUS",
		As: wire.AccountDesk, AtMS: time.Now().UnixMilli()}
	r, err := b.engine.Submit(context.Background(), engine.Work{Event: swap.OrderGiven{Order: order, Cause: wire.PayloadHash(wire.TypeOrder, order.Bytes()), NowMS: order.AtMS}})
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Size
}

// post is a witness of another bank behind a real server that can be told how to behave.
type post struct {
	*house
	peer     witness.Peer
	asked    atomic.Int64
	behave   atomic.Pointer[http.HandlerFunc] // in the place of the witness
	released chan struct{}
}

func newPost(t testing.TB, name string) *post {
	t.Helper()
	p := &post{house: &house{t: t, store: witness.NewMemory()}, released: make(chan struct{})}
	p.forget(name)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		if as := p.behave.Load(); as != nil {
			(*as)(w, r)
			return
		}
		p.mu.Lock()
		w2 := p.witness
		p.mu.Unlock()
		witness.NewHandler(w2, func(err error) { t.Errorf("a fault of %s: %v", name, err) }).ServeHTTP(w, r)
	}))
	key, err := transcript.ParseCosignerKey(transcript.CosignerKey(name+"/witness", public(name)))
	if err != nil {
		t.Fatal(err)
	}
	p.peer = witness.Peer{Bank: name, URL: server.URL, Key: key}
	t.Cleanup(func() { close(p.released); server.Close() })
	return p
}

// forget gives the post a witness with an empty memory.
func (p *post) forget(name string) {
	p.t.Helper()
	w, err := witness.New(witness.Config{Name: name + "/witness", Key: private(name), Logs: []note.Verifier{verifier(p.t, origin, "log")}, Store: witness.NewMemory(),
		Clock: func() int64 { return time.Now().UnixMilli() }, Alarm: func(transcript.Contradiction) {}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.witness = w
}

func (p *post) as(h http.HandlerFunc) { p.behave.Store(&h) }

// told collects what a feeder tells.
type told struct {
	mu   sync.Mutex
	said []string
}

func (t *told) tell(bank string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	word := "well"
	if err != nil {
		if word = string(refusal.CodeOf(err)); word == "" {
			word = "fault"
		}
	}
	t.said = append(t.said, bank+" "+word)
}

func (t *told) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.said)
}

func feed(t testing.TB, b *bank, quorum int, posts ...*post) (*witness.Feeder, *told) {
	t.Helper()
	said := &told{}
	cfg := witness.FeederConfig{Log: tiles.Of(b.engine), Key: b.log, Quorum: quorum, Told: said.tell}
	for _, p := range posts {
		cfg.Peers = append(cfg.Peers, p.peer)
	}
	f := witness.NewFeeder(cfg)
	t.Cleanup(f.Close)
	return f, said
}

// cosigners gives the size of a head and who cosigned it.
func (b *bank) cosigners(msg []byte, posts ...*post) (int64, []string) {
	b.t.Helper()
	keys := []note.Verifier{b.log}
	for _, p := range posts {
		keys = append(keys, p.peer.Key)
	}
	head, signatures, err := transcript.Open(msg, keys...)
	if err != nil {
		b.t.Fatalf("the head %q: %v", msg, err)
	}
	var names []string
	for _, s := range signatures[1:] {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return int64(head.Size), names
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestHeadsAreCosignedByEveryOtherBank(t *testing.T) {
	noLeaks(t)
	boj, rbi := newPost(t, "boj"), newPost(t, "rbi")
	db := engine.NewMemory()
	b := newBank(t, db)
	f, said := feed(t, b, 2, boj, rbi)
	if note := f.Latest(); len(note) != 0 {
		t.Errorf("an empty log has the head %q", note)
	}
	for range 6 {
		size := b.open()
		got, names := b.cosigners(f.Cosigned(within(t, 10*time.Second), size), boj, rbi)
		if got < size || len(names) != 2 {
			t.Fatalf("%d leaves are cosigned by %v, %d were asked for", got, names, size)
		}
	}
	size, names := b.cosigners(f.Latest(), boj, rbi)
	if size != 6 || len(names) != 2 {
		t.Errorf("the latest head is of %d leaves by %v", size, names)
	}
	f.Close()
	if err := b.engine.Close(); err != nil {
		t.Error(err)
	}
	// A feeder that starts anew does not know how far its witnesses are, and hears it.
	again := newBank(t, db)
	f, _ = feed(t, again, 2, boj, rbi)
	if size, names := again.cosigners(f.Cosigned(within(t, 10*time.Second), 6), boj, rbi); size != 6 || len(names) != 2 {
		t.Errorf("after a restart the head of %d leaves is cosigned by %v", size, names)
	}
	if all := said.all(); len(all) != 0 {
		t.Errorf("it told %v", all)
	}
}

func TestAWitnessThatIsAwayDelaysNobodyAndIsAskedAgain(t *testing.T) {
	noLeaks(t)
	boj, rbi := newPost(t, "boj"), newPost(t, "rbi")
	rbi.as(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not now", http.StatusServiceUnavailable) })
	b := newBank(t, engine.NewMemory())
	one, _ := feed(t, b, 1, boj, rbi)
	both, said := feed(t, b, 2, boj, rbi)
	size := b.open()
	if got, names := b.cosigners(one.Cosigned(within(t, 10*time.Second), size), boj, rbi); got != size || len(names) != 1 {
		t.Errorf("with one of two wanted: %d leaves by %v", got, names)
	}
	began := time.Now()
	if got, names := b.cosigners(both.Cosigned(within(t, 500*time.Millisecond), size), boj, rbi); got != size || len(names) > 1 {
		t.Errorf("with both wanted: %d leaves by %v", got, names)
	}
	if took := time.Since(began); took < 400*time.Millisecond || took > 3*time.Second {
		t.Errorf("it waited %v", took)
	}
	rbi.behave.Store(nil)
	if got, names := b.cosigners(both.Cosigned(within(t, 20*time.Second), size), boj, rbi); got != size || len(names) != 2 {
		t.Errorf("when it is back: %d leaves by %v", got, names)
	}
	if all := said.all(); !slices.Equal(all, []string{"rbi not_cosigned", "rbi well"}) {
		t.Errorf("it told %v", all)
	}
}

func TestAWitnessThatHangsDelaysNobody(t *testing.T) {
	noLeaks(t)
	boj, rbi := newPost(t, "boj"), newPost(t, "rbi")
	rbi.as(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-rbi.released:
		}
	})
	b := newBank(t, engine.NewMemory())
	f, _ := feed(t, b, 1, boj, rbi)
	for range 5 {
		size := b.open()
		if got, names := b.cosigners(f.Cosigned(within(t, 2*time.Second), size), boj); got < size || len(names) != 1 {
			t.Fatalf("%d leaves by %v, %d were asked for", got, names, size)
		}
	}
}

func TestAFewRequestsASecondCoverManyHeads(t *testing.T) {
	noLeaks(t)
	boj := newPost(t, "boj")
	b := newBank(t, engine.NewMemory())
	f, _ := feed(t, b, 1, boj)
	heads := 0
	for began := time.Now(); time.Since(began) < 2*time.Second; heads++ {
		b.open()
	}
	if n := boj.asked.Load(); n > 14 || heads < 100 {
		t.Errorf("%d heads took %d requests in two seconds", heads, n)
	}
	if got, _ := b.cosigners(f.Cosigned(within(t, 5*time.Second), int64(heads)), boj); got != int64(heads) {
		t.Errorf("%d of %d leaves are cosigned", got, heads)
	}
}

func TestAWitnessThatForgotIsAskedFromItsOwnBeginning(t *testing.T) {
	noLeaks(t)
	boj := newPost(t, "boj")
	b := newBank(t, engine.NewMemory())
	f, _ := feed(t, b, 1, boj)
	f.Cosigned(within(t, 10*time.Second), b.open())
	boj.forget("boj")
	size := b.open()
	if got, names := b.cosigners(f.Cosigned(within(t, 10*time.Second), size), boj); got != size || len(names) != 1 {
		t.Errorf("%d leaves by %v", got, names)
	}
}

func TestALogThatLostEntriesHearsItFromItsWitness(t *testing.T) {
	noLeaks(t)
	boj := newPost(t, "boj")
	b := newBank(t, engine.NewMemory())
	f, _ := feed(t, b, 1, boj)
	for range 5 {
		b.open()
	}
	f.Cosigned(within(t, 10*time.Second), 5)
	f.Close()
	restored := newBank(t, engine.NewMemory()) // from a backup of the time when nothing was there
	f, said := feed(t, restored, 1, boj)
	restored.open()
	if got, names := restored.cosigners(f.Cosigned(within(t, time.Second), 1), boj); got != 1 || len(names) != 0 {
		t.Errorf("%d leaves by %v", got, names)
	}
	if all := said.all(); !slices.Equal(all, []string{"boj split_view"}) {
		t.Errorf("it told %v", all)
	}
}

func TestAnAnswerThatIsNoCosignatureIsNotCounted(t *testing.T) {
	noLeaks(t)
	b := newBank(t, engine.NewMemory())
	size := b.open()
	head := newLog(t, origin, "log", 1)
	other, err := transcript.NewCosigner("boj/witness", private("rbi"), 5) // the name of one, the key of another
	if err != nil {
		t.Fatal(err)
	}
	own, err := transcript.NewCosigner("boj/witness", private("boj"), 5)
	if err != nil {
		t.Fatal(err)
	}
	line := func(s note.Signer) string {
		msg, err := note.Sign(&note.Note{Text: head.head(1).Text()}, s) // a head of another tree
		if err != nil {
			t.Fatal(err)
		}
		return string(msg[len(head.head(1).Text())+1:])
	}
	elsewhere := newPost(t, "boj")
	for name, answer := range map[string]http.HandlerFunc{
		"nothing":                   func(http.ResponseWriter, *http.Request) {},
		"no signature":              func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "well done\n") },
		"another's signature":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, line(other)) },
		"its own under other heads": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, line(own)) },
		"a size without its type":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(409); fmt.Fprint(w, "1\n") },
		"sizes without end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/x.tlog.size")
			w.WriteHeader(409)
			fmt.Fprint(w, "1\n")
		},
		"a size that is none": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/x.tlog.size")
			w.WriteHeader(409)
			fmt.Fprint(w, "many\n")
		},
		"a way elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.peer.URL+"/add-checkpoint", http.StatusTemporaryRedirect)
		},
		"a flood": func(w http.ResponseWriter, _ *http.Request) {
			for range 1000 {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil && !errors.Is(err, http.ErrAbortHandler) {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			boj := newPost(t, "boj")
			boj.as(answer)
			f, said := feed(t, b, 1, boj)
			if got, names := b.cosigners(f.Cosigned(within(t, 300*time.Millisecond), size), boj); got != size || len(names) != 0 {
				t.Errorf("%d leaves by %v", got, names)
			}
			if all := said.all(); len(all) != 1 {
				t.Errorf("it told %v", all)
			}
		})
	}
}
