package audit

import (
	"slices"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
)

func TestSettlement(t *testing.T) {
	logged := func(bank string, leaf func(*world) wire.Leaf) func(*world) {
		return func(w *world) { w.log(bank, leaf(w)) }
	}
	pay := func(kind wire.LeafKind, bill int) func(*world) wire.Leaf {
		return func(w *world) wire.Leaf { return paying(kind, "again", w.bills[bill]) }
	}
	run(t, []broken{
		{name: "a bill posted twice", exit: 1, codes: []refusal.Code{CodeBillPaidTwice}, world: logged("rba", pay(wire.LeafPost, 0))},
		{name: "a paid bill paid by a transfer", exit: 1, codes: []refusal.Code{CodeBillPaidTwice}, world: logged("rbi", pay(wire.LeafTransfer, 1))},
		{name: "a paid bill held", exit: 1, codes: []refusal.Code{CodeBillPaidTwice}, world: logged("rba", pay(wire.LeafHold, 0))},
		{name: "a bill named twice by one payment", exit: 1, codes: []refusal.Code{CodeBillPaidTwice, CodeSettlementAmount},
			world: logged("rba", func(w *world) wire.Leaf {
				l := paying(wire.LeafTransfer, "again", w.bills[2])
				l.Bills = append(l.Bills, l.Bills[0])
				return l
			})},
		{name: "a bill paid after its hold was given back", exit: 0, world: logged("rba", pay(wire.LeafTransfer, 2))},
		{name: "a bill held for two payments", exit: 1, codes: []refusal.Code{CodeBillHeldTwice},
			world: func(w *world) {
				w.log("rba", paying(wire.LeafHold, "one", w.bills[2]), paying(wire.LeafHold, "two", w.bills[2]))
			}},
		{name: "a bill paid while another payment holds it", exit: 1, codes: []refusal.Code{CodeBillHeldTwice},
			world: func(w *world) {
				w.log("rba", paying(wire.LeafHold, "one", w.bills[2]), paying(wire.LeafPost, "two", w.bills[2]))
			}},
		{name: "a void of another payment frees nothing", exit: 1, codes: []refusal.Code{CodeBillHeldTwice},
			world: func(w *world) {
				w.log("rba", paying(wire.LeafHold, "one", w.bills[2]), w.moving(wire.LeafVoid, "two", 5), paying(wire.LeafHold, "three", w.bills[2]))
			}},
		{name: "an amount that is not the bill's", exit: 1, codes: []refusal.Code{CodeSettlementAmount},
			world: logged("rba", func(w *world) wire.Leaf {
				l := w.moving(wire.LeafTransfer, "again", 100)
				l.Bills = []wire.Hash{w.bills[2].Hash()}
				return l
			})},
		{name: "one chunk's amount for a bill of two", exit: 1, codes: []refusal.Code{CodeSettlementAmount},
			world: func(w *world) {
				l := &w.logs["rba"][8]
				l.Amount = w.bills[0].Chunks[0].Total[:]
			}},
		{name: "a payment before the bill is logged", exit: 1, codes: []refusal.Code{CodeBillUnlogged},
			world: func(w *world) {
				w.logs["rbi"] = slices.Insert(w.logs["rbi"][:3], 0, w.logs["rbi"][3])
			}},
		{name: "a payment of another ledger's bill", exit: 1, codes: []refusal.Code{CodeBillUnlogged}, world: logged("rbi", pay(wire.LeafTransfer, 2))},
		{name: "a payment of a replaced bill", exit: 1, codes: []refusal.Code{CodeBillReplaced}, world: logged("rbi", pay(wire.LeafTransfer, 3))},
		{name: "a paid bill replaced", exit: 1, codes: []refusal.Code{CodeBillReplaced},
			world: func(w *world) {
				next := w.bill("indian", 2, "IND", "AUS", 1)
				w.log("rbi", billLeaf(next))
				w.statements[1].bills = append(w.statements[1].bills, next)
			}},
		{name: "a bill paid, taken back and paid again", exit: 0,
			world: func(w *world) {
				back := paying(wire.LeafReversal, "payment", w.bills[1])
				back.Debit, back.Credit = back.Credit, back.Debit
				w.log("rbi", back, paying(wire.LeafTransfer, "again", w.bills[1]))
			}},
		{name: "a bill paid twice, taken back once", exit: 1, codes: []refusal.Code{CodeReversalForeign},
			world: func(w *world) {
				w.log("rbi", paying(wire.LeafReversal, "payment", w.bills[1]), paying(wire.LeafTransfer, "again", w.bills[1]),
					paying(wire.LeafReversal, "payment", w.bills[1]))
			}},
		{name: "a payment taken back that paid another bill", exit: 1, codes: []refusal.Code{CodeReversalForeign},
			world: func(w *world) { w.log("rba", paying(wire.LeafReversal, "swap", w.bills[2])) }},
		{name: "a bill paid after its hold expired", exit: 0,
			world: func(w *world) {
				w.log("rba", paying(wire.LeafHold, "short", w.bills[2]), w.moving(wire.LeafExpire, "short", 5), paying(wire.LeafTransfer, "again", w.bills[2]))
			}},
		{name: "a revision logged before the one it replaces", exit: 1, codes: []refusal.Code{CodeBillRepeated},
			world: func(w *world) {
				log := w.logs["rbi"]
				log[1], log[2] = log[2], log[1]
				w.statements[1].bills = []*madeBill{w.bills[1], w.bills[3]}
			}},
	})
}
