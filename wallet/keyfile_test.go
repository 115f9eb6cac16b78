package wallet

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"entente/schema/refusal"
)

// written is a key file with its ring and the identity that opens it, in a directory of its own.
func written(t *testing.T) (path string, ring *Ring, unlock *Identity) {
	t.Helper()
	path, ring = filepath.Join(t.TempDir(), "jpn.keys"), fullRing(t)
	unlock, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if err := Create(path, unlock.Recipient(), ring); err != nil {
		t.Fatal(err)
	}
	return path, ring, unlock
}

func same(t *testing.T, a, b *Ring) {
	t.Helper()
	x, err := a.plain()
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.plain()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Error("the ring read is not the ring written")
	}
}

func TestAKeyFileGivesBackItsRing(t *testing.T) {
	path, ring, unlock := written(t)
	got, err := Open(path, unlock)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, ring)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("files beside the key file: %v, %v", entries, err)
	}
	file, err := os.ReadFile(path)
	if err != nil || bytes.Contains(file, []byte("asha")) {
		t.Errorf("the key file is readable: %v", err)
	}
}

func TestAPassphraseOpensAKeyFile(t *testing.T) {
	path, ring := filepath.Join(t.TempDir(), "jpn.keys"), fullRing(t)
	lock, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	lock.SetWorkFactor(10)
	if err := Create(path, lock, ring); err != nil {
		t.Fatal(err)
	}
	right, err := age.NewScryptIdentity("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Open(path, right)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, ring)
	wrong, err := age.NewScryptIdentity("battery staple")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, wrong)
	refuses(t, err, CodeKeyFileLocked)
}

func TestAnUnlockFileOpensAKeyFileAfterARestart(t *testing.T) {
	dir := t.TempDir()
	made, err := CreateUnlock(filepath.Join(dir, "unlock"))
	if err != nil {
		t.Fatal(err)
	}
	ring := fullRing(t)
	if err := Create(filepath.Join(dir, "keys"), made.Recipient(), ring); err != nil {
		t.Fatal(err)
	}
	read, err := OpenUnlock(filepath.Join(dir, "unlock"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Open(filepath.Join(dir, "keys"), read)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, ring)
}

func TestNothingIsOverwritten(t *testing.T) {
	path, _, unlock := written(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, Create(path, unlock.Recipient(), fullRing(t)), CodeKeyFileExists)
	_, err = CreateUnlock(path)
	refuses(t, err, CodeKeyFileExists)
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file changed: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("a refusal left files behind: %v, %v", entries, err)
	}
	dangling := filepath.Join(filepath.Dir(path), "link")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	refuses(t, Create(dangling, unlock.Recipient(), fullRing(t)), CodeKeyFileExists)
}

