package ledger

import (
	"math"
	"slices"
	"strings"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
)

func (b *book) perTransfer(id string) int64 {
	a, _ := b.state.Account(id)
	return a.PerTransfer
}

// day is a day in milliseconds; the ledgers of these tests begin on 1970-01-01.
const day = 86_400_000

func TestEachOfTheOperatorsOrdersIsRefusedByName(t *testing.T) {
	reverse := func(entry int64) wire.Order { return wire.Order{Kind: wire.OrderReverse, Entry: entry} }
	hold := wire.Order{Kind: wire.OrderHold, Account: "IN-DESK", Payee: "JP-DESK", Minor: 10}
	issue := wire.Order{Kind: wire.OrderIssue, Account: "IN-DESK", Minor: 10, Reserve: "RTGS-NEW"}
	with := func(o wire.Order, change func(*wire.Order)) wire.Order { change(&o); return o }
	closed := func(b *book) {
		b.order(wire.Order{Kind: wire.OrderOpenDay, Day: 19700101})
		b.order(wire.Order{Kind: wire.OrderCloseDay, Day: 19700101})
	}
	halted := func(b *book) { b.order(wire.Order{Kind: wire.OrderHalt}) }
	for _, c := range []struct {
		name    string
		prepare func(*book)
		order   wire.Order
		want    refusal.Code
	}{
		{"an issue that no reserves back", nil, with(issue, func(o *wire.Order) { o.Reserve = "" }), CodeReserveMissing},
		{"a redemption that frees no reserves", nil, with(issue, func(o *wire.Order) { o.Kind, o.Reserve = wire.OrderRedeem, "" }), CodeReserveMissing},
		{"a second issue on one movement of reserves", nil, with(issue, func(o *wire.Order) { o.Reserve = "RTGS-5" }), CodeReserveRepeated},
		{"a reference that the RTGS cannot have given", nil, with(issue, func(o *wire.Order) { o.Reserve = strings.Repeat("X", 36) }), CodeMalformed},
		{"a value date to come", nil, with(issue, func(o *wire.Order) { o.Value = 19700102 }), CodeValueDateInvalid},
		{"a value date beyond a year ago", nil, with(issue, func(o *wire.Order) { o.Value = 19681230 }), CodeValueDateInvalid},
		{"a value date that no calendar has", nil, with(issue, func(o *wire.Order) { o.Value = 19690229 }), CodeMalformed},
		{"an issue while the ledger is halted", halted, issue, CodeHalted},
		{"an issue between two days", closed, issue, CodeDayClosed},
		{"reserves that are more than the supply", nil, wire.Order{Kind: wire.OrderReconcile, Minor: 1_001, Reserve: "STATEMENT"}, CodeReserveMismatch},
		{"reserves that are less than the supply", nil, wire.Order{Kind: wire.OrderReconcile, Minor: 999, Reserve: "STATEMENT"}, CodeReserveMismatch},
		{"reserves below nothing", nil, wire.Order{Kind: wire.OrderReconcile, Minor: -1, Reserve: "STATEMENT"}, CodeAmountInvalid},
		{"reserves without a statement", nil, wire.Order{Kind: wire.OrderReconcile, Minor: 1_000}, CodeReserveMissing},
		{"a limit on an account that is not there", nil, wire.Order{Kind: wire.OrderLimit, Account: "NOWHERE", PerDay: 1}, CodeAccountUnknown},
		{"a limit on suspense", nil, wire.Order{Kind: wire.OrderLimit, Account: "SUSPENSE", PerDay: 1}, CodeAccountForeign},
		{"a limit on issuance", nil, wire.Order{Kind: wire.OrderLimit, Account: "ISSUANCE", PerDay: 1}, CodeAccountForeign},
		{"a limit below nothing", nil, wire.Order{Kind: wire.OrderLimit, Account: "IN-DESK", PerDay: -1}, CodeAmountInvalid},
		{"a limit on a closed account", func(b *book) { b.status("LP-DESK", wire.StatusClosed) }, wire.Order{Kind: wire.OrderLimit, Account: "LP-DESK"}, CodeAccountClosed},
		{"a hold that is over before it begins", nil, with(hold, func(o *wire.Order) { o.ExpiresMS = 1_000 }), CodeExpiryInvalid},
		{"a hold beyond the limit", func(b *book) { b.order(wire.Order{Kind: wire.OrderLimit, Account: "IN-DESK", PerTransfer: 9}) }, hold, CodeLimitTransfer},
		{"a hold beyond the funds", nil, with(hold, func(o *wire.Order) { o.Minor = 1_001 }), CodeInsufficientFunds},
		{"a hold while the ledger is halted", halted, hold, CodeHalted},
		{"posting what nobody set aside", nil, wire.Order{Kind: wire.OrderPost, Hold: hashOf("nothing")}, CodeHoldUnknown},
		{"posting what a swap holds", func(b *book) { b.apply(b.state.Hold(pays("swap", 1), b.nowMS)) }, wire.Order{Kind: wire.OrderPost, Hold: hashOf("swap")}, CodeHoldUnknown},
		{"voiding what a swap holds", func(b *book) { b.apply(b.state.Hold(pays("swap", 1), b.nowMS)) }, wire.Order{Kind: wire.OrderVoid, Hold: hashOf("swap")}, CodeHoldUnknown},
		{"undoing an entry that is not there", nil, reverse(99), CodeEntryUnknown},
		{"undoing an entry below the first", nil, reverse(-1), CodeEntryUnknown},
		{"undoing an opening", nil, reverse(0), CodeEntryIrreversible},
		{"undoing a hold", func(b *book) { b.apply(b.state.Hold(pays("swap", 1), b.nowMS)) }, reverse(6), CodeEntryIrreversible},
		{"undoing what was undone", func(b *book) { b.order(reverse(5)) }, reverse(5), CodeEntryReversed},
		{"undoing the undoing", func(b *book) { b.order(reverse(5)) }, reverse(6), CodeEntryIrreversible},
		{"undoing an issue that is spent", func(b *book) { b.apply(b.state.Transfer(pays("spent", 1), b.nowMS)) }, reverse(5), CodeInsufficientFunds},
		{"undoing an issue that is held", func(b *book) { b.apply(b.state.Hold(pays("held", 1), b.nowMS)) }, reverse(5), CodeInsufficientFunds},
		{"undoing on a frozen account", func(b *book) { b.status("IN-DESK", wire.StatusFrozen) }, reverse(5), CodeAccountFrozen},
		{"undoing while the ledger is halted", halted, reverse(5), CodeHalted},
		{"opening a second day", func(b *book) { b.order(wire.Order{Kind: wire.OrderOpenDay, Day: 19700101}) }, wire.Order{Kind: wire.OrderOpenDay, Day: 19700102}, CodeDayOpen},
		{"opening a day that was", closed, wire.Order{Kind: wire.OrderOpenDay, Day: 19700101}, CodeDayInvalid},
		{"opening a first day that is past", nil, wire.Order{Kind: wire.OrderOpenDay, Day: 19691231}, CodeDayInvalid},
		{"opening a day beyond a week ahead", nil, wire.Order{Kind: wire.OrderOpenDay, Day: 19700109}, CodeDayInvalid},
		{"opening no day", nil, wire.Order{Kind: wire.OrderOpenDay}, CodeDayInvalid},
		{"closing another day than the open one", func(b *book) { b.order(wire.Order{Kind: wire.OrderOpenDay, Day: 19700101}) }, wire.Order{Kind: wire.OrderCloseDay, Day: 19700102}, CodeDayInvalid},
		{"closing when none is open", nil, wire.Order{Kind: wire.OrderCloseDay, Day: 19700101}, CodeDayClosed},
		{"halting twice", halted, wire.Order{Kind: wire.OrderHalt}, CodeHalted},
		{"resuming what goes on", nil, wire.Order{Kind: wire.OrderResume}, CodeNotHalted},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := opened(t)
			if c.prepare != nil {
				c.prepare(b)
			}
			c.order.Key = b.key()
			refused(t, b, c.want, func(s *State) ([]Entry, error) { return s.Order(c.order, hashOf("cause"), b.nowMS) })
		})
	}
}

