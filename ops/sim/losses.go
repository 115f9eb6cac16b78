package sim

import (
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

// everybody tells whether every responder has, at some time, stored the commit.
func (d *dossier) everybody() bool {
	for i, b := range d.terms.Banks {
		if i > 0 && !d.held[b.Bank] {
			return false
		}
	}
	return len(d.terms.Banks) > 1
}

// restored makes the auditor's books of a bank what the bank's store says now, and forgets what nobody knows any more.
func (a *auditor) restored(w *world, b *bank) {
	for key := range a.holds {
		if key.bank == b.name {
			delete(a.holds, key)
		}
	}
	for link := range a.chains {
		if link[0] == b.name {
			delete(a.chains, link) // an epoch that nobody knows of may have been higher than the next
		}
	}
	a.money[b.name] = map[string]int64{}
	delete(a.rules, b.name)
	for _, owed := range billsOf() {
		for _, bill := range owed {
			if bill.bill.Ledger == b.name {
				delete(a.bills, bill.hash)
			}
		}
	}
	for i := range b.store.entries {
		a.rebook(w, b, &b.store.entries[i])
	}
	for id, d := range a.dossiers {
		s, known := b.store.swaps[id]
		if known {
			d.states[b.name] = s.State
		} else {
			delete(d.states, b.name)
		}
		if !known || s.Peers[0].Vote.IsZero() {
			delete(d.votes, b.name) // a bank that forgot its vote, and whose peers do not know it, may give another
		}
		if d.initiator == b.name && (!known || s.Reason != "cancelled") {
			delete(a.cancelled, d.terms.Instruction)
		}
		a.forget(w, id, d)
	}
}

// forget lets go of a decision that no bank has stored any more: every bank that held it was restored to before it. Then what desks were told of a commit does
// not bind anybody.
func (a *auditor) forget(w *world, id wire.Hash, d *dossier) {
	for _, b := range w.banks {
		s, known := b.store.swaps[id]
		if known && s.Decision != (wire.Hash{}) {
			return
		}
	}
	d.decided, d.commit = false, false
	for bank, state := range d.told {
		if state == swap.Settled {
			delete(d.told, bank)
		}
	}
}

// rebook books an entry that was checked when it was made.
func (a *auditor) rebook(w *world, b *bank, e *ledger.Entry) {
	key := place{b.name, e.Hold()}
	h := a.holds[key]
	if a.governed(w, b, e, h) {
		return
	}
	move := func() {
		a.money[b.name][e.Debit] -= e.Minor
		a.money[b.name][e.Credit] += e.Minor
	}
	d := a.dossier(e.Reference)
	switch e.Kind {
	case wire.LeafOpen:
		a.money[b.name][e.Credit] = 0
	case wire.LeafIssue, wire.LeafRedeem:
		move()
	case wire.LeafTransfer, wire.LeafCover:
		move()
		a.pay(w, b, e)
	case wire.LeafHold:
		a.holds[key] = &held{debit: e.Debit, credit: e.Credit, minor: e.Minor, status: "held", day: a.rulesOf(b.name).today(e)}
	case wire.LeafPost:
		move()
		if h.status = "settled"; d.initiator == b.name {
			if h.status = "suspense"; e.Credit == h.credit {
				h.status = "settled"
			}
			return
		}
		a.pay(w, b, e)
	case wire.LeafVoid:
		h.status = "settled"
	case wire.LeafRelease:
		move()
		h.status = "settled"
	}
}
