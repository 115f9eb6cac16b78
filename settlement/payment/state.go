package payment

import "slices"

// State names where a payment stands. The names are stable: they are stored and shown.
type State string

// The states of a payment.
const (
	Drafted   State = "drafted"   // written down, signed by nobody
	Made      State = "made"      // the maker signed
	Approved  State = "approved"  // the quorum approved
	Quoted    State = "quoted"    // a firm quote was accepted
	Submitted State = "submitted" // handed to the payer's bank
	Proposed  State = "proposed"  // the bank holds the funds and proposed the swap
	Committed State = "committed" // committed, irrevocable: cleared, not yet settled
	Settled   State = "settled"   // final and spendable by the payee
	Aborted   State = "aborted"   // the swap was given up and the funds are free; a new quote may be accepted
	Rejected  State = "rejected"  // an approver said no
	Cancelled State = "cancelled" // the desk withdrew it
	Refused   State = "refused"   // the bank said no
	Expired   State = "expired"   // the deadline passed before it was submitted
)

// Cleared tells whether the payment is irrevocable: committed or settled.
func (s State) Cleared() bool { return s == Committed || s == Settled }

// Settled tells whether the payment is final at the payee's ledger, the only sense in which it is paid.
func (s State) Settled() bool { return s == Settled }

// Approved tells whether the quorum has approved the payment and it may still be paid, or is.
func (s State) Approved() bool {
	switch s {
	case Approved, Quoted, Submitted, Proposed, Committed, Settled, Aborted:
		return true
	}
	return false
}

// Final tells whether no event can change the state any more.
func (s State) Final() bool {
	return !slices.ContainsFunc(transitions, func(t Transition) bool { return t.From == s })
}

// Sentence says what the state means to the people at the desk.
func (s State) Sentence() string { return sentences[s] }

var sentences = map[State]string{
	Drafted:   "written down, not yet signed by its maker",
	Made:      "signed by its maker, waiting for approval",
	Approved:  "approved, waiting to be quoted or submitted",
	Quoted:    "a firm quote is accepted, waiting to be submitted",
	Submitted: "handed to the bank, can still be cancelled",
	Proposed:  "funds are held and the swap is proposed, can no longer be cancelled",
	Committed: "committed, irrevocable: cleared, not yet settled",
	Settled:   "settled: final, the payee can spend it",
	Aborted:   "given up without loss, the funds are free, it can be tried with a new quote",
	Rejected:  "rejected by an approver",
	Cancelled: "cancelled by the desk before the bank proposed it",
	Refused:   "refused by the bank",
	Expired:   "its deadline passed before it was submitted",
}

// Action is what happens to a payment.
type Action string

// The actions.
const (
	Make    Action = "make"    // the maker signs
	Approve Action = "approve" // an approver signs
	Reject  Action = "reject"  // an approver says no
	Quote   Action = "quote"   // the desk's service accepts a firm quote
	Lapse   Action = "lapse"   // the accepted quote expired unused
	Submit  Action = "submit"  // the package goes to the bank
	Cancel  Action = "cancel"  // a user of the desk withdraws it; once submitted: the bank confirmed that it proposed nothing
	Expire  Action = "expire"  // the deadline passed
	Propose Action = "propose" // the bank proposed the swap
	Commit  Action = "commit"  // the bank decided commit
	Abort   Action = "abort"   // the bank decided abort
	Settle  Action = "settle"  // every bank acknowledged, or one ledger transferred
	Refuse  Action = "refuse"  // the bank said no
)

// Transition is one row of the table of a payment's life. If is the condition under which the row applies, for rows that share From and On; empty is always.
type Transition struct {
	From State
	On   Action
	If   Condition
	To   State
}

// Condition chooses between rows.
type Condition string

// The conditions.
const (
	EnoughApproved Condition = "quorum reached"
	MoreNeeded     Condition = "more needed"
	OneCurrency    Condition = "one currency"
	TwoCurrencies  Condition = "two currencies"
)

// transitions is the whole life of a payment; what is not listed is refused with wrong_state.
var transitions = []Transition{
	{Drafted, Make, "", Made},
	{Drafted, Cancel, "", Cancelled},
	{Drafted, Expire, "", Expired},
	{Made, Approve, MoreNeeded, Made},
	{Made, Approve, EnoughApproved, Approved},
	{Made, Reject, "", Rejected},
	{Made, Cancel, "", Cancelled},
	{Made, Expire, "", Expired},
	{Approved, Quote, TwoCurrencies, Quoted},
	{Approved, Submit, OneCurrency, Submitted},
	{Approved, Reject, "", Rejected},
	{Approved, Cancel, "", Cancelled},
	{Approved, Expire, "", Expired},
	{Quoted, Lapse, "", Approved},
	{Quoted, Submit, "", Submitted},
	{Quoted, Cancel, "", Cancelled},
	{Quoted, Expire, "", Expired},
	{Submitted, Cancel, "", Cancelled},
	{Submitted, Refuse, "", Refused},
	{Submitted, Settle, OneCurrency, Settled},
	{Submitted, Propose, TwoCurrencies, Proposed},
	{Proposed, Commit, "", Committed},
	{Proposed, Abort, "", Aborted},
	{Committed, Settle, "", Settled},
	{Aborted, Quote, "", Quoted},
	{Aborted, Cancel, "", Cancelled},
	{Aborted, Expire, "", Expired},
}

// Transitions gives the table.
func Transitions() []Transition { return slices.Clone(transitions) }
