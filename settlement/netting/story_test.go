package netting

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the story anew")

// story is prose with what the package answers to it.
type story struct {
	strings.Builder
	t *testing.T
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s, format+"\n\n", args...) }

func (s *story) line(format string, args ...any) { fmt.Fprintf(s, "    "+format+"\n", args...) }

func (s *story) end() { s.WriteByte('\n') }

func (s *story) round(r Round, err error) {
	if err != nil {
		s.line("refused, %v", err)
		s.end()
		return
	}
	if err := r.Check(); err != nil {
		s.t.Error(err)
	}
	for _, n := range r.Nets {
		signed := ""
		for _, b := range n.Bills {
			signed += fmt.Sprintf(" %s%d", b.Sign, binary.BigEndian.Uint32(b.Bill[:]))
		}
		counts := ""
		if n.Counts != n.Amount {
			counts = fmt.Sprintf(", counts %s at %s rounded %s", n.Counts, n.Rate.Rate, n.Rate.Rounding)
		}
		s.line("net      %s owes %s %s for bills%s%s", n.Debtor, n.Creditor, n.Amount, signed, counts)
	}
	for _, p := range r.Positions {
		s.line("position %s %12s", p.Nation, p.Amount)
	}
	for _, line := range paid(r) {
		s.line("payment  %s", line)
	}
	s.end()
}

func (s *story) resolve(q Queue) Queue {
	run, err := Resolve(q)
	if err != nil {
		s.t.Fatal(err)
	}
	checkRun(s.t, q, run)
	if err := run.Replay(q); err != nil {
		s.t.Error(err)
	}
	s.line("%s of queue %s, %s", run.Rule, run.Queue.Short(), run.Method)
	for _, id := range run.Settled {
		s.line("settled  %d", binary.BigEndian.Uint32(id[12:]))
	}
	for _, l := range run.Left {
		s.line("left     %d for %s", binary.BigEndian.Uint32(l.ID[12:]), l.Reason)
	}
	for _, b := range run.Balances {
		s.line("balance  %-8s %6d", b.Account, b.AvailableMinor)
	}
	for _, c := range run.Classes {
		if c.Queued > 0 {
			s.line("%-8s %d of %d payments, %d of %d; so far %d of at most %d, that is %d basis points", c.Class, c.Settled, c.Queued, c.SettledMinor, c.QueuedMinor, c.ReachedMinor, c.BoundMinor, c.RatioBP())
		}
	}
	for _, o := range run.Owners {
		s.line("%-8s %d of %d payments; settled after at most %d ms, others wait up to %d ms and were left %d times in all", o.Owner, o.Settled, o.Queued, o.SettledWaitMS, o.LeftWaitMS, o.Refusals)
	}
	s.end()
	return after(q, run)
}

func TestTheStory(t *testing.T) {
	s := &story{t: t}
	s.say("Three nations exercised together. Bills, with their numbers:\n1: India owes Japan 700 JPY; 2: Japan owes India 900 JPY; 3: Japan owes Australia 400 JPY;\n4: Australia owes India 250 JPY; 5: India owes Japan 60.00 INR.")
	yen := []Bill{owed(1, "IND", "JPN", 700, jpy), owed(2, "JPN", "IND", 900, jpy), owed(3, "JPN", "AUS", 400, jpy), owed(4, "AUS", "IND", 250, jpy)}
	rupees := owed(5, "IND", "JPN", 6000, inr)
	for _, scheme := range []Scheme{Bilateral, Multilateral} {
		s.say("What was billed in yen, netted %s.", scheme)
		rounds, err := Rounds(yen, scheme)
		if err != nil {
			t.Fatal(err)
		}
		s.round(rounds[0], nil)
	}
	s.say("Rupees count in yen only at a rate that the agreement names.")
	s.round(Across(append(yen, rupees), Multilateral, "boj", jpy, nil))
	s.say("With such a rate they do. The round's payments settle together or not at all.")
	s.round(Across(append(yen, rupees), Multilateral, "boj", jpy, []AgreedRate{rate(t, "1.8345", inr, jpy)}))

	s.say("Later, at the central bank of Japan, four desks are short of yen. No payment of the queue can settle by itself:\n1: India pays Japan 50, normal; 2: Japan pays Australia 60, high; 3: Australia pays India 45, normal; 4: Australia pays the USA 30, urgent; 5: the USA pays India 80, low;\n6: India pays Australia 500, urgent, and may not pay more than 400 at once.\nIndia has 8, Japan 12, Australia 12 and the USA 0.")
	q := Queue{Ledger: "boj", Currency: jpy, AtMS: 100_000, Accounts: []Account{
		{ID: "AUS-DESK", Owner: "AUS", AvailableMinor: 12}, {ID: "IND-DESK", Owner: "IND", AvailableMinor: 8, PerPaymentMinor: 400},
		{ID: "JPN-DESK", Owner: "JPN", AvailableMinor: 12}, {ID: "USA-DESK", Owner: "USA"},
	}}
	for i, p := range []Queued{
		{From: "IND-DESK", To: "JPN-DESK", Minor: 50, Class: Normal}, {From: "JPN-DESK", To: "AUS-DESK", Minor: 60, Class: High}, {From: "AUS-DESK", To: "IND-DESK", Minor: 45, Class: Normal},
		{From: "AUS-DESK", To: "USA-DESK", Minor: 30, Class: Urgent}, {From: "USA-DESK", To: "IND-DESK", Minor: 80, Class: Low}, {From: "IND-DESK", To: "AUS-DESK", Minor: 500, Class: Urgent},
	} {
		p.ID, p.QueuedMS = uetr(i+1), int64(10_000*(i+1))
		q.Payments = append(q.Payments, p)
	}
	q = s.resolve(q)
	s.say("Payments 2, 1 and 3 went round in a circle. The USA receives 50 more and Australia 3, and a minute passes.")
	for i := range q.Accounts {
		q.Accounts[i].AvailableMinor += map[string]int64{"USA": 50, "AUS": 3}[q.Accounts[i].Owner]
	}
	q.AtMS += 60_000
	s.resolve(q)

	const file = "testdata/story.txt"
	if *update {
		if err := os.WriteFile(file, []byte(s.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if s.String() != string(want) {
		t.Errorf("the story is another one; go test -update writes it, then read the diff. It is now:\n%s", s.String())
	}
}
