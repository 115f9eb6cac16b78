package pgserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entente/schema/refusal"
)

// networkTests is set to run the rungs that download and install.
const networkTests = "PGSERVER_TEST_NETWORK"

func searchFor(t *testing.T) search {
	return search{id: identify(""), progress: func(s string) { t.Log(s) }}
}

// installed gives the folder of a server that is on this machine, as the ladder finds it.
func installed(t *testing.T) *programs {
	t.Helper()
	p, err := findPrograms(t.Context(), searchFor(t), ladder)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// script writes an executable that prints what a server's --version would.
func script(t *testing.T, bin, name, body string) {
	t.Helper()
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func fakeServer(t *testing.T, bin, version string) {
	t.Helper()
	script(t, bin, "initdb", "echo 'initdb (PostgreSQL) "+version+"'")
	script(t, bin, "postgres", "echo 'postgres (PostgreSQL) "+version+"'")
}

func TestTheLadderIsClimbedInItsOrder(t *testing.T) {
	var names []string
	for _, r := range ladder {
		names = append(names, r.name)
	}
	if want := []string{"PGBINDIR", "/usr/lib/postgresql", "PATH", "apt-get", "downloaded packages", "npm"}; !slices.Equal(names, want) {
		t.Errorf("the order is %v, want %v", names, want)
	}
	nothing := func(context.Context, search) (*programs, error) { return nil, nil }
	broken := func(context.Context, search) (*programs, error) { return nil, errors.New("it is broken\nhere") }
	found := func(context.Context, search) (*programs, error) { return &programs{version: "99.1"}, nil }
	for _, test := range []struct {
		name  string
		rungs []rung
		want  refusal.Code
		text  string
	}{
		{"a later rung serves when earlier ones have nothing", []rung{{name: "a", find: nothing}, {name: "b", find: broken}, {name: "c", find: found}}, "", ""},
		{"the reader's own word is not passed over", []rung{{name: "a", find: broken, explicit: true}, {name: "c", find: found}}, PostgresMissing, "correct a or unset it"},
		{"at the end stands what to do", []rung{{name: "a", find: nothing}, {name: "b", find: broken}}, PostgresMissing, "; " + installCommand() + ", set PGBINDIR to "},
		{"every rung's reason is told", []rung{{name: "a", find: nothing, none: "not there"}, {name: "b", find: broken}}, PostgresMissing, "(a: not there; b: it is broken, here)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := findPrograms(t.Context(), searchFor(t), test.rungs)
			if refusal.CodeOf(err) != test.want || (err == nil) != (p != nil) {
				t.Fatalf("got %v and %v", p, err)
			}
			if err != nil && (!strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%q does not say %q on one line", err, test.text)
			}
		})
	}
}

func TestPGBINDIRIsTakenAtItsWord(t *testing.T) {
	bin := installed(t).bin
	t.Setenv("PGBINDIR", bin)
	if p, err := fromEnvironment(t.Context(), searchFor(t)); err != nil || p.bin != bin {
		t.Errorf("got %v (%v)", p, err)
	}
	t.Setenv("PGBINDIR", "/no/such/folder")
	if _, err := Start(t.Context(), Options{}); refusal.CodeOf(err) != PostgresMissing || !strings.Contains(err.Error(), "PGBINDIR") {
		t.Errorf("a wrong one gives %v", err)
	}
	t.Setenv("PGBINDIR", "")
	if p, err := fromEnvironment(t.Context(), searchFor(t)); p != nil || err != nil {
		t.Errorf("an empty one gives %v (%v)", p, err)
	}
}

func TestTheHighestDebianVersionIsTakenUnlessTheDataNeedsAnother(t *testing.T) {
	root := reachableDir(t)
	old := debianRoot
	debianRoot = root
	defer func() { debianRoot = old }()
	if p, err := fromDebian(t.Context(), searchFor(t)); p != nil || err != nil {
		t.Errorf("an empty folder gives %v (%v)", p, err)
	}
	fakeServer(t, filepath.Join(root, "9.6", "bin"), "9.6.24")
	if p, err := fromDebian(t.Context(), searchFor(t)); p != nil || err == nil || !strings.Contains(err.Error(), "older than") {
		t.Errorf("an old version alone gives %v (%v)", p, err)
	}
	for major, version := range map[string]string{"14": "14.9", "15": "15.18", "16": "16.4"} {
		fakeServer(t, filepath.Join(root, major, "bin"), version)
	}
	s := searchFor(t)
	if p, err := fromDebian(t.Context(), s); err != nil || p.version != "16.4" {
		t.Errorf("got %v (%v)", p, err)
	}
	s.major = 14
	if p, err := fromDebian(t.Context(), s); err != nil || p.version != "14.9" {
		t.Errorf("for data of version 14 got %v (%v)", p, err)
	}
	script(t, filepath.Join(root, "17", "bin"), "postgres", "exit 127")
	s.major = 0
	if p, err := fromDebian(t.Context(), s); err != nil || p.version != "16.4" {
		t.Errorf("beside a broken version 17 got %v (%v)", p, err)
	}
}

func TestTheServerInPATHIsFoundThroughLinks(t *testing.T) {
	real, links := reachableDir(t), reachableDir(t)
	fakeServer(t, real, "16.4")
	if err := os.Symlink(filepath.Join(real, "postgres"), filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", links+":/usr/bin:/bin")
	if p, err := fromPath(t.Context(), searchFor(t)); err != nil || p.bin != real {
		t.Errorf("got %v (%v)", p, err)
	}
	t.Setenv("PATH", "/usr/bin:/bin")
	if p, err := fromPath(t.Context(), searchFor(t)); p != nil || err != nil {
		t.Errorf("a PATH without a server gives %v (%v)", p, err)
	}
}

func TestProgramsThatDoNotFitTogetherAreNotUsed(t *testing.T) {
	bin := reachableDir(t)
	fakeServer(t, bin, "16.4")
	script(t, bin, "initdb", "echo 'initdb (PostgreSQL) 15.1'")
	if p, err := searchFor(t).check(t.Context(), bin, ""); p != nil || err == nil {
		t.Errorf("got %v (%v)", p, err)
	}
	script(t, bin, "initdb", "echo something else")
	if p, err := searchFor(t).check(t.Context(), bin, ""); p != nil || err == nil {
		t.Errorf("got %v (%v)", p, err)
	}
}

func TestAFailingInitdbIsQuoted(t *testing.T) {
	bin := reachableDir(t)
	fakeServer(t, bin, "16.4")
	script(t, bin, "initdb", `if [ "$1" = --version ]; then echo 'initdb (PostgreSQL) 16.4'; else echo 'the moon is in the wrong house'; exit 1; fi`)
	t.Setenv("PGBINDIR", bin)
	_, err := Start(t.Context(), Options{Dir: filepath.Join(reachableDir(t), "pg")})
	if refusal.CodeOf(err) != PostgresFailed || !strings.Contains(err.Error(), "the moon") {
		t.Errorf("got %v", err)
	}
}

func TestDATABASEURLGivesDatabasesOfOurOwnAndDropsThem(t *testing.T) {
	host := started(t, Options{})
	tell(t, host.URL("postgres"), "CREATE TABLE theirs (x int)")
	for name, given := range map[string]string{
		"an address":      host.URL("postgres"),
		"keys and values": "host=" + host.work.socket() + " user=" + superuser + " dbname=postgres sslmode=disable",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DATABASE_URL", given)
			s, err := Start(t.Context(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if s.PID() != 0 || s.Version != host.Version {
				t.Errorf("process %d, version %q", s.PID(), s.Version)
			}
			if err := s.CreateDatabase(t.Context(), "bank"); err != nil {
				t.Fatal(err)
			}
			if err := s.CreateFromTemplate(t.Context(), "copy", "bank"); err != nil {
				t.Fatal(err)
			}
			if got := ask(t, s.URL("copy"), "SELECT current_database()"); !strings.HasPrefix(got, "entente_") || !strings.HasSuffix(got, "_copy") {
				t.Errorf("the database is %q", got)
			}
			if err := s.Stop(Fast); err != nil {
				t.Error(err)
			}
			if left := ask(t, host.URL("postgres"), "SELECT count(*)::text FROM pg_database WHERE datname LIKE 'entente%'"); left != "0" {
				t.Errorf("%s databases are left", left)
			}
		})
	}
	if got := ask(t, host.URL("postgres"), "SELECT count(*)::text FROM theirs"); got != "0" {
		t.Error("a table of theirs is hurt")
	}
	t.Setenv("DATABASE_URL", "postgres://me:secret@/x?host=/no/such/socket")
	_, err := Start(t.Context(), Options{})
	if refusal.CodeOf(err) != PostgresFailed || strings.Contains(err.Error(), "secret") {
		t.Errorf("a dead server gives %v", err)
	}
}

func TestTheRemedyIsOneThatThisUserCanFollow(t *testing.T) {
	bin := reachableDir(t)
	t.Setenv("PATH", bin)
	if got := installCommand(); !strings.Contains(got, "your system's package") && !strings.Contains(got, "brew") {
		t.Errorf("without a package manager it is %q", got)
	}
	script(t, bin, "apt-get", "")
	root := os.Geteuid() == 0
	if got := installCommand(); strings.Contains(got, "sudo") || root != strings.HasPrefix(got, "install one: apt-get ") {
		t.Errorf("without sudo it is %q", got)
	}
	script(t, bin, "sudo", "")
	if got := installCommand(); root == strings.Contains(got, "sudo") {
		t.Errorf("with sudo it is %q", got)
	}
}

func TestFindNamesWhatIsWrongBeforeAnythingIsStarted(t *testing.T) {
	t.Setenv("PGBINDIR", "/no/such/folder")
	if err := Find(t.Context(), nil); refusal.CodeOf(err) != PostgresMissing {
		t.Errorf("a wrong PGBINDIR gives %v", err)
	}
	t.Setenv("DATABASE_URL", "postgres://me@/x?host=/no/such/socket")
	if err := Find(t.Context(), nil); refusal.CodeOf(err) != PostgresFailed {
		t.Errorf("a dead server gives %v", err)
	}
	t.Setenv("DATABASE_URL", "")
	t.Setenv("PGBINDIR", "")
	if err := Find(t.Context(), nil); err != nil {
		t.Errorf("with a server on this machine it gives %v", err)
	}
}
