package engine

import (
	"errors"

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

// Broken is the refusal to go on with a journal that was changed.
func Broken(seq int64, what string) error {
	return refusal.Newf(CodeJournalBroken, "stop writing, keep the database as evidence, and restore the ledger from its archive", "at seq %d: %s", seq, what)
}
