package cli_test

import (
	"context"
	"flag"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/bridge/intake"
	"entente/ops/devnet"
	"entente/ops/failpoint"
	"entente/settlement/payment"
	"entente/zk/audit"
	"entente/zk/proof"
)

// Without the flag all failpoints are passed in two exercises: those of the demo of crashes, and the others at once. With it, every one has an exercise of
// its own as well.
var allFailpoints = flag.Bool("all-failpoints", false, "one exercise for each failpoint")

// rows gives the table below a heading of a report: the cells of each row, without the header.
func rows(t *testing.T, report, heading, header string) [][]string {
	t.Helper()
	_, below, found := strings.Cut(report, "\n"+heading+"\n")
	if !found {
		t.Fatalf("the report has no part %q:\n%s", heading, report)
	}
	below, _, _ = strings.Cut(below, "\n\n")
	var table [][]string
	for _, line := range strings.Split(below, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), header) {
			table = [][]string{}
			continue
		}
		if table == nil {
			continue
		}
		var cells []string
		for _, cell := range strings.Split(line, "  ") {
			if cell = strings.TrimSpace(cell); cell != "" {
				cells = append(cells, cell)
			}
		}
		table = append(table, cells)
	}
	return table
}

// demoCrashes are where the demo kills whom in this exercise.
var demoCrashes = map[string]string{"eurosystem": failpoint.BankVoteStored, "boe": failpoint.BankDecisionStored, "DEU": failpoint.DeskApprovalStored, "Postgres": "immediate stop under load"}

func TestADemoOfCrashesSettlesEverything(t *testing.T) {
	t.Parallel()
	report, f, said := demo(t, "--crash", "--data", well, "--out", t.TempDir())
	died := map[string]string{}
	var dark, light string
	for _, row := range rows(t, report, "Crashes", "process") {
		if len(row) != 4 || row[3] < row[2] {
			t.Errorf("the row is %q", row)
			continue
		}
		died[row[0]] = row[1]
		if row[0] == "Postgres" {
			dark, light = row[2], row[3]
		}
	}
	for process, point := range demoCrashes {
		if died[process] != point {
			t.Errorf("%s was killed at %q, want %q", process, died[process], point)
		}
	}
	// Under load: some payments were made before the power went, and settled after it was back.
	through := 0
	for _, row := range rows(t, report, "Payments", "payer") {
		if len(row) != 8 || row[4] != "settled" {
			t.Errorf("the payment is %q", row)
		} else if row[5] < dark && light < row[6] {
			through++
		}
	}
	if through == 0 {
		t.Errorf("no payment went through the power loss from %s to %s\n%s", dark, light, report)
	}
	if f.Bills != 9 || f.BillsPaid != 9 || f.SwapsSettled != 7 || !f.Audit.Verified || f.Audit.BillProofs != 9 {
		t.Errorf("the figures are %+v", f)
	}
	for _, l := range f.Ledgers {
		if l.SupplyMinor <= 0 || l.SupplyMinor != l.BalancesSumMinor {
			t.Errorf("the ledger does not add up: %+v", l)
		}
	}
	if strings.Contains(said, "entente:") {
		t.Errorf("it says\n%s", said)
	}
}

// crashing is an exercise in processes that die once each.
type crashing struct {
	name      string
	points    map[string]string // by process
	powerLoss bool
}

// crashings are the exercises that are played. Who dies where follows from who pays whom: the United Kingdom and Kuwait pay in other currencies than their
// own, so that their banks propose and decide, and the Eurosystem votes and acknowledges.
func crashings() []crashing {
	list := []crashing{{"six at once", map[string]string{"cbk": failpoint.BankCosignStored, "boe": failpoint.BankProposeStored, "eurosystem": failpoint.BankAckStored,
		"FRA": failpoint.DeskMakeStored, "GBR": failpoint.DeskQuoteStored, "KWT": failpoint.DeskSubmitStored}, false}}
	if !*allFailpoints {
		return list
	}
	places := map[string]string{
		failpoint.BankProposeStored: "cbk", failpoint.BankVoteStored: "eurosystem", failpoint.BankDecisionStored: "boe", failpoint.BankAckStored: "eurosystem",
		failpoint.BankCosignStored: "boe",
		failpoint.DeskMakeStored:   "DEU", failpoint.DeskApprovalStored: "FRA", failpoint.DeskQuoteStored: "KWT", failpoint.DeskSubmitStored: "GBR",
	}
	for _, point := range failpoint.Names() {
		list = append(list, crashing{point + " alone", map[string]string{places[point]: point}, false})
	}
	return append(list, crashing{"the database alone", nil, true})
}

