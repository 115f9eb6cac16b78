package swap

import (
	"fmt"

	"entente/schema/wire"
	"entente/settlement/payment"
)

// Role is a bank's part in a swap.
type Role uint8

// The roles. Values are stored and frozen.
const (
	Initiator Role = 1
	Responder Role = 2
)

// String names the role in lower case.
func (r Role) String() string { return [...]string{"", "initiator", "responder"}[r] }

// State is how far a swap has come at one bank.
type State uint8

// The states of a swap. Values are stored and frozen.
const (
	Proposed  State = 1 // initiator: funds held, waiting for votes
	Prepared  State = 2 // responder: funds held, bound to the initiator's decision
	Committed State = 3 // initiator: decided and irrevocable, money in suspense until the responder holds the decision
	Settled   State = 4 // final: the payee's money is spendable
	Aborted   State = 5 // final: nothing moved
)

// String names the state in lower case.
func (s State) String() string {
	return [...]string{"", "proposed", "prepared", "committed", "settled", "aborted"}[s]
}

// Final tells whether the state never changes again.
func (s State) Final() bool { return s == Settled || s == Aborted }

// Transition is one arrow of the state diagram.
type Transition struct {
	Role Role
	From State // 0: the swap was unknown
	On   string
	To   State
}

// Transitions is the whole of the protocol's state machine; no swap changes state along an arrow that is not listed.
var Transitions = []Transition{
	{Initiator, 0, "payment authorised, funds held", Proposed},
	{Initiator, 0, "vote for an unknown swap", Aborted},
	{Initiator, 0, "own commit learnt after a restore", Committed},
	{Initiator, 0, "own abort learnt after a restore", Aborted},
	{Initiator, Proposed, "every vote prepared, before decide_by", Committed},
	{Initiator, Proposed, "a vote refused, decide_by passed, cancelled, or an epoch over", Aborted},
	{Initiator, Proposed, "own commit learnt after a restore", Committed},
	{Initiator, Committed, "every responder holds the decision", Settled},
	{Responder, 0, "proposal accepted, funds held", Prepared},
	{Responder, 0, "proposal refused", Aborted},
	{Responder, 0, "abort of an unknown swap", Aborted},
	{Responder, 0, "own vote learnt after a restore", Prepared},
	{Responder, 0, "own refusal learnt after a restore", Aborted},
	{Responder, Prepared, "decision commit, or the rulebook's", Settled},
	{Responder, Prepared, "decision abort, or the rulebook's", Aborted},
}

// Swap is one swap as one bank knows it.
type Swap struct {
	ID        wire.Hash
	Role      Role
	State     State
	Terms     wire.Terms
	Peers     []Peering // the other banks of the swap, in the order of the terms
	Decision  wire.Hash // hash of the decision message, zero before
	Reason    string    // why aborted
	Authority []byte    // the payment package, as attached to PROPOSE
	Quote     wire.Hash // quote bound by this swap at the responder, zero if none
	SinceMS   int64     // when the state was entered
	CreatedMS int64     // when this bank first knew of it
}

// Peering is what a swap has heard from one other bank.
type Peering struct {
	Bank     string
	Proposal wire.Hash // hash of the proposal sent to it or received from it
	Vote     wire.Hash // initiator: hash of its vote; responder: of the own one
	Prepared bool
	Decision wire.Hash // initiator: hash of the decision sent to it; responder: of the one received
	Acked    bool      // initiator: the bank holds the decision
	Again    wire.Hash // initiator: hash of the same decision as signed again in a later epoch, zero if it was not
	Epoch    uint64    // own epoch in which the last message about this swap was signed for it, 0 for none
	Heard    Place     // of the bank's latest message about this swap
}

// Place is where a message stands among those of one bank to another.
type Place struct{ Epoch, Seq uint64 }

// Before tells whether the place comes earlier than another.
func (p Place) Before(o Place) bool { return p.Epoch < o.Epoch || p.Epoch == o.Epoch && p.Seq < o.Seq }

