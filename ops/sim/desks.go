package sim

import (
	"fmt"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/settlement/swap"
)

// desks are the users: they ask for payments, ask again, change their minds, and give operators' orders. Everything they do is done before faults cease.
type desks struct {
	errands  []*errand
	packages map[wire.Hash]*errand // by the hash of the package, as attached to PROPOSE
	orders   int
}

// errand is a payment that a desk wants.
type errand struct {
	name    string
	payer   *bank
	payee   *bank
	paid    *payment.Authorised
	pack    []byte
	refused error // what a verifier says of the package, nil if it is sound
}

// verified is the responder's verifier: what an attached package authorises, or why it does not.
func (d *desks) verified(attachment []byte) (*payment.Authorised, error) {
	e := d.packages[wire.AttachmentHash(attachment)]
	if e == nil {
		return nil, nil
	}
	if e.refused != nil {
		return nil, e.refused
	}
	return e.paid, nil
}

func (d *desks) plan(w *world) {
	d.packages = map[wire.Hash]*errand{}
	if w.faults.calm {
		w.after(1, func() { d.ask(w, w.banks[0], w.banks[1]) })
		return
	}
	for range w.faults.payments {
		w.after(w.between(0, 18_000), func() {
			payer, payee := w.banks[w.random.IntN(len(w.banks))], w.banks[w.random.IntN(len(w.banks))]
			if payer == payee && !w.chance(25) {
				payee = w.banks[(w.at(payer)+1+w.random.IntN(len(w.banks)-1))%len(w.banks)]
			}
			d.ask(w, payer, payee)
		})
	}
	w.after(w.between(500, 4_000), func() { d.operate(w) })
	w.after(w.between(500, 4_000), func() { d.govern(w) })
}

// ask makes a payment and gives it to the payer's bank, perhaps twice; perhaps it is cancelled. When payer and payee bank at the same bank, a guest pays.
func (d *desks) ask(w *world, payer, payee *bank) {
	e := d.errand(w, payer, payee)
	d.errands = append(d.errands, e)
	e.pack = []byte("package of " + e.name)
	d.packages[wire.AttachmentHash(e.pack)] = e
	w.tell("a desk pays %d %s at %s for %d bills from %s as %s", e.paid.Instruction.PayMinor, payee.currency, payee.name, len(e.paid.Instruction.Bills), payer.name, e.name)
	e.submit(w)
	if w.faults.calm {
		w.after(3_000, func() { e.submit(w) })
		return
	}
	for w.chance(30) {
		w.after(w.between(0, 5_500), func() { e.submit(w) })
	}
	if w.chance(15) {
		w.after(w.between(0, 5_500), func() {
			payer.step(w, swap.CancelAsked{Instruction: e.paid.InstructionHash, NowMS: payer.clock(w)}, "cancelling %s", e.name)
		})
	}
}

func (e *errand) submit(w *world) {
	nonce := wire.ID{}
	for i := range nonce {
		nonce[i] = byte(w.random.Uint32())
	}
	e.payer.step(w, swap.PaymentAuthorised{Payment: e.paid, Package: e.pack, Nonce: nonce, NowMS: e.payer.clock(w)}, "asked to pay %s", e.name)
}

