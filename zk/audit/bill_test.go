package audit

import (
	"slices"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
)

func TestBillsAndCountersignatures(t *testing.T) {
	signature := func(change func(*world, *wire.Envelope)) func(*world, *wire.Bundle) {
		return func(w *world, b *wire.Bundle) { change(w, &b.Bills[2].Envelope) }
	}
	signers := func(names ...string) func(*world) { return func(w *world) { w.bills[2].signers = names } }
	unsigned := []refusal.Code{CodeCountersignatureMissing}
	run(t, []broken{
		{name: "a logged bill that is not in the bundle", exit: 1, codes: []refusal.Code{CodeBillMissing},
			after: func(_ *world, b *wire.Bundle) { b.Bills = slices.Delete(b.Bills, 2, 3) }},
		{name: "a bill that no log records", exit: 1, codes: []refusal.Code{CodeBillUnlogged},
			world: func(w *world) { w.bill("extra", 1, "AUS", "IND", 1) }},
		{name: "a bill logged twice", exit: 1, codes: []refusal.Code{CodeBillRepeated},
			world: func(w *world) { w.log("rba", billLeaf(w.bills[2])) }},
		{name: "a bill logged on two ledgers", exit: 1, codes: []refusal.Code{CodeBillRepeated, CodeBillForeign},
			world: func(w *world) { w.log("rbi", billLeaf(w.bills[2])) }},
		{name: "a bill twice in the bundle", exit: 1, codes: []refusal.Code{CodeBillRepeated},
			after: func(_ *world, b *wire.Bundle) { b.Bills = append(b.Bills, b.Bills[2]) }},
		{name: "one id and revision for two bills", exit: 1, codes: []refusal.Code{CodeBillRepeated},
			world: func(w *world) {
				again := w.bill("given back", 1, "AUS", "JPN", 4)
				w.log("rba", billLeaf(again))
				w.statements[0].bills = []*madeBill{w.bills[0], again}
			}},
		{name: "an id used by another pair of nations", exit: 1, codes: []refusal.Code{CodeBillRepeated},
			world: func(w *world) {
				again := w.bill("given back", 2, "AUS", "IND", 4)
				w.log("rba", billLeaf(again))
				w.statements[0].bills = []*madeBill{w.bills[0], again}
			}},
		{name: "a leaf with another bill's commitments", exit: 1, codes: []refusal.Code{CodeBillDiffers, CodeStatementSum, CodeSettlementAmount},
			world: func(w *world) { w.logs["rba"][3].Chunks = w.bills[0].Chunks }},
		{name: "a leaf with another programme", exit: 1, codes: []refusal.Code{CodeBillDiffers},
			world: func(w *world) { w.logs["rba"][3].Programme[0] ^= 1 }},
		{name: "a bill of another network", exit: 1, codes: []refusal.Code{wire.CodeWrongNetwork},
			world: func(w *world) { w.amend(w.bills[2], func(b *wire.Bill) { b.Network = "elsewhere" }) }},
		{name: "a bill in another currency", exit: 1, codes: []refusal.Code{CodeBillForeign},
			world: func(w *world) { w.amend(w.bills[2], func(b *wire.Bill) { b.Currency = "USD" }) }},
		{name: "a bill between a member and an outsider", exit: 1, codes: []refusal.Code{CodeBillForeign, CodeCountersignatureMissing},
			world: func(w *world) { w.amend(w.bills[2], func(b *wire.Bill) { b.Debtor = "USA" }) }},
		{name: "a bill of a provider that has a nation's key", exit: 1, codes: []refusal.Code{CodeBillForeign, CodeCharterMissing},
			world: func(w *world) {
				w.provider("USA")
				w.amend(w.bills[2], func(b *wire.Bill) { b.Debtor = "USA" })
				w.bills[2].signers[1] = "USA"
				w.charters = nil
			}},
		{name: "a bill for an unknown ledger", exit: 1, codes: []refusal.Code{CodeBillForeign, CodeBillUnlogged},
			world: func(w *world) {
				b := w.bill("extra", 1, "AUS", "IND", 1)
				w.amend(b, func(b *wire.Bill) { b.Ledger = "nobody" })
			}},
		{name: "signed by the creditor alone", exit: 1, codes: unsigned, world: signers("AUS")},
		{name: "signed by the debtor alone", exit: 1, codes: unsigned, world: signers("JPN")},
		{name: "signed by another nation in the debtor's place", exit: 1, codes: unsigned, world: signers("AUS", "IND")},
		{name: "signed by three nations", exit: 1, codes: unsigned, world: signers("AUS", "JPN", "IND")},
		{name: "not signed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid}, world: signers()},
		{name: "signed twice with one key", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid}, world: signers("AUS", "AUS")},
		{name: "a signature changed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid},
			after: signature(func(_ *world, e *wire.Envelope) { e.Signatures[1].Bytes[5] ^= 1 })},
		{name: "signed by a key that is not pinned", exit: 1, codes: []refusal.Code{wire.CodeKeyUnknown},
			after: signature(func(_ *world, e *wire.Envelope) { e.Signatures[1].KeyID[0] ^= 1 })},
		{name: "signed by the desk's service key", exit: 1, codes: []refusal.Code{wire.CodeKeyPurpose},
			after: signature(func(w *world, e *wire.Envelope) {
				e.Signatures[1] = w.sign(e.Type, e.Payload, wire.PurposeService, "JPN").Signatures[0]
			})},
		{name: "a bill's bytes under another document type", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid, CodeBillUnlogged, CodeBillMissing},
			after: signature(func(w *world, e *wire.Envelope) {
				*e = w.sign(wire.TypeCharter, e.Payload, wire.PurposeNation, "AUS", "JPN")
			})},
		{name: "a signed document that is no bill", exit: 1, codes: []refusal.Code{wire.CodeMalformed, CodeBillUnlogged, CodeBillMissing},
			after: signature(func(w *world, e *wire.Envelope) {
				*e = w.sign(wire.TypeBill, e.Payload[:40], wire.PurposeNation, "AUS", "JPN")
			})},
	})
}
