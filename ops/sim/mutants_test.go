package sim

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var mutants = flag.Bool("mutants", false, "break guards of the machine in a copy of the source and see the simulator notice")

var mutantsOut = flag.String("mutants-out", "", "file for how many were caught")

// mutant is one guard of the machine taken away.
type mutant struct {
	name       string
	file       string
	code, into string
	seeds      int // that are played at most
}

const (
	initiatorGo = "settlement/swap/initiator.go"
	responderGo = "settlement/swap/responder.go"
	machineGo   = "settlement/swap/machine.go"
	greetingGo  = "settlement/swap/greeting.go"
	proposalGo  = "settlement/swap/proposal.go"
	receiveGo   = "settlement/swap/receive.go"
	foldGo      = "settlement/ledger/fold.go"
	paymentsGo  = "settlement/ledger/payments.go"
)

// allMutants take away, piece by piece, what makes settlement safe and live.
var allMutants = []mutant{
	{"the responder gives back by its clock", greetingGo, "	var due []*Swap\n	for id := range m.open {\n", `	for _, s := range m.swaps {
		if s.Role == Responder && s.State == Prepared && now >= s.Terms.DecideByMS {
			entries, _ := m.ledger.Void(s.ID, s.ID, now)
			m.apply(out, entries)
			s.enter(Aborted, now)
			m.changed(out, s)
		}
	}
	var due []*Swap
	for id := range m.open {
`, 2_000},
	{"a commit posts to the payee at once", initiatorGo, "m.ledger.Post(s.ID, s.Peers[0].Vote, m.ledger.Suspense(), now)", `m.ledger.Post(s.ID, s.Peers[0].Vote, "", now)`, 2_000},
	{"a commit is final without an acknowledgement", initiatorGo, "	s.enter(Committed, now)\n	m.decide(out, s, now)\n", "	s.enter(Committed, now)\n	m.decide(out, s, now)\n	m.payOn(out, s, s.Decision, now)\n	s.enter(Settled, now)\n", 2_000},
	{"a committed swap still expires", machineGo, "s.Role == Initiator && s.State == Proposed {", "s.Role == Initiator && (s.State == Proposed || s.State == Committed) {", 2_000},
	{"a refused vote commits", initiatorGo, "p.Vote, p.Prepared, fresh = hash, v.Prepared, true", "p.Vote, p.Prepared, fresh = hash, true, true", 2_000},
	{"a commit names another hash than the vote's", initiatorGo, "d.Votes = append(d.Votes, q.Vote)", "d.Votes = append(d.Votes, s.Terms.Instruction)\n			_ = q", 2_000},
	{"a proposal is voted on each time it comes", responderGo, "if s := m.swaps[p.Swap]; s != nil {", "if s := m.swaps[p.Swap]; s != nil && false {", 2_000},
	{"a decision is carried out each time it comes", responderGo, "	if s.Decision != (wire.Hash{}) {\n		m.decidedAgain", "	if false {\n		m.decidedAgain", 2_000},
	{"a quote is never used up", responderGo, "m.quotes[before.QuoteHash]; used {", "m.quotes[before.QuoteHash]; used && false {", 5_000},
	{"a quote is free again after a restart", machineGo, "	c.Peers = append([]Peering(nil), s.Peers...)\n	m.keep(&c)", "	c.Peers = append([]Peering(nil), s.Peers...)\n	if c.Role == Responder {\n		m.swaps[c.ID] = &c\n		return\n	}\n	m.keep(&c)", 20_000},
	{"an aborted swap keeps its quote", machineGo, "				delete(m.quotes, s.Quote)\n", "", 5_000},
	{"a restart forgets what is being paid", machineGo, "			m.paying[s.Terms.Instruction] = s.ID\n", "			if s.SinceMS == s.CreatedMS {\n				m.paying[s.Terms.Instruction] = s.ID\n			}\n", 20_000},
	{"an instruction is tried again while the first try is open", proposalGo, "return o.State == Aborted && ", "return ", 20_000},
	{"a cancelled instruction is tried again", proposalGo, "o.Reason != reasonCancelled && ", "", 20_000},
	{"a restart prefers the older try", machineGo, "		return s.State == Aborted\n", "		return true\n", 20_000},
	{"proposed swaps are not watched after a restart", machineGo, "		m.open[s.ID] = struct{}{}\n", "		if s.SinceMS == m.ledger.TimeMS() {\n			m.open[s.ID] = struct{}{}\n		}\n", 20_000},
	{"a repeated decision is not acknowledged again", responderGo, "out.Resend = append(out.Resend, MessageKey{s.ID, d.Sender, wire.TypeDecisionAck, p.Epoch})", "_ = out", 2_000},
	{"decisions are not sent again", machineGo, "Resend: msg.PayloadType() != wire.TypeDecisionAck,", "Resend: msg.PayloadType() != wire.TypeDecisionAck && msg.PayloadType() != wire.TypeDecision,", 2_000},
	{"an abort of an unknown swap leaves no tombstone", responderGo, "	s.enter(Aborted, now)\n	m.keep(s)\n	m.acknowledge(out, s, &s.Peers[0]", "	s.enter(Aborted, now)\n	m.acknowledge(out, s, &s.Peers[0]", 5_000},
	{"messages are numbered anew after a restart", machineGo, "	copied := c\n", "	copied := c\n	copied.Seq = 0\n", 2_000},
	{"a bill is paid again", paymentsGo, "case b.State != BillOutstanding:", "case false:", 2_000},
	{"a bill stays held when its swap is aborted", foldGo, "	s.mark(h.Bills, BillOutstanding, wire.Hash{})\n", "", 5_000},
	{"what is held can be spent", "settlement/ledger/account.go", "return c.Balance() - c.DebitsPending", "return c.Balance()", 5_000},
	{"a hold is not taken off when it is posted", "settlement/ledger/account.go", "		c.DebitsPending -= e.Minor\n		c.DebitsPosted += e.Minor", "		c.DebitsPosted += e.Minor", 2_000},
	{"suspense can be redeemed", "settlement/ledger/supply.go", "barred := []wire.AccountKind{wire.AccountSuspense}", "var barred []wire.AccountKind", 20_000},
	{"an undecided swap is aborted after a restore before every bank of it has told", initiatorGo, "!fresh && !m.settledFor(s) {\n		return undecided", "!fresh && false {\n		return undecided", 20_000},
	{"a bank that was restored is not fenced", greetingGo, "m.channel(p.Bank).Fenced = true", "m.channel(p.Bank).Fenced = false", 20_000},
	{"a bank that was restored takes nothing over", greetingGo, "		m.learn(out, r.Sender, e, now)\n", "		_ = e\n", 20_000},
	{"there is no floor", receiveGo, "case h.Epoch < c.Floor:", "case false:", 20_000},
	{"epochs are counted and nothing is drawn", greetingGo, "uint64(binary.BigEndian.Uint32(drawn[:4]))", "uint64(0*binary.BigEndian.Uint32(drawn[:4]))", 20_000},
	{"what is owed is not signed again in a new epoch", greetingGo, "		m.sayAgain(out, s, s.peer(peer), now)\n", "		_ = s\n", 20_000},
	{"a vote comes after vote_by", responderGo, "if now > t.VoteByMS {", "if false {", 20_000},
	{"a late vote is weighed again", initiatorGo, "	if s.State != Proposed {\n		out.Done", "	if false {\n		out.Done", 2_000},
	{"a payee closes while its money is in suspense", foldGo, "		s.transit[h.ID] = h\n", "		s.transit[h.ID] = h\n		s.accounts[h.Credit].CreditsPending -= h.Minor\n", 20_000},
	{"a day's limit forgets what was held", foldGo, "	s.accounts[e.Debit].use(h.Day, e.Minor)\n", "", 2_000},
	{"a limit per payment is not looked at", "settlement/ledger/limits.go", "debited > d.PerTransfer", "false", 2_000},
	{"a halted ledger goes on", "settlement/ledger/hours.go", "case s.halted:\n		return refuse(CodeHalted, \"wait", "case false:\n		return refuse(CodeHalted, \"wait", 2_000},
	{"a closed day lets payments in", "settlement/ledger/hours.go", "case s.day.Day != 0 && !s.day.Open:", "case false:", 2_000},
	{"holds by order never expire", machineGo, "		m.apply(out, m.ledger.Expire(now))\n", "", 2_000},
	{"holds by order expire early", "settlement/ledger/holds.go", "if h.ExpiresMS > nowMS {", "if h.ExpiresMS > nowMS+5_000 {", 2_000},
	{"an entry is undone twice", "settlement/ledger/reversal.go", "by, done := s.reversed[e.Reverses]; done", "by, done := s.reversed[e.Reverses]; done && false", 2_000},
	{"a second suspense account can be opened", "settlement/ledger/orders.go", `case s.single[as] != "":`, "case false:", 20_000},
}

