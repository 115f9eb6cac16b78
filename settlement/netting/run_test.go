package netting

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
)

// bruteForce tries every set of a sorted queue, and compares by the words of the rule.
func bruteForce(q *Queue) (best []bool) {
	n := len(q.Payments)
	var bestScore score
	for bits := range 1 << n {
		free, today := map[string]int64{}, map[string]int64{}
		for _, a := range q.Accounts {
			free[a.ID], today[a.ID] = a.AvailableMinor, a.UsedMinor
		}
		in := make([]bool, n)
		var s score
		allowed := true
		for i, p := range q.Payments {
			if in[i] = bits>>(n-1-i)&1 == 1; !in[i] {
				continue
			}
			free[p.From] -= p.Minor
			free[p.To] += p.Minor
			today[p.From] += p.Minor
			s[p.Class-1].minor += p.Minor
			s[p.Class-1].count++
			for _, a := range q.Accounts {
				allowed = allowed && (a.ID != p.From || a.PerPaymentMinor == 0 || p.Minor <= a.PerPaymentMinor)
			}
		}
		for _, a := range q.Accounts {
			paysToday := today[a.ID] > a.UsedMinor
			allowed = allowed && free[a.ID] >= 0 && (!paysToday || a.PerDayMinor == 0 || today[a.ID] <= a.PerDayMinor)
		}
		// Of equal sets the later one here is the one with the first payment in which they differ.
		if allowed && !worse(s, bestScore) {
			best, bestScore = in, s
		}
	}
	return best
}

// worse says what the rule says of two sets, in other words than the package.
func worse(a, b score) bool {
	for c := range a {
		switch {
		case a[c].minor < b[c].minor:
			return true
		case a[c].minor > b[c].minor:
			return false
		case a[c].count < b[c].count:
			return true
		case a[c].count > b[c].count:
			return false
		}
	}
	return false
}

func TestSmallQueuesSettleTheBestSetOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawQueue(t, 9)
		run, err := Resolve(q)
		if err != nil {
			t.Fatal(err)
		}
		s := q.sorted()
		var want []wire.ID
		for i, in := range bruteForce(&s) {
			if in {
				want = append(want, s.Payments[i].ID)
			}
		}
		if run.Method != MethodExact || !slices.Equal(run.Settled, want) {
			t.Fatalf("settled %v by method %s, want %v", run.Settled, run.Method, want)
		}
		exact, err := Exact(q, 1<<20)
		if err != nil || !cmp.Equal(exact, run) {
			t.Fatalf("the exact solver gives another run: %v", err)
		}
	})
}

func TestOfEqualValuesTheLargerNumberIsBetter(t *testing.T) {
	few, many := score{{minor: 10, count: 1}}, score{{minor: 10, count: 2}}
	if few.compare(&many) >= 0 || many.compare(&few) <= 0 || few.compare(&few) != 0 {
		t.Error("one payment of 10 is held to be no worse than two of 5")
	}
}

// The bound is as low as payments in parts allow, by hand.
func TestTheBoundCountsMoneyLimitsAndClasses(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit int64
		want  [classes]int64
	}{
		{"money alone bounds", 0, [classes]int64{30, 30, 50, 50}},
		{"a limit of the day bounds too", 25, [classes]int64{25, 25, 45, 45}},
	} {
		t.Run(test.name, func(t *testing.T) {
			// A has 20 and gets at most 10 of B's 20, since B pays C what is left: A pays 30 of 60, and B 20.
			q := Queue{Ledger: "boj", Currency: jpy, AtMS: atMS, Accounts: []Account{{ID: "A", Owner: "A", AvailableMinor: 20, PerDayMinor: test.limit}, {ID: "B", Owner: "B", AvailableMinor: 20}, {ID: "C", Owner: "C"}},
				Payments: []Queued{{ID: uetr(1), From: "A", To: "C", Minor: 20, Class: Urgent}, {ID: uetr(2), From: "A", To: "C", Minor: 20, Class: Urgent},
					{ID: uetr(3), From: "B", To: "A", Minor: 10, Class: Normal}, {ID: uetr(4), From: "B", To: "C", Minor: 15, Class: Normal}}}
			run, err := Resolve(q)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range run.Classes {
				if c.BoundMinor != test.want[i] {
					t.Errorf("%s: the bound is %d, want %d", c.Class, c.BoundMinor, test.want[i])
				}
			}
		})
	}
}

