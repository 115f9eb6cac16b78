package audit

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
	"entente/zk/transcript"
)

// outcome is what the tables below compare: the exit code and the distinct codes found, sorted.
func outcome(r Report) string {
	var codes []string
	for _, f := range r.Findings {
		codes = append(codes, string(f.Code))
	}
	slices.Sort(codes)
	return fmt.Sprintf("%d %v", r.ExitCode(), slices.Compact(codes))
}

func expected(exit int, codes ...refusal.Code) string {
	slices.Sort(codes)
	return fmt.Sprintf("%d %v", exit, codes)
}

func TestAWholeBundleIsValid(t *testing.T) {
	w := newWorld(t, "real")
	if key := w.network.Banks[0].LogKey; strings.ToUpper(key[13:21]) == key[13:21] {
		t.Fatal("the seed must give rba a key id with letters")
	}
	told := map[string]int{}
	r := Verify(w.network, fileOf(w.build()), func(step string, done, total int) {
		if done <= told[step] && told[step] != total || done > total {
			t.Errorf("%s goes from %d to %d of %d", step, told[step], done, total)
		}
		told[step] = done
	})
	if got, want := outcome(r), expected(0); got != want {
		t.Fatalf("%s, want %s: %v", got, want, r.Findings)
	}
	if told["proofs"] != 6 || told["logs"] == 0 {
		t.Errorf("progress told of %v", told)
	}
	if r.Countersigned != 5 || r.BillProofs != 6 || r.Statements != 2 || r.ItemsDisclosed != 0 || !r.Development {
		t.Errorf("counts are wrong: %+v", r)
	}
	books := func(l Ledger) [6]int {
		return [6]int{int(l.Size), l.Billed.Bills, l.Outstanding.Bills, l.Held.Bills, l.Settled.Bills, l.Replaced}
	}
	if got := books(r.Ledgers[0]); got != [6]int{11, 2, 1, 0, 1, 0} {
		t.Errorf("rba has %v", got)
	}
	if got := books(r.Ledgers[1]); got != [6]int{4, 2, 1, 0, 1, 1} {
		t.Errorf("rbi has %v", got)
	}
	if got, want := r.Ledgers[0].Settled.Total, commit.Point(w.bills[0].total()); got != want {
		t.Error("the settled sum is not the paid bill's total")
	}
	if diff := cmp.Diff(map[string]int{"open": 1, "issue": 1, "bill": 2, "hold": 3, "void": 1, "post": 2, "release": 1}, r.Ledgers[0].Leaves); diff != "" {
		t.Error(diff)
	}
	if got, want := totalsOf(r), totalsOfItems(w.bills[0], w.bills[2], w.bills[1], w.bills[4]); !cmp.Equal(got, want) {
		t.Errorf("totals %v, items add up to %v", got, want)
	}
}

func totalsOf(r Report) map[string]string {
	totals := map[string]string{}
	for _, t := range r.Totals {
		totals[t.Currency+" "+t.Category] = t.Minor
	}
	return totals
}

// totalsOfItems adds the items themselves, and leaves out what the creditor IND hides.
func totalsOfItems(bills ...*madeBill) map[string]string {
	sums := map[string]uint64{}
	for _, b := range bills {
		for _, w := range b.witnesses {
			for _, item := range w.Items {
				sums[b.Currency+" "+[]string{"fuel", "food", "berths", "medical care"}[item.Category]] += item.Amount
			}
		}
	}
	delete(sums, "INR medical care")
	totals := map[string]string{}
	for name, sum := range sums {
		totals[name] = fmt.Sprint(sum)
	}
	return totals
}

func keyID(b []byte) wire.Hash { return sha256.Sum256(b) }

func fileOf(b wire.Bundle) []byte { return b.File() }

// broken is one thing wrong: with the world before everything is signed and proven, or with the bundle afterwards.
type broken struct {
	name  string
	world func(*world)
	after func(*world, *wire.Bundle)
	exit  int
	codes []refusal.Code
}

func (c broken) run(t *testing.T) {
	w := newWorld(t, "real")
	if c.world != nil {
		c.world(w)
	}
	b := w.build()
	if c.after != nil {
		c.after(w, &b)
	}
	r := Verify(w.network, b.File(), nil)
	if got, want := outcome(r), expected(c.exit, c.codes...); got != want {
		t.Errorf("%s, want %s", got, want)
		for _, f := range r.Findings {
			t.Log(f)
		}
	}
	for _, f := range r.Findings {
		if f.Text == "" || f.Result == Valid {
			t.Errorf("a finding says nothing: %+v", f)
		}
	}
	if c.exit == 1 && len(r.Totals) != 0 {
		t.Error("an invalid bundle has totals")
	}
}

