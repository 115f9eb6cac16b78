package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// fromPackages downloads Debian's or Ubuntu's packages into the cache, once, and unpacks them there without installing anything: what an ordinary user can do.
// apt-get checks their signatures as it does for an installation.
func fromPackages(ctx context.Context, s search) (*programs, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	lock, err := awaitLock(ctx, filepath.Join(cache, "postgres-deb.lock"), s.progress)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // releases the lock; nothing was written
	root := filepath.Join(cache, "postgres-deb")
	if p, err := s.unpacked(ctx, root); p != nil {
		return p, err
	}
	for _, program := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, errors.New(program + " is not in PATH")
		}
	}
	s.progress("downloading PostgreSQL with apt-get into " + root + " (once, about 60 MB)")
	if err := s.unpackServer(ctx, cache, root); err != nil {
		return nil, err
	}
	return s.unpacked(ctx, root)
}

// unpacked takes the server from a root that packages were unpacked in, with the libraries beside it.
func (s search) unpacked(ctx context.Context, root string) (*programs, error) {
	var libs []string
	for _, pattern := range []string{"usr/lib/*-linux-*", "lib/*-linux-*"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		libs = append(libs, found...)
	}
	return s.newest(ctx, filepath.Join(root, "usr", "lib", "postgresql"), strings.Join(libs, ":"))
}

// unpackServer fills root with a server that runs, or not at all.
func (s search) unpackServer(ctx context.Context, cache, root string) error {
	apt, err := newAptDir(cache, "unpack")
	if err != nil {
		return err
	}
	defer os.RemoveAll(apt.dir)
	options := slices.Concat(apt.archives(), apt.lists(), []string{"-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="})
	run := func(program string, args ...string) (string, error) {
		return runApt(ctx, program, append(slices.Clone(options), args...)...)
	}
	// A source that does not answer is no reason to give up while the others do.
	updating, updated := run("apt-get", "update")
	offered, err := run("apt-cache", "search", "--names-only", `^postgresql-[0-9]+$`)
	if err != nil {
		return fmt.Errorf("apt-cache search: %w %s", err, complaints(offered))
	}
	name := s.serverPackage(offered)
	switch {
	case name == "" && updated != nil:
		return fmt.Errorf("apt-get update: %w %s", updated, complaints(updating))
	case name == "":
		return errors.New("apt-get offers no package of a server " + complaints(updating))
	}
	if out, err := run("apt-get", "install", "-y", "--no-install-recommends", "--download-only", name); err != nil {
		return fmt.Errorf("apt-get install --download-only %s: %w %s", name, err, complaints(out))
	}
	work := filepath.Join(apt.dir, "root")
	if err := unpack(ctx, filepath.Join(apt.dir, "cache", "archives"), work); err != nil {
		return err
	}
	if p, err := s.unpacked(ctx, work); err != nil {
		return err
	} else if p == nil {
		return errors.New(name + " holds no server")
	}
	// What is there by now does not run.
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	return os.Rename(work, root)
}

var serverPackageName = regexp.MustCompile(`(?m)^postgresql-(\d+) `)

// serverPackage chooses from what apt-cache found: the version of the data directory, else the highest. Empty when there is none that would do.
func (s search) serverPackage(offered string) string {
	var majors []int
	for _, m := range serverPackageName.FindAllStringSubmatch(offered, -1) {
		if major, err := strconv.Atoi(m[1]); err == nil && major >= oldestMajor {
			majors = append(majors, major)
		}
	}
	switch {
	case len(majors) == 0:
		return ""
	case slices.Contains(majors, s.major):
		return fmt.Sprintf("postgresql-%d", s.major)
	default:
		return fmt.Sprintf("postgresql-%d", slices.Max(majors))
	}
}

// unpack lays the files of all archives of a folder into root. No script of a package is run.
func unpack(ctx context.Context, archives, root string) error {
	found, err := filepath.Glob(filepath.Join(archives, "*.deb"))
	if err != nil {
		return err
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	for _, archive := range found {
		// A C library works with its own loader alone, and the system's serves.
		if strings.HasPrefix(filepath.Base(archive), "libc6_") {
			continue
		}
		if out, err := runApt(ctx, "dpkg-deb", "-x", archive, root); err != nil {
			return fmt.Errorf("dpkg-deb -x %s: %w %s", filepath.Base(archive), err, out)
		}
	}
	return nil
}
