package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"entente/bridge/bus"
	"entente/ops/broker"
	"entente/schema/refusal"
	"entente/schema/wire"
)

// envelope gives a message that carries the text, with one signature nobody checks here.
func envelope(text string) []byte {
	e := wire.Envelope{Type: wire.TypeVote, Payload: []byte(text), Signatures: make([]wire.Signature, 1)}
	return e.Bytes()
}

// opened remembers the messages, attachments and batches that arrived.
type opened struct {
	*received
	batches     atomic.Int64
	attachments atomic.Int64
}

func open(t *testing.T, b *bus.Bus, self, peer string) *opened {
	t.Helper()
	o := &opened{received: newReceived()}
	stop, err := b.ReceiveBatches(t.Context(), self, []string{peer}, func(ctx context.Context, from string, bytes []byte) {
		batch, err := wire.ParseBatch(bytes)
		if err != nil {
			t.Error(err)
		}
		o.batches.Add(1)
		o.attachments.Add(int64(len(batch.Attachments)))
		for _, a := range batch.Attachments {
			o.handle(ctx, from, a)
		}
		for _, m := range batch.Messages {
			o.handle(ctx, from, m.Payload)
		}
	})
	must(t, err)
	t.Cleanup(stop)
	return o
}

func TestMessagesForOneRecipientShareABatch(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	jpy, aud := open(t, b, "JPY", "INR"), open(t, b, "AUD", "INR")
	out := bus.NewOutbox(b, "INR")
	var items []bus.Item
	var due []string
	for i := range 1000 {
		text := fmt.Sprint("message ", i)
		due = append(due, "INR: "+text)
		items = append(items, bus.Item{Recipient: "JPY", Envelope: envelope(text), Attachment: []byte("the same document"), Attempt: 1})
	}
	out.Deliver(append(items, bus.Item{Recipient: "AUD", Envelope: envelope("alone"), Attempt: 1}))
	jpy.wait(t, 1, due...)
	jpy.wait(t, 1, "INR: the same document")
	aud.wait(t, 1, "INR: alone")
	if n := jpy.batches.Load(); n > 20 {
		t.Errorf("1000 messages took %d batches", n)
	}
	if a, n := jpy.attachments.Load(), jpy.batches.Load(); a != n {
		t.Errorf("%d batches carried the one document %d times", n, a)
	}
	if n := aud.attachments.Load(); n != 0 {
		t.Errorf("a message without a document came with %d", n)
	}
	if n := out.Dropped(); n != 0 {
		t.Errorf("%d were dropped", n)
	}
}

func TestFromTheSecondAttemptTheDirectPathIsTakenToo(t *testing.T) {
	s := carrier(t)
	quiet := make(chan error, 64)
	b := connect(t, s, errorsTo(quiet))
	must(t, b.OpenOutbox(t.Context(), "INR"))
	r := open(t, b, "JPY", "INR")
	out := bus.NewOutbox(b, "INR")
	out.Deliver([]bus.Item{{Recipient: "JPY", Envelope: envelope("again"), Attachment: []byte("document"), Attempt: 2}})
	r.wait(t, 2, "INR: again", "INR: document")
	out.Deliver([]bus.Item{{Recipient: "JPY", Envelope: envelope("once"), Attempt: 1}, {Recipient: "JPY", Envelope: envelope("last"), Attempt: 2}})
	r.wait(t, 2, "INR: last")
	if n := r.count("INR: once"); n != 1 {
		t.Errorf("a first attempt came %d times", n)
	}
}

func TestTheOutboxOpensALostStreamAgain(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	_, js := raw(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	r := open(t, b, "JPY", "INR")
	out := bus.NewOutbox(b, "INR")
	must(t, js.DeleteStream(t.Context(), "SWAP_"+network+"_INR"))
	out.Deliver([]bus.Item{{Recipient: "JPY", Envelope: envelope("lost"), Attempt: 1}})
	again(t, func() error {
		if n := out.Dropped(); n != 1 {
			return fmt.Errorf("%d messages count as dropped, want the one", n)
		}
		return nil
	})
	again(t, func() error { // as the engine does; the broker may still be removing the old files
		if r.count("INR: lost") > 0 {
			return nil
		}
		out.Deliver([]bus.Item{{Recipient: "JPY", Envelope: envelope("lost"), Attempt: 1}})
		return errors.New("the stream is not open again")
	})
}

func TestWhatCannotBeSentIsDroppedCountedAndTold(t *testing.T) {
	s := carrier(t)
	big := wire.Envelope{Type: wire.TypeVote, Payload: make([]byte, wire.LimitBatch)}
	for name, c := range map[string]struct {
		item bus.Item
		code refusal.Code
	}{
		"a recipient with a wildcard":  {bus.Item{Recipient: "*", Envelope: envelope("x")}, bus.BadName},
		"bytes that are no envelope":   {bus.Item{Recipient: "JPY", Envelope: []byte("x")}, wire.CodeMalformed},
		"a message above a batch":      {bus.Item{Recipient: "JPY", Envelope: big.Bytes()}, wire.CodeTooLarge},
		"an attachment above its size": {bus.Item{Recipient: "JPY", Envelope: envelope("x"), Attachment: make([]byte, wire.LimitAttachment+1)}, wire.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			seen := make(chan error, 64)
			b := connect(t, s, errorsTo(seen))
			out := bus.NewOutbox(b, "INR")
			out.Deliver([]bus.Item{c.item})
			if err := <-seen; refusal.CodeOf(err) != c.code {
				t.Errorf("told %v, want %s", err, c.code)
			}
			if n := out.Dropped(); n != 1 {
				t.Errorf("%d count as dropped", n)
			}
		})
	}
}

