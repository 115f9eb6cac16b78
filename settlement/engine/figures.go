package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/swap"
)

// figures are what an engine counts. Nothing in them says how much, or whose: a bank's id, codes and states are all their labels.
type figures struct {
	bank     metric.MeasurementOption
	name     attribute.KeyValue
	events   metric.Int64Counter
	batches  metric.Int64Counter
	entries  metric.Int64Counter
	refusals metric.Int64Counter
	resends  metric.Int64Counter
	batch    metric.Int64Histogram
	commit   metric.Float64Histogram
	watching metric.Registration

	// What is observed while the writer goes on.
	size   atomic.Int64
	oldest atomic.Int64 // when the swap longest in doubt was prepared, 0 for none
	swaps  [2][6]atomic.Int64

	// The fields below belong to the writer.
	doubt map[wire.Hash]int64 // swaps that are bound to somebody else's decision, and since when
	stale bool                // oldest is to be found again
}

var (
	batchBounds  = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048}
	commitBounds = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}
)

func (e *Engine) newFigures() (*figures, error) {
	f := &figures{name: attribute.String("bank", e.machine.Bank), doubt: map[wire.Hash]int64{}}
	f.bank = metric.WithAttributeSet(attribute.NewSet(f.name))
	m := e.cfg.Meter
	var errs [8]error
	f.events, errs[0] = m.Int64Counter("entente.engine.events", metric.WithDescription("Events taken into batches."))
	f.batches, errs[1] = m.Int64Counter("entente.engine.batches", metric.WithDescription("Batches stored."))
	f.entries, errs[2] = m.Int64Counter("entente.engine.entries", metric.WithDescription("Entries stored."))
	f.refusals, errs[3] = m.Int64Counter("entente.engine.refusals", metric.WithDescription("Events refused, by code."))
	f.resends, errs[4] = m.Int64Counter("entente.engine.resends", metric.WithDescription("Messages sent again because no answer came."))
	f.batch, errs[5] = m.Int64Histogram("entente.engine.batch.size", metric.WithDescription("Events in a batch."), metric.WithUnit("{event}"), metric.WithExplicitBucketBoundaries(batchBounds...))
	f.commit, errs[6] = m.Float64Histogram("entente.engine.commit", metric.WithDescription("Time the store took for a batch."), metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(commitBounds...))
	f.watching, errs[7] = e.watchFigures(f)
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("count what the engine does: %w", err)
		}
	}
	return f, nil
}

// watchFigures has what is present now observed whenever somebody reads the figures.
func (e *Engine) watchFigures(f *figures) (metric.Registration, error) {
	m := e.cfg.Meter
	var errs [4]error
	queue, err := m.Int64ObservableGauge("entente.engine.queue", metric.WithDescription("Events that wait for a batch."))
	errs[0] = err
	size, err := m.Int64ObservableGauge("entente.engine.log.size", metric.WithDescription("Leaves of the log."))
	errs[1] = err
	swaps, err := m.Int64ObservableGauge("entente.engine.swaps", metric.WithDescription("Swaps by role and state."))
	errs[2] = err
	doubt, err := m.Float64ObservableGauge("entente.engine.in_doubt.age", metric.WithDescription("Age of the swap longest bound to another bank's decision; 0 for none."), metric.WithUnit("s"))
	errs[3] = err
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(queue, int64(len(e.queue)), f.bank)
		o.ObserveInt64(size, f.size.Load(), f.bank)
		for i, role := range []swap.Role{swap.Initiator, swap.Responder} {
			for state := swap.Proposed; state <= swap.Aborted; state++ {
				o.ObserveInt64(swaps, f.swaps[i][state].Load(), metric.WithAttributes(f.name, attribute.String("role", role.String()), attribute.String("state", state.String())))
			}
		}
		age := 0.0
		if since := f.oldest.Load(); since != 0 {
			age = max(0, float64(e.cfg.Clock()-since)/1000)
		}
		o.ObserveFloat64(doubt, age, f.bank)
		return nil
	}, queue, size, swaps, doubt)
}

// moved counts a swap in its new state, and out of the old one, which is 0 for a swap not known before.
func (f *figures) moved(s *swap.Swap, from swap.State) {
	role := &f.swaps[0]
	if s.Role == swap.Responder {
		role = &f.swaps[1]
	}
	if from != 0 {
		role[from].Add(-1)
	}
	role[s.State].Add(1)
	if s.State == swap.Prepared {
		f.doubt[s.ID] = s.SinceMS
		f.stale = true
	} else if _, was := f.doubt[s.ID]; was {
		delete(f.doubt, s.ID)
		f.stale = true
	}
}

// settle brings what is observed to what the writer knows, once a batch.
func (f *figures) settle(size uint64) {
	f.size.Store(int64(size))
	if !f.stale {
		return
	}
	f.stale = false
	oldest := int64(0)
	for _, since := range f.doubt {
		if oldest == 0 || since < oldest {
			oldest = since
		}
	}
	f.oldest.Store(oldest)
}

// stored counts a batch that the store took.
func (f *figures) stored(b *Batch, took time.Duration) {
	ctx := context.Background()
	f.batches.Add(ctx, 1, f.bank)
	f.entries.Add(ctx, int64(len(b.Records)), f.bank)
	f.commit.Record(ctx, took.Seconds(), f.bank)
}

// answered counts the events of a batch and those refused among them. The machine's own clock is no event of anybody's.
func (f *figures) answered(d *draft) {
	ctx := context.Background()
	events := int64(0)
	for i := range d.answers {
		if d.works[i].answer == nil {
			continue
		}
		events++
		if code := refusal.CodeOf(d.answers[i].Refusal); code != "" {
			f.refusals.Add(ctx, 1, metric.WithAttributes(f.name, attribute.String("code", string(code))))
		}
	}
	if events > 0 {
		f.events.Add(ctx, events, f.bank)
		f.batch.Record(ctx, events, f.bank)
	}
}

// unwatch ends the observing.
func (e *Engine) unwatch() error {
	if e.figures == nil {
		return nil
	}
	if err := e.figures.watching.Unregister(); err != nil {
		return fmt.Errorf("end the engine's figures: %w", err)
	}
	return nil
}
