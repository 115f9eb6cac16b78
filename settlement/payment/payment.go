package payment

import (
	"slices"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/wallet/quorum"
)

// Payment is one payment as its desk knows it: a value, changed only by Step.
type Payment struct {
	Instruction wire.Instruction
	Hash        wire.Hash // of the instruction
	Rule        quorum.Rule
	State       State
	SinceMS     int64 // when the state began
	Reason      string
	Maker       quorum.Person   // empty until made
	Approvers   []quorum.Person // distinct, in the order of their approvals
	Quote       wire.Hash       // the quote accepted last, or zero
	DebitMinor  int64           // what the accepted quote debits, or the amount paid inside one currency; zero until known
	Swap        wire.Hash       // the swap proposed last, or zero
	History     []Change        // every change, oldest first; the last one is State, SinceMS and Reason
}

// Change is one step of a payment's life.
type Change struct {
	State  State
	On     Action
	AtMS   int64
	By     quorum.Person // who did it, empty when a bank or the clock did
	Code   refusal.Code  // why a bank refused or aborted, or empty
	Reason string
}

// Event is something that happened to a payment, its signatures verified.
type Event struct {
	Do         Action
	AtMS       int64
	By         quorum.Person // make, approve, reject, cancel
	Code       refusal.Code  // refuse, abort
	Reason     string        // reject, cancel, refuse, abort
	Quote      wire.Hash     // quote
	DebitMinor int64         // quote
	Swap       wire.Hash     // propose
}

// Draft begins a payment's life. The rule is the payer's, from the trust file.
func Draft(in wire.Instruction, rule quorum.Rule, atMS int64) Payment {
	p := Payment{Instruction: in, Hash: in.Hash(), Rule: rule}
	return p.enter(Drafted, Event{AtMS: atMS})
}

// Step applies an event and gives the payment after it; p itself stays as it was.
// Refusals, in this order: wrong_state, expired, maker_foreign, approver_foreign, same_approver, already_approved, over_debit_limit, amount_invalid,
// deadline_ahead. With a refusal the payment returned is p.
func Step(p Payment, e Event) (Payment, error) {
	if !p.allows(e.Do) {
		return p, refusal.Newf(CodeWrongState, "look at the payment's history", "a payment that is %s cannot %s", p.State, e.Do)
	}
	if err := p.guard(e); err != nil {
		return p, err
	}
	next := p
	next.History = slices.Clone(p.History)
	next.Approvers = slices.Clone(p.Approvers)
	switch e.Do {
	case Make:
		next.Maker = e.By
	case Approve:
		next.Approvers = append(next.Approvers, e.By)
	case Quote:
		next.Quote, next.DebitMinor = e.Quote, e.DebitMinor
	case Lapse:
		next.Quote, next.DebitMinor = wire.Hash{}, 0
	case Submit:
		if next.oneCurrency() {
			next.DebitMinor = next.Instruction.PayMinor
		}
	case Propose:
		next.Swap = e.Swap
	}
	for _, t := range transitions {
		if t.From == p.State && t.On == e.Do && next.holds(t.If) {
			return next.enter(t.To, e), nil
		}
	}
	return p, refusal.Newf(CodeWrongState, "look at the payment's history", "a payment that is %s cannot %s", p.State, e.Do)
}

// guard checks what the table does not say: who acts, and when.
func (p Payment) guard(e Event) error {
	switch e.Do {
	case Make, Approve, Quote, Submit:
		if deadline := p.Instruction.DeadlineMS; e.AtMS > deadline {
			return refusal.Newf(CodeExpired, "make a new instruction", "the instruction's deadline passed at %d, it is %d", deadline, e.AtMS)
		}
	}
	switch e.Do {
	case Make, Cancel:
		if e.By.Owner != p.Instruction.Payer {
			return refusal.Newf(CodeMakerForeign, "let a user of the paying desk do it", "%s cannot %s a payment of %s", e.By, e.Do, p.Instruction.Payer)
		}
	case Approve, Reject:
		if err := quorum.MayApprove(p.Maker, e.By); err != nil {
			return err
		}
		if e.Do == Approve && slices.Contains(p.Approvers, e.By) {
			return refusal.Newf(CodeAlreadyApproved, "let somebody else approve", "%s has approved this payment already", e.By)
		}
	case Quote:
		if e.DebitMinor <= 0 {
			return refusal.Newf(wire.CodeAmountInvalid, "ask for another quote", "a quote that debits %d minor units", e.DebitMinor)
		}
		return checkLimit(&p.Instruction, e.DebitMinor)
	case Submit:
		if p.oneCurrency() {
			return checkLimit(&p.Instruction, p.Instruction.PayMinor)
		}
	case Expire:
		if deadline := p.Instruction.DeadlineMS; e.AtMS <= deadline {
			return refusal.Newf(CodeDeadlineAhead, "wait, or cancel it", "the deadline is %d, it is %d", deadline, e.AtMS)
		}
	}
	return nil
}

// allows tells whether the table has a row for an action in the present state, without regard to who acts.
func (p Payment) allows(do Action) bool {
	return slices.ContainsFunc(transitions, func(t Transition) bool { return t.From == p.State && t.On == do && (do == Approve || p.holds(t.If)) })
}

func (p Payment) holds(c Condition) bool {
	switch c {
	case EnoughApproved:
		return quorum.Count(p.Approvers) >= p.Rule.Needed()
	case MoreNeeded:
		return quorum.Count(p.Approvers) < p.Rule.Needed()
	case OneCurrency:
		return p.oneCurrency()
	case TwoCurrencies:
		return !p.oneCurrency()
	}
	return true
}

func (p Payment) oneCurrency() bool { return p.Instruction.DebitCurrency == p.Instruction.PayCurrency }

func (p Payment) enter(s State, e Event) Payment {
	p.State, p.SinceMS, p.Reason = s, e.AtMS, e.Reason
	p.History = append(p.History, Change{State: s, On: e.Do, AtMS: e.AtMS, By: e.By, Code: e.Code, Reason: e.Reason})
	return p
}

// Cleared tells whether the payment is irrevocable.
func (p Payment) Cleared() bool { return p.State.Cleared() }

// Settled tells whether the payment is final.
func (p Payment) Settled() bool { return p.State.Settled() }

// Actions lists what the present state allows, in the table's order: what a screen may offer. Who may do it, and when, Step decides.
func (p Payment) Actions() []Action {
	var all []Action
	for _, t := range transitions {
		if t.From == p.State && !slices.Contains(all, t.On) && p.allows(t.On) {
			all = append(all, t.On)
		}
	}
	return all
}
