//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"entente/ops/pgserver"
	"entente/zk/commit"
	"entente/zk/proof"
)

// What a row of the ledger's figures measures.
const (
	RowUnsigned = "unsigned" // transfers handed straight to the engine
	RowSigned   = "signed"   // transfers that come as signed envelopes, verified before they are handed in
	RowProven   = "proven"   // bills admitted, countersignatures and proof verified, and then paid by signed instructions
	RowPgbench  = "pgbench"  // the server's own benchmark, TPC-B-like
	RowNaive    = "naive"    // a ledger of one row-locking transaction a transfer
)

// LedgerRow is one way of working at one load. A transfer counts once its answer is there, and it is there after the commit.
type LedgerRow struct {
	Row      string  `json:"row"`
	Accounts string  `json:"accounts"` // "spread" over all of them, or one of them "hot" in every transfer
	Clients  int     `json:"clients"`
	PerS     float64 `json:"per_s"`
	P50MS    float64 `json:"p50_ms,omitempty"` // left out where it was not measured
	P99MS    float64 `json:"p99_ms,omitempty"`
	Rounds   int     `json:"rounds"` // of which these are the medians
}

// LedgerFigures are what `entente bench ledger --json` prints. Ratios are medians of the rounds' own ratios.
type LedgerFigures struct {
	RatioVsPgbench       *float64    `json:"ratio_vs_pgbench"` // unsigned, most clients; null without the pgbench program
	RatioVsNaive         float64     `json:"ratio_vs_naive"`   // the same over the naive ledger
	SignedRatioVsPgbench *float64    `json:"signed_ratio_vs_pgbench"`
	HotOverSpread        float64     `json:"hot_over_spread"` // unsigned, most clients
	P9964MS              float64     `json:"p99_64_ms"`       // unsigned, 64 clients, spread
	NaiveP99MS           float64     `json:"naive_p99_ms"`
	BesideProver         float64     `json:"beside_prover"` // unsigned at 64 clients while a proof.Pool works, over the same without
	ProofsBeside         int         `json:"proofs_beside"` // made in that time
	Missing              string      `json:"missing,omitempty"`
	Postgres             string      `json:"postgres"` // version
	Cores                int         `json:"cores"`
	Entries              int64       `json:"entries"` // of the journal in the end
	Rows                 []LedgerRow `json:"rows"`
}

// ledgerPlan says how much is measured.
type ledgerPlan struct {
	each     time.Duration // of one measurement
	rounds   int           // of what ratios are made of; an odd number has one median
	accounts int
	scale    int   // of pgbench
	clients  []int // the last is what ratios are taken at; holds latencyClients
	rivals   int   // connections of pgbench and the naive ledger
	bill     int   // chunk size of the bills
	beside   int   // chunk size of what is proven beside the ledger
}

// latencyClients is the load at which latencies are compared.
const latencyClients = 64

// Ledger measures durable transfers, each measurement lasting so long, on a private server with fsync on that is gone afterwards. It opens the development keys
// of two circuits, and makes them on the first run. progress may be nil; it is told each stage in words, and how many of the measurements are done.
//
// NB: bills have distinct ids and share a few proofs, each verified wherever it comes: making one for each bill would take longer than all the rest.
func Ledger(ctx context.Context, each time.Duration, progress func(stage string, done, of int)) (LedgerFigures, error) {
	plan := ledgerPlan{each: each, rounds: 3, accounts: 10_000, scale: 50, clients: []int{1, 16, 64, 512}, rivals: 16, bill: commit.SmallChunk, beside: commit.MediumChunk}
	return plan.run(ctx, progress)
}

