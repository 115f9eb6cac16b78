package ledger

import (
	"fmt"
	"math"
	"sort"

	"entente/schema/wire"
)

// State is a ledger at one moment: the fold of its entries. It is owned by one writer and not safe for concurrent use.
type State struct {
	Bank     string
	Currency string

	next     int64 // sequence number of the next entry
	timeMS   int64
	accounts map[string]*Account
	holds    map[HoldID]*Hold
	bills    map[wire.Hash]*Bill
	revision map[wire.ID]uint32 // highest revision of each bill id
	orders   map[wire.ID]orderAnswer
	payments map[wire.Hash]Paid // payments inside this ledger, by instruction hash
}

// orderAnswer is the first answer to an idempotency key.
type orderAnswer struct {
	cause wire.Hash
	seq   int64
}

// Paid is a payment carried out inside this ledger.
type Paid struct {
	Seq    int64
	TimeMS int64
	Payer  string // account
}

// NewState gives an empty ledger of one currency.
func NewState(bank, currency string) *State {
	return &State{
		Bank: bank, Currency: currency,
		accounts: map[string]*Account{}, holds: map[HoldID]*Hold{}, bills: map[wire.Hash]*Bill{},
		revision: map[wire.ID]uint32{}, orders: map[wire.ID]orderAnswer{}, payments: map[wire.Hash]Paid{},
	}
}

// Size is the number of entries, which is also the sequence number of the next one.
func (s *State) Size() int64 { return s.next }

// TimeMS is the time of the latest entry.
func (s *State) TimeMS() int64 { return s.timeMS }

// Account gives a copy of an account.
func (s *State) Account(id string) (Account, bool) {
	a, ok := s.accounts[id]
	if !ok {
		return Account{}, false
	}
	return *a, true
}

