package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

// What copies of this test binary are told to play, and the file where each migration leaves a line.
const (
	playRun        = "PGTEST_PLAY_RUN"
	playBinary     = "PGTEST_PLAY_BINARY"
	migrationsFile = "PGTEST_MIGRATIONS"
	playIdle       = "PGTEST_PLAY_IDLE"
)

// enough, as a line to a played run, ends the binaries that run.
const enough = "enough"

func TestMain(m *testing.M) {
	if n, told := os.LookupEnv(playRun); told {
		os.Exit(playGo(n))
	}
	if given := os.Getenv(playIdle); given != "" {
		idle, err := time.ParseDuration(given)
		if err != nil {
			panic(err)
		}
		idleMax = idle
	}
	Main(m)
}

// playGo is what `go test` does: it starts test binaries at once and waits for them. One more starts when it is sent a line; "enough" and the end of its input
// end them, and so does one that fails.
func playGo(n string) int {
	binaries, err := strconv.Atoi(n)
	// What it starts are no runs themselves.
	if err != nil || os.Unsetenv(playRun) != nil {
		return 2
	}
	var inputs []io.Closer
	var running sync.WaitGroup
	begin := func() error {
		c := exec.Command(os.Args[1], "-test.run=^TestPlayedBinary$", "-test.timeout=2m")
		c.Env = append(os.Environ(), playBinary+"=1")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		in, err := c.StdinPipe()
		if err != nil {
			return err
		}
		if err := c.Start(); err != nil {
			return err
		}
		inputs = append(inputs, in)
		running.Go(func() {
			if c.Wait() != nil {
				os.Exit(1)
			}
		})
		return nil
	}
	for range binaries {
		if err := begin(); err != nil {
			return 2
		}
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if lines.Text() == enough {
			for _, in := range inputs {
				in.Close() // one that has ended by itself has closed it
			}
			inputs = nil
		} else if err := begin(); err != nil {
			return 2
		}
	}
	for _, in := range inputs {
		in.Close() // one that has ended by itself has closed it
	}
	running.Wait()
	return 0
}

