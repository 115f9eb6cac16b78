package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"entente/bridge/intake"
	"entente/ops/dataset"
	"entente/ops/devnet"
	"entente/ops/failpoint"
	"entente/ops/pgserver"
	"entente/schema/refusal"
	"entente/zk/audit"
	"entente/zk/proof"
)

type demoFlags struct {
	data      string
	out       string
	processes bool
	crash     bool
	exit      bool
	json      bool
	verbose   bool
}

func newDemo() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a whole joint exercise: counts, bills, proofs, payments, audit",
		Long: `Starts central banks, treasury desks, a liquidity provider and an auditor on this
machine, over an embedded NATS server and a private Postgres, and plays one joint
exercise from the nations' own counts to the auditor's certificate.

The Postgres server is the one behind DATABASE_URL, else one that is installed (PGBINDIR,
/usr/lib/postgresql, PATH), else one that is fetched: root on Debian or Ubuntu installs
the package postgresql, others download it into their cache directory.

The exercise is the one shipped with the program, or any directory of the same layout
(README, "Your own exercise"). Keys are made on the spot: everything is INSECURE and says so.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	cmd.Flags().StringVar(&f.data, "data", "", "directory with the exercise (default: the one shipped)")
	cmd.Flags().StringVar(&f.out, "out", "", "new or empty directory for trust file, bundle and keys (default: a temporary one that stays)")
	cmd.Flags().BoolVar(&f.processes, "processes", false, "run every bank, desk and provider as a process of its own")
	cmd.Flags().BoolVar(&f.crash, "crash", false, "kill banks, a desk and the database at the worst moments; implies --processes")
	cmd.Flags().BoolVar(&f.exit, "exit", false, "end when the report is printed, instead of staying up")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the figures as one JSON object on the last line")
	cmd.Flags().BoolVar(&f.verbose, "verbose", false, "log what the processes do")
	return cmd
}

func (f *demoFlags) run(cmd *cobra.Command) (err error) {
	ctx, stderr := cmd.Context(), cmd.ErrOrStderr()
	began := time.Now()
	exercise, files, sheet, err := f.exercise()
	if err != nil {
		return err
	}
	dir, err := f.directory()
	if err != nil {
		return err
	}
	var story *devnet.Story
	defer func() {
		if f.out == "" && (story == nil || story.BundlePath == "") {
			err = errors.Join(err, os.RemoveAll(dir)) // nobody asked for it, and it holds nothing to read
		}
	}()
	bars := newBars(stderr)
	defer bars.end()
	say := func(line string) {
		if bars.w == nil {
			fmt.Fprintln(stderr, line)
			return
		}
		bars.show(line, 0, 0)
	}
	var phases []devnet.Phase
	lap := func(name string, since time.Time) {
		phases = append(phases, devnet.Phase{Name: name, Took: time.Since(since)})
	}
	// What may be missing on this machine comes before the keys, which take minutes the first time.
	say("looking for a PostgreSQL server")
	if err := pgserver.Find(ctx, say); err != nil {
		return err
	}
	lap("server", began)
	opening := time.Now()
	keys, keysDir, err := openKeys(ctx, bars, say)
	if err != nil {
		return err
	}
	lap("keys", opening)
	starting := time.Now()
	say("starting Postgres, NATS, banks and desks")
	net, err := devnet.Start(ctx, devnet.Options{Dir: dir, Exercise: exercise, Sheet: sheet, Files: files, Keys: keys, KeysDir: keysDir,
		Processes: f.processes || f.crash, Failpoints: f.failpoints(exercise), PowerLoss: f.crash, Progress: say, Log: f.logger(stderr)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	lap("start", starting)
	story, err = net.Play(ctx, bars.show)
	bars.end()
	if err != nil && story.BundlePath == "" {
		return errors.Join(err, net.Close(), net.Discard())
	} else if err != nil {
		return err
	}
	story.Phases = append(phases, story.Phases...)
	story.Phases = append(story.Phases, devnet.Phase{Name: "total", Took: time.Since(began)})
	if err := printStory(cmd.OutOrStdout(), story); err != nil {
		return err
	}
	if f.json {
		figures, err := story.Figures()
		if err != nil {
			return err
		}
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(figures); err != nil {
			return err
		}
	}
	if story.Report.Result != audit.Valid {
		return &exitError{story.Report.ExitCode(), refusal.New("audit_failed", "the audit did not find the exercise valid", "read the findings in the certificate")}
	}
	if f.exit {
		return nil
	}
	fmt.Fprintln(stderr, "everything stays up; press Ctrl-C to end")
	return net.Stay(ctx)
}

// exercise reads the data directory, and the agreement's exact bytes.
func (f *demoFlags) exercise() (*intake.Exercise, fs.FS, []byte, error) {
	files := dataset.Files()
	if f.data != "" {
		info, err := os.Stat(f.data)
		if err != nil || !info.IsDir() {
			return nil, nil, nil, refusal.Newf("data_missing", "give a directory of the layout the README describes", "%q is no directory that can be read", f.data)
		}
		files = os.DirFS(f.data)
	}
	exercise, err := intake.Load(files)
	if err != nil {
		return nil, nil, nil, err
	}
	sheet, err := fs.ReadFile(files, "agreement.json")
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the agreement: %w", err)
	}
	return exercise, files, sheet, nil
}

// directory gives where the trust file and the bundle go. Nothing that is there is ever overwritten.
func (f *demoFlags) directory() (string, error) {
	if f.out == "" {
		dir, err := os.MkdirTemp("", "entente-demo-")
		if err != nil {
			return "", fmt.Errorf("make a directory for the results: %w", err)
		}
		return dir, nil
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return "", fmt.Errorf("make the directory for the results: %w", err)
	}
	entries, err := os.ReadDir(f.out)
	if err != nil {
		return "", fmt.Errorf("read the directory for the results: %w", err)
	}
	if len(entries) > 0 {
		return "", refusal.Newf("directory_not_empty", "give a new or an empty directory", "%q holds %d entries", f.out, len(entries))
	}
	return filepath.Abs(f.out)
}

func (f *demoFlags) logger(w interface{ Write([]byte) (int, error) }) *slog.Logger {
	level := slog.LevelError
	if f.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// openKeys loads the development keys of the demo's circuits, or makes them once. A terminal sees how far it is; elsewhere only what takes long is said.
func openKeys(ctx context.Context, bars *bars, say func(string)) (*proof.Keys, string, error) {
	dir, err := proof.DefaultDir()
	if err != nil {
		return nil, "", err
	}
	circuits := devnet.Circuits()
	phase, begun, last := "loading proving keys", 0, ""
	if bars.w == nil {
		say(phase)
	}
	keys, err := proof.OpenDevelopment(ctx, dir, circuits, func(name, stage string) {
		if name != last {
			phase, begun, last = "loading proving keys", begun+1, name
		}
		if stage == proof.StageGenerating || stage == proof.StageDamaged || stage == proof.StageWaiting {
			phase = "making INSECURE proving keys, once"
			if bars.w == nil {
				say(fmt.Sprintf("%s: %d of %d (%s: %s)", phase, begun, len(circuits), name, stage))
			}
		}
		bars.show(phase, begun-1, len(circuits))
	})
	return keys, dir, err
}

// failpoints picks who dies where in a demo of crashes: one bank between its vote and the decision, one between its decision and publishing it, and one desk
// in the middle of an approval.
func (f *demoFlags) failpoints(e *intake.Exercise) map[string]string {
	if !f.crash {
		return nil
	}
	var banks []string
	for _, m := range e.Agreement.Members {
		if !slices.Contains(banks, m.Bank) {
			banks = append(banks, m.Bank)
		}
	}
	points := map[string]string{banks[0]: failpoint.BankVoteStored, string(e.Agreement.Members[0].Nation): failpoint.DeskApprovalStored}
	if len(banks) > 1 {
		points[banks[1]] = failpoint.BankDecisionStored
	}
	return points
}
