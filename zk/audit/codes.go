package audit

import "entente/schema/refusal"

// Codes of findings that are this package's own. Others come from where they belong: wire (malformed, bundle_damaged, wrong_network, sig_invalid,
// key_unknown, key_purpose), transcript (checkpoint_malformed, checkpoint_unsigned) and proof (proof_invalid, proof_malformed, vk_damaged, vk_unknown).
const (
	CodeTrustMissing            refusal.Code = "trust_missing"            // no trust file; one that is not usable is trust_file_invalid
	CodeLedgerUnknown           refusal.Code = "ledger_unknown"           // a log of a bank the trust file does not list, or in another currency
	CodeLedgerRepeated          refusal.Code = "ledger_repeated"          // two logs of one bank
	CodeLedgerMissing           refusal.Code = "ledger_missing"           // no log of a bank the trust file lists
	CodeSizeMismatch            refusal.Code = "size_mismatch"            // more or fewer leaves than the signed head says
	CodeRootMismatch            refusal.Code = "root_mismatch"            // the leaves do not hash to the signed root
	CodeLeafInvalid             refusal.Code = "leaf_invalid"             // not a leaf, not in its place, or without valid commitments
	CodeBillMissing             refusal.Code = "bill_missing"             // logged, and no signed bill in the bundle
	CodeBillUnlogged            refusal.Code = "bill_unlogged"            // in the bundle or paid, and not logged before
	CodeBillRepeated            refusal.Code = "bill_repeated"            // a bill, or an id and revision, twice
	CodeBillDiffers             refusal.Code = "bill_differs"             // the leaf's chunks or programme are not the bill's
	CodeBillForeign             refusal.Code = "bill_foreign"             // names another ledger or currency than the log it is in, or an outsider
	CodeBillReplaced            refusal.Code = "bill_replaced"            // paid although replaced, or replaced although held or paid
	CodeCountersignatureMissing refusal.Code = "countersignature_missing" // not signed by exactly creditor and debtor
	CodeProofMissing            refusal.Code = "proof_missing"            // not one proof for every chunk
	CodeBillPaidTwice           refusal.Code = "bill_paid_twice"          // discharged twice
	CodeBillHeldTwice           refusal.Code = "bill_held_twice"          // money set aside or paid for a bill that another payment holds
	CodeReversalForeign         refusal.Code = "reversal_foreign"         // takes back the discharge of a bill by a payment that did not discharge it
	CodeSettlementAmount        refusal.Code = "settlement_amount"        // an entry's amount commitment is not the sum of its bills' totals
	CodeCharterMissing          refusal.Code = "charter_missing"          // a programme whose members and categories nobody states
	CodeCharterRepeated         refusal.Code = "charter_repeated"         // two charters of one programme
	CodeCharterUnsigned         refusal.Code = "charter_unsigned"         // not signed by exactly its members
	CodeCharterShares           refusal.Code = "charter_shares"           // shares by which a category's cost cannot be divided
	CodeCharterBudget           refusal.Code = "charter_budget"           // a budget of no member, twice, or with limits that cannot be
	CodeStatementForeign        refusal.Code = "statement_foreign"        // names another network, ledger, currency or log than the pinned ones
	CodeStatementUnsigned       refusal.Code = "statement_unsigned"       // not signed by its creditor alone
	CodeStatementStale          refusal.Code = "statement_stale"          // made at another head than the bundle's
	CodeStatementSum            refusal.Code = "statement_sum"            // its sum is not the sum of the bills' commitments
	CodeStatementRepeated       refusal.Code = "statement_repeated"       // two statements about one slice
	CodeStatementMissing        refusal.Code = "statement_missing"        // a slice with bills that nobody states totals for
	CodeCategoryUnnamed         refusal.Code = "category_unnamed"         // a total above zero in a category the charter does not name
	CodeClaimUnsigned           refusal.Code = "claim_unsigned"           // not signed by the nation or bank it is about, alone
	CodeClaimForeign            refusal.Code = "claim_foreign"            // names another ledger, currency or log than the pinned ones
	CodeClaimStale              refusal.Code = "claim_stale"              // made at another head than the bundle's
	CodeClaimRepeated           refusal.Code = "claim_repeated"           // two claims about one thing
	CodeClaimUnfounded          refusal.Code = "claim_unfounded"          // about a budget, share or swap that the charters and logs do not have
	CodeBudgetMissing           refusal.Code = "budget_missing"           // nobody shows that a budget with bills was kept
	CodeBudgetSum               refusal.Code = "budget_sum"               // its sum is not the sum of the debtor's bills
	CodeShareMissing            refusal.Code = "share_missing"            // nobody shows that a shared cost was divided as agreed
	CodeShareCharges            refusal.Code = "share_charges"            // not one charge for every member
	CodeRateMissing             refusal.Code = "rate_missing"             // nobody states the rate of a settled swap
	CodeRateAmount              refusal.Code = "rate_amount"              // what it says was sold or bought is not what the log says was posted
	CodeSupplyMissing           refusal.Code = "supply_missing"           // a bank does not show what it issued
	CodeSupplyIssuance          refusal.Code = "supply_issuance"          // tokens come from, or go back to, more than one account
	CodeSupplySum               refusal.Code = "supply_sum"               // the balances do not add up to the supply it states
)
