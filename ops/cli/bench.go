package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"entente/ops/bench"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure this program on this machine, beside what bounds it", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newBenchProof())
	return cmd
}

func newBenchProof() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "proof", Short: "Measure proving, verifying and committing", Args: noArgs,
		Long: `Measures a bill of 256 items: constraints, proving time and its ratio to the bare
multi-exponentiations and transforms of the same run, verification one by one and in a
batch, and native commitments. Medians; the first run makes keys, which takes a minute.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			bars := newBars(cmd.ErrOrStderr())
			f, err := bench.Proof(cmd.Context(), func(stage string) { bars.show(stage, 0, 0) })
			bars.end()
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(f)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "bill-256            %.1f constraints an item, %d fixed\nprove               %.0f ms, %.2f times its bare arithmetic\nverify              %.2f ms, in batches of 64 %.1f times faster\namount commitments  %.0f a second on one core\npeak memory         %.0f MiB\n",
				f.Bill256.ConstraintsPerItem, f.FixedConstraints, f.Bill256.ProveMS, f.RatioVsBare, f.VerifyMS, f.Batch64Speedup, f.CommitmentsPerS, f.PeakMiB)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
