package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"entente/bridge/bus"
	"entente/schema/refusal"
	"entente/schema/wire"
)

func TestABatchReachesItsRecipientAndNobodyElse(t *testing.T) {
	s := carrier(t)
	inr, jpy, aud := connect(t, s), connect(t, s), connect(t, s)
	must(t, inr.OpenOutbox(t.Context(), "INR"))
	must(t, jpy.OpenOutbox(t.Context(), "JPY"))
	atJPY, _ := receive(t, jpy, "JPY", "INR", "AUD")
	atAUD, _ := receive(t, aud, "AUD", "INR", "JPY")

	must(t, inr.SendBatch(t.Context(), "INR", "JPY", []byte("one")))
	must(t, inr.SendBatch(t.Context(), "INR", "AUD", []byte("two")))
	must(t, jpy.SendBatch(t.Context(), "JPY", "AUD", []byte("three")))
	must(t, inr.SendDirect(t.Context(), "INR", "JPY", []byte("four")))

	atJPY.wait(t, 1, "INR: one", "INR: four")
	atAUD.wait(t, 1, "INR: two", "JPY: three")
	if atJPY.count("INR: two")+atAUD.count("INR: one")+atAUD.count("INR: four") != 0 {
		t.Error("a batch reached somebody else")
	}
}

func TestABatchSentTwiceIsHandledTwice(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	r, _ := receive(t, b, "JPY", "INR")
	for range 2 {
		must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("same")))
	}
	r.wait(t, 2, "INR: same")
}

func TestAReceiverThatWasAwayCatchesUpAndGoesOnWhereItWas(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	first, stop := receive(t, b, "JPY", "INR")
	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("before")))
	first.wait(t, 1, "INR: before")
	stop()
	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("meanwhile")))
	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("still")))

	second, _ := receive(t, connect(t, s), "JPY", "INR")
	second.wait(t, 1, "INR: meanwhile", "INR: still")
	if n := second.count("INR: before"); n != 0 {
		t.Errorf("an acknowledged batch came again %d times", n)
	}
	if n := first.count("INR: meanwhile"); n != 0 {
		t.Error("a stopped receiver was handed a batch")
	}
	late, _ := receive(t, connect(t, s), "AUD", "INR")
	must(t, b.SendBatch(t.Context(), "INR", "AUD", []byte("hello")))
	late.wait(t, 1, "INR: hello")
}

func TestALostBrokerCostsOnlyARepetition(t *testing.T) {
	s := carrier(t)
	sender, receiver := connect(t, s), connect(t, s)
	must(t, sender.OpenOutbox(t.Context(), "INR"))
	r, _ := receive(t, receiver, "JPY", "INR")
	must(t, sender.SendBatch(t.Context(), "INR", "JPY", []byte("before")))
	r.wait(t, 1, "INR: before")

	s.Halt()
	began := time.Now()
	if err := sender.SendBatch(t.Context(), "INR", "JPY", []byte("lost")); err == nil {
		t.Fatal("a batch was sent without a broker")
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v to learn that the broker is away", took)
	}
	must(t, s.Restart())
	again(t, func() error { return sender.SendBatch(t.Context(), "INR", "JPY", []byte("lost")) })
	r.wait(t, 1, "INR: lost")
	again(t, func() error {
		if err := sender.SendDirect(t.Context(), "INR", "JPY", []byte("direct")); err != nil || r.count("INR: direct") > 0 {
			return err
		}
		return errors.New("the direct path is still lost")
	})
}

func TestAReceiverMayComeBeforeItsPeersStream(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	r, _ := receive(t, b, "JPY", "INR")
	if err := b.SendBatch(t.Context(), "INR", "JPY", []byte("early")); !errors.Is(err, bus.ErrStreamGone) {
		t.Fatalf("without a stream: %v", err)
	}
	must(t, b.OpenOutbox(t.Context(), "INR"))
	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("then")))
	r.wait(t, 1, "INR: then")
}

func TestADeletedStreamLeavesTheDirectPathAndCanBeOpenedAgain(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	_, js := raw(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	r, _ := receive(t, b, "JPY", "INR")
	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("one")))
	r.wait(t, 1, "INR: one")

	must(t, js.DeleteStream(t.Context(), "SWAP_"+network+"_INR"))
	if err := b.SendBatch(t.Context(), "INR", "JPY", []byte("two")); !errors.Is(err, bus.ErrStreamGone) {
		t.Fatalf("a deleted stream: %v", err)
	}
	must(t, b.SendDirect(t.Context(), "INR", "JPY", []byte("two")))
	r.wait(t, 1, "INR: two")
	again(t, func() error { return b.OpenOutbox(t.Context(), "INR") }) // the broker may still be removing the old files
	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("three")))
	r.wait(t, 1, "INR: three")
}

func TestAReceiverWhosePlaceWasDeletedBeginsAgain(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	_, js := raw(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	r, _ := receive(t, b, "JPY", "INR")
	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("one")))
	r.wait(t, 1, "INR: one")
	must(t, js.DeleteConsumer(t.Context(), "SWAP_"+network+"_INR", "RECEIVE_JPY"))
	r.wait(t, 2, "INR: one")
}

