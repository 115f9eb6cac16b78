package intake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/settlement/programme"
)

// Summary is what an imported file comes to: what a person sees before saying yes.
type Summary struct {
	Source       string
	Nation       programme.Nation
	Records      int
	Added        int
	Unchanged    int
	Changed      int
	Changes      []RecordChange // the changed records, at most MaxFindings of them
	Totals       []Total        // by category in the agreement's order, then by currency, what was supplied before what was received
	Digest       string         // SHA-256 over the records in order, in hexadecimal: the same for the same records, from either format
	FindingCount int
	Findings     []*Finding
	found        findings
}

// RecordChange is a record of the file that states something else than what is stored under its key.
type RecordChange struct {
	Line   int
	Key    programme.Key
	Before string // such as "120 kg at 38.50"
	After  string
}

// Total is what the records of one category, currency and direction come to. A record is priced as a bill's line is: rounded to the currency's minor unit,
// halves to even, record by record. What members share of it is not taken into account.
type Total struct {
	Category  string
	Direction Direction
	Records   int
	Amount    money.Amount
}

// Direction says which way a counting nation's goods went.
type Direction string

// The closed list of directions, seen from the nation that counts.
const (
	Supplied Direction = "supplied"
	Received Direction = "received"
)

type totalKey struct {
	category  string
	currency  money.Currency
	direction Direction
}

type totalling struct{ of map[totalKey]*Total }

// add counts a record in, and says whether that went: a sum beyond 64 bits is refused.
func (t *totalling) add(r *recordReader, a programme.Agreement, record programme.Record) bool {
	amount, err := lineAmount(a, record)
	if err == nil {
		key := totalKey{record.Category, amount.Currency(), Supplied}
		if record.Supplier != r.nation {
			key.direction = Received
		}
		total := t.of[key]
		if total == nil {
			total = &Total{Category: record.Category, Direction: key.direction, Amount: money.Zero(amount.Currency())}
			t.of[key] = total
		}
		var sum money.Amount
		if sum, err = total.Amount.Add(amount); err == nil {
			total.Amount, total.Records = sum, total.Records+1
			return true
		}
	}
	var fault *refusal.Refusal
	if !errors.As(err, &fault) {
		panic(fmt.Sprintf("intake: %v is no refusal", err))
	}
	r.found.add(r.finding("", fault))
	return false
}

func (t *totalling) list(a programme.Agreement) (all []Total) {
	for _, total := range t.of {
		all = append(all, *total)
	}
	slices.SortFunc(all, func(x, y Total) int {
		return cmp.Or(cmp.Compare(a.CategoryIndex(x.Category), a.CategoryIndex(y.Category)), cmp.Compare(x.Amount.Currency().Code(), y.Amount.Currency().Code()),
			-cmp.Compare(x.Direction, y.Direction))
	})
	return all
}

// compare counts what a sound record changes.
func (c *Checked) compare(record programme.Record, sound bool) {
	if !sound {
		return
	}
	switch change, before := c.from.change(record); change {
	case Added:
		c.Added++
	case Unchanged:
		c.Unchanged++
	case Changed:
		if c.Changed++; len(c.Changes) < MaxFindings {
			c.Changes = append(c.Changes, RecordChange{record.Line, record.Key, before.Statement(), record.Statement()})
		}
	}
}
