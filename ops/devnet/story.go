package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"entente/ops/node"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/settlement/programme"
	"entente/wallet"
	"entente/zk/audit"
)

// Watch is told how the story goes: the phase, and how much of it is done. Total is 0 where it is not known.
type Watch func(phase string, done, total int)

// Story is one exercise played to its end.
type Story struct {
	Net         *Net
	Lines       []programme.Line
	Divergences []programme.Divergence
	Deliveries  []Delivery
	Open        []Outstanding   // contract lines not accepted in full
	Bills       []node.DeskBill // each once, as its creditor knows it
	Payments    []payment.Payment
	Before      map[string]node.Account // desks' accounts by nation, before the payments
	After       map[string]node.Account
	Summaries   []node.Summary // ledgers, in the trust file's order
	Report      audit.Report
	BundlePath  string
	Phases      []Phase
}

// Delivery is an accepted delivery of a case.
type Delivery struct {
	Case string
	programme.Delivery
}

// Outstanding is a contract line of a case with what is still to come.
type Outstanding struct {
	Case string
	programme.Outstanding
}

// Agreement gives the exercise's agreement.
func (s *Story) Agreement() programme.Agreement { return s.Net.options.Exercise.Agreement }

// Cases gives the equipment cases.
func (s *Story) Cases() []programme.Case { return s.Net.options.Exercise.Cases }

// Records counts the records of all nations' own counts.
func (s *Story) Records() int {
	n := 0
	for _, c := range s.Net.options.Exercise.Counts {
		n += len(c.Records)
	}
	return n
}

// Phase is how long a part of the story took.
type Phase struct {
	Name string
	Took time.Duration
}

// Play plays the exercise of the network: counts, matching, bills, proofs, payments, audit. A step that fails ends it; what was settled stays settled.
func (n *Net) Play(ctx context.Context, watch Watch) (*Story, error) {
	s := &Story{Net: n, Before: map[string]node.Account{}, After: map[string]node.Account{}}
	for _, phase := range []struct {
		name string
		run  func(context.Context, Watch) error
	}{
		{"records", s.count}, {"bills", s.bill}, {"proofs", s.prove}, {"admission", s.record}, {"payments", s.pay}, {"audit", s.audit},
	} {
		watch(phase.name, 0, 0)
		began := time.Now()
		if err := phase.run(ctx, watch); err != nil {
			return s, fmt.Errorf("%s: %w", phase.name, err)
		}
		s.Phases = append(s.Phases, Phase{phase.name, time.Since(began)})
	}
	return s, nil
}

