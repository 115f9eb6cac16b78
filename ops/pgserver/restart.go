package pgserver

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
)

// Restart ends the private server in the given mode and starts it again on the same data and the same socket, so that URLs stay good: a power loss of the
// database alone. Not to be called at the same time as other methods. Refusal: "postgres_failed", also for a server that is not this process's own.
func (s *Server) Restart(ctx context.Context, mode Mode) error {
	if s.child == nil {
		return failed("only a private server of this process can be restarted", "")
	}
	if err := s.child.stop(mode); err != nil {
		return err
	}
	lasting := s.dir
	if strings.HasPrefix(s.dir, s.work.path) {
		lasting = ""
	}
	id := identify(lasting)
	major, err := majorOf(s.dir)
	if err != nil {
		return err
	}
	p, err := findPrograms(ctx, search{id: id, major: major, progress: func(string) {}}, ladder)
	if err != nil {
		return err
	}
	if err := clearStalePID(ctx, s.dir); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(p.bin, "postgres"), s.arguments()...)
	cmd.Dir = s.dir
	cmd.Env = plainEnvironment(s.dir, p.libs)
	cmd.SysProcAttr = id.attributes()
	log := s.child.log
	child, err := startChild(cmd, log)
	if err != nil {
		return failed("the server could not be started again: "+err.Error(), "")
	}
	s.child = child
	return s.waitReady(ctx)
}
