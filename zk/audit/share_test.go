package audit

import (
	"bytes"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

func TestShares(t *testing.T) {
	before := func(change func(*wire.ShareClaim)) func(*world) {
		return func(w *world) { w.shares[0].before = change }
	}
	after := func(change func(*wire.ShareClaim)) func(*world) {
		return func(w *world) { w.shares[0].change = change }
	}
	signers := func(names ...string) func(*world) { return func(w *world) { w.shares[0].signers = names } }
	proofs := func(change func([][]byte) [][]byte) func(*world) {
		return func(w *world) { w.shares[0].proofs = change }
	}
	unlinked := []refusal.Code{commit.CodeLinkInvalid}
	// Every proof of a claim is bound to all of it.
	whole := []refusal.Code{proof.CodeProofInvalid, commit.CodeLinkInvalid}
	runWhole(t, []broken{
		{name: "none", exit: 2, codes: []refusal.Code{CodeShareMissing}, world: func(w *world) { w.shares = w.shares[1:] }},
		{name: "signed by another nation", exit: 1, codes: []refusal.Code{CodeClaimUnsigned}, world: signers("JPN")},
		{name: "of another network", exit: 1, codes: append(whole, wire.CodeWrongNetwork), world: after(func(c *wire.ShareClaim) { c.Network = "elsewhere" })},
		{name: "in another currency", exit: 1, codes: []refusal.Code{CodeClaimForeign, CodeShareMissing}, world: after(func(c *wire.ShareClaim) { c.Currency = "INR" })},
		{name: "at another root", exit: 1, codes: []refusal.Code{CodeClaimStale}, world: before(func(c *wire.ShareClaim) { c.Head.Root[0] ^= 1 })},
		{name: "two about one cost", exit: 1, codes: []refusal.Code{CodeClaimRepeated},
			after: func(_ *world, b *wire.Bundle) { b.Shares = append(b.Shares, b.Shares[0]) }},
		{name: "a signature changed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid},
			after: func(_ *world, b *wire.Bundle) { b.Shares[0].Envelope.Signatures[0].Bytes[0] ^= 1 }},
		{name: "about a category that nobody shares", exit: 1, codes: []refusal.Code{CodeClaimUnfounded, CodeShareMissing},
			world: after(func(c *wire.ShareClaim) { c.Category = 3 })},
		{name: "about a category that the charter does not have", exit: 1, codes: []refusal.Code{CodeClaimUnfounded, CodeShareMissing},
			world: after(func(c *wire.ShareClaim) { c.Category = 5 })},
		{name: "by a nation outside the programme", exit: 1, codes: []refusal.Code{CodeClaimUnfounded},
			world: func(w *world) {
				w.member("USA", "rba")
				w.shares = append(w.shares, &madeShare{creditor: "USA", ledger: "rba", category: 4, charges: []uint64{0, 0, 0}})
			}},
		{name: "about a programme without a charter", exit: 2, codes: []refusal.Code{CodeCharterMissing, CodeShareMissing},
			world: after(func(c *wire.ShareClaim) { c.Programme[0] ^= 1 })},
		{name: "about a creditor without bills, all zero", exit: 0,
			world: func(w *world) {
				w.shares = append(w.shares, &madeShare{creditor: "JPN", ledger: "rba", category: 4, charges: []uint64{0, 0, 0}})
			}},
		{name: "a charge left out", exit: 1, codes: []refusal.Code{CodeShareCharges}, world: after(func(c *wire.ShareClaim) { c.Charges = c.Charges[:2] })},
		{name: "a charge outside the group", exit: 1, codes: []refusal.Code{commit.CodePointInvalid},
			world: after(func(c *wire.ShareClaim) { c.Charges[2] = [64]byte{} })},
		{name: "another charge than the proven one", exit: 1, codes: whole, world: after(func(c *wire.ShareClaim) { c.Charges[2] = c.Charges[1] })},
		{name: "another nonce than the proven one", exit: 1, codes: whole, world: after(func(c *wire.ShareClaim) { c.Nonce[0]++ })},
		{name: "a division that is right, of other amounts than billed", exit: 1, codes: unlinked,
			world: func(w *world) { w.shares[0].charges = []uint64{40, 40, 40} }},
		{name: "a division that is right, with a member's bills left out", exit: 1, codes: unlinked,
			world: func(w *world) { w.shares[0].bills = map[string][]*madeBill{"IND": w.bills[:1]} }},
		{name: "members without a weight or a bill", exit: 0,
			world: func(w *world) {
				for _, nation := range []string{"CAN", "FRA", "GBR", "KOR", "NZL"} {
					w.member(nation, "rba")
				}
				w.charter(func(c *wire.Charter) {
					c.Members = append(c.Members, "CAN", "FRA", "GBR", "KOR", "NZL")
					c.Categories[4].Shares = append(c.Categories[4].Shares, 0, 0, 0, 0, 0)
				})
				for _, s := range w.shares {
					s.charges = append(s.charges, 0, 0, 0, 0, 0)
				}
			}},
		{name: "a member with a weight who is not billed", exit: 1, codes: unlinked,
			world: func(w *world) {
				w.member("NZL", "rba")
				w.charter(func(c *wire.Charter) {
					c.Members = append(c.Members, "NZL")
					c.Categories[4].Shares = []uint32{34, 33, 33, 1}
				})
				for _, s := range w.shares {
					s.charges = append(s.charges, 1)
				}
			}},
		{name: "charges that no bill holds", exit: 1, codes: unlinked,
			world: func(w *world) {
				w.shares = append(w.shares, &madeShare{creditor: "JPN", ledger: "rba", category: 4, charges: []uint64{34, 33, 33}})
			}},
		{name: "proven by other weights than the charter's", exit: 1, codes: []refusal.Code{proof.CodeProofInvalid},
			after: func(w *world, b *wire.Bundle) {
				w.charter(func(c *wire.Charter) { c.Categories[4].Shares = []uint32{2, 1, 1} })
				b.Charters = w.charters
			}},
		{name: "proven by another agreement's formula", exit: 1, codes: []refusal.Code{proof.CodeProofInvalid},
			after: func(w *world, b *wire.Bundle) {
				w.charter(func(c *wire.Charter) { c.Agreement[0] ^= 1 })
				b.Charters = w.charters
			}},
		{name: "another creditor's division", exit: 1, codes: []refusal.Code{proof.CodeProofInvalid},
			after: func(_ *world, b *wire.Bundle) { b.Shares[0].Proofs[0] = b.Shares[1].Proofs[0] }},
		{name: "the links of two members changed about", exit: 1, codes: unlinked,
			world: proofs(func(p [][]byte) [][]byte { return [][]byte{p[0], p[2], p[1]} })},
		{name: "a byte of a link changed", exit: 1, codes: unlinked,
			world: proofs(func(p [][]byte) [][]byte { q := bytes.Clone(p[2]); q[100] ^= 1; return [][]byte{p[0], p[1], q} })},
		{name: "a number of a link beyond the order", exit: 1, codes: []refusal.Code{commit.CodeScalarInvalid},
			world: proofs(func(p [][]byte) [][]byte {
				q := bytes.Clone(p[2])
				copy(q[64:96], bytes.Repeat([]byte{0xff}, 32))
				return [][]byte{p[0], p[1], q}
			})},
		{name: "a link left out", exit: 1, codes: []refusal.Code{CodeProofMissing}, world: proofs(func(p [][]byte) [][]byte { return p[:2] })},
		{name: "a proof too many", exit: 1, codes: []refusal.Code{CodeProofMissing}, world: proofs(func(p [][]byte) [][]byte { return append(p, p[2]) })},
		{name: "no key to check them with", exit: 2, codes: []refusal.Code{CodeKeyMissing}, after: func(_ *world, b *wire.Bundle) { b.Keys = without(b.Keys, proof.Share) }},
	})
}
