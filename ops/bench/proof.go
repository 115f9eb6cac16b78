//go:build unix

// Package bench measures what Entente promises about speed, on the machine it runs on. Each function here is one set of figures, taken by the code that serves in
// operation, with medians over several rounds; what is compared is measured in turns in the same run, so that other work on the machine weighs on both sides.
//
// NB: absolute times are those of this machine at this moment. Ratios travel; times do not.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"entente/zk/commit"
	"entente/zk/proof"
)

// BillFigures are those of the bill circuit of 256 items.
type BillFigures struct {
	ConstraintsPerItem float64 `json:"constraints_per_item"` // its share of the tree included
	ProveMS            float64 `json:"prove_ms"`             // a full chunk, from its items to a verified proof, on all cores
}

// ProofFigures are what `entente bench proof --json` prints.
type ProofFigures struct {
	Bill256          BillFigures `json:"bill256"`
	FixedConstraints int         `json:"fixed_constraints"` // of a bill circuit of no items
	RatioVsBare      float64     `json:"ratio_vs_bare"`     // proving over its multi-exponentiations and transforms alone: proof.Cost
	VerifyMS         float64     `json:"verify_ms"`         // one proof by itself, on one core
	Batch64Speedup   float64     `json:"batch64_speedup"`   // 64 proofs one by one over 64 together, both on one core
	CommitmentsPerS  float64     `json:"commitments_per_s"` // native commitments to amounts, on one core
	PeakMiB          float64     `json:"peak_mib"`          // the most memory this process has had
}

// proofRounds is how often each figure is taken; an odd number has one median.
const proofRounds = 7

// Proof measures proofs and commitments. It opens the development keys of the circuit of 256 items, and makes them on the first run, which takes about a minute. progress
// may be nil; it is told each stage in words.
func Proof(ctx context.Context, progress func(stage string)) (ProofFigures, error) {
	dir, err := proof.DefaultDir()
	if err != nil {
		return ProofFigures{}, err
	}
	if progress == nil {
		progress = func(string) {}
	}
	keys, err := proof.OpenDevelopment(ctx, dir, []string{proof.Bill256}, func(name, stage string) { progress("keys of " + name + ": " + stage) })
	if err != nil {
		return ProofFigures{}, err
	}
	return proofFigures(ctx, keys, commit.LargeChunk, proofRounds, progress)
}

// proofFigures measures with the bill circuit of the given size.
func proofFigures(ctx context.Context, keys *proof.Keys, size, rounds int, progress func(stage string)) (ProofFigures, error) {
	var figures ProofFigures
	progress("counting constraints")
	small, err := proof.Constraints(proof.Bill16)
	if err != nil {
		return ProofFigures{}, err
	}
	large, err := proof.Constraints(proof.Bill256)
	if err != nil {
		return ProofFigures{}, err
	}
	// Both sizes have only full nodes in their trees, so what differs is items.
	figures.Bill256.ConstraintsPerItem = float64(large-small) / (commit.LargeChunk - commit.SmallChunk)
	figures.FixedConstraints = int(float64(small) - commit.SmallChunk*figures.Bill256.ConstraintsPerItem + 0.5)

	w := fullBill(size)
	cost, err := keys.MeasureBill(ctx, w, rounds, func(round int) { progress(fmt.Sprintf("proving, round %d of %d", round+1, rounds)) })
	if err != nil {
		return ProofFigures{}, err
	}
	figures.Bill256.ProveMS, figures.RatioVsBare = milliseconds(cost.Prove), cost.Ratio

	progress("verifying")
	single, batch, err := verification(ctx, keys, w, rounds)
	if err != nil {
		return ProofFigures{}, err
	}
	figures.VerifyMS, figures.Batch64Speedup = milliseconds(single)/batchSize, float64(single)/float64(batch)

	progress("committing")
	if figures.CommitmentsPerS, err = commitments(ctx, rounds); err != nil {
		return ProofFigures{}, err
	}
	figures.PeakMiB, err = peakMiB()
	return figures, err
}

// fullBill fills every slot, with salts and blindings as long as real ones.
func fullBill(size int) proof.BillWitness {
	var secret commit.Secret
	w := proof.BillWitness{Size: size, Context: commit.Context{Protocol: "bench"}.Digest()}
	for i := range size {
		w.Items = append(w.Items, commit.Item{Amount: uint64(i+1) * 1_234_567, Category: uint8(i % commit.Categories), Details: [32]byte{byte(i)},
			Salt: commit.DeriveSalt(secret, [16]byte{}, 1, 0, uint32(i), nil)})
	}
	w.R = commit.DeriveBlinding(secret, "sums", [16]byte{}, 1, 0, nil)
	w.S = commit.DeriveBlinding(secret, "total", [16]byte{}, 1, 0, nil)
	return w
}

const batchSize = 64

// verification times 64 proofs verified one by one and together, in turns.
func verification(ctx context.Context, keys *proof.Keys, w proof.BillWitness, rounds int) (single, batch time.Duration, err error) {
	public, err := w.Public()
	if err != nil {
		return 0, 0, err
	}
	verifier, err := keys.Verifier(proof.BillName(w.Size))
	if err != nil {
		return 0, 0, err
	}
	publics, proofs := make([]proof.BillPublic, batchSize), make([][]byte, batchSize)
	for i := range proofs {
		if i < 2 { // two different ones serve: each place is worked through by itself
			made, err := keys.ProveBill(ctx, w)
			if err != nil {
				return 0, 0, err
			}
			proofs[i] = made[:]
		} else {
			proofs[i] = proofs[i%2]
		}
		publics[i] = public
	}
	singles, batches := make([]time.Duration, rounds), make([]time.Duration, rounds)
	for round := range rounds {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		start := time.Now()
		for i := range proofs {
			if err := verifier.VerifyBill(publics[i], proofs[i]); err != nil {
				return 0, 0, err
			}
		}
		singles[round] = time.Since(start)
		start = time.Now()
		for _, err := range verifier.VerifyBillBatch(publics, proofs) {
			if err != nil {
				return 0, 0, err
			}
		}
		batches[round] = time.Since(start)
	}
	return median(singles), median(batches), nil
}

// commitments gives how many amounts are committed to in a second.
func commitments(ctx context.Context, rounds int) (float64, error) {
	const n = 20_000
	amounts, blindings := make([]uint64, n), make([]commit.Scalar, n)
	for i := range amounts {
		amounts[i] = uint64(i+1) * 99_999_999_977
		blindings[i] = commit.DeriveBlinding(commit.Secret{}, "leg", [16]byte{}, 1, uint32(i), nil)
	}
	if _, err := commit.CommitAmounts(amounts[:1], blindings[:1]); err != nil { // makes the tables
		return 0, err
	}
	took := make([]time.Duration, rounds)
	for round := range rounds {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		start := time.Now()
		if _, err := commit.CommitAmounts(amounts, blindings); err != nil {
			return 0, err
		}
		took[round] = time.Since(start)
	}
	return n / median(took).Seconds(), nil
}

// peakMiB gives the largest resident set this process has had.
func peakMiB() (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("bench: asking for the memory used: %w", err)
	}
	unit := 1 << 10 // the kernel counts KiB, except for Darwin's, which counts bytes
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return float64(usage.Maxrss) * float64(unit) / (1 << 20), nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
