package transcript

import "entente/schema/refusal"

// What this package refuses.
const (
	// HashMalformed: the text is not one hash in canonical base64.
	HashMalformed refusal.Code = "hash_malformed"
	// KeyNameInvalid: a log's or witness's key name is empty or holds a space, a control character or a plus sign.
	KeyNameInvalid refusal.Code = "key_name_invalid"
	// VerifierKeyMalformed: the text is not one Ed25519 verifier key in its only encoding.
	VerifierKeyMalformed refusal.Code = "verifier_key_malformed"
	// TreeMalformed: the number of nodes does not fit the size of the tree.
	TreeMalformed refusal.Code = "tree_malformed"
	// MerkleProofInvalid: an inclusion or consistency proof does not lead to the root, or asks for a leaf outside the tree.
	MerkleProofInvalid refusal.Code = "merkle_proof_invalid"
	// CheckpointMalformed: the bytes are not one checkpoint in its only encoding.
	CheckpointMalformed refusal.Code = "checkpoint_malformed"
	// EmptyRootForged: a checkpoint of no leaves has another root than the empty tree.
	EmptyRootForged refusal.Code = "empty_root_forged"
	// CheckpointUnsigned: no given key named after the checkpoint's origin has validly signed it, or the signature of a given key is wrong.
	CheckpointUnsigned refusal.Code = "checkpoint_unsigned"
	// SplitView: two heads that one append-only log cannot both have had: a rollback, a fork, or a proof that does not connect them.
	SplitView refusal.Code = "split_view"
)
