package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/zk/audit"
)

func newAudit() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Check what banks and nations have recorded, with the network off", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newAuditVerify())
	return cmd
}

func newAuditVerify() *cobra.Command {
	var trustPath string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify --trust network.json BUNDLE",
		Short: "Verify a bundle against the trust file and print a certificate",
		Long: `Verifies a bundle from its bytes and the trust file alone: log heads and roots,
signatures of both nations on every bill, every bill's proof, that each bill is paid
at most once and exactly, and the proven totals.

Exit code 0: valid. 1: proven invalid; the findings say what and where.
2: could not be decided, because the trust file or something it asks for is missing.`,
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(1)(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			return auditVerify(cmd, trustPath, args[0], asJSON)
		},
	}
	cmd.Flags().StringVar(&trustPath, "trust", "", "the consortium's trust file, network.json")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as one JSON object")
	return cmd
}

func auditVerify(cmd *cobra.Command, trustPath, bundlePath string, asJSON bool) error {
	undecidable := func(err error) error { return &exitError{ExitUndecidable, err} }
	if trustPath == "" {
		return undecidable(refusal.New("trust_missing", "a bundle proves nothing without the keys to check it against", "give the consortium's file with --trust network.json"))
	}
	file, err := os.ReadFile(trustPath)
	if err != nil {
		return undecidable(refusal.Newf("trust_missing", "check the path of the trust file", "the trust file cannot be read: %v", err))
	}
	network, err := trust.Parse(file)
	if err != nil {
		return undecidable(err)
	}
	bundle, err := os.ReadFile(bundlePath)
	if err != nil {
		return undecidable(refusal.Newf("bundle_missing", "check the path of the bundle", "the bundle cannot be read: %v", err))
	}
	bars := newBars(cmd.ErrOrStderr())
	report := audit.Verify(network, bundle, func(step string, done, total int) { bars.show(step, done, total) })
	bars.end()
	if asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(&report)
	} else {
		_, err = fmt.Fprint(cmd.OutOrStdout(), report.Certificate())
	}
	if err != nil {
		return err
	}
	if code := report.ExitCode(); code != ExitDone {
		return &exitError{code: code}
	}
	return nil
}
