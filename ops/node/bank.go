package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"entente/bridge/bus"
	"entente/bridge/witness"
	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/commit"
	"entente/zk/proof"
	"entente/zk/transcript"
)

// BankConfig is what a bank's process is made of.
type BankConfig struct {
	ID        string
	Trust     *trust.Network
	Ring      *wallet.Ring // keys swap, checkpoint, witness, transport; secrets blinding, tags, salts
	Store     engine.Store
	Bus       *bus.Bus
	Verifiers map[string]*proof.Verifier // by circuit name
	Prover    *proof.Pool                // of ClaimCircuits
	Clock     Clock
	Log       *slog.Logger
	Telemetry *telemetry.Telemetry // nil for none

	Public        BankLog // how the log is shown and watched
	SupplyEveryMS int64   // how often the supply is proven while the log grows; 0 for only when an auditor asks
	DoubtMinor    int64   // most that may be held for swaps that one other bank has not decided, minor units; 0 for no limit
}

// Bank is one central bank's process.
type Bank struct {
	cfg    BankConfig
	tracer trace.Tracer
	engine *engine.Engine
	claims *claims
	feeder *witness.Feeder
	server *http.Server // nil for none
	outbox *bus.Outbox
	stops  []func()
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// OpenBank restores the bank from its store and joins it to the network. It refuses to start when its keys are not those of the trust file.
// It takes the store over: when it fails the store is closed.
func OpenBank(ctx context.Context, cfg BankConfig) (_ *Bank, err error) {
	owned := true // until the engine has it
	defer func() {
		if owned {
			err = errors.Join(err, cfg.Store.Close())
		}
	}()
	pinned, ok := cfg.Trust.Bank(cfg.ID)
	if !ok {
		return nil, refusal.Newf(trust.CodeTrustInvalid, "use the trust file of your network", "the trust file has no bank %q", cfg.ID)
	}
	if err := ownKeys(cfg.Ring, cfg.Trust); err != nil {
		return nil, err
	}
	swapKey, err := cfg.Ring.Signer(wire.PurposeSwap, cfg.Ring.Owner())
	if err != nil {
		return nil, err
	}
	transportKey, err := cfg.Ring.Signer(wire.PurposeTransport, cfg.Ring.Owner())
	if err != nil {
		return nil, err
	}
	logKey, err := cfg.Ring.Signer(wire.PurposeCheckpoint, cfg.Ring.Owner())
	if err != nil {
		return nil, err
	}
	noteSigner, err := transcript.NewSigner(pinned.LogOrigin, logKey.Private())
	if err != nil {
		return nil, err
	}
	veil, err := veilOf(cfg.Ring)
	if err != nil {
		return nil, err
	}
	cfg.Log = telemetry.Guard(cfg.Log)
	b := &Bank{cfg: cfg, tracer: cfg.Telemetry.Tracer("node")}
	b.ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := cfg.Bus.OpenOutbox(ctx, cfg.ID); err != nil {
		b.cancel()
		return nil, err
	}
	b.outbox = bus.NewOutbox(cfg.Bus, cfg.ID)
	owned = false
	machine := swap.New(cfg.Trust.Network, cfg.ID, pinned.Currency, 1)
	machine.Know(peersOf(&cfg)...)
	b.engine, err = engine.Open(ctx, engine.Config{
		Machine: machine, Store: cfg.Store, Veil: veil, Swap: swapKey,
		Checkpoint: noteSigner, Origin: pinned.LogOrigin, Clock: cfg.Clock, Deliver: b.deliver,
		Tracer: cfg.Telemetry.Tracer("engine"), Meter: cfg.Telemetry.Meter("engine"),
	})
	if err != nil {
		b.cancel()
		return nil, errors.Join(err, b.Close())
	}
	b.claims = &claims{bank: b, currency: pinned.Currency, key: transportKey, veil: veil, book: newBook(b.engine, veil)}
	b.work.Go(func() { b.claims.run(b.ctx) })
	if err := b.openLog(pinned); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	watch, err := newWatch(cfg.Telemetry, cfg.ID)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	api := &server{self: cfg.ID, trust: cfg.Trust, key: transportKey, clock: cfg.Clock, log: cfg.Log, watch: watch, handlers: b.handlers()}
	stop, err := cfg.Bus.Serve(b.ctx, cfg.ID, api.serve)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.stops = append(b.stops, stop)
	var peers []string
	for _, other := range peersOf(&cfg) {
		peers = append(peers, other.Bank)
	}
	stop, err = cfg.Bus.ReceiveBatches(b.ctx, cfg.ID, peers, b.receive)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.stops = append(b.stops, stop)
	return b, nil
}

// Engine gives the bank's engine, to read.
func (b *Bank) Engine() *engine.Engine { return b.engine }

// Close leaves the network and stops the engine. What was acknowledged is in the store.
func (b *Bank) Close() error {
	for _, stop := range b.stops {
		stop()
	}
	err := b.closeLog()
	b.cancel()
	b.work.Wait()
	if b.engine != nil {
		err = errors.Join(err, b.engine.Close())
	}
	if b.outbox != nil {
		b.outbox.Close()
	}
	return err
}

// ownKeys checks that every private key of the ring is pinned: what an unpinned key signs, nobody would believe.
func ownKeys(ring *wallet.Ring, network *trust.Network) error {
	for _, k := range ring.Keys() {
		if _, ok := network.Key(k.ID()); !ok {
			return refusal.Newf(wire.CodeKeyUnknown, "have the key added to the trust file, or use the right key file", "key %s is not in the trust file", k.Title())
		}
	}
	return nil
}

func veilOf(ring *wallet.Ring) (engine.Veil, error) {
	var veil engine.Veil
	blinding, err := ring.Secret(SecretBlinding)
	if err != nil {
		return veil, err
	}
	tags, err := ring.Secret(SecretTags)
	if err != nil {
		return veil, err
	}
	salts, err := ring.Secret(SecretSalts)
	if err != nil {
		return veil, err
	}
	return engine.Veil{Blinding: commit.Secret(blinding), Tags: tags, Salt: salts}, nil
}

// The names of secrets in key files.
const (
	SecretBlinding  = "blinding"  // blindings of commitments
	SecretTags      = "tags"      // account tags in leaves
	SecretSalts     = "salts"     // salts of leaf bodies and items
	SecretProgramme = "programme" // programme tags, shared by the members
)

// verifyBill checks a countersigned bill and its proofs: signatures of both nations, one proof a chunk, each under a pinned key and for this bill alone.
func (b *Bank) verifyBill(proven *wire.ProvenBill) (wire.Bill, error) {
	bill, err := VerifyCountersigned(&proven.Envelope, b.cfg.Trust)
	if err != nil {
		return bill, err
	}
	if len(proven.Proofs) != len(bill.Chunks) {
		return bill, refusal.Newf(proof.CodeProofInvalid, "send one proof a chunk", "%d proofs for %d chunks", len(proven.Proofs), len(bill.Chunks))
	}
	circuit := fmt.Sprintf("bill-%d", bill.ChunkSize)
	verifier := b.cfg.Verifiers[circuit]
	if verifier == nil {
		return bill, refusal.Newf(proof.CodeKeyUnknown, "prove with a circuit of the trust file", "this bank has no verification key for %s", circuit)
	}
	publics := make([]commit.BillPublic, len(bill.Chunks))
	for i, c := range bill.Chunks {
		publics[i] = commit.BillPublic{Context: commit.BillContext(bill, i), D: commit.Digest(c.Digest), C: commit.Point(c.Categories), T: commit.Point(c.Total)}
	}
	for _, err := range verifier.VerifyBillBatch(publics, proven.Proofs) {
		if err != nil {
			return bill, err
		}
	}
	return bill, nil
}
