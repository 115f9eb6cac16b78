package broker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// MaxPayload is the largest message the server carries, in bytes: an answer of 8 MiB and room for headers.
const MaxPayload = 8<<20 + 64<<10

// startWait is how long a server may take until it serves; opening a large store is the slow part.
const startWait = 30 * time.Second

// Options say how the server runs. The zero value is a private server in a temporary directory.
type Options struct {
	// Dir is where JetStream keeps its files. Empty means a temporary directory that Stop removes.
	Dir string
	// Listen opens a port on the loopback address.
	Listen bool
	// MaxPayload is the largest message in bytes, when not MaxPayload.
	MaxPayload int32
	// Users, when there are any, are the only ones who may connect.
	Users []User
	// Progress receives lines for the person who waits, and what the server itself reports as an error. It is called from several goroutines. May be nil.
	Progress func(line string)
}

// User may connect with a password.
type User struct {
	Name     string
	Password string
	// DenyPublish lists subjects, with wildcards, on which the user must not publish.
	DenyPublish []string
}

// Server is a running broker. It is safe for concurrent use.
type Server struct {
	options   Options
	dir       string
	temporary bool

	mu      sync.Mutex
	running *server.Server // nil while stopped
	port    int            // the port in use, kept over a restart; 0 before the first start
}

// Start runs a server. It returns when the server serves, or with the reason why it does not.
func Start(o Options) (*Server, error) {
	s := &Server{options: o, dir: o.Dir}
	if s.options.MaxPayload == 0 {
		s.options.MaxPayload = MaxPayload
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "entente-broker-")
		if err != nil {
			return nil, fmt.Errorf("broker: make a store directory: %w", err)
		}
		s.dir, s.temporary = dir, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.run(); err != nil {
		return nil, errors.Join(err, s.removeTemporary())
	}
	if o.Listen {
		s.say("NATS, which carries the messages, listens at " + s.running.ClientURL())
	} else {
		s.say("NATS, which carries the messages, serves inside this process")
	}
	return s, nil
}

// run starts a server on the store directory. The lock is held.
func (s *Server) run() error {
	o := &server.Options{
		ServerName: "entente",
		Host:       "127.0.0.1",
		Port:       server.RANDOM_PORT,
		DontListen: !s.options.Listen,
		NoSigs:     true,
		JetStream:  true,
		StoreDir:   s.dir,
		MaxPayload: s.options.MaxPayload,
	}
	if s.port != 0 {
		o.Port = s.port
	}
	for _, u := range s.options.Users {
		o.Users = append(o.Users, &server.User{
			Username: u.Name, Password: u.Password,
			Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: u.DenyPublish}},
		})
	}
	srv, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("broker: configure: %w", err)
	}
	reports := &reports{say: s.say, fatal: make(chan struct{})}
	srv.SetLogger(reports, false, false)
	srv.Start()
	// Start returns once the server serves, or after a fatal report.
	select {
	case <-reports.fatal:
	default:
		if srv.ReadyForConnections(startWait) && srv.JetStreamEnabled() {
			if address, ok := srv.Addr().(*net.TCPAddr); ok {
				s.port = address.Port
			}
			s.running = srv
			return nil
		}
	}
	srv.Shutdown()
	srv.WaitForShutdown()
	return fmt.Errorf("broker: the server did not start: %s", reports.worst())
}

// InProcess connects clients without a port. It stays valid over a Restart.
func (s *Server) InProcess() nats.InProcessConnProvider { return s }

// InProcessConn gives one connection to the running server, an error while it is stopped.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil, errors.New("broker: the server is stopped")
	}
	return s.running.InProcessConn()
}

// URL is where a listening server is reached, "" for one that does not listen.
func (s *Server) URL() string {
	if !s.options.Listen {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("nats://127.0.0.1:%d", s.port)
}

// Halt stops the server as a lost broker would be: connections break, the files stay. A second call does nothing.
func (s *Server) Halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halt()
}

func (s *Server) halt() {
	if s.running == nil {
		return
	}
	s.running.Shutdown()
	s.running.WaitForShutdown()
	s.running = nil
}

// Restart starts a halted server, or halts and starts a running one, on the same files and the same port.
func (s *Server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halt()
	return s.run()
}

// Stop ends the server and removes the directory that Start made.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halt()
	return s.removeTemporary()
}

func (s *Server) removeTemporary() error {
	if !s.temporary {
		return nil
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("broker: remove the temporary store: %w", err)
	}
	return nil
}

func (s *Server) say(line string) {
	if s.options.Progress != nil {
		s.options.Progress(line)
	}
}
