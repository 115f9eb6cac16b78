package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// clusterOverride keeps the distribution's package from making and starting a cluster of its own. It is a drop-in file, so that no conffile is touched.
// A variable for tests alone.
var clusterOverride = "/etc/postgresql-common/createcluster.d/entente-private-server.conf"

// dpkgLock is held, as a POSIX record lock, by whoever installs packages.
const dpkgLock = "/var/lib/dpkg/lock-frontend"

// installWait is how long another program's installation is waited for.
const installWait = 2 * time.Minute

// fromApt installs the distribution's package, which only root on Debian or Ubuntu can.
func fromApt(ctx context.Context, s search) (p *programs, err error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("only root installs")
	}
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		return nil, errors.New("this is neither Debian nor Ubuntu")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, errors.New("not in PATH")
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	// One at a time, whichever process comes first: the drop-in is one for all.
	lock, err := awaitLock(ctx, filepath.Join(cache, "apt-get.lock"), s.progress)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // releases the lock; nothing was written
	if p, err := fromDebian(ctx, s); p != nil {
		return p, err
	}
	s.progress("installing PostgreSQL with apt-get (once, about a minute)")
	restore, err := holdBackCluster(clusterOverride)
	if err != nil {
		return nil, err
	}
	defer func() {
		if restoring := restore(); err == nil {
			err = restoring
		}
	}()
	if heldByAnother(dpkgLock) {
		s.progress(fmt.Sprintf("another program installs packages: waiting for it, at most %.0f minutes", installWait.Minutes()))
	}
	if err := installServer(ctx, cache); err != nil {
		return nil, err
	}
	return fromDebian(ctx, s)
}

// installServer installs with the package lists of the machine, or with fresh ones where these are missing or old. Lists and archives lie in a directory of
// its own, so that another program's locks on the machine's are not in the way; dpkg's own lock is waited for.
func installServer(ctx context.Context, cache string) error {
	apt, err := newAptDir(cache, "install")
	if err != nil {
		return err
	}
	defer os.RemoveAll(apt.dir)
	install := append([]string{"-o", fmt.Sprintf("DPkg::Lock::Timeout=%.0f", installWait.Seconds())}, "install", "-y", "--no-install-recommends", "postgresql")
	if _, err := runApt(ctx, "apt-get", append(apt.archives(), install...)...); err == nil {
		return nil
	}
	options := append(apt.archives(), apt.lists()...)
	// A source that does not answer is no reason to give up while the others do.
	updating, updated := runApt(ctx, "apt-get", append(options, "update")...)
	out, err := runApt(ctx, "apt-get", append(options, install...)...)
	switch {
	case err == nil:
		return nil
	case updated != nil:
		return fmt.Errorf("apt-get update: %w %s", updated, complaints(updating))
	default:
		return fmt.Errorf("apt-get install postgresql: %w %s", err, complaints(updating+"\n"+out))
	}
}

// aptDir is where apt-get keeps what it fetches for us.
type aptDir struct{ dir string }

// newAptDir makes one, and removes those that killed processes left. The caller holds the lock of all that use this name.
func newAptDir(cache, name string) (aptDir, error) {
	left, err := filepath.Glob(filepath.Join(cache, name+"-*"))
	if err != nil {
		return aptDir{}, err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return aptDir{}, err
		}
	}
	dir, err := os.MkdirTemp(cache, name+"-")
	if err != nil {
		return aptDir{}, err
	}
	a := aptDir{dir}
	// As root apt-get fetches as a user of its own, who must be able to get there.
	err = os.Chmod(dir, 0o755)
	for _, sub := range []string{"lists/partial", "cache/archives/partial"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	if err != nil {
		return aptDir{}, errors.Join(err, os.RemoveAll(dir))
	}
	return a, nil
}

func (a aptDir) lists() []string {
	return []string{"-o", "Dir::State::Lists=" + filepath.Join(a.dir, "lists")}
}

func (a aptDir) archives() []string {
	return []string{"-q", "-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"), "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"}
}

// heldByAnother says whether another process holds the record lock of a file. When that cannot be told it is taken to be free.
func heldByAnother(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close() // nothing was written
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	return syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock) == nil && lock.Type != syscall.F_UNLCK
}

// holdBackCluster writes the drop-in and gives what removes it again, with the folders that were made for it.
func holdBackCluster(path string) (restore func() error, err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, []byte("create_main_cluster = false\n"), 0o644); err != nil {
		return nil, err
	}
	return func() error {
		if err := os.Remove(path); err != nil {
			return err
		}
		// Fails, and should, when the package keeps something there.
		for ; os.Remove(dir) == nil; dir = filepath.Dir(dir) {
			continue
		}
		return nil
	}, nil
}

// runApt runs apt-get or one of its kin and gives the end of what it said.
func runApt(ctx context.Context, program string, args ...string) (string, error) {
	log := &logTail{}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = log, log
	// Killed in the middle of an installation it would leave packages half configured.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	err := cmd.Run()
	return log.lines(1 << 10), err
}

// complaints are the first lines that apt-get marks as errors, and its first warning.
func complaints(said string) string {
	return strings.TrimSpace(marked(said, 3, "E: ") + "\n" + marked(said, 1, "W: "))
}

// marked gives the first n lines that begin with one of the marks.
func marked(text string, n int, marks ...string) string {
	var found []string
	for line := range strings.Lines(text) {
		for _, mark := range marks {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, mark) && len(found) < n {
				found = append(found, line)
			}
		}
	}
	return strings.Join(found, "\n")
}
