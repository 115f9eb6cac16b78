package transcript_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

func leafHashes(n int) []transcript.Hash {
	leaves := make([]transcript.Hash, n)
	for i := range leaves {
		leaves[i] = transcript.LeafHash(fmt.Appendf(nil, "leaf %d", i))
	}
	return leaves
}

func TestTheRootIsTheOneAnotherImplementationComputes(t *testing.T) {
	var (
		tree   transcript.Tree
		stored []tlog.Hash
		reader = tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(indexes))
			for i, x := range indexes {
				out[i] = stored[x]
			}
			return out, nil
		})
	)
	for n := range int64(300) {
		leaf := fmt.Appendf(nil, "leaf %d", n)
		hashes, err := tlog.StoredHashes(n, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		want, err := tlog.TreeHash(n+1, reader)
		if err != nil {
			t.Fatal(err)
		}
		tree.Append(transcript.LeafHash(leaf))
		if got := tree.Root(); got != transcript.Hash(want) {
			t.Fatalf("root of %d leaves is %v, want %v", n+1, got, want)
		}
	}
}

func TestTheEmptyTreeHasTheHashOfNothingAsRoot(t *testing.T) {
	const want = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	var tree transcript.Tree
	if got := tree.Root().String(); got != want {
		t.Errorf("root is %s, want %s", got, want)
	}
	if got := transcript.RootOf(nil).String(); got != want {
		t.Errorf("RootOf(nil) is %s, want %s", got, want)
	}
}

func TestATreeIsTheSameHoweverItCameAbout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "leaves")
		kept := rapid.IntRange(0, n).Draw(t, "kept before a restart")
		leaves := leafHashes(n)

		before := transcript.TreeOf(leaves[:kept])
		restored, err := transcript.Restore(before.Size(), before.Nodes())
		if err != nil {
			t.Fatal(err)
		}
		if restored != before {
			t.Fatal("the restored tree differs from the stored one")
		}
		tried := restored
		for _, leaf := range leaves[kept:] {
			tried.Append(leaf)
		}
		if tried != transcript.TreeOf(leaves) {
			t.Fatal("the tree depends on where it was restored")
		}
		if restored != before {
			t.Fatal("appending to a copy changed the original")
		}
	})
}

func TestNodesThatDoNotFitTheSizeAreRefused(t *testing.T) {
	for _, test := range []struct {
		size  uint64
		nodes int
	}{{0, 1}, {1, 0}, {3, 1}, {4, 2}, {1 << 63, 1}} {
		_, err := transcript.Restore(test.size, make([]transcript.Hash, test.nodes))
		if refusal.CodeOf(err) != transcript.TreeMalformed {
			t.Errorf("size %d with %d nodes gives %v", test.size, test.nodes, err)
		}
	}
}

func TestAHashHasOneTextForm(t *testing.T) {
	h := transcript.LeafHash([]byte("x"))
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back transcript.Hash
	if err := json.Unmarshal(b, &back); err != nil || back != h {
		t.Errorf("JSON gives %v back (%v), want %v", back, err, h)
	}
	// The last character but the padding carries two bits that belong to no byte.
	loose := transcript.EmptyRoot.String()
	loose = loose[:42] + "V="
	for _, text := range []string{"", "AAAA", loose, h.String() + "\n", h.String()[:20] + "\n" + h.String()[20:]} {
		if _, err := transcript.ParseHash(text); refusal.CodeOf(err) != transcript.HashMalformed {
			t.Errorf("%q gives %v", text, err)
		}
	}
}

func TestALeafOfAnyLengthHasOneHash(t *testing.T) {
	for _, n := range []int{0, 1, 1022, 1023, 1024, 5000} {
		leaf := bytes.Repeat([]byte{7}, n)
		if want := transcript.Hash(sha256.Sum256(append([]byte{0}, leaf...))); transcript.LeafHash(leaf) != want {
			t.Errorf("the hash of a leaf of %d bytes is %s, want %s", n, transcript.LeafHash(leaf), want)
		}
	}
}
