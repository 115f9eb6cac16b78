package transcript

import (
	"math"
	"math/bits"

	"entente/schema/refusal"
)

// MaxSize is the largest number of leaves a tree or checkpoint may state: 2^63-1, the most that tlog clients can count.
const MaxSize = math.MaxInt64

// Tree is the right edge of an append-only Merkle tree: enough to append and to state the root, without the leaves.
// The zero value is the empty tree. Assignment copies it whole (about 2 KB), so that a batch can be tried on a copy and dropped;
// two trees are equal (==) exactly when they have the same size and the same right edge.
type Tree struct {
	size uint64
	// edge[l] is the root of the complete subtree of 2^l leaves that bit l of size stands for, and zero where the bit is clear.
	edge [64]Hash
}

// Append adds one leaf by its [LeafHash], in the way a binary counter adds one.
func (t *Tree) Append(leaf Hash) { t.Grow(leaf) }

// Grow is [Tree.Append], and gives the nodes that the leaf completed, lowest level first: none for 255 leaves of 256.
func (t *Tree) Grow(leaf Hash) (completed []Node) {
	h, level := leaf, 0
	for ; t.size>>level&1 == 1; level++ {
		h = inner(t.edge[level], h)
		t.edge[level] = Hash{}
		if up := level + 1; up%TileHeight == 0 {
			completed = append(completed, Node{Level: up / TileHeight, N: int64(t.size >> up), Hash: h})
		}
	}
	t.edge[level] = h
	t.size++
	return completed
}

// Size is the number of leaves.
func (t *Tree) Size() uint64 { return t.size }

// Root is the Merkle tree hash of the leaves so far (RFC 6962, section 2.1), [EmptyRoot] when there are none.
func (t *Tree) Root() Hash {
	if t.size == 0 {
		return EmptyRoot
	}
	level := bits.TrailingZeros64(t.size)
	root := t.edge[level]
	for level++; level < 64; level++ {
		if t.size>>level&1 == 1 {
			root = inner(t.edge[level], root)
		}
	}
	return root
}

// Nodes gives the roots of the complete subtrees from left (largest) to right, one for each set bit of [Tree.Size]: what a store keeps for [Restore].
func (t *Tree) Nodes() []Hash {
	nodes := make([]Hash, 0, bits.OnesCount64(t.size))
	for level := 63; level >= 0; level-- {
		if t.size>>level&1 == 1 {
			nodes = append(nodes, t.edge[level])
		}
	}
	return nodes
}

// Restore makes the tree again from its size and [Tree.Nodes]; a number of nodes that does not fit the size is refused with "tree_malformed".
// Whether the nodes are the true ones is for the caller to check: the root must be the one in the last checkpoint.
func Restore(size uint64, nodes []Hash) (Tree, error) {
	if size > MaxSize || len(nodes) != bits.OnesCount64(size) {
		return Tree{}, refusal.Newf(TreeMalformed, "rebuild the tree from the stored leaves",
			"a tree of %d leaves has %d stored nodes, and %d were given", size, bits.OnesCount64(size), len(nodes))
	}
	t := Tree{size: size}
	for level, i := 63, 0; level >= 0; level-- {
		if size>>level&1 == 1 {
			t.edge[level] = nodes[i]
			i++
		}
	}
	return t, nil
}

// TreeOf makes the tree of the given leaf hashes.
func TreeOf(leaves []Hash) Tree {
	var t Tree
	for _, leaf := range leaves {
		t.Append(leaf)
	}
	return t
}

// RootOf is the root over the leaves themselves (not their hashes).
func RootOf(leaves [][]byte) Hash {
	var t Tree
	for _, leaf := range leaves {
		t.Append(LeafHash(leaf))
	}
	return t.Root()
}
