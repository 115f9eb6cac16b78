package audit

import (
	"slices"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/proof"
)

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
			after: func(_ *world, b *wire.Bundle) { b.Keys = slices.Delete(slices.Clone(b.Keys), 1, 2) }},
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
