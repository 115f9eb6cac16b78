package devnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"entente/ops/failpoint"
	"entente/ops/node"
	"entente/schema/refusal"
)

// parentVariable and the pipe on descriptor 3 tell a child when its parent is gone; see ops/cli.
const parentVariable = "ENTENTE_PARENT_PIPE"

// restartPause keeps a child that cannot start from starting without end at once.
const restartPause = 50 * time.Millisecond

// How often a child is started again: one that a signal ended, and one that ended by itself soon after its start, which is what a refusal looks like.
const (
	restartsMost = 20
	refusalsMost = 3
	soon         = 10 * time.Second
)

// codeLost is the refusal of going on without a process that does not stay up.
const codeLost refusal.Code = "process_lost"

// Crash is a process that ended where it should not have, and was started again.
type Crash struct {
	Process string
	Point   string // the failpoint it was killed at, or how it ended
	At      time.Time
	Back    time.Time // when it had been started again
}

// supervisor runs roles as processes of their own and starts those again that die.
type supervisor struct {
	executable string // path of this program
	name       string // how this program was called, which is how it calls itself
	logs       string // directory
	alive      *os.File
	aliveEnd   *os.File

	up   context.Context // ends when a process is given up; its cause says which and why
	lose context.CancelCauseFunc

	mu       sync.Mutex
	children map[string]*child
	crashes  []Crash
	closing  bool
	wait     sync.WaitGroup
}

// child is one supervised process.
type child struct {
	id    string
	args  []string
	point string     // failpoint of its first life
	files []*os.File // that it inherits, from descriptor 4 on
	cmd   *exec.Cmd
	tries int
	soon  int // ends by itself in a row, each soon after the start
}

func newSupervisor(logs string) (*supervisor, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory for logs: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the pipe to child processes: %w", err)
	}
	s := &supervisor{executable: executable, name: os.Args[0], logs: logs, alive: read, aliveEnd: write, children: map[string]*child{}}
	s.up, s.lose = context.WithCancelCause(context.Background())
	return s, nil
}

// start runs the process of a role from its configuration file. point, if not empty, is where its first life ends.
func (s *supervisor) start(role, id, config, point string, files ...*os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &child{id: id, args: []string{role, "--config", config}, point: point, files: files}
	s.children[id] = c
	return s.spawn(c)
}

// spawn starts a child's next life. The supervisor is locked.
func (s *supervisor) spawn(c *child) error {
	log, err := os.OpenFile(filepath.Join(s.logs, c.id+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", c.id, err)
	}
	defer log.Close()
	cmd := exec.Command(s.executable, c.args...)
	cmd.Args[0] = s.name
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = append([]*os.File{s.alive}, c.files...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return len(v) > len(failpoint.Variable) && v[:len(failpoint.Variable)+1] == failpoint.Variable+"="
	}), parentVariable+"=3")
	if c.point != "" && c.tries == 0 {
		cmd.Env = append(cmd.Env, failpoint.Variable+"="+c.point)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the process of %s: %w", c.id, err)
	}
	c.cmd = cmd
	s.wait.Add(1)
	go s.watch(c, cmd)
	return nil
}

// watch waits for a child's end and, unless everything is ending, gives it its next life or gives it up.
func (s *supervisor) watch(c *child, cmd *exec.Cmd) {
	defer s.wait.Done()
	began := time.Now()
	err := cmd.Wait()
	crash := Crash{Process: c.id, Point: ending(err), At: time.Now()}
	time.Sleep(restartPause)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return
	}
	if c.point != "" && c.tries == 0 && killed(err) {
		crash.Point = c.point
	}
	c.tries++
	if killed(err) || crash.At.Sub(began) > soon {
		c.soon = 0
	} else {
		c.soon++
	}
	if c.tries > restartsMost || c.soon >= refusalsMost {
		s.lose(s.lost(c, crash.Point))
	} else if err := s.spawn(c); err != nil {
		s.lose(err)
	}
	crash.Back = time.Now()
	s.crashes = append(s.crashes, crash)
}

// lost says which process is given up, with the last it said.
func (s *supervisor) lost(c *child, ending string) error {
	said := ending
	if log, err := os.ReadFile(filepath.Join(s.logs, c.id+".log")); err == nil {
		lines := strings.Split(strings.TrimSpace(string(log)), "\n")
		said += ", " + lines[len(lines)-1]
	}
	return &refusal.Refusal{Code: codeLost, What: fmt.Sprintf("the process of %s does not stay up: %s", c.id, said), Unchanged: "what was settled stays settled",
		Do: "remove the reason and start again"}
}

func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func ending(err error) string {
	if err == nil {
		return "ended by itself"
	}
	return err.Error()
}

// ended lists the crashes so far.
func (s *supervisor) ended() []Crash {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.crashes)
}

// close ends every child: first asked, after a while killed.
func (s *supervisor) close() error {
	s.mu.Lock()
	s.closing = true
	for _, c := range s.children {
		_ = c.cmd.Process.Signal(syscall.SIGTERM) // one that is gone already needs no signal
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.wait.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		s.mu.Lock()
		for _, c := range s.children {
			_ = c.cmd.Process.Kill() // likewise
		}
		s.mu.Unlock()
		<-done
	}
	s.lose(nil)
	return errors.Join(s.aliveEnd.Close(), s.alive.Close())
}

// whileUp gives a context that ends when a process is given up. told releases it, and puts that loss in the place of the error that came of it.
func (n *Net) whileUp(ctx context.Context) (_ context.Context, told func(error) error) {
	if n.processes == nil {
		return ctx, func(err error) error { return err }
	}
	up := n.processes.up
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(up, cancel)
	return ctx, func(err error) error {
		stop()
		cancel()
		if err != nil && up.Err() != nil {
			return context.Cause(up)
		}
		return err
	}
}

// writeConfig writes the configuration file of a process.
func (n *Net) writeConfig(c node.Config) (string, error) {
	dir := filepath.Join(n.options.Dir, configDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the directory for configurations: %w", err)
	}
	c.Trust, c.Unlock, c.Broker, c.Development = "../network.json", "../keys/unlock", n.broker.URL(), true
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode the configuration of %s: %w", c.ID, err)
	}
	path := filepath.Join(dir, c.ID+".json")
	if err := os.WriteFile(path, append(content, '\n'), 0o600); err != nil { // the database's address may hold a password
		return "", fmt.Errorf("write the configuration of %s: %w", c.ID, err)
	}
	return path, nil
}

// spawn writes the configuration of a process and starts it with the files that it inherits.
func (n *Net) spawn(c node.Config, files ...*os.File) error {
	path, err := n.writeConfig(c)
	if err != nil {
		return err
	}
	return n.processes.start(c.Role, c.ID, path, n.options.Failpoints[c.ID], files...)
}

// Stay waits until ctx ends, or until a process is given up; then it says which and why. Refusal: process_lost.
func (n *Net) Stay(ctx context.Context) error {
	if n.processes == nil {
		<-ctx.Done()
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-n.processes.up.Done():
		return context.Cause(n.processes.up)
	}
}

// Crashes lists the processes that died and were started again.
func (n *Net) Crashes() []Crash {
	if n.processes == nil {
		return nil
	}
	return n.processes.ended()
}

// LosePower stops the database of everybody at once, without warning it, and starts it again.
func (n *Net) LosePower(ctx context.Context) (Crash, error) {
	c := Crash{Process: "Postgres", Point: "immediate stop under load", At: time.Now()}
	err := n.restartPostgres(ctx)
	c.Back = time.Now()
	return c, err
}
