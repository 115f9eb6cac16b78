package pgserver

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// own gives the rungs that fetch something a cache of the test's own, and no server on this machine.
func own(t *testing.T) (cache string) {
	t.Helper()
	oldCache, oldRoot := rootCache, debianRoot
	t.Cleanup(func() { rootCache, debianRoot = oldCache, oldRoot })
	dir := reachableDir(t)
	debianRoot = filepath.Join(dir, "debian")
	t.Setenv("XDG_CACHE_HOME", dir)
	rootCache = filepath.Join(dir, "entente")
	return rootCache
}

// left lists what a rung left in its cache, without the locks.
func left(t *testing.T, cache string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".lock") {
			names = append(names, entry.Name())
		}
	}
	return names
}

// together climbs one rung from two processes' view at once: their locks are on files of their own.
func together(t *testing.T, find func(context.Context, search) (*programs, error)) {
	t.Helper()
	var g sync.WaitGroup
	for range 2 {
		g.Go(func() {
			if p, err := find(t.Context(), searchFor(t)); err != nil || p == nil {
				t.Errorf("got %v (%v)", p, err)
			}
		})
	}
	g.Wait()
}

func TestAptGetInstallsForOneProcessAtATime(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root installs packages")
	}
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		t.Skip("neither Debian nor Ubuntu")
	}
	cache, bin := own(t), reachableDir(t)
	old := clusterOverride
	clusterOverride = filepath.Join(bin, "etc", "createcluster.d", "private.conf")
	defer func() { clusterOverride = old }()
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	// The first installation fails for want of lists, and all take a while.
	fakeServer(t, filepath.Join(bin, "new"), "15.18")
	script(t, bin, "apt-get", `
mkdir `+bin+`/running || exit 1
test -e `+clusterOverride+` || echo "no drop-in" >> `+bin+`/faults
sleep 0.2
case "$*" in
*Dir::State::Lists=*update) touch `+bin+`/updated;;
*DPkg::Lock::Timeout=*install*) test -e `+bin+`/updated && echo installed >> `+bin+`/installed && mkdir -p `+debianRoot+`/15 && cp -r `+bin+`/new `+debianRoot+`/15/bin; failed=$?;;
esac
rmdir `+bin+`/running
exit $failed`)
	together(t, fromApt)
	if text, err := os.ReadFile(filepath.Join(bin, "installed")); err != nil || string(text) != "installed\n" {
		t.Errorf("installed %q (%v)", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(bin, "faults")); err == nil {
		t.Errorf("apt-get ran with %s", text)
	}
	if _, err := os.Stat(filepath.Join(bin, "etc")); err == nil {
		t.Error("the drop-in is left")
	}
	if names := left(t, cache); len(names) > 0 {
		t.Errorf("left are %v", names)
	}
}

func TestAnInstallationOfAnotherProgramIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock-frontend")
	if heldByAnother(path) {
		t.Error("a lock that is not there is held")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), helperLock+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the helper has no lock")
	}
	if !heldByAnother(path) {
		t.Error("a lock that is held is free")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the helper ended by itself")
	}
	if heldByAnother(path) {
		t.Error("a lock is held by nobody")
	}
}

func TestAWaiterForALockIsToldAndMayGiveUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held, err := lockFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ctx, cancel := context.WithCancel(t.Context())
	f, err := awaitLock(ctx, path, func(string) { cancel() })
	if f != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v (%v)", f, err)
	}
}

func TestTheClustersDropInIsRemovedAgain(t *testing.T) {
	root := reachableDir(t)
	kept := filepath.Join(root, "postgresql-common")
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(kept, "createcluster.conf"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dropIn := filepath.Join(kept, "createcluster.d", "private.conf")
	restore, err := holdBackCluster(dropIn)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(dropIn); err != nil || string(text) != "create_main_cluster = false\n" {
		t.Errorf("it holds %q (%v)", text, err)
	}
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(kept); err != nil || len(entries) != 1 {
		t.Errorf("left are %v (%v)", entries, err)
	}
}

func TestAptInstallsAServerAndNoClusterOfItsOwn(t *testing.T) {
	if os.Getenv(networkTests) == "" {
		t.Skip("set " + networkTests + "=1 to download and install")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root installs packages")
	}
	before, err := filepath.Glob("/var/lib/postgresql/*/main")
	if err != nil {
		t.Fatal(err)
	}
	p, err := fromApt(t.Context(), searchFor(t))
	if err != nil || p == nil {
		t.Fatalf("got %v (%v)", p, err)
	}
	after, err := filepath.Glob("/var/lib/postgresql/*/main")
	if err != nil || len(after) != len(before) {
		t.Errorf("clusters before %v, after %v (%v)", before, after, err)
	}
	if _, err := os.Stat(clusterOverride); !os.IsNotExist(err) {
		t.Errorf("%s is left (%v)", clusterOverride, err)
	}
}