func TestALimitCountsADayAndWhatIsGivenBackOnItCountsNoMore(t *testing.T) {
	b := opened(t)
	b.order(wire.Order{Kind: wire.OrderLimit, Account: "IN-DESK", PerTransfer: 60, PerDay: 100})
	try := func(ref string, minor int64) refusal.Code {
		entries, err := b.state.Hold(pays(ref, minor), b.nowMS)
		if err == nil {
			b.apply(entries, nil)
		}
		return refusal.CodeOf(err)
	}
	two := pays("parts", 40)
	two.Postings = append(two.Postings, wire.Posting{Payer: "IN-DESK", Payee: "LP-DESK", Minor: 21})
	refused(t, b, CodeLimitTransfer, func(s *State) ([]Entry, error) { return s.Transfer(two, b.nowMS) })
	for i, want := range []struct {
		ref   string
		minor int64
		code  refusal.Code
	}{{"a", 61, CodeLimitTransfer}, {"a", 60, ""}, {"b", 41, CodeLimitDay}, {"b", 40, ""}, {"c", 1, CodeLimitDay}} {
		if code := try(want.ref, want.minor); code != want.code {
			t.Errorf("hold %d gives %q, want %q", i, code, want.code)
		}
	}
	b.apply(b.state.Post(hashOf("b"), hashOf("decision"), "", b.nowMS))
	if code := try("d", 1); code != CodeLimitDay {
		t.Errorf("a hold that was posted is still paid: %q", code)
	}
	b.apply(b.state.Void(hashOf("a"), hashOf("abort"), b.nowMS))
	if code := try("e", 60); code != "" {
		t.Errorf("what was given back may be paid again: %q", code)
	}
	b.nowMS += day
	b.apply(b.state.Void(hashOf("e"), hashOf("abort"), b.nowMS))
	if code := try("f", 60); code != "" {
		t.Errorf("another day: %q", code)
	}
	if a, _ := b.state.Account("IN-DESK"); a.UsedBy(19700102) != 60 || a.UsedBy(19700101) != 0 {
		t.Errorf("what was held yesterday and given back today is taken off today: %+v", a)
	}
}

