//go:build unix

package proof

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
)

// prover makes one proof: Groth16 (eprint 2016/260, section 3.2) over gnark's solver, keys and transforms. It is here in place of gnark's own because that one
// takes every core and cannot be stopped. It serves circuits without the commitment extension, which NewVerifier holds of every key.
type prover struct {
	system *cs.R1CS
	key    *groth16.ProvingKey
	joined []bn254.G1Affine // K and Z of the key, one behind the other: one long sum is cheaper than two
	cores  int              // goroutines at work at any time, about
	urgent func() bool      // tells whether to stand back, nil for never; see Pool.GiveWay
}

// How a prover stands back: for so many times as long as it worked, asking again after each pause.
const (
	restTimes = 4
	restPause = 2 * time.Millisecond
)

// rest is called between stages: it gives way to what is more urgent, and ends the proof when ctx has ended. It gives when the next stage begins.
func (p prover) rest(ctx context.Context, began time.Time) (time.Time, error) {
	if p.urgent != nil {
		until := time.Now().Add(restTimes * time.Since(began))
		for p.urgent() && time.Now().Before(until) && ctx.Err() == nil {
			time.Sleep(restPause)
		}
	}
	return time.Now(), ctx.Err()
}

// solve gives the value of every wire, and of A, B and C of every constraint.
func (p prover) solve(assignment frontend.Circuit) (*cs.R1CSSolution, error) {
	witness, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		return nil, fmt.Errorf("making the witness: %w", err)
	}
	solution, err := p.system.Solve(witness, solver.WithNbTasks(p.cores))
	if err != nil {
		return nil, fmt.Errorf("solving: %w", err)
	}
	return solution.(*cs.R1CSSolution), nil
}

// prove asks ctx between its stages, none of which takes more than half of the whole.
func (p prover) prove(ctx context.Context, assignment frontend.Circuit) (*points, error) {
	began, err := p.rest(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	solution, err := p.solve(assignment)
	if err != nil {
		return nil, err
	}
	if began, err = p.rest(ctx, began); err != nil {
		return nil, err
	}
	h := p.quotient(solution.A, solution.B, solution.C)
	if began, err = p.rest(ctx, began); err != nil {
		return nil, err
	}
	var blind [3]fr.Element // r, s and -r*s
	for i := range blind[:2] {
		if _, err := blind[i].SetRandom(); err != nil {
			return nil, fmt.Errorf("drawing randomness: %w", err)
		}
	}
	blind[2].Mul(&blind[0], &blind[1])
	blind[2].Neg(&blind[2])
	deltas := bn254.BatchScalarMultiplicationG1(&p.key.G1.Delta, blind[:])
	var r, s big.Int
	blind[0].BigInt(&r)
	blind[1].BigInt(&s)

	wires := []fr.Element(solution.W)
	ofB := without(wires, p.key.InfinityB, p.key.NbInfinityB)
	var a, b1, k bn254.G1Jac
	var b2, delta bn254.G2Jac
	for _, sum := range []func() error{
		func() error { return p.sumG2(&b2, p.key.G2.B, ofB) },
		func() error { return p.sumG1(&b1, p.key.G1.B, ofB) },
		func() error { return p.sumG1(&a, p.key.G1.A, without(wires, p.key.InfinityA, p.key.NbInfinityA)) },
		func() error {
			return p.sumG1(&k, p.joined, slices.Concat(wires[p.system.GetNbPublicVariables():], h[:len(p.key.G1.Z)]))
		},
	} {
		if err := sum(); err != nil {
			return nil, err
		}
		if began, err = p.rest(ctx, began); err != nil {
			return nil, err
		}
	}

	// A = alpha + sum + r*delta, B = beta + sum + s*delta in both groups, C = sums + s*A + r*B - r*s*delta.
	a.AddMixed(&p.key.G1.Alpha)
	a.AddMixed(&deltas[0])
	b1.AddMixed(&p.key.G1.Beta)
	b1.AddMixed(&deltas[1])
	delta.FromAffine(&p.key.G2.Delta)
	b2.AddAssign(delta.ScalarMultiplication(&delta, &s))
	b2.AddMixed(&p.key.G2.Beta)
	k.AddMixed(&deltas[2])
	var proof points
	proof.a.FromJacobian(&a)
	proof.b.FromJacobian(&b2)
	k.AddAssign(a.ScalarMultiplication(&a, &s))
	k.AddAssign(b1.ScalarMultiplication(&b1, &r))
	proof.c.FromJacobian(&k)
	return &proof, nil
}

func (p prover) sumG1(sum *bn254.G1Jac, points []bn254.G1Affine, scalars []fr.Element) error {
	_, err := sum.MultiExp(points, scalars, ecc.MultiExpConfig{NbTasks: p.cores})
	return err
}

func (p prover) sumG2(sum *bn254.G2Jac, points []bn254.G2Affine, scalars []fr.Element) error {
	_, err := sum.MultiExp(points, scalars, ecc.MultiExpConfig{NbTasks: p.cores})
	return err
}

// without leaves out the values of wires whose key point is at infinity, which the key leaves out too.
func without(values []fr.Element, infinite []bool, count uint64) []fr.Element {
	kept := make([]fr.Element, 0, len(values)-int(count))
	for i := range values {
		if !infinite[i] {
			kept = append(kept, values[i])
		}
	}
	return kept
}

// quotient gives the coefficients, in bit-reversed order, of h = (a*b - c) / (X^n - 1), where a, b and c are the polynomials through the given values. On the
// coset g*<w> the divisor is the constant g^n - 1, so h is a*b/(g^n - 1) interpolated there, less c/(g^n - 1), whose coefficients are known already: six
// transforms in place of the usual seven. The inputs are overwritten.
func (p prover) quotient(a, b, c []fr.Element) []fr.Element {
	domain := &p.key.Domain
	n := int(domain.Cardinality)
	tasks := fft.WithNbTasks(p.cores)
	for _, values := range []*[]fr.Element{&a, &b, &c} {
		*values = append(*values, make([]fr.Element, n-len(*values))...)
		domain.FFTInverse(*values, fft.DIF, tasks)
	}
	domain.FFT(a, fft.DIT, fft.OnCoset(), tasks)
	domain.FFT(b, fft.DIT, fft.OnCoset(), tasks)
	p.split(n, func(i int) { a[i].Mul(&a[i], &b[i]) })
	domain.FFTInverse(a, fft.DIF, fft.OnCoset(), tasks)

	var scale, one fr.Element
	one.SetOne()
	scale.Exp(domain.FrMultiplicativeGen, big.NewInt(int64(n)))
	scale.Sub(&scale, &one).Inverse(&scale)
	p.split(n, func(i int) { a[i].Sub(&a[i], &c[i]).Mul(&a[i], &scale) })
	return a
}

// split runs work for 0 to n-1 on the prover's cores.
func (p prover) split(n int, work func(int)) {
	var group sync.WaitGroup
	for core := range p.cores {
		group.Go(func() {
			for i := n * core / p.cores; i < n*(core+1)/p.cores; i++ {
				work(i)
			}
		})
	}
	group.Wait()
}
