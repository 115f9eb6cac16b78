package cli_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// endWait is how long a program may take to end in order on a busy machine.
const endWait = 30 * time.Second

// run is one demo of the tide with a temporary directory of its own, where everything it starts has its files.
type run struct {
	cmd  *exec.Cmd
	temp string
	said screen
	done chan error
}

// screen collects what a program says, and can be read meanwhile.
type screen struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.String()
}

// begin starts a demo. Standard output goes to out, standard error is collected.
func begin(t *testing.T, out io.Writer, args ...string) *run {
	t.Helper()
	temp, err := os.MkdirTemp("/tmp", "cli-test-") // short, and within reach of the server's own user
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	r := &run{cmd: exec.Command("entente", append([]string{"demo", "--data", tide}, args...)...), temp: temp, done: make(chan error, 1)}
	r.cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	r.cmd.Stdout, r.cmd.Stderr = out, &r.said
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.done <- r.cmd.Wait() }()
	t.Cleanup(func() {
		if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		os.RemoveAll(temp)
	})
	return r
}

// until waits for something to be so.
func (r *run) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come\n%s", what, r.said.String())
		}
	}
}

// end waits for the program's own end and gives its exit code.
func (r *run) end(t *testing.T) int {
	t.Helper()
	select {
	case err := <-r.done:
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			return ended.ExitCode() // -1 when a signal killed it
		} else if err != nil {
			t.Fatal(err)
		}
		return 0
	case <-time.After(endWait):
		t.Fatalf("it does not end\n%s", r.said.String())
		return 0
	}
}

// left lists what is in the temporary directory, and the processes that work there.
func (r *run) left(t *testing.T) (files, processes []string) {
	t.Helper()
	entries, err := os.ReadDir(r.temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		files = append(files, e.Name())
	}
	if runtime.GOOS != "linux" {
		return files, nil
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(r.temp)) { // a process that has just ended has none
			processes = append(processes, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return files, processes
}

func (r *run) wantNothingLeft(t *testing.T) {
	t.Helper()
	if files, processes := r.left(t); len(files) > 0 || len(processes) > 0 {
		t.Errorf("left are %q and %q\n%s", files, processes, r.said.String())
	}
}

func TestASignalEndsARunningDemoInOrder(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := begin(t, &out)
	r.until(t, "the end of the story", func() bool { return strings.Contains(r.said.String(), "everything stays up") })
	if _, processes := r.left(t); len(processes) == 0 && runtime.GOOS == "linux" {
		t.Error("no server runs while everything stays up")
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := r.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.said.String())
	}
	if files, processes := r.left(t); len(files) != 1 || !strings.HasPrefix(files[0], "entente-demo-") || len(processes) > 0 {
		t.Errorf("left are %q and %q; only the results should be", files, processes)
	}
	if !strings.Contains(out.String(), "exercise.bundle") {
		t.Error("the report is not there")
	}
}

func TestASignalInTheMiddleLeavesNothing(t *testing.T) {
	began := func(pattern string) func(*run) bool {
		return func(r *run) bool {
			found, err := filepath.Glob(filepath.Join(r.temp, pattern))
			return err == nil && len(found) > 0
		}
	}
	for _, test := range []struct {
		name   string
		moment func(*run) bool
	}{
		{"while the server starts", began("entente-pg-*")},
		{"while banks start", began("entente-demo-*/network.json")},
		{"while the story is played", func(r *run) bool {
			found, _ := filepath.Glob(filepath.Join(r.temp, "entente-broker-*/jetstream/*/streams/*"))
			return len(found) > 2
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			r := begin(t, &out)
			r.until(t, test.name, func() bool { return test.moment(r) })
			if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if code := r.end(t); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if said := r.said.String(); !strings.Contains(said, "entente: interrupted: ") {
				t.Errorf("it does not say that it was interrupted:\n%s", said)
			}
			if out.Len() > 0 {
				t.Errorf("it printed %q", out.String())
			}
			r.wantNothingLeft(t)
		})
	}
}

// A directory that was asked for stays, empty, so that it can be used again.
func TestASignalLeavesAGivenDirectoryEmpty(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "results")
	r := begin(t, io.Discard, "--out", out)
	r.until(t, "the trust file", func() bool { _, err := os.Stat(filepath.Join(out, "network.json")); return err == nil })
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := r.end(t); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v\n%s", left, err, r.said.String())
	}
	r.wantNothingLeft(t)
}

// A reader that goes away, as head does, is an error of writing: the demo ends by itself, in order, and does not claim success.
func TestAClosedPipeDoesNotHangTheDemo(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := begin(t, writer)
	if err := errors.Join(writer.Close(), reader.Close()); err != nil {
		t.Fatal(err)
	}
	if code := r.end(t); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if said := r.said.String(); !strings.Contains(said, "broken pipe") {
		t.Errorf("it says\n%s", said)
	}
	if files, processes := r.left(t); len(files) != 1 || !strings.HasPrefix(files[0], "entente-demo-") || len(processes) > 0 {
		t.Errorf("left are %q and %q; only the results should be", files, processes)
	}
}