func (d *desks) errand(w *world, payer, payee *bank) *errand {
	e := &errand{name: fmt.Sprintf("p%d", len(d.errands)+1), payer: payer, payee: payee}
	debtor := payer.nation
	if payer == payee {
		debtor = guestNation
	}
	p := &payment.Authorised{Instruction: wire.Instruction{Network: network, ID: idOf(fmt.Sprintf("%d %s", w.seed, e.name)), UETR: idOf(e.name),
		Payer: debtor, PayerBank: payer.name, PayerAccount: desk, DebitCurrency: payer.currency,
		Payee: payee.nation, PayeeBank: payee.name, PayeeAccount: desk, PayCurrency: payee.currency, CreatedMS: w.nowMS, DeadlineMS: w.nowMS + 40_000}}
	in := &p.Instruction
	known := billsOf()[[2]string{payee.name, debtor}]
	for _, at := range w.random.Perm(len(known))[:1+w.random.IntN(2)] {
		in.Bills = append(in.Bills, known[at].hash)
		p.Openings = append(p.Openings, known[at].opening)
		in.PayMinor += known[at].opening.TotalMinor
	}
	in.MaxDebitMinor = 2 * in.PayMinor
	e.paid = p
	if !w.faults.calm {
		d.spoil(w, e)
	}
	p.InstructionHash = in.Hash()
	if payer == payee {
		in.PayerAccount = guest
		p.InstructionHash = in.Hash()
		return e
	}
	if p.Quote == nil {
		p.Quote = d.quote(w, e)
	}
	p.QuoteHash = p.Quote.Hash()
	p.Acceptance = &wire.Acceptance{Network: network, Quote: p.QuoteHash, Instruction: p.InstructionHash, SellMinor: in.PayMinor * 3 / 2, BuyMinor: in.PayMinor, AtMS: w.nowMS}
	return e
}

func (d *desks) quote(w *world, e *errand) *wire.Quote {
	lasts := int64(40_000)
	if !w.faults.calm && w.chance(10) {
		lasts = 5_500
	}
	return &wire.Quote{Network: network, ID: idOf(fmt.Sprintf("quote %d of %d", len(d.errands), w.seed)), Provider: providerName, SellCurrency: e.payer.currency,
		BuyCurrency: e.payee.currency, RateMantissa: 15, RateScale: 1, LeastMinor: 1, MostMinor: 1 << 40, SellBank: e.payer.name, SellAccount: provider,
		BuyBank: e.payee.name, BuyAccount: provider, CreatedMS: w.nowMS, ExpiresMS: w.nowMS + lasts}
}

// spoil makes a payment, now and then, one that must be refused, one that takes a quote a second time, or a second try of an instruction.
func (d *desks) spoil(w *world, e *errand) {
	switch {
	case w.chance(5):
		e.paid.Openings[0].TotalMinor++
	case w.chance(5):
		e.refused = refusal.New("same_approver", "one person made and approved the payment", "let another person approve")
	case w.chance(5):
		e.paid.Instruction.DeadlineMS = w.nowMS - 1
	}
	if e.payer == e.payee {
		return
	}
	for _, before := range d.errands {
		if before.payer != e.payer || before.payee != e.payee {
			continue
		}
		if w.chance(25) {
			e.paid.Quote = before.paid.Quote
		} else if w.chance(40) {
			e.paid.Instruction, e.paid.Openings = before.paid.Instruction, before.paid.Openings
		}
	}
}

// operate gives one operator an order, and goes on doing so.
func (d *desks) operate(w *world) {
	if w.nowMS > startMS+20_000 {
		return
	}
	b := w.banks[w.random.IntN(len(w.banks))]
	account := []string{desk, guest, provider, suspense, issuance}[w.random.IntN(5)]
	switch w.random.IntN(5) {
	case 0:
		b.order(w, wire.Order{Kind: wire.OrderStatus, Account: account, Status: wire.StatusFrozen})
		w.after(w.between(100, 3_000), func() { b.order(w, wire.Order{Kind: wire.OrderStatus, Account: account, Status: wire.StatusActive}) })
	case 1:
		b.order(w, wire.Order{Kind: wire.OrderStatus, Account: account, Status: wire.StatusClosed})
	case 2:
		b.order(w, wire.Order{Kind: wire.OrderIssue, Account: account, Minor: w.between(1, 500)})
	case 3:
		b.order(w, wire.Order{Kind: wire.OrderRedeem, Account: account, Minor: w.between(1, 500)})
	case 4:
		b.order(w, wire.Order{Kind: wire.OrderOpen, Account: "SECOND", Owner: b.name, As: wire.AccountSuspense})
	}
	w.after(w.between(500, 4_000), func() { d.operate(w) })
}
