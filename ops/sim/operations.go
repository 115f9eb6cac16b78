package sim

import (
	"entente/schema/wire"
	"entente/settlement/ledger"
)

// rules is the auditor's own book of what a bank's operators have ruled, and of what was paid under it.
type rules struct {
	limits   map[string]ledger.Limits
	spent    map[string]map[wire.Day]int64 // by account
	latest   map[string]wire.Day           // on which an account paid
	day      wire.Day                      // the business day, 0 while there never was one
	closed   bool
	halted   bool
	moves    map[int64]wire.Posting // by entry, what can be undone
	reversed map[int64]bool
}

func (a *auditor) rulesOf(bank string) *rules {
	r := a.rules[bank]
	if r == nil {
		r = &rules{limits: map[string]ledger.Limits{}, spent: map[string]map[wire.Day]int64{}, latest: map[string]wire.Day{}, moves: map[int64]wire.Posting{}, reversed: map[int64]bool{}}
		a.rules[bank] = r
	}
	return r
}

func (r *rules) today(e *ledger.Entry) wire.Day {
	if r.day != 0 {
		return r.day
	}
	return wire.DayOf(e.TimeMS)
}

// governed books what operators' orders bring about, and holds every entry to them. It tells whether the entry was an operator's own affair, of which swaps
// know nothing.
func (a *auditor) governed(w *world, b *bank, e *ledger.Entry, h *held) bool {
	r := a.rulesOf(b.name)
	switch e.Kind {
	case wire.LeafIssue, wire.LeafRedeem, wire.LeafTransfer, wire.LeafHold, wire.LeafReversal:
		if r.halted || r.closed {
			w.breach("HOURS", "%s begins a %s of %d while it is halted (%v) or its day is closed (%v)", b.name, e.Kind, e.Minor, r.halted, r.closed)
		}
	}
	switch e.Kind {
	case wire.LeafTransfer, wire.LeafHold:
		r.spend(w, b, e)
	case wire.LeafVoid, wire.LeafExpire:
		if h != nil && r.latest[h.debit] == h.day {
			r.spent[h.debit][h.day] -= h.minor
		}
	}
	switch e.Kind {
	case wire.LeafLimit:
		r.limits[e.Credit] = ledger.Limits{PerTransfer: e.PerTransfer, PerDay: e.PerDay}
	case wire.LeafOpenDay:
		r.day, r.closed = e.Day, false
	case wire.LeafCloseDay:
		r.closed = true
	case wire.LeafHalt, wire.LeafResume:
		r.halted = e.Kind == wire.LeafHalt
	case wire.LeafReconcile:
	case wire.LeafIssue, wire.LeafRedeem, wire.LeafTransfer:
		r.moves[e.Seq] = wire.Posting{Payer: e.Debit, Payee: e.Credit, Minor: e.Minor}
		return false
	case wire.LeafReversal:
		a.undone(w, b, e, r)
	default:
		return a.byOrder(w, b, e, h, r)
	}
	return true
}

// spend counts what an account pays against its limits.
func (r *rules) spend(w *world, b *bank, e *ledger.Entry) {
	today := r.today(e)
	if r.spent[e.Debit] == nil {
		r.spent[e.Debit] = map[wire.Day]int64{}
	}
	r.spent[e.Debit][today] += e.Minor
	r.latest[e.Debit] = today
	l := r.limits[e.Debit]
	if l.PerTransfer != 0 && e.Minor > l.PerTransfer || l.PerDay != 0 && r.spent[e.Debit][today] > l.PerDay {
		w.breach("LIMIT", "%s lets %s pay %d, %d on %s, beyond its limits %+v", b.name, e.Debit, e.Minor, r.spent[e.Debit][today], today, l)
	}
}

