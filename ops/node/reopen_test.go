package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entente/bridge/intake"
	"entente/ops/devnet"
	"entente/ops/node"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/settlement/programme"
	"entente/wallet"
	"entente/zk/proof"
)

// oneBill is an exercise of one line: AUS owes JPN one bill.
const oneBill = "../cli/testdata/tide"

// billed starts a network of its own and brings the one bill to where it can be paid.
func billed(t *testing.T) (*devnet.Net, *wallet.Identity) {
	t.Helper()
	dir := t.TempDir()
	exercise, err := intake.Load(os.DirFS(oneBill))
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := os.ReadFile(filepath.Join(oneBill, "agreement.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := proof.DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := proof.OpenDevelopment(t.Context(), cache, devnet.Circuits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	net, err := devnet.Start(t.Context(), devnet.Options{Dir: dir, Exercise: exercise, Sheet: sheet, Keys: keys, Progress: func(string) {}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := net.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, count := range exercise.Counts {
		if err := net.Users[string(count.Nation)]["clerk"].PostCount(t.Context(), count); err != nil {
			t.Fatal(err)
		}
	}
	seller := net.Users["JPN"]["clerk"]
	await(t, seller, func(s node.DeskStatus) bool { return s.Expected == 1 })
	if err := seller.OfferBills(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, nation := range []string{"JPN", "AUS"} {
		await(t, net.Users[nation]["clerk"], func(s node.DeskStatus) bool { return s.Bills[node.BillRecorded] == 1 })
	}
	unlock, err := wallet.OpenUnlock(filepath.Join(dir, "keys", "unlock"))
	if err != nil {
		t.Fatal(err)
	}
	return net, unlock
}

func await(t *testing.T, u *node.User, cond func(node.DeskStatus) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := u.Await(ctx, cond); err != nil {
		t.Fatal(err)
	}
}

// deskState is what a desk knows, as text, so that two can be compared whole.
func deskState(t *testing.T, d *node.Desk) string {
	t.Helper()
	status, err := d.Status()
	if err != nil {
		t.Fatal(err)
	}
	lines, divergences, err := d.Matched()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(map[string]any{"status": status, "bills": d.Summaries(), "payments": d.Payments(), "lines": lines, "divergences": divergences}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// restart closes a desk and opens it again from its journal. Its network closes it with the rest at the test's end.
func restart(t *testing.T, d *node.Desk) *node.Desk {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := d.Reopen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
	return again
}

// same wants a desk to know after a restart what it knew before.
func same(t *testing.T, before string, d *node.Desk) {
	t.Helper()
	if diff := cmp.Diff(before, deskState(t, d)); diff != "" {
		t.Errorf("a restart changed what the desk knows: -before +after\n%s", diff)
	}
}

func TestADeskThatIsOpenedAgainKnowsAllAndFinishesWhatWasBegun(t *testing.T) {
	t.Parallel()
	net, unlock := billed(t)
	person := func(name string) *wallet.Signer {
		ring, err := wallet.Open(filepath.Join(filepath.Dir(net.TrustPath), "keys", "user-AUS-"+name+".age"), unlock)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ring.Signer(wire.PurposeUser, name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := deskState(t, net.Desks["AUS"])
	desk := restart(t, net.Desks["AUS"])
	same(t, before, desk)

	// The same document from several hands at once, as a client sends it that heard no answer, is one document.
	status, err := desk.Status()
	if err != nil || len(status.Outstanding) != 1 {
		t.Fatalf("%+v (%v)", status, err)
	}
	in, err := desk.DraftPayment(status.Outstanding[0])
	if err != nil {
		t.Fatal(err)
	}
	payload, err := wire.TryEncode(&in)
	if err != nil {
		t.Fatal(err)
	}
	instruction := sign(t, person("clerk"), wire.TypeInstruction, payload)
	allAtOnce(t, func() error { _, err := desk.AddPayment(t.Context(), instruction); return err })
	before = deskState(t, desk)
	desk = restart(t, desk)
	same(t, before, desk)
	a := wire.Approval{Network: net.Trust.Network, Instruction: in.Hash(), Verdict: wire.VerdictApprove, AtMS: now()}
	approval := sign(t, person("controller"), wire.TypeApproval, a.Bytes())
	allAtOnce(t, func() error { return desk.AddApproval(t.Context(), approval) })
	if p := desk.Payments(); len(p) != 1 || p[0].State != payment.Approved {
		t.Fatalf("the payments are %+v", p)
	}

	// What was approved before the restart settles after it, without anybody asking.
	before = deskState(t, desk)
	desk = restart(t, desk)
	same(t, before, desk)
	desk.Work()
	await(t, net.Users["AUS"]["clerk"], func(s node.DeskStatus) bool { return s.Payments[payment.Settled] == 1 })
	if p := desk.Payments(); len(p) != 1 || p[0].Instruction.UETR != in.UETR {
		t.Errorf("the payments are %+v", p)
	}
	same(t, deskState(t, desk), restart(t, desk))

	// The creditor's desk, with chunks it has proven, knows all as well.
	before = deskState(t, net.Desks["JPN"])
	same(t, before, restart(t, net.Desks["JPN"]))
}

// A desk whose broker was away for a moment sends again by itself what it had journaled, and what came after it waits for it.
func TestAPostTheCarrierMissedIsSentAgain(t *testing.T) {
	t.Parallel()
	net, _ := billed(t)
	own := programme.Count{Nation: "JPN", Source: "a late count"}
	body, err := own.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	seller, reader := net.Desks["JPN"], net.Desks["AUS"]
	before := reader.Heard("JPN")
	if err := seller.PostWithoutCarrier(t.Context(), node.PostCountKind, body, "AUS"); err != nil {
		t.Fatal(err)
	}
	if err := seller.PostAnyway(t.Context(), node.PostCountKind, body, "AUS"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); reader.Heard("JPN") != before+2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("of %d posts after the first %d the other desk has %d", 2, before, reader.Heard("JPN")-before)
		}
	}
	if refused := reader.Refused(); len(refused) > 0 {
		t.Errorf("it refused %v", refused)
	}
}

// allAtOnce does something from eight sides at once, and wants each to succeed.
func allAtOnce(t *testing.T, do func() error) {
	t.Helper()
	errs := make([]error, 8)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { errs[i] = do() })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