// What every run promises, whatever the method.
func checkRun(t rapid.TB, q Queue, run Run) {
	t.Helper()
	if err := run.Check(q); err != nil {
		t.Fatal(err)
	}
	free, sum := map[string]int64{}, int64(0)
	for _, a := range q.Accounts {
		free[a.ID] = a.AvailableMinor
		sum += a.AvailableMinor
	}
	settled := map[wire.ID]bool{}
	for _, id := range run.Settled {
		settled[id] = true
	}
	for _, p := range q.Payments {
		if settled[p.ID] {
			free[p.From] -= p.Minor
			free[p.To] += p.Minor
		}
	}
	for _, b := range run.Balances {
		if b.AvailableMinor < 0 || b.AvailableMinor != free[b.Account] {
			t.Fatalf("%s has %d, payments leave %d", b.Account, b.AvailableMinor, free[b.Account])
		}
		sum -= b.AvailableMinor
	}
	if sum != 0 || len(run.Settled)+len(run.Left) != len(q.Payments) {
		t.Fatalf("%d minor units are lost, %d payments settled and %d left of %d", sum, len(run.Settled), len(run.Left), len(q.Payments))
	}
	for _, c := range run.Classes {
		if c.ReachedMinor > c.BoundMinor {
			t.Fatalf("%s: %d settled, above the bound %d", c.Class, c.ReachedMinor, c.BoundMinor)
		}
	}
	refusals := uint64(0)
	for _, o := range run.Owners {
		refusals += o.Refusals
	}
	for _, l := range run.Left {
		for _, p := range q.Payments {
			if p.ID == l.ID {
				refusals -= uint64(p.Left) + 1
				if l.Reason == ReasonFunds && p.Minor <= free[p.From] {
					t.Fatalf("%s waits although its payer has %d of %d", l.ID, free[p.From], p.Minor)
				}
			}
		}
	}
	if refusals != 0 {
		t.Fatalf("refusals are off by %d", int64(refusals))
	}
}

func TestTheHeuristicKeepsBalancesLimitsAndBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawQueue(t, 60)
		s := q.sorted()
		p, places := problemOf(&s)
		found := p.heuristic()
		run, err := report(&s, &p, places, found.in, MethodHeuristic)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, q, run)
	})
}

func TestRunsAreFunctionsOfTheQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawQueue(t, 20)
		run, err := Resolve(q)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, q, run)
		other := q
		other.Payments = rapid.Permutation(q.Payments).Draw(t, "payments in another order")
		other.Accounts = rapid.Permutation(q.Accounts).Draw(t, "accounts in another order")
		if err := run.Replay(other); err != nil {
			t.Fatal(err)
		}
		b, err := q.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		logged, err := ParseQueue(b)
		if err != nil {
			t.Fatal(err)
		}
		if b, err = run.Bytes(); err != nil {
			t.Fatal(err)
		}
		again, err := ParseRun(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Replay(logged); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLargeQueuesComeCloseToTheBound(t *testing.T) {
	for _, test := range []struct {
		percent int64
		least   int64 // basis points of the bound, in all classes together
	}{{1, 9_500}, {5, 9_850}, {20, 9_950}} {
		q := made(7, 50, 10_000, test.percent)
		run, err := Resolve(q)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, q, run)
		if got := run.Classes[classes-1].RatioBP(); got < test.least {
			t.Errorf("with %d %% of what is queued, %d basis points of the bound settle, want %d", test.percent, got, test.least)
		}
	}
}

func TestARunThatWasChangedIsNotedWithoutResolvingAgain(t *testing.T) {
	q := made(3, 6, 40, 20)
	for _, test := range []struct {
		name   string
		change func(*Run, *Queue)
		code   refusal.Code
	}{
		{"as it was made", func(*Run, *Queue) {}, ""},
		{"another rule", func(r *Run, _ *Queue) { r.Rule = "gridlock/0" }, CodeRuleUnknown},
		{"another queue", func(_ *Run, q *Queue) { q.AtMS++ }, CodeQueueDiffers},
		{"a balance", func(r *Run, _ *Queue) { r.Balances[0].AvailableMinor++ }, CodeRunDiffers},
		{"a bound", func(r *Run, _ *Queue) { r.Classes[0].BoundMinor++ }, CodeRunDiffers},
		{"a wait", func(r *Run, _ *Queue) { r.Owners[0].LeftWaitMS++ }, CodeRunDiffers},
		{"a payment less", func(r *Run, _ *Queue) { r.Settled = r.Settled[1:] }, CodeRunDiffers},
		{"a payment that nobody can pay", func(r *Run, _ *Queue) { r.Settled = append(r.Settled, r.Left[0].ID) }, CodeRunDiffers},
		{"an unknown payment", func(r *Run, _ *Queue) { r.Settled[0] = uetr(999) }, CodeRunDiffers},
		{"a negative balance", func(r *Run, _ *Queue) { r.Balances[0].AvailableMinor = -1 }, wire.CodeMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			run, err := Resolve(q)
			if err != nil {
				t.Fatal(err)
			}
			if len(run.Left) == 0 || len(run.Settled) == 0 {
				t.Fatal("the queue settles as a whole or not at all")
			}
			changed := q
			test.change(&run, &changed)
			if err := run.Check(changed); refusal.CodeOf(err) != test.code {
				t.Errorf("Check says %v, want %q", err, test.code)
			}
			if err := run.Replay(changed); refusal.CodeOf(err) != test.code {
				t.Errorf("Replay says %v, want %q", err, test.code)
			}
		})
	}
}