// undone checks a reversal: of a movement that was, the other way round, once.
func (a *auditor) undone(w *world, b *bank, e *ledger.Entry, r *rules) {
	if m := r.moves[e.Reverses]; r.reversed[e.Reverses] || m != (wire.Posting{Payer: e.Credit, Payee: e.Debit, Minor: e.Minor}) {
		w.breach("ONCE", "%s undoes entry %d by %d from %s to %s", b.name, e.Reverses, e.Minor, e.Debit, e.Credit)
	}
	r.reversed[e.Reverses] = true
	a.money[b.name][e.Debit] -= e.Minor
	a.money[b.name][e.Credit] += e.Minor
	for _, bill := range e.Bills {
		delete(a.bills, bill)
	}
}

// byOrder books what an order set aside, and how it ended.
func (a *auditor) byOrder(w *world, b *bank, e *ledger.Entry, h *held, r *rules) bool {
	ordered := e.Key != (wire.ID{})
	switch {
	case e.Kind == wire.LeafHold && ordered:
		a.holds[place{b.name, e.Hold()}] = &held{debit: e.Debit, credit: e.Credit, minor: e.Minor, status: "held", expiresMS: e.ExpiresMS, byOrder: true, day: r.today(e)}
		return true
	case e.Kind == wire.LeafExpire, (e.Kind == wire.LeafPost || e.Kind == wire.LeafVoid) && ordered:
		if h == nil || !h.byOrder || h.status != "held" || h.minor != e.Minor || e.Kind == wire.LeafExpire && (h.expiresMS == 0 || e.TimeMS < h.expiresMS) {
			w.breach("CLOCK", "%s ends the hold %s of %d by %s at %d, which is %+v", b.name, e.Reference.Short(), e.Minor, e.Kind, e.TimeMS, h)
		}
		h.status = "settled"
		if e.Kind == wire.LeafPost {
			a.money[b.name][e.Debit] -= e.Minor
			a.money[b.name][e.Credit] += e.Minor
		}
		return true
	}
	return false
}

// govern gives one operator an order of the rarer kinds, and goes on doing so. A ledger that is stopped is let go on again, if its bank lives to hear it.
func (d *desks) govern(w *world) {
	if w.nowMS > startMS+20_000 {
		return
	}
	b := w.banks[w.random.IntN(len(w.banks))]
	account := []string{desk, guest, provider}[w.random.IntN(3)]
	soon := func(o wire.Order) { w.after(w.between(50, 1_500), func() { b.order(w, o) }) }
	switch w.random.IntN(7) {
	case 0:
		b.order(w, wire.Order{Kind: wire.OrderLimit, Account: account, PerTransfer: w.between(0, 800), PerDay: w.between(500, 2_500)})
		w.after(w.between(500, 3_000), func() { b.order(w, wire.Order{Kind: wire.OrderLimit, Account: account}) })
	case 1:
		b.order(w, wire.Order{Kind: wire.OrderHalt})
		soon(wire.Order{Kind: wire.OrderResume})
	case 2:
		if b.machine == nil {
			break
		}
		today := b.machine.Ledger().Today()
		b.order(w, wire.Order{Kind: wire.OrderOpenDay, Day: today})
		b.order(w, wire.Order{Kind: wire.OrderCloseDay, Day: today})
		soon(wire.Order{Kind: wire.OrderOpenDay, Day: today.Plus(1)})
	case 3, 4:
		o := wire.Order{Kind: wire.OrderHold, Account: account, Payee: []string{desk, guest, provider}[w.random.IntN(3)], Minor: w.between(1, 300), ExpiresMS: b.clock(w) + w.between(1, 4_000)}
		b.order(w, o)
		if b.machine == nil {
			break
		}
		for _, h := range b.machine.Ledger().Holds() {
			soon(wire.Order{Kind: []wire.OrderKind{wire.OrderPost, wire.OrderVoid}[w.random.IntN(2)], Hold: h.ID.Reference})
		}
	case 5:
		if b.machine != nil {
			o := wire.Order{Kind: wire.OrderReverse, Entry: w.random.Int64N(b.machine.Ledger().Size())}
			b.order(w, o)
			soon(o)
		}
	case 6:
		if b.machine != nil {
			b.order(w, wire.Order{Kind: wire.OrderReconcile, Minor: b.machine.Ledger().Supply(), Reserve: "STATEMENT"})
		}
	}
	w.after(w.between(500, 3_000), func() { d.govern(w) })
}
