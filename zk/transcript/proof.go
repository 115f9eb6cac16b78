package transcript

import (
	"math/bits"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"entente/schema/refusal"
)

// ProveInclusion makes the proof that leaves[index] is in the tree of all the leaves (hashes by [LeafHash]): sibling hashes from the leaf up
// (RFC 6962, section 2.1.1). It hashes the whole tree once.
func ProveInclusion(leaves []Hash, index uint64) ([]Hash, error) {
	if index >= uint64(len(leaves)) {
		return nil, refusal.Newf(MerkleProofInvalid, "ask for a smaller index or a larger tree", "leaf %d is not in a tree of %d leaves", index, len(leaves))
	}
	return inclusion(leaves, index), nil
}

// inclusion is PATH(m, D[n]) of RFC 6962.
func inclusion(leaves []Hash, index uint64) []Hash {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if index < k {
		return append(inclusion(leaves[:k], index), rootOfHashes(leaves[k:]))
	}
	return append(inclusion(leaves[k:], index-k), rootOfHashes(leaves[:k]))
}

// ProveConsistency makes the proof that the tree of the first oldSize leaves grew into the tree of all of them (RFC 6962, section 2.1.2).
// It is empty when nothing was there before or nothing was added.
func ProveConsistency(leaves []Hash, oldSize uint64) ([]Hash, error) {
	n := uint64(len(leaves))
	if oldSize > n {
		return nil, refusal.Newf(MerkleProofInvalid, "ask for a smaller old size", "a tree of %d leaves never had %d", n, oldSize)
	}
	if oldSize == 0 || oldSize == n {
		return nil, nil
	}
	return consistency(leaves, oldSize, true), nil
}

// consistency is SUBPROOF(m, D[n], b) of RFC 6962; whole says that the old root itself is known to the reader.
func consistency(leaves []Hash, m uint64, whole bool) []Hash {
	if m == uint64(len(leaves)) {
		if whole {
			return nil
		}
		return []Hash{rootOfHashes(leaves)}
	}
	k := split(len(leaves))
	if m <= k {
		return append(consistency(leaves[:k], m, whole), rootOfHashes(leaves[k:]))
	}
	return append(consistency(leaves[k:], m-k, false), rootOfHashes(leaves[:k]))
}

// split is the largest power of two smaller than n, for n of at least 2: where RFC 6962 divides a tree.
func split(n int) uint64 { return 1 << (bits.Len(uint(n-1)) - 1) }

func rootOfHashes(leaves []Hash) Hash {
	t := TreeOf(leaves)
	return t.Root()
}

// VerifyInclusion says whether the proof shows leaf (a [LeafHash]) at index of the tree with this size and root; if not, "merkle_proof_invalid".
func VerifyInclusion(root Hash, size, index uint64, leaf Hash, path []Hash) error {
	err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], raw(path), root[:])
	if err != nil {
		return refusal.Newf(MerkleProofInvalid, "fetch leaf, proof and checkpoint again from the log; if it stays so, report the log",
			"leaf %d is not shown to be in the tree of %d leaves (%v)", index, size, err)
	}
	return nil
}

// VerifyConsistency says whether the proof shows that the old tree is a prefix of the new one; if not, "merkle_proof_invalid".
func VerifyConsistency(oldSize uint64, oldRoot Hash, newSize uint64, newRoot Hash, path []Hash) error {
	err := proof.VerifyConsistency(rfc6962.DefaultHasher, oldSize, newSize, raw(path), oldRoot[:], newRoot[:])
	// The library takes any root for an empty tree; there is only one.
	emptyForged := oldSize == 0 && oldRoot != EmptyRoot || newSize == 0 && newRoot != EmptyRoot
	switch {
	case err != nil:
		return refusal.Newf(MerkleProofInvalid, "fetch the proof again from the log; if it stays so, report the log",
			"the tree of %d leaves is not shown to grow out of the tree of %d (%v)", newSize, oldSize, err)
	case emptyForged:
		return refusal.New(MerkleProofInvalid, "a tree without leaves is given a root that is not the empty tree's", "report the log")
	}
	return nil
}

func raw(hashes []Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}
