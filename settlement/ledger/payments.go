package ledger

import (
	"entente/schema/wire"
)

// Admit records a countersigned bill of this ledger's currency; no money moves. Signatures and proofs were verified before.
func (s *State) Admit(b wire.Bill, nowMS int64) ([]Entry, error) {
	hash := b.Hash()
	last, known := s.revision[b.ID]
	switch {
	case b.Ledger != s.Bank || b.Currency != s.Currency:
		return nil, refuse(CodeBillForeign, "send the bill to the bank of its currency", "a bill in %s for the ledger of %s came to %s", b.Currency, b.Ledger, s.Bank)
	case s.bills[hash] != nil:
		return nil, refuse(CodeBillRepeated, "nothing: the first record stands", "bill %s is recorded already", hash.Short())
	case known && b.Revision <= last:
		return nil, refuse(CodeBillRepeated, "send the correction as the next revision", "bill %s has revision %d already", b.ID, last)
	case known && s.revisionPaid(b.ID):
		return nil, refuse(CodeBillPaid, "bill the difference separately", "a revision of bill %s is held or paid", b.ID)
	}
	return []Entry{{
		Seq: s.next, TimeMS: max(nowMS, s.timeMS), Kind: wire.LeafBill, Reference: hash, Programme: b.Programme,
		BillID: b.ID, Revision: b.Revision, Creditor: b.Creditor, Debtor: b.Debtor, Chunks: b.Chunks,
	}}, nil
}

func (s *State) revisionPaid(id wire.ID) bool {
	for _, b := range s.bills {
		if b.ID == id && b.State != BillOutstanding {
			return true
		}
	}
	return false
}

// Movement is what a payment asks of one ledger: amounts between accounts, and the bills they discharge.
type Movement struct {
	Reference wire.Hash // swap id, or instruction hash for a payment inside this ledger
	Cause     wire.Hash // hash of the document that authorises it
	Postings  []wire.Posting
	Bills     []wire.Hash // discharged by the first posting
	Blinding  [32]byte    // opens the bills' summed total commitments to the first posting's amount
	Creditor  string      // of the bills
	Debtor    string
}

// Transfer pays inside this ledger, final at once. The same reference again gives no entries and no error (see Payment).
func (s *State) Transfer(m Movement, nowMS int64) ([]Entry, error) {
	if _, done := s.payments[m.Reference]; done {
		return nil, nil
	}
	if err := s.checkBills(m); err != nil {
		return nil, err
	}
	if err := s.checkPostings(m.Postings); err != nil {
		return nil, err
	}
	return s.entries(m, wire.LeafTransfer, nowMS), nil
}

// Hold sets money aside for each posting.
func (s *State) Hold(m Movement, nowMS int64) ([]Entry, error) {
	if s.holds[HoldID{m.Reference, 0}] != nil {
		return nil, refuse(CodeHoldExists, "nothing: the first hold stands", "money is held for %s already", m.Reference.Short())
	}
	if err := s.checkBills(m); err != nil {
		return nil, err
	}
	if err := s.checkPostings(m.Postings); err != nil {
		return nil, err
	}
	return s.entries(m, wire.LeafHold, nowMS), nil
}

