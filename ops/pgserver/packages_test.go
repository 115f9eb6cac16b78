package pgserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeApt puts apt-get and its kin into PATH. What they offer are versions 9.6 to 15; an archive is a folder here, and its server says nothing without the
// library path.
func fakeApt(t *testing.T) (bin string) {
	t.Helper()
	bin = reachableDir(t)
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	script(t, bin, "apt-get", `
for option; do case $option in Dir::Cache=*) cache=${option#*=};; Dir::State::Lists=*) lists=${option#*=};; esac; done
test -d $lists/partial && test -d $cache/archives/partial || exit 1
case "$*" in
*update) touch $lists/all;;
*--download-only*) test -e $lists/all && echo $* | grep -o 'postgresql-[0-9]*$' >> `+bin+`/fetched && touch $cache/archives/postgresql-15_15.18_any.deb $cache/archives/libc6_3_any.deb;;
esac`)
	script(t, bin, "apt-cache", "echo 'postgresql-9.6 - old'; echo 'postgresql-14 - elder'; echo 'postgresql-15 - server'; echo 'postgresql-15-plugin - no server'; echo 'postgresql-13 - old'")
	script(t, bin, "dpkg-deb", `
case $2 in *libc6_*) echo a C library; exit 1;; esac
mkdir -p $3/usr/lib/postgresql/15/bin $3/usr/lib/any-linux-gnu $3/lib/any-linux-gnu
for name in initdb postgres; do
	printf '#!/bin/sh\ncase $LD_LIBRARY_PATH in */usr/lib/any-linux-gnu:*/lib/any-linux-gnu) echo "(PostgreSQL) 15.18";; *) echo no libraries; exit 127;; esac\n' > $3/usr/lib/postgresql/15/bin/$name
	chmod +x $3/usr/lib/postgresql/15/bin/$name
done`)
	return bin
}

func TestPackagesAreDownloadedOnceAndServeWithTheirLibraries(t *testing.T) {
	cache, bin := own(t), fakeApt(t)
	together(t, fromPackages)
	if text, err := os.ReadFile(filepath.Join(bin, "fetched")); err != nil || string(text) != "postgresql-15\n" {
		t.Errorf("fetched %q (%v)", text, err)
	}
	if names := left(t, cache); !slices.Equal(names, []string{"postgres-deb"}) {
		t.Errorf("left are %v", names)
	}
	script(t, bin, "apt-get", "exit 1")
	p, err := fromPackages(t.Context(), searchFor(t))
	if err != nil || p == nil || p.version != "15.18" || !strings.Contains(p.libs, "/postgres-deb/usr/lib/any-linux-gnu") {
		t.Errorf("the second time got %v (%v)", p, err)
	}
}

func TestPackagesThatDoNotRunAreFetchedAgain(t *testing.T) {
	cache := own(t)
	fakeApt(t)
	killed := filepath.Join(cache, "unpack-123", "cache", "archives")
	if err := os.MkdirAll(killed, 0o755); err != nil {
		t.Fatal(err)
	}
	script(t, filepath.Join(cache, "postgres-deb", "usr", "lib", "postgresql", "15", "bin"), "postgres", "exit 127")
	if p, err := fromPackages(t.Context(), searchFor(t)); err != nil || p == nil || p.version != "15.18" {
		t.Errorf("got %v (%v)", p, err)
	}
	if names := left(t, cache); !slices.Equal(names, []string{"postgres-deb"}) {
		t.Errorf("left are %v", names)
	}
}

func TestPackagesThatCannotBeHadLeaveNothingAndSayWhy(t *testing.T) {
	for _, test := range []struct{ name, program, body, want string }{
		{"no list comes", "apt-get", "echo noise; echo 'E: Failed to fetch the index'; exit 100", "E: Failed to fetch the index"},
		{"no list holds a server", "apt-cache", "echo 'postgresql-13 - old'", "offers no package of a server"},
		{"an archive is damaged", "dpkg-deb", "echo not an archive; exit 2", "not an archive"},
		{"nothing is in the archives", "dpkg-deb", "exit 0", "holds no server"},
		{"the server does not run", "dpkg-deb", `mkdir -p $3/usr/lib/postgresql/15/bin; printf '#!/bin/sh\necho no loader; exit 1\n' > $3/usr/lib/postgresql/15/bin/initdb
cd $3/usr/lib/postgresql/15/bin; cp initdb postgres; chmod +x initdb postgres`, "no loader"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache, bin := own(t), fakeApt(t)
			script(t, bin, test.program, test.body)
			if test.program == "apt-get" {
				script(t, bin, "apt-cache", "")
			}
			p, err := fromPackages(t.Context(), searchFor(t))
			if p != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v (%v)", p, err)
			}
			if names := left(t, cache); len(names) > 0 {
				t.Errorf("left are %v", names)
			}
		})
	}
	own(t)
	t.Setenv("PATH", reachableDir(t))
	if p, err := fromPackages(t.Context(), searchFor(t)); p != nil || err == nil || !strings.Contains(err.Error(), "apt-get is not in PATH") {
		t.Errorf("without apt-get got %v (%v)", p, err)
	}
}

func TestTheVersionOfTheDataIsAskedForBeforeTheHighest(t *testing.T) {
	const offered = "postgresql-13 - a\npostgresql-14 - b\npostgresql-16 - c\npostgresql-15 - d\n"
	for major, want := range map[int]string{0: "postgresql-16", 14: "postgresql-14", 13: "postgresql-16", 17: "postgresql-16"} {
		if got := (search{major: major}).serverPackage(offered); got != want {
			t.Errorf("for data of version %d: %q, want %q", major, got, want)
		}
	}
}

func TestPackagesReallyServe(t *testing.T) {
	if os.Getenv(networkTests) == "" {
		t.Skip("set " + networkTests + "=1 to download and install")
	}
	if _, err := exec.LookPath("apt-cache"); err != nil {
		t.Skip("neither Debian nor Ubuntu")
	}
	own(t)
	old := ladder
	ladder = []rung{{name: "downloaded packages", find: fromPackages}}
	defer func() { ladder = old }()
	s := started(t, Options{})
	if got := ask(t, s.URL("postgres"), "SELECT 'served'"); got != "served" {
		t.Errorf("got %q", got)
	}
}
