package audit

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/transcript"
)

// outcome is what the tables below compare: the exit code and the distinct codes found, sorted.
func outcome(r Report) string {
	var codes []string
	for _, f := range r.Findings {
		codes = append(codes, string(f.Code))
	}
	slices.Sort(codes)
	return fmt.Sprintf("%d %v", r.ExitCode(), slices.Compact(codes))
}

func expected(exit int, codes ...refusal.Code) string {
	return fmt.Sprintf("%d %v", exit, slices.Sorted(slices.Values(codes)))
}

func TestAWholeBundleIsValid(t *testing.T) {
	w := newWorld(t, "real")
	if key := w.network.Banks[0].LogKey; strings.ToUpper(key[13:21]) == key[13:21] {
		t.Fatal("the seed must give rba a key id with letters")
	}
	told := map[string]int{}
	r := Verify(w.network, fileOf(w.build()), func(step string, done, total int) {
		if done <= told[step] && told[step] != total || done > total {
			t.Errorf("%s goes from %d to %d of %d", step, told[step], done, total)
		}
		told[step] = done
	})
	if got, want := outcome(r), expected(0); got != want {
		t.Fatalf("%s, want %s: %v", got, want, r.Findings)
	}
	if told["proofs"] != 6 || told["logs"] == 0 {
		t.Errorf("progress told of %v", told)
	}
	if r.Countersigned != 5 || r.BillProofs != 6 || r.Statements != 2 || r.ItemsDisclosed != 0 || !r.Development {
		t.Errorf("counts are wrong: %+v", r)
	}
	books := func(l Ledger) [6]int {
		return [6]int{int(l.Size), l.Billed.Bills, l.Outstanding.Bills, l.Held.Bills, l.Settled.Bills, l.Replaced}
	}
	if r.Budgets != 2 || r.Shares != 2 || r.Rates != 1 || r.Supplies != 2 {
		t.Errorf("claims are miscounted: %+v", r)
	}
	if got := books(r.Ledgers[0]); got != [6]int{11, 2, 1, 0, 1, 0} {
		t.Errorf("rba has %v", got)
	}
	if got := books(r.Ledgers[1]); got != [6]int{9, 2, 1, 0, 1, 1} {
		t.Errorf("rbi has %v", got)
	}
	if got, want := r.Ledgers[0].Settled.Total, commit.Point(w.bills[0].total()); got != want {
		t.Error("the settled sum is not the paid bill's total")
	}
	if diff := cmp.Diff(map[string]int{"open": 1, "issue": 1, "bill": 2, "hold": 3, "void": 1, "post": 2, "release": 1}, r.Ledgers[0].Leaves); diff != "" {
		t.Error(diff)
	}
	if got, want := totalsOf(r), totalsOfItems(w.bills[0], w.bills[2], w.bills[1], w.bills[4]); !cmp.Equal(got, want) {
		t.Errorf("totals %v, items add up to %v", got, want)
	}
}

func totalsOf(r Report) map[string]string {
	totals := map[string]string{}
	for _, t := range r.Totals {
		totals[t.Currency+" "+t.Category] = t.Minor
	}
	return totals
}

// totalsOfItems adds the items themselves, and leaves out what the creditor IND hides.
func totalsOfItems(bills ...*madeBill) map[string]string {
	sums := map[string]uint64{}
	for _, b := range bills {
		for _, w := range b.witnesses {
			for _, item := range w.Items {
				sums[b.Currency+" "+[]string{"fuel", "food", "berths", "medical care", "pilotage"}[item.Category]] += item.Amount
			}
		}
	}
	delete(sums, "INR medical care")
	totals := map[string]string{}
	for name, sum := range sums {
		totals[name] = fmt.Sprint(sum)
	}
	return totals
}

func keyID(b []byte) wire.Hash { return sha256.Sum256(b) }

func fileOf(b wire.Bundle) []byte { return b.File() }

// broken is one thing wrong: with the world before everything is signed and proven, or with the bundle afterwards.
type broken struct {
	name  string
	world func(*world)
	after func(*world, *wire.Bundle)
	exit  int
	codes []refusal.Code
	whole bool // with all of the world's claims: proving them again for every changed log takes long
}

