package transcript

import (
	"golang.org/x/mod/sumdb/tlog"

	"entente/schema/refusal"
)

// The shape of tiles (C2SP tlog-tiles): a tile spans 8 levels of the tree, so that a full one is 256 hashes wide.
const (
	TileHeight = 8
	TileWidth  = 1 << TileHeight
)

// Node is the root of a complete subtree of 256^Level leaves: the hash at N of all the tiles of its level side by side. A store that keeps the nodes of level
// 1 and up, one for 256 leaves, can give any tile after reading at most 256 rows.
type Node struct {
	Level int   // from 1; leaves are level 0
	N     int64 // place among the nodes of its level, from 0
	Hash  Hash
}

// InclusionFromTiles makes the proof that a leaf is in the tree under a head, from the log's tiles. The tiles are checked against the head's root.
// Refusal: merkle_proof_invalid. What the reader returns comes back as it is.
func InclusionFromTiles(head Checkpoint, index uint64, tiles tlog.TileReader) ([]Hash, error) {
	if index >= head.Size {
		return nil, refusal.Newf(MerkleProofInvalid, "ask for a smaller index or a larger tree", "leaf %d is not in a tree of %d leaves", index, head.Size)
	}
	path, err := tlog.ProveRecord(int64(head.Size), int64(index), hashes(head, tiles))
	return ours(path), err
}

// ConsistencyFromTiles makes the proof that the tree of oldSize leaves grew into the tree under a head, from the log's tiles. The tiles are checked against
// the head's root. It is empty when nothing was there before or nothing was added. Refusal: merkle_proof_invalid. What the reader returns comes back as it is.
func ConsistencyFromTiles(oldSize uint64, head Checkpoint, tiles tlog.TileReader) ([]Hash, error) {
	if oldSize > head.Size {
		return nil, refusal.Newf(MerkleProofInvalid, "ask for a smaller old size", "a tree of %d leaves never had %d", head.Size, oldSize)
	}
	if oldSize == 0 || oldSize == head.Size {
		return nil, nil
	}
	path, err := tlog.ProveTree(int64(head.Size), int64(oldSize), hashes(head, tiles))
	return ours(path), err
}

// hashes reads stored hashes from tiles, and believes those alone that lead to the head's root.
func hashes(head Checkpoint, tiles tlog.TileReader) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: int64(head.Size), Hash: tlog.Hash(head.Root)}, tiles)
}

func ours(path []tlog.Hash) []Hash {
	if path == nil {
		return nil
	}
	out := make([]Hash, len(path))
	for i, h := range path {
		out[i] = Hash(h)
	}
	return out
}