func run(t *testing.T, cases []broken) {
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

func TestFileAndHeads(t *testing.T) {
	run(t, []broken{
		{name: "of another network", exit: 1, codes: []refusal.Code{wire.CodeWrongNetwork},
			after: func(_ *world, b *wire.Bundle) { b.Network = "elsewhere" }},
		{name: "a log of an unknown bank", exit: 1, codes: []refusal.Code{CodeLedgerUnknown},
			after: func(_ *world, b *wire.Bundle) {
				b.Ledgers = append(b.Ledgers, wire.LedgerExtract{Bank: "nobody", Currency: "USD"})
			}},
		{name: "a log in another currency", exit: 1, codes: []refusal.Code{CodeLedgerUnknown},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers[0].Currency = "USD" }},
		{name: "two logs of one bank", exit: 1, codes: []refusal.Code{CodeLedgerRepeated},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers = append(b.Ledgers, b.Ledgers[0]) }},
		{name: "no log of a bank", exit: 2, codes: []refusal.Code{CodeLedgerMissing},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers = b.Ledgers[:1] }},
		{name: "a head signed by another key of the same name", exit: 1, codes: []refusal.Code{transcript.CheckpointUnsigned},
			after: func(w *world, b *wire.Bundle) { w.seed = "forged"; w.resign(b, 0) }},
		{name: "a head of another log", exit: 1, codes: []refusal.Code{transcript.CheckpointUnsigned},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers[0].Checkpoint = b.Ledgers[1].Checkpoint }},
		{name: "a head that is none", exit: 1, codes: []refusal.Code{transcript.CheckpointMalformed},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers[0].Checkpoint = []byte("rba\n11\n") }},
		{name: "a log key in the trust file that cannot be read", exit: 2, codes: []refusal.Code{trust.CodeTrustInvalid},
			after: func(w *world, _ *wire.Bundle) { w.network.Banks[0].LogKey = "rba.test/AUD+00000000+AAAA" }},
		{name: "a log key in the trust file in a second spelling", exit: 2, codes: []refusal.Code{trust.CodeTrustInvalid},
			after: func(w *world, _ *wire.Bundle) {
				parts := strings.SplitN(w.network.Banks[0].LogKey, "+", 3)
				w.network.Banks[0].LogKey = parts[0] + "+" + strings.ToUpper(parts[1]) + "+" + parts[2]
			}},
		{name: "the last leaf left out", exit: 1, codes: []refusal.Code{CodeSizeMismatch, CodeRootMismatch},
			after: func(_ *world, b *wire.Bundle) { b.Ledgers[0].Leaves = b.Ledgers[0].Leaves[:10] }},
		{name: "a leaf changed under the signed head", exit: 1, codes: []refusal.Code{CodeRootMismatch},
			after: func(w *world, b *wire.Bundle) {
				leaf := w.logs["rba"][0]
				leaf.Body[0] ^= 1
				b.Ledgers[0].Leaves[0] = leaf.Bytes()
			}},
	})
}

func TestLeavesThatTheBankSigned(t *testing.T) {
	leaf := func(bank string, i int, change func(*wire.Leaf)) func(*world) {
		return func(w *world) { w.renumber = func() { change(&w.logs[bank][i]) } }
	}
	invalid := []refusal.Code{CodeLeafInvalid}
	outside := commit.Identity() // (0, -1) has order two: on the curve, not in the group
	minusOne := []byte{0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d,
		0x28, 0x33, 0xe8, 0x48, 0x79, 0xb9, 0x70, 0x91, 0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00, 0x00, 0x00}
	copy(outside[32:], minusOne)
	run(t, []broken{
		{name: "a number that is not the place", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Seq = 2 })},
		{name: "time that goes back", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.TimeMS = noon - 1 })},
		{name: "an amount off the curve", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Amount = make([]byte, 64) })},
		{name: "an amount outside the group", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Amount = outside[:] })},
		{name: "money moved without a commitment", exit: 1, codes: invalid, world: leaf("rba", 1, func(l *wire.Leaf) { l.Amount = nil })},
		{name: "a bill's commitments in another leaf", exit: 1, codes: invalid,
			world: func(w *world) { w.logs["rba"][0].Chunks = w.bills[0].Chunks }},
		{name: "an issue that names a bill", exit: 1, codes: invalid,
			world: func(w *world) { w.logs["rba"][1].Bills = []wire.Hash{w.bills[0].Hash()} }},
		{name: "a payment of a bill without a reference", exit: 1, codes: invalid,
			world: func(w *world) { w.logs["rbi"][w.find("rbi", wire.LeafTransfer)].Reference = wire.Hash{} }},
		{name: "a commitment of a bill that is no point", exit: 1, codes: []refusal.Code{CodeLeafInvalid, CodeBillDiffers, CodeStatementSum},
			world: func(w *world) {
				l := &w.logs["rba"][w.find("rba", wire.LeafBill)+1]
				l.Chunks = slices.Clone(l.Chunks)
				l.Chunks[0].Categories = outside
			}},
		{name: "bytes that are no leaf", exit: 1, codes: []refusal.Code{CodeLeafInvalid, CodeStatementStale},
			after: func(w *world, b *wire.Bundle) { b.Ledgers[0].Leaves[0] = []byte("leaf"); w.resign(b, 0) }},
	})
}

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

