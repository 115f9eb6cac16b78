package ledger

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// refused runs an operation on a ledger and wants its refusal: the code, no entries, and not a byte of the state changed.
func refused(t *testing.T, b *book, want refusal.Code, operation func(*State) ([]Entry, error)) {
	t.Helper()
	before := dump(b.state)
	entries, err := operation(b.state)
	if refusal.CodeOf(err) != want {
		t.Errorf("refused with %q (%v), want %q", refusal.CodeOf(err), err, want)
	}
	if len(entries) != 0 {
		t.Errorf("a refusal came with %d entries", len(entries))
	}
	if after := dump(b.state); after != before {
		t.Errorf("the state changed:\n%s\nwas\n%s", after, before)
	}
}

func TestEachOrderIsRefusedByName(t *testing.T) {
	open := wire.Order{Kind: wire.OrderOpen, Key: idOf("new"), Account: "NEW", Owner: "India", As: wire.AccountDesk}
	status := wire.Order{Kind: wire.OrderStatus, Key: idOf("new"), Account: "IN-DESK", Status: wire.StatusFrozen}
	issue := wire.Order{Kind: wire.OrderIssue, Key: idOf("new"), Account: "IN-DESK", Minor: 10, Reserve: "RTGS-NEW"}
	redeem := wire.Order{Kind: wire.OrderRedeem, Key: idOf("new"), Account: "IN-DESK", Minor: 10, Reserve: "RTGS-NEW"}
	with := func(o wire.Order, change func(*wire.Order)) wire.Order { change(&o); return o }
	for _, c := range []struct {
		name    string
		prepare func(*book)
		order   wire.Order
		want    refusal.Code
	}{
		{"a key that another order used", nil, with(issue, func(o *wire.Order) { o.Key = idOf("key-1") }), CodeIdempotencyConflict},
		{"no key at all", nil, with(issue, func(o *wire.Order) { o.Key = wire.ID{} }), CodeMalformed},
		{"an order of no known kind", nil, with(issue, func(o *wire.Order) { o.Kind = 15 }), CodeMalformed},
		{"opening an id in lower case", nil, with(open, func(o *wire.Order) { o.Account = "new-account" }), CodeMalformed},
		{"opening an id of two letters", nil, with(open, func(o *wire.Order) { o.Account = "AB" }), CodeMalformed},
		{"opening for nobody", nil, with(open, func(o *wire.Order) { o.Owner = "" }), CodeMalformed},
		{"opening for an owner that no entry can hold", nil, with(open, func(o *wire.Order) { o.Owner = "In\ndia" }), CodeMalformed},
		{"opening no known kind of account", nil, with(open, func(o *wire.Order) { o.As = 5 }), CodeMalformed},
		{"opening an account twice", nil, with(open, func(o *wire.Order) { o.Account = "IN-DESK" }), CodeAccountExists},
		{"a second issuance account", nil, with(open, func(o *wire.Order) { o.As = wire.AccountIssuance }), CodeAccountExists},
		{"a second suspense account", nil, with(open, func(o *wire.Order) { o.As = wire.AccountSuspense }), CodeAccountExists},
		{"a status nobody knows", nil, with(status, func(o *wire.Order) { o.Status = 9 }), CodeMalformed},
		{"freezing an account that is not there", nil, with(status, func(o *wire.Order) { o.Account = "NOWHERE" }), CodeAccountUnknown},
		{"opening a closed account again", func(b *book) { b.status("LP-DESK", wire.StatusClosed) },
			with(status, func(o *wire.Order) { o.Account, o.Status = "LP-DESK", wire.StatusActive }), CodeAccountClosed},
		{"closing an account with money", nil, with(status, func(o *wire.Order) { o.Status = wire.StatusClosed }), CodeAccountPending},
		{"closing an account that awaits money", func(b *book) { b.apply(b.state.Hold(pays("swap", 1), b.nowMS)) },
			with(status, func(o *wire.Order) { o.Account, o.Status = "JP-DESK", wire.StatusClosed }), CodeAccountPending},
		{"closing an account whose money is in suspense", func(b *book) {
			b.apply(b.state.Hold(pays("swap", 1), b.nowMS))
			b.apply(b.state.Post(hashOf("swap"), hashOf("vote"), "SUSPENSE", b.nowMS))
		}, with(status, func(o *wire.Order) { o.Account, o.Status = "JP-DESK", wire.StatusClosed }), CodeAccountPending},
		{"closing suspense while anything is held", func(b *book) { b.apply(b.state.Hold(pays("swap", 1), b.nowMS)) },
			with(status, func(o *wire.Order) { o.Account, o.Status = "SUSPENSE", wire.StatusClosed }), CodeAccountPending},
		{"issuing nothing", nil, with(issue, func(o *wire.Order) { o.Minor = 0 }), CodeAmountInvalid},
		{"redeeming a negative amount", nil, with(redeem, func(o *wire.Order) { o.Minor = -1 }), CodeAmountInvalid},
		{"issuing to an account that is not there", nil, with(issue, func(o *wire.Order) { o.Account = "NOWHERE" }), CodeAccountUnknown},
		{"issuing to the issuance account", nil, with(issue, func(o *wire.Order) { o.Account = "ISSUANCE" }), CodeMalformed},
		{"issuing to suspense", nil, with(issue, func(o *wire.Order) { o.Account = "SUSPENSE" }), CodeAccountForeign},
		{"redeeming from suspense", nil, with(redeem, func(o *wire.Order) { o.Account = "SUSPENSE" }), CodeAccountForeign},
		{"issuing to a closed account", func(b *book) { b.status("LP-DESK", wire.StatusClosed) }, with(issue, func(o *wire.Order) { o.Account = "LP-DESK" }), CodeAccountClosed},
		{"issuing to a frozen account", func(b *book) { b.status("LP-DESK", wire.StatusFrozen) }, with(issue, func(o *wire.Order) { o.Account = "LP-DESK" }), CodeAccountFrozen},
		{"redeeming more than there is", nil, with(redeem, func(o *wire.Order) { o.Minor = 1_001 }), CodeInsufficientFunds},
		{"redeeming what is held", func(b *book) { b.apply(b.state.Hold(pays("swap", 995), b.nowMS)) }, redeem, CodeInsufficientFunds},
		{"issuing more than can be counted", nil, with(issue, func(o *wire.Order) { o.Minor = math.MaxInt64 }), CodeOverflow},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := opened(t)
			if c.prepare != nil {
				c.prepare(b)
			}
			refused(t, b, c.want, func(s *State) ([]Entry, error) { return s.Order(c.order, hashOf("cause"), b.nowMS) })
		})
	}
}