func (p ledgerPlan) run(ctx context.Context, progress func(stage string, done, of int)) (figures LedgerFigures, err error) {
	if progress == nil {
		progress = func(string, int, int) {}
	}
	say := func(stage string) { progress(stage, 0, 0) }
	dir, err := proof.DefaultDir()
	if err != nil {
		return figures, err
	}
	keys, err := proof.OpenDevelopment(ctx, dir, []string{proof.BillName(p.bill), proof.BillName(p.beside)}, func(name, stage string) { say("keys of " + name + ": " + stage) })
	if err != nil {
		return figures, err
	}
	server, err := pgserver.Start(ctx, pgserver.Options{Progress: say})
	if err != nil {
		return figures, err
	}
	defer func() { err = errors.Join(err, server.Stop(pgserver.Fast)) }()
	b := &ledgerBench{plan: p, progress: progress, server: server, keys: keys}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.prepare(ctx); err != nil {
		return figures, err
	}
	if err := b.compare(ctx); err != nil {
		return figures, err
	}
	return b.figures(ctx)
}

// ledgerBench is one run.
type ledgerBench struct {
	plan     ledgerPlan
	progress func(stage string, done, of int)
	server   *pgserver.Server
	keys     *proof.Keys
	done     int

	bank    *bank
	pgbench *pgbench // nil when the program is missing
	naive   *naive
	taken   map[slot][]sample
	beside  []float64
	proofs  int
}

// slot is a row before it is measured.
type slot struct {
	row     string
	hot     bool
	clients int
}

// sample is one measurement of a slot.
type sample struct {
	perS     float64
	p50, p99 time.Duration
}

func (b *ledgerBench) prepare(ctx context.Context) (err error) {
	b.taken = map[slot][]sample{}
	b.progress("filling pgbench's tables", 0, 0)
	if b.pgbench, err = newPgbench(ctx, b.server, b.plan); err != nil {
		return err
	}
	b.progress("filling the naive ledger", 0, 0)
	if b.naive, err = newNaive(ctx, b.server, b.plan); err != nil {
		return err
	}
	b.progress("opening the accounts", 0, 0)
	b.bank, err = newBank(ctx, b.server, b.keys, b.plan)
	return err
}

func (b *ledgerBench) close() error {
	var errs []error
	if b.naive != nil {
		b.naive.close()
	}
	if b.bank != nil {
		errs = append(errs, b.bank.close())
	}
	return errors.Join(errs...)
}

// most is the load that ratios are taken at.
func (p *ledgerPlan) most() int { return p.clients[len(p.clients)-1] }

// often are the slots that ratios are made of, in the order of a round.
func (b *ledgerBench) often() []slot {
	most := b.plan.most()
	slots := []slot{{RowNaive, false, b.plan.rivals}, {RowUnsigned, false, most}, {RowUnsigned, true, most}, {RowSigned, false, most}, {RowUnsigned, false, latencyClients}}
	if b.pgbench != nil {
		slots = append([]slot{{RowPgbench, false, b.plan.rivals}}, slots...)
	}
	return slots
}

// once are the other slots of the table.
func (b *ledgerBench) once() []slot {
	often := b.often()
	var slots []slot
	for _, row := range []string{RowUnsigned, RowSigned, RowProven} {
		for _, hot := range []bool{false, true} {
			for _, clients := range b.plan.clients {
				if s := (slot{row, hot, clients}); !slices.Contains(often, s) {
					slots = append(slots, s)
				}
			}
		}
	}
	return slots
}

