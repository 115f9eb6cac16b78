package devnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"entente/bridge/bus"
	"entente/bridge/intake"
	"entente/ops/broker"
	"entente/ops/node"
	"entente/ops/pgserver"
	"entente/ops/telemetry"
	"entente/schema/migrations"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/postgres"
	"entente/wallet"
	"entente/zk/proof"
)

// chunkSize is how many items a chunk of a bill has here.
const chunkSize = 64

// spreadBPS is what the development provider adds to reference rates.
const spreadBPS = 10

// quoteFirmMS is how long its quotes are firm: longer than the time a swap has to be voted on.
const quoteFirmMS = 30_000

// supplyEveryS is how often banks prove their supply while their log grows.
const supplyEveryS = 60

// Options say what a development network is made from.
type Options struct {
	Dir        string            // for keys, trust file, bundle; made when absent
	Exercise   *intake.Exercise  // what is played
	Sheet      []byte            // the agreement's bytes, hashed into the charter
	Files      fs.FS             // the exercise's directory, for processes that read it themselves
	Keys       *proof.Keys       // proving and verification keys of Circuits
	KeysDir    string            // where those keys lie, for processes that load them themselves
	Processes  bool              // run banks, desks and provider as processes of their own
	Failpoints map[string]string // with Processes: by id, where a process is killed in its first life
	PowerLoss  bool              // the database server dies in the middle of the payments
	Progress   func(line string)
	Log        *slog.Logger
	Telemetry  *telemetry.Telemetry // of everything in this process; nil for none
}

// Net is a running development network.
type Net struct {
	Trust     *trust.Network
	TrustPath string
	Banks     map[string]*node.Bank
	Operators map[string]*node.Operator
	Desks     map[string]*node.Desk
	Users     map[string]map[string]*node.User // nation, then clerk or controller
	Provider  *node.Provider
	Auditor   *node.Auditor

	options   Options
	prover    *proof.Pool // of every bank and desk of this process
	ledgers   *ledgers    // which the prover gives way to
	claimed   bool        // keys and trust file in the directory are this network's
	processes *supervisor // nil when everything runs in this process
	postgres  *pgserver.Server
	broker    *broker.Server
	doors     map[string]*door // by bank, where its log is served
	closers   []func() error   // in the order of opening
}

// Circuits lists the circuits a development network proves with.
func Circuits() []string { return append(node.DeskCircuits(chunkSize), node.ClaimCircuits()...) }

func now() int64 { return time.Now().UnixMilli() }

// Start sets up everything and opens the accounts. When something fails, what was started is stopped again and what was written is removed.
func Start(ctx context.Context, o Options) (*Net, error) {
	o.Log = telemetry.Guard(o.Log)
	n := &Net{options: o, prover: proof.NewPool(o.Keys, runtime.GOMAXPROCS(0)), ledgers: &ledgers{}, Banks: map[string]*node.Bank{}, Operators: map[string]*node.Operator{}, Desks: map[string]*node.Desk{}}
	n.prover.GiveWay(n.ledgers.busy)
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close(), n.Discard())
	}
	return n, nil
}

func (n *Net) start(ctx context.Context) error {
	p, err := budget(n.options.Exercise)
	if err != nil {
		return err
	}
	// What may be missing on this machine comes first: a start that fails for want of it has written nothing into the directory.
	if n.postgres, err = pgserver.Start(ctx, pgserver.Options{Progress: n.options.Progress}); err != nil {
		return err
	}
	n.closers = append(n.closers, func() error { return n.postgres.Stop(pgserver.Fast) })
	if n.broker, err = broker.Start(broker.Options{Listen: n.options.Processes, Progress: n.options.Progress}); err != nil {
		return err
	}
	n.closers = append(n.closers, n.broker.Stop)
	if err := n.claim(); err != nil {
		return err
	}
	if n.options.Processes {
		if err := n.supervise(); err != nil {
			return err
		}
	}
	ids, network, err := found(ctx, filepath.Join(n.options.Dir, keysDir), n.options.Exercise.Agreement, n.options.Keys, Circuits())
	if err != nil {
		return err
	}
	n.Trust = network
	if err := n.writeTrust(); err != nil {
		return err
	}
	ctx, told := n.whileUp(ctx)
	for _, step := range []func(context.Context, *identities) error{
		n.openBanks, func(ctx context.Context, _ *identities) error { return n.fund(ctx, p) }, n.openDesks, n.openUsers, n.openProvider, n.openAuditor,
	} {
		if err := step(ctx, ids); err != nil {
			return told(err)
		}
	}
	return told(nil)
}

