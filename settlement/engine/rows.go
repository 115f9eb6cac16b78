package engine

import (
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/swap"
	"entente/zk/transcript"
)

// BatchRow is what is stored of a batch itself.
type BatchRow struct {
	ID, Term, AtMS int64
	Checkpoint     *Checkpoint // nil where it has no entries
	Docs           []byte      // sealed names of documents, 32 bytes each
	Sums           Sums        // masked
	Seal           Seal
}

// BillRow is a recorded bill.
type BillRow struct {
	Seq              int64
	Hash             wire.Hash
	ID               wire.ID
	Revision         int64
	Programme        wire.Hash
	Creditor, Debtor string
}

// PaidRow says that an entry paid a bill, or undid its payment; Round counts how often it had been undone before and is zero for the latter.
type PaidRow struct {
	Seq   int64
	Bill  wire.Hash
	Round int64
}

// TurnoverRow is Turnover as it is stored.
type TurnoverRow struct {
	Seq     int64
	Account string
	After   ledger.Counters
	Places  string // sequence numbers, 8 bytes each
}

// DocumentRow is a stored document.
type DocumentRow struct {
	Batch int64
	Kind  string
	Hash  wire.Hash
	Bytes []byte
	Seal  Seal
}

// MessageRow is a stored message without its document.
type MessageRow struct {
	Key        swap.MessageKey
	Seq        int64
	Hash       wire.Hash
	Envelope   []byte
	Attachment wire.Hash // zero for none
	Resend     bool
	Done       bool
}

// Page is everything that some batches stored and that never changes, each kind in the order of its batches.
type Page struct {
	Records   []Record
	Fault     error // why the record after these could not be read
	Nodes     []transcript.Node
	Bills     []BillRow
	Paid      []PaidRow
	Undone    []PaidRow
	Turnover  []TurnoverRow
	Documents []DocumentRow
}

// Present is what changes in a store, as of one moment, and how many rows of each table there are.
type Present struct {
	Identity Identity
	Owner    string
	Term     int64
	Last     int64 // batch
	Accounts []ledger.Account
	Rows     map[string]int64

	// The rest is handed over row by row.
	Swaps     func(func(swap.Swap) error) error
	Tenures   func(func(swap.Tenure) error) error
	Channels  func(func(swap.Channel) error) error
	Messages  func(func(MessageRow) error) error
	Stages    func(func(Stage, int64) error) error
	Decisions func(func(Decision, int64) error) error
	Notes     func(func(Note, int64) error) error // by id
}
