package devnet_test

import (
	"context"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente/ops/devnet"
	"entente/settlement/payment"
	"entente/settlement/swap"
	"entente/zk/audit"
)

func TestTheFiguresAreThoseOfTheData(t *testing.T) {
	e, want := playOnce(t), reckon(t)
	f, err := e.story.Figures()
	if err != nil {
		t.Fatal(err)
	}
	swaps := 0
	for b := range want.bills {
		if want.currency(b.debtor) != want.currency(b.creditor) {
			swaps++
		}
	}
	counts := func(f devnet.Figures) []int {
		return []int{f.Bills, f.BillsPaid, f.SwapsSettled, f.SwapsAborted, f.LineItems, len(f.Divergences), f.Audit.BillProofs, f.Audit.ItemsDisclosed}
	}
	expected := []int{len(want.bills), len(want.bills), swaps, 0, want.lines + want.deliveries, want.divergences, len(want.bills), 0}
	if diff := cmp.Diff(expected, counts(f)); diff != "" {
		t.Errorf("bills, bills paid, swaps settled, swaps aborted, line items, divergences, bill proofs, items disclosed: -want +got\n%s", diff)
	}
	totals := map[total]int64{}
	for _, x := range f.ProgrammeTotals {
		minor, err := x.Minor.Int64()
		if err != nil {
			t.Fatal(err)
		}
		totals[total{x.Currency, x.Category}] += minor
	}
	if diff := cmp.Diff(want.totals, totals, cmp.AllowUnexported(total{})); diff != "" {
		t.Errorf("proven totals: -want +got\n%s", diff)
	}
	if e.story.Records() != want.records {
		t.Errorf("%d records were read, the files hold %d", e.story.Records(), want.records)
	}
	if !f.Audit.Verified || e.story.Report.Result != audit.Valid {
		t.Errorf("the audit: %s", e.story.Report.Certificate())
	}
}

func TestEveryBillIsWhatTheFilesSayAndIsPaidOnce(t *testing.T) {
	e, want := playOnce(t), reckon(t)
	got := map[bill]int64{}
	for _, b := range e.story.Bills {
		k := bill{b.Debtor, b.Creditor, b.Reference}
		if _, twice := got[k]; twice {
			t.Errorf("two bills for %v", k)
		}
		got[k] = b.Total.Minor()
		if code := b.Total.Currency().Code(); code != want.currency(b.Creditor) || b.Ledger != want.bank(b.Creditor) {
			t.Errorf("the bill for %v is in %s at %s", k, code, b.Ledger)
		}
	}
	if diff := cmp.Diff(want.bills, got, cmp.AllowUnexported(bill{})); diff != "" {
		t.Errorf("bills: -want +got\n%s", diff)
	}
	paid := map[string]int{}
	for _, p := range e.story.Payments {
		if p.State != payment.Settled {
			t.Errorf("payment %s is %s: %s", p.Instruction.UETR, p.State, p.Reason)
		}
		for _, b := range p.Instruction.Bills {
			paid[b.String()]++
		}
	}
	for _, b := range e.story.Bills {
		if paid[b.Hash.String()] != 1 {
			t.Errorf("bill %s was paid %d times", b.Hash.Short(), paid[b.Hash.String()])
		}
	}
}

// The provider sells at the reference rate and a tenth of a percent, rounded up; the desk gives at most one percent.
func TestPayersAreDebitedByTheReferenceRates(t *testing.T) {
	e, want := playOnce(t), reckon(t)
	change := map[string]int64{}
	for _, p := range e.story.Payments {
		in := &p.Instruction
		change[in.Payer] -= p.DebitMinor
		change[in.Payee] += in.PayMinor
		if in.DebitCurrency == in.PayCurrency {
			if p.DebitMinor != in.PayMinor {
				t.Errorf("%s pays %d of its own currency and is debited %d", in.Payer, in.PayMinor, p.DebitMinor)
			}
			continue
		}
		reference := want.debit(in.PayMinor, in.PayCurrency, in.DebitCurrency)
		most := new(big.Rat).Mul(reference, big.NewRat(10_011, 10_000))
		most.Add(most, big.NewRat(1, 1))
		if got := new(big.Rat).SetInt64(p.DebitMinor); got.Cmp(reference) < 0 || got.Cmp(most) > 0 {
			t.Errorf("%s for %d %s is debited %d %s, reference %s", in.Payer, in.PayMinor, in.PayCurrency, p.DebitMinor, in.DebitCurrency, reference.FloatString(3))
		}
	}
	for nation, before := range e.story.Before {
		if got := e.story.After[nation].BalanceMinor - before.BalanceMinor; got != change[nation] {
			t.Errorf("the balance of %s changed by %d, its payments come to %d", nation, got, change[nation])
		}
		if a := e.story.After[nation]; a.AvailableMinor != a.BalanceMinor || a.PendingInMinor != 0 {
			t.Errorf("something is still pending on the account of %s: %+v", nation, a)
		}
	}
}

