package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"entente/schema/refusal"
)

// oldestMajor is the oldest major version that still gets fixes and that the store is tested with.
const oldestMajor = 14

// programs is one installation of the server.
type programs struct {
	// bin holds initdb and postgres.
	bin string
	// libs is the search path of libraries that lie beside them and not where the system looks; empty for installed programs.
	libs string
	// version is as the server states it, such as "15.18"; major is its first number.
	version string
	major   int
}

// search is what the rungs look with.
type search struct {
	id identity
	// major is the version of an existing data directory, 0 when there is none. A rung with several versions prefers it.
	major    int
	progress func(string)
}

// rung is one way to come by the server's programs: nil and no error when there are none. An error is a reason to try the next, unless the rung is the
// reader's own word.
type rung struct {
	name string
	find func(context.Context, search) (*programs, error)
	// none is what it means when there are none.
	none     string
	explicit bool
}

// ladder is the order in which the programs are looked for. A running server in DATABASE_URL comes before all of it.
var ladder = []rung{
	{name: "PGBINDIR", find: fromEnvironment, none: "not set", explicit: true},
	{name: "/usr/lib/postgresql", find: fromDebian, none: "no server there"},
	{name: "PATH", find: fromPath, none: "no server there"},
	{name: "apt-get", find: fromApt, none: "installed no server"},
	{name: "downloaded packages", find: fromPackages, none: "no server in them"},
	{name: "npm", find: fromNpm, none: "no server in the package"},
}

// findPrograms climbs the ladder.
func findPrograms(ctx context.Context, s search, rungs []rung) (*programs, error) {
	var reasons []string
	for _, r := range rungs {
		found, err := r.find(ctx, s)
		switch {
		case err == nil && found != nil:
			return found, nil
		case err == nil:
			reasons = append(reasons, r.name+": "+r.none)
		case r.explicit:
			return nil, refusal.Newf(PostgresMissing, "correct "+r.name+" or unset it", "%s names no usable server: %s", r.name, oneLine(err.Error()))
		default:
			reasons = append(reasons, r.name+": "+oneLine(err.Error()))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return nil, refusal.New(PostgresMissing, "no PostgreSQL server was found ("+strings.Join(reasons, "; ")+")",
		installCommand()+", set PGBINDIR to the folder of its programs, or DATABASE_URL to the address of a server that runs")
}

// oneLine puts a program's lines of complaint into one.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), ", ")
}

// fromEnvironment takes the folder in $PGBINDIR.
func fromEnvironment(ctx context.Context, s search) (*programs, error) {
	bin := os.Getenv("PGBINDIR")
	if bin == "" {
		return nil, nil
	}
	return s.check(ctx, bin, "")
}

// debianRoot is a variable for tests alone.
var debianRoot = "/usr/lib/postgresql"

// fromDebian takes the highest version, or the one of the data directory, from where Debian and Ubuntu keep them side by side.
func fromDebian(ctx context.Context, s search) (*programs, error) {
	return s.newest(ctx, debianRoot, "")
}

// newest takes the highest version, or the one of the data directory, of those that lie in root side by side.
func (s search) newest(ctx context.Context, root, libs string) (*programs, error) {
	found, err := filepath.Glob(filepath.Join(root, "*", "bin", "postgres"))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	majorOf := func(path string) int {
		major, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		if err != nil {
			return 0
		}
		if major == s.major {
			return 1 << 20
		}
		return major
	}
	slices.SortFunc(found, func(a, b string) int { return majorOf(b) - majorOf(a) })
	var reasons []error
	for _, path := range found {
		p, err := s.check(ctx, filepath.Dir(path), libs)
		if err == nil {
			return p, nil
		}
		reasons = append(reasons, err)
	}
	return nil, errors.Join(reasons...)
}

// fromPath takes the server that a shell would find.
func fromPath(ctx context.Context, s search) (*programs, error) {
	path, err := exec.LookPath("postgres")
	if errors.Is(err, exec.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	return s.check(ctx, filepath.Dir(real), "")
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[^\s]*)`)

// check runs both programs of a folder as the server's user: a program that is there may still not start.
func (s search) check(ctx context.Context, bin, libs string) (*programs, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	if err := s.id.reach(bin); err != nil {
		return nil, err
	}
	var p *programs
	for _, name := range []string{"initdb", "postgres"} {
		out, err := s.id.run(ctx, "/", libs, filepath.Join(bin, name), "--version")
		if err != nil {
			return nil, fmt.Errorf("%s does not run: %w %s", filepath.Join(bin, name), err, out)
		}
		m := versionLine.FindStringSubmatch(out)
		if m == nil {
			return nil, fmt.Errorf("%s states no version: %.80q", filepath.Join(bin, name), out)
		}
		major, err := strconv.Atoi(m[2])
		if err != nil {
			return nil, err
		}
		if p != nil && p.version != m[1] {
			return nil, fmt.Errorf("initdb and postgres in %s are of versions %s and %s", bin, p.version, m[1])
		}
		p = &programs{bin: bin, libs: libs, version: m[1], major: major}
	}
	if p.major < oldestMajor {
		return nil, fmt.Errorf("version %s in %s is older than %d", p.version, bin, oldestMajor)
	}
	return p, nil
}

// installCommand says how this machine's own package manager installs a server.
func installCommand() string {
	for _, m := range []struct{ program, command string }{
		{"apt-get", "apt-get install postgresql"},
		{"dnf", "dnf install postgresql-server"},
		{"apk", "apk add postgresql"},
		{"pacman", "pacman -S postgresql"},
		{"zypper", "zypper install postgresql-server"},
	} {
		if _, err := exec.LookPath(m.program); err != nil {
			continue
		}
		_, sudo := exec.LookPath("sudo")
		switch {
		case os.Geteuid() == 0:
			return "install one: " + m.command
		case sudo == nil:
			return "install one: sudo " + m.command
		default:
			return "have root install one (" + m.command + ")"
		}
	}
	if _, err := exec.LookPath("brew"); err == nil || runtime.GOOS == "darwin" {
		return "install one: brew install postgresql@17"
	}
	return "install your system's package of the PostgreSQL server"
}
