package sim

import (
	"entente/schema/wire"
	"entente/settlement/ledger"
)

// checkBooks compares the machine's accounts with the auditor's own.
func (a *auditor) checkBooks(w *world, b *bank) {
	l := b.machine.Ledger()
	var sum int64
	for _, account := range l.Accounts() {
		sum += account.Balance()
		if account.Balance() != a.money[b.name][account.ID] {
			w.breach("CONSERVE", "account %s of %s has %d, its entries say %d", account.ID, b.name, account.Balance(), a.money[b.name][account.ID])
		}
		if account.ID != issuance && account.ID != suspense && account.Available() < 0 || account.DebitsPending < 0 || account.CreditsPending < 0 {
			w.breach("CONSERVE", "account %s of %s is %+v", account.ID, b.name, account)
		}
	}
	if sum != 0 || l.Supply() != l.BalancesSum() {
		w.breach("CONSERVE", "the balances of %s add up to %d, its supply is %d", b.name, sum, l.Supply())
	}
}

// checkRestored compares a bank that started again with what was durable.
func (a *auditor) checkRestored(w *world, b *bank) {
	a.checkBooks(w, b)
	pending := map[string]int64{}
	for key, h := range a.holds {
		if key.bank == b.name && h.status == "held" {
			pending[h.debit] += h.minor
		}
	}
	for _, account := range b.machine.Ledger().Accounts() {
		if account.DebitsPending != pending[account.ID] {
			w.breach("JOURNAL", "account %s of %s starts again with %d held, it was %d", account.ID, b.name, account.DebitsPending, pending[account.ID])
		}
	}
}

// checkLive is for the end of a run whose faults have ceased.
func (a *auditor) checkLive(w *world) {
	for id, d := range a.dossiers {
		if d.initiator == "" {
			continue // a payment inside one ledger, or an order
		}
		for bank, state := range d.states {
			if !state.Final() {
				w.breach("LIVE", "swap %s is still %s at %s", id.Short(), state, bank)
			}
			if state != d.states[d.initiator] || len(d.states) != len(d.terms.Banks) {
				w.breach("LIVE", "swap %s is %s at %s and known to %d banks", id.Short(), state, bank, len(d.states))
			}
		}
	}
	for key, h := range a.holds {
		if h.status != "settled" {
			w.breach("LIVE", "%d of swap %s is still %s at %s", h.minor, key.id.Reference.Short(), h.status, key.bank)
		}
	}
	for _, b := range w.banks {
		for _, account := range b.machine.Ledger().Accounts() {
			if account.DebitsPending != 0 || account.CreditsPending != 0 || account.Kind == wire.AccountSuspense && account.Balance() != -b.machine.Ledger().Shortfall() {
				w.breach("LIVE", "account %s of %s is %+v", account.ID, b.name, account)
			}
		}
		for _, bill := range b.machine.Ledger().Bills() {
			if bill.State == ledger.BillHeld {
				w.breach("LIVE", "bill %s is still held at %s", bill.Hash.Short(), b.name)
			}
		}
		for key, l := range b.store.outbox {
			if l.resend && !l.done {
				w.breach("LIVE", "%s is still waiting for an answer to its %s on swap %s", b.name, verb(key.Type), key.Swap.Short())
			}
		}
	}
}
