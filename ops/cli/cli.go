package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"entente/schema/refusal"
)

// Exit codes.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUndecidable = 2
)

// exitCodes ends every command's help.
const exitCodes = `
Exit codes: 0 done or valid; 1 failed, refused or invalid, standard error says why;
2 undecidable or a mistake on the command line.
`

// exitError carries an exit code past cobra. Its error, if any, is still to be printed.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage marks a mistake on the command line.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{ExitUndecidable, refusal.New("usage", err.Error(), "see --help")}
}

// Run runs one command line and gives the exit code. An interrupt or terminate signal ends it in order; a second one at once. A reader of standard output
// who goes away is an error of writing, and no reason to leave a server behind.
func Run(args []string, stdout, stderr io.Writer) int {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // not Ignore, which programs started from here would inherit
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // from here on a signal has its usual effect
	}()
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &exit):
		if exit.err != nil {
			complain(stderr, exit.err)
		}
		return exit.code
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		err = &refusal.Refusal{Code: "interrupted", What: "a signal ended it before it was done", Unchanged: "what was settled stays settled", Do: "start it again"}
	}
	complain(stderr, err)
	return ExitFailed
}

// complain prints an error for a person. A joined error is one line for each.
func complain(w io.Writer, err error) {
	fmt.Fprintln(w, "entente:", err)
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "entente",
		Short: "Settle payments between nations in central-bank money, provably and without showing a line item",
		Long: `Entente settles what nations owe each other for joint exercises and equipment.
Each central bank keeps its own ledger; payments across currencies settle by atomic
swaps; auditors check every total from bytes alone and see no line item.

  entente demo                                  play a whole exercise on this machine
  entente audit verify --trust FILE BUNDLE      check a bundle with the network off`,
		SilenceErrors: true, SilenceUsage: true, Version: buildVersion().String(),
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.NoArgs(cmd, args)) },
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetUsageTemplate(root.UsageTemplate() + exitCodes)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(newDemo(), newAudit(), newBank(), newDesk(), newProvider(), newMigrate(), newKeys(), newBench(), newSim(), newVersion())
	strictCompletion(root)
	strictHelp(root)
	return root
}

// strictHelp makes help about a command that is not there a mistake on the command line.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "help" {
			continue
		}
		cmd.Run = nil
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || about == nil || len(rest) > 0 {
				return usage(fmt.Errorf("there is no command %q to explain", strings.Join(args, " ")))
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		}
	}
}

// strictCompletion makes mistakes on the completion command's line the mistakes they are on any other.
func strictCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd("completion")
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Args = noArgs
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		for _, shell := range cmd.Commands() {
			shell.Args = noArgs
		}
	}
}