// TestEveryGuardTakenAwayIsNoticed is run with -mutants: it compiles the simulator once for each of them.
func TestEveryGuardTakenAwayIsNoticed(t *testing.T) {
	if !*mutants {
		t.Skip("run with -mutants: each mutant is a compilation of its own")
	}
	root := filepath.Join("..", "..")
	copied := t.TempDir()
	for _, path := range []string{"go.mod", "go.sum", "schema", "wallet", "settlement", "zk/commit", "zk/transcript", "ops/sim"} {
		if err := copyTree(filepath.Join(root, path), filepath.Join(copied, path)); err != nil {
			t.Fatal(err)
		}
	}
	main := "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"strconv\"\n\n\t\"entente/ops/sim\"\n)\n\n" +
		"func main() {\n\tn, _ := strconv.Atoi(os.Args[1])\n\ttotal, breaches := sim.Campaign(sim.Plan{First: 1, Seeds: n, Workers: 2, Most: 1})\n\tfor _, b := range breaches {\n\t\tfmt.Println(total.Runs, b)\n\t}\n}\n"
	if err := os.MkdirAll(filepath.Join(copied, "ops", "mutant"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "ops", "mutant", "main.go"), []byte(main), 0o644); err != nil {
		t.Fatal(err)
	}
	caught := 0
	defer func() {
		// The last line of the task's output; go test has its own.
		if *mutantsOut == "" {
			return
		}
		if err := os.WriteFile(*mutantsOut, fmt.Appendf(nil, "{\"mutants\":%d,\"caught\":%d}\n", len(allMutants), caught), 0o644); err != nil {
			t.Error(err)
		}
	}()
	for _, m := range allMutants {
		t.Run(m.name, func(t *testing.T) {
			path := filepath.Join(copied, m.file)
			sound, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Count(sound, []byte(m.code)) != 1 {
				t.Fatalf("%s does not hold this guard once: %q", m.file, m.code)
			}
			if err := os.WriteFile(path, bytes.Replace(sound, []byte(m.code), []byte(m.into), 1), 0o644); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := os.WriteFile(path, sound, 0o644); err != nil {
					t.Fatal(err)
				}
			}()
			command := exec.Command("go", "run", "./ops/mutant", fmt.Sprint(m.seeds))
			command.Dir = copied
			out, err := command.CombinedOutput()
			first, _, _ := strings.Cut(string(out), "\n")
			if err != nil {
				t.Fatalf("the mutant does not run: %v\n%s", err, out)
			}
			if len(out) == 0 {
				t.Fatalf("nothing noticed in %d seeds", m.seeds)
			}
			caught++
			t.Logf("noticed in run %s", first)
		})
	}
}

func copyTree(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}
