package transcript_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

const (
	witnessName = "bank.example/jpy/witness"
	cosignedAtS = 1_795_000_000
)

func witnessKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
}

func publicHalf(seed byte) ed25519.PublicKey { return witnessKey(seed).Public().(ed25519.PublicKey) }

func cosignerOf(t *testing.T, name string, seed byte, atS int64) note.Signer {
	t.Helper()
	s, err := transcript.NewCosigner(name, witnessKey(seed), atS)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func cosignerVerifier(t *testing.T, name string, seed byte) note.Verifier {
	t.Helper()
	v, err := transcript.ParseCosignerKey(transcript.CosignerKey(name, publicHalf(seed)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestACosignatureStatesItsTime(t *testing.T) {
	msg, err := transcript.Sign(headOf(7), signerOf(t, origin, 1), cosignerOf(t, witnessName, 8, cosignedAtS))
	if err != nil {
		t.Fatal(err)
	}
	_, sigs, err := transcript.Open(msg, verifierOf(t, origin, 1), cosignerVerifier(t, witnessName, 8))
	if err != nil || len(sigs) != 2 {
		t.Fatalf("%d signatures (%v)", len(sigs), err)
	}
	if atS, err := transcript.CosignedAt(sigs[1]); err != nil || atS != cosignedAtS {
		t.Errorf("cosigned at %d (%v)", atS, err)
	}
	if _, err := transcript.CosignedAt(sigs[0]); refusal.CodeOf(err) != transcript.CheckpointMalformed {
		t.Errorf("the log's own signature has a time: %v", err)
	}
}

// An independent implementation of the specification makes and reads the same.
func TestCosignaturesAreThoseOfTheSpecification(t *testing.T) {
	theirs, err := torchwood.NewCosignatureSigner(witnessName, witnessKey(8))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := transcript.CosignerKey(witnessName, publicHalf(8)), theirs.Verifier().String(); got != want {
		t.Errorf("the verifier key is %s, want %s", got, want)
	}
	for name, by := range map[string]note.Signer{"ours": cosignerOf(t, witnessName, 8, cosignedAtS), "theirs": theirs} {
		msg, err := transcript.Sign(headOf(7), signerOf(t, origin, 1), by)
		if err != nil {
			t.Fatal(err)
		}
		for reader, v := range map[string]note.Verifier{"ours": cosignerVerifier(t, witnessName, 8), "theirs": theirs.Verifier()} {
			n, err := note.Open(msg, note.VerifierList(v))
			if err != nil {
				t.Fatalf("a cosignature of %s read by %s: %v", name, reader, err)
			}
			at, err := torchwood.CosignatureTimestamp(n.Sigs[0])
			if ours, err2 := transcript.CosignedAt(n.Sigs[0]); err != nil || err2 != nil || at != ours || at < time.Now().Unix()-60 && at != cosignedAtS {
				t.Errorf("a cosignature of %s is of %d and %d (%v, %v)", name, at, ours, err, err2)
			}
		}
	}
}

func TestAWrongCosignatureDoesNotVerify(t *testing.T) {
	text := []byte(headOf(7).Text())
	v := cosignerVerifier(t, witnessName, 8)
	sig, err := cosignerOf(t, witnessName, 8, cosignedAtS).Sign(text)
	if err != nil || !v.Verify(text, sig) {
		t.Fatalf("a true cosignature does not verify (%v)", err)
	}
	changed := func(at int) []byte {
		b := bytes.Clone(sig)
		b[at] ^= 1
		return b
	}
	for name, wrong := range map[string][]byte{
		"another time": changed(7), "another signature": changed(8), "a byte less": sig[:71], "a byte more": append(bytes.Clone(sig), 0), "nothing": nil,
		"no time, the text signed": append(make([]byte, 8), ed25519.Sign(witnessKey(8), append([]byte("cosignature/v1\ntime 0\n"), text...))...),
		"a plain signature":        ed25519.Sign(witnessKey(8), text),
	} {
		if v.Verify(text, wrong) {
			t.Errorf("%s verifies", name)
		}
	}
	if v.Verify([]byte(headOf(8).Text()), sig) {
		t.Error("it verifies under another checkpoint")
	}
}

func TestAVerifierKeyOfAnotherTypeIsRefused(t *testing.T) {
	plain, own := transcript.VerifierKey(witnessName, publicHalf(8)), transcript.CosignerKey(witnessName, publicHalf(8))
	if _, err := transcript.ParseCosignerKey(plain); refusal.CodeOf(err) != transcript.VerifierKeyMalformed {
		t.Errorf("a log's key as a witness's gives %v", err)
	}
	if _, err := transcript.ParseVerifierKey(own); refusal.CodeOf(err) != transcript.VerifierKeyMalformed {
		t.Errorf("a witness's key as a log's gives %v", err)
	}
	if _, err := transcript.NewCosigner(witnessName, witnessKey(8), 0); err == nil {
		t.Error("a cosigner at no time")
	}
	if _, err := transcript.NewCosigner("two words", witnessKey(8), 1); refusal.CodeOf(err) != transcript.KeyNameInvalid {
		t.Errorf("a name of two words gives %v", err)
	}
	if _, err := transcript.CosignedAt(note.Signature{Base64: base64.StdEncoding.EncodeToString(make([]byte, 4+72))}); err == nil {
		t.Error("no time is a time")
	}
}
