package ledger

import (
	"fmt"
	"math"
	"slices"

	"entente/schema/wire"
)

// Apply folds one entry into the state. The entry must be the next one and one that the guards let pass; Apply fails on anything else, because a journal
// that does not fold is a journal that was changed. On failure the state is as before.
//
// NB: fields that no guard reads and no state keeps (the cause of a movement) are held by the log's leaves alone.
func (s *State) Apply(e Entry) error {
	if e.Seq != s.next {
		return fmt.Errorf("journal_broken at seq %d: entry %d came where %d is due", s.next, e.Seq, s.next)
	}
	if e.TimeMS < s.timeMS {
		return fmt.Errorf("journal_broken at seq %d: time runs backwards", e.Seq)
	}
	if err := e.checkFields(); err != nil {
		return fmt.Errorf("journal_broken at seq %d: %w", e.Seq, err)
	}
	if _, used := s.orders[e.Key]; used && e.Key != (wire.ID{}) {
		return fmt.Errorf("journal_broken at seq %d: order key %s is used twice", e.Seq, e.Key)
	}
	if err := s.checkValue(e.Value, e.TimeMS); err != nil {
		return fmt.Errorf("journal_broken at seq %d: %v", e.Seq, err) //nolint:errorlint // a refusal inside a broken journal is no answer to anybody
	}
	if err := s.fold(e); err != nil {
		return fmt.Errorf("journal_broken at seq %d: %s: %v", e.Seq, e.Kind, err) //nolint:errorlint // a refusal inside a broken journal is no answer to anybody
	}
	s.next++
	s.timeMS = e.TimeMS
	s.log(&e)
	if e.Key != (wire.ID{}) {
		s.orders[e.Key] = orderAnswer{e.Cause, e.Seq}
	}
	return nil
}

func (s *State) fold(e Entry) error {
	switch e.Kind {
	case wire.LeafOpen:
		return s.foldOpen(e)
	case wire.LeafStatus:
		if err := s.checkStatus(e.Credit, e.Status); err != nil {
			return err
		}
		s.accounts[e.Credit].Status = e.Status
		return nil
	case wire.LeafLimit:
		return s.foldLimit(e)
	case wire.LeafBill:
		return s.foldBill(e)
	case wire.LeafIssue, wire.LeafRedeem:
		return s.foldSupply(e)
	case wire.LeafTransfer:
		return s.foldTransfer(e)
	case wire.LeafHold:
		return s.foldHold(e)
	case wire.LeafPost:
		return s.foldPost(e)
	case wire.LeafVoid, wire.LeafExpire:
		return s.foldVoid(e)
	case wire.LeafRelease:
		return s.foldRelease(e)
	case wire.LeafCover:
		return s.foldCover(e)
	case wire.LeafReversal:
		return s.foldReversal(e)
	case wire.LeafReconcile:
		return s.foldReconcile(e)
	case wire.LeafOpenDay, wire.LeafCloseDay, wire.LeafHalt, wire.LeafResume:
		return s.foldHours(e)
	}
	return fmt.Errorf("no such kind of entry: %d", e.Kind)
}

func (s *State) foldOpen(e Entry) error {
	if err := s.checkOpen(e.Credit, e.Owner, e.As); err != nil {
		return err
	}
	s.accounts[e.Credit] = &account{Account{ID: e.Credit, Owner: e.Owner, Kind: e.As, Status: wire.StatusActive}, uint32(len(s.names))}
	s.names = append(s.names, e.Credit)
	if e.As == wire.AccountIssuance || e.As == wire.AccountSuspense {
		s.single[e.As] = e.Credit
	}
	return nil
}

func (s *State) foldBill(e Entry) error {
	if err := s.checkRevision(e.Reference, e.BillID, e.Revision); err != nil {
		return err
	}
	s.bills[e.Reference] = &Bill{Hash: e.Reference, Seq: e.Seq, Programme: e.Programme, ID: e.BillID, Revision: e.Revision,
		Creditor: e.Creditor, Debtor: e.Debtor, Chunks: e.Chunks, State: BillOutstanding}
	s.revision[e.BillID] = e.Revision
	return nil
}

func (s *State) foldTransfer(e Entry) error {
	first, done := s.payments[e.Reference]
	if done != (e.Part > 0) || (done && first.Seq+int64(e.Part) != e.Seq) {
		return fmt.Errorf("part %d of payment %s is out of its order", e.Part, e.Reference.Short())
	}
	if err := earliest(s.started(), s.checkPosting(e.Debit, e.Credit, e.Minor, e.TimeMS), s.checkOutstanding(e.Bills)); err != nil {
		return err
	}
	s.count(&e)
	s.accounts[e.Debit].use(s.today(e.TimeMS), e.Minor)
	s.mark(e.Bills, BillSettled, e.Reference)
	if !done {
		s.payments[e.Reference] = Paid{e.Seq, e.TimeMS, e.Debit}
	}
	return nil
}

