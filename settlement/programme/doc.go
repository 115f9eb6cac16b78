// Package programme is what nations that exercise together and buy from each other owe each other: two nations' counts become confirmed lines, receipts of
// an equipment case become deliveries, and both become bills by the agreement's formula.
//
// The way through it:
//
//	Agreement.Validate         the members, categories, shares, tolerance and budgets everybody signed
//	Match(agreement, counts)   each nation's own Count: equal within the tolerance gives a Line, anything else a Divergence that freezes that line alone
//	Agreement.Deliveries(case) what receipts cover of a contract, and what is outstanding
//	CountPersonDays            how many days people of each member were present, by the lines of the roster's category
//	Pools                      what a supplier supplied in a category all share, and what each member bears of it
//	Charges, DraftBills        who owes whom how much, item by item
//	Budget.Check               whether what a member approved and is about to stays within what the agreement lets it be billed
//
// Promised: everything is a pure function of its arguments. Input order never matters, so that both desks of a bill draft the same bill from the same counts.
// Shares add up to the pool exactly: a line is shared rounded down, and one item for each supplier, category and debtor carries the rest. Nothing
// is billed that one side alone has stated. Whoever is refused is told every error at once, each with its place.
//
// Which documents stand, and by which version of an agreement, package exercise decides from what members signed.
//
// Not checked: signatures. Who signed a count or a receipt is settled before it comes here. Prices are taken as agreed when both counts state the same one.
package programme

import "entente/schema/refusal"

// The codes of the refusals this package gives, beside those of schema/money for amounts.
const (
	// CodeAgreementInvalid refuses an agreement that cannot be billed by: a missing name, a period that ends before it starts, too many categories.
	CodeAgreementInvalid refusal.Code = "agreement_invalid"
	// CodeSharesInvalid refuses basis-point shares that are not one per member and 10,000 in all.
	CodeSharesInvalid refusal.Code = "shares_invalid"
	// CodeBudgetInvalid refuses a budget that is there twice, is negative, or bounds nothing.
	CodeBudgetInvalid refusal.Code = "budget_invalid"
	// CodeOverBudget refuses bills that would take a member above what the agreement lets it be billed.
	CodeOverBudget refusal.Code = "over_budget"
	// CodeDateInvalid refuses what is no civil date of the form 2023-10-04.
	CodeDateInvalid refusal.Code = "date_invalid"
	// CodeDateOutsidePeriod refuses a record or receipt dated outside the agreement's period.
	CodeDateOutsidePeriod refusal.Code = "date_outside_period"
	// CodeUnknownMember refuses a nation that is no member of the agreement.
	CodeUnknownMember refusal.Code = "unknown_member"
	// CodeUnknownCategory refuses a category the agreement does not list.
	CodeUnknownCategory refusal.Code = "unknown_category"
	// CodeWrongNation refuses a nation's count of something it neither supplied nor received.
	CodeWrongNation refusal.Code = "wrong_nation"
	// CodeRecordInvalid refuses a record whose texts or quantities cannot be billed.
	CodeRecordInvalid refusal.Code = "record_invalid"
	// CodeRosterMissing refuses to share a cost by person-days where no head count is confirmed.
	CodeRosterMissing refusal.Code = "roster_missing"
	// CodeRecordRepeated refuses a count that states the same date, category, supplier, receiver and item twice.
	CodeRecordRepeated refusal.Code = "record_repeated"
	// CodeCaseInvalid refuses an equipment case that cannot be billed by.
	CodeCaseInvalid refusal.Code = "case_invalid"
	// CodeUnknownContractLine refuses a receipt for a line the contract does not have.
	CodeUnknownContractLine refusal.Code = "unknown_contract_line"
	// CodeReceiptInvalid refuses a receipt whose quantities or number of serial numbers cannot be right.
	CodeReceiptInvalid refusal.Code = "receipt_invalid"
	// CodeReceiptRepeated refuses a second receipt of the same number for the same contract line.
	CodeReceiptRepeated refusal.Code = "receipt_repeated"
	// CodeOverDelivery refuses a receipt for more than the contract line still has outstanding.
	CodeOverDelivery refusal.Code = "over_delivery"
	// CodeUnknownSerial refuses a serial number that does not belong to the contract line.
	CodeUnknownSerial refusal.Code = "unknown_serial"
	// CodeSerialRepeated refuses a serial number stated or accepted twice.
	CodeSerialRepeated refusal.Code = "serial_repeated"
)
