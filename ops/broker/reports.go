package broker

import (
	"fmt"
	"sync"
)

// reports takes the server's log: errors are passed on and the last one is kept, all else is dropped.
type reports struct {
	say   func(string)
	fatal chan struct{} // closed when the server gives up

	mu   sync.Mutex
	last string
	once sync.Once
}

// worst gives the last error the server reported.
func (r *reports) worst() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == "" {
		return "it gave no reason"
	}
	return r.last
}

// Errorf takes an error of the server.
func (r *reports) Errorf(format string, v ...any) {
	line := fmt.Sprintf(format, v...)
	r.mu.Lock()
	r.last = line
	r.mu.Unlock()
	r.say("broker: " + line)
}

// Fatalf takes the error that keeps the server from starting. The server expects the process to end here; this one only stops waiting for it.
func (r *reports) Fatalf(format string, v ...any) {
	r.Errorf(format, v...)
	r.once.Do(func() { close(r.fatal) })
}

// Noticef drops what is no error.
func (r *reports) Noticef(string, ...any) {}

// Warnf drops what is no error.
func (r *reports) Warnf(string, ...any) {}

// Debugf drops what is no error.
func (r *reports) Debugf(string, ...any) {}

// Tracef drops what is no error.
func (r *reports) Tracef(string, ...any) {}
