package ledger

import (
	"testing"

	"entente/schema/wire"
)

func (b *book) available(id string) int64 {
	a, _ := b.state.Account(id)
	return a.Available()
}

func (b *book) balance(id string) int64 {
	a, _ := b.state.Account(id)
	return a.Balance()
}

func TestTheSameOrderAgainGivesTheFirstAnswer(t *testing.T) {
	b := opened(t)
	order := wire.Order{Kind: wire.OrderIssue, Key: idOf("once"), Account: "IN-DESK", Minor: 50, Reserve: "RTGS"}
	first := b.apply(b.state.Order(order, hashOf("body"), b.nowMS))
	b.supply(wire.OrderIssue, "LP-DESK", 1)
	before := dump(b.state)
	if again := b.apply(b.state.Order(order, hashOf("body"), b.nowMS+5)); len(again) != 0 {
		t.Errorf("the order was carried out twice")
	}
	if dump(b.state) != before {
		t.Errorf("the second order changed the state")
	}
	cause, seq, ok := b.state.OrderAnswer(order.Key)
	if !ok || cause != hashOf("body") || seq != first[0].Seq {
		t.Errorf("the first answer is %v at %d, %v; want entry %d", cause, seq, ok, first[0].Seq)
	}
	refused(t, b, CodeIdempotencyConflict, func(s *State) ([]Entry, error) { return s.Order(order, hashOf("other body"), b.nowMS) })
}

func TestARefusedOrderDoesNotUseUpItsKey(t *testing.T) {
	b := opened(t)
	order := wire.Order{Kind: wire.OrderRedeem, Key: idOf("once"), Account: "LP-DESK", Minor: 50, Reserve: "RTGS"}
	refused(t, b, CodeInsufficientFunds, func(s *State) ([]Entry, error) { return s.Order(order, hashOf("body"), b.nowMS) })
	b.supply(wire.OrderIssue, "LP-DESK", 50)
	if got := b.apply(b.state.Order(order, hashOf("body"), b.nowMS)); len(got) != 1 {
		t.Errorf("%d entries, want 1", len(got))
	}
}

func TestTheSamePaymentAgainGivesTheFirstAnswer(t *testing.T) {
	b := opened(t)
	m := pays("instruction", 100, b.bill("due", 1))
	first := b.apply(b.state.Transfer(m, 5_000))
	if again := b.apply(b.state.Transfer(m, 6_000)); len(again) != 0 {
		t.Errorf("the payment was made twice")
	}
	if p, ok := b.state.Payment(m.Reference); !ok || p != (Paid{first[0].Seq, 5_000, "IN-DESK"}) {
		t.Errorf("the payment is %+v, %v", p, ok)
	}
	if b.balance("JP-DESK") != 100 {
		t.Errorf("the payee has %d", b.balance("JP-DESK"))
	}
}

func TestPostingsPassTogetherOrNotAtAll(t *testing.T) {
	for operation, run := range movements {
		b := opened(t)
		m := pays("swap", 600)
		m.Postings = append(m.Postings, wire.Posting{Payer: "IN-DESK", Payee: "LP-DESK", Minor: 401})
		refused(t, b, CodeInsufficientFunds, func(s *State) ([]Entry, error) { return run(s, m) })
		m.Postings[1].Minor = 400
		entries := b.apply(run(b.state, m))
		if len(entries) != 2 || b.available("IN-DESK") != 0 {
			t.Errorf("%s: %d entries, %d left", operation, len(entries), b.available("IN-DESK"))
		}
		checkSums(t, b.state)
	}
}

