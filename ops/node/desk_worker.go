package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/payment"
)

// Pauses of the desk's own work.
const (
	workPause     = 20 * time.Millisecond // gathers changes that come together
	workPauseMost = 2 * time.Second       // after a difficulty
	resendAfter   = 3 * time.Second       // own posts of which nothing was heard are sent again
)

// Work has the desk do by itself what needs no person: prove offered bills, have countersigned ones recorded, and take approved payments to their end.
// A difficulty is shown in the status and tried again. What a restart interrupted goes on where the journal says.
func (d *Desk) Work() {
	d.work.Add(1)
	go func() {
		defer d.work.Done()
		settling := newSettlers(d)
		defer settling.wait()
		posts := resender{desk: d}
		pause := workPause
		for {
			d.mu.Lock()
			changed := d.changed
			d.mu.Unlock()
			err := errors.Join(posts.check(d.ctx), d.workOnce(d.ctx, settling))
			d.show(err)
			if err != nil {
				pause = min(2*pause, workPauseMost)
				changed = nil // a difficulty is not healed by the next event
			} else {
				pause = workPause
			}
			if changed != nil {
				select {
				case <-changed:
				case <-time.After(workPauseMost):
				case <-d.ctx.Done():
					return
				}
			}
			select {
			case <-time.After(pause):
			case <-d.ctx.Done():
				return
			}
		}
	}()
}

func (d *Desk) workOnce(ctx context.Context, settling *settlers) error {
	if err := d.expire(ctx); err != nil {
		return err
	}
	settling.start()
	d.review() // what could not be countersigned before
	if err := d.ProveBills(ctx); err != nil {
		return err
	}
	return d.RecordBills(ctx)
}

// expire ends payments whose deadline passed before they were submitted, so that their bills can be paid by others.
func (d *Desk) expire(ctx context.Context) error {
	for _, p := range d.Payments() {
		now := d.cfg.Clock()
		if now <= p.Instruction.DeadlineMS || !slices.Contains([]payment.State{payment.Made, payment.Approved, payment.Quoted, payment.Aborted}, p.State) {
			continue
		}
		err := d.advance(ctx, p.Hash, payment.Event{Do: payment.Expire, AtMS: now})
		if err != nil && refusal.CodeOf(err) != payment.CodeWrongState { // it has moved on meanwhile
			return err
		}
	}
	return nil
}

// resender sends own posts again that the carrier did not take: their author's first try fails when the broker is away for a moment.
type resender struct {
	desk   *Desk
	echoed uint64
	since  time.Time // when echoed was first seen with posts behind it; zero when there are none
}

func (r *resender) check(ctx context.Context) error {
	echoed, pending := r.desk.unsent()
	switch {
	case !pending:
		r.since = time.Time{}
	case r.since.IsZero() || r.echoed != echoed:
		r.echoed, r.since = echoed, time.Now()
	case time.Since(r.since) > resendAfter:
		r.since = time.Now()
		return r.desk.resendPosts(ctx)
	}
	return nil
}

// show keeps the present difficulty for the status, and logs it once.
func (d *Desk) show(err error) {
	text := ""
	if err != nil && d.ctx.Err() == nil {
		text = plain(err.Error())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if text != "" && text != d.difficulty {
		d.cfg.Log.Warn("desk's work interrupted", "code", string(refusal.CodeOf(err)))
	}
	d.difficulty = text
}

// settlers settle approved payments, each on its own, so that one that waits holds up no other.
type settlers struct {
	desk    *Desk
	running map[wire.Hash]chan struct{}
}

func newSettlers(d *Desk) *settlers {
	return &settlers{desk: d, running: map[wire.Hash]chan struct{}{}}
}

// start begins with every payment that is approved and not final, and not in work already.
func (s *settlers) start() {
	for hash, done := range s.running {
		select {
		case <-done:
			delete(s.running, hash)
		default:
		}
	}
	for _, p := range s.desk.Payments() {
		if s.running[p.Hash] != nil || !due(p) {
			continue
		}
		done := make(chan struct{})
		s.running[p.Hash] = done
		s.desk.work.Add(1)
		go func() {
			defer s.desk.work.Done()
			defer close(done)
			err := s.desk.Settle(s.desk.ctx, p.Hash)
			s.desk.trouble(p.Hash, err)
			if err != nil && s.desk.ctx.Err() == nil {
				s.desk.cfg.Log.Warn("payment not settled", "uetr", p.Instruction.UETR.String(), "code", string(refusal.CodeOf(err)))
				pause := time.NewTimer(workPauseMost)
				defer pause.Stop()
				select {
				case <-pause.C:
				case <-s.desk.ctx.Done():
				}
			}
		}()
	}
}

// trouble keeps why a payment does not go on, for the status; nil takes it away.
func (d *Desk) trouble(instruction wire.Hash, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.payments[instruction]; p != nil {
		p.trouble = ""
		if err != nil {
			p.trouble = plain(err.Error())
		}
	}
}

func (s *settlers) wait() {
	for _, done := range s.running {
		<-done
	}
}

// due tells whether a payment waits for the desk rather than for a person.
func due(p payment.Payment) bool {
	switch p.State {
	case payment.Approved, payment.Quoted, payment.Submitted, payment.Proposed, payment.Committed:
		return true
	case payment.Aborted:
		return transient(p.Reason) && tries(p) < triesMost
	}
	return false
}