func TestProofsAndKeys(t *testing.T) {
	invalid := []refusal.Code{proof.CodeProofInvalid}
	run(t, []broken{
		{name: "another bill's proof", exit: 1, codes: invalid,
			after: func(_ *world, b *wire.Bundle) { b.Bills[2].Proofs = b.Bills[1].Proofs }},
		{name: "the proofs of two chunks changed about", exit: 1, codes: invalid,
			after: func(_ *world, b *wire.Bundle) {
				b.Bills[0].Proofs = [][]byte{b.Bills[0].Proofs[1], b.Bills[0].Proofs[0]}
			}},
		{name: "a proof left out", exit: 1, codes: []refusal.Code{CodeProofMissing},
			after: func(_ *world, b *wire.Bundle) { b.Bills[0].Proofs = b.Bills[0].Proofs[:1] }},
		{name: "bytes that are no proof", exit: 1, codes: []refusal.Code{proof.CodeProofMalformed},
			after: func(_ *world, b *wire.Bundle) { b.Bills[2].Proofs = [][]byte{make([]byte, 256)} }},
		{name: "a bill's nonce changed and countersigned, the proof kept", exit: 1, codes: invalid,
			world: func(w *world) {
				b, kept := w.bills[2], w.bills[2].proofs
				chunks := slices.Clone(b.Chunks)
				w.amend(b, func(b *wire.Bill) { b.Nonce[31] ^= 1 })
				// Every leaf, signature and sum fits the old commitments under the new nonce.
				now := b.Hash()
				b.Chunks, b.proofs = chunks, kept
				for i := range w.logs["rba"] {
					l := &w.logs["rba"][i]
					if l.Reference == now {
						l.Reference, l.Chunks = b.Hash(), chunks
					}
					if len(l.Bills) == 1 && l.Bills[0] == now {
						l.Bills = []wire.Hash{b.Hash()}
					}
				}
			}},
		{name: "a verification key changed", exit: 1, codes: []refusal.Code{proof.CodeKeyUnknown},
			after: func(_ *world, b *wire.Bundle) {
				key := slices.Clone(b.Keys[0].Bytes)
				key[100] ^= 1
				b.Keys = []wire.VerifyingKey{{Circuit: proof.Bill16, Bytes: key}, b.Keys[1]}
			}},
		{name: "a pinned key under another circuit's name", exit: 1, codes: []refusal.Code{proof.CodeKeyUnknown, CodeStatementMissing},
			after: func(_ *world, b *wire.Bundle) {
				b.Keys = []wire.VerifyingKey{b.Keys[0], {Circuit: proof.Bill16, Bytes: b.Keys[1].Bytes}}
				b.Statements = nil
			}},
		{name: "a verification key left out", exit: 2, codes: []refusal.Code{CodeKeyMissing},
			after: func(_ *world, b *wire.Bundle) { b.Keys = b.Keys[1:] }},
		{name: "the key of totals left out", exit: 2, codes: []refusal.Code{CodeKeyMissing},
			after: func(_ *world, b *wire.Bundle) { b.Keys = b.Keys[:1] }},
		{name: "a verification key twice", exit: 1, codes: []refusal.Code{wire.CodeMalformed},
			after: func(_ *world, b *wire.Bundle) { b.Keys = []wire.VerifyingKey{b.Keys[0], b.Keys[1], b.Keys[0]} }},
		{name: "a trust file without circuits", exit: 2, codes: []refusal.Code{proof.CodeKeyUnknown},
			after: func(w *world, _ *wire.Bundle) { w.network.Circuits = nil }},
		{name: "a trust file that pins an unsound key", exit: 1, codes: []refusal.Code{proof.CodeKeyDamaged},
			after: func(w *world, b *wire.Bundle) {
				b.Keys = []wire.VerifyingKey{{Circuit: proof.Bill16, Bytes: make([]byte, len(b.Keys[0].Bytes))}, b.Keys[1]}
				w.network.Circuits[0].KeyID = keyID(b.Keys[0].Bytes)
			}},
		{name: "an older pinned key beside the newest", exit: 0,
			after: func(w *world, _ *wire.Bundle) {
				newer := w.network.Circuits[0]
				newer.KeyID[0] ^= 1
				w.network.Circuits = append(w.network.Circuits, newer)
			}},
	})
}

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
		{name: "a revision logged before the one it replaces", exit: 1, codes: []refusal.Code{CodeBillRepeated},
			world: func(w *world) {
				log := w.logs["rbi"]
				log[1], log[2] = log[2], log[1]
				w.statements[1].bills = []*madeBill{w.bills[1], w.bills[3]}
			}},
	})
}

