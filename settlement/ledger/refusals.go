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
	CodeMalformed           refusal.Code = "malformed"
	CodeAmountInvalid       refusal.Code = "amount_invalid"
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
	CodeInsufficientFunds   refusal.Code = "insufficient_funds"
	CodeOverflow            refusal.Code = "overflow"
)

// Codes lists the ledger's refusals in order of precedence.
func Codes() []refusal.Code {
	return []refusal.Code{
		CodeIdempotencyConflict, CodeHoldExists, CodeHoldUnknown, CodeMalformed, CodeAmountInvalid, CodeAccountExists, CodeAccountUnknown,
		CodeAccountForeign, CodeAccountClosed, CodeAccountFrozen, CodeAccountPending, CodeBillUnknown, CodeBillForeign, CodeBillRepeated, CodeBillPaid,
		CodeInsufficientFunds, CodeOverflow,
	}
}

func refuse(code refusal.Code, do, format string, args ...any) error {
	return refusal.New(code, fmt.Sprintf(format, args...), do)
}

// earliest gives the refusal of the highest precedence, nil if there is none.
func earliest(errs ...error) error {
	var first error
	rank := len(Codes())
	for _, err := range errs {
		if at := slices.Index(Codes(), refusal.CodeOf(err)); err != nil && at < rank {
			first, rank = err, at
		}
	}
	return first
}
