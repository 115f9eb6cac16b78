package ledger

import (
	"entente/schema/wire"
)

// Admit records a countersigned bill of this ledger's currency; no money moves. Signatures and proofs were verified before.
func (s *State) Admit(b wire.Bill, nowMS int64) ([]Entry, error) {
	hash := b.Hash()
	if b.Ledger != s.Bank || b.Currency != s.Currency {
		return nil, refuse(CodeBillForeign, "send the bill to the bank of its currency", "a bill in %s for the ledger of %s came to %s", b.Currency, b.Ledger, s.Bank)
	}
	if err := s.checkRevision(hash, b.ID, b.Revision); err != nil {
		return nil, err
	}
	return []Entry{{
		Seq: s.next, TimeMS: max(nowMS, s.timeMS), Kind: wire.LeafBill, Reference: hash, Programme: b.Programme,
		BillID: b.ID, Revision: b.Revision, Creditor: b.Creditor, Debtor: b.Debtor, Chunks: b.Chunks,
	}}, nil
}

// checkRevision guards the record of a bill: each once, a correction only as a later revision, and only while no revision is held or paid.
func (s *State) checkRevision(hash wire.Hash, id wire.ID, revision uint32) error {
	last, known := s.revision[id]
	switch {
	case s.bills[hash] != nil:
		return refuse(CodeBillRepeated, "do nothing: the first record stands", "bill %s is recorded already", hash.Short())
	case known && revision <= last:
		return refuse(CodeBillRepeated, "send the correction as the next revision", "bill %s has revision %d already", id, last)
	case known && s.revisionPaid(id):
		return refuse(CodeBillPaid, "bill the difference separately", "a revision of bill %s is held or paid", id)
	}
	return nil
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
	if err := s.checkMovement(m, nowMS); err != nil {
		return nil, err
	}
	return s.entries(m, wire.LeafTransfer, nowMS), nil
}

// Hold sets money aside for each posting.
func (s *State) Hold(m Movement, nowMS int64) ([]Entry, error) {
	if first := (HoldID{m.Reference, 0}); s.holds[first] != nil || s.transit[first] != nil {
		return nil, refuse(CodeHoldExists, "do nothing: the first hold stands", "money is held for %s already", m.Reference.Short())
	}
	if err := s.checkMovement(m, nowMS); err != nil {
		return nil, err
	}
	return s.entries(m, wire.LeafHold, nowMS), nil
}

// checkMovement gives the first refusal, by precedence, of all postings and bills together, so that a movement passes whole or not at all.
func (s *State) checkMovement(m Movement, nowMS int64) error {
	if m.Reference.IsZero() || len(m.Postings) == 0 {
		return refuse(CodeMalformed, "name what is moved and what for", "a movement of %d postings for %s", len(m.Postings), m.Reference.Short())
	}
	nowMS = max(nowMS, s.timeMS)
	errs := make([]error, 0, 2*len(m.Postings)+3)
	errs = append(errs, s.started())
	debited, credited := map[string]int64{}, map[string]int64{}
	for _, p := range m.Postings {
		errs = append(errs, s.checkPosting(p.Payer, p.Payee, p.Minor, nowMS))
		if p.Minor <= 0 {
			continue
		}
		if overflows(debited[p.Payer], p.Minor) || overflows(credited[p.Payee], p.Minor) {
			errs = append(errs, refuse(CodeOverflow, "split the amount", "the postings of %s exceed 2^63-1 minor units", m.Reference.Short()))
			continue
		}
		// What the postings before this one took is gone; what they brought is not there yet.
		debited[p.Payer] += p.Minor
		credited[p.Payee] += p.Minor
		if d, c := s.accounts[p.Payer], s.accounts[p.Payee]; d != nil && c != nil {
			errs = append(errs, s.checkRoom(d, c, debited[p.Payer], credited[p.Payee]), s.checkLimits(d, debited[p.Payer], nowMS))
		}
	}
	return earliest(append(errs, s.checkOutstanding(m.Bills), s.checkParties(m))...)
}

// checkPosting guards one posting of a payment: between accounts of desks and providers, within the payer's limits.
func (s *State) checkPosting(debit, credit string, minor, nowMS int64) error {
	err := s.checkMove(debit, credit, minor, wire.AccountIssuance, wire.AccountSuspense)
	if d := s.accounts[debit]; d != nil && minor > 0 {
		return earliest(err, s.checkLimits(d, minor, nowMS))
	}
	return err
}

// checkOutstanding guards the bills of a payment: recorded, each once, the latest revision, neither held nor paid.
func (s *State) checkOutstanding(bills []wire.Hash) error {
	errs := make([]error, 0, len(bills))
	seen := map[wire.Hash]bool{}
	for _, hash := range bills {
		b := s.bills[hash]
		switch {
		case b == nil:
			errs = append(errs, refuse(CodeBillUnknown, "have the bill countersigned and recorded first", "bill %s is not recorded on the ledger of %s", hash.Short(), s.Bank))
		case b.Revision < s.revision[b.ID]:
			errs = append(errs, refuse(CodeBillForeign, "pay the latest revision", "bill %s was replaced by revision %d", hash.Short(), s.revision[b.ID]))
		case b.State != BillOutstanding:
			errs = append(errs, refuse(CodeBillPaid, "do nothing: a bill is paid once", "bill %s is %s already", hash.Short(), b.State))
		case seen[hash]:
			errs = append(errs, refuse(CodeBillPaid, "name each bill once", "bill %s is named twice", hash.Short()))
		}
		seen[hash] = true
	}
	return earliest(errs...)
}

