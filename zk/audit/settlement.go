package audit

import (
	"fmt"

	"entente/schema/wire"
	"entente/zk/commit"
)

// settlement follows every bill through its ledger's log: outstanding, held, settled or replaced.
//
//	bill                          outstanding; an earlier revision that is outstanding is replaced
//	hold naming bills             outstanding to held, under the hold's reference
//	void, expire                  what its reference holds becomes outstanding again
//	post, transfer naming bills   to settled; the amount commitment is the sum of the bills' totals
//	reversal naming bills         what its reference settled becomes outstanding again
func (a *audit) settlement() string {
	bills, paid, done, total := 0, 0, 0, 0
	for _, l := range a.logged {
		total += len(l.leaves)
	}
	for _, l := range a.logged {
		w := walk{audit: a, ledger: l, holds: map[wire.Hash][]*entry{}, latest: map[wire.ID]*entry{}}
		for i := range l.leaves {
			if leaf := &l.leaves[i]; leaf.decoded {
				w.step(i, leaf)
			}
			if done++; done%10_000 == 0 || done == total {
				a.progress(a.step.Name, done, total)
			}
		}
		bills += len(l.order)
		for _, e := range l.order {
			if e.state == settled {
				paid++
			}
		}
	}
	return fmt.Sprintf("%d of %d logged bills paid, each once and by an amount that is its own total", paid, bills)
}

// walk is one pass through one log.
type walk struct {
	*audit
	*ledger
	holds  map[wire.Hash][]*entry // by reference
	latest map[wire.ID]*entry     // latest revision logged so far
}

func (w *walk) step(i int, leaf *leaf) {
	switch leaf.Kind {
	case wire.LeafBill:
		if e := w.ledger.bills[leaf.Reference]; e != nil && e.leaf == leaf {
			w.log(i, e)
		}
	case wire.LeafHold:
		w.pay(i, leaf, held)
	case wire.LeafPost, wire.LeafTransfer, wire.LeafCover:
		w.pay(i, leaf, settled)
	case wire.LeafVoid, wire.LeafExpire:
		for _, e := range w.holds[leaf.Reference] {
			if e.state == held && e.by == leaf.Reference {
				e.state, e.by = outstanding, wire.Hash{}
			}
		}
		delete(w.holds, leaf.Reference)
	case wire.LeafReversal:
		w.reverse(i, leaf)
	}
}

// reverse takes back the discharge of bills.
func (w *walk) reverse(i int, leaf *leaf) {
	for _, hash := range leaf.Bills {
		e := w.ledger.bills[hash]
		if e == nil || e.state != settled || e.by != leaf.Reference {
			w.find(Invalid, CodeReversalForeign, w.at(i), "it takes back payment %s, which did not discharge bill %s", leaf.Reference.Short(), hash.Short())
			continue
		}
		e.state, e.by = outstanding, wire.Hash{}
	}
}

// log puts a bill in force, in place of its earlier revision.
func (w *walk) log(i int, e *entry) {
	if e.bill == nil || !e.bill.decoded {
		return
	}
	before := w.latest[e.bill.ID]
	w.latest[e.bill.ID] = e
	if before == nil {
		return
	}
	if e.bill.Revision <= before.bill.Revision {
		w.find(Invalid, CodeBillRepeated, w.at(i), "revision %d of bill %s comes after revision %d", e.bill.Revision, e.bill.ID, before.bill.Revision)
	}
	if before.state != outstanding {
		w.find(Invalid, CodeBillReplaced, w.at(i), "bill %s replaces bill %s, which is %s", e.bill.hash.Short(), before.bill.hash.Short(), before.state)
		return
	}
	before.state = replaced
}

// pay moves the bills that an entry names, and checks that its amount is theirs.
func (w *walk) pay(i int, leaf *leaf, to billState) {
	var sum commit.Sum
	complete := len(leaf.Bills) > 0 && leaf.fault == ""
	for _, hash := range leaf.Bills {
		e := w.ledger.bills[hash]
		if e == nil || e.leaf.Seq > int64(i) {
			w.find(Invalid, CodeBillUnlogged, w.at(i), "it pays bill %s, which this ledger has not logged before", hash.Short())
			complete = false
			continue
		}
		w.move(i, leaf, e, to)
		if complete = complete && e.summed; complete {
			mustAdd(&sum, e.total)
		}
	}
	if complete && sum.Point() != leaf.amount {
		w.find(Invalid, CodeSettlementAmount, w.at(i), "the amount commitment of this %s is not the sum of the totals of the %d bills it names",
			leaf.Kind, len(leaf.Bills))
	}
}

// move changes the state of one bill.
func (w *walk) move(i int, leaf *leaf, e *entry, to billState) {
	mine := e.state == held && e.by == leaf.Reference
	switch {
	case e.state == settled:
		w.find(Invalid, CodeBillPaidTwice, w.at(i), "bill %s was paid before", e.leaf.Reference.Short())
		return
	case e.state == replaced:
		w.find(Invalid, CodeBillReplaced, w.at(i), "bill %s was replaced by a later revision", e.leaf.Reference.Short())
		return
	case e.state == held && (to == held || !mine):
		w.find(Invalid, CodeBillHeldTwice, w.at(i), "bill %s is held for payment %s", e.leaf.Reference.Short(), e.by.Short())
	}
	e.state, e.by = to, leaf.Reference
	if to == held {
		w.holds[leaf.Reference] = append(w.holds[leaf.Reference], e)
	}
}