func TestABatchIsAcknowledgedOnlyWhenTheHandlerReturns(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	_, js := raw(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	began, let := make(chan struct{}), make(chan struct{})
	stop, err := b.ReceiveBatches(t.Context(), "JPY", []string{"INR"}, func(context.Context, string, []byte) {
		close(began)
		<-let
	})
	must(t, err)
	defer stop()
	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("x")))
	<-began
	time.Sleep(100 * time.Millisecond) // an acknowledgement sent too early has arrived by then
	place, err := js.Consumer(t.Context(), "SWAP_"+network+"_INR", "RECEIVE_JPY")
	must(t, err)
	if n := place.CachedInfo().NumAckPending; n != 1 {
		t.Errorf("%d batches wait for their acknowledgement, want the one in hand", n)
	}
	close(let)
	again(t, func() error {
		info, err := place.Info(t.Context())
		if err == nil && info.NumAckPending != 0 {
			err = errors.New("the batch was not acknowledged")
		}
		return err
	})
}

func TestABatchAboveTheLimitNeverLeaves(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	r, _ := receive(t, b, "JPY", "INR")
	over := make([]byte, wire.LimitBatch+1)
	for name, send := range map[string]error{
		"stream": b.SendBatch(t.Context(), "INR", "JPY", over),
		"direct": b.SendDirect(t.Context(), "INR", "JPY", over),
	} {
		if refusal.CodeOf(send) != wire.CodeTooLarge {
			t.Errorf("%s path: %v", name, send)
		}
	}
	must(t, b.SendBatch(t.Context(), "INR", "JPY", over[1:]))
	r.wait(t, 1, "INR: "+string(over[1:]))
	_, js := raw(t, s)
	stream, err := js.Stream(t.Context(), "SWAP_"+network+"_INR")
	must(t, err)
	if n := stream.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("the stream holds %d batches, want the one within the limit", n)
	}
}

func TestABatchAboveTheLimitThatComesAnywayIsNotHandled(t *testing.T) {
	s := carrier(t)
	seen := make(chan error, 8)
	b := connect(t, s, errorsTo(seen))
	r, _ := receive(t, b, "JPY", "INR")
	nc, _ := raw(t, s)
	over := make([]byte, wire.LimitBatch+1)
	must(t, nc.Publish("swap."+network+".INR.JPY.direct", over))
	select {
	case err := <-seen:
		if refusal.CodeOf(err) != wire.CodeTooLarge {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("nothing was reported")
	}
	if r.count("INR: "+string(over)) != 0 {
		t.Error("it was handled")
	}
}

func TestNamesThatCouldWidenASubjectAreRefused(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	good := "IN-1"
	for _, bad := range []string{"", "*", ">", "A.B", "A B", "A_B", "A\tB", "Ä", "A\x00", string(make([]byte, 65))} {
		if bad != "" {
			if _, err := bus.Connect(t.Context(), bus.Options{InProcess: s.InProcess(), Network: bad}); refusal.CodeOf(err) != bus.BadName {
				t.Errorf("a network %q: %v", bad, err)
			}
		}
		ignore := func(context.Context, string, []byte) {}
		_, errPeer := b.ReceiveBatches(t.Context(), good, []string{bad}, ignore)
		_, errSelf := b.ReceiveBatches(t.Context(), bad, []string{good}, ignore)
		_, errReader := b.ReceivePosts(t.Context(), bad, good, ignore)
		_, errProgramme := b.ReceivePosts(t.Context(), good, bad, ignore)
		_, errServe := b.Serve(t.Context(), bad, nil)
		_, errAsk := b.Ask(t.Context(), bad, nil)
		for call, err := range map[string]error{
			"open": b.OpenOutbox(t.Context(), bad), "from": b.SendBatch(t.Context(), bad, good, nil), "to": b.SendBatch(t.Context(), good, bad, nil),
			"direct": b.SendDirect(t.Context(), good, bad, nil), "programme": b.Post(t.Context(), bad, good, nil), "author": b.Post(t.Context(), good, bad, nil),
			"peer": errPeer, "self": errSelf, "reader": errReader, "read": errProgramme, "serve": errServe, "ask": errAsk,
		} {
			if refusal.CodeOf(err) != bus.BadName {
				t.Errorf("%s %q: %v", call, bad, err)
			}
		}
	}
}

func TestStopWaitsForTheHandler(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	began, let := make(chan struct{}), make(chan struct{})
	stop, err := b.ReceiveBatches(t.Context(), "JPY", []string{"INR"}, func(context.Context, string, []byte) {
		close(began)
		<-let
	})
	must(t, err)
	must(t, b.SendDirect(t.Context(), "INR", "JPY", []byte("x")))
	<-began
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Error("stop returned while the handler ran")
	case <-time.After(50 * time.Millisecond):
	}
	close(let)
	<-stopped
}

func TestNothingWorksAfterClose(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	b.Close()
	b.Close()
	if err := b.SendBatch(t.Context(), "INR", "JPY", nil); err == nil {
		t.Error("a batch was sent")
	}
	if _, err := b.ReceiveBatches(t.Context(), "JPY", []string{"INR"}, nil); err == nil {
		t.Error("a receiver was started")
	}
	if _, err := b.Ask(t.Context(), "INR", nil); err == nil {
		t.Error("a question was asked")
	}
	if _, err := b.ReceivePosts(t.Context(), "IN", "aa", nil); err == nil {
		t.Error("a reader was started")
	}
}

func TestAStreamIsMadeAsTheProtocolSays(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	must(t, b.OpenOutbox(t.Context(), "INR"))
	_, js := raw(t, s)
	stream, err := js.Stream(t.Context(), "SWAP_"+network+"_INR")
	must(t, err)
	c := stream.CachedInfo().Config
	if c.Storage != jetstream.FileStorage || c.MaxAge != 7*24*time.Hour || c.AllowDirect || c.AllowRollup || c.Subjects[0] != "swap."+network+".INR.*.batch" {
		t.Errorf("the stream is %+v", c)
	}
}
