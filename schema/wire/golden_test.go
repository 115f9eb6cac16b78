package wire

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files: only before version 1 is released, or for a new version")

// goldenText is a document's hash and bytes, in hexadecimal lines of 64 bytes.
func goldenText(k kind, b []byte) string {
	var text strings.Builder
	fmt.Fprintf(&text, "hash %s\n%d bytes\n", k.hash(b), len(b))
	for line := range chunksOf(b, 64) {
		text.WriteString(hex.EncodeToString(line) + "\n")
	}
	return text.String()
}

func chunksOf(b []byte, n int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			m := min(n, len(b))
			if !yield(b[:m]) {
				return
			}
			b = b[m:]
		}
	}
}

func goldenBytes(t *testing.T, text string) []byte {
	t.Helper()
	lines := strings.SplitN(text, "\n", 3)
	if len(lines) != 3 {
		t.Fatal("a golden file has a hash, a length and bytes")
	}
	b, err := hex.DecodeString(strings.ReplaceAll(lines[2], "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheBytesOfVersionOneAreFrozen(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			golden := filepath.Join("testdata", k.name+".hex")
			got := goldenText(k, Encode(k.sample))
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the encoding changed: %s", diff)
			}
			read := k.empty()
			frozen := goldenBytes(t, string(want))
			if err := Decode(frozen, k.limit, read); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(k.sample, read); diff != "" {
				t.Errorf("the frozen bytes say something else: %s", diff)
			}
			if !bytes.Equal(Encode(read), frozen) {
				t.Error("the frozen bytes do not encode to themselves")
			}
		})
	}
}

func TestDocumentsNameThemselvesByTheirFrozenHashes(t *testing.T) {
	payment, envelope := samplePayment(), sampleEnvelope()
	for name, got := range map[string]Hash{
		"terms": sampleTerms().SwapID(), "bill": sampleBill().Hash(), "instruction": sampleInstruction().Hash(), "quote": sampleQuote().Hash(),
		"payment": payment.Hash(), "envelope": envelope.Hash(), "post": samplePost().Hash(),
	} {
		k := kindNamed(name)
		if want := k.hash(Encode(k.sample)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if envelope.Hash() != sampleBill().Hash() {
		t.Error("a signed bill has another hash than the bill")
	}
}

// These values were recomputed from the doc comments by another program in another language.
func TestOtherHashesAreFrozen(t *testing.T) {
	key, _ := signatory(1, "JPN", "asha", PurposeUser)
	for name, c := range map[string]struct {
		got  Hash
		want string
	}{
		"key id":  {key.ID(), "d8265dbef50c1177d17c52fdd9ed0b8a8d51db06bf10821986b5d39a30ba9269"},
		"body":    {BodyHash([32]byte(fill(1, 32)), []byte("clear body")), "1e806849a2ec563e245e60165eba62da0392faaa7b8e7bc7a1fd5f6c2e8c0929"},
		"proofs":  {ProofHash([][]byte{fill(1, 256), fill(2, 256)}), "81d0a40c7410efcf7e5ff49fd82f13cdcc6fd348e11fb8ea669425049e641ca8"},
		"payload": {PayloadHash(TypeVote, []byte("vote")), "b39fdbf89a75d94436d0f923ce4f5b3bdff41a8f465cd433c67f7fb8757c6ccb"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
}
