package wallet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"entente/schema/refusal"
)

const limitKeyFile = 1 << 20 // bytes; a longer file is read up to here, and is no key file

// readPrivate reads a file that nobody but its owner can read, and nobody but the current user or root can have written. A symbolic link is followed, and
// what it leads to is judged. The checks are made on the opened file, so that it cannot be exchanged between check and use.
func readPrivate(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not block the start
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, refusal.Newf(CodeKeyFileMissing, "name the right path", "there is no key file %s", path)
	case err != nil:
		return nil, fmt.Errorf("open the key file: %w", err)
	}
	defer f.Close() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at the key file: %w", err)
	}
	if err := checkPrivate(path, info); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limitKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	return b, nil
}

func checkPrivate(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return refusal.Newf(CodeInsecureKeyFile, "name a regular file", "%s is no regular file", path)
	}
	if info.Mode().Perm()&^0o600 != 0 || info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
		return refusal.Newf(CodeInsecureKeyFile, "run chmod 600 on it, and replace its keys if others could read it", "%s has mode %s", path, info.Mode())
	}
	if owner, ok := ownerOf(info); !ok || (owner != 0 && owner != os.Geteuid()) {
		return refusal.Newf(CodeInsecureKeyFile, "let the file belong to the user the process runs as, or to root", "%s belongs to user %d", path, owner)
	}
	if err := checkDirectory(filepath.Dir(path)); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("follow the key file's links: %w", err)
	}
	return checkDirectory(filepath.Dir(real))
}

// checkDirectory refuses a directory in which anybody may replace anybody's file.
func checkDirectory(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the key file's directory: %w", err)
	}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return refusal.Newf(CodeInsecureKeyFile, "keep key files in a directory of mode 0700", "everybody may replace files in %s", dir)
	}
	return nil
}

func ownerOf(info fs.FileInfo) (int, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, false
	}
	return int(stat.Uid), true
}

// createPrivate writes a new file of mode 0600: complete under a temporary name, flushed, then linked to its own name, which fails where a file stands.
func createPrivate(path string, contents []byte) (err error) {
	dir := filepath.Dir(path)
	if err := checkDirectory(dir); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("create the key file: %w", err)
	}
	defer func() {
		if gone := os.Remove(f.Name()); gone != nil {
			err = errors.Join(err, fmt.Errorf("remove the temporary key file: %w", gone))
		}
	}()
	if err := writeAndClose(f, contents); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	switch err := os.Link(f.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return refusal.Newf(CodeKeyFileExists, "choose another path, or move the old file away yourself", "a file stands at %s", path)
	case err != nil:
		return fmt.Errorf("name the key file: %w", err)
	}
	return flushDirectory(dir)
}

func writeAndClose(f *os.File, contents []byte) error {
	_, wrote := f.Write(contents)
	return errors.Join(wrote, f.Chmod(0o600), f.Sync(), f.Close())
}

// flushDirectory makes the new name survive a loss of power.
func flushDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("flush the key file's directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("flush the key file's directory: %w", err)
	}
	return nil
}
