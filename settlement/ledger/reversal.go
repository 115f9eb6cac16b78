package ledger

import (
	"slices"

	"entente/schema/wire"
)

// moved is what an entry moved inside this ledger, between accounts by their number; zero for an entry that cannot be undone. Sixteen bytes an entry are the
// price of undoing any of them without reading the journal.
type moved struct {
	debit, credit uint32
	minor         int64
}

// log keeps what a folded entry moved.
func (s *State) log(e *Entry) {
	var m moved
	switch e.Kind {
	case wire.LeafIssue, wire.LeafRedeem, wire.LeafTransfer:
		m = moved{s.accounts[e.Debit].number, s.accounts[e.Credit].number, e.Minor}
	case wire.LeafReversal:
		s.reversed[e.Reverses] = e.Seq
	}
	s.moved = append(s.moved, m)
}

// ReversedBy gives the entry that undid an entry.
func (s *State) ReversedBy(seq int64) (by int64, ok bool) {
	by, ok = s.reversed[seq]
	return by, ok
}

// reverse undoes an issue, a redemption or a transfer inside this ledger by a new entry that names it; nothing is edited. The bills that the transfer
// discharged are outstanding again.
func (s *State) reverse(e Entry, o wire.Order) ([]Entry, error) {
	e.Kind, e.Reverses, e.Value = wire.LeafReversal, o.Entry, s.valueOf(o.Value, e.TimeMS)
	err := s.mirror(&e)
	if err == nil {
		err = earliest(s.checkValue(e.Value, e.TimeMS), s.started(), s.checkMove(e.Debit, e.Credit, e.Minor, wire.AccountSuspense))
	}
	if err != nil {
		return nil, err
	}
	return []Entry{e}, nil
}

// mirror fills in what an entry's reversal must say.
func (s *State) mirror(e *Entry) error {
	if e.Reverses < 0 || e.Reverses >= s.next {
		return refuse(CodeEntryUnknown, "name an entry of this ledger by its sequence number", "there is no entry %d", e.Reverses)
	}
	if by, done := s.reversed[e.Reverses]; done {
		return refuse(CodeEntryReversed, "do nothing: an entry is undone once", "entry %d was undone by entry %d", e.Reverses, by)
	}
	m := s.moved[e.Reverses]
	if m == (moved{}) {
		return refuse(CodeEntryIrreversible, "undo an issue, a redemption or a transfer inside this ledger", "entry %d moved nothing that can be moved back", e.Reverses)
	}
	e.Debit, e.Credit, e.Minor = s.names[m.credit], s.names[m.debit], m.minor
	e.Reference, e.Bills = s.discharged(e.Reverses)
	return nil
}

// discharged gives the payment that a transfer is a part of, and the bills that its first part paid, ordered by hash. It looks through all payments: undoing
// one is rare and signed by two.
func (s *State) discharged(seq int64) (wire.Hash, []wire.Hash) {
	var reference wire.Hash
	first := int64(-1)
	m := s.moved[seq]
	if issuance := s.single[wire.AccountIssuance]; s.names[m.debit] == issuance || s.names[m.credit] == issuance {
		return reference, nil
	}
	for hash, p := range s.payments {
		if p.Seq <= seq && p.Seq > first {
			reference, first = hash, p.Seq
		}
	}
	if first != seq {
		return reference, nil
	}
	var bills []wire.Hash
	for hash, b := range s.bills {
		if b.State == BillSettled && b.Reference == reference {
			bills = append(bills, hash)
		}
	}
	slices.SortFunc(bills, func(a, b wire.Hash) int { return slices.Compare(a[:], b[:]) })
	return reference, bills
}

func (s *State) foldReversal(e Entry) error {
	due := e
	if err := s.mirror(&due); err != nil {
		return err
	}
	if due.Debit != e.Debit || due.Credit != e.Credit || due.Minor != e.Minor || due.Reference != e.Reference || !slices.Equal(due.Bills, e.Bills) {
		return refuse(CodeMalformed, "", "it does not undo entry %d as a whole", e.Reverses)
	}
	if err := earliest(s.started(), s.checkMove(e.Debit, e.Credit, e.Minor, wire.AccountSuspense)); err != nil {
		return err
	}
	s.count(&e)
	s.mark(e.Bills, BillOutstanding, wire.Hash{})
	return nil
}
