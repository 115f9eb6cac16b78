//go:build unix

package proof

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"entente/schema/refusal"
	"entente/zk/commit"
)

func TestAPoolProvesABillChunkByChunk(t *testing.T) {
	chunks := []BillWitness{someBill(11), someBill(12), someBill(13)}
	var seen []int
	proofs, err := NewPool(keys, 2).ProveBills(context.Background(), chunks, func(done, of int) {
		if of != len(chunks) {
			t.Errorf("%d of %d", done, of)
		}
		seen = append(seen, done)
	})
	if err != nil || len(seen) != 4 || seen[0] != 0 || seen[3] != 3 {
		t.Fatalf("progress %v, %v", seen, err)
	}
	for i := range chunks {
		public, err := chunks[i].Public()
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier(t, Bill16).VerifyBill(public, proofs[i][:]); err != nil {
			t.Errorf("chunk %d: %v", i, err)
		}
	}
}

func TestABadChunkEndsTheBill(t *testing.T) {
	chunks := []BillWitness{someBill(11), someBill(12), someBill(13)}
	chunks[1].Items[0].Amount = 1 << 63
	if proofs, err := NewPool(keys, 1).ProveBills(context.Background(), chunks, nil); proofs != nil || refusal.CodeOf(err) != commit.CodeAmountOutOfRange {
		t.Errorf("%d proofs, %v", len(proofs), err)
	}
}

func TestAPoolNeverRunsMoreThanItsWorkers(t *testing.T) {
	pool := NewPool(keys, 2)
	var running, most atomic.Int32
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			_, err := pool.Prove(context.Background(), func(context.Context, *Keys) (Proof, error) {
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(5 * time.Millisecond)
				running.Add(-1)
				return Proof{}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if most.Load() != 2 {
		t.Errorf("%d at a time", most.Load())
	}
	if want := max(1, runtime.GOMAXPROCS(0)-1); NewPool(keys, 0).Workers() != want {
		t.Errorf("%d workers, want %d", NewPool(keys, 0).Workers(), want)
	}
}

func TestWaitingAndProvingEndWithTheContext(t *testing.T) {
	pool := NewPool(keys, 1)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		_, err := pool.Prove(ctx, func(ctx context.Context, k *Keys) (Proof, error) {
			for { // one after the other, until one is stopped midway
				if proof, err := k.ProveBill(ctx, someBill(14)); err != nil {
					return proof, err
				}
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the one at work: %v", err)
		}
	})
	group.Go(func() {
		if _, err := pool.ProveBills(ctx, []BillWitness{someBill(15)}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("one that waits, or works: %v", err)
		}
	})
	time.Sleep(50 * time.Millisecond)
	cancel()
	group.Wait()
	if _, err := pool.Prove(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("one that comes too late: %v", err)
	}
	if _, err := pool.ProveBills(context.Background(), []BillWitness{someBill(15)}, nil); err != nil {
		t.Errorf("the pool after a cancellation: %v", err)
	}
}

// TestAProofKeepsToItsCores compares processor time with the clock.
func TestAProofKeepsToItsCores(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("there is one core only")
	}
	one := keys.OnCores(1)
	started, used := time.Now(), processorTime(t)
	for range 3 {
		if _, err := one.ProveReserve(context.Background(), someReserve()); err != nil {
			t.Fatal(err)
		}
	}
	busy := float64(processorTime(t)-used) / float64(time.Since(started))
	t.Logf("%.2f cores busy", busy)
	if busy > 1.4 {
		t.Errorf("a proof on one core keeps %.2f busy", busy)
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestAPoolGivesWayAndStillProves has a pool give way all the time: a proof is made all the same, and one that is cancelled ends at once.
func TestAPoolGivesWayAndStillProves(t *testing.T) {
	pool := NewPool(keys, 1)
	var asked atomic.Int64
	pool.GiveWay(func() bool { asked.Add(1); return true })
	w := someBill(1)
	prove := func(ctx context.Context, keys *Keys) (Proof, error) { return keys.ProveBill(ctx, w) }
	proof, err := pool.Prove(t.Context(), prove)
	if err != nil {
		t.Fatal(err)
	}
	public, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier(t, Bill16).VerifyBill(public, proof[:]); err != nil || asked.Load() < 10 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := pool.Prove(ctx, prove); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled proof ends with %v", err)
	}
}