// compare measures in turns what is compared, then the ledger beside a prover, then the rest once.
func (b *ledgerBench) compare(ctx context.Context) error {
	for range b.plan.rounds {
		for _, s := range b.often() {
			if err := b.measure(ctx, s); err != nil {
				return err
			}
		}
	}
	for range b.plan.rounds {
		if err := b.measureBeside(ctx); err != nil {
			return err
		}
	}
	for _, s := range b.once() {
		if err := b.measure(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (b *ledgerBench) step(stage string) {
	b.progress(stage, b.done, b.plan.rounds*(len(b.often())+2)+len(b.once()))
	b.done++
}

func (b *ledgerBench) measure(ctx context.Context, s slot) (err error) {
	b.step(fmt.Sprintf("%s, %d clients", s.row, s.clients))
	taken, err := b.sample(ctx, s)
	if err != nil {
		return fmt.Errorf("bench: %s with %d clients: %w", s.row, s.clients, err)
	}
	b.taken[s] = append(b.taken[s], taken)
	return nil
}

func (b *ledgerBench) sample(ctx context.Context, s slot) (sample, error) {
	switch s.row {
	case RowPgbench:
		return b.pgbench.sample(ctx)
	case RowNaive:
		return b.naive.sample(ctx)
	}
	return b.bank.sample(ctx, s, b.plan.each)
}

// measureBeside measures the ledger alone and then beside a prover.
func (b *ledgerBench) measureBeside(ctx context.Context) error {
	s := slot{RowUnsigned, false, latencyClients}
	b.step("the ledger alone")
	alone, err := b.sample(ctx, s)
	if err != nil {
		return err
	}
	b.step("the ledger beside a prover")
	stop := b.prove(ctx)
	with, err := b.sample(ctx, s)
	made, failed := stop()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	b.proofs += made
	b.beside = append(b.beside, with.perS/alone.perS)
	return nil
}

func (b *ledgerBench) figures(ctx context.Context) (LedgerFigures, error) {
	most := b.plan.most()
	spread := slot{RowUnsigned, false, most}
	naive := slot{RowNaive, false, b.plan.rivals}
	f := LedgerFigures{
		RatioVsNaive:  b.ratio(spread, naive),
		HotOverSpread: b.ratio(slot{RowUnsigned, true, most}, spread),
		P9964MS:       b.row(slot{RowUnsigned, false, latencyClients}).P99MS,
		NaiveP99MS:    b.row(naive).P99MS,
		BesideProver:  median(b.beside),
		ProofsBeside:  b.proofs,
		Postgres:      b.server.Version,
		Cores:         runtime.GOMAXPROCS(0),
	}
	if b.pgbench == nil {
		f.Missing = "pgbench is neither beside the server's programs nor in PATH"
	} else {
		rival := slot{RowPgbench, false, b.plan.rivals}
		unsigned, signed := b.ratio(spread, rival), b.ratio(slot{RowSigned, false, most}, rival)
		f.RatioVsPgbench, f.SignedRatioVsPgbench = &unsigned, &signed
	}
	for s := range b.taken {
		f.Rows = append(f.Rows, b.row(s))
	}
	slices.SortFunc(f.Rows, compareRows)
	var err error
	f.Entries, err = b.bank.size(ctx)
	return f, err
}

// ratio is the median over the rounds of one slot's rate over another's.
func (b *ledgerBench) ratio(of, over slot) float64 {
	ratios := make([]float64, len(b.taken[over]))
	for i := range ratios {
		ratios[i] = b.taken[of][i].perS / b.taken[over][i].perS
	}
	return median(ratios)
}

func (b *ledgerBench) row(s slot) LedgerRow {
	taken := b.taken[s]
	row := LedgerRow{Row: s.row, Accounts: "spread", Clients: s.clients, Rounds: len(taken)}
	if s.hot {
		row.Accounts = "hot"
	}
	perS, p50, p99 := make([]float64, len(taken)), make([]time.Duration, len(taken)), make([]time.Duration, len(taken))
	for i, t := range taken {
		perS[i], p50[i], p99[i] = t.perS, t.p50, t.p99
	}
	row.PerS, row.P50MS, row.P99MS = median(perS), milliseconds(median(p50)), milliseconds(median(p99))
	return row
}

var rowOrder = []string{RowUnsigned, RowSigned, RowProven, RowPgbench, RowNaive}

func compareRows(x, y LedgerRow) int {
	if x.Row != y.Row {
		return slices.Index(rowOrder, x.Row) - slices.Index(rowOrder, y.Row)
	}
	if x.Accounts != y.Accounts {
		return len(y.Accounts) - len(x.Accounts) // "spread" first
	}
	return x.Clients - y.Clients
}