// eachDesk runs a step at every desk at once.
func (s *Story) eachDesk(ctx context.Context, step func(context.Context, *node.Desk) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, d := range s.Net.Desks {
		g.Go(func() error {
			if err := step(ctx, d); err != nil {
				return fmt.Errorf("desk of %s: %w", d.Nation(), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// count has every nation post its own count and receipts, waits until all desks hold what they need, and compares.
func (s *Story) count(ctx context.Context, _ Watch) error {
	e := s.Net.options.Exercise
	cases := map[string][]string{}
	for _, c := range e.Cases {
		for _, nation := range []programme.Nation{c.Supplier, c.Receiver} {
			cases[string(nation)] = append(cases[string(nation)], c.ID)
		}
	}
	err := s.eachDesk(ctx, func(ctx context.Context, d *node.Desk) error {
		for _, count := range e.Counts {
			if string(count.Nation) == d.Nation() {
				if err := d.PostCount(ctx, count); err != nil {
					return err
				}
			}
		}
		for _, c := range e.Cases {
			if string(c.Receiver) == d.Nation() {
				if err := d.PostReceipts(ctx, c); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.eachDesk(ctx, func(ctx context.Context, d *node.Desk) error { return d.Counted(ctx, cases[d.Nation()]) })
	if err != nil {
		return err
	}
	return s.compare()
}

// compare takes every line and divergence from its supplier's desk, so that each is there once.
func (s *Story) compare() error {
	e := s.Net.options.Exercise
	for _, m := range e.Agreement.Members {
		d := s.Net.Desks[string(m.Nation)]
		lines, divergences, err := d.Matched()
		if err != nil {
			return err
		}
		for _, l := range lines {
			if l.Supplier == m.Nation {
				s.Lines = append(s.Lines, l)
			}
		}
		for _, v := range divergences {
			if v.Supplier == m.Nation {
				s.Divergences = append(s.Divergences, v)
			}
		}
	}
	for _, c := range e.Cases {
		deliveries, open, err := e.Agreement.Deliveries(c)
		if err != nil {
			return err
		}
		for _, v := range deliveries {
			s.Deliveries = append(s.Deliveries, Delivery{c.ID, v})
		}
		for _, o := range open {
			if !o.Outstanding.IsZero() {
				s.Open = append(s.Open, Outstanding{c.ID, o})
			}
		}
	}
	return nil
}

// bill has every creditor commit to its bills, and waits until every debtor has countersigned.
func (s *Story) bill(ctx context.Context, _ Watch) error {
	err := s.eachDesk(ctx, func(ctx context.Context, d *node.Desk) error { return d.OfferBills(ctx) })
	if err != nil {
		return err
	}
	return s.eachDesk(ctx, func(ctx context.Context, d *node.Desk) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		err := d.WaitBills(ctx, node.BillCountersigned)
		if refused := d.Refused(); len(refused) > 0 {
			return fmt.Errorf("%s of %s: %w", refused[0].Kind, refused[0].From, refused[0].Err)
		}
		return err
	})
}

func (s *Story) prove(ctx context.Context, watch Watch) error {
	var mu sync.Mutex
	done, total := 0, 0
	for _, d := range s.Net.Desks {
		total += d.Chunks()
	}
	step := func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		watch("proofs", done, total)
	}
	return s.eachDesk(ctx, func(ctx context.Context, d *node.Desk) error { return d.ProveBills(ctx, step) })
}

func (s *Story) record(ctx context.Context, _ Watch) error {
	err := s.eachDesk(ctx, func(ctx context.Context, d *node.Desk) error { return d.RecordBills(ctx) })
	if err != nil {
		return err
	}
	return s.eachDesk(ctx, func(ctx context.Context, d *node.Desk) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return d.WaitBills(ctx, node.BillRecorded)
	})
}

// pay has the clerk of every debtor make a payment for each bill, the controller approve it, and the desk settle it.
func (s *Story) pay(ctx context.Context, watch Watch) error {
	if err := s.positions(ctx, s.Before); err != nil {
		return err
	}
	var mu sync.Mutex
	done, total := 0, 0
	for _, d := range s.Net.Desks {
		for _, b := range d.Bills() {
			if b.Bill.Debtor == d.Nation() {
				total++
			}
		}
	}
	err := s.eachDesk(ctx, func(ctx context.Context, d *node.Desk) error {
		users := s.Net.Users[d.Nation()]
		var failed []error
		for _, b := range d.Bills() {
			if b.Bill.Debtor != d.Nation() {
				continue
			}
			failed = append(failed, payBill(ctx, d, b.Hash, users[clerk], users[controller]))
			mu.Lock()
			done++
			watch("payments", done, total)
			mu.Unlock()
		}
		return errors.Join(failed...)
	})
	for _, m := range s.Net.Trust.Members {
		d := s.Net.Desks[m.Nation]
		s.Payments = append(s.Payments, d.Payments()...)
		for _, b := range d.Bills() {
			if b.Bill.Creditor == m.Nation {
				s.Bills = append(s.Bills, b)
			}
		}
	}
	if err != nil {
		return err
	}
	return s.positions(ctx, s.After)
}

// payBill is one bill's way from its maker over its approver to settlement.
func payBill(ctx context.Context, d *node.Desk, bill wire.Hash, maker, approver *wallet.Signer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	instruction, err := d.MakePayment(ctx, maker, bill)
	if err != nil {
		return fmt.Errorf("make the payment of bill %s: %w", bill.Short(), err)
	}
	if err := d.Approve(ctx, approver, instruction); err != nil {
		return fmt.Errorf("approve the payment of bill %s: %w", bill.Short(), err)
	}
	if err := d.Settle(ctx, instruction); err != nil {
		return fmt.Errorf("settle the payment of bill %s: %w", bill.Short(), err)
	}
	return nil
}

// positions asks every desk's bank what its account holds, once nothing is pending on it any more.
func (s *Story) positions(ctx context.Context, into map[string]node.Account) error {
	for nation, d := range s.Net.Desks {
		a, err := d.Account(ctx)
		if err != nil {
			return err
		}
		into[nation] = a
	}
	return nil
}

// audit has the auditor fetch a bundle, writes it, and verifies the file as a stranger would.
func (s *Story) audit(ctx context.Context, watch Watch) error {
	for _, bank := range s.Net.Trust.Banks {
		summary, err := s.Net.Auditor.Summary(ctx, bank.ID)
		if err != nil {
			return err
		}
		s.Summaries = append(s.Summaries, summary)
	}
	bundle, err := s.Net.Auditor.Fetch(ctx)
	if err != nil {
		return err
	}
	file := bundle.File()
	s.BundlePath = filepath.Join(s.Net.options.Dir, "exercise.bundle")
	if err := os.WriteFile(s.BundlePath, file, 0o644); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	s.Report = s.Net.Auditor.Verify(file, func(step string, done, total int) { watch("audit", done, total) })
	return nil
}
