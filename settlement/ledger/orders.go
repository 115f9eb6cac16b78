package ledger

import (
	"entente/schema/wire"
)

// Order carries out an operator's verified order: open, status, issue, redeem. cause is the hash of the signed order.
// The same key with the same cause gives no entries and no error: the first answer stands (see OrderAnswer).
func (s *State) Order(o wire.Order, cause wire.Hash, nowMS int64) ([]Entry, error) {
	if first, ok := s.orders[o.Key]; ok {
		if first.cause != cause {
			return nil, refuse(CodeIdempotencyConflict, "use a new key for a new order", "order key %s was used for another order", o.Key)
		}
		return nil, nil
	}
	if o.Key == (wire.ID{}) {
		return nil, refuse(CodeMalformed, "give the order a random key", "an order without an idempotency key")
	}
	e := Entry{Seq: s.next, TimeMS: max(nowMS, s.timeMS), Key: o.Key, Cause: cause}
	switch o.Kind {
	case wire.OrderOpen:
		return s.open(e, o)
	case wire.OrderStatus:
		return s.status(e, o)
	case wire.OrderIssue, wire.OrderRedeem:
		return s.supply(e, o)
	}
	return nil, refuse(CodeMalformed, "use open, status, issue or redeem", "no such order: %d", o.Kind)
}

func (s *State) open(e Entry, o wire.Order) ([]Entry, error) {
	switch {
	case !validAccountID(o.Account):
		return nil, refuse(CodeMalformed, "use 3 to 64 of A-Z, 0-9, point and hyphen", "%q is no account id", o.Account)
	case o.As < wire.AccountIssuance || o.As > wire.AccountSuspense || o.Owner == "":
		return nil, refuse(CodeMalformed, "name the owner and the kind of account", "account %s has no owner or no kind", o.Account)
	case s.accounts[o.Account] != nil:
		return nil, refuse(CodeAccountExists, "use another account id", "account %s is open already", o.Account)
	case o.As == wire.AccountIssuance && s.kind(wire.AccountIssuance) != "":
		return nil, refuse(CodeAccountExists, "use the one there is", "the ledger has an issuance account, %s", s.kind(wire.AccountIssuance))
	}
	e.Kind, e.Credit, e.Owner, e.As = wire.LeafOpen, o.Account, o.Owner, o.As
	return []Entry{e}, nil
}

func (s *State) status(e Entry, o wire.Order) ([]Entry, error) {
	a := s.accounts[o.Account]
	switch {
	case o.Status < wire.StatusActive || o.Status > wire.StatusClosed:
		return nil, refuse(CodeMalformed, "use active, frozen or closed", "no such status: %d", o.Status)
	case a == nil:
		return nil, unknown(o.Account)
	case a.Status == wire.StatusClosed:
		return nil, refuse(CodeAccountClosed, "open another account", "account %s is closed for good", a.ID)
	case o.Status == wire.StatusClosed && (a.DebitsPending != 0 || a.CreditsPending != 0 || a.Balance() != 0):
		return nil, refuse(CodeAccountPending, "empty it and wait until nothing is pending", "account %s still holds or awaits money", a.ID)
	}
	e.Kind, e.Credit, e.Status = wire.LeafStatus, o.Account, o.Status
	return []Entry{e}, nil
}

func (s *State) supply(e Entry, o wire.Order) ([]Entry, error) {
	issuance := s.kind(wire.AccountIssuance)
	e.Kind, e.Debit, e.Credit, e.Minor = wire.LeafIssue, issuance, o.Account, o.Minor
	if o.Kind == wire.OrderRedeem {
		e.Kind, e.Debit, e.Credit = wire.LeafRedeem, o.Account, issuance
	}
	if err := s.checkMove(e.Debit, e.Credit, e.Minor); err != nil {
		return nil, err
	}
	return []Entry{e}, nil
}

// kind gives the id of the account of a kind that exists once, "" if there is none.
func (s *State) kind(kind wire.AccountKind) string {
	found := ""
	for id, a := range s.accounts {
		if a.Kind == kind && (found == "" || id < found) {
			found = id
		}
	}
	return found
}

// Suspense gives the id of the ledger's suspense account, "" if none is open.
func (s *State) Suspense() string { return s.kind(wire.AccountSuspense) }

// checkMove is the common row of guards before money moves between two accounts at once.
func (s *State) checkMove(debit, credit string, minor int64) error {
	d, c := s.accounts[debit], s.accounts[credit]
	switch {
	case minor <= 0:
		return refuse(CodeAmountInvalid, "use an amount above zero", "an amount of %d minor units", minor)
	case d == nil:
		return unknown(debit)
	case c == nil:
		return unknown(credit)
	case d == c:
		return refuse(CodeMalformed, "name two accounts", "account %s cannot pay itself", debit)
	}
	for _, a := range []*Account{d, c} {
		if err := usable(a); err != nil {
			return err
		}
	}
	if !spendable(d, minor) {
		return refuse(CodeInsufficientFunds, "fund the account, then send a new instruction", "account %s has %d minor units of %s available, %d were asked for", d.ID, d.Available(), s.Currency, minor)
	}
	if overflows(d.DebitsPosted+d.DebitsPending, minor) || overflows(c.CreditsPosted+c.CreditsPending, minor) {
		return refuse(CodeOverflow, "split the amount", "the counters of %s and %s cannot take %d more", d.ID, c.ID, minor)
	}
	return nil
}

func usable(a *Account) error {
	switch a.Status {
	case wire.StatusClosed:
		return refuse(CodeAccountClosed, "use an open account", "account %s is closed", a.ID)
	case wire.StatusFrozen:
		return refuse(CodeAccountFrozen, "ask the operator of the ledger", "account %s is frozen", a.ID)
	}
	return nil
}

func unknown(id string) error {
	return refuse(CodeAccountUnknown, "check the account's id", "there is no account %q on this ledger", id)
}

func validAccountID(id string) bool {
	if len(id) < 3 || len(id) > 64 {
		return false
	}
	for _, c := range id {
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-') {
			return false
		}
	}
	return true
}