func TestALedgerWithoutAnIssuanceAccountIssuesNothing(t *testing.T) {
	b := newBook(t)
	b.open("IN-DESK", "India", wire.AccountDesk)
	order := wire.Order{Kind: wire.OrderIssue, Key: b.key(), Account: "IN-DESK", Minor: 1, Reserve: "RTGS"}
	refused(t, b, CodeAccountUnknown, func(s *State) ([]Entry, error) { return s.Order(order, hashOf("cause"), 1) })
}

func TestSuspenseMustBeOpenBeforeASwapBegins(t *testing.T) {
	b := newBook(t)
	if code := refusal.CodeOf(b.state.SuspenseReady()); code != CodeAccountUnknown {
		t.Errorf("without a suspense account: %q", code)
	}
	b.open("SUSPENSE", "RBI", wire.AccountSuspense)
	if err := b.state.SuspenseReady(); err != nil {
		t.Errorf("with an active one: %v", err)
	}
	b.status("SUSPENSE", wire.StatusFrozen)
	if code := refusal.CodeOf(b.state.SuspenseReady()); code != CodeAccountFrozen {
		t.Errorf("with a frozen one: %q", code)
	}
	b.status("SUSPENSE", wire.StatusClosed)
	if code := refusal.CodeOf(b.state.SuspenseReady()); code != CodeAccountClosed {
		t.Errorf("with a closed one: %q", code)
	}
}

// flaw is one thing wrong with a movement; each alone gives its code.
type flaw struct {
	code   refusal.Code
	name   string
	ledger func(*book)
	change func(*book, *Movement)
}

func post(from, to string, minor int64) func(*book, *Movement) {
	return func(_ *book, m *Movement) {
		m.Postings = append(m.Postings, wire.Posting{Payer: from, Payee: to, Minor: minor})
	}
}

// late are the flaws of a ledger that come after everything else was prepared.
var late = map[string]bool{"a halted ledger": true, "a day that is closed": true, "more than the payer may pay at once": true, "more than the payer may pay in a day": true}

