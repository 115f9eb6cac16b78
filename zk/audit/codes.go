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
	CodeSettlementAmount        refusal.Code = "settlement_amount"        // an entry's amount commitment is not the sum of its bills' totals
	CodeCharterMissing          refusal.Code = "charter_missing"          // a programme whose members and categories nobody states
	CodeCharterRepeated         refusal.Code = "charter_repeated"         // two charters of one programme
	CodeCharterUnsigned         refusal.Code = "charter_unsigned"         // not signed by exactly its members
	CodeStatementForeign        refusal.Code = "statement_foreign"        // names another network, ledger, currency or log than the pinned ones
	CodeStatementUnsigned       refusal.Code = "statement_unsigned"       // not signed by its creditor alone
	CodeStatementStale          refusal.Code = "statement_stale"          // made at another head than the bundle's
	CodeStatementSum            refusal.Code = "statement_sum"            // its sum is not the sum of the bills' commitments
	CodeStatementRepeated       refusal.Code = "statement_repeated"       // two statements about one slice
	CodeStatementMissing        refusal.Code = "statement_missing"        // a slice with bills that nobody states totals for
	CodeCategoryUnnamed         refusal.Code = "category_unnamed"         // a total above zero in a category the charter does not name
)