func TestALimitBindsFromTheOrderOnAndCountsWhatTheDayHasSeen(t *testing.T) {
	b := opened(t)
	b.apply(b.state.Transfer(pays("before", 90), b.nowMS))
	b.order(wire.Order{Kind: wire.OrderLimit, Account: "IN-DESK", PerDay: 100})
	refused(t, b, CodeLimitDay, func(s *State) ([]Entry, error) { return s.Transfer(pays("after", 11), b.nowMS) })
	b.order(wire.Order{Kind: wire.OrderLimit, Account: "IN-DESK"})
	b.apply(b.state.Transfer(pays("after", 800), b.nowMS))
}

func TestTheBusinessDayIsTheLimitsDay(t *testing.T) {
	b := opened(t)
	b.order(wire.Order{Kind: wire.OrderLimit, Account: "IN-DESK", PerDay: 100})
	b.apply(b.state.Transfer(pays("early", 100), b.nowMS))
	b.order(wire.Order{Kind: wire.OrderOpenDay, Day: 19700101})
	refused(t, b, CodeLimitDay, func(s *State) ([]Entry, error) { return s.Transfer(pays("same day", 1), b.nowMS) })
	b.nowMS += day
	refused(t, b, CodeLimitDay, func(s *State) ([]Entry, error) { return s.Transfer(pays("after midnight", 1), b.nowMS) })
	b.order(wire.Order{Kind: wire.OrderCloseDay, Day: 19700101})
	b.order(wire.Order{Kind: wire.OrderOpenDay, Day: 19700102})
	b.apply(b.state.Transfer(pays("next day", 100), b.nowMS))
}

func TestWhatIsPreparedCompletesWhileTheLedgerIsClosedAndHalted(t *testing.T) {
	b := opened(t)
	b.order(wire.Order{Kind: wire.OrderOpenDay, Day: 19700101})
	for _, ref := range []string{"swap", "direct", "aborted"} {
		b.apply(b.state.Hold(pays(ref, 10), b.nowMS))
	}
	ordered, expiring := b.sets(10, 0), b.sets(10, b.nowMS+1)
	b.order(wire.Order{Kind: wire.OrderCloseDay, Day: 19700101})
	b.order(wire.Order{Kind: wire.OrderHalt})
	b.nowMS += day
	b.apply(b.state.Post(hashOf("swap"), hashOf("vote"), "SUSPENSE", b.nowMS))
	release := b.apply(b.state.Release(hashOf("swap"), hashOf("ack"), pays("swap", 10).Postings, b.nowMS))
	b.apply(b.state.Post(hashOf("direct"), hashOf("decision"), "", b.nowMS))
	b.apply(b.state.Void(hashOf("aborted"), hashOf("abort"), b.nowMS))
	b.order(wire.Order{Kind: wire.OrderPost, Hold: ordered})
	if over := b.apply(b.state.Expire(b.nowMS), nil); len(over) != 1 || over[0].Reference != expiring {
		t.Errorf("%d holds expired", len(over))
	}
	if b.balance("JP-DESK") != 30 {
		t.Errorf("the payee has %d", b.balance("JP-DESK"))
	}
	if release[0].ValueDay() != 19700101 {
		t.Errorf("what completes after the day was closed has the value date %s, want the day's", release[0].ValueDay())
	}
	checkSums(t, b.state)
}