func unchanged(*book, *Movement) {}

// flaws are in the order of precedence.
var flaws = []flaw{
	{CodeMalformed, "an account that pays itself", nil, post("JP-DESK", "JP-DESK", 1)},
	{CodeAmountInvalid, "a posting of nothing", nil, post("IN-DESK", "JP-DESK", 0)},
	{CodeAmountInvalid, "a posting below nothing", nil, post("IN-DESK", "JP-DESK", -5)},
	{CodeHalted, "a halted ledger", func(b *book) { b.order(wire.Order{Kind: wire.OrderHalt}) }, unchanged},
	{CodeDayClosed, "a day that is closed", func(b *book) {
		b.order(wire.Order{Kind: wire.OrderOpenDay, Day: 19700101})
		b.order(wire.Order{Kind: wire.OrderCloseDay, Day: 19700101})
	}, unchanged},
	{CodeAccountUnknown, "a payee nobody knows", nil, post("IN-DESK", "NOWHERE", 1)},
	{CodeAccountUnknown, "a payer nobody knows", nil, post("NOWHERE", "IN-DESK", 1)},
	{CodeAccountForeign, "a payment out of thin air", nil, post("ISSUANCE", "JP-DESK", 1)},
	{CodeAccountForeign, "a payment into suspense", nil, post("IN-DESK", "SUSPENSE", 1)},
	{CodeAccountClosed, "a closed payee", func(b *book) { b.open("CLOSED", "India", wire.AccountDesk); b.status("CLOSED", wire.StatusClosed) }, post("IN-DESK", "CLOSED", 1)},
	{CodeAccountFrozen, "a frozen payee", func(b *book) { b.open("FROZEN", "India", wire.AccountDesk); b.status("FROZEN", wire.StatusFrozen) }, post("IN-DESK", "FROZEN", 1)},
	{CodeBillUnknown, "a bill nobody recorded", nil, func(_ *book, m *Movement) { m.Bills = append(m.Bills, hashOf("no bill")) }},
	{CodeBillForeign, "a bill that others owe", func(b *book) {
		bill := billOf("others", 1)
		bill.Debtor = "Australia"
		b.apply(b.state.Admit(bill, b.nowMS))
	}, func(_ *book, m *Movement) {
		bill := billOf("others", 1)
		bill.Debtor = "Australia"
		m.Bills = append(m.Bills, bill.Hash())
	}},
	{CodeBillForeign, "a bill that was replaced", func(b *book) { b.bill("replaced", 1); b.bill("replaced", 2) },
		func(_ *book, m *Movement) { bill := billOf("replaced", 1); m.Bills = append(m.Bills, bill.Hash()) }},
	{CodeBillPaid, "a bill that is paid", func(b *book) { b.apply(b.state.Transfer(pays("earlier", 1, b.bill("paid", 1)), b.nowMS)) },
		func(_ *book, m *Movement) { bill := billOf("paid", 1); m.Bills = append(m.Bills, bill.Hash()) }},
	{CodeBillPaid, "a bill that is held", func(b *book) { b.apply(b.state.Hold(pays("other", 1, b.bill("held", 1)), b.nowMS)) },
		func(_ *book, m *Movement) { bill := billOf("held", 1); m.Bills = append(m.Bills, bill.Hash()) }},
	{CodeBillPaid, "a bill named twice", nil, func(_ *book, m *Movement) { m.Bills = append(m.Bills, m.Bills[0]) }},
	{CodeLimitTransfer, "more than the payer may pay at once", func(b *book) { b.order(wire.Order{Kind: wire.OrderLimit, Account: "IN-DESK", PerTransfer: 99}) }, unchanged},
	{CodeLimitDay, "more than the payer may pay in a day", func(b *book) {
		b.order(wire.Order{Kind: wire.OrderLimit, Account: "IN-DESK", PerTransfer: b.perTransfer("IN-DESK"), PerDay: 99})
	}, unchanged},
	{CodeInsufficientFunds, "more than there is", nil, post("IN-DESK", "JP-DESK", 5_000)},
	{CodeInsufficientFunds, "more than the postings before leave", nil, post("IN-DESK", "LP-DESK", 950)},
	{CodeInsufficientFunds, "what the posting before has only just brought", nil, post("JP-DESK", "LP-DESK", 50)},
	{CodeOverflow, "more than the payee can count", (*book).nearlyFull, post("RICH", "FULL", 900)},
	{CodeOverflow, "more than the payee can count, in two postings", (*book).nearlyFull,
		func(b *book, m *Movement) { post("RICH", "FULL", 60)(b, m); post("RICH", "FULL", 60)(b, m) }},
}

