package bus_test

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"entente/bridge/bus"
	"entente/ops/broker"
)

// What was still in hand when the reader stopped comes again.
func TestWhatWasInHandAtTheStopComesAgain(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	must(t, b.OpenPosts(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{}, 10)
	stop, err := b.ReceivePosts(ctx, "IND", "p", func(context.Context, string, []byte) {
		begun <- struct{}{}
		<-ctx.Done() // it could not be stored before the process was told to end
	})
	must(t, err)
	must(t, b.Post(t.Context(), "p", "JPN", []byte("one")))
	<-begun
	cancel()
	stop()
	var came atomic.Int64
	stop, err = b.ReceivePosts(t.Context(), "IND", "p", func(context.Context, string, []byte) { came.Add(1) })
	must(t, err)
	defer stop()
	for late := time.Now().Add(13 * time.Second); came.Load() == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("it never came again")
		}
	}
}

// A broker that refuses the password for a moment (an operator's mistake) is waited for like any other.
func TestABrokerThatRefusesThePasswordForAMomentIsWaitedFor(t *testing.T) {
	port := 0
	run := func(password string) *server.Server {
		o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, MaxPayload: broker.MaxPayload, Username: "u", Password: password}
		if port != 0 {
			o.Port = port
		}
		s, err := server.NewServer(o)
		must(t, err)
		s.Start()
		if !s.ReadyForConnections(5 * time.Second) {
			t.Fatal("not ready")
		}
		port = s.Addr().(*net.TCPAddr).Port
		return s
	}
	s := run("right")
	b, err := bus.Connect(t.Context(), bus.Options{URL: strings.Replace(s.ClientURL(), "nats://", "nats://u:right@", 1), Network: network, Development: true})
	must(t, err)
	defer b.Close()
	s.Shutdown()
	s.WaitForShutdown()
	s = run("wrong")
	time.Sleep(time.Second)
	s.Shutdown()
	s.WaitForShutdown()
	s = run("right")
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	for late := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := b.SendDirect(t.Context(), "a", "b", []byte("x"))
		if err == nil {
			return
		}
		if time.Now().After(late) {
			t.Fatal(err)
		}
	}
}

// Each opening of a bank makes an outbox; those before it must not stay.
func TestOutboxesOfEarlierOpeningsEnd(t *testing.T) {
	s := carrier(t)
	b := connect(t, s)
	must(t, b.OpenOutbox(t.Context(), "rbi"))
	before := runtime.NumGoroutine()
	for range 50 {
		o := bus.NewOutbox(b, "rbi")
		o.Deliver([]bus.Item{{Recipient: "boj", Envelope: envelope("x"), Attempt: 2}})
		o.Close()
	}
	time.Sleep(time.Second)
	if n := runtime.NumGoroutine() - before; n >= 50 {
		t.Errorf("%d goroutines stay", n)
	}
}