func TestLedgersAddUp(t *testing.T) {
	e := playOnce(t)
	f, err := e.story.Figures()
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Ledgers) != len(e.net.Banks) {
		t.Fatalf("%d ledgers of %d banks", len(f.Ledgers), len(e.net.Banks))
	}
	for _, l := range f.Ledgers {
		var sum, held, open, size int64
		err := e.net.Banks[l.Bank].Engine().View(t.Context(), func(m *swap.Machine) {
			for _, a := range m.Ledger().Accounts() {
				sum += a.Balance()
				held += a.DebitsPending + a.CreditsPending
			}
			for _, s := range m.Swaps() {
				if !s.State.Final() {
					open++
				}
			}
			size = m.Ledger().Size()
		})
		if err != nil {
			t.Fatal(err)
		}
		if sum != 0 || held != 0 || open != 0 {
			t.Errorf("%s: all balances add up to %d, %d is pending, %d swaps are open", l.Bank, sum, held, open)
		}
		if l.SupplyMinor <= 0 || l.SupplyMinor != l.BalancesSumMinor || l.Size != size || len(l.Root) != 64 {
			t.Errorf("%s: %+v of %d leaves", l.Bank, l, size)
		}
	}
}

func TestThePhasesComeInOrderAndAreTimed(t *testing.T) {
	e := playOnce(t)
	order := []string{"records", "bills", "proofs", "payments", "audit"}
	if diff := cmp.Diff(order, e.steps); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var timed []string
	for _, p := range e.story.Phases {
		timed = append(timed, p.Name)
	}
	if diff := cmp.Diff(order, timed); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestABarHasOneTotalAndGoesForwards(t *testing.T) {
	last := map[string]telling{}
	for _, now := range playOnce(t).told {
		if now.total == 0 {
			continue
		}
		if before, seen := last[now.phase]; seen && (before.total != now.total || before.done > now.done) {
			t.Errorf("%s: after %d of %d comes %d of %d", now.phase, before.done, before.total, now.done, now.total)
		}
		last[now.phase] = now
	}
	for _, phase := range []string{"proofs", "payments"} {
		if end := last[phase]; end.total == 0 || end.done != end.total {
			t.Errorf("%s ends with %d of %d", phase, end.done, end.total)
		}
	}
}

// The names are frozen: programs read them.
func TestTheFiguresHaveTheseNames(t *testing.T) {
	e := playOnce(t)
	f, err := e.story.Figures()
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(bytes, &got); err != nil {
		t.Fatal(err)
	}
	for _, level := range []struct {
		place string
		names []string
	}{
		{"divergences", []string{"date", "category", "supplier", "receiver", "ours", "theirs"}},
		{"ledgers", []string{"bank", "currency", "supply_minor", "balances_sum_minor", "root", "size"}},
		{"programme_totals", []string{"currency", "category", "minor"}},
		{"audit", []string{"verified", "bill_proofs", "items_disclosed"}},
		{"", []string{"bills", "bills_paid", "swaps_settled", "swaps_aborted", "line_items", "divergences", "ledgers", "programme_totals", "audit", "bundle", "trust", "phases_ms"}},
	} {
		object := got
		switch v := got[level.place].(type) {
		case map[string]any:
			object = v
		case []any:
			object = v[0].(map[string]any)
		}
		for _, name := range level.names {
			if _, ok := object[name]; !ok {
				t.Errorf("%q lacks %q", level.place, name)
			}
			delete(object, name)
		}
		if level.place == "" && len(object) > 0 {
			t.Errorf("further names on the first level: %v", object)
		}
	}
}

func TestAStartThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	o, err := options(t.Context(), filepath.Join(dir, "results"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if net, err := devnet.Start(ctx, o); err == nil {
		t.Fatal("a cancelled start gave a network", net.Close())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}
