package audit

import (
	"slices"
	"strings"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

func TestSupply(t *testing.T) {
	before := func(change func(*wire.SupplyClaim)) func(*world) {
		return func(w *world) { w.supplies[0].before = change }
	}
	after := func(change func(*wire.SupplyClaim)) func(*world) {
		return func(w *world) { w.supplies[0].change = change }
	}
	signers := func(names ...string) func(*world) { return func(w *world) { w.supplies[0].signers = names } }
	proofs := func(change func([][]byte) [][]byte) func(*world) {
		return func(w *world) { w.supplies[0].proofs = change }
	}
	invalid := []refusal.Code{proof.CodeProofInvalid}
	sum := []refusal.Code{CodeSupplySum}
	foreign := []refusal.Code{CodeClaimForeign, CodeSupplyMissing}
	runWhole(t, []broken{
		{name: "none", exit: 2, codes: []refusal.Code{CodeSupplyMissing}, world: func(w *world) { w.supplies = w.supplies[1:] }},
		{name: "signed by another bank", exit: 1, codes: []refusal.Code{CodeClaimUnsigned}, world: signers("rbi")},
		{name: "signed by a nation", exit: 1, codes: []refusal.Code{wire.CodeKeyPurpose}, world: signers("AUS")},
		{name: "a signature changed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid},
			after: func(_ *world, b *wire.Bundle) { b.Supplies[0].Envelope.Signatures[0].Bytes[0] ^= 1 }},
		{name: "a signed document that is no claim", exit: 1, codes: []refusal.Code{wire.CodeMalformed, CodeSupplyMissing},
			after: func(w *world, b *wire.Bundle) {
				b.Supplies[0].Envelope = w.sign(wire.TypeSupply, []byte("supply"), wire.PurposeTransport, "rba")
			}},
		{name: "of another network", exit: 1, codes: append(invalid, wire.CodeWrongNetwork), world: after(func(c *wire.SupplyClaim) { c.Network = "elsewhere" })},
		{name: "in another currency", exit: 1, codes: foreign, world: after(func(c *wire.SupplyClaim) { c.Currency = "INR" })},
		{name: "about another log", exit: 1, codes: foreign, world: after(func(c *wire.SupplyClaim) { c.Head.Origin = "rbi.test/INR" })},
		{name: "at an earlier size", exit: 1, codes: []refusal.Code{CodeClaimStale}, world: before(func(c *wire.SupplyClaim) { c.Head.Size-- })},
		{name: "at another root", exit: 1, codes: append(invalid, CodeClaimStale), world: after(func(c *wire.SupplyClaim) { c.Head.Root[0] ^= 1 })},
		{name: "two about one ledger", exit: 1, codes: []refusal.Code{CodeClaimRepeated},
			after: func(_ *world, b *wire.Bundle) { b.Supplies = append(b.Supplies, b.Supplies[0]) }},
		{name: "a unit more", exit: 1, codes: sum, world: before(func(c *wire.SupplyClaim) { c.Minor++ })},
		{name: "another opening", exit: 1, codes: sum, world: before(func(c *wire.SupplyClaim) { c.Blinding[31] ^= 1 })},
		{name: "an opening beyond the order", exit: 1, codes: append(invalid, CodeSupplySum), world: after(func(c *wire.SupplyClaim) { c.Blinding = [32]byte{0xff} })},
		{name: "blocks of 17 accounts", exit: 1, codes: []refusal.Code{commit.CodeBlockInvalid}, world: after(func(c *wire.SupplyClaim) { c.Block = 17 })},
		{name: "blocks of 64 accounts that cannot be checked", exit: 2, codes: []refusal.Code{CodeKeyMissing}, world: after(func(c *wire.SupplyClaim) { c.Block = 64 })},
		{name: "another nonce than the proven one", exit: 1, codes: invalid, world: after(func(c *wire.SupplyClaim) { c.Nonce[0]++ })},
		{name: "another bank's proof", exit: 1, codes: invalid,
			after: func(_ *world, b *wire.Bundle) { b.Supplies[0].Proofs = b.Supplies[1].Proofs }},
		{name: "no proof", exit: 1, codes: []refusal.Code{CodeProofMissing}, world: proofs(func([][]byte) [][]byte { return nil })},
		{name: "a proof too many", exit: 1, codes: []refusal.Code{CodeProofMissing}, world: proofs(func(p [][]byte) [][]byte { return append(p, p[0]) })},
		{name: "no key to check them with", exit: 2, codes: []refusal.Code{CodeKeyMissing}, after: func(_ *world, b *wire.Bundle) { b.Keys = without(b.Keys, proof.Reserve16) }},
		{name: "tokens from two accounts", exit: 1, codes: []refusal.Code{CodeSupplyIssuance},
			world: func(w *world) {
				l := w.moving(wire.LeafIssue, "again", 5)
				l.Debit = account("second issuance")
				w.log("rba", l)
				w.supplied("rba")
				w.supplies[0].leaves = func(leaves []wire.Leaf) { leaves[len(leaves)-1].Debit = account("issuance") }
			}},
		{name: "tokens redeemed to another account", exit: 1, codes: []refusal.Code{CodeSupplyIssuance},
			world: func(w *world) {
				w.supplied("rba")
				w.log("rba", to("till", w.moving(wire.LeafRedeem, "back", 5)))
			}},
		{name: "a balance below zero", exit: 1, codes: invalid,
			world: func(w *world) {
				w.supplied("rba")
				// What is released was never in the account it comes from; the claim is made as if it had been.
				release := w.find("rba", wire.LeafRelease)
				w.logs["rba"][release].Debit = account("poor")
				w.supplies[0].leaves = func(leaves []wire.Leaf) { leaves[release].Debit = account("suspense") }
			}},
	})
}

func TestSupplyIsReportedWhereItIsProven(t *testing.T) {
	w := newWorld(t, "real")
	r := Verify(w.network, fileOf(w.build()), nil)
	if l := r.Ledgers[0]; l.SupplyMinor != "1000000" || l.Accounts != 3 {
		t.Errorf("rba issued %q to %d accounts", l.SupplyMinor, l.Accounts)
	}
	if l := r.Ledgers[1]; l.SupplyMinor != "9999500" || l.Accounts != 3 {
		t.Errorf("rbi issued %q to %d accounts", l.SupplyMinor, l.Accounts)
	}
	t.Run("but not beside what is proven wrong", func(t *testing.T) {
		b := w.build()
		b.Bills[0].Envelope.Signatures[0].Bytes[0] ^= 1
		r := Verify(w.network, b.File(), nil)
		if r.ExitCode() != 1 || r.Ledgers[0].SupplyMinor != "" || r.Ledgers[0].Accounts != 0 || strings.Contains(r.Certificate(), "Issued and not redeemed") {
			t.Errorf("%s with supply %q", outcome(r), r.Ledgers[0].SupplyMinor)
		}
	})
	t.Run("and not without a signed head", func(t *testing.T) {
		b := w.build()
		parts := strings.SplitN(w.network.Banks[0].LogKey, "+", 3)
		w.network.Banks[0].LogKey = parts[0] + "+" + strings.ToUpper(parts[1]) + "+" + parts[2] // a second spelling, which is none
		if r := Verify(w.network, b.File(), nil); r.ExitCode() != 2 || r.Ledgers[0].SupplyMinor != "" || r.Ledgers[1].SupplyMinor == "" {
			t.Errorf("%s with supply %q", outcome(r), r.Ledgers[0].SupplyMinor)
		}
	})
}

func TestSupplyOfManyAccountsAndOfNone(t *testing.T) {
	t.Run("seventeen accounts are two blocks", func(t *testing.T) {
		w := newWorld(t, "real")
		w.supplied("rba")
		for i := range 14 {
			w.log("rba", to(string(rune('a'+i)), w.moving(wire.LeafTransfer, "far and wide", 5)))
		}
		b := w.build()
		r := Verify(w.network, b.File(), nil)
		if r.ExitCode() != 2 || r.Supplies != 1 || len(b.Supplies[0].Proofs) != 2 || r.Ledgers[0].Accounts != 17 || r.Ledgers[0].SupplyMinor != "1000000" {
			t.Fatalf("%s: %d proofs of %d accounts", outcome(r), len(b.Supplies[0].Proofs), r.Ledgers[0].Accounts)
		}
		slices.Reverse(b.Supplies[0].Proofs)
		r = Verify(w.network, b.File(), nil)
		if r.ExitCode() != 1 || !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == proof.CodeProofInvalid && strings.HasSuffix(f.Where, "block 1") }) {
			t.Errorf("with the proofs of the two blocks changed about: %v", r.Findings)
		}
	})
	t.Run("no accounts need no proof", func(t *testing.T) {
		w := newWorld(t, "real")
		w.logs["rbi"] = []wire.Leaf{{Kind: wire.LeafOpen}}
		w.logs["rba"] = w.logs["rba"][:2]
		w.bills, w.statements, w.budgets, w.shares, w.rates = nil, nil, nil, nil, nil
		b := w.build()
		r := Verify(w.network, b.File(), nil)
		if r.ExitCode() != 0 || len(b.Supplies[1].Proofs) != 0 || r.Ledgers[1].SupplyMinor != "0" || r.Ledgers[1].Accounts != 0 || r.Ledgers[0].SupplyMinor != "1000000" {
			t.Fatalf("%s with supplies %q and %q: %v", outcome(r), r.Ledgers[0].SupplyMinor, r.Ledgers[1].SupplyMinor, r.Findings)
		}
	})
	t.Run("a reversal moves money back", func(t *testing.T) {
		w := newWorld(t, "real")
		w.supplied("rba")
		back := w.moving(wire.LeafReversal, "issue", 1_000_000)
		back.Debit, back.Credit = account("payer"), account("issuance")
		w.log("rba", w.moving(wire.LeafIssue, "too much", 1_000_000), back)
		r := Verify(w.network, fileOf(w.build()), nil)
		if r.ExitCode() != 2 || r.Ledgers[0].SupplyMinor != "1000000" || !slices.ContainsFunc(r.NotChecked, func(s string) bool { return strings.Contains(s, "Reversals: 1.") }) {
			t.Errorf("%s with supply %s", outcome(r), r.Ledgers[0].SupplyMinor)
		}
	})
}
