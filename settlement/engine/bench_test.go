package engine_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/payment"
	"entente/settlement/swap"
)

// BenchmarkTransfers measures durable events: operators' issues (one money entry each), and bills paid inside one ledger (a bill's entry and the transfer
// that discharges it, two events an operation).
func BenchmarkTransfers(b *testing.B) {
	for _, store := range []struct {
		name string
		db   database
	}{{"memory", memory}, {"postgres", onPostgres}} {
		for _, clients := range []int{1, 64, 512} {
			b.Run(fmt.Sprintf("%s/issues/%d", store.name, clients), func(b *testing.B) {
				h := newHouse(b, "boj", "JPY", store.db)
				h.start()
				h.furnish("JPN", 1, 1)
				events := make([]swap.Event, b.N)
				for i := range events {
					events[i] = h.issue("DESK-JPN", 1)
				}
				drive(b, h, clients, func(i int) []swap.Event { return events[i : i+1] })
			})
		}
		b.Run(store.name+"/bills/64", func(b *testing.B) {
			h := newHouse(b, "boj", "JPY", store.db)
			h.start()
			h.furnish("JPN", 1, 1)
			h.openAccount("DESK-AUS", "AUS", wire.AccountDesk)
			h.must(h.issue("DESK-AUS", 1<<40))
			events := make([][]swap.Event, b.N)
			for i := range events {
				events[i] = paidBill(b, h)
			}
			drive(b, h, 64, func(i int) []swap.Event { return events[i] })
		})
	}
}

// paidBill makes a bill of JPN against AUS, both banking here, and its payment.
func paidBill(b *testing.B, h *house) []swap.Event {
	c := newClaim(b, h, "JPN", "AUS", 5)
	in := wire.Instruction{
		Network: network, ID: randomID(), UETR: randomID(), Payer: "AUS", PayerBank: h.bank, PayerAccount: "DESK-AUS", DebitCurrency: h.currency, MaxDebitMinor: 5,
		Payee: "JPN", PayeeBank: h.bank, PayeeAccount: "DESK-JPN", PayCurrency: h.currency, PayMinor: 5, Bills: []wire.Hash{c.opening.Bill},
		CreatedMS: now(), DeadlineMS: now() + 3_600_000,
	}
	pay := &payment.Authorised{Instruction: in, InstructionHash: in.Hash(), Openings: []wire.TotalOpening{c.opening}}
	return []swap.Event{swap.BillProven{Bill: c.bill, NowMS: now()}, swap.PaymentAuthorised{Payment: pay, NowMS: now()}}
}

func drive(b *testing.B, h *house, clients int, events func(int) []swap.Event) {
	var next atomic.Int64
	var wait sync.WaitGroup
	b.ResetTimer()
	for range clients {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				for _, event := range events(int(i)) {
					if _, err := h.present().Submit(context.Background(), engine.Work{Event: event}); err != nil {
						b.Error(err)
						return
					}
				}
			}
		}()
	}
	wait.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}
