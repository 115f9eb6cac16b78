package transcript_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

// vector is one line of the Merkle proof cases: an inclusion case when LeafHash is set, else a consistency case.
type vector struct {
	Case     string
	Size1    uint64
	Size2    uint64
	Root1    string
	Root2    string
	LeafIdx  uint64
	TreeSize uint64
	Root     string
	LeafHash string
	Proof    []string
	WantErr  bool
}

func (v vector) verify() error {
	path := make([]transcript.Hash, len(v.Proof))
	var err error
	for i, text := range v.Proof {
		if path[i], err = parse(text, err); err != nil {
			return err
		}
	}
	if strings.HasPrefix(v.Case, "inclusion/") {
		root, err := parse(v.Root, nil)
		leaf, err := parse(v.LeafHash, err)
		if err != nil {
			return err
		}
		return transcript.VerifyInclusion(root, v.TreeSize, v.LeafIdx, leaf, path)
	}
	root1, err := parse(v.Root1, nil)
	root2, err := parse(v.Root2, err)
	if err != nil {
		return err
	}
	return transcript.VerifyConsistency(v.Size1, root1, v.Size2, root2, path)
}

func parse(text string, earlier error) (transcript.Hash, error) {
	h, err := transcript.ParseHash(text)
	return h, errors.Join(earlier, err)
}

func TestEveryPublishedProofCaseIsDecidedAsItsAuthorsSay(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/tlog/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the published Merkle proof cases are not beside this repository")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var v vector
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			t.Run(v.Case, func(t *testing.T) {
				err := v.verify()
				if (err != nil) != v.WantErr {
					t.Errorf("error %v, but an error is wanted: %v", err, v.WantErr)
				}
				if err != nil && refusal.CodeOf(err) == "" {
					t.Errorf("%v has no refusal code", err)
				}
			})
		}
	}
}

func TestEveryLeafIsProvenInEveryTree(t *testing.T) {
	for n := 1; n <= 40; n++ {
		leaves := leafHashes(n)
		tree := transcript.TreeOf(leaves)
		for i := range leaves {
			path, err := transcript.ProveInclusion(leaves, uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			if err := transcript.VerifyInclusion(tree.Root(), tree.Size(), uint64(i), leaves[i], path); err != nil {
				t.Errorf("leaf %d of %d: %v", i, n, err)
			}
		}
	}
}

func TestAChangedInclusionProofIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 100).Draw(t, "leaves")
		i := rapid.IntRange(0, n-1).Draw(t, "index")
		leaves := leafHashes(n)
		tree := transcript.TreeOf(leaves)
		path, err := transcript.ProveInclusion(leaves, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		root, leaf, index, size := tree.Root(), leaves[i], uint64(i), tree.Size()
		switch change := rapid.SampledFrom([]string{"root", "leaf", "index", "path", "shorter", "longer"}).Draw(t, "change"); change {
		case "root":
			root[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		case "leaf":
			leaf[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		case "index":
			index = (index + 1 + uint64(rapid.IntRange(0, n-2).Draw(t, "shift"))) % size
		case "path":
			path[rapid.IntRange(0, len(path)-1).Draw(t, "node")][0] ^= 1
		case "shorter":
			path = path[1:]
		case "longer":
			path = append(path, root)
		}
		err = transcript.VerifyInclusion(root, size, index, leaf, path)
		if refusal.CodeOf(err) != transcript.MerkleProofInvalid {
			t.Fatalf("a changed proof gives %v", err)
		}
	})
}

func TestEveryTreeIsProvenToGrowOutOfEveryEarlierOne(t *testing.T) {
	for n := range 40 {
		leaves := leafHashes(n)
		tree := transcript.TreeOf(leaves)
		for m := range n + 1 {
			old := transcript.TreeOf(leaves[:m])
			path, err := transcript.ProveConsistency(leaves, uint64(m))
			if err != nil {
				t.Fatal(err)
			}
			if err := transcript.VerifyConsistency(old.Size(), old.Root(), tree.Size(), tree.Root(), path); err != nil {
				t.Errorf("from %d to %d leaves: %v", m, n, err)
			}
		}
	}
}

func TestAProofForALeafOrSizeOutsideTheTreeIsRefused(t *testing.T) {
	leaves := leafHashes(3)
	if _, err := transcript.ProveInclusion(leaves, 3); refusal.CodeOf(err) != transcript.MerkleProofInvalid {
		t.Errorf("leaf 3 of 3 gives %v", err)
	}
	if _, err := transcript.ProveConsistency(leaves, 4); refusal.CodeOf(err) != transcript.MerkleProofInvalid {
		t.Errorf("old size 4 of 3 gives %v", err)
	}
	if err := transcript.VerifyConsistency(0, leaves[0], 3, transcript.RootOf(nil), nil); refusal.CodeOf(err) != transcript.MerkleProofInvalid {
		t.Errorf("a false root of the empty tree gives %v", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	var tree transcript.Tree
	leaf := transcript.LeafHash([]byte("leaf"))
	for b.Loop() {
		tree.Append(leaf)
	}
}

func ExampleVerifyInclusion() {
	leaves := []transcript.Hash{transcript.LeafHash([]byte("issue")), transcript.LeafHash([]byte("hold")), transcript.LeafHash([]byte("post"))}
	tree := transcript.TreeOf(leaves)
	path, err := transcript.ProveInclusion(leaves, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(path), transcript.VerifyInclusion(tree.Root(), tree.Size(), 1, leaves[1], path))
	// Output:
	// 2 <nil>
}
