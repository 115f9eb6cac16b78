package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/transcript"
)

// Config is what an engine is made of.
type Config struct {
	Machine    *swap.Machine  // fresh; the engine restores it from the store
	Store      Store          // the engine owns it from Open on and closes it
	Veil       Veil           // turns entries into leaves
	Swap       *wallet.Signer // signs the bank's messages
	Checkpoint note.Signer    // signs log heads; named after Origin
	Origin     string         // of the log
	Clock      func() int64   // Unix milliseconds
	// Deliver is given messages to carry, after what they say is durable. Calls follow each other, never while the state is locked. It must not wait for
	// the answers.
	Deliver func([]Message)
	Queue   int          // works that may wait before one is refused as busy; 4096 when 0
	Tracer  trace.Tracer // draws spans for events that come within a trace; nil for none
	Meter   metric.Meter // counts; nil for nothing
}

// Sizes of the queue and of a batch, in works.
const (
	queueDefault = 4096
	batchMost    = 2048
)

// pulseEvery is how often the clock is looked at; tickEveryMS how often the machine is told the time while swaps are open.
const (
	pulseEvery  = 25 * time.Millisecond
	tickEveryMS = 100
)

// Engine runs one bank's machine. Its methods may be called by several goroutines at once.
type Engine struct {
	cfg        Config
	queue      chan *work
	views      chan *view
	closing    chan struct{}
	damaged    chan error // has room for one
	close      sync.Once
	done       chan struct{}
	fault      error // why it stopped; set before done is closed
	checkpoint atomic.Pointer[Checkpoint]
	courier    *courier
	pace       pace

	// The fields below belong to the writer goroutine.
	machine *swap.Machine
	tree    transcript.Tree
	loom    *loom
	notary  *Notary
	batch   int64                    // last committed
	flight  *flight                  // batch on its way into the store; nil for none
	hand    *draft                   // batch that is stepped beside it; nil for none
	states  map[wire.Hash]swap.State // of every swap, to see it change
	stored  map[string]swap.Channel  // channels as stored
	outbox  *outbox
	tickMS  int64
	causes  map[wire.Hash]trace.SpanContext // of swaps that are not final: what last moved them
	figures *figures
}

// Work is one event and the signed documents it came from, which are stored in the same transaction.
type Work struct {
	Event    swap.Event
	Evidence []Evidence
}

// Result is what an event brought about. It is durable.
type Result struct {
	Entries []ledger.Entry
	Size    int64 // of the log after the batch
	Refusal error // the refusal that Submit returns as well
}

// Open restores the machine from the store, proves that state and log are what the journal gives, sends again what waits for an answer, and starts the loop.
// It takes the store over: when it fails the store is closed. Refusals: misconfigured, ledger_foreign, journal_broken.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	if err := cfg.check(); err != nil {
		if cfg.Store != nil {
			err = errors.Join(err, cfg.Store.Close())
		}
		return nil, err
	}
	if cfg.Queue == 0 {
		cfg.Queue = queueDefault
	}
	if cfg.Tracer == nil {
		cfg.Tracer = nooptrace.Tracer{}
	}
	if cfg.Meter == nil {
		cfg.Meter = noopmetric.Meter{}
	}
	e := &Engine{
		cfg: cfg, machine: cfg.Machine, queue: make(chan *work, cfg.Queue), views: make(chan *view), closing: make(chan struct{}), damaged: make(chan error, 1), done: make(chan struct{}),
		states: map[wire.Hash]swap.State{}, stored: map[string]swap.Channel{},
		outbox: newOutbox(), loom: cfg.Veil.loom(), notary: cfg.Veil.Notary(), causes: map[wire.Hash]trace.SpanContext{},
	}
	var err error
	if e.figures, err = e.newFigures(); err == nil {
		err = e.restore(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, e.unwatch(), cfg.Store.Close())
	}
	e.figures.settle(e.tree.Size())
	e.courier = newCourier(cfg.Deliver)
	go e.run()
	return e, nil
}

func (c *Config) check() error {
	wrong := func(what string) error {
		return refusal.New(CodeMisconfigured, what, "give the engine the parts of one bank")
	}
	switch {
	case c.Machine == nil || c.Store == nil || c.Swap == nil || c.Checkpoint == nil || c.Clock == nil || c.Deliver == nil:
		return wrong("the engine lacks its machine, store, keys, clock or carrier")
	case c.Machine.Ledger().Size() > 0 || len(c.Machine.Swaps()) > 0:
		return wrong("the machine is not fresh")
	case c.Checkpoint.Name() != c.Origin:
		return wrong(fmt.Sprintf("the checkpoint key is named %q and the log %q", c.Checkpoint.Name(), c.Origin))
	case c.Swap.Key().Purpose != wire.PurposeSwap || c.Swap.Key().Owner != c.Machine.Bank:
		return wrong(fmt.Sprintf("%s does not sign swap messages of %s", c.Swap, c.Machine.Bank))
	case c.Queue < 0:
		return wrong("the queue has a negative length")
	}
	return nil
}

// Submit hands in an event and waits until what it brought about is durable. The error is a refusal, which is an answer and recorded; busy, when the event
// was not taken at all; or a fault (ErrStopped, or ctx ended), after which the event may or may not have been carried out: every event may be given again.
func (e *Engine) Submit(ctx context.Context, w Work) (Result, error) {
	if err := w.check(); err != nil {
		return Result{}, err
	}
	item := &work{Work: w, answer: make(chan answer, 1), span: e.beginEvent(ctx, w.Event)}
	if item.span != nil {
		defer item.span.End() // again, where it was answered
	}
	return e.submit(ctx, item)
}