// claimless are the codes of claims that are missing.
var claimless = []refusal.Code{CodeBudgetMissing, CodeShareMissing, CodeRateMissing, CodeSupplyMissing}

func (c broken) run(t *testing.T) {
	w := newWorld(t, "real")
	if c.world != nil {
		c.world(w)
	}
	w.bare = w.bare || !c.whole && !w.partial
	b := w.build()
	if c.after != nil {
		c.after(w, &b)
	}
	r := Verify(w.network, b.File(), nil)
	if w.bare || w.partial {
		r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return slices.Contains(claimless, f.Code) })
		r.Result = Valid
		for _, f := range r.Findings {
			r.Result = worse(r.Result, f.Result)
		}
	}
	if got, want := outcome(r), expected(c.exit, c.codes...); got != want {
		t.Errorf("%s, want %s", got, want)
		for _, f := range r.Findings {
			t.Log(f)
		}
	}
	for _, f := range r.Findings {
		if f.Text == "" || f.Result == Valid {
			t.Errorf("a finding says nothing: %+v", f)
		}
	}
	if c.exit == 1 && len(r.Totals) != 0 {
		t.Error("an invalid bundle has totals")
	}
}

func run(t *testing.T, cases []broken) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// runWhole runs cases about claims, with all of the world's.
func runWhole(t *testing.T, cases []broken) {
	for i := range cases {
		cases[i].whole = true
	}
	run(t, cases)
}

func TestFileAndHeads(t *testing.T) {
	run(t, []broken{
		{name: "of another network", exit: 1, codes: []refusal.Code{wire.CodeWrongNetwork},
			after: func(_ *world, b *wire.Bundle) { b.Network = "elsewhere" }},
		{name: "a log of an unknown bank", exit: 1, codes: []refusal.Code{CodeLedgerUnknown},
			after: func(_ *world, b *wire.Bundle) {
				b.Ledgers = append(b.Ledgers, wire.LedgerExtract{Bank: "nobody", Currency: "USD"})
			}},
		{name: "a log in another currency", exit: 1, codes: []refusal.Code{CodeLedgerUnknown},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers[0].Currency = "USD" }},
		{name: "two logs of one bank", exit: 1, codes: []refusal.Code{CodeLedgerRepeated},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers = append(b.Ledgers, b.Ledgers[0]) }},
		{name: "no log of a bank", exit: 2, codes: []refusal.Code{CodeLedgerMissing},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers = b.Ledgers[:1] }},
		{name: "a head signed by another key of the same name", exit: 1, codes: []refusal.Code{transcript.CheckpointUnsigned},
			after: func(w *world, b *wire.Bundle) { w.seed = "forged"; w.resign(b, 0) }},
		{name: "a head of another log", exit: 1, codes: []refusal.Code{transcript.CheckpointUnsigned},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers[0].Checkpoint = b.Ledgers[1].Checkpoint }},
		{name: "a head that is none", exit: 1, codes: []refusal.Code{transcript.CheckpointMalformed},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers[0].Checkpoint = []byte("rba\n11\n") }},
		{name: "a log key in the trust file that cannot be read", exit: 2, codes: []refusal.Code{trust.CodeTrustInvalid},
			after: func(w *world, _ *wire.Bundle) { w.network.Banks[0].LogKey = "rba.test/AUD+00000000+AAAA" }},
		{name: "a log key in the trust file in a second spelling", exit: 2, codes: []refusal.Code{trust.CodeTrustInvalid},
			after: func(w *world, _ *wire.Bundle) {
				parts := strings.SplitN(w.network.Banks[0].LogKey, "+", 3)
				w.network.Banks[0].LogKey = parts[0] + "+" + strings.ToUpper(parts[1]) + "+" + parts[2]
			}},
		{name: "the last leaf left out", exit: 1, codes: []refusal.Code{CodeSizeMismatch, CodeRootMismatch},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers[0].Leaves = b.Ledgers[0].Leaves[:10] }},
		{name: "a leaf changed under the signed head", exit: 1, codes: []refusal.Code{CodeRootMismatch},
			after: func(w *world, b *wire.Bundle) {
				leaf := w.logs["rba"][0]
				leaf.Body[0] ^= 1
				b.Ledgers[0].Leaves[0] = leaf.Bytes()
			}},
	})
}