// peer finds the peering with a bank.
func (s *Swap) peer(bank string) *Peering {
	for i := range s.Peers {
		if s.Peers[i].Bank == bank {
			return &s.Peers[i]
		}
	}
	return nil
}

// Machine is one bank's state: its ledger and its swaps. It is owned by one writer.
type Machine struct {
	Network string
	Bank    string
	Epoch   uint64
	Opening wire.ID // drawn when the epoch was opened, zero for the first
	// Opens checks that a bill's recorded commitments open to what is stated: payment.CheckOpening, unless somebody remembers its answers.
	Opens func(bill wire.Hash, chunks []wire.Chunk, o *wire.TotalOpening) error

	cause    wire.Hash // order that opened the epoch
	ledger   ledgerState
	swaps    map[wire.Hash]*Swap
	open     map[wire.Hash]struct{}  // swaps the clock may still abort
	doubt    map[wire.Hash]bool      // swaps that are prepared and not decided, or committed and not acknowledged: whether an alarm was raised in this run
	bound    map[wire.Hash]int64     // what each prepared swap holds here, minor units
	atRisk   map[string]int64        // their sum by initiator
	paying   map[wire.Hash]wire.Hash // instruction to swap
	quotes   map[wire.Hash]wire.Hash // quote to the swap that uses it
	channels map[string]*Channel
	peers    []Peer // ordered by name
	session  session
}

// Peer is another bank of the network.
type Peer struct {
	Bank       string
	DoubtMinor int64 // most that may be held here for swaps of the bank that it has not decided, minor units; 0 for no limit
}

// Channel is how far one other bank has heard this one and the other way round.
type Channel struct {
	Peer       string
	PeerEpoch  uint64
	Opening    wire.ID // of the peer's epoch
	Floor      uint64  // messages of a lower epoch are ignored unless already held
	Epoch      uint64  // own epoch in which Seq counts
	Seq        uint64  // of the last message sent
	Last       wire.Hash
	HeardEpoch uint64 // peer's epoch in which Heard counts
	Heard      uint64 // highest sequence number received
	Fenced     bool   // since this bank recovered, the peer has not told what it holds
	Stopped    bool   // the peer contradicted itself: nothing new is begun with it
}

// Tenure is an epoch of this bank and what opened it.
type Tenure struct {
	Epoch   uint64
	Opening wire.ID
	Cause   wire.Hash // order that opened it
	AtMS    int64
}

// Event is something that happened outside. The concrete types are listed in this file.
type Event interface{ atMS() int64 }

// OrderGiven is an operator's verified order.
type OrderGiven struct {
	Order   wire.Order
	Cause   wire.Hash  // hash of the signed order
	Signers []wire.Key // keys whose signatures over it were verified: the maker's first, then those of who approved
	NowMS   int64
}

// BillProven is a countersigned bill whose signatures and proofs were verified.
type BillProven struct {
	Bill  wire.Bill
	NowMS int64
}

// PaymentAuthorised is a desk's payment whose signatures, quorum and quote were verified.
type PaymentAuthorised struct {
	Payment *payment.Authorised
	Package []byte  // the payment package's bytes, attached to PROPOSE
	Nonce   wire.ID // fresh random bytes for the terms
	NowMS   int64
}

// TransferAuthorised moves a desk's or provider's money inside this ledger without discharging a bill, as when a nation furnishes its provider. Who signs for
// the payer signed the instruction, which was verified.
type TransferAuthorised struct {
	Instruction     *wire.Instruction
	InstructionHash wire.Hash
	NowMS           int64
}

// MessageVerified is a message of SWAP/1 whose signature was verified over the received bytes by a key of its sender.
// For a proposal, Payment is what the attached package authorises, or Refusal why it does not.
// For a decision or a reply to a greeting, Held are the messages that came attached, verified in the same way.
type MessageVerified struct {
	Message wire.SwapMessage
	Hash    wire.Hash // payload hash
	Payment *payment.Authorised
	Refusal error
	Held    []Held
	NowMS   int64
}

