package cli_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"entente/ops/cli"
	"entente/schema/wire"
	"entente/wallet"
	"entente/wallet/sealed"
)

// keysCommand runs a keys command in this process and gives what it printed.
func keysCommand(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, said bytes.Buffer
	if code := cli.Run(slices.Concat([]string{"keys"}, args, []string{"--json"}), &out, &said); code != 0 {
		t.Fatalf("keys %q gives %d: %s", args, code, said.String())
	}
	return out.Bytes()
}

// A process that starts with the new file opens, commits and tags as before, signs with the new epoch, and is still known by the old one.
func TestARotatedRingDoesAllThatTheOldOneDid(t *testing.T) {
	for kind, secrets := range map[string][]string{
		"bank": {"blinding", "tags", "salts"}, "operator": nil, "desk": {"blinding", "salts", "programme"}, "user": nil, "provider": nil, "auditor": nil,
	} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			before, after, unlock := filepath.Join(dir, "before.age"), filepath.Join(dir, "after.age"), filepath.Join(dir, "unlock")
			keysCommand(t, "new", "--kind", kind, "--owner", "GBR", "--file", before, "--unlock", unlock)
			printed := keysCommand(t, "rotate", before, "--unlock", unlock, "--out", after)
			identity, err := wallet.OpenUnlock(unlock)
			if err != nil {
				t.Fatal(err)
			}
			old, err := wallet.Open(before, identity)
			if err != nil {
				t.Fatal(err)
			}
			rotated, err := wallet.Open(after, identity)
			if err != nil {
				t.Fatal(err)
			}
			if rotated.Owner() != "GBR" || rotated.SealTo() != old.SealTo() {
				t.Errorf("%s became %s, and %s became %s", old.Owner(), rotated.Owner(), old.SealTo(), rotated.SealTo())
			}
			sameSecrets(t, old, rotated, secrets)
			for _, k := range old.Keys() {
				if !slices.ContainsFunc(rotated.Keys(), func(r wire.Key) bool { return r.ID() == k.ID() }) {
					t.Errorf("the old key for %s is gone", k.Purpose)
				}
				s, err := rotated.Signer(k.Purpose, k.Name)
				if err != nil {
					t.Fatal(err)
				}
				if s.Key().Epoch != k.Epoch+1 || s.Key().Public.Equal(k.Public) {
					t.Errorf("for %s it signs with %+v after %+v", k.Purpose, s.Key(), k)
				}
			}
			if len(rotated.Keys()) != 2*len(old.Keys()) {
				t.Errorf("%d keys became %d", len(old.Keys()), len(rotated.Keys()))
			}
			if old.SealTo() != "" {
				opensWhatWasSealed(t, old, rotated)
			} else if kind == "desk" {
				t.Error("nothing can be sealed to a desk")
			}
			saysWhatItHolds(t, printed, rotated)
		})
	}
}

func sameSecrets(t *testing.T, old, rotated *wallet.Ring, names []string) {
	t.Helper()
	for _, name := range names {
		was, err := old.Secret(name)
		if err != nil {
			t.Fatal(err)
		}
		is, err := rotated.Secret(name)
		if err != nil || is != was || is == [32]byte{} {
			t.Errorf("the secret %s is another one now (%v)", name, err)
		}
	}
}

func opensWhatWasSealed(t *testing.T, old, rotated *wallet.Ring) {
	t.Helper()
	text := []byte("fuel for three ships")
	ciphertext, err := sealed.Seal(text, old.SealTo())
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := sealed.Open(ciphertext, rotated.Identities()...); err != nil || !bytes.Equal(plain, text) {
		t.Errorf("it opens %q (%v)", plain, err)
	}
}

// saysWhatItHolds compares what was printed for the trust file with the file itself, and looks for what must never be printed.
func saysWhatItHolds(t *testing.T, printed []byte, ring *wallet.Ring) {
	t.Helper()
	var shown struct {
		Owner  string `json:"owner"`
		SealTo string `json:"seal_to"`
		Keys   []struct {
			Name    string `json:"name"`
			Purpose string `json:"purpose"`
			Epoch   uint32 `json:"epoch"`
			Public  []byte `json:"public"`
		} `json:"keys"`
	}
	d := json.NewDecoder(bytes.NewReader(printed))
	d.DisallowUnknownFields()
	if err := d.Decode(&shown); err != nil {
		t.Fatal(err)
	}
	if shown.Owner != ring.Owner() || shown.SealTo != ring.SealTo() || len(shown.Keys) != len(ring.Keys()) {
		t.Errorf("it shows %+v", shown)
	}
	for i, k := range ring.Keys() {
		if s := shown.Keys[i]; s.Name != k.Name || s.Purpose != string(k.Purpose) || s.Epoch != k.Epoch || !bytes.Equal(s.Public, k.Public) {
			t.Errorf("it shows %+v for %+v", s, k)
		}
	}
}
