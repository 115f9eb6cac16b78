package wire

import "entente/schema/refusal"

// Codes of refusals that bytes and signatures can earn, in order of descending precedence: the first that applies is given.
const (
	CodeTooLarge       refusal.Code = "too_large"
	CodeSigInvalid     refusal.Code = "sig_invalid"
	CodeKeyUnknown     refusal.Code = "key_unknown"
	CodeKeyPurpose     refusal.Code = "key_purpose"
	CodeMalformed      refusal.Code = "malformed"
	CodeWrongNetwork   refusal.Code = "wrong_network"
	CodeWrongRecipient refusal.Code = "wrong_recipient"
	CodeSwapIDMismatch refusal.Code = "swap_id_mismatch"
	CodeAmountInvalid  refusal.Code = "amount_invalid"
	CodeOverflow       refusal.Code = "overflow"
	CodeDeadlineRange  refusal.Code = "deadline_range"
)

// Limits in bytes, checked before parsing.
const (
	LimitMessage    = 16 << 10  // one signed message
	LimitBatch      = 512 << 10 // messages and attachments in one carrier message
	LimitAttachment = 64 << 10  // one attached document
	LimitEnclosed   = 256 << 10 // signed messages that travel inside another's attachment, with their own attachments
	LimitLeaf       = 64 << 10
	LimitBundle     = 1 << 30

	limitPayload = 16 << 20 // in an envelope: the largest reply fits; whoever parses an envelope gives a narrower limit
)

// Limits on list lengths.
const (
	maxBanks      = 16
	maxLegs       = 16
	maxPostings   = 64
	maxBills      = 256
	maxChunks     = 256
	maxSignatures = 32
)

// Limits on texts, in bytes.
const (
	maxName   = 64 // names of networks, banks, nations, accounts
	maxReason = 280

	maxReserve = 35 // references of RTGS movements, as ISO 20022 bounds them
)

// ValidName tells whether a text may name a network, bank, nation, person or account: 1 to 64 bytes of UTF-8 without control characters.
func ValidName(s string) bool { return s != "" && len(s) <= maxName && textFault(s) == "" }