// checkPostings checks every posting against the balances that the ones before it leave, so that all together either pass or are refused.
func (s *State) checkPostings(postings []wire.Posting) error {
	spent := map[string]int64{}
	for _, p := range postings {
		if overflows(spent[p.Payer], p.Minor) {
			return refuse(CodeOverflow, "split the amount", "the postings from %s exceed 2^63-1 minor units", p.Payer)
		}
		if err := s.checkMove(p.Payer, p.Payee, p.Minor); err != nil {
			return err
		}
		spent[p.Payer] += p.Minor
		if err := s.checkMove(p.Payer, p.Payee, spent[p.Payer]); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) checkBills(m Movement) error {
	seen := map[wire.Hash]bool{}
	for _, hash := range m.Bills {
		b := s.bills[hash]
		switch {
		case b == nil:
			return refuse(CodeBillUnknown, "have the bill countersigned and recorded first", "bill %s is not recorded on the ledger of %s", hash.Short(), s.Bank)
		case seen[hash]:
			return refuse(CodeBillPaid, "name each bill once", "bill %s is named twice", hash.Short())
		case b.Creditor != m.Creditor || b.Debtor != m.Debtor:
			return refuse(CodeBillForeign, "pay the bill's creditor from its debtor", "bill %s is owed by %s to %s, not by %s to %s", hash.Short(), b.Debtor, b.Creditor, m.Debtor, m.Creditor)
		case b.State != BillOutstanding:
			return refuse(CodeBillPaid, "nothing: a bill is paid once", "bill %s is %s already", hash.Short(), b.State)
		}
		if b.Revision < s.revision[b.ID] {
			return refuse(CodeBillForeign, "pay the latest revision", "bill %s was replaced by revision %d", hash.Short(), s.revision[b.ID])
		}
		seen[hash] = true
	}
	return nil
}

func (s *State) entries(m Movement, kind wire.LeafKind, nowMS int64) []Entry {
	all := make([]Entry, len(m.Postings))
	for i, p := range m.Postings {
		all[i] = Entry{Seq: s.next + int64(i), TimeMS: max(nowMS, s.timeMS), Kind: kind, Debit: p.Payer, Credit: p.Payee, Minor: p.Minor,
			Reference: m.Reference, Part: uint32(i), Cause: m.Cause}
		if i == 0 {
			all[i].Bills, all[i].Blinding = m.Bills, m.Blinding
		}
	}
	return all
}

// Post pays out what is held for a reference; to suspense when via names that account. What was held is never refused: a hold is inside the available
// balance, accounts with pending legs cannot close, and a freeze does not stop what was prepared.
func (s *State) Post(reference, cause wire.Hash, via string, nowMS int64) ([]Entry, error) {
	return s.settle(wire.LeafPost, reference, cause, via, nowMS)
}

// Void gives back what is held for a reference.
func (s *State) Void(reference, cause wire.Hash, nowMS int64) ([]Entry, error) {
	return s.settle(wire.LeafVoid, reference, cause, "", nowMS)
}

func (s *State) settle(kind wire.LeafKind, reference, cause wire.Hash, via string, nowMS int64) ([]Entry, error) {
	holds := s.HoldsOf(reference)
	if len(holds) == 0 {
		return nil, refuse(CodeHoldUnknown, "nothing: a hold settles once", "nothing is held for %s", reference.Short())
	}
	all := make([]Entry, len(holds))
	for i, h := range holds {
		all[i] = Entry{Seq: s.next + int64(i), TimeMS: max(nowMS, s.timeMS), Kind: kind, Debit: h.Debit, Credit: h.Credit, Minor: h.Minor,
			Reference: reference, Part: h.ID.Part, Cause: cause, Blinding: h.Blinding}
		if via != "" {
			all[i].Credit = via
		}
		if kind == wire.LeafPost {
			all[i].Bills = h.Bills
		}
	}
	return all, nil
}

// Release moves postings of a committed swap from suspense to their payees. A closed payee cannot occur: it could not close while the leg was pending;
// once posted to suspense it may have, and then the money stays in suspense and the refusal says so.
func (s *State) Release(reference, cause wire.Hash, postings []wire.Posting, nowMS int64) ([]Entry, error) {
	suspense := s.accounts[s.Suspense()]
	if suspense == nil {
		return nil, unknown("suspense")
	}
	all := make([]Entry, len(postings))
	var sum int64
	for i, p := range postings {
		payee := s.accounts[p.Payee]
		sum += p.Minor
		switch {
		case payee == nil:
			return nil, unknown(p.Payee)
		case payee.Status == wire.StatusClosed:
			return nil, refuse(CodeAccountClosed, "the operator pays it out by hand", "account %s closed while its money was in suspense", p.Payee)
		case suspense.Available() < sum:
			return nil, refuse(CodeInsufficientFunds, "raise an alarm: suspense holds less than was committed", "suspense has %d minor units, %d are due", suspense.Available(), sum)
		}
		all[i] = Entry{Seq: s.next + int64(i), TimeMS: max(nowMS, s.timeMS), Kind: wire.LeafRelease, Debit: suspense.ID, Credit: p.Payee, Minor: p.Minor,
			Reference: reference, Part: uint32(i), Cause: cause}
	}
	return all, nil
}
