package bus_test

import (
	"testing"

	"entente/bridge/bus"
	"entente/schema/refusal"
	"entente/schema/wire"
)

func TestAReaderGetsAProgrammeFromTheBeginningAndEachEventOnce(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	read := func(b *bus.Bus, reader, programme string) (*received, func()) {
		r := newReceived()
		stop, err := b.ReceivePosts(t.Context(), reader, programme, r.handle)
		must(t, err)
		t.Cleanup(stop)
		return r, stop
	}
	early, stop := read(b, "IN", "a1")
	must(t, b.OpenPosts(t.Context()))
	must(t, b.Post(t.Context(), "a1", "IN", []byte("first")))
	must(t, b.Post(t.Context(), "b2", "IN", []byte("elsewhere")))
	early.wait(t, 1, "IN: first")
	stop()
	must(t, b.Post(t.Context(), "a1", "JP", []byte("second")))

	back, _ := read(connect(t, s), "IN", "a1")
	other, _ := read(connect(t, s), "JP", "a1")
	back.wait(t, 1, "JP: second")
	other.wait(t, 1, "IN: first", "JP: second")
	if back.count("IN: first") != 0 {
		t.Error("a reader that came back began from the start")
	}
	if back.count("IN: elsewhere")+other.count("IN: elsewhere") != 0 {
		t.Error("an event of another programme was read")
	}
}

func TestAPostAboveTheLimitNeverLeaves(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	must(t, b.OpenPosts(t.Context()))
	if err := b.Post(t.Context(), "a1", "IN", make([]byte, bus.LimitPost+1)); refusal.CodeOf(err) != wire.CodeTooLarge {
		t.Errorf("got %v", err)
	}
	must(t, b.Post(t.Context(), "a1", "IN", make([]byte, bus.LimitPost)))
}