func TestEveryFailpointIsAmongTheExercises(t *testing.T) {
	passed := slices.Collect(maps.Values(demoCrashes))
	for _, c := range crashings() {
		for _, point := range c.points {
			passed = append(passed, point)
		}
	}
	for _, point := range failpoint.Names() {
		if !slices.Contains(passed, point) {
			t.Errorf("nobody dies at %s", point)
		}
	}
}

func TestWhoeverDiesWhereverEverythingSettles(t *testing.T) {
	for _, c := range crashings() {
		t.Run(c.name, func(t *testing.T) {
			if !*allFailpoints {
				t.Parallel() // otherwise there are too many for one machine
			}
			c.play(t)
		})
	}
}

// asEntente makes child processes of this test take its name for the program's, which is how one binary is both.
var asEntente = sync.OnceFunc(func() { os.Args[0] = "entente" })

func (c crashing) play(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	asEntente()
	files := os.DirFS(well)
	exercise, err := intake.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := fs.ReadFile(files, "agreement.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := proof.DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := proof.OpenDevelopment(ctx, cache, devnet.Circuits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	net, err := devnet.Start(ctx, devnet.Options{Dir: dir, Exercise: exercise, Sheet: sheet, Files: files, Keys: keys, KeysDir: cache,
		Processes: true, Failpoints: c.points, PowerLoss: c.powerLoss, Progress: func(string) {}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := net.Close(); err != nil {
			t.Error(err)
		}
	}()
	story, err := net.Play(ctx, func(string, int, int) {})
	if err != nil {
		logs, _ := filepath.Glob(filepath.Join(dir, "logs", "*.log"))
		for _, log := range logs {
			text, _ := os.ReadFile(log)
			t.Logf("%s\n%s", filepath.Base(log), text)
		}
		t.Fatal(err)
	}
	c.judge(t, story)
}

// judge wants everybody to have died where they should, and everything to be as if nobody had.
func (c crashing) judge(t *testing.T, s *devnet.Story) {
	t.Helper()
	died := map[string]string{}
	for _, crash := range s.Crashes {
		if died[crash.Process] != "" || crash.Back.Before(crash.At) {
			t.Errorf("%s died again: %+v", crash.Process, crash)
		}
		died[crash.Process] = crash.Point
	}
	for process, point := range c.points {
		if died[process] != point {
			t.Errorf("%s died at %q, want %q", process, died[process], point)
		}
	}
	if due := len(c.points); c.powerLoss && len(died) != due+1 || !c.powerLoss && len(died) != due {
		t.Errorf("they died at %v", died)
	}
	paid := map[string]int{}
	for _, p := range s.Payments {
		if p.State != payment.Settled {
			t.Errorf("payment %s is %s: %s", p.Instruction.UETR, p.State, p.Reason)
			continue
		}
		for _, b := range p.Instruction.Bills {
			paid[b.String()]++
		}
	}
	if len(s.Bills) != 9 {
		t.Errorf("there are %d bills", len(s.Bills))
	}
	for _, b := range s.Bills {
		if paid[b.Hash.String()] != 1 {
			t.Errorf("bill %s was paid %d times", b.Hash.Short(), paid[b.Hash.String()])
		}
	}
	settled := 0
	for _, l := range s.Summaries {
		settled += l.SwapsSettled
		if l.SupplyMinor <= 0 || l.SupplyMinor != l.BalancesSumMinor || l.SwapsOpen != 0 {
			t.Errorf("the ledger does not add up: %+v", l)
		}
	}
	if settled != 7 {
		t.Errorf("%d swaps settled", settled)
	}
	for nation, a := range s.After {
		if a.AvailableMinor != a.BalanceMinor || a.PendingInMinor != 0 {
			t.Errorf("something is still pending on the account of %s: %+v", nation, a)
		}
	}
	if s.Report.Result != audit.Valid || s.Report.ItemsDisclosed != 0 {
		t.Errorf("the audit:\n%s", s.Report.Certificate())
	}
}
