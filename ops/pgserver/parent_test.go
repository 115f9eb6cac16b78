package pgserver

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startHelper starts another process with a server in dir and gives it with the server's process id and directories.
func startHelper(t *testing.T, id identity, program, dir, home string) (parent *exec.Cmd, pid int, work, data string) {
	t.Helper()
	parent = exec.Command(program)
	parent.Env = append(os.Environ(), helperDir+"="+dir, "HOME="+home)
	parent.Dir = "/"
	parent.Stderr = os.Stderr
	if id.dropped {
		parent.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id.uid, Gid: id.gid}}
	}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the helper started no server: %v (%v)", err, parent.Wait())
	}
	if _, err := fmt.Sscan(line, &pid, &work, &data); err != nil {
		t.Fatal(err)
	}
	return parent, pid, work, data
}

// family lists the server and its own children.
func family(t *testing.T, pid int) []int {
	t.Helper()
	out, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Skipf("no way to list a process's children here: %v", err)
	}
	all := []int{pid}
	for _, field := range strings.Fields(string(out)) {
		child, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, child)
	}
	return all
}

// alive says whether a process runs; one that only waits to be buried does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func awaitEnd(t *testing.T, pids []int) {
	t.Helper()
	begin := time.Now()
	for _, pid := range pids {
		for alive(pid) {
			if time.Since(begin) > 10*time.Second {
				t.Fatalf("process %d still runs 10 s after its parent was killed", pid)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	t.Logf("%d processes were gone %d ms after the kill", len(pids), time.Since(begin).Milliseconds())
}

func TestTheServerDiesWithItsKilledParent(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent, pid, work, _ := startHelper(t, identity{}, self, "temporary", "/nonexistent")
	pids := family(t, pid)
	if len(pids) < 4 {
		t.Fatalf("the server has the processes %v only", pids)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Fatal("the helper ended by itself")
	}
	awaitEnd(t, pids)
	if _, err := os.Stat(work); err != nil {
		t.Fatalf("a killed process cannot have cleaned up: %v", err)
	}
	started(t, Options{})
	if _, err := os.Stat(work); !os.IsNotExist(err) {
		t.Errorf("the next start left %s (%v)", work, err)
	}
}

// The kernel takes the end of the thread that forked for the end of the parent, and Go ends threads that a goroutine locked and left.
func TestTheServerOutlivesTheThreadsOfItsParent(t *testing.T) {
	s := started(t, Options{})
	var ready, leave sync.WaitGroup
	leave.Add(1)
	for range 64 {
		ready.Add(1)
		go func() {
			runtime.LockOSThread()
			ready.Done()
			leave.Wait()
		}()
	}
	ready.Wait()
	leave.Done()
	select {
	case <-s.Done():
		t.Errorf("the server ended with a thread: %s", s.LogTail())
	case <-time.After(500 * time.Millisecond):
	}
}

func TestAKilledParentsClusterStartsAgainAtOnce(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := lastingDir(t)
	parent, pid, _, _ := startHelper(t, identity{}, self, dir, "/nonexistent")
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Fatal("the helper ended by itself")
	}
	s := started(t, Options{Dir: dir})
	if s.PID() == pid {
		t.Error("the same process cannot serve on")
	}
}

func TestAnOrdinaryUserRunsTheServerAsThemselves(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the other tests run as an ordinary user already")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary lies in a folder that only root may enter.
	home := reachableDir(t)
	user := identity{uid: nobody, gid: nobody, dropped: true}
	if err := user.own(home); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(home, "helper")
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	parent, pid, work, _ := startHelper(t, user, program, "temporary", home)
	process, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		t.Fatal(err)
	}
	if uid, _ := owner(process); uid != nobody {
		t.Errorf("the server runs as user %d", uid)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Fatal("the helper ended by itself")
	}
	awaitEnd(t, []int{pid})
	if err := os.RemoveAll(work); err != nil {
		t.Error(err)
	}
}