// Held is a message that another one encloses, its signature verified like any other's. For a proposal, Payment and Package are the package that goes with it,
// verified as of when the terms were written.
type Held struct {
	Message wire.SwapMessage
	Hash    wire.Hash
	Payment *payment.Authorised
	Package []byte
}

// Started begins a run: every process that takes up a bank's stored state begins with it, and greets every other bank.
type Started struct {
	Nonce wire.ID // fresh random bytes
	NowMS int64
}

// RulebookGiven is an order of the consortium about a bank that is gone. Each of the signers' signatures over it was verified.
type RulebookGiven struct {
	Order   wire.Rulebook
	Cause   wire.Hash // hash of the signed order
	Signers []wire.Key
	NowMS   int64
}

// CancelAsked is a desk's wish to withdraw a payment that is not decided yet.
type CancelAsked struct {
	Instruction wire.Hash
	NowMS       int64
}

// Tick tells the time.
type Tick struct{ NowMS int64 }

func (e OrderGiven) atMS() int64         { return e.NowMS }
func (e BillProven) atMS() int64         { return e.NowMS }
func (e PaymentAuthorised) atMS() int64  { return e.NowMS }
func (e TransferAuthorised) atMS() int64 { return e.NowMS }
func (e MessageVerified) atMS() int64    { return e.NowMS }
func (e CancelAsked) atMS() int64        { return e.NowMS }
func (e Started) atMS() int64            { return e.NowMS }
func (e RulebookGiven) atMS() int64      { return e.NowMS }
func (e Tick) atMS() int64               { return e.NowMS }

// MessageKey names a message a bank sent: one of each type for a swap and recipient in an epoch, ever.
type MessageKey struct {
	Swap      wire.Hash
	Recipient string
	Type      wire.PayloadType
	Epoch     uint64
}

// Outgoing is a message to sign, store and then send.
type Outgoing struct {
	Key        MessageKey
	Message    wire.SwapMessage
	Attachment []byte // the payment package that goes with PROPOSE
	Hash       wire.Hash
	Resend     bool // resent until acknowledged; an acknowledgement itself is sent once and again only when asked
	Passing    bool // of a greeting: signed and sent, and never stored
	// Encloses are messages, the bank's own and received ones, that go with it as one attachment, each with the votes and the package that it names. What is
	// not at hand is left out; a reply to a greeting lists what is in.
	Encloses []wire.Hash
}

// Conflict is two messages of one bank that contradict each other.
type Conflict struct {
	Bank          string
	Swap          wire.Hash
	First, Second wire.Hash // payload hashes; the first one counts
}

// NoteKind sorts what a bank records beside its entries.
type NoteKind string

// The kinds of notes.
const (
	NoteRefusal NoteKind = "refusal" // somebody asked for something that is not allowed
	NoteAlarm   NoteKind = "alarm"   // something that an honest peer never does
)

// Note is an event that changes nothing and is recorded all the same.
type Note struct {
	Kind  NoteKind
	Code  string
	Text  string
	About wire.Hash
	AtMS  int64
}

// Outcome is the state a payment has reached at the payer's bank.
type Outcome struct {
	Instruction wire.Hash
	Swap        wire.Hash // zero for a payment inside one ledger
	State       State
	Reason      string
	AtMS        int64
}

// enter changes the state and panics on a transition the table does not list: the machine has a defect, and stopping is the only safe answer.
func (s *Swap) enter(to State, nowMS int64) {
	for _, t := range Transitions {
		if t.Role == s.Role && t.From == s.State && t.To == to {
			s.State, s.SinceMS = to, nowMS
			return
		}
	}
	panic(fmt.Sprintf("swap %s: no transition of the %s from %q to %q", s.ID.Short(), s.Role, s.State, to))
}
