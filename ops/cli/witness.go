package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"entente/ops/node"
	"entente/settlement/postgres"
)

// contradictionShown is one piece of evidence as it is printed.
type contradictionShown struct {
	ID      int64  `json:"id"`
	Origin  string `json:"origin"`
	Proven  bool   `json:"proven"`
	Why     string `json:"why"`
	At      string `json:"at"`
	Kept    string `json:"kept"`
	Shown   string `json:"shown"`
	Cleared string `json:"cleared,omitempty"`
}

// newBankWitness makes the command with which an operator looks at evidence against other banks' logs and clears it.
func newBankWitness() *cobra.Command {
	var config, origin, reason string
	cmd := &cobra.Command{
		Use: "witness --config FILE [--clear ORIGIN --reason TEXT]", Short: "Show evidence against other banks' logs, and clear it", Args: noArgs,
		Long: `Prints, as JSON, the heads of other banks' logs that do not follow from those this bank
has cosigned, each with both signed notes. One that is proven (two roots for one size,
both signed) stops this bank from cosigning that log. One that is not proven stops
nothing: somebody may have sent a true head with a false proof.

--clear ends that stop, for the log with this origin and with the reason given. Do it
when it is known how the log came to sign two heads, and why it will not again. The
evidence stays. The bank may be running.`,
		Example: "  entente bank witness --config bank.json\n  entente bank witness --config bank.json --clear rba.example/log --reason \"restored from a backup, agreed on 3 May\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case config == "":
				return usage(fmt.Errorf("--config FILE is missing"))
			case (origin == "") != (reason == ""):
				return usage(fmt.Errorf("--clear and --reason are given together"))
			}
			cfg, err := node.ReadConfig(config, node.RoleBank)
			if err != nil {
				return err
			}
			found, err := postgres.ReviewContradictions(cmd.Context(), cfg.Database, origin, reason)
			if err != nil {
				return err
			}
			list := make([]contradictionShown, len(found))
			for i, c := range found {
				list[i] = contradictionShown{ID: c.ID, Origin: c.Origin, Proven: c.Proven, Why: c.Why, At: time.UnixMilli(c.AtMS).UTC().Format(time.RFC3339),
					Kept: string(c.Kept), Shown: string(c.Shown), Cleared: c.Cleared}
			}
			e := json.NewEncoder(cmd.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(list)
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "the bank's configuration file")
	cmd.Flags().StringVar(&origin, "clear", "", "origin of the log whose evidence is cleared")
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	return cmd
}
