package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"entente/ops/node"
	"entente/settlement/payment"
	"entente/settlement/programme"
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
	Open        []Outstanding      // contract lines not accepted in full
	Bills       []node.BillSummary // each once, as its creditor knows it
	Payments    []payment.Payment
	Before      map[string]node.Account // desks' accounts by nation, before the payments
	After       map[string]node.Account
	Summaries   []node.Summary // ledgers, in the trust file's order
	Report      audit.Report
	BundlePath  string
	Phases      []Phase
	Crashes     []Crash
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
	ctx, told := n.whileUp(ctx)
	for _, phase := range []struct {
		name string
		run  func(context.Context, Watch) error
	}{
		{"records", s.count}, {"bills", s.bill}, {"proofs", s.prove}, {"payments", s.pay}, {"audit", s.audit},
	} {
		watch(phase.name, 0, 0)
		began := time.Now()
		if err := phase.run(ctx, watch); err != nil {
			return s, told(fmt.Errorf("%s: %w", phase.name, err))
		}
		s.Phases = append(s.Phases, Phase{phase.name, time.Since(began)})
	}
	s.Crashes = append(s.Crashes, n.Crashes()...)
	slices.SortStableFunc(s.Crashes, func(a, b Crash) int { return a.At.Compare(b.At) })
	return s, told(nil)
}

