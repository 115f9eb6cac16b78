package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"entente/ops/cli"
)

// tide is an exercise with one line, one bill and one swap, for sessions that need a whole one soon.
const tide = "testdata/tide"

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){
		"entente": func() { os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// suite runs the tests and removes what they shared.
type suite struct{ m *testing.M }

func (s suite) Run() int {
	code := s.m.Run()
	if err := errors.Join(shared.remove(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		code = max(code, 1)
	}
	return code
}

// Each file is a session at a shell. The program is the real one, built into this test.
func TestSessions(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "spoil": spoil, "flip": flip, "cut": cut, "without": without, "figures": figures,
		},
		Condition: func(name string) (bool, error) { return false, fmt.Errorf("unknown condition %q", name) },
	})
}

// setUp gives a session the data of two exercises, and the caches of the user who runs the tests.
func setUp(env *testscript.Env) error {
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "ENTENTE_KEYS_DIR", "PGBINDIR", "DATABASE_URL"} {
		if value, ok := os.LookupEnv(name); ok {
			env.Setenv(name, value)
		}
	}
	for name, from := range map[string]string{"tide": tide, "well": "../../bridge/intake/testdata/euro"} {
		if err := os.CopyFS(filepath.Join(env.WorkDir, name), os.DirFS(from)); err != nil {
			return err
		}
	}
	return nil
}

// exits runs a program and wants this exit code: exits 2 entente audit verify.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENTS")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want, err := strconv.Atoi(args[0]); err != nil || want != got {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// spoil makes a fresh copy of a data directory with one thing replaced: spoil tide agreement.json AUD AUX. The copy is called spoilt.
func spoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: spoil DIR FILE OLD NEW")
	}
	copied := ts.MkAbs("spoilt")
	ts.Check(os.RemoveAll(copied))
	ts.Check(os.CopyFS(copied, os.DirFS(ts.MkAbs(args[0]))))
	path := filepath.Join(copied, args[1])
	text, err := os.ReadFile(path)
	ts.Check(err)
	if !bytes.Contains(text, []byte(args[2])) {
		ts.Fatalf("%s does not say %q", args[1], args[2])
	}
	ts.Check(os.WriteFile(path, bytes.Replace(text, []byte(args[2]), []byte(args[3]), 1), 0o644))
}

// flip changes one bit of a file: flip FILE POSITION.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := []byte(ts.ReadFile(args[0]))
	b[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
}

// cut shortens a file to so many bytes: cut FILE SIZE.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// without empties a list of a JSON file: without network.json circuits.
func without(ts *testscript.TestScript, neg bool, args []string) {
	var document map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &document))
	if list, ok := document[args[1]].([]any); !ok || len(list) == 0 {
		ts.Fatalf("%s has no list %q", args[0], args[1])
	}
	document[args[1]] = []any{}
	text, err := json.MarshalIndent(document, "", "  ")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o644))
}

// figures wants the last line of what a demo printed to be one object with exactly the names that programs rely on, and these values: figures stdout bills=9.
func figures(ts *testscript.TestScript, neg bool, args []string) {
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	var object map[string]json.RawMessage
	ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &object))
	names := "audit bills bills_paid bundle divergences ledgers line_items phases_ms programme_totals swaps_aborted swaps_settled trust"
	var got []string
	for name := range object {
		got = append(got, name)
	}
	if len(got) != len(strings.Fields(names)) {
		ts.Fatalf("the names are %q, want %s", got, names)
	}
	for _, name := range strings.Fields(names) {
		if _, ok := object[name]; !ok {
			ts.Fatalf("there is no %q", name)
		}
	}
	for _, arg := range args[1:] {
		name, want, _ := strings.Cut(arg, "=")
		value := object
		inner, rest, nested := strings.Cut(name, ".")
		if nested {
			value = nil
			ts.Check(json.Unmarshal(object[inner], &value))
			inner = rest
		}
		if string(value[inner]) != want {
			ts.Fatalf("%s is %s, want %s", name, value[inner], want)
		}
	}
}

// results are what one demo left behind, for every test that needs a bundle.
type results struct {
	once        sync.Once
	err         error
	dir         string
	trust, file string
}

var shared results

// demoOnce plays the tide with the real program, the first time it is asked.
func demoOnce(t *testing.T) *results {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "cli-test-"); shared.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		out := filepath.Join(shared.dir, "results")
		cmd := exec.CommandContext(ctx, "entente", "demo", "--exit", "--data", tide, "--out", out)
		var said []byte
		if said, shared.err = cmd.CombinedOutput(); shared.err != nil {
			shared.err = fmt.Errorf("%w\n%s", shared.err, said)
		}
		shared.trust, shared.file = filepath.Join(out, "network.json"), filepath.Join(out, "exercise.bundle")
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return &shared
}

func (r *results) remove() error {
	if r.dir == "" {
		return nil
	}
	return os.RemoveAll(r.dir)
}
