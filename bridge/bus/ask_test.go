package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entente/bridge/bus"
	"entente/schema/refusal"
	"entente/schema/wire"
)

func echo(_ context.Context, request []byte) []byte { return request }

func TestAQuestionIsAnswered(t *testing.T) {
	s := carrier(t)
	server, asker := connect(t, s), connect(t, s)
	stop, err := server.Serve(t.Context(), "INR", func(_ context.Context, request []byte) []byte {
		return append([]byte("you said "), request...)
	})
	must(t, err)
	answer, err := asker.Ask(t.Context(), "INR", []byte("hello"))
	must(t, err)
	if string(answer) != "you said hello" {
		t.Errorf("the answer is %q", answer)
	}
	stop()
	again(t, func() error { // the broker may hear of the end a little later
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := asker.Ask(short, "INR", nil); !errors.Is(err, bus.ErrNobodyThere) {
			return fmt.Errorf("after the service stopped: %w", err)
		}
		return nil
	})
}

func TestTheLargestAnswerPassesAndALargerOneDoesNot(t *testing.T) {
	s := carrier(t)
	seen := make(chan error, 1)
	b := connect(t, s, errorsTo(seen))
	size := bus.LimitAsk
	stop, err := b.Serve(t.Context(), "INR", func(context.Context, []byte) []byte { return make([]byte, size) })
	must(t, err)
	defer stop()
	answer, err := b.Ask(t.Context(), "INR", make([]byte, bus.LimitAsk))
	must(t, err)
	if !bytes.Equal(answer, make([]byte, bus.LimitAsk)) {
		t.Errorf("the answer has %d bytes", len(answer))
	}
	if _, err := b.Ask(t.Context(), "INR", make([]byte, bus.LimitAsk+1)); refusal.CodeOf(err) != wire.CodeTooLarge {
		t.Errorf("a larger question: %v", err)
	}
	size++
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := b.Ask(short, "INR", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a larger answer: %v", err)
	}
	if err := <-seen; refusal.CodeOf(err) != wire.CodeTooLarge {
		t.Errorf("the server reported %v", err)
	}
}

func TestAtMostSixtyFourQuestionsAreHandledAtOnce(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	var running, most atomic.Int64
	stop, err := b.Serve(t.Context(), "INR", func(_ context.Context, request []byte) []byte {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(20 * time.Millisecond)
		return request
	})
	must(t, err)
	defer stop()
	var asked sync.WaitGroup
	for range 200 {
		asked.Go(func() {
			if _, err := b.Ask(t.Context(), "INR", []byte("?")); err != nil {
				t.Error(err)
			}
		})
	}
	asked.Wait()
	if n := most.Load(); n != 64 {
		t.Errorf("%d ran at once", n)
	}
}

func TestStopEndsTheHandlersContext(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	began := make(chan struct{})
	stop, err := b.Serve(t.Context(), "INR", func(ctx context.Context, _ []byte) []byte {
		close(began)
		<-ctx.Done()
		return nil
	})
	must(t, err)
	short, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		stop()
		cancel()
	}()
	if _, err := b.Ask(short, "INR", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestALostBrokerEndsTheQuestionThatWaits(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	began := make(chan struct{})
	stop, err := b.Serve(t.Context(), "INR", func(ctx context.Context, _ []byte) []byte {
		close(began)
		<-ctx.Done()
		return nil
	})
	must(t, err)
	defer stop()
	go func() {
		<-began
		s.Halt()
	}()
	asked := time.Now()
	if _, err := b.Ask(t.Context(), "INR", nil); err == nil {
		t.Error("it was answered")
	}
	if took := time.Since(asked); took > 5*time.Second {
		t.Errorf("it took %v to learn that the broker is lost", took)
	}
}

func TestAServiceOutlivesALostBroker(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	stop, err := b.Serve(t.Context(), "INR", echo)
	must(t, err)
	defer stop()
	must(t, s.Restart())
	again(t, func() error {
		_, err := b.Ask(t.Context(), "INR", []byte("?"))
		return err
	})
}
