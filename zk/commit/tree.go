package commit

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"entente/schema/refusal"
)

// Sizes of a chunk in items. A bill of n items is several chunks, whose commitments add up.
const (
	SmallChunk  = 16
	MediumChunk = 64
	LargeChunk  = 256
)

// ChunkFor gives the smallest chunk that holds n items, or LargeChunk when n needs several.
func ChunkFor(n int) int {
	switch {
	case n <= SmallChunk:
		return SmallChunk
	case n <= MediumChunk:
		return MediumChunk
	}
	return LargeChunk
}

func checkChunk(items, size int) error {
	if size != SmallChunk && size != MediumChunk && size != LargeChunk {
		return refusal.Newf(CodeChunkInvalid, "use chunks of 16, 64 or 256 items", "there are no chunks of %d items", size)
	}
	if items > size {
		return refusal.Newf(CodeChunkInvalid, "split the items into several chunks", "%d items do not fit a chunk of %d", items, size)
	}
	return nil
}

// DigestItems gives D, the root of the tree over items in their order, the slots behind them empty (zero). With size 16 the root is one node over the
// leaves; with 64 and 256 it is a node over 4 or 16 such nodes, unused children zero. Refused: chunk_invalid, item_invalid, amount_out_of_range,
// digest_invalid (a salt or the context is not below the modulus).
func DigestItems(items []Item, size int, context Digest) (Digest, error) {
	levels, err := buildTree(items, size, context)
	if err != nil {
		return Digest{}, err
	}
	return levels[len(levels)-1][0].Bytes(), nil
}

// buildTree gives the levels from the leaves (size of them) to the root (one).
func buildTree(items []Item, size int, context Digest) ([][]fr.Element, error) {
	if err := checkChunk(len(items), size); err != nil {
		return nil, err
	}
	if _, err := context.element(); err != nil {
		return nil, err
	}
	level := make([]fr.Element, size)
	for i := range items {
		leaf, err := items[i].leaf(context)
		if err != nil {
			return nil, err
		}
		level[i] = leaf
	}
	levels := [][]fr.Element{level}
	for len(level) > 1 {
		next := make([]fr.Element, (len(level)+NodeWidth-1)/NodeWidth)
		for i := range next {
			next[i] = node(level[i*NodeWidth : min(len(level), (i+1)*NodeWidth)])
		}
		levels, level = append(levels, next), next
	}
	return levels, nil
}

// node compresses up to 16 children at width 16, the missing ones zero.
func node(children []fr.Element) fr.Element {
	var x [NodeWidth]fr.Element
	copy(x[:], children)
	return compress(nodePermutation(), x[:])
}

// Disclosure opens one item of a chunk to somebody who knows D and the context: the item, its place, and from the leaf upwards the 15 other children of
// each node on the way, in their order.
type Disclosure struct {
	Item  Item
	Size  int
	Index int
	Path  [][NodeWidth - 1]Digest
}

// Disclose makes the disclosure of items[index], with the refusals of DigestItems and chunk_invalid when there is no such item.
func Disclose(items []Item, size int, context Digest, index int) (Disclosure, error) {
	levels, err := buildTree(items, size, context)
	if err != nil {
		return Disclosure{}, err
	}
	if index < 0 || index >= len(items) {
		return Disclosure{}, refusal.Newf(CodeChunkInvalid, "name an item of the chunk", "the chunk has %d items and none at %d", len(items), index)
	}
	d := Disclosure{Item: items[index], Size: size, Index: index}
	position := index
	for _, level := range levels[:len(levels)-1] {
		first := position / NodeWidth * NodeWidth
		var siblings [NodeWidth - 1]Digest
		n := 0
		for j := range NodeWidth {
			if first+j == position {
				continue
			}
			if first+j < len(level) {
				siblings[n] = level[first+j].Bytes()
			}
			n++
		}
		d.Path = append(d.Path, siblings)
		position /= NodeWidth
	}
	return d, nil
}

// CheckDisclosure recomputes the root from the disclosed item and compares it with root. Refused (disclosure_invalid) when they differ or the path does not
// fit the size, and as the item itself is refused otherwise. NB: context must be rebuilt from the countersigned bill, not taken from the discloser, and the
// item's Details compared with the SHA-256 of the record shown.
func CheckDisclosure(root, context Digest, d Disclosure) error {
	if err := checkChunk(0, d.Size); err != nil {
		return err
	}
	depth := 1
	if d.Size > NodeWidth {
		depth = 2
	}
	if d.Index < 0 || d.Index >= d.Size || len(d.Path) != depth {
		return refusal.New(CodeDisclosureInvalid, "the path does not fit the chunk's size", "ask the desk for the disclosure again")
	}
	current, err := d.Item.leaf(context)
	if err != nil {
		return err
	}
	position := d.Index
	for _, siblings := range d.Path {
		var children [NodeWidth]fr.Element
		n := 0
		for j := range children {
			if j == position%NodeWidth {
				children[j] = current
				continue
			}
			if children[j], err = siblings[n].element(); err != nil {
				return err
			}
			n++
		}
		current = node(children[:])
		position /= NodeWidth
	}
	if Digest(current.Bytes()) != root {
		return refusal.New(CodeDisclosureInvalid, "the item is not in the countersigned chunk", "treat the item as not disclosed and report the discloser")
	}
	return nil
}