func TestChartersAndStatements(t *testing.T) {
	statement := func(change func(*madeStatement)) func(*world) { return func(w *world) { change(w.statements[0]) } }
	charter := func(change func(*wire.Charter), signers ...string) func(*world) {
		return func(w *world) {
			var c wire.Charter
			if err := wire.Decode(w.charters[0].Payload, wire.LimitAttachment, &c); err != nil {
				w.t.Fatal(err)
			}
			change(&c)
			w.charters = []wire.Envelope{w.sign(wire.TypeCharter, c.Bytes(), wire.PurposeNation, signers...)}
		}
	}
	run(t, []broken{
		{name: "signed by another nation", exit: 1, codes: []refusal.Code{CodeStatementUnsigned},
			world: statement(func(s *madeStatement) { s.signers = []string{"IND"} })},
		{name: "of another network", exit: 1, codes: []refusal.Code{wire.CodeWrongNetwork},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Network = "elsewhere" } })},
		{name: "in another currency", exit: 1, codes: []refusal.Code{CodeStatementForeign, CodeStatementMissing},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Currency = "USD" } })},
		{name: "about another log", exit: 1, codes: []refusal.Code{CodeStatementForeign, CodeStatementMissing},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Origin = "rbi.test/INR" } })},
		{name: "made at an earlier size", exit: 1, codes: []refusal.Code{CodeStatementStale},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Size-- } })},
		{name: "made at another root", exit: 1, codes: []refusal.Code{CodeStatementStale},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Root[0] ^= 1 } })},
		{name: "a bill left out of the sum", exit: 1, codes: []refusal.Code{CodeStatementSum},
			world: statement(func(s *madeStatement) { s.bills = s.bills[:1] })},
		{name: "another total than the proven one", exit: 1, codes: []refusal.Code{proof.CodeProofInvalid},
			world: statement(func(s *madeStatement) { s.change = func(s *wire.Statement) { s.Shown[0][11]++ } })},
		{name: "another nonce than the proven one", exit: 1, codes: []refusal.Code{proof.CodeProofInvalid},
			world: statement(func(s *madeStatement) { s.change = func(s *wire.Statement) { s.Nonce[0]++ } })},
		{name: "a sum outside the group", exit: 1, codes: []refusal.Code{commit.CodePointInvalid, CodeStatementSum},
			world: statement(func(s *madeStatement) { s.change = func(s *wire.Statement) { s.Sum = [64]byte{} } })},
		{name: "none for a slice with bills", exit: 2, codes: []refusal.Code{CodeStatementMissing},
			world: func(w *world) { w.statements = w.statements[:1] }},
		{name: "two about one slice", exit: 1, codes: []refusal.Code{CodeStatementRepeated},
			after: func(_ *world, b *wire.Bundle) { b.Statements = append(b.Statements, b.Statements[0]) }},
		{name: "one about no bills", exit: 0,
			world: func(w *world) {
				w.statements = append(w.statements, &madeStatement{creditor: "JPN", ledger: "rba", mask: 0xffff})
			}},
		{name: "a signed document that is no statement", exit: 1, codes: []refusal.Code{wire.CodeMalformed, CodeStatementMissing},
			after: func(w *world, b *wire.Bundle) {
				b.Statements[0].Envelope = w.sign(wire.TypeStatement, []byte("totals"), wire.PurposeNation, "AUS")
			}},
		{name: "a signature changed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid},
			after: func(_ *world, b *wire.Bundle) { b.Statements[0].Envelope.Signatures[0].Bytes[0] ^= 1 }},
		{name: "no charter", exit: 2, codes: []refusal.Code{CodeCharterMissing}, world: func(w *world) { w.charters = nil }},
		{name: "a charter signed by two of three", exit: 1, codes: []refusal.Code{CodeCharterUnsigned, CodeCharterMissing},
			world: charter(func(*wire.Charter) {}, "AUS", "IND")},
		{name: "a charter of another network", exit: 1, codes: []refusal.Code{wire.CodeWrongNetwork, CodeCharterMissing},
			world: charter(func(c *wire.Charter) { c.Network = "elsewhere" }, "AUS", "IND", "JPN")},
		{name: "a charter with an unknown member", exit: 1, codes: []refusal.Code{CodeCharterUnsigned, CodeCharterMissing},
			world: charter(func(c *wire.Charter) { c.Members = append(c.Members, "USA") }, "AUS", "IND", "JPN")},
		{name: "a charter with a provider that has a nation's key", exit: 1, codes: []refusal.Code{CodeCharterUnsigned, CodeCharterMissing},
			world: func(w *world) {
				w.provider("USA")
				charter(func(c *wire.Charter) { c.Members = append(c.Members, "USA") }, "AUS", "IND", "JPN", "USA")(w)
			}},
		{name: "a charter with a signature changed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid, CodeCharterMissing},
			world: func(w *world) { w.charters[0].Signatures[0].Bytes[0] ^= 1 }},
		{name: "a signed document that is no charter", exit: 1, codes: []refusal.Code{wire.CodeMalformed, CodeCharterMissing},
			world: func(w *world) {
				w.charters[0] = w.sign(wire.TypeCharter, []byte("charter"), wire.PurposeNation, "AUS", "IND", "JPN")
			}},
		{name: "a charter that names a category twice", exit: 1, codes: []refusal.Code{wire.CodeMalformed, CodeCharterMissing},
			world: charter(func(c *wire.Charter) { c.Categories[1] = "fuel" }, "AUS", "IND", "JPN")},
		{name: "two charters of one programme", exit: 1, codes: []refusal.Code{CodeCharterRepeated},
			world: func(w *world) { w.charters = append(w.charters, w.charters[0]) }},
		{name: "a charter without a nation of a bill", exit: 1, codes: []refusal.Code{CodeBillForeign},
			world: charter(func(c *wire.Charter) { c.Members = c.Members[:2] }, "AUS", "IND")},
		{name: "a charter that does not name a billed category", exit: 1, codes: []refusal.Code{CodeCategoryUnnamed},
			world: charter(func(c *wire.Charter) { c.Categories = c.Categories[:3] }, "AUS", "IND", "JPN")},
	})
}

