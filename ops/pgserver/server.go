package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"entente/schema/refusal"
)

// Options say how a server is started. The zero value starts a temporary one in silence.
type Options struct {
	// Dir is the data directory of a lasting cluster, made when absent. Empty means a temporary cluster that Stop removes.
	Dir string
	// Progress is told, in a sentence, what takes long: an installation, a download, the first cluster. May be nil.
	Progress func(string)
	// Log gets the server's log as it is written. May be nil.
	Log io.Writer
}

// Mode is how a server is stopped.
type Mode int

const (
	// Fast ends all sessions, writes a checkpoint and ends in order (SIGINT).
	Fast Mode = iota
	// Immediate ends at once without a checkpoint, as a power cut would; the next start recovers from the write-ahead log (SIGQUIT).
	Immediate
)

// Limits of waiting; beyond them the server is taken for broken.
const (
	readyWait = 2 * time.Minute
	stopWait  = 30 * time.Second
)

// Server is a running PostgreSQL server: a private child, or databases of its own on the server behind DATABASE_URL. Its methods may be called at once from
// several goroutines.
type Server struct {
	// Version is the server's own, such as "15.18".
	Version string

	bin      string // the folder of the programs; empty for a server that another process runs
	dir      string
	socket   string // the folder of the Unix socket; empty behind DATABASE_URL
	child    *child
	work     workDir
	dirLock  *os.File
	external *external

	stop    sync.Once
	stopErr error
}

// Start gives a server that answers. ctx bounds the start alone, not the server's life. Refusals: "postgres_missing", "postgres_failed",
// "postgres_version_mismatch", "data_directory_in_use", "data_directory_unusable".
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if given := os.Getenv("DATABASE_URL"); given != "" {
		return startExternal(ctx, given)
	}
	id := identify(o.Dir)
	s := &Server{}
	major, err := s.openDir(o, id)
	if err != nil {
		return nil, errors.Join(err, s.release())
	}
	err = s.launch(ctx, o, id, major)
	if err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// Find makes sure that Start will find a server: it looks where Start looks, and installs or downloads what is missing. Refusals: "postgres_missing",
// "postgres_failed". progress may be nil.
func Find(ctx context.Context, progress func(string)) error {
	if given := os.Getenv("DATABASE_URL"); given != "" {
		_, err := startExternal(ctx, given) // has made nothing that would have to be stopped
		return err
	}
	if progress == nil {
		progress = func(string) {}
	}
	_, err := findPrograms(ctx, search{id: identify(""), progress: progress}, ladder)
	return err
}

// Attach gives the private server that another process of this user runs and whose socket lies in the folder socket (see [Server.Socket]). Databases can be made
// and dropped; Stop leaves the server to that process. Refusal: "postgres_failed" when it does not answer.
func Attach(ctx context.Context, socket string) (*Server, error) {
	s := &Server{socket: socket}
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return nil, failed("the server in "+socket+" does not answer: "+err.Error(), "")
	}
	s.Version, _, _ = strings.Cut(conn.PgConn().ParameterStatus("server_version"), " ")
	return s, conn.Close(ctx)
}

// openDir finds the place of the data, takes its lock and reads the version of a cluster that is there already.
func (s *Server) openDir(o Options, id identity) (major int, err error) {
	if s.work, err = newWorkDir(id); err != nil {
		return 0, fmt.Errorf("make the server's directory: %w", err)
	}
	s.socket = s.work.socket()
	if o.Dir == "" {
		s.dir = s.work.data()
		return 0, nil
	}
	dir, err := place(o.Dir, id, o.Progress)
	if err != nil {
		return 0, err
	}
	s.dir = dir
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return 0, fmt.Errorf("make the data directory: %w", err)
	}
	s.dirLock, err = lockFile(dir+".lock", false)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return 0, refusal.Newf(DataDirectoryInUse, "stop the other one or name another directory", "another process runs its server on %s", dir)
	} else if err != nil {
		return 0, fmt.Errorf("lock the data directory: %w", err)
	}
	return majorOf(dir)
}

// launch finds the programs, makes the cluster if there is none, starts the server and waits until it answers.
func (s *Server) launch(ctx context.Context, o Options, id identity, major int) error {
	p, err := findPrograms(ctx, search{id: id, major: major, progress: o.Progress}, ladder)
	if err != nil {
		return err
	}
	s.Version = p.version
	if major != 0 && major != p.major {
		return refusal.Newf(PostgresVersionMismatch, fmt.Sprintf("install PostgreSQL %d, set PGBINDIR to its programs, or name another directory", major),
			"%s is a cluster of PostgreSQL %d and the server found (%s) is %s", s.dir, major, p.bin, p.version)
	}
	s.bin = p.bin
	if err := s.fillDir(ctx, o, id, p, major); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(p.bin, "postgres"), s.arguments()...)
	cmd.Dir = s.dir
	cmd.Env = plainEnvironment(s.dir, p.libs)
	cmd.SysProcAttr = id.attributes()
	if s.child, err = startChild(cmd, &logTail{next: o.Log}); err != nil {
		s.child = nil
		return failed("the server could not be started: "+err.Error(), "")
	}
	return s.waitReady(ctx)
}

