package engine_test

import (
	"testing"
	"time"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
)

// A bank whose operators open a new epoch signs again what its peer has not acknowledged, and everything about it is stored.
func TestANewEpochIsStoredAndWhatIsOwedIsSignedAgain(t *testing.T) {
	overBoth(t, func(t *testing.T, db database) {
		p := newPair(t, db)
		p.furnish()
		pay := p.authorise(t, 9_000, 8_700)
		p.aus.must(pay)
		if o := p.outcome(t, pay.Payment.InstructionHash, 10*time.Second); o.State != swap.Settled {
			t.Fatalf("%+v", o)
		}
		p.quiet(t)
		p.aus.must(p.aus.order(wire.Order{Kind: wire.OrderRecover}))
		again := p.authorise(t, 4_000, 3_900)
		eventually(t, 10*time.Second, func() string {
			if _, err := p.aus.submit(engine.Work{Event: again}); err != nil {
				return err.Error()
			}
			return ""
		})
		o := p.outcome(t, again.Payment.InstructionHash, 10*time.Second)
		if o.State != swap.Settled {
			t.Fatalf("%+v", o)
		}
		p.quiet(t)
		var epoch uint64
		if err := p.aus.present().View(t.Context(), func(m *swap.Machine) { epoch = m.Epoch }); err != nil || epoch < 2 {
			t.Fatalf("the bank is in epoch %d (%v)", epoch, err)
		}
		err := p.jpn.present().View(t.Context(), func(m *swap.Machine) {
			if c := m.Channel("rba"); c.PeerEpoch != epoch || c.Floor != epoch || c.HeardEpoch != epoch {
				t.Errorf("the peer knows %+v", c)
			}
			if s, _ := m.Swap(o.Swap); s.Terms.Banks[0].Epoch != epoch {
				t.Errorf("the terms name %+v", s.Terms.Banks)
			}
		})
		if err != nil {
			t.Error(err)
		}
		decision, ok, err := p.aus.present().Message(t.Context(), swap.MessageKey{Swap: o.Swap, Recipient: "boj", Type: wire.TypeDecision, Epoch: epoch})
		if err != nil || !ok {
			t.Errorf("the decision of the new epoch is not stored (%v)", err)
		}
		restartsAlike(t, p.aus)
		restartsAlike(t, p.jpn)
		err = p.aus.present().View(t.Context(), func(m *swap.Machine) {
			if m.Epoch != epoch || m.Opening == (wire.ID{}) || m.Fenced() {
				t.Errorf("the bank starts again in epoch %d of %s, fenced %v", m.Epoch, m.Opening, m.Fenced())
			}
		})
		if err != nil {
			t.Error(err)
		}
		// Two decisions that contradict each other are kept as one proof.
		forged := &wire.Decision{Header: wire.Header{Network: network, Swap: o.Swap, Sender: "rba", Recipient: "boj", Epoch: epoch, Seq: 99}, Reason: "changed my mind"}
		envelope, err := p.aus.signer.Sign(wire.TypeDecision, wire.Encode(forged))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, func() string { // once the banks have greeted each other again
			_, refused := p.jpn.submit(engine.Work{Event: swap.MessageVerified{Message: forged, Hash: envelope.Hash(), NowMS: now()},
				Evidence: []engine.Evidence{{Kind: engine.EvidenceMessage, Hash: envelope.Hash(), Bytes: envelope.Bytes()}}})
			if code := refusal.CodeOf(refused); code != "" && code != swap.CodeConflict {
				t.Fatal(refused)
			}
			stopped := false
			if err := p.jpn.present().View(t.Context(), func(m *swap.Machine) { stopped = m.Channel("rba").Stopped }); err != nil || !stopped {
				return "the contradiction was not noticed"
			}
			return ""
		})
		first, err := wire.ParseEnvelope(decision.Envelope, wire.LimitMessage)
		if err != nil {
			t.Fatal(err)
		}
		proof := wire.Equivocation{First: first, Second: envelope}
		stored, ok, err := p.jpn.present().Evidence(t.Context(), engine.EvidenceEquivocation, proof.Hash())
		if err != nil || !ok || string(stored) != string(proof.Bytes()) {
			t.Fatalf("the proof is not kept (%v)", err)
		}
		if c, err := proof.Check(p); err != nil || c.Bank != "rba" || c.Swap != o.Swap {
			t.Errorf("the proof gives %+v, %v", c, err)
		}
	})
}
