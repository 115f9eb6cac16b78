package pgserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"entente/schema/refusal"
)

// superuser is the database role that initdb makes and every URL names.
const superuser = "entente"

// initdb makes a new cluster in the empty or absent directory dir.
func (p *programs) initdb(ctx context.Context, id identity, dir string, durable bool) error {
	args := []string{"-D", dir, "-U", superuser, "--auth=trust", "--encoding=UTF8", "--locale=" + locale()}
	if !durable {
		args = append(args, "--no-sync")
	}
	out, err := id.run(ctx, filepath.Dir(dir), p.libs, filepath.Join(p.bin, "initdb"), args...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return failed("initdb could not make a cluster in "+dir, out)
	}
	return nil
}

// locale orders text by code point on every system. macOS knows that order only as "C".
func locale() string {
	if runtime.GOOS == "darwin" {
		return "C"
	}
	return "C.UTF-8"
}

// fromTemplate makes dir a copy of a cluster that is initialised once per version and kept in the cache: a start in tens of milliseconds instead of a second.
// Copies share their system identifier, so this is for temporary clusters alone.
func (p *programs) fromTemplate(ctx context.Context, id identity, dir string) error {
	cache, err := cacheDir()
	if err != nil {
		return err
	}
	if err := id.reach(cache); err != nil {
		return p.initdb(ctx, id, dir, false)
	}
	sum := sha256.Sum256([]byte(p.bin + "\n" + p.version + "\n" + locale() + "\n" + superuser))
	template := filepath.Join(cache, fmt.Sprintf("template-%s-%s-%d", p.version, hex.EncodeToString(sum[:4]), id.uid))
	lock, err := lockFile(template+".lock", true)
	if err != nil {
		return err
	}
	defer lock.Close() // releases the lock; nothing was written
	if _, err := os.Stat(template); err != nil {
		work, err := os.MkdirTemp(cache, "initdb-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(work) // after success only the empty parent is left
		if err := id.own(work); err != nil {
			return err
		}
		if err := p.initdb(ctx, id, filepath.Join(work, "data"), false); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(work, "data"), template); err != nil {
			return err
		}
	}
	if err := copyTree(template, dir, id); err != nil {
		return failed("the cluster template could not be copied to "+dir, err.Error())
	}
	return nil
}

// copyTree copies folders and plain files, all a fresh cluster has, and gives them to the identity.
func copyTree(from, to string, id identity) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if entry.IsDir() {
			err = os.Mkdir(target, 0o700)
		} else {
			err = copyFile(path, target)
		}
		if err != nil {
			return err
		}
		return id.own(target)
	})
}

func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close() // only read
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closing := target.Close(); err == nil {
			err = closing
		}
	}()
	_, err = io.Copy(target, source)
	return err
}

// majorOf reads the major version of the cluster in dir: 0 when dir is absent or empty. A directory with anything else in it is refused.
func majorOf(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err == nil {
		// Before version 10 the major version was of two numbers; the first is enough to tell it from ours.
		first, _, _ := strings.Cut(strings.TrimSpace(string(text)), ".")
		major, err := strconv.Atoi(first)
		if err != nil || major <= 0 {
			return 0, refusal.Newf(DataDirectoryUnusable, "name another directory", "%s holds a PG_VERSION of %.20q", dir, text)
		}
		return major, nil
	}
	entries, err := os.ReadDir(dir)
	switch {
	case os.IsNotExist(err):
		return 0, nil
	case err != nil:
		return 0, refusal.Newf(DataDirectoryUnusable, "name a directory that this user owns", "%s cannot be read (%v)", dir, err)
	case len(entries) > 0:
		return 0, refusal.Newf(DataDirectoryUnusable, "name an empty directory or one that holds a cluster", "%s holds %s and is no PostgreSQL cluster", dir, entries[0].Name())
	}
	return 0, nil
}

// orphanWait is how long a server whose parent was killed may take for its own shutdown.
const orphanWait = 10 * time.Second

// clearStalePID removes a postmaster.pid that no running server stands behind, and refuses when one does. The caller holds the directory's lock, so a server
// there is either the last gasp of one whose parent died, or foreign.
func clearStalePID(ctx context.Context, dir string) error {
	path := filepath.Join(dir, "postmaster.pid")
	for deadline := time.Now().Add(orphanWait); ; {
		pid, err := readPID(path)
		if os.IsNotExist(err) {
			return nil
		} else if err != nil {
			return err
		}
		if !runsServer(pid, dir) {
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return err
			}
			return nil
		}
		if time.Now().After(deadline) {
			return refusal.Newf(DataDirectoryInUse, fmt.Sprintf("stop it (kill -INT %d) or name another directory", pid), "process %d is a PostgreSQL server on %s", pid, dir)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// readPID reads the first line of a postmaster.pid; 0 stands for a file that names no process.
func readPID(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 {
		return pid, nil
	}
	// A server that was killed while writing it leaves an empty or torn file.
	return 0, nil
}

// runsServer says whether pid is a PostgreSQL server that works in dir. A process id alone proves nothing: the system gives numbers again.
func runsServer(pid int, dir string) bool {
	if pid == 0 || pid == os.Getpid() || syscall.Kill(pid, 0) == syscall.ESRCH {
		return false
	}
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	name, err := os.ReadFile(filepath.Join(proc, "comm"))
	if err != nil {
		// Without /proc it might be one, and a wrong guess would destroy data.
		_, noProc := os.Stat("/proc/self/comm")
		return noProc != nil
	}
	if comm := strings.TrimSpace(string(name)); comm != "postgres" && comm != "postmaster" {
		return false
	}
	if stat, err := os.ReadFile(filepath.Join(proc, "stat")); err == nil && strings.Contains(string(stat), ") Z ") {
		return false
	}
	cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
	if err != nil {
		return true
	}
	real, err := filepath.EvalSymlinks(dir)
	return err != nil || cwd == real
}

// failed makes the refusal for programs that did not do their work, with the end of what they said.
func failed(what, log string) *refusal.Refusal {
	do := "see the log above, then start again"
	if strings.Contains(log, "No space left on device") || strings.Contains(log, "no space left on device") {
		do = "free disk space or name another directory, then start again"
	}
	if log != "" {
		what += "; its last words were:\n" + log + "\n"
	}
	return refusal.New(PostgresFailed, what, do)
}
