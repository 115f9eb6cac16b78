package ledger

import (
	"sort"

	"entente/schema/wire"
)

// State is a ledger at one moment: the fold of its entries. It is owned by one writer and not safe for concurrent use.
//
// What an account awaits (CreditsPending) is the sum of the holds towards it and of what is in transit through suspense to it; what suspense holds is the sum
// of everything in transit, less what the bank itself owes it (Shortfall).
type State struct {
	Bank     string
	Currency string

	next     int64 // sequence number of the next entry
	timeMS   int64
	accounts map[string]*account
	holds    map[HoldID]*Hold
	transit  map[HoldID]*Hold // posted to suspense and not yet released to their payees
	single   map[wire.AccountKind]string
	bills    map[wire.Hash]*Bill
	revision map[wire.ID]uint32 // highest revision of each bill id
	orders   map[wire.ID]orderAnswer
	payments map[wire.Hash]Paid // payments inside this ledger, by instruction hash
	expiring []*Hold            // pending holds with an expiry, the earliest first
	names    []string           // of accounts, by their number
	moved    []moved            // what each entry moved inside this ledger, by seq
	reversed map[int64]int64    // entry undone to the entry that undid it
	reserves map[string]int64   // reference of a reserves' movement to the entry that rests on it
	day      BusinessDay
	halted   bool
	last     Reconciliation
	short    int64 // paid out of suspense by Cover and not given back
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
		accounts: map[string]*account{}, holds: map[HoldID]*Hold{}, transit: map[HoldID]*Hold{}, bills: map[wire.Hash]*Bill{},
		single:   map[wire.AccountKind]string{},
		revision: map[wire.ID]uint32{}, orders: map[wire.ID]orderAnswer{}, payments: map[wire.Hash]Paid{},
		names: []string{""}, reversed: map[int64]int64{}, reserves: map[string]int64{},
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
	return a.Account, true
}

// Accounts lists copies of all accounts, ordered by id.
func (s *State) Accounts() []Account {
	all := make([]Account, 0, len(s.accounts))
	for _, a := range s.accounts {
		all = append(all, a.Account)
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
func (s *State) HoldsOf(reference wire.Hash) []Hold { return partsOf(s.holds, reference) }

// InTransit lists copies of what was posted to suspense for one reference and awaits its release, by part.
func (s *State) InTransit(reference wire.Hash) []Hold { return partsOf(s.transit, reference) }

func partsOf(holds map[HoldID]*Hold, reference wire.Hash) []Hold {
	var all []Hold
	for part := uint32(0); ; part++ {
		h, ok := holds[HoldID{reference, part}]
		if !ok {
			return all
		}
		all = append(all, *h)
	}
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
