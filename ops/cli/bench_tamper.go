package cli

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/spf13/cobra"

	"entente/ops/bench"
	"entente/schema/refusal"
)

func newBenchTamper() *cobra.Command {
	var (
		n      int
		seed   uint64
		asJSON bool
	)
	cmd := &cobra.Command{
		Use: "tamper", Short: "Change stored rows at random and see whether each change is detected", Args: noArgs,
		Long: `Writes a ledger into a private PostgreSQL server, takes every rule of its schema away,
and changes something as the owner of the tables could: a bit of any column, a row that
is dropped, repeated, or exchanges a value with another, a table or value cut short, a
value erased, the end of the journal written anew with forged leaves, roots and
checkpoints. After each change the whole ledger is checked as by entente bank fsck.

Exit code 0: every change was detected. 1: one was not; it is printed.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if n < 1 {
				return usage(fmt.Errorf("--n must be at least 1"))
			}
			if seed == 0 {
				seed = uint64(rand.Uint32()) + 1
			}
			bars := newBars(cmd.ErrOrStderr())
			f, err := bench.Tamper(cmd.Context(), n, seed, func(done, total int) { bars.show("tampers", done, total) })
			bars.end()
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(f)
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d changes of a ledger of %d entries, %d detected (seed %d)\n", f.Tampers, f.Entries, f.Detected, f.Seed)
			}
			if err == nil && f.Detected < f.Tampers {
				err = refusal.Newf("tamper_missed", "keep the seed and mend the check", "%d changes were not detected: %v", f.Tampers-f.Detected, f.Missed)
			}
			return err
		},
	}
	cmd.Flags().IntVar(&n, "n", 1000, "how many changes")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "makes the changes the same again (default: a random one, which is printed)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
