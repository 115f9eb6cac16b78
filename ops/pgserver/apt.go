package pgserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// clusterOverride keeps the distribution's package from making and starting a cluster of its own. It is a drop-in file, so that no conffile is touched.
const clusterOverride = "/etc/postgresql-common/createcluster.d/entente-private-server.conf"

// fromApt installs the distribution's package, which only root on Debian or Ubuntu can.
func fromApt(ctx context.Context, s search) (p *programs, err error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		return nil, nil
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return nil, nil
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
	install := []string{"install", "-y", "-q", "--no-install-recommends", "postgresql"}
	if _, err := runApt(ctx, apt, install...); err != nil {
		// A fresh machine has no package lists yet.
		if out, err := runApt(ctx, apt, "update", "-q"); err != nil {
			return nil, fmt.Errorf("apt-get update: %w %s", err, out)
		}
		if out, err := runApt(ctx, apt, install...); err != nil {
			return nil, fmt.Errorf("apt-get install postgresql: %w %s", err, out)
		}
	}
	return fromDebian(ctx, s)
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

func runApt(ctx context.Context, apt string, args ...string) (string, error) {
	log := &logTail{}
	cmd := exec.CommandContext(ctx, apt, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = log, log
	err := cmd.Run()
	return log.lines(6), err
}