func TestAFullQueueDropsAndNeverBlocks(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	out := bus.NewOutbox(b, "INR")
	s.Halt()
	items := make([]bus.Item, 20_000)
	for i := range items {
		items[i] = bus.Item{Recipient: "JPY", Envelope: envelope("x"), Attempt: 1}
	}
	began := time.Now()
	out.Deliver(items)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("20,000 messages without a broker held the caller for %v", took)
	}
	for deadline := time.Now().Add(patience); out.Dropped() != 20_000; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d were dropped, all were due", out.Dropped())
		}
	}
}

func TestAnOutboxEndsWithItsBus(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	out := bus.NewOutbox(b, "INR")
	out.Deliver([]bus.Item{{Recipient: "JPY", Envelope: envelope("x"), Attempt: 1}})
	b.Close()
	before := out.Dropped()
	out.Deliver([]bus.Item{{Recipient: "AUD", Envelope: envelope("x"), Attempt: 1}})
	if n := out.Dropped() - before; n != 1 {
		t.Errorf("%d were dropped after the end, want 1", n)
	}
}

// benchmark measures signed messages of 512 bytes from the sender to the receiver's handler, with at most 8192 of them on their way.
func benchmark(b *testing.B, send func(from *bus.Bus, message []byte, room chan<- struct{})) {
	s := broker.ForTest(b)
	from, to := connect(b, s), connect(b, s)
	must(b, from.OpenOutbox(b.Context(), "INR"))
	room, done, got := make(chan struct{}, 8192), make(chan struct{}), 0
	stop, err := to.ReceiveBatches(b.Context(), "JPY", []string{"INR"}, func(_ context.Context, _ string, body []byte) {
		batch, err := wire.ParseBatch(body)
		if err != nil {
			b.Error(err)
		}
		for range batch.Messages {
			<-room
		}
		if got += len(batch.Messages); got == b.N {
			close(done)
		}
	})
	must(b, err)
	message := envelope(string(bytes.Repeat([]byte("x"), 512)))
	b.ResetTimer()
	send(from, message, room)
	<-done
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.StopTimer()
	stop()
}

func BenchmarkSingle(b *testing.B) {
	benchmark(b, func(from *bus.Bus, message []byte, room chan<- struct{}) {
		e, err := wire.ParseEnvelope(message, wire.LimitMessage)
		must(b, err)
		batch := wire.Batch{Messages: []wire.Envelope{e}}
		for range b.N {
			room <- struct{}{}
			must(b, from.SendBatch(b.Context(), "INR", "JPY", batch.Bytes()))
		}
	})
}

func BenchmarkBatched(b *testing.B) {
	benchmark(b, func(from *bus.Bus, message []byte, room chan<- struct{}) {
		out := bus.NewOutbox(from, "INR")
		for range b.N {
			room <- struct{}{}
			out.Deliver([]bus.Item{{Recipient: "JPY", Envelope: message, Attempt: 1}})
		}
	})
}

// BenchmarkLatency measures one message at a time, from Deliver to the handler.
func BenchmarkLatency(b *testing.B) {
	s := broker.ForTest(b)
	from, to := connect(b, s), connect(b, s)
	must(b, from.OpenOutbox(b.Context(), "INR"))
	arrived := make(chan struct{})
	stop, err := to.ReceiveBatches(b.Context(), "JPY", []string{"INR"}, func(context.Context, string, []byte) { arrived <- struct{}{} })
	must(b, err)
	out := bus.NewOutbox(from, "INR")
	message := envelope("x")
	for b.Loop() {
		out.Deliver([]bus.Item{{Recipient: "JPY", Envelope: message, Attempt: 1}})
		<-arrived
	}
	stop()
}