func TestAHoldIsInsideTheAvailableBalance(t *testing.T) {
	b := opened(t)
	b.apply(b.state.Hold(pays("swap", 700), b.nowMS))
	if b.balance("IN-DESK") != 1_000 || b.available("IN-DESK") != 300 || b.available("JP-DESK") != 0 {
		t.Errorf("balance %d, available %d, the payee has %d", b.balance("IN-DESK"), b.available("IN-DESK"), b.available("JP-DESK"))
	}
	refused(t, b, CodeInsufficientFunds, func(s *State) ([]Entry, error) { return s.Hold(pays("second", 301), b.nowMS) })
	b.apply(b.state.Hold(pays("second", 300), b.nowMS))
	checkSums(t, b.state)
}

func TestAFreezeDoesNotStopWhatWasPrepared(t *testing.T) {
	for _, via := range []string{"", "SUSPENSE"} {
		b := opened(t)
		m := pays("swap", 700)
		b.apply(b.state.Hold(m, b.nowMS))
		b.status("IN-DESK", wire.StatusFrozen)
		b.status("JP-DESK", wire.StatusFrozen)
		refused(t, b, CodeAccountFrozen, func(s *State) ([]Entry, error) { return s.Hold(pays("second", 1), b.nowMS) })
		b.apply(b.state.Post(m.Reference, hashOf("decision"), via, b.nowMS))
		if via != "" {
			b.status("SUSPENSE", wire.StatusFrozen)
			b.apply(b.state.Release(m.Reference, hashOf("ack"), m.Postings, b.nowMS))
		}
		if b.balance("JP-DESK") != 700 {
			t.Errorf("via %q: the payee has %d", via, b.balance("JP-DESK"))
		}
		refused(t, b, CodeAccountFrozen, func(s *State) ([]Entry, error) {
			return s.Hold(Movement{Reference: hashOf("onwards"), Postings: []wire.Posting{{Payer: "JP-DESK", Payee: "LP-DESK", Minor: 1}}}, b.nowMS)
		})
		checkSums(t, b.state)
	}
}

func TestMoneyInSuspenseIsNobodysToSpend(t *testing.T) {
	b := opened(t)
	m := pays("swap", 700)
	b.apply(b.state.Hold(m, b.nowMS))
	b.apply(b.state.Post(m.Reference, hashOf("vote"), "SUSPENSE", b.nowMS))
	if b.available("IN-DESK") != 300 || b.available("JP-DESK") != 0 || b.balance("SUSPENSE") != 700 || len(b.state.InTransit(m.Reference)) != 1 {
		t.Errorf("payer %d, payee %d, suspense %d", b.available("IN-DESK"), b.available("JP-DESK"), b.balance("SUSPENSE"))
	}
	checkSums(t, b.state)
	b.apply(b.state.Release(m.Reference, hashOf("ack"), m.Postings, b.nowMS))
	if b.available("JP-DESK") != 700 || b.balance("SUSPENSE") != 0 || len(b.state.InTransit(m.Reference)) != 0 {
		t.Errorf("payee %d, suspense %d", b.available("JP-DESK"), b.balance("SUSPENSE"))
	}
	checkSums(t, b.state)
}

func TestAnEmptyAccountClosesOnceNothingIsPending(t *testing.T) {
	b := opened(t)
	b.apply(b.state.Hold(pays("swap", 1_000), b.nowMS))
	b.apply(b.state.Post(hashOf("swap"), hashOf("decision"), "", b.nowMS))
	b.status("IN-DESK", wire.StatusClosed)
	if a, _ := b.state.Account("IN-DESK"); a.Status != wire.StatusClosed {
		t.Errorf("the account is %d", a.Status)
	}
}

