package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"entente/settlement/swap"
)

// work is a Work on its way, with where its answer goes; nil for the engine's own.
type work struct {
	Work
	answer chan answer
	span   trace.Span // nil outside of any trace
}

type answer struct {
	Result
	err error
}

func (w *work) reply(a answer) {
	w.traceAnswer(&a)
	if w.answer != nil {
		w.answer <- a // has room for one
	}
}

type view struct {
	read  func(*swap.Machine)
	fault error // why nothing was read
	done  chan struct{}
}

// run is the goroutine that owns the state.
func (e *Engine) run() {
	ticker := time.NewTicker(pulseEvery)
	defer ticker.Stop()
	e.fault = e.greet()
	for e.fault == nil {
		queue, pulse := e.queue, ticker.C
		if !e.free() {
			queue, pulse = nil, nil
		}
		select {
		case <-e.closing:
			e.fault = e.land()
			e.stop()
			return
		case e.fault = <-e.damaged:
		case outcome := <-e.landing():
			e.fault = e.landed(outcome)
		case w := <-queue:
			e.fault = e.turn(e.arrived(w))
		case v := <-e.views:
			e.fault = e.show(v)
		case <-pulse:
			e.fault = e.pulse()
		}
	}
	e.stop()
}

// greet begins the run: the machine greets every other bank. What waits in the outbox goes out to each as it answers.
func (e *Engine) greet() error {
	started := swap.Started{NowMS: e.cfg.Clock()}
	if _, err := rand.Read(started.Nonce[:]); err != nil {
		return fmt.Errorf("draw the run's nonce: %w", err)
	}
	return e.turn([]*work{{Work: Work{Event: started}}})
}

// stop gives up the state: nobody is told anything more from it.
func (e *Engine) stop() {
	e.abandon()
	e.courier.close()
	if err := errors.Join(e.unwatch(), e.cfg.Store.Close()); err != nil && e.fault == nil {
		e.fault = fmt.Errorf("close the store: %w", err)
	}
	close(e.done)
}

// show lets a reader read what is stored: nothing is under way or in hand meanwhile.
func (e *Engine) show(v *view) error {
	defer close(v.done)
	if v.fault = e.land(); v.fault == nil {
		v.read(e.machine)
	}
	return v.fault
}

// arrived gives the first work and whatever else waits.
func (e *Engine) arrived(first *work) []*work {
	works := []*work{first}
	most := batchMost
	if e.hand != nil {
		most -= len(e.hand.works)
	}
	for len(works) < most {
		select {
		case w := <-e.queue:
			works = append(works, w)
		default:
			return works
		}
	}
	return works
}

// pulse does what time asks for: the machine's own clock, and messages whose pause is over.
func (e *Engine) pulse() error {
	now := e.cfg.Clock()
	if (e.machine.Restless() || e.overdue(now)) && (now-e.tickMS >= tickEveryMS || now < e.tickMS) {
		e.tickMS = now
		if err := e.turn([]*work{{Work: Work{Event: swap.Tick{NowMS: now}}}}); err != nil {
			return err
		}
	}
	again := e.outbox.due(now, e.machine.Speaks)
	e.figures.resends.Add(context.Background(), int64(len(again)), e.figures.bank)
	e.courier.send(again)
	return nil
}

// overdue tells whether a hold is to be given back.
func (e *Engine) overdue(now int64) bool {
	expires := e.machine.Ledger().NextExpiryMS()
	return expires != 0 && expires <= now
}

// step lets the machine take one event. A panic in it is a defect that it found in itself; the state is not to be trusted after it.
func (e *Engine) step(event swap.Event) (out swap.Output, err error) {
	defer func() {
		if found := recover(); found != nil {
			err = fmt.Errorf("the machine stopped at a %T: %v", event, found)
		}
	}()
	return e.machine.Step(event), nil
}

// send hands over the batch's messages, and earlier ones that somebody needs again.
func (e *Engine) send(d *draft, b *Batch) error {
	now := e.cfg.Clock()
	var messages []Message
	for i := range b.Messages {
		o := &b.Messages[i]
		speaks := e.machine.Speaks(o.Key.Recipient)
		if speaks {
			messages = append(messages, o.Message)
		}
		if o.Resend && !o.Done {
			e.outbox.put(o.Message, now, speaks)
		}
	}
	messages = append(messages, d.passing...)
	for _, key := range d.resend {
		if _, fresh := d.messages[key]; fresh || !e.machine.Speaks(key.Recipient) {
			continue
		}
		m, ok := e.outbox.again(key)
		if !ok {
			var err error
			if m, ok, err = e.cfg.Store.Message(context.Background(), key); err != nil {
				return fmt.Errorf("read a message to %s: %w", key.Recipient, err)
			}
			m.Attempt, m.Cause = 1, e.causes[key.Swap]
		}
		if ok {
			messages = append(messages, m)
		}
	}
	e.courier.send(messages)
	return nil
}
