package node_test

import (
	"testing"

	"entente/ops/node"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/proof"
)

// A bill enters a log when both nations signed it and its own proofs hold. What does not leaves no trace.
func badBillsAreNotRecorded(t *testing.T, w *world) {
	sound, other := w.provenBill(t, "GBR", "DEU"), w.provenBill(t, "KWT", "DEU")
	before := w.books(t, "DEU")
	// again is the sound bill under another id, which its proofs do not know of.
	again := sound.Bill
	again.ID = randomID(t)
	again.Nonce[0]++
	creditor, debtor, third := w.nation(t, "DEU"), w.nation(t, "GBR"), w.nation(t, "FRA")
	for _, test := range []struct {
		name    string
		signers []*wallet.Signer
		bill    wire.Bill
		proofs  [][]byte
		code    refusal.Code
	}{
		{"signed by the creditor alone", []*wallet.Signer{creditor}, again, sound.Proofs, node.CodeCountersignature},
		{"signed by the debtor alone", []*wallet.Signer{debtor}, again, sound.Proofs, node.CodeCountersignature},
		{"countersigned by a third nation", []*wallet.Signer{creditor, third}, again, sound.Proofs, node.CodeCountersignature},
		{"signed by three", []*wallet.Signer{creditor, debtor, third}, again, sound.Proofs, node.CodeCountersignature},
		{"with the proofs of the bill it copies", []*wallet.Signer{creditor, debtor}, again, sound.Proofs, proof.CodeProofInvalid},
		{"with the proofs of another bill", []*wallet.Signer{creditor, debtor}, sound.Bill, other.Proofs, proof.CodeProofInvalid},
		{"without proofs", []*wallet.Signer{creditor, debtor}, again, nil, proof.CodeProofInvalid},
		{"of another network", []*wallet.Signer{creditor, debtor}, func() wire.Bill { b := again; b.Network = "dev-other"; return b }(), sound.Proofs, wire.CodeWrongNetwork},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := sign(t, test.signers[0], wire.TypeBill, test.bill.Bytes())
			for _, s := range test.signers[1:] {
				if err := s.CoSign(&e); err != nil {
					t.Fatal(err)
				}
			}
			proven := wire.ProvenBill{Envelope: e, Proofs: test.proofs}
			_, err := w.ask(t, w.service(t, "DEU"), sound.Bill.Ledger, node.SubjectBill, proven.Bytes())
			refuses(t, err, test.code)
		})
	}
	if got := w.books(t, "DEU"); got != before {
		t.Errorf("the books changed from %+v to %+v", before, got)
	}
	err := w.net.Banks[sound.Bill.Ledger].Engine().View(t.Context(), func(m *swap.Machine) {
		if _, there := m.Ledger().Bill(again.Hash()); there {
			t.Error("the ledger holds a bill it refused")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// provenBill finds a bill at its creditor's desk, which has its proofs.
func (w *world) provenBill(t *testing.T, debtor, creditor string) node.DeskBill {
	t.Helper()
	hash := w.billOf(t, debtor, creditor, "exercise").Hash
	for _, b := range w.net.Desks[creditor].Bills() {
		if b.Hash == hash && len(b.Proofs) == len(b.Bill.Chunks) {
			return b
		}
	}
	t.Fatalf("%s has no proven bill for %s", creditor, debtor)
	return node.DeskBill{}
}