func TestAnInsecureKeyFileIsNotRead(t *testing.T) {
	chmod := func(mode os.FileMode) func(*testing.T, string) string {
		return func(t *testing.T, path string) string {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	for name, spoil := range map[string]func(t *testing.T, path string) string{
		"readable by everybody":         chmod(0o644),
		"readable by the group":         chmod(0o640),
		"writable by others":            chmod(0o602),
		"executable":                    chmod(0o700),
		"with the set-user bit":         chmod(0o600 | os.ModeSetuid),
		"a link to a file others read":  func(t *testing.T, path string) string { return link(t, chmod(0o644)(t, path), t.TempDir()) },
		"a directory instead of a file": func(t *testing.T, path string) string { return filepath.Dir(path) },
		"a pipe instead of a file": func(t *testing.T, path string) string {
			pipe := filepath.Join(filepath.Dir(path), "pipe")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			return pipe
		},
		"in a directory open to anybody": func(t *testing.T, path string) string { chmod(0o777)(t, filepath.Dir(path)); return path },
		"a link from a directory open to anybody": func(t *testing.T, path string) string {
			open := t.TempDir()
			chmod(0o777)(t, open)
			return link(t, path, open)
		},
		"a link into a directory open to anybody": func(t *testing.T, path string) string {
			chmod(0o777)(t, filepath.Dir(path))
			return link(t, path, t.TempDir())
		},
		"of another user": func(t *testing.T, path string) string {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			if err := os.Chown(path, 12345, -1); err != nil {
				t.Fatal(err)
			}
			return path
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, _, unlock := written(t)
			path = spoil(t, path)
			_, err := Open(path, unlock)
			refuses(t, err, CodeInsecureKeyFile)
			_, err = OpenUnlock(path)
			refuses(t, err, CodeInsecureKeyFile)
		})
	}
}

func link(t *testing.T, target, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "link")
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestASecureFileIsReadThroughALinkAndInAStickyDirectory(t *testing.T) {
	path, _, unlock := written(t)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	sticky := t.TempDir()
	if err := os.Chmod(sticky, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(link(t, path, sticky), unlock); err != nil {
		t.Error(err)
	}
}

func TestNoKeyFileIsMadeWhereAnybodyCouldReplaceIt(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := CreateUnlock(filepath.Join(dir, "unlock"))
	refuses(t, err, CodeInsecureKeyFile)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("a refusal left %v, %v", entries, err)
	}
}

func TestAWrongIdentityAndAMissingFileAreNamed(t *testing.T) {
	path, _, unlock := written(t)
	other, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, other)
	refuses(t, err, CodeKeyFileLocked)
	_, err = Open(path+".old", unlock)
	refuses(t, err, CodeKeyFileMissing)
	_, err = OpenUnlock(path + ".old")
	refuses(t, err, CodeKeyFileMissing)
	_, err = OpenUnlock(path)
	refuses(t, err, CodeKeyFileDamaged)
	if err := Create(filepath.Join(path, "below"), unlock.Recipient(), fullRing(t)); err == nil {
		t.Error("a file was taken for a directory")
	}
}

func TestEveryChangedByteOfAKeyFileIsNoticed(t *testing.T) {
	path, _, unlock := written(t)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damagedFiles := [][]byte{nil, file[:1], file[:len(file)/2], file[:len(file)-1], append(bytes.Clone(file), 0), bytes.Repeat([]byte("x"), limitKeyFile+1)}
	for at := range file {
		changed := bytes.Clone(file)
		changed[at] ^= 1
		damagedFiles = append(damagedFiles, changed)
	}
	for n, changed := range damagedFiles {
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, unlock)
		if !errors.Is(err, damaged("")) && !errors.Is(err, &refusal.Refusal{Code: CodeKeyFileLocked}) {
			t.Fatalf("damage %d: %v", n, err)
		}
	}
}

func TestContentsThatThisProgramWouldNotWriteAreDamaged(t *testing.T) {
	ring := fullRing(t)
	good, err := ring.plain()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parsePlain(good); err != nil {
		t.Fatal(err)
	} else {
		same(t, got, ring)
	}
	swap := func(old, new string) []byte {
		changed := strings.Replace(string(good), old, new, 1)
		if changed == string(good) {
			t.Fatalf("%q is not in the contents", old)
		}
		return []byte(changed)
	}
	for name, plain := range map[string][]byte{
		"no JSON":           []byte("{"),
		"another version":   swap(`"version":1`, `"version":2`),
		"a further member":  swap(`"version":1`, `"version":1,"note":"x"`),
		"white space":       swap(`"version":1`, `"version": 1`),
		"trailing text":     append(bytes.Clone(good), '\n'),
		"a short seed":      swap(`"seed":"`, `"seed":"AAAA","x":"`),
		"an unknown use":    swap(`"user"`, `"abuser"`),
		"a key twice":       swap(`"epoch":2`, `"epoch":1`),
		"no age identity":   swap("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-2"),
		"a short secret":    swap(`"value":"`, `"value":"AAAA","x":"`),
		"an unnamed secret": swap(`"name":"blinding"`, `"name":""`),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parsePlain(plain); err == nil {
				t.Error("accepted")
			}
			unlock, err := NewIdentity()
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			w, err := age.Encrypt(&file, unlock.Recipient())
			if err == nil {
				_, err = w.Write(plain)
			}
			if err := errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "keys")
			if err := createPrivate(path, file.Bytes()); err != nil {
				t.Fatal(err)
			}
			_, err = Open(path, unlock)
			refuses(t, err, CodeKeyFileDamaged)
		})
	}
}
