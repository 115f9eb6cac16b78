package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"entente/bridge/bus"
	"entente/bridge/intake"
	"entente/ops/telemetry"
	"entente/schema/migrations"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/postgres"
	"entente/wallet"
	"entente/zk/proof"
)

// process is what every role starts from: the trust file, its keys, and its place on the bus.
type process struct {
	cfg   *Config
	trust *trust.Network
	ring  *wallet.Ring
	bus   *bus.Bus
	log   *slog.Logger

	telemetry *telemetry.Telemetry
	socket    *os.File // inherited, when the log is served on one
}

// Pauses between attempts to open again what a fault closed.
const (
	reopenPause     = 100 * time.Millisecond
	reopenPauseMost = 5 * time.Second
)

// Run runs one process until ctx ends. What a fault stops (a lost database, a broken connection) is opened again, with growing pauses, from what is durable;
// a refusal ends it, because trying again would not help.
func Run(ctx context.Context, cfg *Config, log *slog.Logger) (err error) {
	p := &process{cfg: cfg, log: telemetry.Guard(log)}
	shown, shutdown, err := telemetry.Setup(ctx, telemetry.Options{Service: cfg.Role, Instance: cfg.ID, TraceEndpoint: cfg.Traces, MetricsListen: cfg.Metrics, Log: p.log})
	if err != nil {
		return err
	}
	defer func() {
		// What could not be told any more is no reason for a process to fail.
		if late := shutdown(context.WithoutCancel(ctx)); late != nil {
			p.log.Warn("telemetry is incomplete", "error", late)
		}
	}()
	p.telemetry = shown
	if err := p.open(ctx); err != nil {
		return err
	}
	defer func() {
		if p.bus != nil {
			p.bus.Close()
		}
	}()
	role := map[string]func(context.Context) error{RoleBank: p.bank, RoleDesk: p.desk, RoleProvider: p.provider}[cfg.Role]
	serve := func(ctx context.Context) error {
		if err := p.connect(ctx); err != nil {
			return err
		}
		return role(ctx)
	}
	pause := reopenPause
	for {
		began := time.Now()
		err := serve(ctx)
		if ctx.Err() != nil {
			return nil
		}
		// A database in use is the one refusal that passes by itself: the writer that holds it may be gone in a moment.
		if code := refusal.CodeOf(err); code != "" && code != postgres.CodeInUse {
			return err
		}
		if time.Since(began) > reopenPauseMost {
			pause = reopenPause
		}
		p.log.Error("stopped by a fault, opening again", "error", err)
		select {
		case <-time.After(pause):
			pause = min(2*pause, reopenPauseMost)
		case <-ctx.Done():
			return nil
		}
	}
}

func (p *process) open(ctx context.Context) error {
	file, err := os.ReadFile(p.cfg.file(p.cfg.Trust))
	if err != nil {
		return refusal.Newf(CodeConfigInvalid, "check trust in the configuration", "the trust file cannot be read: %v", err)
	}
	if p.trust, err = trust.Parse(file); err != nil {
		return err
	}
	if p.trust.Development && !p.cfg.Development {
		return refusal.New(CodeConfigInvalid, "the trust file is of a development network", "set development to true, or use the consortium's file")
	}
	unlock, err := wallet.OpenUnlock(p.cfg.file(p.cfg.Unlock))
	if err != nil {
		return err
	}
	if p.ring, err = wallet.Open(p.cfg.file(p.cfg.Keys), unlock); err != nil {
		return err
	}
	if p.ring.Owner() != p.cfg.ID {
		return refusal.Newf(CodeConfigInvalid, "name the key file of this process", "the key file is of %q, the process is %q", p.ring.Owner(), p.cfg.ID)
	}
	return nil
}

// connect joins the bus, once; a broker that is lost later it finds again by itself.
func (p *process) connect(ctx context.Context) (err error) {
	if p.bus != nil {
		return nil
	}
	p.bus, err = bus.Connect(ctx, bus.Options{URL: p.cfg.Broker, Name: p.cfg.ID, Network: p.trust.Network, Development: p.cfg.Development,
		Meter:   p.telemetry.Meter("bus"),
		OnError: func(err error) { p.log.Warn("bus", "error", err) }})
	return err
}

func unixMS() int64 { return time.Now().UnixMilli() }

func (p *process) bank(ctx context.Context) error {
	verifiers := map[string]*proof.Verifier{}
	for circuit, path := range p.cfg.VerificationKeys {
		pinned, ok := p.trust.Circuit(circuit)
		if !ok {
			return refusal.Newf(CodeConfigInvalid, "use the circuits of the trust file", "verification_keys: the trust file pins no circuit %q", circuit)
		}
		key, err := os.ReadFile(p.cfg.file(path))
		if err != nil {
			return refusal.Newf(CodeConfigInvalid, "check verification_keys", "the key of %s cannot be read: %v", circuit, err)
		}
		if verifiers[circuit], err = proof.NewVerifier(circuit, key, pinned.KeyID); err != nil {
			return err
		}
	}
	if err := p.current(ctx); err != nil {
		return err
	}
	prover, err := p.prover(ctx, ClaimCircuits())
	if err != nil {
		return err
	}
	var running atomic.Pointer[Bank]
	prover.GiveWay(func() bool {
		b := running.Load()
		return b != nil && b.engine.Busy()
	})
	// A second process of the same bank stands by here, keys loaded, until the first is gone.
	store, err := postgres.Standby(ctx, p.cfg.Database, p.cfg.ID, func() { p.log.Info("standing by: another process runs this bank") }, postgres.Traced(p.telemetry.Tracers()))
	if err != nil {
		return err
	}
	inspection, err := p.inspection(ctx)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	defer inspection.watcher.Close()
	if err := inspection.before(ctx); err != nil {
		return errors.Join(err, store.Close())
	}
	public, err := p.public()
	if err != nil {
		return errors.Join(err, store.Close())
	}
	public.Store = store
	b, err := OpenBank(ctx, BankConfig{ID: p.cfg.ID, Trust: p.trust, Ring: p.ring, Store: store, Bus: p.bus, Verifiers: verifiers, Prover: prover, Public: public,
		SupplyEveryMS: 1_000 * p.cfg.SupplyEveryS, Clock: unixMS, Log: p.log, Telemetry: p.telemetry})
	if err != nil {
		if public.Listener != nil {
			_ = public.Listener.Close() // it may be closed already
		}
		running.Store(b)
		return err
	}
	p.log.Info("bank is open", "bank", p.cfg.ID)
	watched, unwatch := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { inspection.run(watched, b.engine) })
	defer func() { unwatch(); watching.Wait() }()
	select {
	case <-ctx.Done():
		return b.Close()
	case <-b.engine.Done():
		return errors.Join(b.engine.Err(), b.Close())
	}
}

