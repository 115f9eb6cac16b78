//go:build unix

package proof

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"

	"entente/zk/circuit"
)

// Cost compares the proofs of one witness with what no Groth16 prover of the textbook goes without.
type Cost struct {
	Prove time.Duration // median over rounds of a whole proof: witness, solving, proving and the verification that ends it
	Bare  time.Duration // median of the four multi-exponentiations in G1, the one in G2 and the seven transforms alone, over the same wires and key
	Ratio float64       // median over rounds of the one over the other: neighbours in time share whatever else the machine is doing
}

// MeasureBill proves w and runs the bare arithmetic in turns, rounds times, on as many cores as the keys are for. Which of the two comes first alternates.
// progress may be nil; it is told the round.
func (k *Keys) MeasureBill(ctx context.Context, w BillWitness, rounds int, progress func(round int)) (Cost, error) {
	p, err := k.provable(BillName(w.Size))
	if err != nil {
		return Cost{}, err
	}
	assignment, _, err := circuit.AssignBill(w)
	if err != nil {
		return Cost{}, err
	}
	prover := p.prover(k)
	solution, err := prover.solve(assignment)
	if err != nil {
		return Cost{}, fmt.Errorf("proof: %s: %w", p.info.Name, err)
	}
	wires := []fr.Element(solution.W)
	h := prover.quotient(slices.Clone(solution.A), slices.Clone(solution.B), slices.Clone(solution.C))
	proves, bares, ratios := make([]time.Duration, rounds), make([]time.Duration, rounds), make([]float64, rounds)
	for round := range rounds {
		if progress != nil {
			progress(round)
		}
		turns := []func() error{
			func() error {
				start := time.Now()
				_, err := k.ProveBill(ctx, w)
				proves[round] = time.Since(start)
				return err
			},
			func() (err error) {
				if bares[round], err = prover.bare(wires, h, solution.A); err != nil {
					err = fmt.Errorf("proof: %s: %w", p.info.Name, err)
				}
				return err
			},
		}
		if round%2 == 1 {
			slices.Reverse(turns)
		}
		for _, turn := range turns {
			if err := turn(); err != nil {
				return Cost{}, err
			}
		}
		ratios[round] = float64(proves[round]) / float64(bares[round])
	}
	return Cost{Prove: median(proves), Bare: median(bares), Ratio: median(ratios)}, nil
}

// bare times the arithmetic by itself, one operation after the other, each on all the prover's cores.
func (p prover) bare(wires, h, values []fr.Element) (time.Duration, error) {
	ofA, ofB := without(wires, p.key.InfinityA, p.key.NbInfinityA), without(wires, p.key.InfinityB, p.key.NbInfinityB)
	values = append(slices.Clone(values), make([]fr.Element, int(p.key.Domain.Cardinality)-len(values))...)
	start := time.Now()
	var g1 bn254.G1Jac
	var g2 bn254.G2Jac
	for _, sum := range []struct {
		points  []bn254.G1Affine
		scalars []fr.Element
	}{{p.key.G1.A, ofA}, {p.key.G1.B, ofB}, {p.key.G1.K, wires[p.system.GetNbPublicVariables():]}, {p.key.G1.Z, h[:len(p.key.G1.Z)]}} {
		if err := p.sumG1(&g1, sum.points, sum.scalars); err != nil {
			return 0, err
		}
	}
	if err := p.sumG2(&g2, p.key.G2.B, ofB); err != nil {
		return 0, err
	}
	tasks := fft.WithNbTasks(p.cores)
	for range 3 {
		p.key.Domain.FFTInverse(values, fft.DIF, tasks)
		p.key.Domain.FFT(values, fft.DIT, fft.OnCoset(), tasks)
	}
	p.key.Domain.FFTInverse(values, fft.DIF, fft.OnCoset(), tasks)
	return time.Since(start), nil
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
