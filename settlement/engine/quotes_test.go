package engine_test

import (
	"sync"
	"testing"
	"time"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
)

func TestAQuoteIsUsedOnceAcrossBanksAndRestarts(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		p := newPair(t, db)
		p.furnish()
		first, second := p.authorise(t, 9_000, 8_700), p.authorise(t, 9_000, 8_700)
		second.Payment.Quote, second.Payment.QuoteHash = first.Payment.Quote, first.Payment.QuoteHash
		p.aus.must(first)
		if o := p.outcome(t, first.Payment.InstructionHash, 10*time.Second); o.State != swap.Settled {
			t.Fatalf("%+v", o)
		}
		p.quiet(t)
		restartsAlike(t, p.jpn)
		p.aus.must(second)
		if o := p.outcome(t, second.Payment.InstructionHash, 10*time.Second); o.Reason != "refused by boj: quote_used" {
			t.Errorf("%+v", o)
		}
		if _, err := p.aus.submit(engine.Work{Event: swap.CancelAsked{Instruction: first.Payment.InstructionHash, NowMS: now()}}); refusal.CodeOf(err) != swap.CodeTooLate {
			t.Errorf("cancelling what is settled gives %v", err)
		}
	})
}

// In one batch a swap that used a quote is aborted and another one takes the quote: whatever their ids, no row may see it used twice.
func TestAQuoteThatIsFreedIsUsedAgainInTheSameBatch(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		p := newPair(t, db)
		silent := besides(p.jpn, "rba", func([]engine.Message) {})
		peer := swap.New(network, "rba", "AUD", 1) // without an engine
		peer.Know(swap.Peer{Bank: "boj"})
		peer.Step(swap.Started{Nonce: randomID(), NowMS: now()})
		e := p.jpn.start()
		<-silent.greeted
		p.jpn.furnish("JPN", 1_000_000, 100_000_000)
		rba := &house{t: t, bank: "rba", currency: "AUD"}
		for _, o := range []wire.Order{
			{Kind: wire.OrderOpen, Account: "ISSUANCE", Owner: "rba", As: wire.AccountIssuance}, {Kind: wire.OrderOpen, Account: "SUSPENSE", Owner: "rba", As: wire.AccountSuspense},
			{Kind: wire.OrderOpen, Account: "DESK-AUS", Owner: "AUS", As: wire.AccountDesk}, {Kind: wire.OrderOpen, Account: "LP-AUD", Owner: "lp", As: wire.AccountProvider},
			{Kind: wire.OrderIssue, Account: "DESK-AUS", Minor: 1_000_000},
		} {
			if out := peer.Step(rba.order(o)); out.Refusal != nil {
				t.Fatal(out.Refusal)
			}
		}
		// received is what the peer's machine sends, as this bank gets it.
		received := func(event swap.Event, of *swap.PaymentAuthorised) swap.MessageVerified {
			out := peer.Step(event)
			if out.Refusal != nil || len(out.Send) != 1 {
				t.Fatalf("%T: %d messages (%v)", event, len(out.Send), out.Refusal)
			}
			m := swap.MessageVerified{Message: out.Send[0].Message, Hash: out.Send[0].Hash, NowMS: now()}
			if of != nil {
				m.Payment = of.Payment
			}
			return m
		}
		var second []swap.Event
		for range 6 {
			first, next := p.authorise(t, 1_000, 100), p.authorise(t, 1_000, 100)
			next.Payment.Quote, next.Payment.QuoteHash = first.Payment.Quote, first.Payment.QuoteHash
			p.jpn.must(received(first, &first))
			second = append(second, received(swap.CancelAsked{Instruction: first.Payment.InstructionHash, NowMS: now()}, nil), received(next, &next))
		}
		var wait sync.WaitGroup
		err := e.View(t.Context(), func(*swap.Machine) {
			for _, event := range second {
				wait.Add(1)
				go func() { defer wait.Done(); p.jpn.must(event) }()
				time.Sleep(5 * time.Millisecond)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		wait.Wait()
		states := map[swap.State]int{}
		if err := e.View(t.Context(), func(m *swap.Machine) {
			for _, s := range m.Swaps() {
				states[s.State]++
			}
		}); err != nil {
			t.Fatal(err)
		}
		if states[swap.Aborted] != 6 || states[swap.Prepared] != 6 {
			t.Errorf("%v", states)
		}
		restartsAlike(t, p.jpn)
	})
}