func (p *process) desk(ctx context.Context) error {
	files := os.DirFS(p.cfg.file(p.cfg.Exercise))
	exercise, err := intake.Load(files)
	if err != nil {
		return err
	}
	sheet, err := fs.ReadFile(files, "agreement.json")
	if err != nil {
		return fmt.Errorf("read the agreement: %w", err)
	}
	prover, err := p.prover(ctx, DeskCircuits(p.cfg.ChunkSize))
	if err != nil {
		return err
	}
	if err := p.current(ctx); err != nil {
		return err
	}
	store, err := postgres.OpenDesk(ctx, p.cfg.Database, postgres.Traced(p.telemetry.Tracers()))
	if err != nil {
		return err
	}
	d, err := OpenDesk(ctx, DeskConfig{Nation: p.cfg.ID, Trust: p.trust, Ring: p.ring, Store: store, Bus: p.bus, Prover: prover, Agreement: exercise.Agreement,
		Sheet: sheet, Cases: exercise.Cases, Rates: exercise.Rates, ChunkSize: p.cfg.ChunkSize, Clock: unixMS, Log: p.log, Telemetry: p.telemetry})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	d.Work()
	p.log.Info("desk is open", "desk", p.cfg.ID)
	select {
	case <-ctx.Done():
	case <-store.Lost(): // what the desk knows is not what its journal says any more
	}
	return errors.Join(store.Err(), d.Close(), store.Close())
}

// prover opens the proving keys of circuits, for as many workers as the configuration says.
func (p *process) prover(ctx context.Context, circuits []string) (*proof.Pool, error) {
	keys, err := proof.OpenDevelopment(ctx, p.cfg.file(p.cfg.ProvingKeys), circuits, func(name, stage string) { p.log.Info("proving keys", "circuit", name, "phase", stage) })
	if err != nil {
		return nil, err
	}
	return proof.NewPool(keys, p.cfg.ProverWorkers), p.pinned(keys, circuits)
}

// pinned checks that what this process proves with is what everybody verifies with.
func (p *process) pinned(keys *proof.Keys, names []string) error {
	for _, name := range names {
		info, err := keys.Info(name)
		if err != nil {
			return err
		}
		if pinned, ok := p.trust.Circuit(name); !ok || pinned.KeyID != wire.Hash(info.VKID) {
			return refusal.Newf(CodeConfigInvalid, "use the proving keys of this network", "proving_keys: the keys of %s are not those the trust file pins", name)
		}
	}
	return nil
}

func (p *process) provider(ctx context.Context) error {
	exercise, err := intake.Load(os.DirFS(p.cfg.file(p.cfg.Exercise)))
	if err != nil {
		return err
	}
	q := p.cfg.Quotes
	v, err := OpenProvider(ctx, ProviderConfig{ID: p.cfg.ID, Trust: p.trust, Ring: p.ring, Bus: p.bus, Rates: exercise.Rates, On: q.On,
		SpreadBPS: q.SpreadBPS, Accounts: q.Accounts, FirmForMS: q.FirmForMS, Clock: unixMS, Log: p.log, Telemetry: p.telemetry})
	if err != nil {
		return err
	}
	p.log.Info("provider is open", "provider", p.cfg.ID)
	<-ctx.Done()
	return v.Close()
}

// schema is the set of migrations of the role's database.
func (c *Config) schema() fs.FS {
	if c.Role == RoleBank {
		return migrations.Bank
	}
	return migrations.Desk
}

// current refuses a database that is behind the program.
func (p *process) current(ctx context.Context) error {
	pending, err := postgres.Pending(ctx, p.cfg.Database, p.cfg.schema())
	if err != nil {
		return err
	}
	if pending {
		return refusal.New("schema_outdated", "the database lacks migrations", "run entente migrate --config "+p.cfg.path)
	}
	return nil
}

// Migrate brings the database of a bank or desk to the program's schema. Migrations only go forward. owner is the address of the tables' owner, and lets the
// role of the configuration's address into a bank's database; empty where that address is the owner's own, or nothing is left to migrate.
func Migrate(ctx context.Context, cfg *Config, owner string) error {
	if cfg.Role == RoleProvider {
		return refusal.New(CodeConfigInvalid, "a provider has no database", "give the configuration of a bank or desk")
	}
	if owner == "" {
		return postgres.Migrate(ctx, cfg.Database, cfg.schema())
	}
	if err := postgres.Migrate(ctx, owner, cfg.schema()); err != nil || cfg.Role != RoleBank {
		return err
	}
	return postgres.Admit(ctx, owner, cfg.Database)
}