// checkParties guards that every bill is owed by whom it is paid by to whom it is paid to.
func (s *State) checkParties(m Movement) error {
	for _, hash := range m.Bills {
		if b := s.bills[hash]; b != nil && (b.Creditor != m.Creditor || b.Debtor != m.Debtor) {
			return refuse(CodeBillForeign, "pay the bill's creditor from its debtor", "bill %s is owed by %s to %s, not by %s to %s", hash.Short(), b.Debtor, b.Creditor, m.Debtor, m.Creditor)
		}
	}
	return nil
}

func (s *State) entries(m Movement, kind wire.LeafKind, nowMS int64) []Entry {
	all := make([]Entry, len(m.Postings))
	for i, p := range m.Postings {
		all[i] = Entry{Seq: s.next + int64(i), TimeMS: max(nowMS, s.timeMS), Kind: kind, Debit: p.Payer, Credit: p.Payee, Minor: p.Minor,
			Reference: m.Reference, Part: uint32(i), Cause: m.Cause}
		if kind == wire.LeafTransfer {
			all[i].Value = s.value(all[i].TimeMS)
		}
		if i == 0 {
			all[i].Bills, all[i].Blinding = m.Bills, m.Blinding
		}
	}
	return all
}

// Post pays out what is held for a reference; to suspense when via names that account, and then Release pays it on. To the payee it is never refused but for
// hold_unknown: a hold is inside the available balance and the counters' room, accounts with pending legs cannot close, and a freeze does not stop what was
// prepared. To suspense it is refused (overflow) when that account's counter is full, (account_closed) when it is closed, and (account_foreign) when via is another account.
func (s *State) Post(reference, cause wire.Hash, via string, nowMS int64) ([]Entry, error) {
	entries, err := s.settle(wire.LeafPost, reference, cause, nowMS)
	if err != nil || via == "" {
		return entries, err
	}
	suspense := s.accounts[via]
	if suspense == nil || suspense.Kind != wire.AccountSuspense {
		return nil, refuse(CodeAccountForeign, "post to the suspense account or to the payee", "account %.80q is not the suspense account", via)
	}
	if suspense.Status == wire.StatusClosed {
		return nil, refuse(CodeAccountClosed, "post to the payee, or void", "the suspense account %s is closed", via)
	}
	var sum int64
	for i := range entries {
		if overflows(suspense.CreditsPosted+sum, entries[i].Minor) {
			return nil, refuse(CodeOverflow, "split the amount", "the counter of %s cannot take %d more", via, entries[i].Minor)
		}
		sum += entries[i].Minor
		entries[i].Credit = via
	}
	return entries, nil
}

// Void gives back what is held for a reference. Refusal: hold_unknown.
func (s *State) Void(reference, cause wire.Hash, nowMS int64) ([]Entry, error) {
	return s.settle(wire.LeafVoid, reference, cause, nowMS)
}

func (s *State) settle(kind wire.LeafKind, reference, cause wire.Hash, nowMS int64) ([]Entry, error) {
	holds := s.HoldsOf(reference)
	if len(holds) == 0 {
		return nil, refuse(CodeHoldUnknown, "do nothing: a hold settles once", "nothing is held for %s", reference.Short())
	}
	all := make([]Entry, len(holds))
	for i, h := range holds {
		all[i] = Entry{Seq: s.next + int64(i), TimeMS: max(nowMS, s.timeMS), Kind: kind, Debit: h.Debit, Credit: h.Credit, Minor: h.Minor,
			Reference: reference, Part: h.ID.Part, Cause: cause, Blinding: h.Blinding}
		if kind == wire.LeafPost {
			all[i].Bills, all[i].Value = h.Bills, s.value(all[i].TimeMS)
		}
	}
	return all, nil
}

// Release moves what a committed swap posted to suspense to its payees, once. The postings must be those that were held. Refusals: hold_unknown, malformed.
// What is in suspense cannot be refused to its payee otherwise: suspense holds exactly what is in transit, and a payee cannot close while it waits.
func (s *State) Release(reference, cause wire.Hash, postings []wire.Posting, nowMS int64) ([]Entry, error) {
	waiting := s.InTransit(reference)
	if len(waiting) == 0 {
		return nil, refuse(CodeHoldUnknown, "do nothing: money leaves suspense once", "nothing is in suspense for %s", reference.Short())
	}
	if len(waiting) != len(postings) {
		return nil, refuse(CodeMalformed, "release what was held", "%d postings for %d that are in suspense for %s", len(postings), len(waiting), reference.Short())
	}
	all := make([]Entry, len(postings))
	for i, h := range waiting {
		if p := postings[i]; p != (wire.Posting{Payer: h.Debit, Payee: h.Credit, Minor: h.Minor}) {
			return nil, refuse(CodeMalformed, "release what was held", "posting %d for %s is not the one that was held", i, reference.Short())
		}
		all[i] = Entry{Seq: s.next + int64(i), TimeMS: max(nowMS, s.timeMS), Kind: wire.LeafRelease, Debit: s.Suspense(), Credit: h.Credit, Minor: h.Minor,
			Reference: reference, Part: h.ID.Part, Cause: cause}
		all[i].Value = s.value(all[i].TimeMS)
	}
	return all, nil
}
