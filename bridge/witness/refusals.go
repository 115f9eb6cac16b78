package witness

import "entente/schema/refusal"

// What a witness refuses beside checkpoint_malformed, checkpoint_unsigned, empty_root_forged and split_view of zk/transcript.
const (
	CodeMalformed  refusal.Code = "witness_request_malformed" // not an add-checkpoint request in its only form
	CodeLogUnknown refusal.Code = "log_unknown"               // the origin is none this witness watches
	CodeOldSize    refusal.Code = "old_size_invalid"          // the old size is larger than the head
	CodeConflict   refusal.Code = "old_size_conflict"         // the old size is not that of the head cosigned last
	CodeLogStopped refusal.Code = "log_stopped"               // a proven contradiction of this log waits for an operator

	// CodeNotCosigned: a feeder's refusal: the witness answered something else than its cosignature.
	CodeNotCosigned refusal.Code = "not_cosigned"
)
