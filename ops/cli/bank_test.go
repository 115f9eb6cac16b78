package cli_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entente/ops/node"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// operating is a development network that stays up, and the words of its operators' sessions.
type operating struct {
	t      *testing.T
	dir    string
	broker string
	text   strings.Builder
	names  map[string]string // hashes as the session calls them
}

// startOperating plays an exercise and leaves the network running until the test ends.
func startOperating(t *testing.T) *operating {
	t.Helper()
	s := &operating{t: t, dir: filepath.Join(t.TempDir(), "net"), names: map[string]string{}}
	r := begin(t, io.Discard, "--processes", "--out", s.dir)
	t.Cleanup(func() {
		if err := r.cmd.Process.Signal(os.Interrupt); err == nil {
			<-r.done //nolint:errcheck // it was told to end
		}
	})
	r.until(t, "the network", func() bool { return strings.Contains(r.said.String(), "everything stays up") })
	s.broker = regexp.MustCompile(`nats://\S+`).FindString(r.said.String())
	return s
}

// run types one command and keeps what it says. %maker and %checker stand for an operator's flags.
func (s *operating) run(line string) string {
	s.t.Helper()
	args := strings.Fields(line)
	var typed []string
	for _, a := range args {
		switch a {
		case "%maker", "%checker":
			typed = append(typed, "--trust", filepath.Join(s.dir, "network.json"), "--unlock", filepath.Join(s.dir, "keys", "unlock"),
				"--keys", filepath.Join(s.dir, "keys", "operator-rba-"+a[1:]+".age"))
		case "%broker":
			typed = append(typed, "--broker", s.broker)
		default:
			for hash, name := range s.names {
				a = strings.ReplaceAll(a, name, hash)
			}
			typed = append(typed, a)
		}
	}
	cmd := exec.CommandContext(s.t.Context(), "entente", typed...)
	cmd.Dir = filepath.Dir(s.dir)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	fmt.Fprintf(&s.text, "$ entente %s\n%s%s", line, out.String(), stderr.String())
	if err != nil {
		fmt.Fprintf(&s.text, "(exit %d)\n", cmd.ProcessState.ExitCode())
	}
	s.text.WriteString("\n")
	return out.String()
}

// call names the hash of an order that was just answered.
func (s *operating) call(name, answer string) {
	if hash := regexp.MustCompile(`[0-9a-f]{64}`).FindString(answer); hash != "" {
		s.names[hash] = name
	}
}

func (s *operating) say(text string) { s.text.WriteString("# " + text + "\n") }

