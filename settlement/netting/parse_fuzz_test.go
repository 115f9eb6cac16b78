package netting

import (
	"bytes"
	"testing"
)

// Whatever is read encodes to itself, and nothing makes a reader panic.
func FuzzParseQueueAndRun(f *testing.F) {
	q := made(1, 4, 6, 50)
	b, err := q.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	run, err := Resolve(q)
	if err != nil {
		f.Fatal(err)
	}
	if b, err = run.Bytes(); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, err := ParseQueue(b); err == nil {
			if again, err := q.Bytes(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("a queue of %d bytes has %d when written again: %v", len(b), len(again), err)
			}
		}
		if r, err := ParseRun(b); err == nil {
			if again, err := r.Bytes(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("a run of %d bytes has %d when written again: %v", len(b), len(again), err)
			}
		}
	})
}