func (s *State) foldHold(e Entry) error {
	before := HoldID{e.Reference, e.Part - 1}
	if s.holds[e.Hold()] != nil || s.transit[e.Hold()] != nil || (e.Part > 0 && s.holds[before] == nil) {
		return fmt.Errorf("hold %s/%d is out of its order", e.Reference.Short(), e.Part)
	}
	if err := earliest(s.started(), s.checkExpiry(e.ExpiresMS, e.TimeMS), s.checkPosting(e.Debit, e.Credit, e.Minor, e.TimeMS), s.checkOutstanding(e.Bills)); err != nil {
		return err
	}
	h := &Hold{ID: e.Hold(), Debit: e.Debit, Credit: e.Credit, Minor: e.Minor, Bills: e.Bills, Blinding: e.Blinding,
		ByOrder: e.Key != (wire.ID{}), ExpiresMS: e.ExpiresMS, Day: s.today(e.TimeMS)}
	s.count(&e)
	s.accounts[e.Debit].use(h.Day, e.Minor)
	s.holds[h.ID] = h
	s.awaitExpiry(h)
	s.mark(e.Bills, BillHeld, e.Reference)
	return nil
}

// foldPost pays out a hold. A committed swap posts to suspense first: then the entry's payee is not the hold's, and the hold's payee goes on waiting.
func (s *State) foldPost(e Entry) error {
	h, err := s.pending(e)
	if err != nil {
		return err
	}
	suspense := s.Suspense()
	switch {
	case e.Credit != h.Credit && (e.Credit != suspense || suspense == ""):
		return fmt.Errorf("hold %s/%d is for account %s, not for %s", e.Reference.Short(), e.Part, h.Credit, e.Credit)
	case !slices.Equal(e.Bills, h.Bills):
		return fmt.Errorf("hold %s/%d is for other bills", e.Reference.Short(), e.Part)
	case e.Credit != h.Credit && s.accounts[suspense].Status == wire.StatusClosed:
		return fmt.Errorf("the suspense account is closed")
	case e.Credit != h.Credit && overflows(s.accounts[suspense].CreditsPosted, e.Minor):
		return fmt.Errorf("the counter of suspense overflows")
	}
	s.settled(h)
	if e.Credit != h.Credit {
		s.transit[h.ID] = h
	}
	s.count(&e)
	s.mark(h.Bills, BillSettled, e.Reference)
	return nil
}

func (s *State) foldVoid(e Entry) error {
	h, err := s.pending(e)
	if err != nil {
		return err
	}
	if e.Credit != h.Credit {
		return fmt.Errorf("hold %s/%d is for account %s, not for %s", e.Reference.Short(), e.Part, h.Credit, e.Credit)
	}
	if e.Kind == wire.LeafExpire && (h.ExpiresMS == 0 || e.TimeMS < h.ExpiresMS) {
		return fmt.Errorf("hold %s/%d expires before its time", e.Reference.Short(), e.Part)
	}
	s.settled(h)
	s.count(&e)
	s.accounts[h.Debit].giveBack(h)
	s.mark(h.Bills, BillOutstanding, wire.Hash{})
	return nil
}

func (s *State) foldRelease(e Entry) error {
	h := s.transit[e.Hold()]
	if h == nil || h.Minor != e.Minor || h.Credit != e.Credit || e.Debit != s.Suspense() {
		return fmt.Errorf("%s/%d, which is not in suspense in this form", e.Reference.Short(), e.Part)
	}
	delete(s.transit, h.ID)
	s.count(&e)
	return nil
}

// pending finds the hold that a post or void settles; it settles once, and in the form in which it was made: an order's by an order, a swap's by the swap.
func (s *State) pending(e Entry) (*Hold, error) {
	h := s.holds[e.Hold()]
	if h != nil && e.Kind != wire.LeafExpire && h.ByOrder != (e.Key != (wire.ID{})) {
		return nil, fmt.Errorf("hold %s/%d is settled by whom it does not belong to", e.Reference.Short(), e.Part)
	}
	if h == nil || h.Minor != e.Minor || h.Debit != e.Debit || h.Blinding != e.Blinding {
		return nil, fmt.Errorf("hold %s/%d is not pending in this form", e.Reference.Short(), e.Part)
	}
	return h, nil
}

// count counts an entry that the guards let pass.
func (s *State) count(e *Entry) {
	for _, a := range [2]*account{s.accounts[e.Debit], s.accounts[e.Credit]} {
		a.Count(e, a.ID, a.Kind)
	}
}

// settled takes a hold off those that are pending.
func (s *State) settled(h *Hold) {
	delete(s.holds, h.ID)
	s.awaitNoExpiry(h)
}

// mark moves bills that the guards let pass to another state.
func (s *State) mark(bills []wire.Hash, to BillState, by wire.Hash) {
	for _, hash := range bills {
		b := s.bills[hash]
		b.State, b.Reference = to, by
	}
}

// spendable tells whether the account may be debited: only issuance goes below zero.
func spendable(a *account, minor int64) bool {
	return a.Kind == wire.AccountIssuance || a.Available() >= minor
}

func overflows(a, b int64) bool { return b > 0 && a > math.MaxInt64-b }
