package bus

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"entente/schema/refusal"
)

// calls are those that wait for the broker, so that what concerns them ends them at once. NATS tells a refused publish only beside the call, as one line of
// text that quotes the subject, and a lost connection not at all; without this the caller would learn nothing until its time is up.
type calls struct {
	mu      sync.Mutex
	waiting map[*call]struct{}
}

type call struct {
	subjects []string
	end      context.CancelCauseFunc
}

// watch gives a context that ends, with the reason as its cause, when a publish on one of the subjects is refused or the broker is lost. The caller must call
// done.
func (c *calls) watch(ctx context.Context, subjects ...string) (watched context.Context, done func()) {
	watched, end := context.WithCancelCause(ctx)
	w := &call{subjects: subjects, end: end}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[*call]struct{}{}
	}
	c.waiting[w] = struct{}{}
	return watched, func() {
		c.mu.Lock()
		delete(c.waiting, w)
		c.mu.Unlock()
		end(nil)
	}
}

// deny ends the calls that publish on the subject the broker's line quotes.
func (c *calls) deny(line, refused error) {
	text := line.Error()
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.waiting {
		for _, subject := range w.subjects {
			if strings.Contains(text, "Publish to "+strconv.Quote(subject)) {
				w.end(refused)
			}
		}
	}
}

// lose ends every call: the answer would have come on the connection that broke.
func (c *calls) lose(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.waiting {
		w.end(err)
	}
}

func denied(err error) error {
	return refusal.Newf(BrokerDenied, "have the broker's operator grant the subject", "the broker answers: %v", err)
}

// outcome prefers the reason for which a call was ended to the bare fact that it was.
func outcome(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}
