package engine

import (
	"errors"
	"fmt"

	"entente/schema/refusal"
)

// Refusals of the engine.
const (
	CodeBusy          refusal.Code = "busy"           // the queue is full
	CodeJournalBroken refusal.Code = "journal_broken" // the stored journal is not what was written
	CodeLedgerForeign refusal.Code = "ledger_foreign" // the store keeps another ledger
	CodeMisconfigured refusal.Code = "misconfigured"  // the engine was given parts that do not fit together
	CodeMomentAhead   refusal.Code = "moment_ahead"   // a moment of the ledger that is not there yet
)

// Faults an engine stops on. None of them says that a work was carried out, nor that it was not: open the store again and ask.
var (
	ErrStopped = errors.New("the engine has stopped")
	ErrFenced  = errors.New("fenced: another writer took over the ledger")
)

// Damage is the refusal to go on with a journal that was changed, and where it was: the first entry that cannot be believed.
type Damage struct {
	Seq int64
	refusal.Refusal
}

// Broken names damage.
func Broken(seq int64, what string) error {
	return &Damage{seq, refusal.Refusal{Code: CodeJournalBroken, What: what, Do: "stop writing, keep the database as evidence, and restore the ledger from its archive"}}
}

// Error gives "journal_broken at seq N: what; nothing was changed; what to do".
func (d *Damage) Error() string {
	placed := d.Refusal
	placed.Code = refusal.Code(fmt.Sprintf("%s at seq %d", d.Code, d.Seq))
	return placed.Error()
}

// Unwrap gives the refusal without its place.
func (d *Damage) Unwrap() error { return &d.Refusal }
