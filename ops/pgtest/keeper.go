package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"entente/ops/pgserver"
)

// keeperOrder tells a copy of a test binary to keep the server of the run whose directory it names, instead of running tests.
const keeperOrder = "ENTENTE_PGTEST_KEEPER"

// What a keeper says to who started it, one line each, through file descriptor 3.
const (
	wordProgress = "progress"
	wordFailed   = "failed"
	wordReady    = "ready"
)

// watchEvery is how often a keeper looks for the end of the run.
const watchEvery = 50 * time.Millisecond

// idleMax is how long a server stays that nobody uses. A variable for tests alone.
var idleMax = time.Minute

// keep runs the server until the run has ended, nobody has used it for a while, or the server has ended, and gives an exit code. What the server holds is
// worth nothing then, so it is stopped at once.
func keep(dir string) int {
	starter := os.NewFile(3, "starter")
	say := func(word, text string) {
		// A starter that was killed hears nothing, and the others of the run still want the server.
		_, _ = fmt.Fprintln(starter, word, strings.ReplaceAll(text, "\n", "\t"))
	}
	r, known := runIn(dir)
	if !known || starter == nil {
		return 2
	}
	alive, err := lock(filepath.Join(dir, keeperAlive), syscall.LOCK_EX)
	if err != nil {
		say(wordFailed, err.Error())
		return 1
	}
	defer alive.Close() // gives the lock back
	if err := errors.Join(alive.Truncate(0), tellPID(alive)); err != nil {
		say(wordFailed, err.Error())
		return 1
	}
	sweep()
	interrupted, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	server, err := startServer(interrupted, r, dir, func(text string) { say(wordProgress, text) })
	if err != nil {
		say(wordFailed, err.Error())
		return 1
	}
	say(wordReady, "")
	starter.Close() // the starter reads no more
	door := watch(interrupted, r, dir, server.Done(), idleMax)
	if door != nil {
		defer door.Close() // who waits at the entrance finds another directory then, or none
	}
	err = errors.Join(os.Remove(filepath.Join(dir, address)), server.Stop(pgserver.Immediate))
	if door != nil || !r.alive() {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return 1
	}
	return 0
}

func tellPID(to *os.File) error {
	_, err := fmt.Fprintln(to, os.Getpid())
	return err
}

// startServer starts the server and writes its address down, in one step for those who read it.
func startServer(ctx context.Context, r run, dir string, progress func(string)) (*pgserver.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	server, err := pgserver.Start(ctx, pgserver.Options{Progress: progress})
	if err != nil {
		return nil, err
	}
	draft := filepath.Join(dir, address+".new")
	err = os.WriteFile(draft, []byte(server.Socket()), 0o600)
	if err == nil {
		err = os.Rename(draft, filepath.Join(dir, address))
	}
	if err != nil {
		return nil, errors.Join(err, server.Stop(pgserver.Immediate))
	}
	return server, nil
}

// watch returns when the server is no longer wanted or has ended; when nobody used it for idle it holds the entrance, so that nobody comes meanwhile.
func watch(interrupted context.Context, r run, dir string, ended <-chan struct{}, idle time.Duration) (door *os.File) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	lastUse := time.Now()
	for {
		select {
		case <-interrupted.Done():
			return nil
		case <-ended:
			return nil
		case <-tick.C:
		}
		if !r.alive() {
			return nil
		}
		if inUse(dir) {
			lastUse = time.Now()
		}
		if time.Since(lastUse) < idle {
			continue
		}
		door, err := lock(filepath.Join(dir, entrance), syscall.LOCK_EX)
		if err != nil {
			continue // somebody is coming
		}
		if !inUse(dir) {
			return door
		}
		door.Close() // gives the lock back
	}
}

// inUse says whether a test binary holds the lock of users; when that cannot be told it is taken to be so.
func inUse(dir string) bool {
	f, err := lock(filepath.Join(dir, users), syscall.LOCK_EX)
	if err != nil {
		return true
	}
	f.Close() // gives the lock back
	return false
}

// sweep removes the directories of runs that have ended without their keeper. What it cannot remove stays for the next.
func sweep() {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix()+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		if r, ours := runIn(dir); !ours || r.alive() {
			continue
		}
		// The keeper of a run that has just ended removes it itself.
		if alive, err := lock(filepath.Join(dir, keeperAlive), syscall.LOCK_EX); err == nil {
			_ = os.RemoveAll(dir)
			alive.Close() // gives the lock back
		}
	}
}