func TestTrust(t *testing.T) {
	w := newWorld(t, "real")
	file := fileOf(w.build())
	t.Run("without a trust file nothing is decided", func(t *testing.T) {
		if got, want := outcome(Verify(nil, file, nil)), expected(2, CodeTrustMissing); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	t.Run("an unusable trust file decides nothing", func(t *testing.T) {
		for _, n := range []*trust.Network{{}, {Version: 1, Network: "audit-test", CheckpointAgeMax: 1}} {
			if got, want := outcome(Verify(n, file, nil)), expected(2, trust.CodeTrustInvalid); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
	t.Run("a trust file as parsed works as well", func(t *testing.T) {
		text, err := w.network.File()
		if err != nil {
			t.Fatal(err)
		}
		n, err := trust.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := outcome(Verify(n, file, nil)), expected(0); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	t.Run("a self-consistent bundle under other keys is never valid", func(t *testing.T) {
		forged := newWorld(t, "forged")
		other := fileOf(forged.build())
		if got := Verify(forged.network, other, nil); got.ExitCode() != 0 {
			t.Fatalf("it is not even consistent: %v", got.Findings)
		}
		want := expected(1, transcript.CheckpointUnsigned, wire.CodeKeyUnknown, CodeCharterMissing)
		if got := outcome(Verify(w.network, other, nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
