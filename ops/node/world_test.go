package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"entente/bridge/intake"
	"entente/ops/devnet"
	"entente/ops/node"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/proof"
)

const data = "../../bridge/intake/testdata/euro"

func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(running.close(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// world is a network whose bills are all recorded and none paid, with everybody's keys in the hands of the tests.
type world struct {
	once sync.Once
	err  error
	dir  string
	net  *devnet.Net

	agreement programme.Agreement
	ring      map[string]*wallet.Ring // by key file, such as desk-GBR
}

var running world

func now() int64 { return time.Now().UnixMilli() }

func theWorld(t *testing.T) *world {
	t.Helper()
	running.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute)
		defer cancel()
		running.err = running.start(ctx)
	})
	if running.err != nil {
		t.Fatal(running.err)
	}
	return &running
}

func (w *world) start(ctx context.Context) (err error) {
	if w.dir, err = os.MkdirTemp("", "node-test-"); err != nil {
		return err
	}
	exercise, err := intake.Load(os.DirFS(data))
	if err != nil {
		return err
	}
	w.agreement = exercise.Agreement
	sheet, err := os.ReadFile(filepath.Join(data, "agreement.json"))
	if err != nil {
		return err
	}
	cache, err := proof.DefaultDir()
	if err != nil {
		return err
	}
	keys, err := proof.OpenDevelopment(ctx, cache, devnet.Circuits(), nil)
	if err != nil {
		return err
	}
	w.net, err = devnet.Start(ctx, devnet.Options{Dir: w.dir, Exercise: exercise, Sheet: sheet, Keys: keys, Progress: func(string) {}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := w.openKeys(); err != nil {
		return err
	}
	return w.bill(ctx, exercise)
}

func (w *world) openKeys() error {
	unlock, err := wallet.OpenUnlock(filepath.Join(w.dir, "keys", "unlock"))
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "keys", "*.age"))
	if err != nil {
		return err
	}
	w.ring = map[string]*wallet.Ring{}
	for _, file := range files {
		name := filepath.Base(file)
		if w.ring[name[:len(name)-len(".age")]], err = wallet.Open(file, unlock); err != nil {
			return err
		}
	}
	return nil
}

// bill brings the exercise to where every bill is recorded, although somebody without a key has sent posts first.
func (w *world) bill(ctx context.Context, e *intake.Exercise) error {
	tag := w.net.Desks["GBR"].Programme().String()
	for range 100 {
		if err := w.net.Auditor.Bus().Post(ctx, tag, "DEU", []byte("no post")); err != nil {
			return err
		}
	}
	for _, count := range e.Counts {
		if err := w.user(string(count.Nation), "clerk").PostCount(ctx, count); err != nil {
			return err
		}
	}
	for _, c := range e.Cases {
		if err := w.user(string(c.Receiver), "clerk").PostReceipts(ctx, c); err != nil {
			return err
		}
	}
	counted := func(s node.DeskStatus) bool { return len(s.Counts) == len(e.Agreement.Members) && s.Expected > 0 }
	recorded := func(s node.DeskStatus) bool { return s.Bills[node.BillRecorded] == s.Expected }
	for _, c := range e.Cases { // the supplier's bills wait for receipts
		if err := w.user(string(c.Supplier), "clerk").Await(ctx, func(s node.DeskStatus) bool { return len(s.Receipts) == len(e.Cases) }); err != nil {
			return err
		}
	}
	for _, m := range e.Agreement.Members {
		u := w.user(string(m.Nation), "clerk")
		if err := u.Await(ctx, counted); err != nil {
			return err
		}
		if err := u.OfferBills(ctx); err != nil {
			return err
		}
	}
	for _, m := range e.Agreement.Members {
		if err := w.user(string(m.Nation), "clerk").Await(ctx, recorded); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) close() error {
	if w.net == nil {
		return nil
	}
	return errors.Join(w.net.Close(), os.RemoveAll(w.dir))
}

func (w *world) user(nation, person string) *node.User { return w.net.Users[nation][person] }

// key gives a private key out of a key file.
func (w *world) key(t *testing.T, file string, purpose wire.Purpose, name string) *wallet.Signer {
	t.Helper()
	s, err := w.ring[file].Signer(purpose, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) person(t *testing.T, nation, name string) *wallet.Signer {
	return w.key(t, "user-"+nation+"-"+name, wire.PurposeUser, name)
}

func (w *world) service(t *testing.T, nation string) *wallet.Signer {
	return w.key(t, "desk-"+nation, wire.PurposeService, nation)
}

func (w *world) nation(t *testing.T, nation string) *wallet.Signer {
	return w.key(t, "desk-"+nation, wire.PurposeNation, nation)
}

// ask sends a request as somebody, past every check of that somebody's own desk.
func (w *world) ask(t *testing.T, as *wallet.Signer, who, subject string, body []byte) ([]byte, error) {
	t.Helper()
	return node.Ask(t.Context(), w.net.Auditor.Bus(), w.net.Trust, as, now, who, subject, body)
}

// billOf finds the bill one nation owes another, of the exercise or of a case.
func (w *world) billOf(t *testing.T, debtor, creditor, kind string) node.DeskBill {
	t.Helper()
	for _, b := range w.net.Desks[debtor].Bills() {
		if b.Bill.Debtor == debtor && b.Bill.Creditor == creditor && b.Kind.String() == kind {
			return b
		}
	}
	t.Fatalf("%s owes %s no bill of kind %s", debtor, creditor, kind)
	return node.DeskBill{}
}

// books is what a test compares before and after something that must change nothing.
type books struct {
	Size     int64
	Balance  int64
	Free     int64
	Incoming int64
}

// books reads the account of a nation and the length of its ledger.
func (w *world) books(t *testing.T, nation string) books {
	t.Helper()
	member, _ := w.net.Trust.Member(nation)
	var b books
	err := w.net.Banks[member.Bank].Engine().View(t.Context(), func(m *swap.Machine) {
		a, _ := m.Ledger().Account(member.Account)
		b = books{m.Ledger().Size(), a.Balance(), a.Available(), a.CreditsPending}
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refuses wants a refusal of this code, with a sentence and something to do.
func refuses(t *testing.T, err error, code refusal.Code) {
	t.Helper()
	var r *refusal.Refusal
	if !errors.As(err, &r) || r.Code != code {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if len(r.What) < 10 || r.Do == "" {
		t.Errorf("%s says %q and advises %q", r.Code, r.What, r.Do)
	}
}

// outcome asks the payer's bank how far a payment is, until it is final.
func (w *world) outcome(t *testing.T, payer string, instruction wire.Hash) node.Outcome {
	t.Helper()
	member, _ := w.net.Trust.Member(payer)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		answer, err := w.ask(t, w.service(t, payer), member.Bank, node.SubjectOutcome, instruction[:])
		if err != nil {
			t.Fatal(err)
		}
		var o node.Outcome
		if err := json.Unmarshal(answer, &o); err != nil {
			t.Fatal(err)
		}
		if o.State == "settled" || o.State == "aborted" {
			return o
		}
		if time.Now().After(deadline) {
			t.Fatalf("the payment stays %s", o.State)
		}
	}
}
