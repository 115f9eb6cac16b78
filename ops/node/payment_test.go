package node_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/ops/node"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
	"entente/settlement/swap"
	"entente/wallet/quorum"
	"entente/zk/proof"
)

func twoPersons(t *testing.T, w *world) {
	bill := w.billOf(t, "KWT", "DEU", "exercise")
	before := w.books(t, "KWT")
	t.Run("at the desk", func(t *testing.T) {
		clerk, controller := w.user("KWT", "clerk"), w.user("KWT", "controller")
		instruction, err := clerk.MakePayment(t.Context(), bill.Hash)
		if err != nil {
			t.Fatal(err)
		}
		refuses(t, clerk.Approve(t.Context(), instruction), quorum.CodeSameApprover)
		// Another nation's user, at its own desk and then at this one; then that user's signature in the hands of one who may hand in approvals.
		refuses(t, w.user("GBR", "controller").Approve(t.Context(), instruction), node.CodeNotFound)
		a := wire.Approval{Network: w.net.Trust.Network, Instruction: instruction, Verdict: wire.VerdictApprove, AtMS: now()}
		foreign := sign(t, w.person(t, "GBR", "controller"), wire.TypeApproval, a.Bytes())
		_, err = w.ask(t, w.person(t, "GBR", "controller"), "KWT", node.SubjectApprove, foreign.Bytes())
		refuses(t, err, node.CodeNotAllowed)
		_, err = w.ask(t, w.person(t, "KWT", "clerk"), "KWT", node.SubjectApprove, foreign.Bytes())
		refuses(t, err, node.CodeNotAllowed)
		if got := w.books(t, "KWT"); got != before {
			t.Errorf("the books changed from %+v to %+v", before, got)
		}
		if err := controller.Approve(t.Context(), instruction); err != nil {
			t.Fatal(err)
		}
		settles(t, w, "KWT", instruction)
	})
	t.Run("at the bank, whatever a desk sends", func(t *testing.T) {
		bill := w.billOf(t, "KWT", "FRA", "exercise")
		foreign := w.billOf(t, "KWT", "DEU", "exercise")
		other := foreign.Proven()
		before := w.books(t, "KWT")
		for name, test := range map[string]struct {
			spoil func(*order)
			code  refusal.Code
		}{
			"the maker approves":            {func(o *order) { o.approver = w.person(t, "KWT", "clerk") }, quorum.CodeSameApprover},
			"a user of another nation does": {func(o *order) { o.approver = w.person(t, "GBR", "controller") }, quorum.CodeApproverForeign},
			"nobody does":                   {func(o *order) { o.approver = nil }, quorum.CodeApprovalMissing},
			"the deadline has passed":       {func(o *order) { o.in.DeadlineMS = now() - 1 }, payment.CodeExpired},
			"it pays less than the bill":    {func(o *order) { o.in.PayMinor-- }, payment.CodeBillTotalMismatch},
			"it pays a negative amount":     {func(o *order) { o.in.PayMinor = 0 }, wire.CodeAmountInvalid},
			"it is of another network":      {func(o *order) { o.in.Network = "dev-other" }, wire.CodeWrongNetwork},
			"it debits somebody else":       {func(o *order) { o.in.PayerAccount = "CBK-PROVIDER-1" }, payment.CodeAccountForeign},
			"its limit is too low":          {func(o *order) { o.in.MaxDebitMinor = 1 }, payment.CodeOverDebitLimit},
			"its bill is not shown":         {func(o *order) { o.bills = func([][]byte) [][]byte { return nil } }, payment.CodeBillTotalMismatch},
			"another bill is shown":         {func(o *order) { o.bills = func([][]byte) [][]byte { return [][]byte{other.Bytes()} } }, payment.CodeBillForeign},
			"a bill without its signatures is shown": {func(o *order) {
				o.bills = changedBill(t, func(p *wire.ProvenBill) { p.Envelope.Signatures = p.Envelope.Signatures[:1] })
			}, node.CodeCountersignature},
			"a bill with a changed proof is shown": {func(o *order) {
				o.bills = changedBill(t, func(p *wire.ProvenBill) { p.Proofs[0][0] ^= 1 })
			}, proof.CodeProofMalformed},
			"a bill with another bill's proof is shown": {func(o *order) {
				o.bills = changedBill(t, func(p *wire.ProvenBill) { p.Proofs[0] = other.Proofs[0] })
			}, proof.CodeProofInvalid},
		} {
			t.Run(name, func(t *testing.T) {
				o := w.order(t, bill)
				test.spoil(o)
				if o.in.PayMinor == 0 {
					o.quoter = nil // no quote can be accepted for nothing
				}
				refuses(t, o.send(t), test.code)
			})
		}
		// A sound package that another nation's desk hands in.
		_, err := w.ask(t, w.service(t, "GBR"), "cbk", node.SubjectPay, w.order(t, bill).pack(t))
		refuses(t, err, node.CodeNotAllowed)
		if got := w.books(t, "KWT"); got != before {
			t.Errorf("the books changed from %+v to %+v", before, got)
		}
	})
}

