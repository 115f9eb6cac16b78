package netting

import (
	"fmt"
	"math"
	"testing"
)

// Small queues are measured against the exact solver, large ones against the bound: worst and mean share of the value, in all classes together.
func BenchmarkHeuristicAgainstTheExactSolver(b *testing.B) {
	for _, size := range []struct{ members, payments int }{{4, 16}, {6, 24}, {8, 32}, {10, 40}, {10, 48}} {
		for _, percent := range []int64{2, 10, 30} {
			b.Run(fmt.Sprintf("members=%d/payments=%d/liquidity=%d%%", size.members, size.payments, percent), func(b *testing.B) {
				sum, worst, solved, hit, bound := 0.0, 1.0, 0, 0, 0.0
				for seed := range uint64(20) {
					q := made(seed, size.members, size.payments, percent)
					best, err := Exact(q, 1<<22)
					if err != nil {
						continue
					}
					s := q.sorted()
					p, places := problemOf(&s)
					found := p.heuristic()
					run, err := report(&s, &p, places, found.in, MethodHeuristic)
					if err != nil {
						b.Fatal(err)
					}
					ratio := share(run.Classes[3].ReachedMinor, best.Classes[3].ReachedMinor)
					solved++
					sum += ratio
					worst = math.Min(worst, ratio)
					bound += share(best.Classes[3].ReachedMinor, best.Classes[3].BoundMinor)
					if scoreOf(&run) == scoreOf(&best) {
						hit++
					}
				}
				q := made(1, size.members, size.payments, percent)
				for b.Loop() {
					if _, err := Resolve(q); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(sum/float64(solved), "mean-of-exact")
				b.ReportMetric(worst, "worst-of-exact")
				b.ReportMetric(bound/float64(solved), "exact-of-bound")
				b.ReportMetric(float64(solved), "solved")
				b.ReportMetric(float64(hit), "optimal")
			})
		}
	}
}

func BenchmarkTenThousandPaymentsAmongFiftyMembers(b *testing.B) {
	for _, percent := range []int64{0, 1, 5, 20} {
		b.Run(fmt.Sprintf("liquidity=%d%%", percent), func(b *testing.B) {
			q := made(7, 50, 10_000, percent)
			var run Run
			for b.Loop() {
				var err error
				if run, err = Resolve(q); err != nil {
					b.Fatal(err)
				}
			}
			for _, c := range run.Classes {
				b.ReportMetric(float64(c.RatioBP())/10_000, "of-bound-"+c.Class.String())
			}
			b.ReportMetric(share(run.Classes[3].ReachedMinor, queued(&run)), "of-queue")
		})
	}
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

func queued(r *Run) (minor int64) {
	for _, c := range r.Classes {
		minor += c.QueuedMinor
	}
	return minor
}

func scoreOf(r *Run) (s score) {
	for i, c := range r.Classes {
		s[i] = tally{c.SettledMinor, int(c.Settled)}
	}
	return s
}
