package netting

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"entente/schema/money"
	"entente/schema/wire"
)

// ubinEvent is one step of a scenario of Project Ubin, phase 2: amounts are whole dollars.
type ubinEvent struct {
	Op       string
	Bank     string
	Lender   string
	Borrower string
	Amount   int64
	AfterRun int `json:"after_run"`
}

type ubinScenario struct {
	Name   string
	Doc    string
	Events []ubinEvent
}

var statedCount = regexp.MustCompile(`Expected: (All|No|\d+) obligations?`)

// stated gives the most that a scenario says to settle: obligations as many as its words count, which lead to the balances that it expects at the end.
func (s *ubinScenario) stated(t *testing.T, q *Queue) (minor int64) {
	want := map[string]int64{}
	for _, e := range s.Events {
		if e.Op == "expect_balance" {
			want[e.Bank] = e.Amount
		}
	}
	count := 0
	switch m := statedCount.FindStringSubmatch(s.Doc); {
	case m == nil:
		t.Fatalf("%q states no count", s.Doc)
	case m[1] == "All":
		count = len(q.Payments)
	case m[1] != "No":
		count, _ = strconv.Atoi(m[1])
	}
	minor = -1
	for bits := range 1 << len(q.Payments) {
		free, settled, sum := map[string]int64{}, 0, int64(0)
		for _, a := range q.Accounts {
			free[a.ID] = a.AvailableMinor
		}
		for i, p := range q.Payments {
			if bits>>i&1 == 1 {
				free[p.From] -= p.Minor
				free[p.To] += p.Minor
				settled++
				sum += p.Minor
			}
		}
		fits := settled == count
		for bank, balance := range want {
			fits = fits && free[bank] == balance
		}
		if fits {
			minor = max(minor, sum)
		}
	}
	if minor < 0 {
		t.Fatalf("no %d obligations of %s lead to its balances %v", count, s.Name, want)
	}
	return minor
}

func (s *ubinScenario) queue() (q Queue, runs int) {
	q = Queue{Ledger: "mas", Currency: money.MustCurrency("SGD"), AtMS: atMS}
	account := func(bank string) *Account {
		i := slices.IndexFunc(q.Accounts, func(a Account) bool { return a.ID == bank })
		if i < 0 {
			i = len(q.Accounts)
			q.Accounts = append(q.Accounts, Account{ID: bank, Owner: bank})
		}
		return &q.Accounts[i]
	}
	for _, e := range s.Events {
		switch e.Op {
		case "pledge":
			account(e.Bank).AvailableMinor += e.Amount
		case "obligation":
			from, to := account(e.Borrower).ID, account(e.Lender).ID
			n := len(q.Payments)
			q.Payments = append(q.Payments, Queued{ID: uetr(n), From: from, To: to, Minor: e.Amount, Class: Normal, QueuedMS: int64(n)})
		case "expect_balance":
			runs = max(runs, e.AfterRun)
		}
	}
	return q, runs
}

func TestTheUbinScenariosSettleAtLeastWhatTheyState(t *testing.T) {
	raw, err := os.ReadFile("../../../shared/data/workloads/ubin_lsm_scenarios_1_3.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the scenarios are not beside the repository: ../shared/data/workloads")
	}
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Scenarios []ubinScenario }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Scenarios) == 0 {
		t.Fatal("there is no scenario")
	}
	for _, s := range file.Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			q, runs := s.queue()
			stated, settled := s.stated(t, &q), int64(0)
			for range runs {
				run, err := Resolve(q)
				if err != nil {
					t.Fatal(err)
				}
				checkRun(t, q, run)
				for _, c := range run.Classes {
					settled += c.SettledMinor
				}
				q = after(q, run)
			}
			if settled < stated {
				t.Errorf("%d dollars settle, %d are stated", settled, stated)
			}
			t.Logf("%d dollars settle, %d are stated", settled, stated)
		})
	}
}

// after is the queue that a run leaves.
func after(q Queue, run Run) Queue {
	left := map[wire.ID]bool{}
	for _, l := range run.Left {
		left[l.ID] = true
	}
	next := q
	next.Accounts, next.Payments = slices.Clone(q.Accounts), nil
	for i := range next.Accounts {
		for _, b := range run.Balances {
			if b.Account == next.Accounts[i].ID {
				next.Accounts[i].AvailableMinor = b.AvailableMinor
			}
		}
	}
	for _, p := range q.Payments {
		if left[p.ID] {
			p.Left++
			next.Payments = append(next.Payments, p)
		}
	}
	return next
}