// movements are the operations that these flaws concern.
var movements = map[string]func(*State, Movement) ([]Entry, error){
	"hold":     func(s *State, m Movement) ([]Entry, error) { return s.Hold(m, 2_000) },
	"transfer": func(s *State, m Movement) ([]Entry, error) { return s.Transfer(m, 2_000) },
}

func flawed(t *testing.T, all ...flaw) (*book, Movement) {
	b := opened(t)
	m := pays("swap", 100, b.bill("due", 1))
	seen := map[string]bool{}
	for _, f := range all {
		if f.ledger != nil && !late[f.name] && !(f.code == CodeOverflow && seen["overflow"]) {
			f.ledger(b)
		}
		seen[string(f.code)] = true
		f.change(b, &m)
	}
	for _, f := range all {
		if late[f.name] {
			f.ledger(b)
		}
	}
	return b, m
}

func TestAMovementBrokenInOneWayIsRefusedByName(t *testing.T) {
	for operation, run := range movements {
		for _, f := range flaws {
			t.Run(operation+" with "+f.name, func(t *testing.T) {
				b, m := flawed(t, f)
				refused(t, b, f.code, func(s *State) ([]Entry, error) { return run(s, m) })
			})
		}
	}
}

func TestOfTwoFlawsTheEarlierCodeWinsInEitherOrder(t *testing.T) {
	for operation, run := range movements {
		for i, f := range flaws {
			for _, g := range flaws[i+1:] {
				for _, pair := range [][]flaw{{f, g}, {g, f}} {
					t.Run(fmt.Sprintf("%s with %s and %s", operation, pair[0].name, pair[1].name), func(t *testing.T) {
						b, m := flawed(t, pair...)
						refused(t, b, f.code, func(s *State) ([]Entry, error) { return run(s, m) })
					})
				}
			}
		}
	}
}

func TestTheFlawsStandInTheOrderOfTheList(t *testing.T) {
	codes := Codes()
	at := 0
	for _, f := range flaws {
		i := slices.Index(codes, f.code)
		if i < at {
			t.Errorf("%s (%s) stands after %s", f.code, f.name, codes[at])
		}
		at = i
	}
	for i, code := range codes {
		if slices.Contains(codes[:i], code) {
			t.Errorf("%s is listed twice", code)
		}
	}
}

func TestAMovementNeedsAReferenceAndAPosting(t *testing.T) {
	for operation, run := range movements {
		b := opened(t)
		m := pays("swap", 1)
		m.Reference = wire.Hash{}
		refused(t, b, CodeMalformed, func(s *State) ([]Entry, error) { return run(s, m) })
		m = pays("swap", 1)
		m.Postings = nil
		refused(t, b, CodeMalformed, func(s *State) ([]Entry, error) { return run(s, m) })
		_ = operation
	}
}

func TestASecondHoldForTheSameSwapIsRefusedWhateverElseIsWrong(t *testing.T) {
	b := opened(t)
	b.apply(b.state.Hold(pays("swap", 100), b.nowMS))
	again := pays("swap", -1, hashOf("no bill"))
	refused(t, b, CodeHoldExists, func(s *State) ([]Entry, error) { return s.Hold(again, 2_000) })
	b.apply(b.state.Post(hashOf("swap"), hashOf("vote"), "SUSPENSE", b.nowMS))
	refused(t, b, CodeHoldExists, func(s *State) ([]Entry, error) { return s.Hold(pays("swap", 1), 2_000) })
}

