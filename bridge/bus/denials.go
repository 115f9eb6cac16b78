package bus

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"entente/schema/refusal"
)

// denials ends calls whose publish the broker refuses. NATS tells that only beside the call, as one line of text that quotes the subject; without this the
// caller would learn nothing until its time is up.
type denials struct {
	mu      sync.Mutex
	waiting map[*denial]struct{}
}

type denial struct {
	subjects []string
	end      context.CancelCauseFunc
}

// watch gives a context that ends, with broker_denied as its cause, when a publish on one of the subjects is refused. The caller must call done.
func (d *denials) watch(ctx context.Context, subjects ...string) (watched context.Context, done func()) {
	watched, end := context.WithCancelCause(ctx)
	w := &denial{subjects: subjects, end: end}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == nil {
		d.waiting = map[*denial]struct{}{}
	}
	d.waiting[w] = struct{}{}
	return watched, func() {
		d.mu.Lock()
		delete(d.waiting, w)
		d.mu.Unlock()
		end(nil)
	}
}

// fail ends the calls that publish on the subject the broker's line quotes.
func (d *denials) fail(line, refused error) {
	text := line.Error()
	d.mu.Lock()
	defer d.mu.Unlock()
	for w := range d.waiting {
		for _, subject := range w.subjects {
			if strings.Contains(text, "Publish to "+strconv.Quote(subject)) {
				w.end(refused)
			}
		}
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
