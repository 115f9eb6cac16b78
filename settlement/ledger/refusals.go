package ledger

import (
	"fmt"
	"slices"

	"entente/schema/refusal"
)

// Refusals of the ledger, in order of descending precedence: of all that apply, over all postings and bills, the first is given.
const (
	CodeIdempotencyConflict refusal.Code = "idempotency_conflict"
	CodeHoldExists          refusal.Code = "hold_exists"
	CodeHoldUnknown         refusal.Code = "hold_unknown"
	CodeHoldExpired         refusal.Code = "hold_expired"
	CodeEntryUnknown        refusal.Code = "entry_unknown"
	CodeEntryReversed       refusal.Code = "entry_reversed"
	CodeEntryIrreversible   refusal.Code = "entry_irreversible"
	CodeMalformed           refusal.Code = "malformed"
	CodeAmountInvalid       refusal.Code = "amount_invalid"
	CodeExpiryInvalid       refusal.Code = "expiry_invalid"
	CodeValueDateInvalid    refusal.Code = "value_date_invalid"
	CodeReserveMissing      refusal.Code = "reserve_missing"
	CodeReserveRepeated     refusal.Code = "reserve_repeated"
	CodeHalted              refusal.Code = "halted"
	CodeNotHalted           refusal.Code = "not_halted"
	CodeDayInvalid          refusal.Code = "day_invalid"
	CodeDayOpen             refusal.Code = "day_open"
	CodeDayClosed           refusal.Code = "day_closed"
	CodeAccountExists       refusal.Code = "account_exists"
	CodeAccountUnknown      refusal.Code = "account_unknown"
	CodeAccountForeign      refusal.Code = "account_foreign"
	CodeAccountClosed       refusal.Code = "account_closed"
	CodeAccountFrozen       refusal.Code = "account_frozen"
	CodeAccountPending      refusal.Code = "account_pending"
	CodeBillUnknown         refusal.Code = "bill_unknown"
	CodeBillForeign         refusal.Code = "bill_foreign"
	CodeBillRepeated        refusal.Code = "bill_repeated"
	CodeBillPaid            refusal.Code = "bill_paid"
	CodeLimitTransfer       refusal.Code = "limit_transfer"
	CodeLimitDay            refusal.Code = "limit_day"
	CodeInsufficientFunds   refusal.Code = "insufficient_funds"
	CodeOverflow            refusal.Code = "overflow"
	CodeReserveMismatch     refusal.Code = "reserve_mismatch"
)

// Codes lists the ledger's refusals in order of precedence.
func Codes() []refusal.Code {
	return []refusal.Code{
		CodeIdempotencyConflict, CodeHoldExists, CodeHoldUnknown, CodeHoldExpired, CodeEntryUnknown, CodeEntryReversed, CodeEntryIrreversible,
		CodeMalformed, CodeAmountInvalid, CodeExpiryInvalid, CodeValueDateInvalid, CodeReserveMissing, CodeReserveRepeated, CodeHalted,
		CodeNotHalted, CodeDayInvalid, CodeDayOpen, CodeDayClosed, CodeAccountExists, CodeAccountUnknown, CodeAccountForeign, CodeAccountClosed,
		CodeAccountFrozen, CodeAccountPending, CodeBillUnknown, CodeBillForeign, CodeBillRepeated, CodeBillPaid, CodeLimitTransfer, CodeLimitDay,
		CodeInsufficientFunds, CodeOverflow, CodeReserveMismatch,
	}
}

func refuse(code refusal.Code, do, format string, args ...any) error {
	return refusal.New(code, fmt.Sprintf(format, args...), do)
}

// earliest gives the refusal of the highest precedence, nil if there is none.
func earliest(errs ...error) error {
	var first error
	rank := 0
	for _, err := range errs {
		if err == nil {
			continue
		}
		if at := slices.Index(Codes(), refusal.CodeOf(err)); first == nil || at < rank {
			first, rank = err, at
		}
	}
	return first
}
