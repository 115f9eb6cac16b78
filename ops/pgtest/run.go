package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"entente/ops/pgserver"
)

// run is one `go test`: the process that started this binary. A process id alone may be given again, so its start is part of the name.
type run struct {
	pid int
	// start is in clock ticks since the machine's.
	start string
}

// runOf says which run the process parent is, if it is one. Without /proc there is none.
func runOf(parent int) (run, bool) {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent))
	if err != nil || strings.TrimSpace(string(name)) != "go" {
		return run{}, false
	}
	r := run{pid: parent, start: startOf(parent)}
	return r, r.start != ""
}

// startOf reads when a process started; empty when it has ended.
func startOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name may hold anything; the fields after it begin with the state, and the start is the twentieth of them (proc_pid_stat(5)).
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

func (r run) alive() bool { return startOf(r.pid) == r.start }

// dirPrefix begins the name of every directory that one user's runs share files in.
func dirPrefix() string { return fmt.Sprintf("entente-pgtest-%d-", os.Geteuid()) }

func (r run) dir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-%s", dirPrefix(), r.pid, r.start))
}

// runIn is the run that a directory of this name belongs to.
func runIn(dir string) (run, bool) {
	name, ours := strings.CutPrefix(filepath.Base(dir), dirPrefix())
	first, start, two := strings.Cut(name, "-")
	pid, err := strconv.Atoi(first)
	return run{pid: pid, start: start}, ours && two && err == nil && pid > 0
}

// The files in a run's directory. Locks end with their holders, however these die.
const (
	// entrance is locked by who starts, finds or ends the keeper.
	entrance = "entrance.lock"
	// keeperAlive is locked for a keeper's life and holds its process id.
	keeperAlive = "keeper.lock"
	// users is locked, shared, for the life of each test binary that uses the server.
	users = "users.lock"
	// address holds the folder of the server's socket.
	address = "address"
)

// used is this binary's lock on users, from its first use of the server to its end.
var used *os.File

// join gives the run's server, from a new keeper if there is none.
func (r run) join(ctx context.Context) (*pgserver.Server, error) {
	dir, door, err := r.enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("wait for another test binary: %w", err)
	}
	defer door.Close() // gives the lock back; nothing was written
	if used, err = await(ctx, filepath.Join(dir, users), syscall.LOCK_SH); err != nil {
		return nil, err
	}
	for {
		free, err := lock(filepath.Join(dir, keeperAlive), syscall.LOCK_EX)
		switch {
		case err == nil:
			// A keeper that was killed leaves the address of a server that died with it.
			if err := os.Remove(filepath.Join(dir, address)); err != nil && !os.IsNotExist(err) {
				return nil, errors.Join(err, free.Close())
			}
			free.Close() // gives the lock to the keeper that is now started
			if err := startKeeper(ctx, dir); err != nil {
				return nil, err
			}
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return nil, err
		}
		if socket, err := os.ReadFile(filepath.Join(dir, address)); err == nil {
			return pgserver.Attach(ctx, string(socket))
		}
		// The binary that started this keeper died while it waited for it.
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("wait for the server's keeper: %w", err)
		}
	}
}

// enter makes the run's directory if need be and takes the lock of its entrance. A keeper that nobody needs any more removes the directory, so what was locked
// may be gone.
func (r run) enter(ctx context.Context) (dir string, door *os.File, err error) {
	for {
		if dir, err = r.makeDir(); err != nil {
			return "", nil, err
		}
		path := filepath.Join(dir, entrance)
		door, err = await(ctx, path, syscall.LOCK_EX)
		switch {
		case err == nil && isAt(door, path):
			return dir, door, nil
		case err == nil:
			door.Close() // of a directory that is gone
		case !errors.Is(err, fs.ErrNotExist):
			return "", nil, err
		}
	}
}

// isAt says whether an open file is the one at a path.
func isAt(f *os.File, path string) bool {
	open, err1 := f.Stat()
	there, err2 := os.Lstat(path)
	return err1 == nil && err2 == nil && os.SameFile(open, there)
}

// makeDir makes the run's directory, which nobody else may enter. In a shared temporary directory somebody may have made the name first.
func (r run) makeDir() (string, error) {
	dir := r.dir()
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || info.Mode().Perm() != 0o700 || stat.Uid != uint32(os.Geteuid()) {
		return "", fmt.Errorf("%s is not this user's own directory: remove it", dir)
	}
	return dir, nil
}

// startKeeper starts a copy of this program as keeper and waits for its word.
func startKeeper(ctx context.Context, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	hears, speaks, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hears.Close() // only read
	keeper := exec.Command(self)
	keeper.Dir = "/"
	keeper.Env = append(os.Environ(), keeperOrder+"="+dir)
	keeper.ExtraFiles = []*os.File{speaks}
	// In a session of its own Ctrl-C reaches it only through the end of the run.
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = keeper.Start()
	if closing := speaks.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := hears.SetReadDeadline(deadline); err != nil {
			return err
		}
	}
	// It lives on; its end is read off its lock.
	if err := keeper.Process.Release(); err != nil {
		return err
	}
	said := bufio.NewScanner(hears)
	for said.Scan() {
		switch word, rest, _ := strings.Cut(said.Text(), " "); word {
		case wordProgress:
			tell(rest)
		case wordFailed:
			return errors.New(strings.ReplaceAll(rest, "\t", "\n"))
		case wordReady:
			return nil
		}
	}
	return errors.Join(errors.New("the server's keeper ended without a word"), said.Err())
}

// lock takes the lock of a file that it makes if need be. One held by another gives syscall.EWOULDBLOCK.
func lock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// await takes a file's lock as soon as it is free.
func await(ctx context.Context, path string, how int) (*os.File, error) {
	for {
		f, err := lock(path, how)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return f, err
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Millisecond):
		return nil
	}
}
