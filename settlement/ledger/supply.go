package ledger

import (
	"entente/schema/wire"
)

// Reconciliation is the last time the reserves were found equal to the supply.
type Reconciliation struct {
	Seq     int64
	TimeMS  int64
	Minor   int64  // both of them, minor units
	Reserve string // reference of the RTGS statement
}

// LastReconciliation gives the last time the reserves were found equal to the supply, if ever.
func (s *State) LastReconciliation() (Reconciliation, bool) { return s.last, s.last.Reserve != "" }

// ReserveMovement gives the entry that rests on a movement of reserves.
func (s *State) ReserveMovement(reference string) (seq int64, ok bool) {
	seq, ok = s.reserves[reference]
	return seq, ok
}

func (s *State) supply(e Entry, o wire.Order) ([]Entry, error) {
	issuance := s.single[wire.AccountIssuance]
	e.Kind, e.Debit, e.Credit, e.Minor = wire.LeafIssue, issuance, o.Account, o.Minor
	if o.Kind == wire.OrderRedeem {
		e.Kind, e.Debit, e.Credit = wire.LeafRedeem, o.Account, issuance
	}
	e.Reserve, e.Value = o.Reserve, s.valueOf(o.Value, e.TimeMS)
	if err := earliest(named(o.Reserve), s.checkValue(e.Value, e.TimeMS), s.checkReserve(e.Reserve), s.started(), s.checkSupply(e.Kind, e.Debit, e.Credit, e.Minor)); err != nil {
		return nil, err
	}
	return []Entry{e}, nil
}

// named guards that an order says what in the RTGS it rests on. Entries from before this was asked have no reference, so that folding does not ask.
func named(reserve string) error {
	switch {
	case reserve == "":
		return refuse(CodeReserveMissing, "name the movement or statement at the RTGS", "an order about the supply names no reserves")
	case len(reserve) > mostReserve || !wire.ValidName(reserve):
		return refuse(CodeMalformed, "use the RTGS's reference of at most 35 characters", "%.80q is no reference", reserve)
	}
	return nil
}

// checkReserve guards that a movement of reserves backs one entry only.
func (s *State) checkReserve(reserve string) error {
	if seq, used := s.reserves[reserve]; used {
		return refuse(CodeReserveRepeated, "name the movement that this order rests on", "entry %d rests on the reserves' movement %q already", seq, reserve)
	}
	return nil
}

// checkSupply guards issue and redeem: from or to issuance, and never from or to suspense, whose money is committed to others; but an issue gives back to
// suspense what the bank owes it.
func (s *State) checkSupply(kind wire.LeafKind, debit, credit string, minor int64) error {
	from := debit
	if kind == wire.LeafRedeem {
		from = credit
	}
	barred := []wire.AccountKind{wire.AccountSuspense}
	if kind == wire.LeafIssue && credit == s.Suspense() && minor <= s.short {
		barred = nil
	}
	if err := s.checkMove(debit, credit, minor, barred...); err != nil {
		return err
	}
	if from != s.single[wire.AccountIssuance] {
		return refuse(CodeAccountForeign, "use the issuance account", "account %s issues no tokens", from)
	}
	return nil
}

func (s *State) foldSupply(e Entry) error {
	if err := earliest(s.checkReserve(e.Reserve), s.started(), s.checkSupply(e.Kind, e.Debit, e.Credit, e.Minor)); err != nil {
		return err
	}
	s.count(&e)
	if e.Kind == wire.LeafIssue && e.Credit == s.Suspense() {
		s.short -= e.Minor
	}
	if e.Reserve != "" {
		s.reserves[e.Reserve] = e.Seq
	}
	return nil
}

// reconcile compares the reserves, as an operator signs for them, with the supply.
func (s *State) reconcile(e Entry, o wire.Order) ([]Entry, error) {
	if err := earliest(named(o.Reserve), s.checkReconcile(o.Minor)); err != nil {
		return nil, err
	}
	e.Kind, e.Minor, e.Reserve = wire.LeafReconcile, o.Minor, o.Reserve
	return []Entry{e}, nil
}

func (s *State) checkReconcile(reserves int64) error {
	supply := s.Supply()
	switch {
	case reserves < 0:
		return refuse(CodeAmountInvalid, "state what the reserves are", "reserves of %d minor units", reserves)
	case reserves != supply:
		return refuse(CodeReserveMismatch, "find the movement that one of the two lacks before anything else is issued or redeemed",
			"the reserves are %d minor units of %s, the supply is %d: %d apart", reserves, s.Currency, supply, max(reserves-supply, supply-reserves))
	}
	return nil
}

func (s *State) foldReconcile(e Entry) error {
	if err := s.checkReconcile(e.Minor); err != nil {
		return err
	}
	s.last = Reconciliation{e.Seq, e.TimeMS, e.Minor, e.Reserve}
	return nil
}