// Close stops everything, last opened first. The trust file and what was written beside it stay.
func (n *Net) Close() error {
	var all []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		all = append(all, n.closers[i]())
	}
	n.closers = nil
	return errors.Join(all...)
}

// connect gives a role its own connection to the broker.
func (n *Net) connect(ctx context.Context, name string) (*bus.Bus, error) {
	b, err := bus.Connect(ctx, bus.Options{InProcess: n.broker.InProcess(), Name: name, Network: n.Trust.Network, Development: true,
		Meter:   n.options.Telemetry.Meter("bus"),
		OnError: func(err error) { n.options.Log.Warn("bus", "who", name, "error", err) }})
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, func() error { b.Close(); return nil })
	return b, nil
}

// database makes one database for one bank or desk, brings it to the present schema, and gives the address to run with.
func (n *Net) database(ctx context.Context, kind, owner string, schema fs.FS) (string, error) {
	name := kind + "_" + strings.ReplaceAll(strings.ToLower(owner), "-", "_")
	if err := n.postgres.CreateDatabase(ctx, name); err != nil {
		return "", err
	}
	owner, app := n.postgres.OwnerURL(name), n.postgres.AppURL(name)
	if err := postgres.Migrate(ctx, owner, schema); err != nil || kind != "bank" {
		return owner, err
	}
	return app, postgres.Admit(ctx, owner, app)
}

// supervise prepares what child processes need: a supervisor, the exercise's files, the verification keys.
func (n *Net) supervise() error {
	var err error
	if n.processes, err = newSupervisor(filepath.Join(n.options.Dir, logsDir)); err != nil {
		return err
	}
	n.closers = append(n.closers, n.processes.close)
	if err := os.CopyFS(filepath.Join(n.options.Dir, exerciseDir), n.options.Files); err != nil {
		return fmt.Errorf("copy the exercise: %w", err)
	}
	dir := filepath.Join(n.options.Dir, circuitsDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the directory for verification keys: %w", err)
	}
	for _, c := range Circuits() {
		info, err := n.options.Keys.Info(c)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, c+".vk"), info.VKBytes, 0o644); err != nil {
			return fmt.Errorf("write a verification key: %w", err)
		}
	}
	return nil
}

