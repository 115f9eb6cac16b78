package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entente/zk/transcript"
)

// While one batch is on its way into the store, the next one is in hand: its events are stepped and its leaves made, so that it leaves as soon as the one before
// is stored. What a flight promises: no answer and no message of a batch leaves before the batch is stored; a batch leaves only after the one before is stored;
// when one is not stored, all that was stepped after it is dropped with the state in memory. Nobody is shown a state that is not stored.
//
// The next batch is taken in hand only beside a batch that is plain: entries, notes and documents, which nothing but the store waits for.

// flight is a batch on its way into the store.
type flight struct {
	draft *draft
	batch *Batch
	size  int64 // of the log after it
	took  time.Duration
	done  chan error // has room for one
}

// landing gives where the outcome of the batch under way arrives; nil, which never gives anything, when there is none.
func (e *Engine) landing() <-chan error {
	if e.flight == nil {
		return nil
	}
	return e.flight.done
}

// free tells whether events may be stepped now.
func (e *Engine) free() bool {
	return (e.flight == nil || e.flight.batch.plain()) && (e.hand == nil || len(e.hand.works) < batchMost)
}

// plain tells whether a batch concerns this ledger alone.
func (b *Batch) plain() bool {
	return len(b.Swaps)+len(b.Stages)+len(b.Decisions)+len(b.Tenures)+len(b.Channels)+len(b.Messages)+len(b.Done) == 0
}

// turn steps events into the batch in hand, which leaves at once if nothing is under way. An error is a fault after which the state in memory is worth nothing.
func (e *Engine) turn(works []*work) error {
	if e.hand == nil {
		e.hand = newDraft()
	}
	d := e.hand
	for _, w := range works {
		a := answer{}
		if w.Event == nil { // documents alone
			d.documents(w.Evidence)
		} else {
			out, err := e.step(w.Event)
			if err == nil {
				err = e.take(d, w, &out)
			}
			if err != nil {
				return err
			}
			a = answer{Result{Entries: out.Entries, Refusal: out.Refusal}, out.Refusal}
		}
		d.works, d.answers = append(d.works, w), append(d.answers, a)
	}
	if e.flight == nil {
		return e.launch()
	}
	if len(d.entries) < weaveLeast {
		return nil
	}
	return e.weave(d)
}

// weaveLeast is how many entries are worth making leaves of while more may come: together they cost less.
const weaveLeast = 32

// weave makes the leaves of what was stepped since the last time.
func (e *Engine) weave(d *draft) error {
	if len(d.entries) == 0 {
		return nil
	}
	records, err := e.loom.records(d.entries)
	if err != nil {
		return err
	}
	d.entries = d.entries[:0]
	for i := range records {
		d.batch.Nodes = append(d.batch.Nodes, e.tree.Grow(transcript.LeafHash(records[i].Leaf))...)
	}
	d.batch.Records = append(d.batch.Records, records...)
	return nil
}

// launch sends the batch in hand on its way. Nothing is under way.
func (e *Engine) launch() error {
	d := e.hand
	e.hand = nil
	if err := e.weave(d); err != nil {
		return err
	}
	b, err := e.finish(d)
	if err != nil {
		return err
	}
	f := &flight{draft: d, batch: b, size: int64(e.tree.Size()), done: make(chan error, 1)}
	if b.Empty() {
		return e.tell(f)
	}
	e.flight = f
	ctx, span := e.beginBatch(d.works, b.ID)
	go func() {
		defer span.End()
		began := time.Now()
		err := e.commit(ctx, b)
		f.took = time.Since(began)
		f.done <- err
	}()
	return nil
}

// commit stores the batch. An unknown outcome is looked up. It is all that runs beside the writer.
func (e *Engine) commit(ctx context.Context, b *Batch) error {
	err := e.cfg.Store.Commit(ctx, b)
	if err == nil || errors.Is(err, ErrFenced) {
		return err
	}
	there, lookup := e.cfg.Store.Committed(ctx, b.ID)
	if lookup != nil {
		return fmt.Errorf("batch %d: %w; whether it is stored cannot be told: %w", b.ID, err, lookup)
	}
	if !there {
		return fmt.Errorf("batch %d was not stored: %w", b.ID, err)
	}
	return nil
}

// landed takes the outcome of the batch under way. The next one leaves before this one's answers do: nothing waits for both.
func (e *Engine) landed(outcome error) error {
	f := e.flight
	e.flight = nil
	if outcome != nil {
		return outcome
	}
	e.advance(f.batch)
	e.figures.stored(f.batch, f.took)
	e.pace.stored(len(f.draft.works))
	if e.hand != nil {
		if err := e.launch(); err != nil {
			return errors.Join(err, e.tell(f)) // stored, and so to be answered
		}
	}
	return e.tell(f)
}

// advance notes that a batch is stored.
func (e *Engine) advance(b *Batch) {
	e.batch = b.ID
	if b.Checkpoint != nil {
		e.checkpoint.Store(b.Checkpoint)
	}
}

// tell answers what a batch carried, and sends its messages.
func (e *Engine) tell(f *flight) error {
	e.figures.settle(uint64(f.size))
	e.figures.answered(f.draft)
	for i, w := range f.draft.works {
		f.draft.answers[i].Size = f.size
		w.reply(f.draft.answers[i])
	}
	return e.send(f.draft, f.batch)
}

// land waits until nothing is under way or in hand, or something fails.
func (e *Engine) land() error {
	for e.flight != nil {
		if err := e.landed(<-e.flight.done); err != nil {
			return err
		}
	}
	return nil
}

// abandon drops the batch in hand and waits for the one under way.
func (e *Engine) abandon() {
	e.hand = nil
	if err := e.land(); err != nil {
		e.fault = errors.Join(e.fault, err)
	}
}
