package engine_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/payment"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/commit"
	"entente/zk/transcript"
)

const network = "test"

// house is one bank as a test sees it: its keys, its database, and the engine that runs at present.
type house struct {
	t         testing.TB
	bank      string
	currency  string
	open      func(testing.TB) (engine.Store, error)
	signer    *wallet.Signer
	log       note.Signer
	verifier  note.Verifier
	veil      engine.Veil
	clock     func() int64
	deliver   func([]engine.Message)
	configure func(*engine.Config) // nil for nothing

	mu     sync.Mutex
	engine *engine.Engine
}

func newHouse(t testing.TB, bank, currency string, db database) *house {
	t.Helper()
	h := &house{t: t, bank: bank, currency: currency, open: db(t, bank), clock: now, deliver: func([]engine.Message) {}}
	var err error
	if h.signer, err = wallet.NewSigner(bank, bank, wire.PurposeSwap, 1, rand.Reader); err != nil {
		t.Fatal(err)
	}
	head, err := wallet.NewSigner(bank, "log", wire.PurposeCheckpoint, 1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if h.log, err = transcript.NewSigner(h.origin(), head.Private()); err != nil {
		t.Fatal(err)
	}
	if h.verifier, err = transcript.ParseVerifierKey(transcript.VerifierKey(h.origin(), head.Key().Public)); err != nil {
		t.Fatal(err)
	}
	h.veil = engine.Veil{Blinding: commit.Secret(random32()), Tags: random32(), Salt: random32(), Epoch: 1}
	return h
}

func (h *house) origin() string { return h.bank + ".test/" + h.currency }

func (h *house) config(store engine.Store) engine.Config {
	machine := swap.New(network, h.bank, h.currency, 1)
	machine.Know(swap.Peer{Bank: map[string]string{"boj": "rba", "rba": "boj"}[h.bank]})
	c := engine.Config{
		Machine: machine, Store: store, Veil: h.veil, Swap: h.signer, Checkpoint: h.log, Origin: h.origin(), Clock: h.clock,
		Deliver: func(messages []engine.Message) { h.deliver(messages) },
	}
	if h.configure != nil {
		h.configure(&c)
	}
	return c
}

// start opens the database and runs an engine on it until the test ends.
func (h *house) start() *engine.Engine {
	h.t.Helper()
	e, err := h.tryStart()
	if err != nil {
		h.t.Fatalf("start %s: %v", h.bank, err)
	}
	return e
}

func (h *house) tryStart() (*engine.Engine, error) {
	store, err := h.open(h.t)
	if err != nil {
		return nil, err
	}
	e, err := engine.Open(context.Background(), h.config(store))
	if err != nil {
		return nil, err
	}
	// The fault, if any, is the test's business.
	h.t.Cleanup(func() { _ = e.Close() })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.engine = e
	return e, nil
}

func (h *house) present() *engine.Engine {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.engine
}

// submit gives an event to the engine that runs, and again to the next one as long as faults are all that comes back.
func (h *house) submit(w engine.Work) (engine.Result, error) {
	for deadline := time.Now().Add(20 * time.Second); ; {
		result, err := h.present().Submit(context.Background(), w)
		if err == nil || (refusal.CodeOf(err) != "" && refusal.CodeOf(err) != engine.CodeBusy) || time.Now().After(deadline) {
			return result, err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (h *house) must(event swap.Event) engine.Result {
	h.t.Helper()
	result, err := h.submit(engine.Work{Event: event})
	if err != nil {
		h.t.Fatalf("%s: %T: %v", h.bank, event, err)
	}
	return result
}

func (h *house) order(o wire.Order) swap.OrderGiven {
	o.Network, o.Bank, o.AtMS = network, h.bank, now()
	if o.Key == (wire.ID{}) {
		o.Key = randomID()
	}
	if o.Kind == wire.OrderIssue || o.Kind == wire.OrderRedeem {
		o.Reserve = fmt.Sprintf("RTGS-%x", o.Key[:12])
	}
	return swap.OrderGiven{Order: o, Cause: o.Hash(), Signers: operators(h.bank), NowMS: now()}
}

func (h *house) openAccount(id, owner string, as wire.AccountKind) {
	h.t.Helper()
	h.must(h.order(wire.Order{Kind: wire.OrderOpen, Account: id, Owner: owner, As: as}))
}

func (h *house) issue(account string, minor int64) swap.OrderGiven {
	return h.order(wire.Order{Kind: wire.OrderIssue, Account: account, Minor: minor, Reason: "test"})
}

// furnish opens the accounts of a bank that owner banks with.
func (h *house) furnish(owner string, deskMinor, providerMinor int64) {
	h.t.Helper()
	h.openAccount("ISSUANCE", h.bank, wire.AccountIssuance)
	h.openAccount("SUSPENSE", h.bank, wire.AccountSuspense)
	h.openAccount("DESK-"+owner, owner, wire.AccountDesk)
	h.openAccount("LP-"+h.currency, "lp", wire.AccountProvider)
	h.must(h.issue("DESK-"+owner, deskMinor))
	h.must(h.issue("LP-"+h.currency, providerMinor))
}

func now() int64 { return time.Now().UnixMilli() }

func random32() (b [32]byte) {
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	return b
}

func randomID() wire.ID {
	b := random32()
	return wire.NewUUID([16]byte(b[:16]))
}

// claim is a bill and what opens its total.
type claim struct {
	bill    wire.Bill
	opening wire.TotalOpening
}

// newClaim makes a bill over minor units that debtor owes creditor, in the currency of a house.
func newClaim(t testing.TB, h *house, creditor, debtor string, minor int64) claim {
	t.Helper()
	blinding := commit.DeriveBlinding(commit.Secret(random32()), "total", randomID(), 1, 0, nil)
	total, err := commit.CommitAmount(uint64(minor), blinding)
	if err != nil {
		t.Fatal(err)
	}
	digest := random32()
	digest[0] = 0
	b := wire.Bill{
		Network: network, ID: randomID(), Revision: 1, Programme: wire.Hash{7}, Creditor: creditor, Debtor: debtor, Ledger: h.bank, Currency: h.currency,
		CreatedMS: now(), Nonce: random32(), ChunkSize: 16, Chunks: []wire.Chunk{{Digest: digest, Categories: commit.Identity(), Total: total}},
	}
	return claim{b, wire.TotalOpening{Bill: b.Hash(), TotalMinor: minor, Blinding: blinding}}
}

// pair is two banks joined by a carrier: AUS banks with the first and pays JPN, who banks with the second.
type pair struct {
	aus, jpn *house
	// lose and twice tell the carrier what to do with a message.
	lose, twice func() bool

	mu       sync.Mutex
	packages map[wire.Hash]*payment.Authorised
	keys     map[wire.Hash]wire.Key
	carried  atomic.Int64
	wait     sync.WaitGroup
	ended    chan struct{}
}

func newPair(t testing.TB, db database) *pair {
	t.Helper()
	never := func() bool { return false }
	p := &pair{
		aus: newHouse(t, "rba", "AUD", db), jpn: newHouse(t, "boj", "JPY", db), lose: never, twice: never,
		packages: map[wire.Hash]*payment.Authorised{}, keys: map[wire.Hash]wire.Key{}, ended: make(chan struct{}),
	}
	for _, h := range []*house{p.aus, p.jpn} {
		key := h.signer.Key()
		p.keys[key.ID()] = key
	}
	p.aus.deliver, p.jpn.deliver = p.carryTo(p.jpn), p.carryTo(p.aus)
	t.Cleanup(func() { close(p.ended); p.wait.Wait() }) // runs after the engines, which start later, are closed
	return p
}

// newPayer is a pair whose second bank never answers.
func newPayer(t testing.TB, h *house) *pair {
	t.Helper()
	return &pair{aus: h, jpn: newHouse(t, "boj", "JPY", memory), packages: map[wire.Hash]*payment.Authorised{}}
}

// Key implements wire.Keyring.
func (p *pair) Key(id wire.Hash) (wire.Key, bool) {
	k, ok := p.keys[id]
	return k, ok
}

// carryTo verifies what the other bank sent and hands it in, each message on its own way.
func (p *pair) carryTo(to *house) func([]engine.Message) {
	return func(messages []engine.Message) {
		for _, m := range messages {
			times := 1
			if p.twice() {
				times = 2
			}
			if p.lose() {
				times = 0
			}
			for range times {
				p.wait.Add(1)
				go func() {
					defer p.wait.Done()
					p.carry(to, m)
				}()
			}
		}
	}
}

func (p *pair) carry(to *house, m engine.Message) {
	if to.present() == nil {
		return // not started yet
	}
	envelope, err := wire.ParseEnvelope(m.Envelope, wire.LimitMessage)
	if err != nil {
		to.t.Errorf("an envelope to %s: %v", to.bank, err)
		return
	}
	if _, err := envelope.Verify(m.Key.Type, p); err != nil {
		to.t.Errorf("an envelope to %s: %v", to.bank, err)
		return
	}
	msg, err := wire.ParseSwapMessage(envelope.Type, envelope.Payload)
	if err != nil || envelope.Hash() != m.Hash {
		to.t.Errorf("a message to %s: %v", to.bank, err)
		return
	}
	event, evidence := p.received(to, m, msg)
	p.carried.Add(1)
	// Faults are the carrier's daily bread: what was not answered comes again.
	if _, err := to.present().Submit(context.Background(), engine.Work{Event: event, Evidence: evidence}); err != nil &&
		!errors.Is(err, engine.ErrStopped) && refusal.CodeOf(err) != engine.CodeBusy {
		to.t.Errorf("%s refused a %s: %v", to.bank, m.Key.Type, err)
	}
}

// furnish starts both engines and opens every account.
func (p *pair) furnish() {
	p.aus.start()
	p.jpn.start()
	p.aus.furnish("AUS", 1_000_000, 1_000_000)
	p.jpn.furnish("JPN", 1_000_000, 100_000_000)
}

// authorise records a bill of JPN against AUS and makes the payment that discharges it.
func (p *pair) authorise(t testing.TB, yen, cents int64) swap.PaymentAuthorised {
	t.Helper()
	c := newClaim(t, p.jpn, "JPN", "AUS", yen)
	p.jpn.must(swap.BillProven{Bill: c.bill, NowMS: now()})
	return p.pay(c, yen, cents)
}

func (p *pair) pay(c claim, yen, cents int64) swap.PaymentAuthorised {
	in := wire.Instruction{
		Network: network, ID: randomID(), UETR: randomID(), Payer: "AUS", PayerBank: "rba", PayerAccount: "DESK-AUS", DebitCurrency: "AUD", MaxDebitMinor: cents,
		Payee: "JPN", PayeeBank: "boj", PayeeAccount: "DESK-JPN", PayCurrency: "JPY", PayMinor: yen, Bills: []wire.Hash{c.opening.Bill},
		CreatedMS: now(), DeadlineMS: now() + 60_000,
	}
	q := wire.Quote{
		Network: network, ID: randomID(), Provider: "lp", SellCurrency: "AUD", BuyCurrency: "JPY", RateMantissa: 1, LeastMinor: 1, MostMinor: yen,
		SellBank: "rba", SellAccount: "LP-AUD", BuyBank: "boj", BuyAccount: "LP-JPY", CreatedMS: now(), ExpiresMS: now() + 60_000,
	}
	a := &payment.Authorised{
		Instruction: in, InstructionHash: in.Hash(), Quote: &q, QuoteHash: q.Hash(), Openings: []wire.TotalOpening{c.opening},
		Acceptance: &wire.Acceptance{Network: network, Quote: q.Hash(), Instruction: in.Hash(), SellMinor: cents, BuyMinor: yen, AtMS: now()},
	}
	pack := append([]byte("package "), in.ID[:]...)
	p.mu.Lock()
	p.packages[wire.AttachmentHash(pack)] = a
	p.mu.Unlock()
	return swap.PaymentAuthorised{Payment: a, Package: pack, Nonce: randomID(), NowMS: now()}
}

// outcome waits until a payment is final at the payer's bank.
func (p *pair) outcome(t testing.TB, instruction wire.Hash, patience time.Duration) swap.Outcome {
	t.Helper()
	var last swap.Outcome
	eventually(t, patience, func() string {
		err := p.aus.present().View(context.Background(), func(m *swap.Machine) { last, _ = m.Outcome(instruction) })
		if err == nil && last.State.Final() {
			return ""
		}
		return fmt.Sprintf("the payment is %v (%v)", last, err)
	})
	return last
}

// quiet waits until each bank has heard everything that the other sent.
func (p *pair) quiet(t testing.TB) {
	t.Helper()
	eventually(t, 10*time.Second, func() string {
		channel := func(h *house, peer string) (c swap.Channel) {
			if err := h.present().View(context.Background(), func(m *swap.Machine) { c = m.Channel(peer) }); err != nil {
				return swap.Channel{Seq: 1 << 32}
			}
			return c
		}
		aus, jpn := channel(p.aus, "boj"), channel(p.jpn, "rba")
		if aus.Seq != jpn.Heard || jpn.Seq != aus.Heard {
			return fmt.Sprintf("messages are under way: %+v %+v", aus, jpn)
		}
		return ""
	})
}

// eventually polls until wrong says nothing is.
func eventually(t testing.TB, patience time.Duration, wrong func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		what := wrong()
		if what == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s", patience, what)
		}
	}
}

// portrait is everything that two runs of a bank must agree on.
func portrait(t testing.TB, e *engine.Engine) string {
	t.Helper()
	var b bytes.Buffer
	err := e.View(context.Background(), func(m *swap.Machine) {
		l := m.Ledger()
		fmt.Fprintf(&b, "%d entries, supply %d, balances %d\n", l.Size(), l.Supply(), l.BalancesSum())
		fmt.Fprintf(&b, "%+v\n%+v\n", l.Accounts(), l.Bills())
		for _, s := range m.Swaps() {
			fmt.Fprintf(&b, "%s %s %s %+v %x %s %d %d %x\n", s.ID, s.Role, s.State, s.Peers, s.Terms.Bytes(), s.Reason, s.SinceMS, s.CreatedMS, s.Authority)
			fmt.Fprintf(&b, "%+v\n", l.HoldsOf(s.ID))
		}
		for _, peer := range []string{"rba", "boj"} {
			fmt.Fprintf(&b, "%+v\n", m.Channel(peer))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Write(e.Checkpoint())
	return b.String()
}