// session gives the text with what differs from run to run written as words.
func (s *operating) session() string {
	text := s.text.String()
	for hash, name := range s.names {
		text = strings.ReplaceAll(text, hash, name)
	}
	for pattern, word := range map[string]string{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`: "<time>", `\d{4}-\d\d-\d\d`: "<day>", `[0-9a-f]{64}`: "<hash>", `\b[0-9a-f]{16}\b`: "<hash>"} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, word)
	}
	text = regexp.MustCompile(`(?m) +$`).ReplaceAllString(text, "")
	return regexp.MustCompile(`(\S)  +`).ReplaceAllString(text, "$1  ")
}

func TestTheOperatorsDay(t *testing.T) {
	s := startOperating(t)
	today := time.Now().UTC().Format("2006-01-02")
	s.say("What the exercise left, as of one moment.")
	s.run("bank status %maker %broker")
	s.say("The day is opened and a limit set; one operator is enough.")
	s.run("bank order open-day --day " + today + " %maker %broker")
	s.run("bank order limit --account RBA-PROVIDER-1 --per-transfer 100 --per-day 150 --reason prudence %maker %broker")
	s.say("Tokens come into being on a movement of reserves, and on the word of two.")
	s.run("bank order issue --account RBA-AUS --amount 1000.00 --reserve RTGS-77 %maker %broker")
	s.call("<issue>", s.run("bank order issue --account RBA-AUS --amount 1000.00 --reserve RTGS-77 --out issue %maker"))
	s.run("bank send issue %maker %broker")
	s.run("bank sign issue %maker")
	s.run("bank sign issue %checker")
	s.run("bank send issue %checker %broker")
	s.run("bank send issue %maker %broker")
	s.say("The same movement backs nothing else, and the reserves must be the supply.")
	s.call("<again>", s.run("bank order issue --account RBA-AUS --amount 5.00 --reserve RTGS-77 --out again %maker"))
	s.run("bank sign again %checker")
	s.run("bank send again %maker %broker")
	s.run("bank order reconcile --amount 1.00 --reserve STATEMENT-1 %maker %broker")
	s.run("bank order reconcile --amount 3056.91 --reserve STATEMENT-2 %maker %broker")
	s.say("A mistake is undone by a new entry, once.")
	s.call("<reverse>", s.run("bank order reverse --entry 11 --reason typo --out reverse %maker"))
	s.run("bank sign reverse %checker")
	s.run("bank send reverse %maker %broker")
	s.call("<twice>", s.run("bank order reverse --entry 11 --out twice %maker"))
	s.run("bank sign twice %checker")
	s.run("bank send twice %maker %broker")
	s.say("Money is set aside, within the limits, and given back.")
	s.run("bank order hold --account RBA-PROVIDER-1 --payee RBA-AUS --amount 100.01 %maker %broker")
	s.call("<hold>", s.run("bank order hold --account RBA-PROVIDER-1 --payee RBA-AUS --amount 100.00 %maker %broker"))
	s.run("bank order hold --account RBA-PROVIDER-1 --payee RBA-AUS --amount 50.01 --expires 36h %maker %broker")
	s.run("bank status %maker %broker")
	s.run("bank order void --hold <hold> %maker %broker")
	s.say("An emergency stop takes one, going on two. Between days nothing starts.")
	s.run("bank order halt %maker %broker")
	s.run("bank order hold --account RBA-PROVIDER-1 --payee RBA-AUS --amount 1.00 %maker %broker")
	s.run("bank order resume %maker %broker")
	s.call("<resume>", s.run("bank order resume --out resume %maker"))
	s.run("bank sign resume %checker")
	s.run("bank send resume %checker %broker")
	s.run("bank order close-day --day " + today + " %maker %broker")
	s.run("bank order hold --account RBA-PROVIDER-1 --payee RBA-AUS --amount 1.00 %maker %broker")
	s.say("What was, and what it came to.")
	s.run("bank balance --account RBA-AUS --entries 6 %maker %broker")
	s.run("bank balance --account RBA-AUS --entries 99 %maker %broker")
	s.run("bank statement --account RBA-AUS %maker %broker")
	s.run("bank statement --account RBA-PROVIDER-1 --from " + today + " %maker %broker")
	s.run("bank statement --account NOWHERE %maker %broker")

	var ledger node.Ledger
	if err := json.Unmarshal([]byte(s.run("bank status --json %maker %broker")), &ledger); err != nil || ledger.SupplyMinor != 205_691 || ledger.DayState != "closed" || ledger.Halted ||
		len(ledger.Accounts) != 4 || ledger.Reconciled == nil || ledger.Reconciled.SinceMinor != -100_000 {
		t.Errorf("%+v, %v", ledger, err)
	}
	var statement node.Statement
	if err := json.Unmarshal([]byte(s.run("bank statement --json --account RBA-AUS %maker %broker")), &statement); err != nil || statement.Opening.BalanceMinor != 0 ||
		len(statement.Lines) != 7 || statement.Lines[6].BalanceMinor != statement.Closing.BalanceMinor {
		t.Errorf("%+v, %v", statement, err)
	}
	text := s.session()
	text = text[:strings.Index(text, "$ entente bank status --json")]
	golden := filepath.Join("testdata", "operator.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("-want +got, rewritten with -update:\n%s", diff)
	}
}
