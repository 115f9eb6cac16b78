package transcript_test

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

// shelf gives tiles the way a store does: leaves' hashes as they are, higher levels from the nodes that the growing tree told of.
type shelf struct {
	leaves []transcript.Hash
	nodes  map[int][]transcript.Hash
	spoil  func(tlog.Tile, []byte)
}

func shelve(leaves []transcript.Hash) (*shelf, transcript.Tree) {
	s := &shelf{leaves: leaves, nodes: map[int][]transcript.Hash{}}
	var tree transcript.Tree
	for _, leaf := range leaves {
		for _, n := range tree.Grow(leaf) {
			if int(n.N) != len(s.nodes[n.Level]) {
				panic("a node out of its place")
			}
			s.nodes[n.Level] = append(s.nodes[n.Level], n.Hash)
		}
	}
	return s, tree
}

func (s *shelf) Height() int                     { return transcript.TileHeight }
func (s *shelf) SaveTiles([]tlog.Tile, [][]byte) {}
func (s *shelf) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		row := s.nodes[t.L]
		if t.L == 0 {
			row = s.leaves
		}
		from := int(t.N) * transcript.TileWidth
		if from+t.W > len(row) {
			return nil, errors.New("no such tile")
		}
		for _, h := range row[from : from+t.W] {
			out[i] = append(out[i], h[:]...)
		}
		if s.spoil != nil {
			s.spoil(t, out[i])
		}
	}
	return out, nil
}

func headOver(tree *transcript.Tree) transcript.Checkpoint {
	return transcript.Checkpoint{Origin: origin, Size: tree.Size(), Root: tree.Root()}
}

func TestNodesAreTheRootsOfTheirLeaves(t *testing.T) {
	leaves := leafHashes(1<<16 + 300)
	s, _ := shelve(leaves)
	if got := []int{len(s.nodes[1]), len(s.nodes[2]), len(s.nodes[3])}; !slices.Equal(got, []int{257, 1, 0}) {
		t.Fatalf("%v nodes by level", got)
	}
	for _, at := range []int{0, 1, 255, 256} {
		tree := transcript.TreeOf(leaves[256*at : 256*(at+1)])
		if s.nodes[1][at] != tree.Root() {
			t.Errorf("node %d of level 1 is not the root of its 256 leaves", at)
		}
	}
	if tree := transcript.TreeOf(leaves[:1<<16]); s.nodes[2][0] != tree.Root() {
		t.Error("the node of level 2 is not the root of its 65,536 leaves")
	}
}

func TestProofsFromTilesAreThoseFromLeaves(t *testing.T) {
	leaves := leafHashes(1500)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, len(leaves)).Draw(t, "size")
		old := rapid.IntRange(0, size).Draw(t, "old")
		index := rapid.IntRange(0, size-1).Draw(t, "index")
		s, tree := shelve(leaves[:size])
		got, err := transcript.ConsistencyFromTiles(uint64(old), headOver(&tree), s)
		want, wantErr := transcript.ProveConsistency(leaves[:size], uint64(old))
		if err != nil || wantErr != nil || !slices.Equal(got, want) {
			t.Fatalf("consistency of %d with %d: %v (%v), want %v (%v)", old, size, got, err, want, wantErr)
		}
		got, err = transcript.InclusionFromTiles(headOver(&tree), uint64(index), s)
		want, wantErr = transcript.ProveInclusion(leaves[:size], uint64(index))
		if err != nil || wantErr != nil || !slices.Equal(got, want) {
			t.Fatalf("inclusion of %d in %d: %v (%v), want %v (%v)", index, size, got, err, want, wantErr)
		}
	})
}

func TestAFalseTileGivesNoProof(t *testing.T) {
	s, tree := shelve(leafHashes(70_000))
	head := headOver(&tree)
	if _, err := transcript.ConsistencyFromTiles(300, head, s); err != nil {
		t.Fatal(err)
	}
	for level := range 3 {
		s.spoil = func(t tlog.Tile, data []byte) {
			if t.L == level {
				data[0] ^= 1
			}
		}
		if path, err := transcript.ConsistencyFromTiles(300, head, s); err == nil {
			t.Errorf("a false tile of level %d gives the proof %v", level, path)
		}
	}
}

func TestProofsOfWhatIsNotThereAreRefused(t *testing.T) {
	s, tree := shelve(leafHashes(10))
	if _, err := transcript.InclusionFromTiles(headOver(&tree), 10, s); refusal.CodeOf(err) != transcript.MerkleProofInvalid {
		t.Errorf("leaf 10 of 10: %v", err)
	}
	if _, err := transcript.ConsistencyFromTiles(11, headOver(&tree), s); refusal.CodeOf(err) != transcript.MerkleProofInvalid {
		t.Errorf("10 leaves that had 11: %v", err)
	}
}
