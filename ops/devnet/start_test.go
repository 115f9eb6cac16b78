package devnet_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entente/ops/devnet"
	"entente/ops/pgserver"
	"entente/schema/refusal"
	"entente/wallet"
)

func TestAStartWithoutAServerLeavesNothing(t *testing.T) {
	t.Setenv("DATABASE_URL", "") // a server given there would be taken
	if err := os.Unsetenv("DATABASE_URL"); err != nil {
		t.Fatal(err)
	}
	real := programsDir(t)
	version, err := exec.Command(filepath.Join(real, "postgres"), "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	says := func(name string) string {
		return "#!/bin/sh\n[ \"$1\" = --version ] && { echo '" + strings.Replace(strings.TrimSpace(string(version)), "postgres", name, 1) + "'; exit 0; }\n"
	}
	for _, test := range []struct {
		name             string
		initdb, postgres string
		code             refusal.Code
	}{
		{"programs that do not run", "#!/bin/sh\nexit 1\n", "#!/bin/sh\nexit 1\n", pgserver.PostgresMissing},
		{"an initdb that fails", says("initdb") + "echo no space left >&2; exit 1\n", says("postgres") + "exit 1\n", pgserver.PostgresFailed},
		{"a server that ends at once", says("initdb") + "exec " + filepath.Join(real, "initdb") + " \"$@\"\n", says("postgres") + "echo no memory left >&2; exit 1\n", pgserver.PostgresFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			bin := reachable(t)
			for name, script := range map[string]string{"initdb": test.initdb, "postgres": test.postgres} {
				if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			dir := filepath.Join(t.TempDir(), "results")
			t.Setenv("PGBINDIR", bin)
			t.Setenv("TMPDIR", reachable(t))
			o, err := options(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			net, err := devnet.Start(t.Context(), o)
			if err == nil {
				t.Fatal("it started", net.Close())
			}
			if refusal.CodeOf(err) != test.code {
				t.Errorf("%v, want the code %s", err, test.code)
			}
			for _, place := range []string{dir, os.TempDir()} {
				if left, err := os.ReadDir(place); err == nil && len(left) > 0 {
					t.Errorf("%v is left in %s", left, place)
				}
			}
		})
	}
}

// reachable makes a directory that the server's own user can enter.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "devnet-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// programsDir finds the server's own programs where this machine has them installed.
func programsDir(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("PGBINDIR"); bin != "" {
		return bin
	}
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); err == nil && len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	t.Skip("no installed PostgreSQL to take the version from")
	return ""
}

func TestEveryKeyFileIsPrivateAndIsRefusedWhenItIsNot(t *testing.T) {
	e := playOnce(t)
	dir := filepath.Join(e.dir, "keys")
	unlock, err := wallet.OpenUnlock(filepath.Join(dir, "unlock"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.age"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if _, err := wallet.Open(file, unlock); err != nil {
			t.Errorf("as it was written: %v", err)
		}
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := wallet.Open(file, unlock); refusal.CodeOf(err) != wallet.CodeInsecureKeyFile {
			t.Errorf("%s with mode 0644: %v", filepath.Base(file), err)
		}
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
