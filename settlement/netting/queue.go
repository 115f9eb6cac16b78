package netting

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
)

// What a run takes at most.
const (
	AccountsMost = 1_000
	QueueMost    = 100_000
)

// Class is a payment's priority. A payment of a later class never keeps one of an earlier class from settling.
type Class uint8

// The closed list of classes.
const (
	Urgent Class = 1
	High   Class = 2
	Normal Class = 3
	Low    Class = 4
)

const classes = int(Low)

// String gives the class's stable name: urgent, high, normal or low.
func (c Class) String() string {
	switch c {
	case Urgent:
		return "urgent"
	case High:
		return "high"
	case Normal:
		return "normal"
	case Low:
		return "low"
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// Account is one account of the ledger as a run finds it, in minor units. Limits are the ledger's: 0 is none.
type Account struct {
	ID              string
	Owner           string // nation or provider
	AvailableMinor  int64  // balance less what is held: zero or more
	PerPaymentMinor int64
	PerDayMinor     int64
	UsedMinor       int64 // what counts against PerDayMinor already
}

// Queued is a payment that waits for money.
type Queued struct {
	ID       wire.ID // the payment's UETR
	From     string  // account that pays
	To       string
	Minor    int64 // above zero
	Class    Class
	QueuedMS int64  // Unix milliseconds, not after the run
	Left     uint32 // how many runs have left it before
}

// Queue is what a run decides on: one ledger at one instant.
type Queue struct {
	Ledger   string
	Currency money.Currency
	AtMS     int64 // Unix milliseconds, of ledger time
	Accounts []Account
	Payments []Queued
}

// Validate names the first thing wrong with a queue, or gives nil. Refusals: unknown_currency, queue_too_large, queue_invalid, queue_repeated,
// queue_account_missing, overflow when all money of the queue together is beyond 63 bits.
func (q *Queue) Validate() error {
	switch {
	case !wire.ValidName(q.Ledger) || q.AtMS < 0:
		return queueInvalid("it is of ledger %q at %d", q.Ledger, q.AtMS)
	case q.Currency.IsZero():
		return refusal.New(money.CodeUnknownCurrency, "the queue has no currency", "name the ledger's currency")
	case len(q.Accounts) > AccountsMost || len(q.Payments) > QueueMost:
		return refusal.Newf(CodeQueueTooLarge, "resolve the payments of fewer accounts, or the earlier ones first", "%d accounts with %d payments exceed %d with %d", len(q.Accounts), len(q.Payments), AccountsMost, QueueMost)
	}
	known := make(map[string]bool, len(q.Accounts))
	var total int64
	for _, a := range q.Accounts {
		switch {
		case !wire.ValidName(a.ID) || !wire.ValidName(a.Owner):
			return queueInvalid("account %q of %q has no proper name", a.ID, a.Owner)
		case min(a.AvailableMinor, a.PerPaymentMinor, a.PerDayMinor, a.UsedMinor) < 0:
			return queueInvalid("account %s has a balance of %d, limits of %d and %d, and %d used", a.ID, a.AvailableMinor, a.PerPaymentMinor, a.PerDayMinor, a.UsedMinor)
		case known[a.ID]:
			return refusal.Newf(CodeQueueRepeated, "name every account once", "account %s is there twice", a.ID)
		case a.AvailableMinor > math.MaxInt64-total:
			return tooMuch(q.Currency)
		}
		known[a.ID] = true
		total += a.AvailableMinor
	}
	ids := make(map[wire.ID]bool, len(q.Payments))
	for _, p := range q.Payments {
		switch {
		case p.Minor <= 0 || p.From == p.To || p.Class < Urgent || p.Class > Low:
			return queueInvalid("payment %s of %d from %s to %s, %s", p.ID, p.Minor, p.From, p.To, p.Class)
		case p.QueuedMS < 0 || p.QueuedMS > q.AtMS:
			return queueInvalid("payment %s was queued at %d and the run is at %d", p.ID, p.QueuedMS, q.AtMS)
		case p.Left == math.MaxUint32:
			return queueInvalid("payment %s was left too often to count", p.ID)
		case !known[p.From] || !known[p.To]:
			return refusal.Newf(CodeAccountMissing, "list every account that pays or is paid", "payment %s goes from %s to %s", p.ID, p.From, p.To)
		case ids[p.ID]:
			return refusal.Newf(CodeQueueRepeated, "queue every payment once", "payment %s is there twice", p.ID)
		case p.Minor > math.MaxInt64-total:
			return tooMuch(q.Currency)
		}
		ids[p.ID] = true
		total += p.Minor
	}
	return nil
}

// sorted gives the queue as the rule reads it: accounts by id, payments by class, time queued and id.
func (q *Queue) sorted() Queue {
	s := *q
	s.Accounts, s.Payments = slices.Clone(q.Accounts), slices.Clone(q.Payments)
	slices.SortFunc(s.Accounts, func(a, b Account) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Payments, func(a, b Queued) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.QueuedMS, b.QueuedMS), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return s
}

const queueBytesMost = AccountsMost*400 + QueueMost*300

// Bytes gives the canonical encoding of a valid queue, accounts and payments in the rule's order: queues that differ in order alone have equal bytes.
// Refusals: those of Validate, malformed beyond the codec's limits.
func (q *Queue) Bytes() ([]byte, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	s := q.sorted()
	return wire.EncodeFields(s.fields)
}

// ParseQueue reads what Bytes gives and nothing else. Refusals: too_large, malformed, and those of Validate.
func ParseQueue(b []byte) (Queue, error) {
	var q Queue
	if err := wire.DecodeFields(b, queueBytesMost, q.fields); err != nil {
		return Queue{}, err
	}
	again, err := q.Bytes()
	if err != nil {
		return Queue{}, err
	}
	if !bytes.Equal(again, b) {
		return Queue{}, queueInvalid("its accounts or payments are out of order")
	}
	return q, nil
}

// Digest names the queue: SHA-256 of a label and its bytes.
func (q *Queue) Digest() (wire.Hash, error) {
	b, err := q.Bytes()
	if err != nil {
		return wire.Hash{}, err
	}
	return sha256.Sum256(append([]byte("entente/gridlock-queue/1\n"), b...)), nil
}

func (q *Queue) fields(f *wire.Fields) {
	currency := q.Currency.Code()
	f.Text(1, &q.Ledger, 64)
	f.Text(2, &currency, 3)
	f.Count(3, &q.AtMS)
	wire.List(f, 4, &q.Accounts, AccountsMost, func(f *wire.Fields, a *Account) {
		f.Text(1, &a.ID, 64)
		f.Text(2, &a.Owner, 64)
		f.Count(3, &a.AvailableMinor)
		f.Count(4, &a.PerPaymentMinor)
		f.Count(5, &a.PerDayMinor)
		f.Count(6, &a.UsedMinor)
	})
	wire.List(f, 5, &q.Payments, QueueMost, func(f *wire.Fields, p *Queued) {
		f.Fixed(1, p.ID[:])
		f.Text(2, &p.From, 64)
		f.Text(3, &p.To, 64)
		f.Count(4, &p.Minor)
		f.U8(5, (*uint8)(&p.Class))
		f.Count(6, &p.QueuedMS)
		f.U32(7, &p.Left)
	})
	parsed, err := money.ParseCurrency(currency)
	if err != nil {
		f.Refuse(2, "the currency is unknown")
		return
	}
	q.Currency = parsed
}

func queueInvalid(format string, args ...any) error {
	return refusal.Newf(CodeQueueInvalid, "queue approved payments between two accounts of one ledger", "the queue cannot be resolved: %s", fmt.Sprintf(format, args...))
}

func tooMuch(currency money.Currency) error {
	return refusal.Newf(money.CodeOverflow, "resolve fewer payments at once", "balances and payments of the queue together are beyond what a 64-bit amount of %s can hold", currency)
}