func (e *Engine) submit(ctx context.Context, item *work) (Result, error) {
	select {
	case <-e.done:
		return Result{}, e.stopped()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	default:
	}
	select {
	case e.queue <- item:
	default:
		return Result{}, refusal.Newf(CodeBusy, "try again shortly", "%d events wait already", cap(e.queue))
	}
	select {
	case a := <-item.answer:
		return a.Result, a.err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	case <-e.done:
		select {
		case a := <-item.answer:
			return a.Result, a.err
		default:
			return Result{}, e.stopped()
		}
	}
}

func (w *Work) check() error {
	if w.Event == nil {
		return refusal.New(CodeMisconfigured, "a work without an event", "give an event of settlement/swap")
	}
	for i := range w.Evidence {
		if err := w.Evidence[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (d *Evidence) check() error {
	if d.Kind == "" || len(d.Kind) > 64 || len(d.Bytes) == 0 || strings.ToValidUTF8(d.Kind, "") != d.Kind || strings.ContainsRune(d.Kind, 0) {
		return refusal.Newf(CodeMisconfigured, "name the evidence by 1 to 64 bytes and give its bytes", "evidence %.80q of %d bytes", d.Kind, len(d.Bytes))
	}
	return nil
}

// View reads the machine between batches: all of it as of one commit. read must not keep the machine, change it, or wait for the engine.
func (e *Engine) View(ctx context.Context, read func(*swap.Machine)) error {
	v := &view{read: read, done: make(chan struct{})}
	select {
	case e.views <- v:
		<-v.done // the reader has begun: its variables are in use until it ends
		if v.fault != nil {
			return fmt.Errorf("%w: %w", ErrStopped, v.fault)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return e.stopped()
	}
}

// Checkpoint gives the latest log head as a signed note. It is empty as long as the log is.
func (e *Engine) Checkpoint() []byte {
	if c := e.checkpoint.Load(); c != nil {
		return c.Note
	}
	return nil
}

// Head gives the latest log head. It is the zero value as long as the log is empty. Its note must not be changed.
func (e *Engine) Head() Checkpoint {
	if c := e.checkpoint.Load(); c != nil {
		return *c
	}
	return Checkpoint{}
}

// Leaves gives the log's leaves from seq from up to and without seq to.
func (e *Engine) Leaves(ctx context.Context, from, to int64) ([][]byte, error) {
	return e.cfg.Store.Leaves(ctx, from, to)
}

// Nodes gives the hashes of a level's nodes from number from up to and without number to: a row of the log's tiles.
func (e *Engine) Nodes(ctx context.Context, level int, from, to int64) ([]transcript.Hash, error) {
	return e.cfg.Store.Nodes(ctx, level, from, to)
}

// Entries gives the clear entries from seq from up to and without seq to.
func (e *Engine) Entries(ctx context.Context, from, to int64) ([]ledger.Entry, error) {
	return e.cfg.Store.Entries(ctx, from, to)
}

// Evidence gives the exact bytes of a document that an event came with.
func (e *Engine) Evidence(ctx context.Context, kind string, hash wire.Hash) ([]byte, bool, error) {
	return e.cfg.Store.Evidence(ctx, kind, hash)
}

// Keep stores a document beside the ledger, outside of any event, once: what is there already stays as it is. Refusals: misconfigured, when it has no kind or
// no bytes; busy.
func (e *Engine) Keep(ctx context.Context, d Evidence) error {
	if err := d.check(); err != nil {
		return err
	}
	_, err := e.submit(ctx, &work{Work: Work{Evidence: []Evidence{d}}, answer: make(chan answer, 1)})
	return err
}

// Message gives a message that the bank sent.
func (e *Engine) Message(ctx context.Context, key swap.MessageKey) (Message, bool, error) {
	return e.cfg.Store.Message(ctx, key)
}

// Notes gives at most limit refusals and alarms with an id above after, in order.
func (e *Engine) Notes(ctx context.Context, after int64, limit int) ([]Note, error) {
	return e.cfg.Store.Notes(ctx, after, limit)
}

// Stages tells when a swap entered each of its states.
func (e *Engine) Stages(ctx context.Context, id wire.Hash) ([]Stage, error) {
	return e.cfg.Store.Stages(ctx, id)
}

// Done is closed when the engine has stopped, for whatever reason, and its store is closed.
func (e *Engine) Done() <-chan struct{} { return e.done }

// Err tells why the engine stopped: nil while it runs and after Close.
func (e *Engine) Err() error {
	select {
	case <-e.done:
		return e.fault
	default:
		return nil
	}
}

// Halt stops the engine for good, as a fault does: for damage that somebody found in its journal. What is being committed ends first. Err gives why.
func (e *Engine) Halt(why error) {
	select {
	case e.damaged <- why:
	default: // it is stopping already
	}
}

// Close lets the batch in hand be committed, answers what waits with ErrStopped, and closes the store. It gives the fault if there was one.
func (e *Engine) Close() error {
	e.close.Do(func() { close(e.closing) })
	<-e.done
	return e.fault
}

// stopped is the fault that callers get once the engine is done.
func (e *Engine) stopped() error {
	if e.fault == nil {
		return ErrStopped
	}
	return fmt.Errorf("%w: %w", ErrStopped, e.fault)
}
