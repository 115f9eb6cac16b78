package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"entente/ops/bench"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure this program on this machine, beside what bounds it", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newBenchProof(), newBenchLedger(), newBenchTamper())
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

func newBenchLedger() *cobra.Command {
	var (
		asJSON  bool
		seconds int
	)
	cmd := &cobra.Command{
		Use: "ledger", Short: "Measure durable transfers, beside pgbench and a ledger of row locks", Args: noArgs,
		Long: `Measures transfers a second and the time until their answer, with fsync on, on a private
PostgreSQL server that is gone afterwards: unsigned, signed, and paying bills whose proofs
are verified; over 10,000 accounts and on one hot one. In turns with it, on the same server,
pgbench (TPC-B-like) and a ledger of one row-locking transaction a transfer.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if seconds < 1 {
				return usage(fmt.Errorf("--seconds %d: measure for at least one", seconds))
			}
			bars := newBars(cmd.ErrOrStderr())
			f, err := bench.Ledger(cmd.Context(), time.Duration(seconds)*time.Second, bars.show)
			bars.end()
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(f)
			}
			return printLedger(cmd.OutOrStdout(), &f)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().IntVar(&seconds, "seconds", 2, "length of each measurement")
	return cmd
}

func printLedger(w io.Writer, f *bench.LedgerFigures) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\taccounts\tclients\ta second\tp50 ms\tp99 ms\t\n")
	for _, r := range f.Rows {
		fmt.Fprintf(table, "%s\t%s\t%d\t%.0f\t%s\t%s\t\n", r.Row, r.Accounts, r.Clients, r.PerS, figure(&r.P50MS), figure(&r.P99MS))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if f.Missing != "" {
		if _, err := fmt.Fprintln(w, f.Missing); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "over pgbench %s unsigned, %s signed; over the naive ledger %.2f; hot over spread %.2f\np99 %.2f ms with 64 clients, the naive ledger %.2f ms; beside a prover %.2f of the rate alone\n",
		figure(f.RatioVsPgbench), figure(f.SignedRatioVsPgbench), f.RatioVsNaive, f.HotOverSpread, f.P9964MS, f.NaiveP99MS, f.BesideProver)
	return err
}

// figure is a number with two decimals, or a hyphen where nothing was measured.
func figure(v *float64) string {
	if v == nil || *v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", *v)
}
