package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// rootCache is a variable for tests alone.
var rootCache = "/var/cache/entente"

// cacheDir is where downloaded programs and initialised templates stay between runs: /var/cache/entente for root (reachable for the server's user), else the
// user's cache directory, else a private directory under the temporary one.
func cacheDir() (string, error) {
	preferred := rootCache
	if os.Geteuid() != 0 {
		base, err := os.UserCacheDir()
		if err != nil {
			base = ""
		}
		preferred = filepath.Join(base, "entente")
	}
	if filepath.IsAbs(preferred) && os.MkdirAll(preferred, 0o755) == nil && writable(preferred) {
		return preferred, nil
	}
	fallback := filepath.Join(os.TempDir(), fmt.Sprintf("entente-cache-%d", os.Geteuid()))
	if err := os.Mkdir(fallback, 0o755); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("no directory to keep the server's files in: %w", err)
	}
	// Anybody may make this name first in a shared temporary directory.
	info, err := os.Lstat(fallback)
	if err != nil {
		return "", err
	}
	if uid, _ := owner(info); !info.IsDir() || uid != uint32(os.Geteuid()) || info.Mode().Perm()&0o022 != 0 {
		return os.MkdirTemp("", "entente-cache-")
	}
	return fallback, nil
}

func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return false
	}
	return f.Close() == nil && os.Remove(f.Name()) == nil
}

// awaitLock takes the lock of a file as soon as it is free, and tells who waits why.
func awaitLock(ctx context.Context, path string, progress func(string)) (*os.File, error) {
	for told := false; ; {
		f, err := lockFile(path, false)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return f, err
		}
		if !told {
			told = true
			progress("another process fetches PostgreSQL: waiting for it")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lockFile takes the exclusive lock of a file that it makes if need be. The lock ends with the file or with the process, however it dies.
// With wait false a lock held by another gives syscall.EWOULDBLOCK.
func lockFile(path string, wait bool) (*os.File, error) {
	return lockWith(os.O_RDWR|os.O_CREATE, path, wait)
}

func lockWith(flags int, path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		if closing := f.Close(); closing != nil {
			return nil, closing
		}
		return nil, err
	}
	return f, nil
}