// eachDesk has every nation's clerk do something at its desk at once.
func (s *Story) eachDesk(ctx context.Context, step func(context.Context, *node.User) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range s.Net.Trust.Members {
		u := s.Net.Users[m.Nation][clerk]
		g.Go(func() error {
			if err := step(ctx, u); err != nil {
				return fmt.Errorf("desk of %s: %w", u.Nation(), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// patience is how long the story waits for one thing to happen before it gives up and says which.
const patience = 3 * time.Minute

// await waits for every desk.
func (s *Story) await(ctx context.Context, cond func(*node.User, node.DeskStatus) bool) error {
	return s.eachDesk(ctx, func(ctx context.Context, u *node.User) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return u.Await(ctx, func(status node.DeskStatus) bool { return cond(u, status) })
	})
}

// count has every nation post its own count and receipts, waits until all desks hold what they need, and compares.
func (s *Story) count(ctx context.Context, _ Watch) error {
	e := s.Net.options.Exercise
	cases := map[string]int{}
	for _, c := range e.Cases {
		cases[string(c.Supplier)]++
		cases[string(c.Receiver)]++
	}
	err := s.eachDesk(ctx, func(ctx context.Context, u *node.User) error {
		for _, count := range e.Counts {
			if string(count.Nation) == u.Nation() {
				if err := u.PostCount(ctx, count); err != nil {
					return err
				}
			}
		}
		for _, c := range e.Cases {
			if string(c.Receiver) == u.Nation() {
				if err := u.PostReceipts(ctx, c); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.await(ctx, func(u *node.User, status node.DeskStatus) bool {
		return len(status.Counts) == len(e.Agreement.Members) && len(status.Receipts) == cases[u.Nation()]
	})
	if err != nil {
		return err
	}
	return s.compare(ctx)
}

// compare takes every line and divergence from its supplier's desk, so that each is there once.
func (s *Story) compare(ctx context.Context) error {
	e := s.Net.options.Exercise
	for _, m := range e.Agreement.Members {
		found, err := s.Net.Users[string(m.Nation)][clerk].Matched(ctx)
		if err != nil {
			return err
		}
		for _, l := range found.Lines {
			if l.Supplier == m.Nation {
				s.Lines = append(s.Lines, l)
			}
		}
		for _, v := range found.Divergences {
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

// bill has every creditor commit to its bills, and waits until every debtor has countersigned. Proofs are made meanwhile.
func (s *Story) bill(ctx context.Context, _ Watch) error {
	err := s.eachDesk(ctx, func(ctx context.Context, u *node.User) error { return u.OfferBills(ctx) })
	if err != nil {
		return err
	}
	return s.await(ctx, func(_ *node.User, status node.DeskStatus) bool {
		return status.Bills[node.BillCountersigned]+status.Bills[node.BillRecorded] == status.Expected
	})
}

// prove waits until every desk has proven its bills and their banks have recorded them.
func (s *Story) prove(ctx context.Context, watch Watch) error {
	var mu sync.Mutex
	left, all := map[string]int{}, map[string]int{}
	return s.await(ctx, func(u *node.User, status node.DeskStatus) bool {
		mu.Lock()
		defer mu.Unlock()
		left[u.Nation()], all[u.Nation()] = status.ChunksLeft, status.Chunks
		if len(all) < len(s.Net.Trust.Members) {
			return status.Bills[node.BillRecorded] == status.Expected // the total is not known yet
		}
		total, done := 0, 0
		for nation, n := range all {
			total += n
			done += n - left[nation]
		}
		watch("proofs", done, total)
		return status.Bills[node.BillRecorded] == status.Expected
	})
}

// pay has the clerk of every debtor make a payment for each bill and the controller approve it; the desks settle them.
func (s *Story) pay(ctx context.Context, watch Watch) error {
	if err := s.positions(ctx, s.Before); err != nil {
		return err
	}
	due := map[string]int{}
	outage, powerLoss := s.powerLoss(ctx)
	err := s.eachDesk(ctx, func(ctx context.Context, u *node.User) error {
		status, err := u.Status(ctx)
		if err != nil {
			return err
		}
		for _, bill := range status.Outstanding {
			instruction, err := u.MakePayment(ctx, bill)
			if err != nil {
				return fmt.Errorf("make the payment of bill %s: %w", bill.Short(), err)
			}
			if err := s.Net.Users[u.Nation()][controller].Approve(ctx, instruction); err != nil {
				return fmt.Errorf("approve the payment of bill %s: %w", bill.Short(), err)
			}
			outage.Go(powerLoss)
		}
		return nil
	})
	if err := errors.Join(err, outage.Wait()); err != nil {
		return err
	}
	for _, m := range s.Net.Trust.Members {
		bills, err := s.Net.Users[m.Nation][clerk].Bills(ctx)
		if err != nil {
			return err
		}
		for _, b := range bills {
			if b.Creditor == m.Nation {
				s.Bills = append(s.Bills, b)
				due[b.Debtor]++
			}
		}
	}
	if err := s.settled(ctx, watch, due); err != nil {
		return err
	}
	for _, m := range s.Net.Trust.Members {
		payments, err := s.Net.Users[m.Nation][clerk].Payments(ctx)
		if err != nil {
			return err
		}
		s.Payments = append(s.Payments, payments...)
	}
	return s.positions(ctx, s.After)
}

// powerLoss gives what takes the power from the database once, if that is asked for: with the first approved payment, so that it comes while some payments
// settle and others are made. It is run by outage, beside the payments.
func (s *Story) powerLoss(ctx context.Context) (outage *errgroup.Group, once func() error) {
	return &errgroup.Group{}, sync.OnceValue(func() error {
		if !s.Net.options.PowerLoss {
			return nil
		}
		crash, err := s.Net.LosePower(ctx)
		s.Crashes = append(s.Crashes, crash)
		return err
	})
}

// settled waits until no payment is on its way any more. Which ones settled, the report says.
func (s *Story) settled(ctx context.Context, watch Watch, due map[string]int) error {
	var mu sync.Mutex
	total, done := len(s.Bills), map[string]int{}
	return s.await(ctx, func(u *node.User, status node.DeskStatus) bool {
		made := 0
		for _, n := range status.Payments {
			made += n
		}
		mu.Lock()
		defer mu.Unlock()
		done[u.Nation()] = status.Payments[payment.Settled]
		sum := 0
		for _, n := range done {
			sum += n
		}
		watch("payments", sum, total)
		return made == due[u.Nation()] && status.Settling == 0
	})
}

// positions asks what every desk's account holds.
func (s *Story) positions(ctx context.Context, into map[string]node.Account) error {
	for _, m := range s.Net.Trust.Members {
		a, err := s.Net.Users[m.Nation][clerk].Account(ctx)
		if err != nil {
			return err
		}
		into[m.Nation] = a
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
	s.Report = s.Net.Auditor.Verify(file, func(step string, done, total int) { watch("audit: "+step, done, total) })
	return nil
}
