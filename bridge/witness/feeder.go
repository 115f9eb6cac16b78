package witness

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente/bridge/tiles"
	"entente/schema/refusal"
	"entente/settlement/engine"
	"entente/zk/transcript"
)

// Peer is another bank's witness.
type Peer struct {
	Bank string
	URL  string        // submission prefix; "/add-checkpoint" follows
	Key  note.Verifier // of its cosignatures
}

// FeederConfig is what a feeder is made of.
type FeederConfig struct {
	Log    *tiles.Log
	Key    note.Verifier // of the log itself
	Peers  []Peer
	Quorum int // cosignatures, each of another peer, that a head needs; at most as many as there are peers
	// Authorities are whom the peers' certificates come from; nil for the system's.
	Authorities *x509.CertPool
	// Told is told when a peer begins to fail, when its fault becomes another one, and, with nil, when it answers again. A peer that has seen more of this log
	// than the log has is a refusal, "split_view": the log has lost entries.
	Told func(bank string, err error)
}

// Pauses of a feeder. Asked by somebody who waits it looks at once, and still not more often than gapLeast.
const (
	lookEvery   = 250 * time.Millisecond
	gapLeast    = 50 * time.Millisecond
	roundMost   = 5 * time.Second // a head is waited for no longer than this before a newer one is taken
	pauseFirst  = 250 * time.Millisecond
	pauseMost   = 30 * time.Second
	requestWait = 4 * time.Second
)

// Feeder has the heads of the own log cosigned by the other banks' witnesses. The log never waits for it.
type Feeder struct {
	cfg    FeederConfig
	peers  []*peer
	ctx    context.Context //nolint:containedctx // ends with the feeder, and every request with it
	stop   context.CancelFunc
	work   sync.WaitGroup
	wake   chan struct{}
	client *http.Client

	mu      sync.Mutex
	round   *round
	best    *round        // newest with its quorum
	changed chan struct{} // closed and replaced when best or round changes
}

// round is one head on its way around the peers.
type round struct {
	head   transcript.Checkpoint
	signed []byte // the head under the log's own signature
	began  time.Time
	given  []note.Signature // cosignatures, in the order they came
	asked  map[*peer]bool

	proving sync.Mutex
	proofs  map[uint64][]transcript.Hash // by old size
}

// note gives the head with what cosignatures there are.
func (r *round) note() []byte { return lines(slices.Clone(r.signed), r.given...) }

// NewFeeder starts a feeder.
func NewFeeder(cfg FeederConfig) *Feeder {
	f := &Feeder{cfg: cfg, wake: make(chan struct{}, 1), changed: make(chan struct{})}
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.client = newClient(cfg.Authorities)
	for _, p := range cfg.Peers {
		f.peers = append(f.peers, &peer{Peer: p, pause: pauseFirst})
	}
	f.work.Go(f.run)
	return f
}

// newClient gives a client that follows nobody elsewhere.
func newClient(authorities *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: requestWait,
		Transport: &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: requestWait, TLSHandshakeTimeout: requestWait,
			TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS13}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close ends every request and waits for them.
func (f *Feeder) Close() {
	f.stop()
	f.work.Wait()
	f.client.CloseIdleConnections()
}

// Latest gives the newest head that has its quorum, with every cosignature that came; before there is one, the log's head alone. Empty while the log is.
func (f *Feeder) Latest() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.best != nil {
		return f.best.note()
	}
	return f.cfg.Log.Head().Note
}

// Cosigned gives a head of at least size leaves that has its quorum, as soon as there is one. When ctx ends before, it gives the newest head with what
// cosignatures it has, which may be none: whoever reads it counts them.
func (f *Feeder) Cosigned(ctx context.Context, size int64) []byte {
	for {
		f.mu.Lock()
		best, changed := f.best, f.changed
		if best != nil && int64(best.head.Size) >= size {
			defer f.mu.Unlock()
			return best.note()
		}
		f.mu.Unlock()
		f.look()
		select {
		case <-changed:
		case <-ctx.Done():
			return f.newest(size)
		case <-f.ctx.Done():
			return f.newest(size)
		}
	}
}

// newest gives the head of at least size leaves that has come furthest.
func (f *Feeder) newest(size int64) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.round != nil && int64(f.round.head.Size) >= size {
		return f.round.note()
	}
	return f.cfg.Log.Head().Note
}

// look has the log looked at soon.
func (f *Feeder) look() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *Feeder) run() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	gap := time.NewTimer(0)
	defer gap.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-gap.C:
		}
		f.turn(time.Now())
		gap.Reset(gapLeast)
		select {
		case <-f.ctx.Done():
			return
		case <-ticker.C:
		case <-f.wake:
		}
	}
}

// turn takes up a newer head if the present one needs no more waiting, and asks every peer that is free.
func (f *Feeder) turn(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if latest := f.cfg.Log.Head(); latest.Size > 0 && (f.round == nil || int64(f.round.head.Size) < latest.Size && f.settled(now)) {
		r, err := f.begin(&latest, now)
		if err != nil {
			f.cfg.Told("", err)
			return
		}
		f.round = r
		f.settle(r)
	}
	if f.round == nil {
		return
	}
	for _, p := range f.peers {
		if p.busy || f.round.asked[p] || now.Before(p.after) {
			continue
		}
		p.busy, f.round.asked[p] = true, true
		r := f.round
		f.work.Go(func() { f.ask(p, r) })
	}
}

func (f *Feeder) begin(latest *engine.Checkpoint, now time.Time) (*round, error) {
	head, signatures, err := transcript.Open(latest.Note, f.cfg.Key)
	if err != nil {
		return nil, err
	}
	return &round{head: head, signed: lines([]byte(head.Text()+"\n"), signatures...), began: now, asked: map[*peer]bool{}, proofs: map[uint64][]transcript.Hash{}}, nil
}

// settled tells whether the present head has its quorum, or nothing more is to be expected of it.
func (f *Feeder) settled(now time.Time) bool {
	if len(f.round.given) >= f.cfg.Quorum || now.Sub(f.round.began) >= roundMost {
		return true
	}
	return !slices.ContainsFunc(f.peers, func(p *peer) bool {
		return p.busy && f.round.asked[p] || !f.round.asked[p] && !now.Before(p.after)
	})
}

// settle takes a round with its quorum for the best if it is newer.
func (f *Feeder) settle(r *round) {
	if len(r.given) >= f.cfg.Quorum && (f.best == nil || f.best.head.Size < r.head.Size) {
		f.best = r
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// ask has one peer cosign one head, and reckons with the answer.
func (f *Feeder) ask(p *peer, r *round) {
	signature, err := p.cosign(f.ctx, f.client, &f.cfg, r)
	f.mu.Lock()
	p.busy = false
	var told error
	changed := false
	if err == nil {
		r.given = append(r.given, signature)
		p.pause, p.after = pauseFirst, time.Time{}
		changed, p.fault = p.fault != "", ""
		f.settle(r)
	} else if f.ctx.Err() == nil {
		p.after = time.Now().Add(p.pause)
		p.pause = min(2*p.pause, pauseMost)
		r.asked[p] = false // again, when its pause is over
		if fault := describe(err); fault != p.fault {
			changed, p.fault, told = true, fault, err
		}
	}
	f.mu.Unlock()
	if changed {
		f.cfg.Told(p.Bank, told)
	}
}

// describe tells faults apart without their details, which differ from time to time.
func describe(err error) string {
	if code := refusal.CodeOf(err); code != "" {
		return string(code)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "late"
	}
	return "fault"
}