func TestLeavesThatTheBankSigned(t *testing.T) {
	leaf := func(bank string, i int, change func(*wire.Leaf)) func(*world) {
		return func(w *world) { w.renumber = func() { change(&w.logs[bank][i]) } }
	}
	invalid := []refusal.Code{CodeLeafInvalid}
	outside := commit.Identity() // (0, -1) has order two: on the curve, not in the group
	minusOne := []byte{0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d,
		0x28, 0x33, 0xe8, 0x48, 0x79, 0xb9, 0x70, 0x91, 0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00, 0x00, 0x00}
	copy(outside[32:], minusOne)
	run(t, []broken{
		{name: "a number that is not the place", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Seq = 2 })},
		{name: "time that goes back", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.TimeMS = noon - 1 })},
		{name: "an amount off the curve", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Amount = make([]byte, 64) })},
		{name: "an amount outside the group", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Amount = outside[:] })},
		{name: "money moved without a commitment", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Amount = nil })},
		{name: "money from nowhere", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Debit = wire.Hash{} })},
		{name: "money to nowhere", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Credit = wire.Hash{} })},
		{name: "an account that pays itself", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Credit = l.Debit })},
		{name: "a bill's commitments in another leaf", exit: 1, codes: invalid,
			world: func(w *world) { w.logs["rba"][0].Chunks = w.bills[0].Chunks }},
		{name: "an issue that names a bill", exit: 1, codes: invalid,
			world: func(w *world) { w.logs["rba"][1].Bills = []wire.Hash{w.bills[0].Hash()} }},
		{name: "a payment of a bill without a reference", exit: 1, codes: invalid,
			world: func(w *world) { w.logs["rbi"][w.find("rbi", wire.LeafTransfer)].Reference = wire.Hash{} }},
		{name: "a commitment of a bill that is no point", exit: 1, codes: []refusal.Code{CodeLeafInvalid, CodeBillDiffers, CodeStatementSum},
			world: func(w *world) {
				l := &w.logs["rba"][w.find("rba", wire.LeafBill)+1]
				l.Chunks = slices.Clone(l.Chunks)
				l.Chunks[0].Categories = outside
			}},
		{name: "bytes that are no leaf", exit: 1, codes: []refusal.Code{CodeLeafInvalid, CodeStatementStale},
			after: func(w *world, b *wire.Bundle) { b.Ledgers[0].Leaves[0] = []byte("leaf"); w.resign(b, 0) }},
	})
}

func TestTrust(t *testing.T) {
	w := newWorld(t, "real")
	file := fileOf(w.build())
	t.Run("without a trust file nothing is decided", func(t *testing.T) {
		if got, want := outcome(Verify(nil, file, nil)), expected(2, CodeTrustMissing); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	t.Run("an unusable trust file decides nothing", func(t *testing.T) {
		for _, n := range []*trust.Network{{}, {Version: 1, Network: "audit-test", CheckpointAgeMax: 1}} {
			if got, want := outcome(Verify(n, file, nil)), expected(2, trust.CodeTrustInvalid); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
	t.Run("a trust file as parsed works as well", func(t *testing.T) {
		text, err := w.network.File()
		if err != nil {
			t.Fatal(err)
		}
		n, err := trust.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := outcome(Verify(n, file, nil)), expected(0); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	t.Run("a self-consistent bundle under other keys is never valid", func(t *testing.T) {
		forged := newWorld(t, "forged")
		other := fileOf(forged.build())
		if got := Verify(forged.network, other, nil); got.ExitCode() != 0 {
			t.Fatalf("it is not even consistent: %v", got.Findings)
		}
		want := expected(1, transcript.CheckpointUnsigned, wire.CodeKeyUnknown, CodeCharterMissing)
		if got := outcome(Verify(w.network, other, nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
