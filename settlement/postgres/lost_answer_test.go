package postgres

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
)

// deaf is a line that can be made to break off just when the server's answer arrives: what was asked is done, and nobody knows.
type deaf struct {
	net.Conn
	broken *atomic.Bool
}

func (d *deaf) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if err == nil && d.broken.CompareAndSwap(true, false) {
		return 0, errors.Join(errors.New("the line broke off"), d.Close())
	}
	return n, err
}

// overDeafLine makes a writer take its database over again through a deaf line, and gives what breaks it once.
func overDeafLine(t *testing.T, w *writer) *atomic.Bool {
	t.Helper()
	var broken atomic.Bool
	dial := w.config.DialFunc
	w.config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &deaf{conn, &broken}, err
	}
	if err := w.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &broken
}

func TestACommitWhoseAnswerIsLostIsFound(t *testing.T) {
	url := pgtest.Migrated(t, migrations.Bank, Migrate)
	s, err := Open(t.Context(), url, "boj")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	broken := overDeafLine(t, s.writer)
	for id := int64(1); id <= 3; id++ {
		b := &engine.Batch{ID: id, AtMS: 5, Notes: []swap.Note{{Kind: swap.NoteAlarm, Code: "x", AtMS: 5}}}
		if id == 1 { // prepares its statements in a round trip of its own
			if err := s.Commit(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if id == 3 { // a new session prepares them again
			if err := s.Commit(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			b.ID = 4
		}
		broken.Store(true)
		if err := s.Commit(t.Context(), b); err == nil {
			t.Fatalf("batch %d has an answer", b.ID)
		}
		if there, err := s.Committed(t.Context(), b.ID); err != nil || !there {
			t.Errorf("batch %d is looked up as %v (%v)", b.ID, there, err)
		}
	}
	if notes, err := s.Notes(t.Context(), 0, 10); err != nil || len(notes) != 4 {
		t.Errorf("%d notes (%v)", len(notes), err)
	}
}

func TestADeskAppendsOnceWhenTheAnswerIsLost(t *testing.T) {
	url := pgtest.Migrated(t, migrations.Desk, Migrate)
	d, err := OpenDesk(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	broken := overDeafLine(t, d.writer)
	event := []DeskEvent{{Kind: "made", Subject: wire.Hash{1}, AtMS: 5}}
	for _, lost := range []bool{false, true, false, true} {
		broken.Store(lost)
		if _, err := d.Append(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	events := 0
	if err := d.Replay(t.Context(), func(int64, DeskEvent) error { events++; return nil }); err != nil || events != 4 {
		t.Errorf("%d events (%v)", events, err)
	}
}
