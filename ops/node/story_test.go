package node_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"entente/ops/node"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/programme"
	"entente/settlement/swap"
	"entente/zk/audit"
)

// One network stands everything that must be refused; then its exercise ends as if nothing had been. The order matters: what is left to pay comes last, and
// what a desk notes against a member would end its users' waits.
func TestWhatIsRefusedLeavesTheExerciseSound(t *testing.T) {
	w := theWorld(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"a bill needs both signatures and its own proofs", badBillsAreNotRecorded},
		{"claims are made for auditors, about all there is", claimsAreForAuditors},
		{"a payment needs two persons of the paying desk", twoPersons},
		{"a bill is paid once", paidOnce},
		{"a quote is for one payment of its taker in its time", badQuotes},
		{"a quote used again aborts the payment", quoteUsedAgain},
		{"the same package gets the same answer", firstAnswerStands},
		{"an auditor's heads are cosigned by the other banks", headsAreCosigned},
		{"the exercise ends well", endsWell},
		{"anybody reads the logs, and entries nobody", theLogIsPublic},
		{"a count under another nation's name changes nothing", wrongNation},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, w) })
	}
}

func endsWell(t *testing.T, w *world) {
	for _, m := range w.net.Trust.Members {
		for _, b := range w.net.Desks[m.Nation].Bills() {
			if b.Bill.Debtor == m.Nation {
				w.payIfOwed(t, b)
			}
		}
	}
	bundle, err := w.net.Auditor.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	claimsAreThere(t, w, bundle)
	if r := w.net.Auditor.Verify(bundle.File(), nil); r.Result != audit.Valid || r.ItemsDisclosed != 0 {
		t.Errorf("the audit:\n%s", r.Certificate())
	}
	for _, b := range w.net.Trust.Banks {
		s, err := w.net.Auditor.Summary(t.Context(), b.ID)
		if err != nil {
			t.Fatal(err)
		}
		if s.SupplyMinor != s.BalancesSumMinor || s.SwapsOpen != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// payIfOwed has the debtor's users pay a bill that its bank does not know as paid.
func (w *world) payIfOwed(t *testing.T, b node.DeskBill) {
	t.Helper()
	paid := false
	err := w.net.Banks[b.Bill.Ledger].Engine().View(t.Context(), func(m *swap.Machine) {
		known, _ := m.Ledger().Bill(b.Hash)
		paid = known.State != ledger.BillOutstanding
	})
	if err != nil {
		t.Fatal(err)
	}
	if paid {
		return
	}
	instruction, err := w.user(b.Bill.Debtor, "clerk").MakePayment(t.Context(), b.Hash)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.user(b.Bill.Debtor, "controller").Approve(t.Context(), instruction); err != nil {
		t.Fatal(err)
	}
	settles(t, w, b.Bill.Debtor, instruction)
}

func wrongNation(t *testing.T, w *world) {
	lines, divergences, err := w.net.Desks["GBR"].Matched()
	if err != nil {
		t.Fatal(err)
	}
	forged := programme.Count{Nation: "FRA", Source: "a count FRA never made"}
	body, err := forged.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("handed to the own desk", func(t *testing.T) {
		refuses(t, w.user("DEU", "clerk").PostCount(t.Context(), forged), programme.CodeWrongNation)
	})
	t.Run("signed in another nation's name", func(t *testing.T) {
		desk := w.net.Desks["DEU"]
		p := wire.Post{Network: w.net.Trust.Network, Programme: desk.Programme(), Author: "FRA", Seq: 1, Kind: node.PostCountKind, Readers: []string{"GBR"}, Sealed: []byte("anything"), AtMS: now()}
		payload, err := wire.TryEncode(&p)
		if err != nil {
			t.Fatal(err)
		}
		e := sign(t, w.nation(t, "DEU"), wire.TypePost, payload)
		if err := w.net.Auditor.Bus().Post(t.Context(), desk.Programme().String(), "FRA", e.Bytes()); err != nil {
			t.Fatal(err)
		}
		w.noted(t, "GBR", func(r node.Refused) bool { return refusal.CodeOf(r.Err) == programme.CodeWrongNation && r.From == "" })
	})
	t.Run("posted by a desk that does not check", func(t *testing.T) {
		if err := w.net.Desks["DEU"].PostAnyway(t.Context(), node.PostCountKind, body, "GBR"); err != nil {
			t.Fatal(err)
		}
		w.noted(t, "GBR", func(r node.Refused) bool {
			return refusal.CodeOf(r.Err) == programme.CodeWrongNation && r.From == "DEU"
		})
	})
	after, apart, err := w.net.Desks["GBR"].Matched()
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(lines) || len(apart) != len(divergences) {
		t.Errorf("%d lines and %d divergences became %d and %d", len(lines), len(divergences), len(after), len(apart))
	}
}

// noted waits until a desk has noted what it did not accept.
func (w *world) noted(t *testing.T, nation string, is func(node.Refused) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !slices.ContainsFunc(w.net.Desks[nation].Refused(), is) {
		select {
		case <-ctx.Done():
			t.Fatalf("the desk of %s noted %v", nation, w.net.Desks[nation].Refused())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
