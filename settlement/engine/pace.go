package engine

import (
	"sync/atomic"
	"time"
)

// An engine is busy while it stores more events a second than this, seen over a window.
const (
	busyPerS   = 500
	paceWindow = 50 * time.Millisecond
	paceStale  = 150 * time.Millisecond
)

// pace tells how much an engine has to do. It is kept by the writer and read by anybody.
type pace struct {
	began time.Time
	count int
	busy  atomic.Int64 // when it was last found busy, Unix nanoseconds
}

// stored counts events that were stored.
func (p *pace) stored(events int) {
	now := time.Now()
	p.count += events
	took := now.Sub(p.began)
	if took < paceWindow {
		return
	}
	if float64(p.count) > busyPerS*took.Seconds() {
		p.busy.Store(now.UnixNano())
	}
	p.began, p.count = now, 0
}

// Busy tells whether the engine is under load at present: what can wait, such as a proof, should let it have the cores.
func (e *Engine) Busy() bool { return time.Since(time.Unix(0, e.pace.busy.Load())) < paceStale }