func (n *Net) openBanks(ctx context.Context, ids *identities) error {
	if err := n.openDoors(); err != nil {
		return err
	}
	for _, pinned := range n.Trust.Banks {
		url, err := n.database(ctx, "bank", pinned.ID, migrations.Bank)
		if err != nil {
			return err
		}
		if n.processes != nil {
			err = n.spawn(node.Config{Role: node.RoleBank, ID: pinned.ID, Keys: "../keys/bank-" + pinned.ID + ".age", Database: url, VerificationKeys: verificationKeys(), ProvingKeys: n.options.KeysDir, SupplyEveryS: supplyEveryS,
				Log: &node.LogConfig{Listen: doorDescriptor, Witnesses: n.witnesses(pinned.ID)}}, n.doors[pinned.ID].file)
		} else {
			err = n.openBank(ctx, pinned.ID, ids.banks[pinned.ID], url)
		}
		if err != nil {
			return err
		}
		b, err := n.connect(ctx, "operator of "+pinned.ID)
		if err != nil {
			return err
		}
		if n.Operators[pinned.ID], err = node.NewOperator(pinned.ID, n.Trust, ids.operators[pinned.ID], b, now); err != nil {
			return err
		}
	}
	for _, pinned := range n.Trust.Banks {
		if err := n.Operators[pinned.ID].Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// verificationKeys names the files written by supervise.
func verificationKeys() map[string]string {
	files := map[string]string{}
	for _, c := range Circuits() {
		files[c] = "../circuits/" + c + ".vk"
	}
	return files
}

func (n *Net) openBank(ctx context.Context, id string, ring *wallet.Ring, url string) error {
	verifiers := map[string]*proof.Verifier{}
	for _, c := range Circuits() {
		v, err := n.options.Keys.Verifier(c)
		if err != nil {
			return err
		}
		verifiers[c] = v
	}
	store, err := postgres.Open(ctx, url, id, postgres.Traced(n.options.Telemetry.Tracers()))
	if err != nil {
		return err
	}
	b, err := n.connect(ctx, id)
	if err != nil {
		return err
	}
	bank, err := node.OpenBank(ctx, node.BankConfig{ID: id, Trust: n.Trust, Ring: ring, Store: store, Bus: b, Verifiers: verifiers, Prover: n.prover, SupplyEveryMS: 1_000 * supplyEveryS, Clock: now,
		Public: node.BankLog{Listener: n.doors[id].listener, Witnesses: n.witnesses(id), Store: store},
		Log:    n.options.Log.With("bank", id), Telemetry: n.options.Telemetry})
	if err != nil {
		return err
	}
	n.Banks[id] = bank
	n.ledgers.add(bank)
	n.closers = append(n.closers, bank.Close)
	return nil
}

func (n *Net) openDesks(ctx context.Context, ids *identities) error {
	for _, m := range n.Trust.Members {
		url, err := n.database(ctx, "desk", m.Nation, migrations.Desk)
		if err != nil {
			return err
		}
		if n.processes != nil {
			err = n.spawn(node.Config{Role: node.RoleDesk, ID: m.Nation, Keys: "../keys/desk-" + m.Nation + ".age", Database: url, Exercise: "../exercise",
				ProvingKeys: n.options.KeysDir, ChunkSize: chunkSize})
		} else {
			err = n.openDesk(ctx, m.Nation, ids.desks[m.Nation], url)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (n *Net) openDesk(ctx context.Context, nation string, ring *wallet.Ring, url string) error {
	e := n.options.Exercise
	store, err := postgres.OpenDesk(ctx, url, postgres.Traced(n.options.Telemetry.Tracers()))
	if err != nil {
		return err
	}
	n.closers = append(n.closers, store.Close)
	b, err := n.connect(ctx, nation)
	if err != nil {
		return err
	}
	desk, err := node.OpenDesk(ctx, node.DeskConfig{Nation: nation, Trust: n.Trust, Ring: ring, Store: store, Bus: b, Prover: n.prover,
		Agreement: e.Agreement, Sheet: n.options.Sheet, Cases: e.Cases, Rates: e.Rates, ChunkSize: chunkSize, Clock: now, Log: n.options.Log.With("desk", nation),
		Telemetry: n.options.Telemetry})
	if err != nil {
		return err
	}
	n.Desks[nation] = desk
	n.closers = append(n.closers, desk.Close)
	desk.Work()
	return nil
}

// openUsers gives every person a connection and a client of their own.
func (n *Net) openUsers(ctx context.Context, ids *identities) error {
	n.Users = map[string]map[string]*node.User{}
	for nation, keys := range ids.users {
		n.Users[nation] = map[string]*node.User{}
		b, err := n.connect(ctx, "users of "+nation)
		if err != nil {
			return err
		}
		for person, key := range keys {
			n.Users[nation][person] = node.NewUser(n.Trust, key, b, now)
		}
	}
	return nil
}

func (n *Net) openProvider(ctx context.Context, ids *identities) error {
	accounts := map[string]string{}
	for _, bank := range n.Trust.Banks {
		accounts[bank.ID] = account(bank.ID, providerID)
	}
	e := n.options.Exercise
	if n.processes != nil {
		return n.spawn(node.Config{Role: node.RoleProvider, ID: providerID, Keys: "../keys/provider.age", Exercise: "../exercise",
			Quotes: &node.QuoteConfig{On: e.Agreement.Ends, SpreadBPS: spreadBPS, FirmForMS: quoteFirmMS, Accounts: accounts}})
	}
	b, err := n.connect(ctx, providerID)
	if err != nil {
		return err
	}
	n.Provider, err = node.OpenProvider(ctx, node.ProviderConfig{ID: providerID, Trust: n.Trust, Ring: ids.provider, Bus: b, Rates: e.Rates,
		On: e.Agreement.Ends, SpreadBPS: spreadBPS, Accounts: accounts, FirmForMS: quoteFirmMS, Clock: now, Log: n.options.Log.With("provider", providerID),
		Telemetry: n.options.Telemetry})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.Provider.Close)
	return nil
}

func (n *Net) openAuditor(ctx context.Context, ids *identities) error {
	b, err := n.connect(ctx, auditorID)
	if err != nil {
		return err
	}
	var keys []wire.VerifyingKey
	for _, c := range Circuits() {
		info, err := n.options.Keys.Info(c)
		if err != nil {
			return err
		}
		keys = append(keys, wire.VerifyingKey{Circuit: c, Bytes: info.VKBytes})
	}
	n.Auditor, err = node.NewAuditor(node.AuditorConfig{ID: auditorID, Trust: n.Trust, Ring: ids.auditor, Bus: b, Keys: keys, Clock: now})
	return err
}

// Database gives the database server, for who wants to see what happens without it.
func (n *Net) Database() *pgserver.Server { return n.postgres }

// restartPostgres ends the database server as a power loss would and starts it again at the same address.
func (n *Net) restartPostgres(ctx context.Context) error {
	return n.postgres.Restart(ctx, pgserver.Immediate)
}
