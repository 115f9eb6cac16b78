package ledger

import (
	"slices"

	"entente/schema/wire"
)

// Order carries out an operator's verified order. cause is the hash of the signed order.
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
	if o.Day != 0 && !o.Day.Valid() || o.Value != 0 && !o.Value.Valid() {
		return nil, refuse(CodeMalformed, "name a day of the calendar", "an order for the day %d or the value date %d", o.Day, o.Value)
	}
	switch o.Kind {
	case wire.OrderOpen:
		return s.open(e, o)
	case wire.OrderStatus:
		return s.status(e, o)
	case wire.OrderLimit:
		return s.limit(e, o)
	case wire.OrderIssue, wire.OrderRedeem:
		return s.supply(e, o)
	case wire.OrderHold:
		return s.holdByOrder(e, o)
	case wire.OrderPost, wire.OrderVoid:
		return s.settleByOrder(e, o)
	case wire.OrderReverse:
		return s.reverse(e, o)
	case wire.OrderReconcile:
		return s.reconcile(e, o)
	case wire.OrderOpenDay, wire.OrderCloseDay, wire.OrderHalt, wire.OrderResume:
		return s.hours(e, o)
	}
	return nil, refuse(CodeMalformed, "use a kind of order that this bank knows", "no such order: %d", o.Kind)
}

func (s *State) open(e Entry, o wire.Order) ([]Entry, error) {
	if err := s.checkOpen(o.Account, o.Owner, o.As); err != nil {
		return nil, err
	}
	e.Kind, e.Credit, e.Owner, e.As = wire.LeafOpen, o.Account, o.Owner, o.As
	return []Entry{e}, nil
}

func (s *State) checkOpen(id, owner string, as wire.AccountKind) error {
	switch {
	case !validAccountID(id):
		return refuse(CodeMalformed, "use 3 to 64 of A-Z, 0-9, point and hyphen", "%.80q is no account id", id)
	case as < wire.AccountIssuance || as > wire.AccountSuspense || !wire.ValidName(owner):
		return refuse(CodeMalformed, "name the owner and the kind of account", "account %s has no owner or no kind", id)
	case s.accounts[id] != nil:
		return refuse(CodeAccountExists, "use another account id", "account %s is open already", id)
	case s.single[as] != "":
		return refuse(CodeAccountExists, "use the one there is", "the ledger has one account of this kind, %s", s.single[as])
	}
	return nil
}

func (s *State) status(e Entry, o wire.Order) ([]Entry, error) {
	if err := s.checkStatus(o.Account, o.Status); err != nil {
		return nil, err
	}
	e.Kind, e.Credit, e.Status = wire.LeafStatus, o.Account, o.Status
	return []Entry{e}, nil
}

func (s *State) checkStatus(id string, status wire.AccountStatus) error {
	a := s.accounts[id]
	switch {
	case status < wire.StatusActive || status > wire.StatusClosed:
		return refuse(CodeMalformed, "use active, frozen or closed", "no such status: %d", status)
	case a == nil:
		return unknown(id)
	case a.Status == wire.StatusClosed:
		return refuse(CodeAccountClosed, "open another account", "account %s is closed for good", a.ID)
	case status == wire.StatusClosed && (a.DebitsPending != 0 || a.CreditsPending != 0 || a.Balance() != 0):
		return refuse(CodeAccountPending, "empty it and wait until nothing is pending", "account %s still holds or awaits money", a.ID)
	case status == wire.StatusClosed && a.Kind == wire.AccountSuspense && len(s.holds) > 0:
		return refuse(CodeAccountPending, "wait until nothing is held", "%d holds may still be posted to suspense account %s", len(s.holds), a.ID)
	}
	return nil
}

// Suspense gives the id of the ledger's suspense account, "" if none is open.
func (s *State) Suspense() string { return s.single[wire.AccountSuspense] }

// SuspenseReady refuses when new swaps cannot begin because there is no suspense account to commit them to. Refusals: account_unknown, account_closed,
// account_frozen.
func (s *State) SuspenseReady() error {
	a := s.accounts[s.Suspense()]
	if a == nil {
		return refuse(CodeAccountUnknown, "have the operator open a suspense account", "the ledger of %s has no suspense account", s.Bank)
	}
	return usable(a)
}

// checkMove is the common row of guards before money moves between two accounts at once. Accounts of the kinds listed take no part.
func (s *State) checkMove(debit, credit string, minor int64, barred ...wire.AccountKind) error {
	switch {
	case debit == credit:
		return refuse(CodeMalformed, "name two accounts", "account %q cannot pay itself", debit)
	case minor <= 0:
		return refuse(CodeAmountInvalid, "use an amount above zero", "an amount of %d minor units", minor)
	}
	d, c := s.accounts[debit], s.accounts[credit]
	switch {
	case d == nil:
		return unknown(debit)
	case c == nil:
		return unknown(credit)
	}
	for _, a := range []*account{d, c} {
		if slices.Contains(barred, a.Kind) {
			return refuse(CodeAccountForeign, "use an account of a desk or provider", "account %s is the bank's own", a.ID)
		}
	}
	if err := earliest(usable(d), usable(c)); err != nil {
		return err
	}
	return s.checkRoom(d, c, minor, minor)
}

// checkRoom guards funds and counters: debited more from d, credited more to c.
func (s *State) checkRoom(d, c *account, debited, credited int64) error {
	if !spendable(d, debited) {
		return refuse(CodeInsufficientFunds, "fund the account, then send a new instruction", "account %s has %d minor units of %s available, %d were asked for", d.ID, d.Available(), s.Currency, debited)
	}
	if overflows(d.DebitsPosted+d.DebitsPending, debited) || overflows(c.CreditsPosted+c.CreditsPending, credited) {
		return refuse(CodeOverflow, "split the amount", "the counters of %s and %s cannot take %d and %d more", d.ID, c.ID, debited, credited)
	}
	return nil
}

func usable(a *account) error {
	switch a.Status {
	case wire.StatusClosed:
		return refuse(CodeAccountClosed, "use an open account", "account %s is closed", a.ID)
	case wire.StatusFrozen:
		return refuse(CodeAccountFrozen, "ask the operator of the ledger", "account %s is frozen", a.ID)
	}
	return nil
}

func unknown(id string) error {
	return refuse(CodeAccountUnknown, "check the account's id", "there is no account %.80q on this ledger", id)
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
