//go:build unix

package proof

import (
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
}

// Ratio gives Prove over Bare.
func (c Cost) Ratio() float64 { return float64(c.Prove) / float64(c.Bare) }

// MeasureBill proves w and runs the bare arithmetic in turns, rounds times, on as many cores as the keys are for. progress may be nil; it is told the round.
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
	proves, bares := make([]time.Duration, rounds), make([]time.Duration, rounds)
	for round := range rounds {
		if progress != nil {
			progress(round)
		}
		start := time.Now()
		if _, err := k.ProveBill(ctx, w); err != nil {
			return Cost{}, err
		}
		proves[round] = time.Since(start)
		if bares[round], err = prover.bare(wires, h, solution.A); err != nil {
			return Cost{}, fmt.Errorf("proof: %s: %w", p.info.Name, err)
		}
	}
	return Cost{Prove: median(proves), Bare: median(bares)}, nil
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

func median(durations []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[len(sorted)/2]
}