func TestAHoldEndsAtItsTimeAndNoOtherDoes(t *testing.T) {
	b := opened(t)
	b.apply(b.state.Hold(pays("swap", 10), b.nowMS))
	late, early, never := b.sets(1, 3_000), b.sets(2, 2_000), b.sets(3, 0)
	if next := b.state.NextExpiryMS(); next != 2_000 {
		t.Errorf("the next hold expires at %d", next)
	}
	if got := b.state.Expire(1_999); len(got) != 0 {
		t.Errorf("%d holds expire before their time", len(got))
	}
	b.nowMS = 2_000
	refused(t, b, CodeHoldExpired, func(s *State) ([]Entry, error) {
		return s.Order(wire.Order{Kind: wire.OrderPost, Key: idOf("late"), Hold: early}, hashOf("cause"), 2_000)
	})
	over := b.state.Expire(math.MaxInt64 / 2)
	if len(over) != 2 || over[0].Reference != early || over[1].Reference != late {
		t.Fatalf("%d holds expire", len(over))
	}
	b.apply(over, nil)
	if held := b.state.Holds(); len(held) != 1 || held[0].ID.Reference != never || b.state.NextExpiryMS() != 0 {
		t.Errorf("%+v is still held", held)
	}
	if len(b.state.HoldsOf(hashOf("swap"))) != 1 {
		t.Error("a swap's hold is gone with the clock")
	}
	if b.available("IN-DESK") != 1_000-13 {
		t.Errorf("%d is available", b.available("IN-DESK"))
	}
	checkSums(t, b.state)
}

func TestASwapsHoldCannotBeGivenAnExpiryByWhoeverEditsTheJournal(t *testing.T) {
	b := opened(t)
	hold := b.apply(b.state.Hold(pays("swap", 10), b.nowMS))[0]
	s, err := fold(b.entries[:hold.Seq])
	if err != nil {
		t.Fatal(err)
	}
	hold.ExpiresMS = 5_000
	if s.Apply(hold) == nil {
		t.Error("a hold that no order made expires")
	}
	expired := Entry{Seq: b.state.Size(), TimeMS: 9_000, Kind: wire.LeafExpire, Debit: "IN-DESK", Credit: "JP-DESK", Minor: 10, Reference: hold.Reference}
	if b.state.Apply(expired) == nil {
		t.Error("a swap's hold was given back by the clock")
	}
}

func TestAReversalBringsBackTheMoneyAndTheBills(t *testing.T) {
	b := opened(t)
	first, second := b.bill("first", 1), b.bill("second", 1)
	paid := b.apply(b.state.Transfer(pays("mistake", 100, first, second), b.nowMS))[0]
	other := b.apply(b.state.Transfer(pays("right", 50, b.bill("third", 1)), b.nowMS))[0]
	undone := b.order(wire.Order{Kind: wire.OrderReverse, Entry: paid.Seq, Value: 19700101})[0]
	if undone.Debit != "JP-DESK" || undone.Credit != "IN-DESK" || undone.Minor != 100 || undone.Reference != paid.Reference || undone.Reverses != paid.Seq || len(undone.Bills) != 2 {
		t.Errorf("the reversal is %+v", undone)
	}
	for _, hash := range []wire.Hash{first, second} {
		if bill, _ := b.state.Bill(hash); bill.State != BillOutstanding {
			t.Errorf("bill %s is %s", hash.Short(), bill.State)
		}
	}
	if by, ok := b.state.ReversedBy(paid.Seq); !ok || by != undone.Seq {
		t.Errorf("undone by %d, %v", by, ok)
	}
	if _, ok := b.state.ReversedBy(other.Seq); ok {
		t.Error("another payment is undone as well")
	}
	b.apply(b.state.Transfer(pays("again", 100, first, second), b.nowMS))
	if b.balance("IN-DESK") != 850 || b.state.Supply() != 1_000 {
		t.Errorf("the payer has %d, the supply is %d", b.balance("IN-DESK"), b.state.Supply())
	}
	b.supply(wire.OrderIssue, "LP-DESK", 7)
	b.order(wire.Order{Kind: wire.OrderReverse, Entry: b.state.Size() - 1})
	if b.state.Supply() != 1_000 {
		t.Errorf("the supply is %d", b.state.Supply())
	}
	checkSums(t, b.state)
}

