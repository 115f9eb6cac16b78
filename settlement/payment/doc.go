// Package payment is one payment: what must be signed before banks act on it, and its life as the desk that makes it sees it. It is pure.
//
// Verify is the one check of a payment package that the banks of both legs run: the maker's instruction, the quorum of approvals, the provider's quote and
// the desk's acceptance of it, and the arithmetic between them. Step is the life: every state with its time and reason, by the table that Diagram draws.
//
// Promised: who is not pinned in the trust file authorises nothing; nobody approves their own; what is debited follows from the quote to the last minor unit;
// no path leads to settled around maker, approver and submission. Not checked here: that instruction and quote are used once, that accounts exist and are
// funded, that the bills are countersigned and their commitments open (the ledger does), and the windows of a swap (settlement/swap does).
// Trusted: the trust file, and the time that arrives with each call.
package payment

import "entente/schema/refusal"

// The codes of the refusals Verify and Step give, beside those of schema/wire, schema/money and wallet/quorum. Verify gives the first that applies in this
// order.
const (
	// CodeSignatureCount refuses an envelope that is not signed by exactly one key.
	CodeSignatureCount refusal.Code = "signature_count"
	// CodeMakerForeign refuses an instruction that another nation than the payer signed.
	CodeMakerForeign refusal.Code = "maker_foreign"
	// CodeApprovalForeign refuses an approval that names another instruction.
	CodeApprovalForeign refusal.Code = "approval_foreign"
	// CodePaymentRejected says that an approver rejected the instruction.
	CodePaymentRejected refusal.Code = "payment_rejected"
	// CodeExpired says that the instruction's deadline has passed.
	CodeExpired refusal.Code = "expired"
	// CodeAccountForeign refuses a bank, account or currency that the trust file does not give to payer or payee.
	CodeAccountForeign refusal.Code = "account_foreign"
	// CodeBillRepeated refuses an instruction that names one bill twice.
	CodeBillRepeated refusal.Code = "bill_repeated"
	// CodeBillTotalMismatch refuses openings that are not one for each bill, or do not add up to what is paid.
	CodeBillTotalMismatch refusal.Code = "bill_total_mismatch"
	// CodeBillForeign refuses a bill that is not what the payer owes the payee, or not the one the instruction names. CheckBill gives it.
	CodeBillForeign refusal.Code = "bill_foreign"
	// CodeBillOpening refuses an opening that is not that of the bill's total commitment. CheckBill and CheckOpening give it.
	CodeBillOpening refusal.Code = "bill_opening_invalid"
	// CodeQuoteMissing refuses a payment across currencies without a quote and its acceptance.
	CodeQuoteMissing refusal.Code = "quote_missing"
	// CodeQuoteForeign refuses a quote of another network, provider, taker, pair or ledger, or one that nothing calls for.
	CodeQuoteForeign refusal.Code = "quote_foreign"
	// CodeQuoteExpired says that the quote's time has passed.
	CodeQuoteExpired refusal.Code = "quote_expired"
	// CodeAcceptanceForeign refuses an acceptance of another quote, for another instruction, or by another nation.
	CodeAcceptanceForeign refusal.Code = "acceptance_foreign"
	// CodeQuoteAmount refuses an amount outside the quote's bounds; the sentence names the least that can be paid.
	CodeQuoteAmount refusal.Code = "quote_amount"
	// CodeAcceptanceAmount refuses an acceptance whose amounts do not follow from instruction and quote.
	CodeAcceptanceAmount refusal.Code = "acceptance_amount"
	// CodeOverDebitLimit refuses to debit more than the maker allowed.
	CodeOverDebitLimit refusal.Code = "over_debit_limit"
	// CodeWrongState refuses an event that the payment's state does not allow.
	CodeWrongState refusal.Code = "wrong_state"
	// CodeAlreadyApproved refuses a second approval by one person.
	CodeAlreadyApproved refusal.Code = "already_approved"
	// CodeDeadlineAhead refuses to expire a payment before its deadline.
	CodeDeadlineAhead refusal.Code = "deadline_ahead"
)
