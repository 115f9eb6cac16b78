package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente/schema/refusal"
)

func started(t *testing.T, o Options) *Server {
	t.Helper()
	begin := time.Now()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("version %s answered after %d ms", s.Version, time.Since(begin).Milliseconds())
	t.Cleanup(func() {
		if err := s.Stop(Fast); err != nil {
			t.Error(err)
		}
	})
	return s
}

// reachableDir is a directory that the server's user can reach when the tests run as root, which t.TempDir is not.
func reachableDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// lastingDir is a directory with a cluster that nobody runs, copied from the template because initdb takes its time.
func lastingDir(t *testing.T) string {
	t.Helper()
	id := identify("")
	dir := filepath.Join(reachableDir(t), "pg")
	if err := installed(t).fromTemplate(t.Context(), id, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func ask(t *testing.T, url, query string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var answer string
	if err := conn.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

func tell(t *testing.T, url, statement string) {
	t.Helper()
	if err := execute(t.Context(), url, statement); err != nil {
		t.Fatal(err)
	}
}

func TestATemporaryServerIsSafeAndLeavesNothing(t *testing.T) {
	s := started(t, Options{})
	url := s.URL("postgres")
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": "", "server_encoding": "UTF8", "TimeZone": "GMT",
	} {
		if got := ask(t, url, "SELECT current_setting('"+setting+"')"); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if got := ask(t, url, "SELECT string_agg(w, '' ORDER BY w) FROM (VALUES ('b'), ('A'), ('é'), ('a')) AS v(w)"); got != "Aabé" {
		t.Errorf("text is ordered %s, not by code point", got)
	}
	info, err := os.Stat(s.work.socket())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder has mode %v (%v)", info.Mode(), err)
	}
	if os.Geteuid() == 0 {
		process, err := os.Stat(filepath.Join("/proc", strconv.Itoa(s.PID())))
		if err != nil {
			t.Fatal(err)
		}
		if uid, _ := owner(process); uid == 0 {
			t.Error("the server runs as root")
		}
	}
	if err := s.Stop(Fast); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.work.path); s.work.path != "" || err == nil {
		t.Error("the temporary directory is still known or there")
	}
	if alive(s.PID()) {
		t.Error("the server still runs")
	}
}

func TestTheServersOwnProgramsAreFound(t *testing.T) {
	s := started(t, Options{})
	t.Setenv("PATH", "")
	if path := s.Program("initdb"); filepath.Base(path) != "initdb" || !filepath.IsAbs(path) {
		t.Errorf("initdb is %q", path)
	}
	if path := s.Program("no-such-program"); path != "" {
		t.Errorf("a program that is nowhere is %q", path)
	}
}

func TestDatabasesAreMadeCopiedAndDropped(t *testing.T) {
	s := started(t, Options{})
	ctx := t.Context()
	if err := s.CreateDatabase(ctx, `od"d`); err != nil {
		t.Fatal(err)
	}
	tell(t, s.URL(`od"d`), "CREATE TABLE t AS SELECT 'kept' AS word")
	if err := s.CreateFromTemplate(ctx, "copy", `od"d`); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s.URL("copy"), "SELECT word FROM t"); got != "kept" {
		t.Errorf("the copy holds %q", got)
	}
	if err := s.CreateDatabase(ctx, "copy"); err == nil {
		t.Error("a database was made twice")
	}
	if err := s.DropDatabase(ctx, "copy"); err != nil {
		t.Error(err)
	}
	if conn, err := pgx.Connect(ctx, s.URL("copy")); err == nil {
		conn.Close(ctx)
		t.Error("a dropped database answers")
	}
}

func TestALastingClusterKeepsWhatItAcknowledgedThroughAnImmediateStop(t *testing.T) {
	dir := filepath.Join(reachableDir(t), "deep", "pg")
	s := started(t, Options{Dir: dir})
	if s.Dir() != dir {
		t.Fatalf("the data is in %s, not in %s", s.Dir(), dir)
	}
	tell(t, s.URL("postgres"), "CREATE TABLE t AS SELECT 'kept' AS word")
	if err := s.Stop(Immediate); err != nil {
		t.Fatal(err)
	}
	again := started(t, Options{Dir: dir})
	if got := ask(t, again.URL("postgres"), "SELECT word FROM t"); got != "kept" {
		t.Errorf("the table holds %q", got)
	}
}

