package ledger

import "entente/schema/wire"

// Counters are an account's sums, in minor units. Pending counts are inside the available balance, never beside it.
type Counters struct {
	DebitsPosted   int64
	CreditsPosted  int64
	DebitsPending  int64
	CreditsPending int64
}

// Balance is what the account holds, pending debits included.
func (c Counters) Balance() int64 { return c.CreditsPosted - c.DebitsPosted }

// Available is what the account can still spend.
func (c Counters) Available() int64 { return c.Balance() - c.DebitsPending }

// Count adds what an entry changes on an account of this id and kind. It is the one place that says so: State folds with it, and a balance of the past is
// counted with it from an earlier one.
func (c *Counters) Count(e *Entry, id string, kind wire.AccountKind) {
	switch id {
	case e.Debit:
		c.countDebit(e)
	case e.Credit:
		c.countCredit(e, kind)
	}
}

func (c *Counters) countDebit(e *Entry) {
	switch e.Kind {
	case wire.LeafHold:
		c.DebitsPending += e.Minor
	case wire.LeafVoid, wire.LeafExpire:
		c.DebitsPending -= e.Minor
	case wire.LeafPost:
		c.DebitsPending -= e.Minor
		c.DebitsPosted += e.Minor
	case wire.LeafIssue, wire.LeafRedeem, wire.LeafTransfer, wire.LeafRelease, wire.LeafReversal, wire.LeafCover:
		c.DebitsPosted += e.Minor
	}
}

// countCredit counts what arrives. Suspense awaits nothing: what is posted to it was held for somebody else, who goes on waiting.
func (c *Counters) countCredit(e *Entry, kind wire.AccountKind) {
	switch e.Kind {
	case wire.LeafHold:
		c.CreditsPending += e.Minor
	case wire.LeafVoid, wire.LeafExpire:
		c.CreditsPending -= e.Minor
	case wire.LeafPost, wire.LeafRelease:
		if kind != wire.AccountSuspense {
			c.CreditsPending -= e.Minor
		}
		c.CreditsPosted += e.Minor
	case wire.LeafIssue, wire.LeafRedeem, wire.LeafTransfer, wire.LeafReversal, wire.LeafCover:
		c.CreditsPosted += e.Minor
	}
}

// Limits bound what an account may pay, in minor units; 0 is no limit. They bind payments and holds as they begin, never what was prepared.
type Limits struct {
	PerTransfer int64 // all postings of one payment from the account
	PerDay      int64 // all payments and holds of one ledger day, without those given back on it
}

// Account is one account.
type Account struct {
	ID     string
	Owner  string
	Kind   wire.AccountKind
	Status wire.AccountStatus
	Counters
	Limits
	Used   int64    // of the day's limit
	UsedOn wire.Day // the ledger day that Used counts, 0 before the first payment
}

// UsedBy is what the account has paid or set aside on a ledger day, minor units: 0 on any but the latest it paid on.
func (a Account) UsedBy(day wire.Day) int64 {
	if a.UsedOn != day {
		return 0
	}
	return a.Used
}

// account is an Account with the number under which the log of movements knows it.
type account struct {
	Account
	number uint32
}

// use counts a payment or hold against the day's limit. It cannot overflow: Used is never more than the account's counters of debits.
func (a *account) use(day wire.Day, minor int64) {
	if a.UsedOn != day {
		a.Used, a.UsedOn = 0, day
	}
	a.Used += minor
}

// giveBack takes a hold off the day's limit, if it was made on the day that is counted.
func (a *account) giveBack(h *Hold) {
	if a.UsedOn == h.Day {
		a.Used -= h.Minor
	}
}

// Hold is money set aside on its way from one account to another, until it is posted, voided or, if an order made it so, expired. It settles once.
//
// A hold of a swap has no expiry and cannot be given one: a bank that voted prepared is bound until it hears the decision, however long that takes.
type Hold struct {
	ID        HoldID
	Debit     string
	Credit    string
	Minor     int64
	Bills     []wire.Hash
	ByOrder   bool     // an operator's, not a swap's
	ExpiresMS int64    // ledger time, 0 for never
	Day       wire.Day // ledger day on which it was made
	// Blinding opens the amount commitment when it is the bills' own; zero when the bank derives one.
	Blinding [32]byte
}

// HoldID names a hold: what it belongs to (a swap) and its place in it.
type HoldID struct {
	Reference wire.Hash
	Part      uint32
}

// BillState says how far a bill has come.
type BillState uint8

// The states of a bill on the ledger of its currency.
const (
	BillOutstanding BillState = 1
	BillHeld        BillState = 2
	BillSettled     BillState = 3
)

// String names the state in lower case.
func (s BillState) String() string {
	return [...]string{"unknown", "outstanding", "held", "settled"}[s]
}

// Bill is a countersigned bill as the ledger keeps it.
type Bill struct {
	Hash      wire.Hash
	Seq       int64 // of its entry
	Programme wire.Hash
	ID        wire.ID
	Revision  uint32
	Creditor  string
	Debtor    string
	Chunks    []wire.Chunk
	State     BillState
	Reference wire.Hash // swap or payment that holds or settled it
}
