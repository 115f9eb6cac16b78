package pgserver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"entente/schema/refusal"
)

// workPrefix begins the name of every temporary directory of this package.
const workPrefix = "entente-pg-"

// draftPrefix begins the name of one that is being made.
const draftPrefix = "entente-new-"

// socketPathMax is the longest path a Unix socket may have on Linux; other systems allow a few bytes less, hence the margin in use.
const socketPathMax = 107

// workDir is what one server has for as long as it runs: a lock that ends with this process, the socket's folder, and the data of a temporary cluster.
type workDir struct {
	path string
	lock *os.File
}

func (w workDir) data() string   { return filepath.Join(w.path, "data") }
func (w workDir) socket() string { return filepath.Join(w.path, "s") }

// newWorkDir makes the directory where the identity can reach it and a socket's path is short enough, and removes those that killed processes left there.
func newWorkDir(id identity) (workDir, error) {
	root := os.TempDir()
	longest := filepath.Join(root, workPrefix+"0123456789", "s", ".s.PGSQL.65535")
	if len(longest) > socketPathMax-8 || id.reach(root) != nil {
		root = "/tmp"
	}
	sweep(root, id)
	// It gets its name when its lock is held, so that no other start sweeps it away.
	draft, err := os.MkdirTemp(root, draftPrefix)
	if err != nil {
		return workDir{}, err
	}
	path := filepath.Join(root, workPrefix+strings.TrimPrefix(filepath.Base(draft), draftPrefix))
	w := workDir{path: path}
	if w.lock, err = lockFile(filepath.Join(draft, "lock"), false); err != nil {
		return workDir{}, err
	}
	if err := os.Rename(draft, path); err != nil {
		return workDir{}, errors.Join(err, w.lock.Close(), os.RemoveAll(draft))
	}
	if id.dropped {
		// The server's user passes through but does not own it, so that it cannot lead root's own clean-up astray.
		if err := os.Chmod(path, 0o711); err != nil {
			return workDir{}, err
		}
	}
	if err := os.Mkdir(w.socket(), 0o700); err != nil {
		return workDir{}, err
	}
	return w, id.own(w.socket())
}

// remove removes everything and gives the lock back: in this order, so that nobody else removes it as well.
func (w workDir) remove() error {
	err := os.RemoveAll(w.path)
	if w.lock != nil {
		err = errors.Join(err, w.lock.Close())
	}
	return err
}

// sweep removes the directories of processes that were killed: their lock is free. What it cannot remove now it leaves to the next start.
func sweep(root string, id identity) {
	left, err := filepath.Glob(filepath.Join(root, workPrefix+"*"))
	if err != nil {
		return
	}
	for _, path := range left {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() {
			continue
		}
		if uid, _ := owner(info); uid != uint32(os.Geteuid()) {
			continue
		}
		// One without a lock is being removed, or its removal was cut short.
		flags := os.O_RDWR
		if time.Since(info.ModTime()) > time.Hour {
			flags |= os.O_CREATE
		}
		lock, err := lockWith(flags, filepath.Join(path, "lock"), false)
		if err != nil {
			continue
		}
		w := workDir{path: path, lock: lock}
		if pid, err := readPID(filepath.Join(w.data(), "postmaster.pid")); err == nil && runsServer(pid, w.data()) {
			// It is on its way out, or on a system that did not tell it of its parent's death.
			if syscall.Kill(pid, syscall.SIGINT) == nil {
				lock.Close() // nothing was written
			}
			continue
		}
		if w.remove() != nil {
			continue
		}
	}
}

// place gives the directory for a lasting cluster: dir itself where the identity can reach it, else one of the same identity under /var/lib/entente.
func place(dir string, id identity, progress func(string)) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	unreachable := id.reach(filepath.Dir(dir))
	if unreachable == nil {
		return dir, nil
	}
	if _, err := os.Stat(filepath.Join(dir, "PG_VERSION")); err == nil {
		return "", refusal.Newf(DataDirectoryUnusable, "move the cluster or start as its owner", "there is a cluster in %s, but %v", dir, unreachable)
	}
	sum := sha256.Sum256([]byte(dir))
	other := filepath.Join("/var/lib/entente", "pg-"+hex.EncodeToString(sum[:6]))
	progress(fmt.Sprintf("%v: the data for %s is kept in %s", unreachable, dir, other))
	return other, nil
}

// prepare makes the directory of a lasting cluster and gives it to the identity. One that holds a cluster is left as it is, and must be the identity's.
func prepare(dir string, id identity, holdsCluster bool) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	uid, _ := owner(info)
	if uid != id.uid && (holdsCluster || !id.dropped || uid != 0) {
		return refusal.Newf(DataDirectoryUnusable, "name a directory that this user owns", "%s belongs to user %d and not to %d, which would run the server", dir, uid, id.uid)
	}
	if holdsCluster {
		return nil
	}
	if err := id.own(dir); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}
