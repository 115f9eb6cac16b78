package transcript_test

import (
	"crypto/ed25519"
	"testing"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

func FuzzParseVerifierKey(f *testing.F) {
	f.Add(transcript.VerifierKey("boj.example/log", ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)))
	f.Add("a+00000000+AQ==")
	f.Add("++")
	f.Fuzz(func(t *testing.T, vkey string) {
		v, err := transcript.ParseVerifierKey(vkey)
		switch {
		case err != nil && refusal.CodeOf(err) == "":
			t.Fatalf("%v is no refusal", err)
		case err == nil && v.Name() == "":
			t.Error("a key without a name")
		}
		if h, err := transcript.ParseHash(vkey); err == nil && h.String() != vkey {
			t.Errorf("%q is read as %s", vkey, h)
		}
	})
}

// FuzzVerify gives the verifiers any path: only the true one passes.
func FuzzVerify(f *testing.F) {
	var leaves []transcript.Hash
	for i := range 11 {
		leaves = append(leaves, transcript.LeafHash([]byte{byte(i)}))
	}
	rootOf := func(n int) transcript.Hash {
		tree := transcript.TreeOf(leaves[:n])
		return tree.Root()
	}
	path, err := transcript.ProveInclusion(leaves, 6)
	if err != nil {
		f.Fatal(err)
	}
	growth, err := transcript.ProveConsistency(leaves, 6)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint64(6), join(path))
	f.Add(uint64(6), join(growth))
	f.Add(uint64(0), []byte{})
	f.Add(uint64(1)<<63, make([]byte, 32*64))
	root := rootOf(len(leaves))
	f.Fuzz(func(t *testing.T, at uint64, bytes []byte) {
		var given []transcript.Hash
		for ; len(bytes) >= 32; bytes = bytes[32:] {
			given = append(given, transcript.Hash(bytes[:32]))
		}
		index := at % uint64(len(leaves))
		if transcript.VerifyInclusion(root, uint64(len(leaves)), at, leaves[index], given) == nil {
			if want, err := transcript.ProveInclusion(leaves, at); err != nil || string(join(want)) != string(join(given)) {
				t.Errorf("leaf %d is in the tree by another path", at)
			}
		}
		if transcript.VerifyConsistency(at, rootOf(int(index)), uint64(len(leaves)), root, given) == nil {
			if want, err := transcript.ProveConsistency(leaves, at); err != nil || string(join(want)) != string(join(given)) {
				t.Errorf("the tree grew from %d leaves by another path", at)
			}
		}
	})
}

func join(path []transcript.Hash) (b []byte) {
	for _, h := range path {
		b = append(b, h[:]...)
	}
	return b
}
