package postgres

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/schema/wire"
	"entente/settlement/engine"
)

// After an append whose outcome could not be told, the desk's memory may be behind its journal; nothing may be appended before it has been read again.
func TestAnUnknownOutcomeEndsTheDesk(t *testing.T) {
	url := pgtest.Migrated(t, migrations.Desk, Migrate)
	d, err := OpenDesk(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.writer.patience = time.Second
	broken := overDeafLine(t, d.writer)
	event := func(n byte) []DeskEvent {
		return []DeskEvent{{Kind: "made", Subject: wire.Hash{n}, AtMS: 5, Once: true}}
	}
	if _, err := d.Append(t.Context(), event(1)); err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	dial := d.writer.config.DialFunc
	d.writer.config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if away.Load() {
			return nil, errors.New("away")
		}
		return dial(ctx, network, address)
	}
	away.Store(true)
	broken.Store(true)
	if _, err := d.Append(t.Context(), event(2)); err == nil {
		t.Fatal("it has an answer")
	} else {
		t.Log(err)
	}
	away.Store(false)
	if first, err := d.Append(t.Context(), event(3)); err == nil {
		t.Errorf("event %d is appended by a desk that does not know event 2", first)
	}
}

// A desk whose database another one took over is told so once and for all.
func TestAFencedDeskIsLost(t *testing.T) {
	url := pgtest.Migrated(t, migrations.Desk, Migrate)
	first, err := OpenDesk(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	first.writer.drop() // its session was cut off
	second, err := OpenDesk(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := first.Append(t.Context(), []DeskEvent{{Kind: "made", AtMS: 5}}); !errors.Is(err, engine.ErrFenced) {
		t.Error(err)
	}
	select {
	case <-first.Lost():
	default:
		t.Error("it does not know that it is lost")
	}
}
