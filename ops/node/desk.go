package node

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"entente/bridge/bus"
	"entente/bridge/intake"
	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/settlement/postgres"
	"entente/settlement/programme"
	"entente/wallet"
	"entente/wallet/quorum"
	"entente/zk/commit"
	"entente/zk/proof"
)

// DeskConfig is what a treasury desk's process is made of.
type DeskConfig struct {
	Nation    string
	Trust     *trust.Network
	Ring      *wallet.Ring // keys nation, service; an identity to open what is sealed to it; secrets blinding, salts, programme
	Store     *postgres.Desk
	Bus       *bus.Bus
	Prover    *proof.Pool // of the circuits of bills and of this desk's statements
	Agreement programme.Agreement
	Sheet     []byte           // the agreement as the members hold it, to hash into the charter
	Cases     []programme.Case // contracts both sides hold; receipts come as posts
	Rates     intake.Rates     // reference rates, for the largest debit of a payment
	ChunkSize int              // items a chunk of a bill: 16, 64 or 256
	Clock     Clock
	Log       *slog.Logger
	Telemetry *telemetry.Telemetry // nil for none
}

// Desk is one nation's treasury desk. Its state is the fold of its journal: the programme's posts and its own payments.
type Desk struct {
	cfg       DeskConfig
	ask       *asker
	nation    *wallet.Signer
	programme wire.Hash
	blinding  commit.Secret
	salts     commit.Secret
	stops     []func()
	ctx       context.Context
	cancel    context.CancelFunc

	sending  sync.Mutex // one post at a time: posts are chained
	offering sync.Mutex // one offer, proof or record at a time
	making   sync.Mutex // one signed document of a payment at a time: the second of two equal ones finds what the first has done
	stepping sync.Mutex // one step of a payment at a time: what was checked is still so when it is journaled and folded
	work     sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced whenever something below changes
	chains   map[string]*chain
	counts   map[programme.Nation]programme.Count
	receipts map[string][]programme.Receipt // by case
	bills    map[wire.Hash]*DeskBill
	order    []wire.Hash // bills in the order in which they came
	payments map[wire.Hash]*deskPayment
	made     []wire.Hash // payments in the order in which they were made
	refused  []Refused   // from members, who answer for what they sign
	strays   []Refused   // the last posts that no member signed; they hold nothing up

	tracer  trace.Tracer
	traces  traces
	figures *deskFigures

	difficulty string // why the desk's own work does not go on at present
}

// Refused is something a desk was sent and did not accept.
type Refused struct {
	From string
	Kind string
	Err  error
}

// OpenDesk folds the desk's journal and joins it to the network.
func OpenDesk(ctx context.Context, cfg DeskConfig) (*Desk, error) {
	if _, ok := cfg.Trust.Member(cfg.Nation); !ok {
		return nil, refusal.Newf(trust.CodeTrustInvalid, "use the trust file of your network", "the trust file has no member %q", cfg.Nation)
	}
	if err := ownKeys(cfg.Ring, cfg.Trust); err != nil {
		return nil, err
	}
	service, err := cfg.Ring.Signer(wire.PurposeService, cfg.Ring.Owner())
	if err != nil {
		return nil, err
	}
	nation, err := cfg.Ring.Signer(wire.PurposeNation, cfg.Ring.Owner())
	if err != nil {
		return nil, err
	}
	cfg.Log = telemetry.Guard(cfg.Log)
	d := &Desk{
		cfg: cfg, nation: nation, ask: &asker{bus: cfg.Bus, trust: cfg.Trust, key: service, clock: cfg.Clock, tracer: cfg.Telemetry.Tracer("node")}, tracer: cfg.Telemetry.Tracer("node"), changed: make(chan struct{}),
		chains: map[string]*chain{}, counts: map[programme.Nation]programme.Count{}, receipts: map[string][]programme.Receipt{},
		bills: map[wire.Hash]*DeskBill{}, payments: map[wire.Hash]*deskPayment{},
	}
	if err := d.secrets(); err != nil {
		return nil, err
	}
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := cfg.Store.Replay(ctx, d.replay); err != nil {
		d.cancel()
		return nil, fmt.Errorf("fold the desk's journal: %w", err)
	}
	if d.figures, err = d.newFigures(); err != nil {
		d.cancel()
		return nil, err
	}
	for _, m := range cfg.Trust.Members { // the turn of a post may have come just before the end
		if err := d.acceptWaiting(m.Nation); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	d.review()
	if err := d.join(ctx, service); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Desk) secrets() error {
	blinding, err := d.cfg.Ring.Secret(SecretBlinding)
	if err != nil {
		return err
	}
	salts, err := d.cfg.Ring.Secret(SecretSalts)
	if err != nil {
		return err
	}
	key, err := d.cfg.Ring.Secret(SecretProgramme)
	if err != nil {
		return err
	}
	d.blinding, d.salts = commit.Secret(blinding), commit.Secret(salts)
	d.programme = ProgrammeTag(key, d.cfg.Agreement.ID)
	return nil
}

// ProgrammeTag is the name under which logs show a programme: HMAC-SHA256 under the members' shared key, so that only who holds the key can link it.
func ProgrammeTag(key [32]byte, agreement string) wire.Hash {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte("entente/programme/1\n" + agreement))
	return wire.Hash(mac.Sum(nil))
}

