package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// logTailBytes is how much of a program's output is kept for a refusal.
const logTailBytes = 4 << 10

// logTail keeps the last bytes written and passes everything on.
type logTail struct {
	mu   sync.Mutex
	tail []byte
	next io.Writer
}

func (l *logTail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, p...)
	if extra := len(l.tail) - logTailBytes; extra > 0 {
		l.tail = append(l.tail[:0], l.tail[extra:]...)
	}
	if l.next != nil {
		// The server must not stall because a reader of its log went away.
		if _, err := l.next.Write(p); err != nil {
			l.next = nil
		}
	}
	return len(p), nil
}

// lines gives the last n lines.
func (l *logTail) lines(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := strings.Split(strings.TrimSpace(string(l.tail)), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}

// child is a running server process.
type child struct {
	process *os.Process
	log     *logTail
	// done is closed when the process has ended.
	done chan struct{}
}

// startChild starts cmd so that the kernel stops it when this process dies. The kernel takes the death of the thread that forked for the death of the parent,
// so that thread belongs to the child until the child has ended.
func startChild(cmd *exec.Cmd, log *logTail) (*child, error) {
	cmd.Stdout, cmd.Stderr = log, log
	// Helpers of the server may hold the log pipe a little longer than the server lives.
	cmd.WaitDelay = 2 * time.Second
	dieWithParent(cmd.SysProcAttr)
	c := &child{log: log, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		c.process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		// A server says in its log why it ended; the exit status adds nothing.
		if err := cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
			fmt.Fprintln(log, "wait for the server:", err)
		}
		close(c.done)
	}()
	return c, <-started
}

// ended says whether the process is gone.
func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// run runs one program to its end as the identity, in dir, with a plain environment and no input, and gives its output for a refusal. libs is as in programs.
func (id identity) run(ctx context.Context, dir, libs, program string, args ...string) (string, error) {
	log := &logTail{}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = plainEnvironment(dir, libs)
	cmd.SysProcAttr = id.attributes()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	return log.lines(12), err
}

// plainEnvironment keeps the caller's PG* and locale variables away from the server.
func plainEnvironment(home, libs string) []string {
	plain := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C", "TZ=UTC"}
	if libs != "" {
		plain = append(plain, "LD_LIBRARY_PATH="+libs)
	}
	return plain
}
