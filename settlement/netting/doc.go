// Package netting decides what to pay: which bills a few payments discharge together, and which queued payments settle together when none could alone.
//
// Netting has two schemes, Bilateral and Multilateral, and one result, a Round: bills of a pair of nations become a Net, nets become Positions, positions
// Payments. Bills are discharged whole. Every bill stands in exactly one net, with its sign, and the signed sum of a net's bills is its amount; the signed sum
// of a payment's nets is what it pays. So a bank that holds nothing but the bills' total commitments can check both: CheckNet and CheckPayment add and
// subtract the points and ask whether they open to the amount. Across currencies bills count only at a rate the agreement names, one conversion for each net.
//
// Gridlock resolution takes the Queue of one ledger at one instant and gives a Run: which payments settle, all at once. The rule, gridlock/1, is a function of
// the queue and of nothing else:
//
//  1. A set of payments may settle when no account ends below zero, none pays more than its limit of the day allows, and no payment exceeds its payer's limit
//     per payment. Inflows of the same run count: that is what resolves gridlock. They settle in one transaction or not at all.
//  2. Of two such sets the better one is found class by class, urgent first: the larger value settled in the class; for equal values the larger number.
//  3. Of sets that are equal in all classes the better one has the first payment, in the order of class, time queued and id, in which they differ.
//  4. Up to ExactMost payments the best set is found by branch and bound, unless that takes more than a fixed number of steps: the method is stated as exact.
//     Otherwise it is heuristic: from each of three beginnings (nothing; the best circulation of the bound, with whole payments; everything, less what cannot
//     be paid) payments are added together with those that fund them (each account by one payment, and in a second round by as many as it takes), exchanged
//     for others of the same payer that are worth less, and decided anew, a few at a time, by branch and bound, until nothing changes or a fixed number of
//     passes is over. The best set of all stands. Order, steps and passes are fixed: nothing is left to chance or to time.
//  5. With each class come two numbers: the value settled in it and all classes before it, and a bound that no set can exceed: what could settle in them if
//     payments could settle in parts.
//
// Promised: everything is a pure function of its arguments, and the order of bills, accounts and payments does not matter. Conservation: what a round's
// payments move is what its bills moved, member by member. No run makes a balance negative. A run can be replayed from the bytes of its queue, and says for
// each owner what settled, what waits, for how long and how often it was left.
//
// Not checked: signatures, proofs and whether a bill was paid before: the caller brings countersigned bills that are outstanding, and approved payments.
// Trusted: that balances and limits are the ledger's at that instant; the ledger checks them again when the run's payments settle.
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
	// CodeQueueInvalid refuses a queue with an account or payment that cannot be: no id, a negative balance, an unknown class, a payment to itself.
	CodeQueueInvalid refusal.Code = "queue_invalid"
	// CodeQueueRepeated refuses an account or payment that is there twice.
	CodeQueueRepeated refusal.Code = "queue_repeated"
	// CodeAccountMissing refuses a queue with a payment from or to an account it does not list.
	CodeAccountMissing refusal.Code = "queue_account_missing"
	// CodeQueueTooLarge refuses more accounts or payments than a run takes.
	CodeQueueTooLarge refusal.Code = "queue_too_large"
	// CodeExactTooLarge refuses an exact solution that would take too many steps.
	CodeExactTooLarge refusal.Code = "exact_too_large"
	// CodeRuleUnknown refuses to replay a run made by a rule this program does not have.
	CodeRuleUnknown refusal.Code = "rule_unknown"
	// CodeQueueDiffers refuses to replay a run with another queue than the one it was made of.
	CodeQueueDiffers refusal.Code = "queue_differs"
	// CodeRunDiffers refuses a run that is not what its rule gives for its queue.
	CodeRunDiffers refusal.Code = "run_differs"
)
