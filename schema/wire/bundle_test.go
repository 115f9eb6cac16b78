package wire

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente/schema/refusal"
)

func TestABundleFileGivesBackItsBundle(t *testing.T) {
	want := sampleBundle()
	got, err := ParseBundle(want.File())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryChangedByteOfABundleFileIsRefused(t *testing.T) {
	file := sampleBundle().File()
	for at := range file {
		for _, flip := range []byte{1, 0x80, 0xff} {
			changed := bytes.Clone(file)
			changed[at] ^= flip
			_, err := ParseBundle(changed)
			if code := refusal.CodeOf(err); code != CodeBundleDamaged && !(code == CodeMalformed && at < len(bundleMagic)) {
				t.Fatalf("byte %d: %v", at, err)
			}
		}
	}
	for n := range file {
		if _, err := ParseBundle(file[:n]); err == nil {
			t.Fatalf("a bundle cut after %d bytes is read", n)
		}
	}
	if _, err := ParseBundle(append(bytes.Clone(file), 0)); refusal.CodeOf(err) != CodeBundleDamaged {
		t.Errorf("a trailing byte gives %v", err)
	}
}

func TestADamagedBundleShowsWhatCouldBeRead(t *testing.T) {
	file := sampleBundle().File()
	at := bytes.LastIndex(file, []byte("bill-64")) + len("bill-64") + 6 // the first byte of the verification key
	file[at] ^= 1
	got, err := ParseBundle(file)
	if refusal.CodeOf(err) != CodeBundleDamaged || got.Network != "sample-1" || len(got.Bills) != 1 || got.Keys[0].Bytes[0] == 4 {
		t.Errorf("%v: %+v", err, got.Keys)
	}
}

func TestAMalformedBundleUnderAGoodChecksumIsMalformed(t *testing.T) {
	body := append(Encode(sampleBundle()), 0)
	sum := sha256.Sum256(body)
	if _, err := ParseBundle(append(append([]byte(bundleMagic), sum[:]...), body...)); refusal.CodeOf(err) != CodeMalformed {
		t.Errorf("got %v", err)
	}
}
