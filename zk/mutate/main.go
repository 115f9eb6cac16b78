// Package mutate removes each group of constraints from the circuits in turn and asks the circuits' tests whether they notice:
//
//	go run ./zk/mutate
//
// A group is one assertion in the source of entente/zk/circuit: an equation, the rule that something is a bit or a list of bits, the opening of a commitment, the
// use of an input that nothing else uses. The source on disk is never touched: the tests are built once over a copy in which each assertion has a switch.
// Tests that merely count constraints are left out, and so is gnark's refusal to compile inputs without constraints: what remains must notice that something
// false can be proven. The last line of the output is {"mutants":n,"caught":n}; the exit code is 1 when they differ.
//
// NB: what defines a value (a product, a hash, an addition of points) is not removed here. That every value is held by its constraints is a test of its own.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// skipped are the tests that would notice any change of size, and say nothing about what can be proven, and those that only accept: a circuit with a
// constraint less accepts all it did.
const skipped = "^(TestEachConstraintCountIsAsPinned|TestCostsStayWithinTheirTargets|TestLargerChunksAgreeToo|TestNoCommitmentsAndNoHints|TestNative.*|TestTheEdges.*|TestTheHonest.*)$"

func main() {
	only := flag.String("only", "", "only mutants whose description contains this text")
	workers := flag.Int("workers", max(1, runtime.NumCPU()), "mutants tested at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	caught, all, err := run(ctx, *only, *workers)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	summary, err := json.Marshal(struct {
		Mutants int `json:"mutants"`
		Caught  int `json:"caught"`
	}{all, caught})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(string(summary))
	if caught != all {
		os.Exit(1)
	}
}

// run tests all mutants of the circuits and gives how many were noticed.
func run(ctx context.Context, only string, workers int) (caught, all int, err error) {
	temporary, err := os.MkdirTemp("", "entente-mutate-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(temporary)
	t, err := build(ctx, temporary)
	if err != nil {
		return 0, 0, err
	}
	// Without a change the tests must pass, or every mutant would seem to be caught.
	if passed, output, err := t.pass(ctx, ""); err != nil || !passed {
		return 0, 0, fmt.Errorf("mutate: the tests do not pass without a mutation: %w\n%s", err, output)
	}
	var (
		group   sync.WaitGroup
		mutex   sync.Mutex
		faults  []error
		waiting = make(chan int)
	)
	for range workers {
		group.Go(func() {
			for i := range waiting {
				passed, output, err := t.pass(ctx, strconv.Itoa(i))
				mutex.Lock()
				switch {
				case err != nil:
					faults = append(faults, fmt.Errorf("mutate: %s: %w\n%s", t.mutants[i], err, output))
				case passed:
					fmt.Printf("NOT NOTICED  %s\n", t.mutants[i])
				default:
					caught++
					fmt.Printf("noticed      %s: %s\n", t.mutants[i], noticedBy(output))
				}
				mutex.Unlock()
			}
		})
	}
	for i, what := range t.mutants {
		if ctx.Err() == nil && strings.Contains(what, only) {
			all++
			waiting <- i
		}
	}
	close(waiting)
	group.Wait()
	return caught, all, errors.Join(append(faults, ctx.Err())...)
}

// tests are those of the circuits, built over sources with a switch around each assertion.
type tests struct {
	dir     string // of the circuits
	binary  string
	mutants []string // by the number of their switch
}

func build(ctx context.Context, scratch string) (tests, error) {
	output, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "entente/zk/circuit").Output()
	if err != nil {
		return tests{}, fmt.Errorf("mutate: finding the circuits: %w", err)
	}
	t := tests{dir: strings.TrimSpace(string(output)), binary: filepath.Join(scratch, "circuit.test")}
	overlay := map[string]string{}
	put := func(place string, text []byte) error {
		copied := filepath.Join(scratch, filepath.Base(place))
		overlay[place] = copied
		return os.WriteFile(copied, text, 0o600)
	}
	files, err := sources(t.dir)
	if err != nil {
		return tests{}, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return tests{}, err
		}
		r, err := rewrite(file, text, len(t.mutants))
		if err != nil {
			return tests{}, err
		}
		t.mutants = append(t.mutants, r.mutants...)
		if err := put(file, r.text); err != nil {
			return tests{}, err
		}
	}
	if err := put(filepath.Join(t.dir, "switches.go"), []byte(switches)); err != nil {
		return tests{}, err
	}
	list, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return tests{}, err
	}
	listed := filepath.Join(scratch, "overlay.json")
	if err := os.WriteFile(listed, list, 0o600); err != nil {
		return tests{}, err
	}
	if output, err := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", listed, "-o", t.binary, "entente/zk/circuit").CombinedOutput(); err != nil {
		return tests{}, fmt.Errorf("mutate: building: %w\n%s", err, output)
	}
	return t, nil
}

func sources(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	return slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "_test.go") }), err
}

// pass says whether the tests pass with one switch off. The error is for a mutant that could not be tested.
func (t tests) pass(ctx context.Context, off string) (passed bool, output []byte, err error) {
	test := exec.CommandContext(ctx, t.binary, "-test.failfast", "-test.skip", skipped, "-unconstrained", "-rapid.nofailfile")
	test.Dir, test.Env = t.dir, append(os.Environ(), variable+"="+off)
	output, err = test.CombinedOutput()
	var failed *exec.ExitError
	if errors.As(err, &failed) && ctx.Err() == nil && bytes.Contains(output, []byte("--- FAIL: ")) {
		return false, output, nil
	}
	return err == nil, output, err
}

// noticedBy gives the name of the first test that failed.
func noticedBy(output []byte) string {
	_, rest, _ := bytes.Cut(output, []byte("--- FAIL: "))
	name, _, _ := bytes.Cut(rest, []byte(" "))
	return string(name)
}
