package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
)

const (
	askedAtOnce = 64        // requests one server handles at the same time
	askedWait   = 1024      // requests that may wait for their turn before more are dropped
	askedBytes  = 128 << 20 // what they may weigh together
)

// Serve answers requests for who, up to 64 at a time, until stop, the end of ctx, or Close. An answer of nil sends nothing, and the asker's time runs out.
// The handler's context ends with the service, and is within the trace that the request carries. An answer above LimitAsk is not sent and goes to OnError. handle must not call stop.
// Where several connections serve the same name each request goes to one of them. Refusals: bad_name.
func (b *Bus) Serve(ctx context.Context, who string, handle func(ctx context.Context, request []byte) []byte) (stop func(), err error) {
	if err := checkNames(who); err != nil {
		return nil, err
	}
	s, err := b.subscribe(b.askSubject(who), "serve", askedWait, askedBytes)
	if err != nil {
		return nil, err
	}
	serve := func(ctx context.Context) {
		var running sync.WaitGroup
		defer running.Wait()
		turns := make(chan struct{}, askedAtOnce)
		b.listen(ctx, s, func(m *nats.Msg) {
			turns <- struct{}{}
			running.Go(func() {
				defer func() { <-turns }()
				b.answer(m, handle(within(ctx, m.Header), m.Data))
			})
		})
	}
	loops := []func(context.Context){serve}
	if err := b.flush(ctx); err != nil {
		return nil, b.abandon(loops, err)
	}
	stop, err = b.start(ctx, loops...)
	if err != nil {
		return nil, b.abandon(loops, err)
	}
	return stop, nil
}

func (b *Bus) answer(m *nats.Msg, answer []byte) {
	if answer == nil {
		return
	}
	err := checkSize("an answer", len(answer), LimitAsk)
	if err == nil {
		err = m.RespondMsg(&nats.Msg{Data: answer})
	}
	if err != nil {
		b.options.OnError(fmt.Errorf("bus: answer on %s: %w", m.Subject, err))
	}
}

// Ask sends a request to who, with the trace of ctx, and waits for one answer, until ctx ends, 10 s when it has no deadline. Anybody may have answered: verify it.
// Refusals: bad_name, too_large, broker_denied. Faults: ErrNobodyThere when nobody serves the name now; time-outs; a lost broker.
func (b *Bus) Ask(ctx context.Context, who string, request []byte) ([]byte, error) {
	if err := checkNames(who); err != nil {
		return nil, err
	}
	if err := checkSize("a request", len(request), LimitAsk); err != nil {
		return nil, err
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askWait)
		defer cancel()
	}
	subject := b.askSubject(who)
	ctx, done := b.calls.watch(ctx, subject)
	defer done()
	m, err := b.nc.RequestMsgWithContext(ctx, &nats.Msg{Subject: subject, Header: parentOf(ctx), Data: request})
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, fmt.Errorf("bus: ask %s: %w", who, ErrNobodyThere)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: ask %s: %w", who, outcome(ctx, err))
	}
	if err := checkSize("the answer of "+who, len(m.Data), LimitAsk); err != nil {
		return nil, err
	}
	return m.Data, nil
}