func TestAVoidGivesMoneyAndBillBack(t *testing.T) {
	b := opened(t)
	due := b.bill("due", 1)
	b.apply(b.state.Hold(pays("swap", 700, due), b.nowMS))
	if bill, _ := b.state.Bill(due); bill.State != BillHeld || bill.Reference != hashOf("swap") {
		t.Errorf("the bill is %s for %s", bill.State, bill.Reference.Short())
	}
	refused(t, b, CodeBillPaid, func(s *State) ([]Entry, error) { return s.Transfer(pays("other", 1, due), b.nowMS) })
	b.apply(b.state.Void(hashOf("swap"), hashOf("abort"), b.nowMS))
	if bill, _ := b.state.Bill(due); bill.State != BillOutstanding || !bill.Reference.IsZero() {
		t.Errorf("the bill is %s for %s", bill.State, bill.Reference.Short())
	}
	if b.available("IN-DESK") != 1_000 {
		t.Errorf("%d available", b.available("IN-DESK"))
	}
	b.apply(b.state.Transfer(pays("other", 700, due), b.nowMS))
	if bill, _ := b.state.Bill(due); bill.State != BillSettled || bill.Reference != hashOf("other") {
		t.Errorf("the bill is %s for %s", bill.State, bill.Reference.Short())
	}
	checkSums(t, b.state)
}

func TestAPostNamesTheBillsItDischarges(t *testing.T) {
	b := opened(t)
	due := b.bill("due", 1)
	m := pays("swap", 700, due)
	b.apply(b.state.Hold(m, b.nowMS))
	e := b.apply(b.state.Post(m.Reference, hashOf("decision"), "", b.nowMS))[0]
	if len(e.Bills) != 1 || e.Bills[0] != due || e.Blinding != m.Blinding || e.Cause != hashOf("decision") {
		t.Errorf("the entry is %+v", e)
	}
	refused(t, b, CodeBillPaid, func(s *State) ([]Entry, error) { return s.Hold(pays("again", 1, due), b.nowMS) })
}

func TestABillIsRecordedOnce(t *testing.T) {
	b := opened(t)
	b.bill("due", 2)
	admit := func(bill wire.Bill) func(*State) ([]Entry, error) {
		return func(s *State) ([]Entry, error) { return s.Admit(bill, b.nowMS) }
	}
	refused(t, b, CodeBillRepeated, admit(billOf("due", 2)))
	refused(t, b, CodeBillRepeated, admit(billOf("due", 1)))
	other := billOf("due", 2)
	other.Nonce = hashOf("another bill of the same revision")
	refused(t, b, CodeBillRepeated, admit(other))
	foreign := billOf("due", 2)
	foreign.Currency = "JPY"
	refused(t, b, CodeBillForeign, admit(foreign))
	foreign = billOf("foreign", 1)
	foreign.Ledger = "BOJ"
	refused(t, b, CodeBillForeign, admit(foreign))
}

func TestARevisionReplacesABillUntilItIsHeldOrPaid(t *testing.T) {
	b := opened(t)
	first, second := b.bill("due", 1), b.bill("due", 2)
	refused(t, b, CodeBillForeign, func(s *State) ([]Entry, error) { return s.Hold(pays("swap", 1, first), b.nowMS) })
	b.apply(b.state.Hold(pays("swap", 1, second), b.nowMS))
	third := billOf("due", 3)
	refused(t, b, CodeBillPaid, func(s *State) ([]Entry, error) { return s.Admit(third, b.nowMS) })
	b.apply(b.state.Void(hashOf("swap"), hashOf("abort"), b.nowMS))
	b.bill("due", 3)
	b.apply(b.state.Transfer(pays("payment", 1, third.Hash()), b.nowMS))
	fourth := billOf("due", 4)
	refused(t, b, CodeBillPaid, func(s *State) ([]Entry, error) { return s.Admit(fourth, b.nowMS) })
}

func TestLedgerTimeNeverRunsBackwards(t *testing.T) {
	b := opened(t)
	b.apply(b.state.Hold(pays("swap", 1), 9_000))
	for _, e := range b.apply(b.state.Void(hashOf("swap"), hashOf("abort"), 3_000)) {
		if e.TimeMS != 9_000 {
			t.Errorf("entry %d is of %d", e.Seq, e.TimeMS)
		}
	}
	if b.state.TimeMS() != 9_000 {
		t.Errorf("the ledger's time is %d", b.state.TimeMS())
	}
}
