package node_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"entente/bridge/bus"
	"entente/ops/broker"
	"entente/ops/devnet"
	"entente/ops/node"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/payment"
	"entente/wallet"
)

// The answer of a recorded bill was lost.
func TestABillKeepsItsLeaf(t *testing.T) {
	w := theWorld(t)
	for _, b := range w.net.Desks["DEU"].Bills() {
		if b.Bill.Creditor != "DEU" || b.Seq == 0 {
			continue
		}
		seq, err := w.net.Desks["DEU"].RecordBillAgain(t.Context(), b.Hash)
		if err != nil || seq != b.Seq {
			t.Errorf("leaf %d, then %d (%v)", b.Seq, seq, err)
		}
		return
	}
	t.Fatal("no bill")
}

// closing tells whether a store was closed.
type closing struct {
	engine.Store
	closed bool
}

func (c *closing) Close() error { c.closed = true; return c.Store.Close() }

// A bank that cannot be opened gives its store back.
func TestABankThatCannotOpenClosesItsStore(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	s := broker.ForTest(t)
	b, err := bus.Connect(t.Context(), bus.Options{InProcess: s.InProcess(), Network: w.net.Trust.Network, Development: true})
	if err != nil {
		t.Fatal(err)
	}
	b.Close() // the broker is away just then
	store := &closing{Store: engine.NewMemory().Session()}
	id := w.net.Trust.Banks[0].ID
	if _, err = node.OpenBank(t.Context(), node.BankConfig{ID: id, Trust: w.net.Trust, Ring: w.ring["bank-"+id], Store: store, Bus: b, Clock: now, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Fatal("it opened")
	}
	if !store.closed {
		t.Error("the store stays open, and with it the lock that the next attempt waits for")
	}
}

func signer(t *testing.T, net *devnet.Net, unlock *wallet.Identity, file string, purpose wire.Purpose, name string) *wallet.Signer {
	t.Helper()
	ring, err := wallet.Open(filepath.Join(filepath.Dir(net.TrustPath), "keys", file+".age"), unlock)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ring.Signer(purpose, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// made makes the one payment, of a deadline, not yet approved.
func made(t *testing.T, net *devnet.Net, unlock *wallet.Identity, desk *node.Desk, deadline time.Duration) wire.Instruction {
	t.Helper()
	status, err := desk.Status()
	if err != nil || len(status.Outstanding) != 1 {
		t.Fatalf("%+v (%v)", status, err)
	}
	in, err := desk.DraftPayment(status.Outstanding[0])
	if err != nil {
		t.Fatal(err)
	}
	in.DeadlineMS = now() + deadline.Milliseconds()
	payload, err := wire.TryEncode(&in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.AddPayment(t.Context(), sign(t, signer(t, net, unlock, "user-AUS-clerk", wire.PurposeUser, "clerk"), wire.TypeInstruction, payload)); err != nil {
		t.Fatal(err)
	}
	return in
}

// A payment whose deadline passed must not keep its bill for ever.
func TestAPaymentPastItsDeadlineFreesItsBill(t *testing.T) {
	t.Parallel()
	net, unlock := billed(t)
	desk := net.Desks["AUS"]
	in := made(t, net, unlock, desk, time.Second)
	time.Sleep(4 * time.Second)
	if _, err := desk.DraftPayment(in.Bills[0]); err != nil {
		t.Errorf("the bill cannot be paid any more: %v; the payment is %s", err, desk.Payments()[0].State)
	}
	a := wire.Approval{Network: net.Trust.Network, Instruction: in.Hash(), Verdict: wire.VerdictApprove, AtMS: now()}
	t.Log(desk.AddApproval(t.Context(), sign(t, signer(t, net, unlock, "user-AUS-controller", wire.PurposeUser, "controller"), wire.TypeApproval, a.Bytes())))
}

// Two approvers sign at the same millisecond.
func TestTwoApproversAtOnceAreTwo(t *testing.T) {
	t.Parallel()
	net, unlock := billed(t)
	second, err := wallet.NewSigner("AUS", "second", wire.PurposeUser, 1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range net.Trust.Members {
		if m := &net.Trust.Members[i]; m.Nation == "AUS" {
			m.Approvals = 2
			k := second.Key()
			m.Keys = append(m.Keys, trust.Key{Name: k.Name, Purpose: k.Purpose, Epoch: k.Epoch, Public: k.Public})
		}
	}
	if err := net.Trust.Check(); err != nil {
		t.Fatal(err)
	}
	desk := net.Desks["AUS"]
	in := made(t, net, unlock, desk, time.Minute)
	a := wire.Approval{Network: net.Trust.Network, Instruction: in.Hash(), Verdict: wire.VerdictApprove, AtMS: now()}
	for _, s := range []*wallet.Signer{signer(t, net, unlock, "user-AUS-controller", wire.PurposeUser, "controller"), second} {
		if err := desk.AddApproval(t.Context(), sign(t, s, wire.TypeApproval, a.Bytes())); err != nil {
			t.Fatal(err)
		}
	}
	if p := desk.Payments()[0]; len(p.Approvers) != 2 {
		t.Errorf("two approvers were told yes, %d are known; the payment is %s", len(p.Approvers), p.State)
	}
}

// A rejection is handed in again.
func TestARejectionAgainIsNoError(t *testing.T) {
	t.Parallel()
	net, unlock := billed(t)
	desk := net.Desks["AUS"]
	in := made(t, net, unlock, desk, time.Minute)
	a := wire.Approval{Network: net.Trust.Network, Instruction: in.Hash(), Verdict: wire.VerdictReject, Reason: "no", AtMS: now()}
	e := sign(t, signer(t, net, unlock, "user-AUS-controller", wire.PurposeUser, "controller"), wire.TypeApproval, a.Bytes())
	for range 2 {
		if err := desk.AddApproval(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
}

// What no bank has said ends no payment.
func TestAnAnswerOfNobodyEndsNoPayment(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"garbage", "busy"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			squatted(t, kind)
		})
	}
}

func squatted(t *testing.T, kind string) {
	net, unlock := billed(t)
	desk := net.Desks["AUS"]
	in := made(t, net, unlock, desk, time.Minute)
	bank := in.PayerBank
	if err := net.Banks[bank].Close(); err != nil {
		t.Fatal(err)
	}
	key := signer(t, net, unlock, "bank-"+bank, wire.PurposeTransport, bank)
	stop, err := net.Auditor.Bus().Serve(context.WithoutCancel(t.Context()), bank, func(_ context.Context, b []byte) []byte {
		if kind == "garbage" {
			return []byte("no")
		}
		e, err := wire.ParseEnvelope(b, 1<<20)
		if err != nil {
			return nil
		}
		r := wire.Reply{Network: net.Trust.Network, Sender: bank, Request: e.Hash(), Code: string(engine.CodeBusy), Text: "4096 events wait already", Do: "try again shortly", AtMS: now()}
		return func() []byte { e := sign(t, key, wire.TypeReply, r.Bytes()); return e.Bytes() }()
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	a := wire.Approval{Network: net.Trust.Network, Instruction: in.Hash(), Verdict: wire.VerdictApprove, AtMS: now()}
	if err := desk.AddApproval(t.Context(), sign(t, signer(t, net, unlock, "user-AUS-controller", wire.PurposeUser, "controller"), wire.TypeApproval, a.Bytes())); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if p := desk.Payments()[0]; p.State == payment.Refused {
			text, _ := json.Marshal(p.History[len(p.History)-1])
			t.Fatalf("the payment is over: %s", text)
		}
	}
}
