package ledger

import (
	"entente/schema/wire"
)

// Cover pays what a commit owes and nothing is held for, out of the bank's suspense account, which goes below zero by it: after a restore that lost the money
// or the hold, a commit posts all the same. Limits, freezes, halts and business days do not stop it. Bills that are not outstanding any more are left out.
//
// The error names the first posting whose payee no longer has an account that can be credited (account_unknown, account_closed, account_foreign, overflow), or
// that there is no suspense account; the entries cover the others.
func (s *State) Cover(m Movement, nowMS int64) ([]Entry, error) {
	var all []Entry
	var short error
	credited := map[string]int64{}
	var sum int64
	for i, p := range m.Postings {
		e := Entry{Seq: s.next + int64(len(all)), TimeMS: max(nowMS, s.timeMS), Kind: wire.LeafCover, Debit: s.Suspense(), Credit: p.Payee, Minor: p.Minor,
			Reference: m.Reference, Part: uint32(i), Cause: m.Cause}
		if err := s.checkCover(&e, sum, credited[p.Payee]); err != nil {
			if short == nil {
				short = err
			}
			continue
		}
		sum += p.Minor
		credited[p.Payee] += p.Minor
		e.Value = s.value(e.TimeMS)
		if i == 0 {
			e.Bills = s.outstanding(m.Bills)
			if len(e.Bills) == len(m.Bills) {
				e.Blinding = m.Blinding
			}
		}
		all = append(all, e)
	}
	return all, short
}

// outstanding keeps those of some bills that are still to be paid.
func (s *State) outstanding(bills []wire.Hash) []wire.Hash {
	var due []wire.Hash
	for _, hash := range bills {
		if b := s.bills[hash]; b != nil && b.State == BillOutstanding {
			due = append(due, hash)
		}
	}
	return due
}

// Shortfall is what the suspense account paid out for the bank itself and has not been given back, in minor units. An issue to suspense makes it good.
func (s *State) Shortfall() int64 { return s.short }

func (s *State) checkCover(e *Entry, before, credited int64) error {
	d, c := s.accounts[e.Debit], s.accounts[e.Credit]
	switch {
	case d == nil || d.Kind != wire.AccountSuspense:
		return refuse(CodeAccountUnknown, "have the operator open a suspense account", "the ledger of %s has no suspense account to cover %d from", s.Bank, e.Minor)
	case e.Minor <= 0:
		return refuse(CodeAmountInvalid, "use an amount above zero", "an amount of %d minor units", e.Minor)
	case c == nil:
		return unknown(e.Credit)
	case c.Kind == wire.AccountIssuance || c.Kind == wire.AccountSuspense:
		return refuse(CodeAccountForeign, "use an account of a desk or provider", "account %s is the bank's own", c.ID)
	case c.Status == wire.StatusClosed:
		return refuse(CodeAccountClosed, "use an open account", "account %s is closed", c.ID)
	case overflows(d.DebitsPosted+d.DebitsPending+before, e.Minor) || overflows(c.CreditsPosted+c.CreditsPending+credited, e.Minor) || overflows(s.short+before, e.Minor):
		return refuse(CodeOverflow, "split the amount", "the counters of %s and %s cannot take %d more", d.ID, c.ID, e.Minor)
	}
	return nil
}

func (s *State) foldCover(e Entry) error {
	if err := earliest(s.checkCover(&e, 0, 0), s.checkOutstanding(e.Bills)); err != nil {
		return err
	}
	s.count(&e)
	s.short += e.Minor
	s.mark(e.Bills, BillSettled, e.Reference)
	return nil
}
