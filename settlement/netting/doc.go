// Package netting decides what to pay: which bills a few payments discharge together.
//
// Netting has two schemes, Bilateral and Multilateral, and one result, a Round: bills of a pair of nations become a Net, nets become Positions, positions
// Payments. Bills are discharged whole. Every bill stands in exactly one net, with its sign, and the signed sum of a net's bills is its amount; the signed sum
// of a payment's nets is what it pays. So a bank that holds nothing but the bills' total commitments can check both: CheckNet and CheckPayment add and
// subtract the points and ask whether they open to the amount. Across currencies bills count only at a rate the agreement names, one conversion for each net.
//
// Promised: everything is a pure function of its arguments, and the order of bills does not matter. Conservation: what a round's
// payments move is what its bills moved, member by member.
//
// Not checked: signatures, proofs and whether a bill was paid before: the caller brings countersigned bills that are outstanding.
package netting

import "entente/schema/refusal"

// The codes of the refusals this package gives, beside those of schema/money for amounts and of zk/commit for points.
const (
	// CodeBillInvalid refuses a bill without two nations, a ledger, a hash or an amount above zero.
	CodeBillInvalid refusal.Code = "bill_invalid"
	// CodeBillRepeated refuses to net the same bill twice.
	CodeBillRepeated refusal.Code = "bill_repeated"
	// CodeLedgerCurrency refuses bills of two currencies on one ledger.
	CodeLedgerCurrency refusal.Code = "ledger_currency"
	// CodeSchemeUnknown refuses a scheme outside the closed list.
	CodeSchemeUnknown refusal.Code = "scheme_unknown"
	// CodeRateMissing refuses to net across currencies where the agreement names no rate.
	CodeRateMissing refusal.Code = "rate_missing"
	// CodeRateRepeated refuses two agreed rates for one currency.
	CodeRateRepeated refusal.Code = "rate_repeated"
	// CodeNetTooSmall refuses a net that the agreed rate would round to nothing.
	CodeNetTooSmall refusal.Code = "net_too_small"
	// CodeOpeningInvalid refuses bills whose signed sum does not open to the amount named.
	CodeOpeningInvalid refusal.Code = "net_opening_invalid"
	// CodeRoundInvalid refuses a round whose bills, positions and payments do not fit each other.
	CodeRoundInvalid refusal.Code = "round_invalid"
)
