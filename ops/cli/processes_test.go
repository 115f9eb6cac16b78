package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente/ops/devnet"
	"entente/ops/node"
)

// well is an exercise of four nations and three currencies, with an equipment case.
const well = "../../bridge/intake/testdata/euro"

// demo plays an exercise to its end with the real program and gives its report, its figures, and what it said meanwhile.
func demo(t *testing.T, args ...string) (report string, f devnet.Figures, said string) {
	t.Helper()
	var out, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "entente", append([]string{"demo", "--exit", "--json"}, args...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	report = strings.TrimSuffix(out.String(), "\n")
	last := strings.LastIndexByte(report, '\n') + 1
	if err := json.Unmarshal([]byte(report[last:]), &f); err != nil {
		t.Fatal(err)
	}
	return report[:last], f, stderr.String()
}

// comparable drops what no two runs share: roots over random keys, times and places.
func comparable(f devnet.Figures) devnet.Figures {
	f.Ledgers = slices.Clone(f.Ledgers)
	for i := range f.Ledgers {
		f.Ledgers[i].Root = ""
	}
	f.Bundle, f.Trust, f.PhasesMS = "", "", nil
	return f
}

func TestProcessesOfTheirOwnComeToTheSameFigures(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "results")
	_, apart, said := demo(t, "--processes", "--data", well, "--out", dir)
	_, together, _ := demo(t, "--data", well, "--out", t.TempDir())
	if diff := cmp.Diff(comparable(together), comparable(apart)); diff != "" {
		t.Errorf("-in one process +in processes of their own\n%s", diff)
	}
	if apart.Bills != 9 || apart.BillsPaid != 9 || !apart.Audit.Verified || len(apart.Divergences) != 1 {
		t.Errorf("the figures are %+v", apart)
	}
	if strings.ContainsAny(said, "\x1b\r") {
		t.Errorf("where nobody looks at a terminal it draws %q", said)
	}
	// What it leaves is what a person starts from.
	found := map[string]int{}
	files, err := filepath.Glob(filepath.Join(dir, "config", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		c, err := node.ReadConfig(file, "")
		if err != nil {
			t.Errorf("the program does not take what it wrote: %v", err)
			continue
		}
		found[c.Role]++
		if _, err := os.Stat(filepath.Join(dir, "logs", c.ID+".log")); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(map[string]int{node.RoleBank: 3, node.RoleDesk: 4, node.RoleProvider: 1}, found); diff != "" {
		t.Errorf("configuration files by role: -want +got\n%s", diff)
	}
}

// log gives what a process of the demo has logged.
func (r *run) log(t *testing.T, id string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(r.temp, "entente-demo-*", "logs", id+".log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return ""
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		return "" // the demo has just discarded it
	}
	return string(text)
}

// child finds the process of a role by its configuration file.
func (r *run) child(t *testing.T, id string) *os.Process {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte(r.temp)) || !bytes.Contains(line, []byte("/config/"+id+".json")) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/", &pid); err != nil {
			t.Fatal(err)
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		return process
	}
	return nil
}

func (r *run) kill(t *testing.T, id string) {
	t.Helper()
	process := r.child(t, id)
	if process == nil {
		t.Fatalf("there is no process of %s", id)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
}

// needsProc skips where processes cannot be looked at.
func needsProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("no /proc to find the child processes in")
	}
}

func TestAKilledProcessComesBackAndARefusedOneIsNamed(t *testing.T) {
	needsProc(t)
	t.Parallel()
	var out bytes.Buffer
	r := begin(t, &out, "--processes")
	r.until(t, "the end of the story", func() bool { return strings.Contains(r.said.String(), "everything stays up") })
	if _, processes := r.left(t); len(processes) < 6 { // two banks, two desks, a provider, a server
		t.Errorf("there are %q", processes)
	}
	results, err := filepath.Glob(filepath.Join(r.temp, "entente-demo-*"))
	if err != nil || len(results) != 1 {
		t.Fatal(results, err)
	}
	for _, id := range []string{"boj", "JPN"} {
		migrated, err := exec.CommandContext(t.Context(), "entente", "migrate", "--json", "--config", filepath.Join(results[0], "config", id+".json")).Output()
		var answer struct {
			ID       string `json:"id"`
			Role     string `json:"role"`
			Migrated bool   `json:"migrated"`
		}
		if err != nil || json.Unmarshal(migrated, &answer) != nil || answer.ID != id || !answer.Migrated || answer.Role == "" {
			t.Errorf("migrate of %s gives %q (%v)", id, migrated, err)
		}
	}
	for _, id := range []string{"boj", "JPN"} {
		r.kill(t, id)
		r.until(t, id+" open again", func() bool { return strings.Count(r.log(t, id), "is open") == 2 })
	}
	// Beside the bank that runs, after a kill.
	checked, err := exec.CommandContext(t.Context(), "entente", "bank", "fsck", "--json", "--config", filepath.Join(results[0], "config", "boj.json")).Output()
	var found struct {
		Bank    string `json:"bank"`
		Sound   bool   `json:"sound"`
		Entries int64  `json:"entries"`
	}
	if err != nil || json.Unmarshal(checked, &found) != nil || found.Bank != "boj" || !found.Sound || found.Entries < 5 {
		t.Errorf("fsck gives %q (%v)", checked, err)
	}
	if err := os.Chmod(filepath.Join(results[0], "keys", "provider.age"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.kill(t, "PROVIDER-1")
	if code := r.end(t); code != 1 {
		t.Errorf("exit code %d", code)
	}
	said := r.said.String()
	for _, want := range []string{"entente: process_lost: the process of PROVIDER-1 does not stay up: ", "insecure_key_file: ", "provider.age has mode -rw-r--r--", "what was settled stays settled"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if files, processes := r.left(t); len(files) != 1 || len(processes) > 0 {
		t.Errorf("left are %q and %q; only the results should be", files, processes)
	}
}

// A process that is refused while the story is played ends it soon, and the directory can be used again.
func TestAProcessRefusedInTheMiddleEndsTheDemo(t *testing.T) {
	needsProc(t)
	t.Parallel()
	var out bytes.Buffer
	r := begin(t, &out, "--processes")
	r.until(t, "the desk", func() bool { return strings.Contains(r.log(t, "AUS"), "proving keys") })
	keys, err := filepath.Glob(filepath.Join(r.temp, "entente-demo-*", "keys", "desk-AUS.age"))
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	if err := os.Chmod(keys[0], 0o640); err != nil {
		t.Fatal(err)
	}
	r.kill(t, "AUS")
	if code := r.end(t); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if said := r.said.String(); !strings.Contains(said, "entente: process_lost: the process of AUS ") || !strings.Contains(said, "insecure_key_file") {
		t.Errorf("it says\n%s", said)
	}
	if out.Len() > 0 {
		t.Errorf("it printed %q", out.String())
	}
	r.wantNothingLeft(t)
}

func TestChildrenDieWithAKilledDemo(t *testing.T) {
	needsProc(t)
	t.Parallel()
	var out bytes.Buffer
	r := begin(t, &out, "--processes")
	r.until(t, "the last process", func() bool { return r.child(t, "PROVIDER-1") != nil })
	if err := r.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := r.end(t); code != -1 {
		t.Errorf("exit code %d", code)
	}
	r.until(t, "the end of all children", func() bool {
		_, processes := r.left(t)
		return len(processes) == 0
	})
}
