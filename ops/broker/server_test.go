package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, s *Server, more ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.URL(), append([]nats.Option{nats.InProcessServer(s.InProcess()), nats.MaxReconnects(-1), nats.ReconnectWait(10 * time.Millisecond)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func TestItServesInsideTheProcessWithoutAPort(t *testing.T) {
	s := ForTest(t)
	nc := connect(t, s)
	if s.URL() != "" {
		t.Errorf("a server that does not listen has the URL %q", s.URL())
	}
	if address := s.running.Addr(); address != nil {
		t.Errorf("it listens at %v", address)
	}
	if nc.MaxPayload() != MaxPayload {
		t.Errorf("the largest message is %d bytes, want %d", nc.MaxPayload(), MaxPayload)
	}
	if err := nc.Flush(); err != nil {
		t.Error(err)
	}
}

func TestItListensOnTheLoopbackAddressAlone(t *testing.T) {
	s := ForTest(t, Options{Listen: true})
	if !strings.HasPrefix(s.URL(), "nats://127.0.0.1:") {
		t.Fatalf("the URL is %q", s.URL())
	}
	nc, err := nats.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	before := s.URL()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if s.URL() != before {
		t.Errorf("after a restart it is at %s, before at %s", s.URL(), before)
	}
}

func TestARestartKeepsTheStreamsAndClientsComeBack(t *testing.T) {
	s := ForTest(t)
	back := make(chan struct{}, 1)
	nc := connect(t, s, nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "kept", []byte("one")); err != nil {
		t.Fatal(err)
	}
	s.Halt()
	if _, err := s.InProcessConn(); err == nil {
		t.Error("a halted server gave a connection")
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	<-back
	stream, err := js.Stream(t.Context(), "KEPT")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("the stream holds %d messages after the restart, want 1", n)
	}
}

func TestStopRemovesOnlyItsOwnDirectory(t *testing.T) {
	own := ForTest(t)
	dir := t.TempDir()
	given := ForTest(t, Options{Dir: dir})
	for _, s := range []*Server{own, given} {
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(own.dir); !os.IsNotExist(err) {
		t.Errorf("the temporary directory is still there: %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the given directory is gone: %v", err)
	}
}

func TestAStoreThatCannotBeUsedStopsTheStartWithTheReason(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(Options{Dir: file})
	if err == nil || !strings.Contains(err.Error(), "storage directory") {
		t.Errorf("got %v, want the server's own reason", err)
	}
}

func TestAUserNeedsThePassword(t *testing.T) {
	s := ForTest(t, Options{Listen: true, Users: []User{{Name: "INR", Password: "right"}}})
	if _, err := nats.Connect(s.URL()); err == nil {
		t.Error("a stranger got in")
	}
	if _, err := nats.Connect(s.URL(), nats.UserInfo("INR", "wrong")); err == nil {
		t.Error("a wrong password got in")
	}
	connect(t, s, nats.UserInfo("INR", "right"))
}