func (d *Desk) join(ctx context.Context, service *wallet.Signer) error {
	handlers := d.userHandlers()
	handlers[SubjectCharter], handlers[SubjectStatement], handlers[SubjectBudget], handlers[SubjectClosing] = d.onCharter, d.onStatement, d.onBudget, d.onClosing
	watch, err := newWatch(d.cfg.Telemetry, d.cfg.Nation)
	if err != nil {
		return err
	}
	api := &server{self: d.cfg.Nation, trust: d.cfg.Trust, key: service, clock: d.cfg.Clock, log: d.cfg.Log, watch: watch, handlers: handlers}
	stop, err := d.cfg.Bus.Serve(d.ctx, d.cfg.Nation, api.serve)
	if err != nil {
		return err
	}
	d.stops = append(d.stops, stop)
	if err := d.cfg.Bus.OpenPosts(ctx); err != nil {
		return err
	}
	stop, err = d.cfg.Bus.ReceivePosts(d.ctx, d.cfg.Nation, d.programme.String(), d.receive)
	if err != nil {
		return err
	}
	d.stops = append(d.stops, stop)
	return d.resendPosts(ctx)
}

// Close leaves the network. The journal holds everything.
func (d *Desk) Close() error {
	d.cancel() // first: a post that cannot be stored waits for this, and comes again
	for _, stop := range d.stops {
		stop()
	}
	d.work.Wait()
	return d.figures.end()
}

// Nation gives the desk's nation.
func (d *Desk) Nation() string { return d.cfg.Nation }

// Refused lists what the desk was sent and did not accept: from members, and then the last few that no member signed, with From empty.
func (d *Desk) Refused() []Refused {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Concat(d.refused, d.strays)
}

// Wait blocks until cond holds. Cond is asked with the desk's state locked, whenever it changed.
func (d *Desk) Wait(ctx context.Context, cond func() bool) error {
	for {
		d.mu.Lock()
		ok, changed := cond(), d.changed
		d.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// touch wakes who waits. The state must be locked.
func (d *Desk) touch() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// Kinds of events in the desk's journal.
const (
	eventPost    = "post"    // a signed post, ours or another member's
	eventEarly   = "early"   // another member's post that came before its predecessor
	eventEcho    = "echo"    // our post came back from the carrier, so it is out
	eventProofs  = "proofs"  // the proofs of one of our bills
	eventPayment = "payment" // a step of a payment
)

// append makes events durable before anything relies on them. Repeated events are dropped by the store.
func (d *Desk) append(ctx context.Context, kind string, subject wire.Hash, body []byte) error {
	_, err := d.cfg.Store.Append(ctx, []postgres.DeskEvent{{Kind: kind, Subject: subject, Body: body, AtMS: d.cfg.Clock(), Once: true}})
	if err != nil && refusal.CodeOf(err) != postgres.CodeEventRepeated {
		return fmt.Errorf("write the desk's journal: %w", err)
	}
	return nil
}

// replay folds one journaled event at start, with the same code that folds it live.
func (d *Desk) replay(_ int64, e postgres.DeskEvent) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e.Kind {
	case eventPost:
		envelope, post, err := d.openPost(e.Body)
		if err != nil {
			return err
		}
		d.fold(envelope, post)
	case eventEarly:
		envelope, post, err := d.openPost(e.Body)
		if err != nil {
			return err
		}
		if c := d.chain(post.Author); post.Seq > c.seq {
			c.waiting[post.Seq] = envelope
		}
	case eventEcho:
		d.chain(d.cfg.Nation).echoed++
	case eventProofs:
		proofs, err := decodeBlobs(e.Body)
		if err != nil {
			return err
		}
		if b := d.bills[e.Subject]; b != nil {
			b.Proofs = proofs
		}
	case eventPayment:
		return d.foldPayment(e.Body)
	default:
		return fmt.Errorf("an event of unknown kind %q", e.Kind)
	}
	return nil
}

// rule is how many approvals this desk's payments need.
func (d *Desk) rule() quorum.Rule {
	m, _ := d.cfg.Trust.Member(d.cfg.Nation)
	return quorum.Rule{Approvals: m.Approvals}
}

// Payments lists the desk's payments in the order in which they were made.
func (d *Desk) Payments() []payment.Payment {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]payment.Payment, len(d.made))
	for i, h := range d.made {
		list[i] = d.payments[h].Payment
	}
	return list
}