// Accounts lists copies of all accounts, ordered by id.
func (s *State) Accounts() []Account {
	all := make([]Account, 0, len(s.accounts))
	for _, a := range s.accounts {
		all = append(all, *a)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	return all
}

// Bill gives a copy of a bill.
func (s *State) Bill(hash wire.Hash) (Bill, bool) {
	b, ok := s.bills[hash]
	if !ok {
		return Bill{}, false
	}
	return *b, true
}

// Bills lists copies of all bills, ordered by hash.
func (s *State) Bills() []Bill {
	all := make([]Bill, 0, len(s.bills))
	for _, b := range s.bills {
		all = append(all, *b)
	}
	sort.Slice(all, func(i, j int) bool { return string(all[i].Hash[:]) < string(all[j].Hash[:]) })
	return all
}

// HoldsOf lists copies of the pending holds of one reference, by part.
func (s *State) HoldsOf(reference wire.Hash) []Hold {
	var all []Hold
	for part := uint32(0); ; part++ {
		h, ok := s.holds[HoldID{reference, part}]
		if !ok {
			break
		}
		all = append(all, *h)
	}
	return all
}

// Supply is what the bank has issued and not redeemed, in minor units.
func (s *State) Supply() int64 {
	var supply int64
	for _, a := range s.accounts {
		if a.Kind == wire.AccountIssuance {
			supply -= a.Balance()
		}
	}
	return supply
}

// BalancesSum adds the balances of every account but issuance. It equals Supply, always.
func (s *State) BalancesSum() int64 {
	var sum int64
	for _, a := range s.accounts {
		if a.Kind != wire.AccountIssuance {
			sum += a.Balance()
		}
	}
	return sum
}

// OrderAnswer gives the entry that answered an idempotency key, and the hash of the order that used it.
func (s *State) OrderAnswer(key wire.ID) (cause wire.Hash, seq int64, ok bool) {
	a, ok := s.orders[key]
	return a.cause, a.seq, ok
}

// Payment gives the payment that carried out an instruction inside this ledger.
func (s *State) Payment(instruction wire.Hash) (Paid, bool) {
	p, ok := s.payments[instruction]
	return p, ok
}

// Apply folds one entry into the state. The entry must be the next one and one that the guards let pass; Apply fails on anything else, because a journal
// that does not fold is a journal that was changed.
func (s *State) Apply(e Entry) error {
	if e.Seq != s.next {
		return fmt.Errorf("journal_broken at seq %d: entry %d came where %d is due", s.next, e.Seq, s.next)
	}
	if e.TimeMS < s.timeMS {
		return fmt.Errorf("journal_broken at seq %d: time runs backwards", e.Seq)
	}
	if err := s.fold(e); err != nil {
		return fmt.Errorf("journal_broken at seq %d: %w", e.Seq, err)
	}
	s.next++
	s.timeMS = e.TimeMS
	if e.Key != (wire.ID{}) {
		s.orders[e.Key] = orderAnswer{e.Cause, e.Seq}
	}
	return nil
}

func (s *State) fold(e Entry) error {
	var debit, credit *Account
	if e.moves() {
		debit, credit = s.accounts[e.Debit], s.accounts[e.Credit]
		if debit == nil || credit == nil {
			return fmt.Errorf("%s moves money of an unknown account", e.Kind)
		}
	}
	switch e.Kind {
	case wire.LeafOpen:
		if s.accounts[e.Credit] != nil {
			return fmt.Errorf("account %s is opened twice", e.Credit)
		}
		s.accounts[e.Credit] = &Account{ID: e.Credit, Owner: e.Owner, Kind: e.As, Status: wire.StatusActive}
		return nil
	case wire.LeafStatus:
		a := s.accounts[e.Credit]
		if a == nil {
			return fmt.Errorf("status of an unknown account")
		}
		a.Status = e.Status
		return nil
	case wire.LeafBill:
		if s.bills[e.Reference] != nil {
			return fmt.Errorf("bill %s is recorded twice", e.Reference.Short())
		}
		s.bills[e.Reference] = &Bill{Hash: e.Reference, Programme: e.Programme, ID: e.BillID, Revision: e.Revision,
			Creditor: e.Creditor, Debtor: e.Debtor, Chunks: e.Chunks, State: BillOutstanding}
		if e.Revision >= s.revision[e.BillID] {
			s.revision[e.BillID] = e.Revision
		}
		return nil
	case wire.LeafIssue, wire.LeafRedeem, wire.LeafRelease:
		return s.move(debit, credit, e.Minor)
	case wire.LeafTransfer:
		if err := s.move(debit, credit, e.Minor); err != nil {
			return err
		}
		s.payments[e.Reference] = Paid{e.Seq, e.TimeMS, e.Debit}
		return s.mark(e.Bills, BillSettled, e.Reference)
	case wire.LeafHold:
		if s.holds[e.Hold()] != nil {
			return fmt.Errorf("hold %s/%d is made twice", e.Reference.Short(), e.Part)
		}
		if !spendable(debit, e.Minor) {
			return fmt.Errorf("a hold of %d exceeds what account %s has available", e.Minor, debit.ID)
		}
		debit.DebitsPending += e.Minor
		credit.CreditsPending += e.Minor
		s.holds[e.Hold()] = &Hold{ID: e.Hold(), Debit: e.Debit, Credit: e.Credit, Minor: e.Minor, Bills: e.Bills, Blinding: e.Blinding}
		return s.mark(e.Bills, BillHeld, e.Reference)
	case wire.LeafPost:
		if err := s.settleHold(e); err != nil {
			return err
		}
		// A committed swap may post to suspense first: then the entry's payee is not the hold's.
		if err := s.move(debit, credit, e.Minor); err != nil {
			return err
		}
		return s.mark(e.Bills, BillSettled, e.Reference)
	case wire.LeafVoid:
		h := s.holds[e.Hold()]
		if err := s.settleHold(e); err != nil {
			return err
		}
		return s.mark(h.Bills, BillOutstanding, wire.Hash{})
	}
	return fmt.Errorf("no such kind of entry: %d", e.Kind)
}

// settleHold takes a hold off both counters; a hold settles once.
func (s *State) settleHold(e Entry) error {
	h := s.holds[e.Hold()]
	if h == nil || h.Minor != e.Minor || h.Debit != e.Debit {
		return fmt.Errorf("%s of hold %s/%d, which is not pending in this form", e.Kind, e.Reference.Short(), e.Part)
	}
	s.accounts[h.Debit].DebitsPending -= h.Minor
	s.accounts[h.Credit].CreditsPending -= h.Minor
	delete(s.holds, e.Hold())
	return nil
}

func (s *State) move(debit, credit *Account, minor int64) error {
	if minor <= 0 || debit == credit {
		return fmt.Errorf("a movement of %d minor units from %s to %s", minor, debit.ID, credit.ID)
	}
	if !spendable(debit, minor) {
		return fmt.Errorf("a movement of %d exceeds what account %s has available", minor, debit.ID)
	}
	if overflows(debit.DebitsPosted, minor) || overflows(credit.CreditsPosted, minor) {
		return fmt.Errorf("a counter overflows")
	}
	debit.DebitsPosted += minor
	credit.CreditsPosted += minor
	return nil
}

func (s *State) mark(bills []wire.Hash, to BillState, by wire.Hash) error {
	for _, hash := range bills {
		b := s.bills[hash]
		if b == nil {
			return fmt.Errorf("bill %s is not recorded", hash.Short())
		}
		if b.State == BillSettled {
			return fmt.Errorf("bill %s is paid twice", hash.Short())
		}
		b.State, b.Reference = to, by
	}
	return nil
}

// spendable tells whether the account may be debited: only issuance goes below zero.
func spendable(a *Account, minor int64) bool {
	return a.Kind == wire.AccountIssuance || a.Available() >= minor
}

func overflows(a, b int64) bool { return b > 0 && a > math.MaxInt64-b }