func TestQueuesThatCannotBeAreRefused(t *testing.T) {
	const most = 1<<63 - 1
	for _, test := range []struct {
		name   string
		change func(*Queue)
		code   refusal.Code
	}{
		{"as it was made", func(*Queue) {}, ""},
		{"no ledger", func(q *Queue) { q.Ledger = "" }, CodeQueueInvalid},
		{"no currency", func(q *Queue) { q.Currency = money.Currency{} }, money.CodeUnknownCurrency},
		{"an account without an owner", func(q *Queue) { q.Accounts[0].Owner = "" }, CodeQueueInvalid},
		{"a balance below zero", func(q *Queue) { q.Accounts[0].AvailableMinor = -1 }, CodeQueueInvalid},
		{"a limit below zero", func(q *Queue) { q.Accounts[0].PerDayMinor = -1 }, CodeQueueInvalid},
		{"an account twice", func(q *Queue) { q.Accounts[1].ID = q.Accounts[0].ID }, CodeQueueRepeated},
		{"a payment of nothing", func(q *Queue) { q.Payments[0].Minor = 0 }, CodeQueueInvalid},
		{"a payment to itself", func(q *Queue) { q.Payments[0].To = q.Payments[0].From }, CodeQueueInvalid},
		{"a payment without a class", func(q *Queue) { q.Payments[0].Class = 0 }, CodeQueueInvalid},
		{"a payment of a fifth class", func(q *Queue) { q.Payments[0].Class = 5 }, CodeQueueInvalid},
		{"a payment from the future", func(q *Queue) { q.Payments[0].QueuedMS = q.AtMS + 1 }, CodeQueueInvalid},
		{"a payment left for ever", func(q *Queue) { q.Payments[0].Left = 1<<32 - 1 }, CodeQueueInvalid},
		{"a payment to an account that is not listed", func(q *Queue) { q.Payments[0].To = "NOBODY" }, CodeAccountMissing},
		{"a payment twice", func(q *Queue) { q.Payments[1].ID = q.Payments[0].ID }, CodeQueueRepeated},
		{"balances beyond 63 bits", func(q *Queue) { q.Accounts[0].AvailableMinor, q.Accounts[1].AvailableMinor = most, 1 }, money.CodeOverflow},
		{"payments beyond 63 bits", func(q *Queue) { q.Payments[0].Minor = most }, money.CodeOverflow},
		{"too many accounts", func(q *Queue) { q.Accounts = make([]Account, AccountsMost+1) }, CodeQueueTooLarge},
		{"too many payments", func(q *Queue) { q.Payments = make([]Queued, QueueMost+1) }, CodeQueueTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := made(1, 4, 6, 50)
			test.change(&q)
			if _, err := Resolve(q); refusal.CodeOf(err) != test.code {
				t.Errorf("Resolve says %v, want %q", err, test.code)
			}
			if _, err := Exact(q, 1000); refusal.CodeOf(err) != test.code {
				t.Errorf("Exact says %v, want %q", err, test.code)
			}
			if _, err := q.Bytes(); refusal.CodeOf(err) != test.code {
				t.Errorf("Bytes says %v, want %q", err, test.code)
			}
		})
	}
	if _, err := Exact(made(2, 10, 48, 10), 100); refusal.CodeOf(err) != CodeExactTooLarge {
		t.Errorf("too few steps say %v", err)
	}
}

// Bytes that are read encode to themselves: a queue out of order is not one.
func TestAQueueHasOneEncoding(t *testing.T) {
	q := made(1, 4, 6, 50)
	unsorted, err := wire.EncodeFields(q.fields)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseQueue(unsorted); refusal.CodeOf(err) != CodeQueueInvalid {
		t.Errorf("a queue out of order says %v", err)
	}
	b, err := q.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseQueue(b[:len(b)-1]); refusal.CodeOf(err) != wire.CodeMalformed {
		t.Errorf("a cut queue says %v", err)
	}
}
