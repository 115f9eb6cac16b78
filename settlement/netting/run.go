package netting

import (
	"bytes"
	"fmt"
	"math/bits"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// Rule names the rule that the package comment states. A change that can change any run's result needs another name.
const Rule = "gridlock/1"

// Method says how a run found its set.
type Method uint8

// The methods.
const (
	MethodExact     Method = 1 // no set is better
	MethodHeuristic Method = 2 // good; Result.BoundMinor says how much better a set could be at most
)

// String gives the method's stable name: exact or heuristic.
func (m Method) String() string {
	switch m {
	case MethodExact:
		return "exact"
	case MethodHeuristic:
		return "heuristic"
	}
	return fmt.Sprintf("method(%d)", uint8(m))
}

// Reason says why a run left a payment.
type Reason uint8

// The reasons, in order of precedence.
const (
	ReasonLimit Reason = 1 // its payer may not pay that much, at once or today
	ReasonFunds Reason = 2 // its payer has not that much left
)

// String gives the reason's stable name: limit or funds.
func (r Reason) String() string {
	switch r {
	case ReasonLimit:
		return "limit"
	case ReasonFunds:
		return "funds"
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Left is a payment that still waits.
type Left struct {
	ID     wire.ID
	Reason Reason
}

// Balance is what an account has after the run.
type Balance struct {
	Account        string
	AvailableMinor int64 // never below zero
}

// Result is what a run settled in one class, and how good that is.
type Result struct {
	Class        Class
	Queued       uint32
	QueuedMinor  int64
	Settled      uint32
	SettledMinor int64
	ReachedMinor int64 // settled in this class and those before it
	BoundMinor   int64 // what no set settles more of in this class and those before it
}

// RatioBP gives ReachedMinor in basis points of BoundMinor, rounded down: 10,000 is the best possible. Where nothing could settle it is 10,000.
func (r Result) RatioBP() int64 {
	if r.BoundMinor <= 0 {
		return 10_000
	}
	hi, lo := bits.Mul64(uint64(r.ReachedMinor), 10_000)
	quotient, _ := bits.Div64(hi, lo, uint64(r.BoundMinor))
	return int64(quotient)
}

// Share is what a run did for one owner as payer: its fairness in figures.
type Share struct {
	Owner         string
	Queued        uint32
	QueuedMinor   int64
	Settled       uint32
	SettledMinor  int64
	SettledWaitMS int64  // the longest that a payment it settled had waited
	LeftWaitMS    int64  // the longest that a payment it left has waited until the run
	Refusals      uint64 // how often payments that still wait were left, this run included
}

// Run is the record of one resolution. With the bytes of its queue it can be replayed.
type Run struct {
	Rule     string
	Queue    wire.Hash // digest of the queue
	Method   Method
	Settled  []wire.ID // in the rule's order; all at once or none
	Left     []Left    // in the rule's order
	Balances []Balance // ordered by account
	Classes  []Result  // the four classes
	Owners   []Share   // ordered by name: owners of accounts that pay
}

// Resolve applies the rule. Refusals: those of Validate.
func Resolve(q Queue) (Run, error) {
	if err := q.Validate(); err != nil {
		return Run{}, err
	}
	s := q.sorted()
	p, places := problemOf(&s)
	found := p.heuristic()
	if len(p.transfers) <= ExactMost {
		in, complete := branchAndBound(&p, found.score, true, exactSteps)
		if complete {
			return report(&s, &p, places, in, MethodExact)
		}
		if in != nil { // the search ended early and yet found something better
			return report(&s, &p, places, in, MethodHeuristic)
		}
	}
	return report(&s, &p, places, found.in, MethodHeuristic)
}

// Replay resolves the queue again and tells whether the run is what comes of it, to the byte. Refusals: those of Validate, rule_unknown, queue_differs,
// run_differs.
func (r *Run) Replay(q Queue) error {
	if err := r.isOf(&q); err != nil {
		return err
	}
	again, err := Resolve(q)
	if err != nil {
		return err
	}
	return r.is(&again)
}

// Check tells, without resolving again, whether the settled set keeps every balance and limit and whether all that the run states follows from it. It does not
// tell whether another set is better; the bounds say how much at most. Refusals: as for Replay.
func (r *Run) Check(q Queue) error {
	if err := r.isOf(&q); err != nil {
		return err
	}
	s := q.sorted()
	p, places := problemOf(&s)
	in := make([]bool, len(p.transfers))
	next := 0
	for i, place := range places {
		if next < len(r.Settled) && s.Payments[place].ID == r.Settled[next] {
			in[i] = true
			next++
		}
	}
	if next < len(r.Settled) {
		return runDiffers("payment %s cannot settle, or is out of order", r.Settled[next])
	}
	again, err := report(&s, &p, places, in, r.Method)
	if err != nil {
		return err
	}
	return r.is(&again)
}

func (r *Run) isOf(q *Queue) error {
	if r.Rule != Rule {
		return refusal.Newf(CodeRuleUnknown, "use the program that knows this rule", "the run was made by rule %.40q, this is %s", r.Rule, Rule)
	}
	digest, err := q.Digest()
	if err != nil {
		return err
	}
	if digest != r.Queue {
		return refusal.Newf(CodeQueueDiffers, "bring the queue of this run", "the run is of queue %s, this is %s", r.Queue.Short(), digest.Short())
	}
	return nil
}

func (r *Run) is(again *Run) error {
	stated, err := r.Bytes()
	if err != nil {
		return err
	}
	want, err := again.Bytes()
	if err != nil {
		return err
	}
	if !bytes.Equal(stated, want) {
		return runDiffers("the rule gives %d settled payments by method %s, the run states %d by method %s, or other figures", len(again.Settled), again.Method, len(r.Settled), r.Method)
	}
	return nil
}

// Bytes gives the run's canonical encoding. Refusals: malformed beyond the codec's limits.
func (r *Run) Bytes() ([]byte, error) { return wire.EncodeFields(r.fields) }

// ParseRun reads what Bytes gives. What it states is not checked: see Check and Replay. Refusals: too_large, malformed.
func ParseRun(b []byte) (Run, error) {
	var r Run
	if err := wire.DecodeFields(b, queueBytesMost, r.fields); err != nil {
		return Run{}, err
	}
	return r, nil
}

func (r *Run) fields(f *wire.Fields) {
	f.Text(1, &r.Rule, 64)
	f.Fixed(2, r.Queue[:])
	f.U8(3, (*uint8)(&r.Method))
	wire.List(f, 4, &r.Settled, QueueMost, func(f *wire.Fields, id *wire.ID) { f.Fixed(1, id[:]) })
	wire.List(f, 5, &r.Left, QueueMost, func(f *wire.Fields, l *Left) {
		f.Fixed(1, l.ID[:])
		f.U8(2, (*uint8)(&l.Reason))
	})
	wire.List(f, 6, &r.Balances, AccountsMost, func(f *wire.Fields, b *Balance) {
		f.Text(1, &b.Account, 64)
		f.Count(2, &b.AvailableMinor)
	})
	wire.List(f, 7, &r.Classes, classes, func(f *wire.Fields, c *Result) {
		f.U8(1, (*uint8)(&c.Class))
		f.U32(2, &c.Queued)
		f.Count(3, &c.QueuedMinor)
		f.U32(4, &c.Settled)
		f.Count(5, &c.SettledMinor)
		f.Count(6, &c.ReachedMinor)
		f.Count(7, &c.BoundMinor)
	})
	wire.List(f, 8, &r.Owners, AccountsMost, func(f *wire.Fields, o *Share) {
		f.Text(1, &o.Owner, 64)
		f.U32(2, &o.Queued)
		f.Count(3, &o.QueuedMinor)
		f.U32(4, &o.Settled)
		f.Count(5, &o.SettledMinor)
		f.Count(6, &o.SettledWaitMS)
		f.Count(7, &o.LeftWaitMS)
		f.U64(8, &o.Refusals)
	})
}

func runDiffers(format string, args ...any) error {
	return refusal.Newf(CodeRunDiffers, "resolve the queue again and compare", format, args...)
}