func TestADirectoryServesOneServerAtATime(t *testing.T) {
	dir := lastingDir(t)
	s := started(t, Options{Dir: dir})
	if _, err := Start(t.Context(), Options{Dir: dir}); refusal.CodeOf(err) != DataDirectoryInUse {
		t.Errorf("a second start gives %v", err)
	}
	// A server of somebody else's holds no lock of ours; only the process itself tells.
	if err := s.dirLock.Close(); err != nil {
		t.Fatal(err)
	}
	s.dirLock = nil
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := clearStalePID(ctx, dir); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a live server's postmaster.pid gives %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "postmaster.pid")); err != nil {
		t.Errorf("the live server's postmaster.pid was touched: %v", err)
	}
	if got := ask(t, s.URL("postgres"), "SELECT 'alive'"); got != "alive" {
		t.Error("the first server is hurt")
	}
}

func TestAStalePostmasterPIDIsNoHindrance(t *testing.T) {
	dir := lastingDir(t)
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	other := exec.Command("sleep", "600")
	other.Dir = dir
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Process.Kill(); err != nil {
			t.Error(err)
		}
		if err := other.Wait(); err == nil {
			t.Error("the sleeper was not killed")
		}
	})
	elsewhere := started(t, Options{})
	for name, content := range map[string]string{
		"a server of another cluster": fmt.Sprintf("%d\n%s\n", elsewhere.PID(), dir),
		"a process that is gone":      fmt.Sprintf("%d\n%s\n", dead.Process.Pid, dir),
		"another program":             fmt.Sprintf("%d\n%s\n", other.Process.Pid, dir),
		"this very process":           fmt.Sprintf("%d\n%s\n", os.Getpid(), dir),
		"a torn file":                 "",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "postmaster.pid")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := identify(dir).own(path); err != nil {
				t.Fatal(err)
			}
			s, err := Start(t.Context(), Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Stop(Fast); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestADirectoryThatIsNotOursIsRefusedAndUntouched(t *testing.T) {
	for _, test := range []struct {
		name, file, content string
		want                refusal.Code
	}{
		{"another major version", "PG_VERSION", "11\n", PostgresVersionMismatch},
		{"a major version of two numbers", "PG_VERSION", "9.6\n", PostgresVersionMismatch},
		{"a version that is none", "PG_VERSION", "new\n", DataDirectoryUnusable},
		{"somebody's files", "thesis.txt", "chapter 1", DataDirectoryUnusable},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(reachableDir(t), "pg")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, test.file)
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Start(t.Context(), Options{Dir: dir}); refusal.CodeOf(err) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 {
				t.Errorf("the directory now holds %v (%v)", entries, err)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != test.content {
				t.Errorf("the file now holds %q (%v)", text, err)
			}
		})
	}
}

func TestADirectoryTheServersUserCannotReachIsReplaced(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives the server another user")
	}
	closed := filepath.Join(reachableDir(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	id := identify("")
	var told []string
	dir, err := place(filepath.Join(closed, "pg"), id, func(s string) { told = append(told, s) })
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(dir, closed) || id.reach(dir) != nil || len(told) != 1 {
		t.Errorf("placed in %s, told %q", dir, told)
	}
	again, err := place(filepath.Join(closed, "pg"), id, func(string) {})
	if err != nil || again != dir {
		t.Errorf("the second start would look in %s (%v), not in %s", again, err, dir)
	}
}

func TestAFullDiskIsNamedAsTheReason(t *testing.T) {
	dir := reachableDir(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=755"); err != nil {
		t.Skipf("no small file system to fill: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	_, err := Start(t.Context(), Options{Dir: filepath.Join(dir, "pg")})
	if refusal.CodeOf(err) != PostgresFailed || !strings.Contains(err.Error(), "free disk space") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "pg", "PG_VERSION")); err == nil {
		t.Error("half a cluster is left")
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	dir := lastingDir(t)
	if err := os.WriteFile(filepath.Join(dir, "postgresql.conf"), []byte("no_such_setting = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Dir: dir})
	if refusal.CodeOf(err) != PostgresFailed || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("got %v", err)
	}
}