func TestSettlingIsRefusedByName(t *testing.T) {
	swap, cause := hashOf("swap"), hashOf("decision")
	postings := pays("swap", 100).Postings
	for _, c := range []struct {
		name    string
		prepare func(*book)
		run     func(*State) ([]Entry, error)
		want    refusal.Code
	}{
		{"posting what is not held", nil, func(s *State) ([]Entry, error) { return s.Post(hashOf("other"), cause, "", 1) }, CodeHoldUnknown},
		{"voiding what is not held", nil, func(s *State) ([]Entry, error) { return s.Void(hashOf("other"), cause, 1) }, CodeHoldUnknown},
		{"posting twice", func(b *book) { b.apply(b.state.Post(swap, cause, "", 1)) },
			func(s *State) ([]Entry, error) { return s.Post(swap, cause, "", 1) }, CodeHoldUnknown},
		{"voiding after posting", func(b *book) { b.apply(b.state.Post(swap, cause, "", 1)) },
			func(s *State) ([]Entry, error) { return s.Void(swap, cause, 1) }, CodeHoldUnknown},
		{"posting after voiding", func(b *book) { b.apply(b.state.Void(swap, cause, 1)) },
			func(s *State) ([]Entry, error) { return s.Post(swap, cause, "", 1) }, CodeHoldUnknown},
		{"posting through an account that is not suspense", nil, func(s *State) ([]Entry, error) { return s.Post(swap, cause, "LP-DESK", 1) }, CodeAccountForeign},
		{"posting through an account that is not there", nil, func(s *State) ([]Entry, error) { return s.Post(swap, cause, "NOWHERE", 1) }, CodeAccountForeign},
		{"posting through suspense that was closed before the hold", func(b *book) {
			b.apply(b.state.Void(swap, cause, 1))
			b.status("SUSPENSE", wire.StatusClosed)
			b.apply(b.state.Hold(pays("swap", 100), b.nowMS))
		}, func(s *State) ([]Entry, error) { return s.Post(swap, cause, "SUSPENSE", 1) }, CodeAccountClosed},
		{"releasing what is not in suspense", nil, func(s *State) ([]Entry, error) { return s.Release(swap, cause, postings, 1) }, CodeHoldUnknown},
		{"releasing twice", func(b *book) {
			b.apply(b.state.Post(swap, cause, "SUSPENSE", 1))
			b.apply(b.state.Release(swap, cause, postings, 1))
		}, func(s *State) ([]Entry, error) { return s.Release(swap, cause, postings, 1) }, CodeHoldUnknown},
		{"releasing another amount", func(b *book) { b.apply(b.state.Post(swap, cause, "SUSPENSE", 1)) },
			func(s *State) ([]Entry, error) { return s.Release(swap, cause, pays("swap", 99).Postings, 1) }, CodeMalformed},
		{"releasing more postings", func(b *book) { b.apply(b.state.Post(swap, cause, "SUSPENSE", 1)) },
			func(s *State) ([]Entry, error) { return s.Release(swap, cause, slices.Concat(postings, postings), 1) }, CodeMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := opened(t)
			b.apply(b.state.Hold(pays("swap", 100), b.nowMS))
			if c.prepare != nil {
				c.prepare(b)
			}
			refused(t, b, c.want, c.run)
		})
	}
}

func TestPostingToAFullSuspenseAccountIsRefusedBeforeAnythingMoves(t *testing.T) {
	b := newBook(t)
	b.open("ISSUANCE", "RBI", wire.AccountIssuance)
	b.open("SUSPENSE", "RBI", wire.AccountSuspense)
	const half = math.MaxInt64 / 2
	for _, id := range []string{"AAA", "BBB", "CCC", "DDD"} {
		b.open(id, "India", wire.AccountDesk)
	}
	b.supply(wire.OrderIssue, "AAA", half)
	for _, hop := range [][2]string{{"AAA", "BBB"}, {"BBB", "CCC"}} {
		m := Movement{Reference: hashOf(hop[0]), Postings: []wire.Posting{{Payer: hop[0], Payee: hop[1], Minor: half}}}
		b.apply(b.state.Hold(m, 1))
		b.apply(b.state.Post(m.Reference, hashOf("vote"), "SUSPENSE", 1))
		b.apply(b.state.Release(m.Reference, hashOf("ack"), m.Postings, 1))
	}
	m := Movement{Reference: hashOf("third"), Postings: []wire.Posting{{Payer: "CCC", Payee: "DDD", Minor: half}}}
	b.apply(b.state.Hold(m, 1))
	refused(t, b, CodeOverflow, func(s *State) ([]Entry, error) { return s.Post(m.Reference, hashOf("vote"), "SUSPENSE", 1) })
	b.apply(b.state.Void(m.Reference, hashOf("abort"), 1))
	checkSums(t, b.state)
}
