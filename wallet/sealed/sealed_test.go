package sealed

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/schema/wire"
)

func identity(t testing.TB) *age.X25519Identity {
	t.Helper()
	i, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func seal(t *testing.T, plaintext []byte, readers ...string) []byte {
	t.Helper()
	s, err := Seal(plaintext, readers...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func refuses(t *testing.T, err error, code refusal.Code) {
	t.Helper()
	if refusal.CodeOf(err) != code {
		t.Errorf("got %v, want a refusal with code %s", err, code)
	}
}

func TestEveryReaderOpensWhatWasSealed(t *testing.T) {
	ours, theirs := identity(t), identity(t)
	rapid.Check(t, func(t *rapid.T) {
		plaintext := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "plaintext")
		sealed, err := Seal(plaintext, ours.Recipient().String(), theirs.Recipient().String())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []age.Identity{ours, theirs} {
			got, err := Open(sealed, i)
			if err != nil || !bytes.Equal(got, plaintext) {
				t.Fatalf("%v, %v", got, err)
			}
		}
		if len(plaintext) > 8 && bytes.Contains(sealed, plaintext) {
			t.Fatal("the sealed document shows its contents")
		}
	})
}

func TestADocumentSealedToAnEarlierIdentityStillOpens(t *testing.T) {
	earlier, newest := identity(t), identity(t)
	if _, err := Open(seal(t, []byte("x"), earlier.Recipient().String()), newest, earlier); err != nil {
		t.Error(err)
	}
}

func TestSealRefuses(t *testing.T) {
	reader := identity(t).Recipient().String()
	for name, c := range map[string]struct {
		plaintext []byte
		readers   []string
		code      refusal.Code
	}{
		"nobody as reader":          {nil, nil, CodeReaderInvalid},
		"a reader that is no key":   {nil, []string{"age1nobody"}, CodeReaderInvalid},
		"a private key as reader":   {nil, []string{identity(t).String()}, CodeReaderInvalid},
		"one bad reader among good": {nil, []string{reader, ""}, CodeReaderInvalid},
		"too many readers":          {nil, slices.Repeat([]string{reader}, 200), wire.CodeTooLarge},
		"a document above 4 MiB":    {make([]byte, Limit), []string{reader}, wire.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Seal(c.plaintext, c.readers...)
			refuses(t, err, c.code)
			if got != nil {
				t.Error("a refusal gave bytes")
			}
		})
	}
}

func TestSixtyFourReadersFit(t *testing.T) {
	last := identity(t)
	readers := slices.Repeat([]string{identity(t).Recipient().String()}, 63)
	if _, err := Open(seal(t, []byte("x"), append(readers, last.Recipient().String())...), last); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	ours := identity(t)
	good := seal(t, []byte("line items"), ours.Recipient().String())
	var busy bytes.Buffer // well made, and each of its readers would cost a key agreement
	w, err := age.Encrypt(&busy, append(slices.Repeat([]age.Recipient{identity(t).Recipient()}, 300), ours.Recipient())...)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sealed     []byte
		identities []age.Identity
		code       refusal.Code
	}{
		"a document sealed to others":        {seal(t, nil, identity(t).Recipient().String()), []age.Identity{ours}, CodeNotForUs},
		"to open without an identity":        {good, nil, CodeNotForUs},
		"a document above 4 MiB":             {make([]byte, Limit+1), []age.Identity{ours}, wire.CodeTooLarge},
		"a document for hundreds of readers": {busy.Bytes(), []age.Identity{ours}, CodeDamaged},
		"nothing":                            {nil, []age.Identity{ours}, CodeDamaged},
		"noise":                              {[]byte(rand.Text()), []age.Identity{ours}, CodeDamaged},
		"a document cut short":               {good[:len(good)-1], []age.Identity{ours}, CodeDamaged},
		"a document with a byte more":        {append(bytes.Clone(good), 0), []age.Identity{ours}, CodeDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Open(c.sealed, c.identities...)
			refuses(t, err, c.code)
			if got != nil {
				t.Error("a refusal gave bytes")
			}
		})
	}
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	ours := identity(t)
	good := seal(t, []byte("line items"), ours.Recipient().String())
	for at := range good {
		changed := bytes.Clone(good)
		changed[at] ^= 1
		_, err := Open(changed, ours)
		if code := refusal.CodeOf(err); code != CodeDamaged && code != CodeNotForUs {
			t.Errorf("byte %d: %v", at, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	ours := identity(f)
	good, err := Seal([]byte("line items"), ours.Recipient().String())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Open(b, ours); err != nil && refusal.CodeOf(err) == "" {
			t.Error(fmt.Errorf("not a refusal: %w", err))
		}
	})
}
