package engine_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

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

// A bank's process is killed with SIGKILL at random moments under load, and started again, many times.

var (
	killTimes = flag.Int("kill.times", 5, "how often a bank's process is killed under load")
	killState = flag.String("kill.state", "", "file that counts the kills that went well: a campaign that was interrupted goes on from there")
)

// victimOrder tells a copy of this test binary to be the bank that is killed; its value is a victimPlan.
const victimOrder = "ENGINE_TEST_VICTIM"

type victimPlan struct {
	URL  string
	Seed [32]byte
	From []int64 // number of each client's first order
}

func init() {
	order, told := os.LookupEnv(victimOrder)
	if !told {
		return
	}
	var plan victimPlan
	err := json.Unmarshal([]byte(order), &plan)
	if err == nil {
		err = plan.run()
	}
	fmt.Fprintln(os.Stderr, "the victim ended by itself:", err)
	os.Exit(1)
}

// derived gives secret bytes that every life of the victim has again.
func (p *victimPlan) derived(label string, n ...int64) [32]byte {
	b := append(p.Seed[:], label...)
	for _, v := range n {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	return sha256.Sum256(b)
}

// victim is a house whose keys come from the plan.
func (p *victimPlan) house(t testing.TB) (*house, error) {
	h := &house{t: t, bank: "boj", currency: "JPY", clock: now, deliver: func([]engine.Message) {}}
	h.open = func(testing.TB) (engine.Store, error) { return postgres.Open(context.Background(), p.URL, h.bank) }
	secret := p.derived("log")
	key := ed25519.NewKeyFromSeed(secret[:])
	var err error
	if h.signer, err = wallet.NewSigner(h.bank, h.bank, wire.PurposeSwap, 1, strings.NewReader(strings.Repeat("s", 4096))); err != nil {
		return nil, err
	}
	if h.log, err = transcript.NewSigner(h.origin(), key); err != nil {
		return nil, err
	}
	h.verifier, err = transcript.ParseVerifierKey(transcript.VerifierKey(h.origin(), key.Public().(ed25519.PublicKey)))
	h.veil = engine.Veil{Blinding: commit.Secret(p.derived("blinding")), Tags: p.derived("tags"), Salt: p.derived("salt"), Epoch: 1}
	return h, err
}

// key names the order number n of a client: the same in every life, so that one whose answer was lost is given again.
func (p *victimPlan) key(client int, n int64) wire.ID {
	b := p.derived("order", int64(client), n)
	return wire.NewUUID([16]byte(b[:16]))
}

// given is that order, byte for byte.
func (p *victimPlan) given(h *house, client int, n int64) swap.OrderGiven {
	key := p.key(client, n)
	o := wire.Order{Network: network, Bank: h.bank, Key: key, Kind: wire.OrderIssue, Account: "DESK-JPN", Minor: 1, Reason: "test", AtMS: 1, Reserve: fmt.Sprintf("R-%x", key[:])}
	return swap.OrderGiven{Order: o, Cause: o.Hash(), Signers: operators(h.bank), NowMS: now()}
}

// run is the victim's life: it says what is acknowledged, and which heads it shows, until it is killed.
func (p *victimPlan) run() error {
	h, err := p.house(nil)
	if err != nil {
		return err
	}
	store, err := h.open(nil)
	if err != nil {
		return err
	}
	e, err := engine.Open(context.Background(), h.config(store))
	if err != nil {
		return err
	}
	var said sync.Mutex
	fault := make(chan error)
	for client, n := range p.From {
		go func() {
			for ; ; n++ {
				if _, err := e.Submit(context.Background(), engine.Work{Event: p.given(h, client, n)}); err != nil {
					fault <- err
					return
				}
				head := e.Head()
				said.Lock()
				fmt.Printf("done %d %d %d %x\n", client, n, head.Size, head.Root[:])
				said.Unlock()
			}
		}()
	}
	return <-fault
}

func TestKillingABankUnderLoadLosesNothingDoublesNothingAndTakesNoHeadBack(t *testing.T) {
	done := 0
	if *killState != "" {
		if b, err := os.ReadFile(*killState); err == nil {
			if _, err := fmt.Sscan(string(b), &done); err != nil {
				t.Fatalf("%s: %v", *killState, err)
			}
		}
		t.Logf("%d of %d kills are done", done, *killTimes)
	}
	const atOnce = 20
	for done < *killTimes {
		n := min(atOnce, *killTimes-done)
		killed(t, n)
		if t.Failed() {
			return
		}
		done += n
		if *killState != "" {
			if err := os.WriteFile(*killState, fmt.Appendln(nil, done), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// heard is what the victim said in all its lives.
type heard struct {
	next  []int64                   // of each client, the first order that was not acknowledged
	heads map[int64]transcript.Hash // by size
}

// killed is one ledger's story: a number of lives, each cut short, and what is there at the end.
func killed(t *testing.T, times int) {
	url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
	plan := &victimPlan{URL: url, Seed: random32()}
	h, err := plan.house(t)
	if err != nil {
		t.Fatal(err)
	}
	h.start()
	h.furnish("JPN", 500, 900)
	if err := h.present().Close(); err != nil {
		t.Fatal(err)
	}
	const clients = 24
	all := &heard{next: make([]int64, clients), heads: map[int64]transcript.Hash{}}
	for life := range times {
		plan.From = append([]int64(nil), all.next...)
		all.live(t, plan, life)
	}
	h.start()
	e := h.present()
	entries, err := e.Entries(t.Context(), 0, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	there := map[wire.ID]int{}
	for i := range entries {
		there[entries[i].Key]++
	}
	acknowledged := int64(0)
	for client, next := range all.next {
		for n := range next {
			if there[plan.key(client, n)] != 1 {
				t.Errorf("order %d of client %d was acknowledged and is there %d times", n, client, there[plan.key(client, n)])
			}
			acknowledged++
		}
		if there[plan.key(client, next)] > 1 {
			t.Errorf("order %d of client %d is there %d times", next, client, there[plan.key(client, next)])
		}
	}
	leaves, err := e.Leaves(t.Context(), 0, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	var tree transcript.Tree
	for _, leaf := range leaves {
		tree.Append(transcript.LeafHash(leaf))
		if shown, was := all.heads[int64(tree.Size())]; was && shown != tree.Root() {
			t.Errorf("the head shown at %d is not on the way to the present one", tree.Size())
		}
		delete(all.heads, int64(tree.Size()))
	}
	if len(all.heads) > 0 {
		t.Errorf("%d heads were shown of more leaves than there are", len(all.heads))
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := fsck(t, h, url); err != nil {
		t.Error(err)
	}
	t.Logf("%d kills, %d orders acknowledged, %d entries", times, acknowledged, len(entries))
}

// live is one life: from the start of the process to a random moment after its first answer.
func (all *heard) live(t *testing.T, plan *victimPlan, life int) {
	order, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	victim := exec.CommandContext(ctx, self)
	victim.Env = append(os.Environ(), victimOrder+"="+string(order))
	var complaint strings.Builder
	victim.Stderr = &complaint
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	began := false
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break // killed; half a line says nothing
		}
		var client int
		var n, size int64
		var root []byte
		if _, err := fmt.Sscanf(line, "done %d %d %d %x", &client, &n, &size, &root); err != nil {
			t.Fatalf("the victim says %q: %v", line, err)
		}
		all.next[client] = n + 1
		if before, was := all.heads[size]; was && before != transcript.Hash(root) {
			t.Errorf("two heads were shown at %d", size)
		}
		all.heads[size] = transcript.Hash(root)
		if !began {
			began = true
			after := time.Duration(rand.Int64N(int64(150 * time.Millisecond)))
			time.AfterFunc(after, func() { _ = victim.Process.Kill() }) // it may have ended by itself, which the complaint tells
		}
	}
	if _, err := io.Copy(io.Discard, in); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if err := victim.Wait(); err == nil || complaint.Len() > 0 || !began {
		t.Errorf("life %d: %v %s", life, err, complaint.String())
	}
}
