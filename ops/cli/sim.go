package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/ops/sim"
)

// simFigures is what a campaign came to.
type simFigures struct {
	Seeds     int     `json:"seeds"`
	Failures  int     `json:"failures"`
	Commits   int     `json:"commits"`
	Aborts    int     `json:"aborts"`
	Crashes   int     `json:"crashes"`
	Restores  int     `json:"restores"`
	SeedsPerS float64 `json:"seeds_per_s"`
}

func newSim() *cobra.Command {
	var (
		plan   sim.Plan
		seed   uint64
		asJSON bool
	)
	cmd := &cobra.Command{
		Use: "sim", Short: "Play banks against a hostile world, one history a seed", Args: noArgs,
		Long: `Plays the real swap machine of 2 to 4 banks against lost, repeated, late and replayed
messages, partitions, wrong clocks, deaths at every step and restores from backups, and
checks after every step that nothing is half settled. The same seed is the same history:
--seed N plays one and tells its story.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plan.Banks != 0 && (plan.Banks < 2 || plan.Banks > 4) {
				return usage(fmt.Errorf("--banks %d: play with 2 to 4", plan.Banks))
			}
			if cmd.Flags().Changed("seed") {
				return tellSeed(cmd, seed, plan.Banks)
			}
			if plan.Seeds < 1 {
				return usage(fmt.Errorf("--seeds %d: play at least one", plan.Seeds))
			}
			return campaign(cmd, plan, asJSON)
		},
	}
	cmd.Flags().IntVar(&plan.Seeds, "seeds", 20_000, "how many to play")
	cmd.Flags().Uint64Var(&plan.First, "first", 1, "seed to begin with")
	cmd.Flags().IntVar(&plan.Banks, "banks", 0, "banks in each: 2 to 4, or 0 for each of these in turn")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "play this one alone and tell its story")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func campaign(cmd *cobra.Command, plan sim.Plan, asJSON bool) error {
	bars := newBars(cmd.ErrOrStderr())
	began := time.Now()
	plan.Workers, plan.Most = runtime.GOMAXPROCS(0), 10
	plan.Done = func(done int) { bars.show("seeds", done, plan.Seeds) }
	plan.Stop = func() bool { return cmd.Context().Err() != nil }
	total, breaches := sim.Campaign(plan)
	bars.end()
	for _, b := range breaches {
		if _, err := fmt.Fprintln(cmd.ErrOrStderr(), b); err != nil {
			return err
		}
	}
	f := simFigures{total.Runs, len(breaches), total.Settled, total.Aborted, total.Crashes, total.Restores, float64(total.Runs) / time.Since(began).Seconds()}
	var err error
	if asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(f)
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n%d failures, %.0f seeds a second\n", total, f.Failures, f.SeedsPerS)
	}
	if err == nil && f.Failures > 0 {
		err = fmt.Errorf("%d of %d seeds broke an invariant", f.Failures, f.Seeds)
	}
	return err
}

// tellSeed plays one seed and prints everything that happens.
func tellSeed(cmd *cobra.Command, seed uint64, banks int) error {
	if banks == 0 {
		banks = sim.BanksOf(seed)
	}
	result, story, err := sim.Story(seed, banks)
	if _, out := fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n", strings.Join(story, "\n"), result); out != nil {
		return out
	}
	return err
}