// TestPlayedBinary is one of the binaries of a played run: it uses the server and says where it is.
func TestPlayedBinary(t *testing.T) {
	if os.Getenv(playBinary) == "" {
		t.Skip("only other tests start it")
	}
	Migrated(t, fstest.MapFS{"1.sql": {Data: []byte("SELECT 1")}}, note)
	pid, _, _ := strings.Cut(read(t, filepath.Join(filepath.Dir(ForTest(t).Socket()), "data", "postmaster.pid")), "\n")
	r, shared := runOf(os.Getppid())
	if !shared {
		t.Fatal("the parent is not taken for a run")
	}
	// In one write, for the other binary writes to the same pipe.
	if _, err := fmt.Printf("played %s %s %s\n", pid, strings.TrimSpace(read(t, filepath.Join(r.dir(), keeperAlive))), r.dir()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
}

// note leaves a trace of a migration that ran.
func note(_ context.Context, url string, _ fs.FS) error {
	f, err := os.OpenFile(os.Getenv(migrationsFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, url); err != nil {
		return err
	}
	return f.Close()
}

// played is a run in another process, and what its binaries said.
type played struct {
	*exec.Cmd
	in   io.WriteCloser
	said *bufio.Scanner

	migrations string
}

func play(t *testing.T, binaries int, environment ...string) *played {
	t.Helper()
	if _, err := os.Stat("/proc/self/comm"); err != nil {
		t.Skip("runs are told apart with /proc")
	}
	if os.Getenv("DATABASE_URL") != "" {
		t.Skip("DATABASE_URL names the server")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The name of a process is that of the file it was started from.
	named := filepath.Join(t.TempDir(), "go")
	if err := os.Symlink(self, named); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	p := &played{Cmd: exec.CommandContext(ctx, named, self), migrations: filepath.Join(t.TempDir(), "migrations")}
	p.Env = append(append(os.Environ(), environment...), playRun+"="+strconv.Itoa(binaries), migrationsFile+"="+p.migrations)
	p.Stderr = os.Stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.said = bufio.NewScanner(out)
	if p.in, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// hear waits until one more binary has said where its server, its keeper and its run's directory are.
func (p *played) hear(t *testing.T) (server, keeper int, dir string) {
	t.Helper()
	for p.said.Scan() {
		if n, err := fmt.Sscanf(p.said.Text(), "played %d %d %s", &server, &keeper, &dir); n == 3 && err == nil {
			return server, keeper, dir
		}
	}
	t.Fatalf("the run ended without a word: %v", p.said.Err())
	return 0, 0, ""
}

func awaitEnd(t *testing.T, what string, gone func() bool) {
	t.Helper()
	begin := time.Now()
	for !gone() {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("%s is still there after 10 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%s was gone after %d ms", what, time.Since(begin).Milliseconds())
}

func ended(pid int) func() bool { return func() bool { return startOf(pid) == "" } }

func removed(path string) func() bool {
	return func() bool {
		_, err := os.Lstat(path)
		return os.IsNotExist(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestTheBinariesOfARunShareAServerAndItsTemplatesAndLeaveNothing(t *testing.T) {
	t.Parallel()
	p := play(t, 3)
	server, keeper, dir := p.hear(t)
	for range 2 {
		if otherServer, otherKeeper, otherDir := p.hear(t); otherServer != server || otherKeeper != keeper || otherDir != dir {
			t.Errorf("one binary has server %d, keeper %d, %s; another %d, %d, %s", server, keeper, dir, otherServer, otherKeeper, otherDir)
		}
	}
	if n := strings.Count(read(t, p.migrations), "\n"); n != 1 {
		t.Errorf("the same migrations ran %d times", n)
	}
	if err := p.in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("the run failed: %v", err)
	}
	awaitEnd(t, "the server", ended(server))
	awaitEnd(t, "the keeper", ended(keeper))
	awaitEnd(t, "the directory", removed(dir))
}

func TestAKeeperNobodyNeedsLeavesNothingWhileTheRunGoesOn(t *testing.T) {
	t.Parallel()
	p := play(t, 0, playIdle+"=100ms")
	for range 2 {
		if _, err := io.WriteString(p.in, "one more\n"); err != nil {
			t.Fatal(err)
		}
		server, keeper, dir := p.hear(t)
		if _, err := io.WriteString(p.in, enough+"\n"); err != nil {
			t.Fatal(err)
		}
		awaitEnd(t, "the server", ended(server))
		awaitEnd(t, "the keeper", ended(keeper))
		awaitEnd(t, "the directory", removed(dir))
		if ended(p.Process.Pid)() {
			t.Fatal("the run has ended")
		}
	}
	if err := errors.Join(p.in.Close(), p.Wait()); err != nil {
		t.Errorf("the run failed: %v", err)
	}
}

func TestWithoutAServerARunFailsAtOnce(t *testing.T) {
	t.Parallel()
	began := time.Now()
	p := play(t, 2, "PGBINDIR=/no/such/folder")
	if p.said.Scan() && strings.HasPrefix(p.said.Text(), "played") {
		t.Errorf("there is a server: %s", p.said.Text())
	}
	if err := p.Wait(); err == nil {
		t.Error("the run passed")
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestWhatWasLockedInARemovedDirectoryIsNoEntrance(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := run{pid: 1, start: "7"}
	dir, door, err := r.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, entrance)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if isAt(door, path) {
		t.Error("a removed file is at its path")
	}
	_, second, err := r.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if isAt(door, path) || !isAt(second, path) {
		t.Error("the new entrance is not told from the old one")
	}
	if err := errors.Join(door.Close(), second.Close()); err != nil {
		t.Error(err)
	}
}

func TestTheServerDiesWithAKilledRun(t *testing.T) {
	t.Parallel()
	p := play(t, 1)
	server, keeper, dir := p.hear(t)
	kill(t, p.Process.Pid)
	if err := p.Wait(); err == nil {
		t.Error("the run ended by itself")
	}
	awaitEnd(t, "the server", ended(server))
	awaitEnd(t, "the keeper", ended(keeper))
	awaitEnd(t, "the directory", removed(dir))
}

func TestTheServerDiesWithItsKilledKeeperAndTheNextBinaryGetsAnother(t *testing.T) {
	t.Parallel()
	p := play(t, 1)
	server, keeper, dir := p.hear(t)
	kill(t, keeper)
	awaitEnd(t, "the server", ended(server))
	if _, err := io.WriteString(p.in, "one more\n"); err != nil {
		t.Fatal(err)
	}
	second, secondKeeper, same := p.hear(t)
	if second == server || secondKeeper == keeper || same != dir {
		t.Errorf("after server %d, keeper %d in %s comes %d, %d in %s", server, keeper, dir, second, secondKeeper, same)
	}
	// Both die together, as in a crash of the machine's session.
	kill(t, secondKeeper)
	kill(t, p.Process.Pid)
	if err := p.Wait(); err == nil {
		t.Error("the run ended by itself")
	}
	awaitEnd(t, "the second server", ended(second))
	// Another run may have done it already.
	sweep()
	if !removed(dir)() {
		t.Error("the sweep of a later keeper leaves the directory")
	}
}

func TestAServerNobodyUsesIsGivenUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	self := run{pid: os.Getpid(), start: startOf(os.Getpid())}
	if self.start == "" {
		t.Skip("runs are told apart with /proc")
	}
	user, err := lock(filepath.Join(dir, users), syscall.LOCK_SH)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if door := watch(ctx, self, dir, nil, 100*time.Millisecond); door != nil {
		t.Error("a server in use was given up")
	}
	if err := user.Close(); err != nil {
		t.Fatal(err)
	}
	door := watch(t.Context(), self, dir, nil, 100*time.Millisecond)
	if door == nil {
		t.Fatal("the server is not given up")
	}
	if _, err := lock(filepath.Join(dir, entrance), syscall.LOCK_EX); err == nil {
		t.Error("somebody may enter while the server ends")
	}
	if err := door.Close(); err != nil {
		t.Error(err)
	}
}

func TestADirectoryThatOthersMayEnterIsNotUsed(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := run{pid: 1, start: "7"}
	if err := os.Mkdir(r.dir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if dir, err := r.makeDir(); err == nil {
		t.Errorf("%s is used", dir)
	}
	if other, ours := runIn(r.dir()); !ours || other != r {
		t.Errorf("the directory of %v is taken for that of %v", r, other)
	}
}
