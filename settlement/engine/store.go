package engine

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/swap"
	"entente/zk/transcript"
)

// Store keeps what a bank must not lose. A value of it is one writer's session: opening a later one fences it, and then Commit gives ErrFenced.
// Load, Commit and Committed are called by one goroutine at a time; the readers may be called by several at once.
type Store interface {
	// Load hands the stored ledger to r, all as of one moment, and records the identity when the store is new.
	// Refusals: ledger_foreign, journal_broken, and what r gives.
	Load(ctx context.Context, id Identity, r Restore) (Head, error)
	// Snapshot gives the latest snapshot, nil for none.
	Snapshot(ctx context.Context) (*Snapshot, error)
	// Commit stores the batch whole or not at all. Any error but ErrFenced means that the outcome is unknown. Once begun it heeds no cancelling of ctx.
	Commit(ctx context.Context, b *Batch) error
	// Committed tells, after an unknown outcome, whether the batch is there. When it says no, the batch can never appear later.
	Committed(ctx context.Context, batch int64) (bool, error)
	// Term is the term with which this session was opened: batches are stored and sealed with it, also after the session had to be taken up again.
	Term() int64

	// Nodes gives the hashes of a level's nodes from number from up to and without number to.
	Nodes(ctx context.Context, level int, from, to int64) ([]transcript.Hash, error)
	// Leaves gives the leaves from seq from up to and without seq to.
	Leaves(ctx context.Context, from, to int64) ([][]byte, error)
	// Entries gives the clear entries from seq from up to and without seq to.
	Entries(ctx context.Context, from, to int64) ([]ledger.Entry, error)
	// Evidence gives the bytes stored under a kind and hash.
	Evidence(ctx context.Context, kind string, hash wire.Hash) ([]byte, bool, error)
	// Message gives a message that was sent.
	Message(ctx context.Context, key swap.MessageKey) (Message, bool, error)
	// Sent gives a message that was sent, by its payload hash.
	Sent(ctx context.Context, hash wire.Hash) (Message, bool, error)
	// Notes gives at most limit notes with an id above after, in order.
	Notes(ctx context.Context, after int64, limit int) ([]Note, error)
	// Stages tells when a swap entered each of its states, in order.
	Stages(ctx context.Context, id wire.Hash) ([]Stage, error)
	History
	// Close ends the session.
	Close() error
}

// Identity is which ledger a store keeps.
type Identity struct {
	Network  string
	Bank     string
	Currency string
	Origin   string // of the log
}

// Restore takes what Load finds, in the order of its fields; records by seq.
type Restore struct {
	From    int64 // entries before it, and nodes of the log wholly before it, are not asked for
	Record  func(Record) error
	Node    func(transcript.Node) error
	Account func(ledger.Account) error
	Swap    func(swap.Swap) error
	Tenure  func(swap.Tenure) error
	Channel func(swap.Channel) error
	Message func(Message) error // those that wait for an answer
}

// Head is how far a store has come.
type Head struct {
	Batch      int64      // last batch, 0 before the first
	Checkpoint Checkpoint // last log head, zero before the first entry
	Last       BatchRow   // last batch
	Before     Seal       // of the batch before it
}

// Batch is everything that one group of events changed.
type Batch struct {
	ID         int64 // contiguous from 1
	AtMS       int64
	Term       int64 // of the session that stores it
	Records    []Record
	Checkpoint *Checkpoint       // nil when there are no records
	Nodes      []transcript.Node // of the log that the records completed
	Accounts   []ledger.Account  // those whose counters or status changed, as they are now
	Swaps      []swap.Swap       // those that changed, as they are now; aborted ones first, so that their quotes are free again
	Stages     []Stage
	Decisions  []Decision
	Tenures    []swap.Tenure
	Channels   []swap.Channel // those that changed, as they are now
	Messages   []Outbound
	Done       []swap.MessageKey // messages of earlier batches that were answered
	Notes      []swap.Note
	Evidence   []Evidence // may name what is stored already
	Docs       []byte     // their sealed names
	Sums       Sums       // masked
	Seal       Seal       // over all that the log does not show
}

// Empty tells whether there is nothing to store.
func (b *Batch) Empty() bool {
	return len(b.Records)+len(b.Swaps)+len(b.Tenures)+len(b.Channels)+len(b.Messages)+len(b.Done)+len(b.Notes)+len(b.Evidence) == 0
}

// Record is an entry with its canonical bytes and its leaf of the log.
type Record struct {
	Entry ledger.Entry
	Body  []byte
	Leaf  []byte
}

// Checkpoint is a signed head of the log.
type Checkpoint struct {
	Size int64
	Root transcript.Hash
	Note []byte
}

// Stage is the moment a swap entered a state.
type Stage struct {
	Swap   wire.Hash
	State  swap.State
	Reason string // why aborted
	AtMS   int64
}

// Decision is the one decision of this bank on a swap that it initiated.
type Decision struct {
	Swap   wire.Hash
	Commit bool
	Hash   wire.Hash // of the message to the first responder
}

// Evidence is a document's exact bytes under a kind, such as "order", and the hash that names it there.
type Evidence struct {
	Kind  string
	Hash  wire.Hash
	Bytes []byte
	Seal  Seal // by the bank, of what is stored
}

// Kinds of evidence that the engine keeps by itself.
const (
	EvidenceMessage      = "message"      // a signed message of another bank, by its payload hash
	EvidenceEquivocation = "equivocation" // a wire.Equivocation, by its hash
)

// EvidenceAttachment is the kind under which documents that travel with messages are kept; their hash is wire.AttachmentHash.
const EvidenceAttachment = "attachment"

// Message is a signed message of SWAP/1, ready to be carried.
type Message struct {
	Key        swap.MessageKey
	Seq        uint64    // this bank's number for messages to the recipient
	Envelope   []byte    // exact bytes of the signed envelope
	Attachment []byte    // document that goes with it, or nil
	Hash       wire.Hash // of the payload
	Attempt    int       // counts deliveries since the engine was opened, from 1; 0 in a store

	// Cause is the trace context of the work that the message comes from, for spans alone: not stored, and invalid after a restart or outside of any trace.
	Cause trace.SpanContext
}

// Passing tells whether it is a message of a greeting, which has no number and is not stored.
func (m *Message) Passing() bool { return m.Seq == 0 }

// Outbound is a message to store.
type Outbound struct {
	Message
	Resend bool // until it is answered
	Done   bool // answered already, within the same batch
}

// Note is a stored note.
type Note struct {
	ID int64 // ascending
	swap.Note
}
