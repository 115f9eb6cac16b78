package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"entente/ops/node"
)

func newBankFsck() *cobra.Command {
	var config string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "fsck --config FILE", Short: "Recompute a bank's whole stored ledger and name the first broken entry", Args: noArgs,
		Long: `Reads everything a bank has stored, as of one moment, and computes it again from the
entries: sequence, bytes and columns, leaves and what opens them, the log's nodes and
roots, every checkpoint's signature, balances, bills, payments, turnover, and by the
bank's own seals all batches, documents, swaps and messages. It changes nothing, takes
no lock, and may run beside the bank. It needs the bank's key file, and any database
role that can read; use the owner's or the bank's.

Exit code 0: everything is as it was written. 1: something is not; the first broken
entry is named (journal_broken at seq N). 2: it could not be read, or not to its end.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" {
				return usage(fmt.Errorf("--config FILE is missing"))
			}
			cfg, err := node.ReadConfig(config, node.RoleBank)
			if err != nil {
				return &exitError{ExitUndecidable, err}
			}
			bars := newBars(cmd.ErrOrStderr())
			report, err := node.Fsck(cmd.Context(), cfg, func(done, total int64) { bars.show("entries", int(done), int(total)) })
			bars.end()
			if err != nil {
				return &exitError{ExitUndecidable, err}
			}
			if asJSON {
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(report); err != nil {
					return err
				}
			} else if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%d entries in %d batches of %s checked, %.0f entries a second\n", report.Entries, report.Batches, report.Bank, report.PerSecond); err != nil {
				return err
			}
			if !report.Sound {
				return &exitError{ExitFailed, brokenError(report.What)}
			}
			if !asJSON {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "everything is as it was written")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration file of the bank")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as one JSON object")
	return cmd
}

// brokenError is a refusal that was already put into words.
type brokenError string

func (b brokenError) Error() string { return string(b) }