// fillDir makes the directory hold a cluster that nobody else runs.
func (s *Server) fillDir(ctx context.Context, o Options, id identity, p *programs, major int) error {
	if o.Dir == "" {
		return p.fromTemplate(ctx, id, s.dir)
	}
	if err := prepare(s.dir, id, major != 0); err != nil {
		return err
	}
	if major != 0 {
		return clearStalePID(ctx, s.dir)
	}
	o.Progress("making a PostgreSQL cluster in " + s.dir)
	return p.initdb(ctx, id, s.dir, true)
}

// arguments are the settings: nothing acknowledged is lost, nothing listens on a network, and two cores with little memory are enough.
func (s *Server) arguments() []string {
	args := []string{"-D", s.dir}
	for _, setting := range []string{
		"listen_addresses=",
		"port=5432",
		"unix_socket_directories=" + s.socket,
		"unix_socket_permissions=0700",
		"fsync=on",
		"synchronous_commit=on",
		"full_page_writes=on",
		"wal_level=minimal",
		"max_wal_senders=0",
		"max_wal_size=512MB",
		"max_connections=200",
		"shared_buffers=64MB",
		"max_worker_processes=2",
		"max_parallel_workers_per_gather=0",
		"jit=off",
		"autovacuum_max_workers=1",
		"log_checkpoints=off",
		// The one zone that the server knows by itself: a container may have no zone files.
		"log_timezone=GMT",
		"timezone=GMT",
		"cluster_name=entente",
	} {
		args = append(args, "-c", setting)
	}
	return args
}

// waitReady asks for a session until the server gives one. Any error may be the server still starting, except that it has ended.
func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for {
		err := errStarting
		if s.saysReady() {
			var conn *pgx.Conn
			if conn, err = pgx.Connect(ctx, s.URL("postgres")); err == nil {
				return conn.Close(ctx)
			}
		}
		select {
		case <-s.child.done:
			return failed("the server ended while it was starting", s.child.log.lines(12))
		case <-ctx.Done():
			return failed(fmt.Sprintf("the server did not answer (%v; %v)", err, ctx.Err()), s.child.log.lines(12))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

var errStarting = errors.New("it is still starting")

// saysReady says whether the server has written "ready" into its postmaster.pid; asking it for a session before would only fill its log.
func (s *Server) saysReady() bool {
	text, err := os.ReadFile(filepath.Join(s.dir, "postmaster.pid"))
	return err == nil && strings.Contains(string(text), "\nready")
}

// URL is how clients reach a database of this name, which [Server.CreateDatabase] has made.
func (s *Server) URL(database string) string {
	if s.external != nil {
		return s.external.url(database)
	}
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database}
	u.RawQuery = url.Values{"host": {s.socket}, "port": {"5432"}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// Socket is the folder of the server's Unix socket, for [Attach]; empty for the server behind DATABASE_URL.
func (s *Server) Socket() string { return s.socket }

// Program gives the path of one of PostgreSQL's own programs, such as "pgbench": the one beside the server's, else the one in PATH; empty when there is none.
func (s *Server) Program(name string) string {
	if s.bin != "" {
		if path, err := exec.LookPath(filepath.Join(s.bin, name)); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// PID is the server's process id; 0 for a server that another process runs.
func (s *Server) PID() int {
	if s.child == nil {
		return 0
	}
	return s.child.process.Pid
}

// Dir is the data directory; empty for a server that another process runs. It differs from Options.Dir where the server's user could not reach that one.
func (s *Server) Dir() string { return s.dir }

// Done is closed when the private server has ended, by Stop or by itself; nil for a server that another process runs.
func (s *Server) Done() <-chan struct{} {
	if s.child == nil {
		return nil
	}
	return s.child.done
}

// LogTail gives the last lines of the private server's log, for a report about its end.
func (s *Server) LogTail() string {
	if s.child == nil {
		return ""
	}
	return s.child.log.lines(12)
}

// Stop ends the server and removes what was temporary; behind DATABASE_URL it drops the databases made here, and after Attach it
// does nothing. Calls after the first give the first one's answer.
func (s *Server) Stop(mode Mode) error {
	s.stop.Do(func() {
		if s.external != nil {
			s.stopErr = s.external.drop()
			return
		}
		if s.child != nil {
			s.stopErr = errors.Join(s.child.stop(mode), s.release())
		}
	})
	return s.stopErr
}

// release stops a child that still runs and gives back locks and temporary files.
func (s *Server) release() error {
	var errs []error
	if s.child != nil && !s.child.ended() {
		errs = append(errs, s.child.stop(Immediate))
	}
	if s.dirLock != nil {
		errs = append(errs, s.dirLock.Close())
		s.dirLock = nil
	}
	if s.work.path != "" {
		errs = append(errs, s.work.remove())
		s.work = workDir{}
	}
	return errors.Join(errs...)
}

// stop asks for the end, and asks harder each time it takes too long.
func (c *child) stop(mode Mode) error {
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}
	for _, signal := range signals[mode:] {
		if err := c.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop the server (process %d): %w", c.process.Pid, err)
		}
		select {
		case <-c.done:
			return nil
		case <-time.After(stopWait):
		}
	}
	return fmt.Errorf("the server (process %d) does not end", c.process.Pid)
}
