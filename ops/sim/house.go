package sim

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"entente/schema/wire"
	"entente/settlement/swap"
	"entente/zk/commit"
)

const network = "sim"

// house is what never changes about a bank: its name, currency, and the nation that banks there.
type house struct{ name, currency, nation string }

var houses = []house{{"RBI", "INR", "India"}, {"BOJ", "JPY", "Japan"}, {"RBA", "AUD", "Australia"}, {"NZB", "NZD", "New Zealand"}}

// Accounts at every bank: the bank's own two, the nation's, a guest nation's, and the provider's.
const (
	issuance = "ISSUANCE"
	suspense = "SUSPENSE"
	desk     = "DESK"
	guest    = "GUEST"
	provider = "PROVIDER"

	guestNation  = "Guest"
	providerName = "Provider"
)

// openBill is a bill and what its total commitment opens to.
type openBill struct {
	bill    wire.Bill
	hash    wire.Hash
	opening wire.TotalOpening
}

// billsOf gives the bills that a debtor owes each nation, by the place of the creditor's bank and the debtor. They are the same in every run: making
// commitments costs more than a run.
var billsOf = sync.OnceValue(func() map[[2]string][]openBill {
	all := map[[2]string][]openBill{}
	for _, creditor := range houses {
		for _, debtor := range append([]house{{nation: guestNation}}, houses...) {
			if debtor.nation == creditor.nation {
				continue
			}
			for i := range int64(4) {
				key := [2]string{creditor.name, debtor.nation}
				all[key] = append(all[key], newBill(creditor, debtor.nation, 100*(i+1)))
			}
		}
	}
	return all
})

func newBill(creditor house, debtor string, totalMinor int64) openBill {
	name := fmt.Sprintf("%s owes %s %d", debtor, creditor.nation, totalMinor)
	id := idOf(name)
	blinding := commit.DeriveBlinding(commit.Secret(sha256.Sum256([]byte("sim"))), "total", id, 1, 0, commit.AmountBytes(uint64(totalMinor)))
	total, err := commit.CommitAmount(uint64(totalMinor), blinding)
	if err != nil {
		panic("sim: " + err.Error()) // the amounts are constants of this file
	}
	b := wire.Bill{Network: network, ID: id, Revision: 1, Creditor: creditor.nation, Debtor: debtor, Ledger: creditor.name, Currency: creditor.currency,
		Nonce: sha256.Sum256([]byte(name)), ChunkSize: 16, Chunks: []wire.Chunk{{Total: total}}}
	return openBill{b, b.Hash(), wire.TotalOpening{Bill: b.Hash(), TotalMinor: totalMinor, Blinding: blinding}}
}

func idOf(word string) wire.ID {
	h := sha256.Sum256([]byte(word))
	return wire.NewUUID([16]byte(h[:16]))
}

// found opens the banks of a run: accounts, money, bills. Nobody dies yet.
func (w *world) found(banks int) {
	crashes := w.faults
	w.faults, w.size = faults{delayMS: 1}, banks
	w.auditor.open()
	for _, h := range houses[:banks] {
		b := &bank{house: h, machine: w.machine(h)}
		b.store.swaps, b.store.channels, b.store.outbox = map[wire.Hash]swap.Swap{}, map[string]swap.Channel{}, map[swap.MessageKey]*letter{}
		w.banks = append(w.banks, b)
		for _, a := range []struct {
			id, owner string
			as        wire.AccountKind
			minor     int64
		}{{issuance, h.name, wire.AccountIssuance, 0}, {suspense, h.name, wire.AccountSuspense, 0}, {desk, h.nation, wire.AccountDesk, 1_500},
			{guest, guestNation, wire.AccountDesk, 300}, {provider, providerName, wire.AccountProvider, 1_200}} {
			b.order(w, wire.Order{Kind: wire.OrderOpen, Account: a.id, Owner: a.owner, As: a.as})
			if a.minor > 0 {
				b.order(w, wire.Order{Kind: wire.OrderIssue, Account: a.id, Minor: a.minor})
			}
		}
		for _, debtor := range append([]house{{nation: guestNation}}, houses[:banks]...) {
			for _, bill := range billsOf()[[2]string{h.name, debtor.nation}] {
				b.step(w, swap.BillProven{Bill: bill.bill, NowMS: w.nowMS}, "a bill")
			}
		}
	}
	for _, b := range w.banks {
		b.begin(w)
	}
	for range 4 * banks * banks { // they have greeted each other before anything else happens
		w.nowMS++
		for w.queue.Len() > 0 && w.queue.timers[0].atMS <= w.nowMS {
			w.next()
		}
	}
	w.faults, w.steps = crashes, 0
	for _, b := range w.banks {
		if skew := w.faults.skewMS; skew > 0 {
			b.skewMS = w.between(-skew, skew)
		}
		w.after(w.between(1, beatMS), func() { b.beat(w) })
		w.tell("the clock of %s is %d ms off", b.name, b.skewMS)
	}
	w.tell("faults: %+v", w.faults)
	w.after(1_000, func() { w.carrier.trouble(w) })
}

// machine makes a bank's machine, which knows the other banks of the run.
func (w *world) machine(h house) *swap.Machine {
	m := swap.New(network, h.name, h.currency, 1)
	var peers []swap.Peer
	for _, other := range houses[:w.size] {
		if other.name != h.name {
			peers = append(peers, swap.Peer{Bank: other.name})
		}
	}
	m.Know(peers...)
	return m
}

// order gives a bank's operator an order under a fresh key.
func (b *bank) order(w *world, o wire.Order) {
	w.desks.orders++
	o.Network, o.Bank, o.Key = network, b.name, idOf(fmt.Sprintf("order %d", w.desks.orders))
	if o.Kind == wire.OrderIssue || o.Kind == wire.OrderRedeem {
		o.Reserve = fmt.Sprintf("RTGS-%d", w.desks.orders)
	}
	signers := []wire.Key{{Owner: b.name, Name: "maker", Purpose: wire.PurposeOperator}, {Owner: b.name, Name: "checker", Purpose: wire.PurposeOperator}}
	b.step(w, swap.OrderGiven{Order: o, Cause: o.Hash(), Signers: signers, NowMS: b.clock(w)}, "order %d on %s", o.Kind, o.Account)
}

// at gives the place of a bank.
func (w *world) at(b *bank) int { return slices.Index(w.banks, b) }

// bank finds a bank by its name.
func (w *world) bank(name string) *bank {
	for _, b := range w.banks {
		if b.name == name {
			return b
		}
	}
	return nil
}
