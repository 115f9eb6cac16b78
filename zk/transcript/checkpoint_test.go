package transcript_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const origin = "bank.example/inr"

// key is a fixed key: the same seed byte gives the same key in every run.
func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func signerOf(t testing.TB, name string, seed byte) note.Signer {
	t.Helper()
	s, err := transcript.NewSigner(name, key(seed))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifierOf(t testing.TB, name string, seed byte) note.Verifier {
	t.Helper()
	v, err := transcript.ParseVerifierKey(transcript.VerifierKey(name, key(seed).Public().(ed25519.PublicKey)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func headOf(n int) transcript.Checkpoint {
	tree := transcript.TreeOf(leafHashes(n))
	return transcript.Checkpoint{Origin: origin, Size: tree.Size(), Root: tree.Root()}
}

func signed(t testing.TB, c transcript.Checkpoint) []byte {
	t.Helper()
	msg, err := transcript.Sign(c, signerOf(t, origin, 1))
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestACheckpointHasTheseBytes(t *testing.T) {
	msg := signed(t, headOf(7))
	golden := filepath.Join("testdata", "checkpoint.golden")
	if *update {
		if err := os.WriteFile(golden, msg, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(msg, want) {
		t.Errorf("got\n%swant\n%s", msg, want)
	}
	got, sigs, err := transcript.Open(want, verifierOf(t, origin, 1))
	if err != nil {
		t.Fatal(err)
	}
	if got != headOf(7) || len(sigs) != 1 || sigs[0].Name != origin {
		t.Errorf("opened %+v with %+v", got, sigs)
	}
}

func TestTheExampleOfTheSignedNoteSpecificationVerifies(t *testing.T) {
	const (
		vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
		msg  = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
	)
	v, err := transcript.ParseVerifierKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open([]byte(msg), note.VerifierList(v)); err != nil {
		t.Error(err)
	}
	if _, _, err := transcript.Open([]byte(msg), v); refusal.CodeOf(err) != transcript.CheckpointMalformed {
		t.Errorf("a note that is no checkpoint gives %v", err)
	}
}

func TestACosignatureStandsBesideTheLogsOwn(t *testing.T) {
	const witness = "witness.example/w1"
	msg, err := transcript.Sign(headOf(3), signerOf(t, origin, 1), signerOf(t, witness, 2))
	if err != nil {
		t.Fatal(err)
	}
	_, sigs, err := transcript.Open(msg, verifierOf(t, origin, 1), verifierOf(t, witness, 2))
	if err != nil || len(sigs) != 2 {
		t.Errorf("%d signatures verified (%v), want 2", len(sigs), err)
	}
	_, sigs, err = transcript.Open(msg, verifierOf(t, origin, 1))
	if err != nil || len(sigs) != 1 {
		t.Errorf("%d signatures verified (%v), want the log's own alone", len(sigs), err)
	}
	if _, _, err = transcript.Open(msg, verifierOf(t, witness, 2)); refusal.CodeOf(err) != transcript.CheckpointUnsigned {
		t.Errorf("a cosignature alone gives %v", err)
	}
}

func TestACheckpointThatDoesNotCountIsRefused(t *testing.T) {
	good := string(signed(t, headOf(7)))
	root := headOf(7).Root.String()
	// raw signs any text with the right key, so that only the text is at fault.
	raw := func(text string) string {
		msg, err := note.Sign(&note.Note{Text: text}, signerOf(t, origin, 1))
		if err != nil {
			t.Fatal(err)
		}
		return string(msg)
	}
	sigLine := good[strings.Index(good, "—"):]
	otherSig := func(name string, seed byte) string {
		msg, err := note.Sign(&note.Note{Text: headOf(7).Text()}, signerOf(t, name, seed))
		if err != nil {
			t.Fatal(err)
		}
		return string(msg)
	}
	var many strings.Builder
	for seed := range byte(101) {
		line := otherSig("w.example", seed+10)
		many.WriteString(line[strings.Index(line, "—"):])
	}
	for _, test := range []struct {
		name string
		msg  string
		want refusal.Code
	}{
		{"nothing", "", transcript.CheckpointMalformed},
		{"more bytes than a checkpoint may have", good + "— w.example " + strings.Repeat("AAAA", transcript.MaxCheckpointBytes/4) + "\n", transcript.CheckpointMalformed},
		{"no signature block", headOf(7).Text(), transcript.CheckpointMalformed},
		{"an empty signature block", headOf(7).Text() + "\n", transcript.CheckpointMalformed},
		{"a leading zero", raw(origin + "\n07\n" + root + "\n"), transcript.CheckpointMalformed},
		{"a plus sign before the size", raw(origin + "\n+7\n" + root + "\n"), transcript.CheckpointMalformed},
		{"a negative size", raw(origin + "\n-7\n" + root + "\n"), transcript.CheckpointMalformed},
		{"a size of 2^63", raw(origin + "\n9223372036854775808\n" + root + "\n"), transcript.CheckpointMalformed},
		{"an extension line", raw(origin + "\n7\n" + root + "\nmore\n"), transcript.CheckpointMalformed},
		{"a missing line", raw(origin + "\n7\n"), transcript.CheckpointMalformed},
		{"an empty origin", raw("\n7\n" + root + "\n"), transcript.CheckpointMalformed},
		{"a root of 31 bytes", raw(origin + "\n7\n" + base64.StdEncoding.EncodeToString(make([]byte, 31)) + "\n"), transcript.CheckpointMalformed},
		{"a root in loose base64", raw(origin + "\n7\n" + root[:42] + loosen(root[42]) + "=\n"), transcript.CheckpointMalformed},
		{"a false root of the empty tree", raw(origin + "\n0\n" + root + "\n"), transcript.EmptyRootForged},
		{"a signature in loose base64", good[:len(good)-3] + loosen(good[len(good)-3]) + "=\n", transcript.CheckpointMalformed},
		{"a carriage return inside a signature", good[:len(good)-8] + "\r" + good[len(good)-8:], transcript.CheckpointMalformed},
		{"the same signature twice", good + sigLine, transcript.CheckpointMalformed},
		{"more than a hundred signatures", good + many.String(), transcript.CheckpointMalformed},
		{"bytes after the last signature", good + "x", transcript.CheckpointMalformed},
		{"an empty line at the end", good + "\n", transcript.CheckpointMalformed},
		{"a carriage return", strings.ReplaceAll(good, "\n", "\r\n"), transcript.CheckpointMalformed},
		{"another size under the signature", strings.Replace(good, "\n7\n", "\n8\n", 1), transcript.CheckpointUnsigned},
		{"the same name with another key", otherSig(origin, 9), transcript.CheckpointUnsigned},
		{"the same key with another name", otherSig("bank.example/jpy", 1), transcript.CheckpointUnsigned},
		{"the right key under another log's origin", raw("bank.example/jpy\n7\n" + root + "\n"), transcript.CheckpointUnsigned},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := transcript.Open([]byte(test.msg), verifierOf(t, origin, 1))
			if refusal.CodeOf(err) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if _, _, err := transcript.Open([]byte(good)); refusal.CodeOf(err) != transcript.CheckpointUnsigned {
		t.Errorf("no pinned key at all gives %v", err)
	}
}

// loosen gives a base64 character with the same leading bits and another last one.
func loosen(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

func TestEveryChangedByteOfACheckpointIsFound(t *testing.T) {
	good := signed(t, headOf(7))
	v := verifierOf(t, origin, 1)
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			if _, _, err := transcript.Open(bad, v); refusal.CodeOf(err) == "" {
				t.Fatalf("bit %d of byte %d can be changed (%v)", bit, i, err)
			}
		}
	}
}

func TestACheckpointThatMayNotBeSignedIsRefused(t *testing.T) {
	head := headOf(7)
	for _, test := range []struct {
		name string
		c    transcript.Checkpoint
		want refusal.Code
	}{
		{"a foreign origin", transcript.Checkpoint{Origin: "bank.example/jpy", Size: 7, Root: head.Root}, transcript.CheckpointUnsigned},
		{"an origin of two lines", transcript.Checkpoint{Origin: origin + "\n9", Size: 7, Root: head.Root}, transcript.CheckpointMalformed},
		{"a false root of the empty tree", transcript.Checkpoint{Origin: origin, Root: head.Root}, transcript.EmptyRootForged},
		{"a size of 2^63", transcript.Checkpoint{Origin: origin, Size: 1 << 63, Root: head.Root}, transcript.CheckpointMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := transcript.Sign(test.c, signerOf(t, origin, 1)); refusal.CodeOf(err) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestTheEvidenceOfTwoRootsIsNamed(t *testing.T) {
	other := headOf(7)
	other.Root[0] ^= 1
	if err := transcript.Extends(headOf(7), other, nil); err == nil || !strings.Contains(err.Error(), "two roots at 7 leaves") {
		t.Errorf("got %v", err)
	}
}

func TestALogOnlyEverExtends(t *testing.T) {
	leaves := leafHashes(12)
	path, err := transcript.ProveConsistency(leaves, 7)
	if err != nil {
		t.Fatal(err)
	}
	fork := headOf(12)
	fork.Root[0] ^= 1
	other := headOf(12)
	other.Origin = "bank.example/jpy"
	sameSize := headOf(7)
	sameSize.Root[0] ^= 1
	for _, test := range []struct {
		name      string
		old, next transcript.Checkpoint
		path      []transcript.Hash
		want      refusal.Code
	}{
		{"it grows", headOf(7), headOf(12), path, ""},
		{"it stays", headOf(7), headOf(7), nil, ""},
		{"it begins", headOf(0), headOf(12), nil, ""},
		{"it goes back", headOf(12), headOf(7), path, transcript.SplitView},
		{"it shows another root at the same size", headOf(7), sameSize, nil, transcript.SplitView},
		{"it forks", headOf(7), fork, path, transcript.SplitView},
		{"it proves nothing", headOf(7), headOf(12), nil, transcript.SplitView},
		{"it proves too much", headOf(7), headOf(7), path, transcript.SplitView},
		{"it is another log", headOf(7), other, path, transcript.SplitView},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := transcript.Extends(test.old, test.next, test.path); refusal.CodeOf(err) != test.want || (err == nil) != (test.want == "") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestAVerifierKeyHasOneEncoding(t *testing.T) {
	// A seed whose public key holds a plus sign in base64, which a careless reader would split at.
	var vkey string
	for seed := byte(0); ; seed++ {
		vkey = transcript.VerifierKey(origin, key(seed).Public().(ed25519.PublicKey))
		if strings.Count(vkey, "+") > 2 {
			break
		}
	}
	if v, err := transcript.ParseVerifierKey(vkey); err != nil || v.Name() != origin {
		t.Fatalf("%s gives %v", vkey, err)
	}
	name, rest, _ := strings.Cut(vkey, "+")
	id, b64, _ := strings.Cut(rest, "+")
	ecdsa := append([]byte{2}, key(1).Public().(ed25519.PublicKey)...)
	for _, test := range []struct{ name, vkey string }{
		{"no parts", "nothing"},
		{"no name", "+" + id + "+" + b64},
		{"a name with a space", "a b+" + id + "+" + b64},
		{"another name", "bank.example/jpy+" + id + "+" + b64},
		{"another key id", name + "+00000000+" + b64},
		{"an upper-case key id", name + "+" + strings.ToUpper(id) + "+" + b64},
		{"another signature type", name + "+" + id + "+" + base64.StdEncoding.EncodeToString(ecdsa)},
		{"a short key", name + "+" + id + "+" + b64[:40]},
		{"a line break at the end", vkey + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := transcript.ParseVerifierKey(test.vkey); refusal.CodeOf(err) != transcript.VerifierKeyMalformed {
				t.Errorf("%q gives %v", test.vkey, err)
			}
		})
	}
}

func TestAKeyNameThatWouldBreakANoteIsRefused(t *testing.T) {
	for _, name := range []string{"", "a b", "a+b", "a\nb", "a\u00a0b", "a\xffb", "a\x00b"} {
		if _, err := transcript.NewSigner(name, key(1)); refusal.CodeOf(err) != transcript.KeyNameInvalid {
			t.Errorf("%q gives %v", name, err)
		}
	}
	if _, err := transcript.NewSigner(origin, key(1)[:31]); err == nil {
		t.Error("half a key was taken")
	}
}

// FuzzOpen signs arbitrary text with the right key and also takes arbitrary bytes as they are. Whatever opens must have been in its only form.
func FuzzOpen(f *testing.F) {
	f.Add(headOf(7).Text(), signed(f, headOf(7)))
	f.Add(headOf(0).Text(), signed(f, headOf(0)))
	f.Add(origin+"\n07\n"+headOf(7).Root.String()+"\n", []byte("\n\n— x AAAA\n"))
	log, v := signerOf(f, origin, 1), verifierOf(f, origin, 1)
	f.Fuzz(func(t *testing.T, text string, msg []byte) {
		inputs := [][]byte{msg}
		if byLog, err := note.Sign(&note.Note{Text: text}, log); err == nil {
			inputs = append(inputs, byLog)
		}
		for _, input := range inputs {
			c, sigs, err := transcript.Open(input, v)
			if err != nil {
				if refusal.CodeOf(err) == "" {
					t.Errorf("%q is a fault: %v", input, err)
				}
				continue
			}
			again, err := transcript.Sign(c, log)
			if err != nil {
				t.Fatal(err)
			}
			// Cosigners may follow the log; the text and the log's own line are fixed.
			body, own, _ := bytes.Cut(again, []byte("\n\n"))
			if len(sigs) == 0 || !bytes.HasPrefix(input, body) || !bytes.Contains(input, own) {
				t.Errorf("%q opens but is written %q", input, again)
			}
		}
	})
}