func TestReservesAreReconciledWithTheSupply(t *testing.T) {
	b := opened(t)
	if _, ever := b.state.LastReconciliation(); ever {
		t.Error("reconciled before anybody asked")
	}
	e := b.order(wire.Order{Kind: wire.OrderReconcile, Minor: 1_000, Reserve: "STATEMENT-7"})[0]
	last, ever := b.state.LastReconciliation()
	if !ever || last != (Reconciliation{e.Seq, b.nowMS, 1_000, "STATEMENT-7"}) {
		t.Errorf("reconciled: %+v, %v", last, ever)
	}
	if seq, used := b.state.ReserveMovement("RTGS-5"); !used || seq != 5 {
		t.Errorf("the movement backs entry %d, %v", seq, used)
	}
	empty := newBook(t)
	empty.open("ISSUANCE", "RBI", wire.AccountIssuance)
	empty.order(wire.Order{Kind: wire.OrderReconcile, Reserve: "STATEMENT-0"})
}

func TestAnIssueOfTheFirstVersionStillFolds(t *testing.T) {
	b := opened(t)
	old := slices.Clone(b.entries)
	old[5].Reserve = ""
	if s, err := fold(old); err != nil || s.Supply() != 1_000 {
		t.Errorf("a journal from before reserves were named: %v", err)
	}
}

func TestEveryRefusalIsAskedForInThesePackagesTests(t *testing.T) {
	names := map[refusal.Code]string{}
	for _, code := range Codes() {
		name := "Code"
		for word := range strings.SplitSeq(string(code), "_") {
			name += strings.ToUpper(word[:1]) + word[1:]
		}
		names[code] = name
	}
	text := sourceOf(t, "operations_test.go", "guards_test.go", "behaviour_test.go", "ledger_test.go")
	for code, name := range names {
		if !strings.Contains(text, name) {
			t.Errorf("no test asks for %s", code)
		}
	}
}

func TestUndoingTheSecondPartOfAPaymentLeavesTheBillsPaid(t *testing.T) {
	b := opened(t)
	bill := b.bill("due", 1)
	m := pays("parts", 10, bill)
	m.Postings = append(m.Postings, wire.Posting{Payer: "IN-DESK", Payee: "LP-DESK", Minor: 5})
	paid := b.apply(b.state.Transfer(m, b.nowMS))
	b.order(wire.Order{Kind: wire.OrderReverse, Entry: paid[1].Seq})
	if got, _ := b.state.Bill(bill); got.State != BillSettled || b.balance("LP-DESK") != 0 {
		t.Errorf("the bill is %s", got.State)
	}
}

func TestWhatOrdersAndSwapsHoldIsSettledByWhomItBelongsToInAnyJournal(t *testing.T) {
	b := opened(t)
	held := b.apply(b.state.Hold(pays("swap", 10), b.nowMS))[0]
	never := b.sets(5, 0)
	b.supply(wire.OrderIssue, "JP-DESK", 100)
	undone := b.order(wire.Order{Kind: wire.OrderReverse, Entry: b.apply(b.state.Transfer(pays("mistake", 1), b.nowMS))[0].Seq})[0]
	next := func(kind wire.LeafKind, reference wire.Hash, minor int64, key wire.ID) Entry {
		return Entry{Seq: b.state.Size(), TimeMS: b.nowMS, Kind: kind, Debit: "IN-DESK", Credit: "JP-DESK", Minor: minor, Reference: reference, Key: key}
	}
	for name, e := range map[string]Entry{
		"a swap's hold posted by an order":       next(wire.LeafPost, held.Reference, 10, idOf("forged")),
		"a swap's hold voided by an order":       next(wire.LeafVoid, held.Reference, 10, idOf("forged")),
		"an order's hold voided by nobody":       next(wire.LeafVoid, never, 5, wire.ID{}),
		"an order's hold posted by a swap":       next(wire.LeafPost, never, 5, wire.ID{}),
		"an order's hold without expiry is over": next(wire.LeafExpire, never, 5, wire.ID{}),
	} {
		if err := b.state.Apply(e); err == nil {
			t.Errorf("%s folds", name)
		}
	}
	at := undone.Seq
	for name, alter := range map[string]func(*Entry){"Minor": alterations["Minor"], "Debit": alterations["Debit"], "Credit": alterations["Credit"], "Bills": alterations["Bills"]} {
		s, err := fold(b.entries[:at])
		if err != nil {
			t.Fatal(err)
		}
		e := undone
		alter(&e)
		if s.Apply(e) == nil {
			t.Errorf("a reversal with another %s than the entry it undoes folds", name)
		}
	}
}
