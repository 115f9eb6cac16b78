package ledger

import "entente/schema/wire"

// Account is one account's counters, in minor units. Pending counts are inside the available balance, never beside it.
type Account struct {
	ID             string
	Owner          string
	Kind           wire.AccountKind
	Status         wire.AccountStatus
	DebitsPosted   int64
	CreditsPosted  int64
	DebitsPending  int64
	CreditsPending int64
}

// Balance is what the account holds, pending debits included.
func (a Account) Balance() int64 { return a.CreditsPosted - a.DebitsPosted }

// Available is what the account can still spend.
func (a Account) Available() int64 { return a.Balance() - a.DebitsPending }

// Hold is money set aside on its way from one account to another, until it is posted or voided. It settles once.
type Hold struct {
	ID     HoldID
	Debit  string
	Credit string
	Minor  int64
	Bills  []wire.Hash
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
	Programme wire.Hash
	ID        wire.ID
	Revision  uint32
	Creditor  string
	Debtor    string
	Chunks    []wire.Chunk
	State     BillState
	Reference wire.Hash // swap or payment that holds or settled it
}