// changedBill shows a bill with something about it changed.
func changedBill(t *testing.T, change func(*wire.ProvenBill)) func([][]byte) [][]byte {
	return func(bills [][]byte) [][]byte {
		t.Helper()
		p, err := wire.ParseProvenBill(bills[0])
		if err != nil {
			t.Fatal(err)
		}
		change(&p)
		return [][]byte{p.Bytes()}
	}
}

// settles waits until the payer's desk has seen its payment settled.
func settles(t *testing.T, w *world, payer string, instruction wire.Hash) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		for _, p := range w.net.Desks[payer].Payments() {
			if p.Hash == instruction && p.State == payment.Settled {
				return
			}
			if p.Hash == instruction && p.State.Final() {
				t.Fatalf("the payment is %s: %s", p.State, p.Reason)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the payment does not settle")
}

func paidOnce(t *testing.T, w *world) {
	t.Run("by one instruction after another", func(t *testing.T) {
		bill := w.billOf(t, "FRA", "DEU", "exercise")
		before := w.books(t, "FRA")
		instruction, err := w.user("FRA", "clerk").MakePayment(t.Context(), bill.Hash)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.user("FRA", "clerk").MakePayment(t.Context(), bill.Hash)
		refuses(t, err, "bill_paid")
		if err := w.user("FRA", "controller").Approve(t.Context(), instruction); err != nil {
			t.Fatal(err)
		}
		settles(t, w, "FRA", instruction)
		_, err = w.user("FRA", "clerk").MakePayment(t.Context(), bill.Hash)
		refuses(t, err, "bill_paid")
		refuses(t, w.order(t, bill).send(t), ledger.CodeBillPaid)
		if got := w.books(t, "FRA"); got.Balance != before.Balance-bill.Total.Minor() || got.Size != before.Size+1 || got.Free != got.Balance {
			t.Errorf("the books changed from %+v to %+v for %s", before, got, bill.Total)
		}
	})
	t.Run("by many at once inside one ledger", func(t *testing.T) {
		bill := w.billOf(t, "DEU", "FRA", "exercise")
		before := w.books(t, "DEU")
		paid := atOnce(t, w, bill, 8, ledger.CodeBillPaid)
		if got := w.books(t, "DEU"); len(paid) != 1 || got.Balance != before.Balance-bill.Total.Minor() || got.Size != before.Size+1 {
			t.Errorf("%d payments went through; the books changed from %+v to %+v for %s", len(paid), before, got, bill.Total)
		}
	})
	t.Run("by many at once across ledgers", func(t *testing.T) {
		bill := w.billOf(t, "GBR", "FRA", "exercise")
		payer, payee := w.books(t, "GBR"), w.books(t, "FRA")
		settled := 0
		for _, instruction := range atOnce(t, w, bill, 4, "") {
			o := w.outcome(t, "GBR", instruction)
			if o.State == "settled" {
				settled++
			} else if !strings.Contains(o.Reason, string(ledger.CodeBillPaid)) {
				t.Errorf("a second payment is %s for the reason %q", o.State, o.Reason)
			}
		}
		if settled != 1 {
			t.Errorf("%d of 4 swaps settled", settled)
		}
		if got := w.books(t, "FRA"); got.Balance != payee.Balance+bill.Total.Minor() || got.Incoming != 0 {
			t.Errorf("the payee's books changed from %+v to %+v for %s", payee, got, bill.Total)
		}
		if got := w.books(t, "GBR"); got.Free != got.Balance || got.Balance >= payer.Balance || got.Balance < payer.Balance-bill.Total.Minor() {
			t.Errorf("the payer's books changed from %+v to %+v", payer, got)
		}
	})
}

// atOnce sends n payments of one bill at the same time and gives those the bank took; the others it must refuse with this code.
func atOnce(t *testing.T, w *world, bill node.DeskBill, n int, code refusal.Code) (taken []wire.Hash) {
	t.Helper()
	packs, orders := make([][]byte, n), make([]*order, n)
	for i := range n {
		orders[i] = w.order(t, bill)
		packs[i] = orders[i].pack(t)
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	for i, o := range orders {
		key := w.service(t, o.in.Payer)
		group.Go(func() {
			_, err := w.ask(t, key, o.in.PayerBank, node.SubjectPay, packs[i])
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				taken = append(taken, o.in.Hash())
				return
			}
			refuses(t, err, code)
		})
	}
	group.Wait()
	return taken
}

func badQuotes(t *testing.T, w *world) {
	bill := w.billOf(t, "GBR", "KWT", "exercise")
	before := w.books(t, "GBR")
	for name, test := range map[string]struct {
		spoil func(*order)
		code  refusal.Code
	}{
		"expired":                        {func(o *order) { o.quote.ExpiresMS = now() - 1 }, payment.CodeQuoteExpired},
		"expiring before the vote":       {func(o *order) { o.quote.ExpiresMS = now() + swap.VoteWindowMS/2 }, swap.CodeQuoteExpired},
		"of another network":             {func(o *order) { o.quote.Network = "dev-other" }, payment.CodeQuoteForeign},
		"for another taker":              {func(o *order) { o.quote.Taker = w.service(t, "KWT").Key().ID() }, payment.CodeQuoteForeign},
		"of a provider nobody knows":     {func(o *order) { o.quote.Provider = "PROVIDER-2" }, payment.CodeQuoteForeign},
		"signed by a desk":               {func(o *order) { o.quoter = w.service(t, "GBR") }, wire.CodeKeyPurpose},
		"for another pair":               {func(o *order) { o.quote.SellCurrency = "EUR" }, payment.CodeQuoteForeign},
		"on another ledger":              {func(o *order) { o.quote.BuyBank = "boe" }, payment.CodeQuoteForeign},
		"from an account of the payee":   {func(o *order) { o.quote.BuyAccount = "CBK-KWT" }, payment.CodeQuoteForeign},
		"accepted for something else":    {func(o *order) { o.accepted = func(a *wire.Acceptance) { a.Instruction[0]++ } }, payment.CodeAcceptanceForeign},
		"accepted for another quote":     {func(o *order) { o.accepted = func(a *wire.Acceptance) { a.Quote[0]++ } }, payment.CodeAcceptanceForeign},
		"accepted at a price of its own": {func(o *order) { o.accepted = func(a *wire.Acceptance) { a.SellMinor-- } }, payment.CodeAcceptanceAmount},
	} {
		t.Run(name, func(t *testing.T) {
			o := w.order(t, bill)
			test.spoil(o)
			if name == "signed by a desk" {
				_, err := o.quoter.Sign(wire.TypeQuote, o.quote.Bytes())
				refuses(t, err, test.code)
				return
			}
			refuses(t, o.send(t), test.code)
		})
	}
	if got := w.books(t, "GBR"); got != before {
		t.Errorf("the books changed from %+v to %+v", before, got)
	}
}

// The payer's bank cannot know every use of a quote; the provider's other bank does, and what was held comes free.
func quoteUsedAgain(t *testing.T, w *world) {
	first := w.order(t, w.billOf(t, "KWT", "GBR", "exercise"))
	if err := first.send(t); err != nil {
		t.Fatal(err)
	}
	if o := w.outcome(t, "KWT", first.in.Hash()); o.State != "settled" {
		t.Fatalf("the first payment is %s: %s", o.State, o.Reason)
	}
	payer, payee := w.books(t, "KWT"), w.books(t, "GBR")
	second := w.order(t, w.billOf(t, "KWT", "GBR", "case"))
	second.quote = first.quote
	if err := second.send(t); err != nil {
		t.Fatal(err)
	}
	o := w.outcome(t, "KWT", second.in.Hash())
	if o.State != "aborted" || !strings.Contains(o.Reason, string(swap.CodeQuoteUsed)) {
		t.Errorf("the second payment is %s for the reason %q, want aborted for %s", o.State, o.Reason, swap.CodeQuoteUsed)
	}
	if got := w.books(t, "KWT"); got.Balance != payer.Balance || got.Free != payer.Free || got.Incoming != 0 {
		t.Errorf("the payer's books changed from %+v to %+v", payer, got)
	}
	if got := w.books(t, "GBR"); got != payee {
		t.Errorf("the payee's books changed from %+v to %+v", payee, got)
	}
	// The bill is still owed, and a quote of its own pays it.
	third := w.order(t, w.billOf(t, "KWT", "GBR", "case"))
	if err := third.send(t); err != nil {
		t.Fatal(err)
	}
	if o := w.outcome(t, "KWT", third.in.Hash()); o.State != "settled" {
		t.Errorf("with a quote of its own it is %s: %s", o.State, o.Reason)
	}
}

// A desk that heard no answer hands the same package in again, perhaps after a crash that outlasted the deadline. It hears what became of it.
func firstAnswerStands(t *testing.T, w *world) {
	o := w.order(t, w.billOf(t, "GBR", "DEU", "exercise"))
	o.in.DeadlineMS = now() + 2000
	pack := o.pack(t)
	for range 2 {
		answer, err := w.ask(t, w.service(t, "GBR"), o.in.PayerBank, node.SubjectPay, pack)
		if err != nil {
			t.Fatal(err)
		}
		if done := w.outcome(t, "GBR", o.in.Hash()); done.State != "settled" || !strings.Contains(string(answer), done.Swap.String()) {
			t.Errorf("%s, then %+v", answer, done)
		}
		time.Sleep(time.Until(time.UnixMilli(o.in.DeadlineMS + 20)))
	}
}
