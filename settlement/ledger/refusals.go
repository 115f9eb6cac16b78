package ledger

import (
	"fmt"

	"entente/schema/refusal"
)

// Refusals of the ledger, in order of descending precedence: the first that applies is given.
const (
	CodeIdempotencyConflict refusal.Code = "idempotency_conflict"
	CodeMalformed           refusal.Code = "malformed"
	CodeAmountInvalid       refusal.Code = "amount_invalid"
	CodeAccountExists       refusal.Code = "account_exists"
	CodeAccountUnknown      refusal.Code = "account_unknown"
	CodeAccountForeign      refusal.Code = "account_foreign"
	CodeAccountClosed       refusal.Code = "account_closed"
	CodeAccountFrozen       refusal.Code = "account_frozen"
	CodeAccountPending      refusal.Code = "account_pending"
	CodeBillUnknown         refusal.Code = "bill_unknown"
	CodeBillRepeated        refusal.Code = "bill_repeated"
	CodeBillForeign         refusal.Code = "bill_foreign"
	CodeBillPaid            refusal.Code = "bill_paid"
	CodeHoldUnknown         refusal.Code = "hold_unknown"
	CodeHoldExists          refusal.Code = "hold_exists"
	CodeInsufficientFunds   refusal.Code = "insufficient_funds"
	CodeOverflow            refusal.Code = "overflow"
)

// Codes lists the ledger's refusals in order of precedence.
func Codes() []refusal.Code {
	return []refusal.Code{
		CodeIdempotencyConflict, CodeMalformed, CodeAmountInvalid, CodeAccountExists, CodeAccountUnknown, CodeAccountForeign, CodeAccountClosed,
		CodeAccountFrozen, CodeAccountPending, CodeBillUnknown, CodeBillRepeated, CodeBillForeign, CodeBillPaid, CodeHoldUnknown, CodeHoldExists,
		CodeInsufficientFunds, CodeOverflow,
	}
}

func refuse(code refusal.Code, do, format string, args ...any) error {
	return refusal.New(code, fmt.Sprintf(format, args...), do)
}
