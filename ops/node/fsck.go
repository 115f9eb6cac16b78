package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/postgres"
	"entente/wallet"
	"entente/zk/transcript"
)

// checkEveryDefault is how long a running bank takes to check its whole journal, where the configuration does not say.
const checkEveryDefault = time.Hour

// FsckReport is what a check of a bank's stored ledger found.
type FsckReport struct {
	Bank      string  `json:"bank"`
	Sound     bool    `json:"sound"`
	Entries   int64   `json:"entries"`   // checked
	Batches   int64   `json:"batches"`   // checked
	EarlierBy int64   `json:"rotated"`   // checkpoints that another key of the log signed than the present one
	Seconds   float64 `json:"seconds"`   // taken
	PerSecond float64 `json:"entries_s"` // entries checked a second
	Code      string  `json:"code,omitempty"`
	Seq       *int64  `json:"seq,omitempty"` // first entry that is not as it was written
	What      string  `json:"what,omitempty"`
}

// Fsck checks the stored ledger of a configuration's bank with that bank's own keys, and changes nothing. The bank may run meanwhile. A ledger that is not
// sound is no error: the report says what. An error means that the check could not be done.
func Fsck(ctx context.Context, cfg *Config, progress func(done, total int64)) (*FsckReport, error) {
	p := &process{cfg: cfg, log: telemetry.Guard(slog.New(slog.DiscardHandler))}
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	pinned, ok := p.trust.Bank(cfg.ID)
	if !ok {
		return nil, refusal.Newf(trust.CodeTrustInvalid, "use the trust file of your network", "the trust file has no bank %q", cfg.ID)
	}
	begin, err := checkers(p.ring, pinned)
	if err != nil {
		return nil, err
	}
	check, began := begin(true), time.Now()
	err = postgres.Fsck(ctx, cfg.Database, identityOf(p.trust, pinned), check, progress)
	r := &FsckReport{Bank: cfg.ID, Sound: err == nil, Entries: check.Size(), Batches: check.Batch(), EarlierBy: check.Foreign, Seconds: time.Since(began).Seconds()}
	r.PerSecond = float64(r.Entries) / max(r.Seconds, 1e-9)
	var damage *engine.Damage
	var refused *refusal.Refusal
	switch {
	case err == nil:
	case errors.As(err, &damage):
		r.Code, r.Seq, r.What = string(damage.Code), &damage.Seq, damage.Error()
	case errors.As(err, &refused) && refused.Code == engine.CodeLedgerForeign:
		r.Code, r.What = string(refused.Code), refused.Error()
	default:
		return nil, err
	}
	return r, nil
}

func identityOf(network *trust.Network, pinned trust.Bank) engine.Identity {
	return engine.Identity{Network: network.Network, Bank: pinned.ID, Currency: pinned.Currency, Origin: pinned.LogOrigin}
}

// checkers gives what makes fresh checkers of a bank's ledger, with or without the machine's own fold.
func checkers(ring *wallet.Ring, pinned trust.Bank) (func(fold bool) *engine.Checker, error) {
	veil, err := veilOf(ring)
	if err != nil {
		return nil, err
	}
	key, err := ring.Signer(wire.PurposeCheckpoint, ring.Owner())
	if err != nil {
		return nil, err
	}
	verifier, err := transcript.ParseVerifierKey(transcript.VerifierKey(pinned.LogOrigin, key.Key().Public))
	if err != nil {
		return nil, err
	}
	return func(fold bool) *engine.Checker {
		return engine.NewChecker(veil, pinned.ID, pinned.Currency, pinned.LogOrigin, verifier, fold)
	}, nil
}

// inspection is how a running bank watches over its own journal.
type inspection struct {
	watcher  *postgres.Watcher
	identity engine.Identity
	begin    func(fold bool) *engine.Checker
	every    time.Duration
	log      *slog.Logger
}

func (p *process) inspection(ctx context.Context) (*inspection, error) {
	pinned, ok := p.trust.Bank(p.cfg.ID)
	if !ok {
		return nil, refusal.Newf(trust.CodeTrustInvalid, "use the trust file of your network", "the trust file has no bank %q", p.cfg.ID)
	}
	begin, err := checkers(p.ring, pinned)
	if err != nil {
		return nil, err
	}
	watcher, err := postgres.Watch(ctx, p.cfg.Database)
	if err != nil {
		return nil, err
	}
	every := checkEveryDefault
	if p.cfg.CheckEveryS > 0 {
		every = time.Duration(p.cfg.CheckEveryS) * time.Second
	}
	return &inspection{watcher, identityOf(p.trust, pinned), begin, every, p.log}, nil
}

// before checks everything, if this ledger was ever found damaged: a start believes nothing then that it could believe otherwise.
func (i *inspection) before(ctx context.Context) error {
	damaged, err := i.watcher.Damaged(ctx)
	if err != nil || !damaged {
		return err
	}
	i.log.Warn("the journal was found damaged before: every row is checked before the bank opens")
	return i.watcher.CheckAll(ctx, i.identity, i.begin(true))
}

// run checks the journal of a running bank until ctx ends, and stops its engine for good at the first damage.
func (i *inspection) run(ctx context.Context, e *engine.Engine) {
	begin := func() *engine.Checker { return i.begin(true) }
	for {
		err := i.watcher.Patrol(ctx, i.identity, begin, i.every, func(n int64) { i.log.Debug("the journal is as it was written", "entries", n) })
		switch {
		case ctx.Err() != nil:
			return
		case refusal.CodeOf(err) != "":
			i.log.Error("ALARM: the journal was changed; the bank stops writing", "error", err)
			e.Halt(err)
			return
		}
		// What cannot be read stops the bank by itself, if it lasts.
		i.log.Warn("the journal could not be checked, trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(reopenPauseMost):
		}
	}
}
