//go:build unix

package proof

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// Pool makes proofs beside a ledger that must not wait for them: each of its workers makes one proof at a time on one core, and by default one core is left to
// everything else. Callers wait their turn, and leave when their context ends. It is safe for concurrent use and has nothing to close.
type Pool struct {
	keys    *Keys
	workers chan struct{}
}

// NewPool gives a pool of so many workers; of one less than GOMAXPROCS, but at least one, when workers is not above zero. A worker on bill-256 needs about
// 250 MiB while it proves.
func NewPool(keys *Keys, workers int) *Pool {
	if workers <= 0 {
		workers = max(1, runtime.GOMAXPROCS(0)-1)
	}
	return &Pool{keys: keys.OnCores(1), workers: make(chan struct{}, workers)}
}

// GiveWay has the workers stand back while something more urgent is busy on the same cores: between the stages of a proof each rests four times as long as it
// worked, or until urgent says that it is over. A proof takes up to five times its time then, and nothing is ever given up. It is to be called before the
// pool is used; urgent is asked by several goroutines at once.
func (p *Pool) GiveWay(urgent func() bool) {
	p.keys = &Keys{circuits: p.keys.circuits, cores: p.keys.cores, urgent: urgent}
}

// Workers gives how many proofs are made at a time.
func (p *Pool) Workers() int { return cap(p.workers) }

// Prove waits for a worker and makes one proof, of whatever kind prove makes with the keys it is given. Its error is prove's, or ctx's.
func (p *Pool) Prove(ctx context.Context, prove func(context.Context, *Keys) (Proof, error)) (Proof, error) {
	if err := ctx.Err(); err != nil {
		return Proof{}, fmt.Errorf("proof: waiting for a worker: %w", err)
	}
	select {
	case p.workers <- struct{}{}:
	case <-ctx.Done():
		return Proof{}, fmt.Errorf("proof: waiting for a worker: %w", ctx.Err())
	}
	defer func() { <-p.workers }()
	return prove(ctx, p.keys)
}

// ProveBills proves all chunks of a bill, in the order given, and tells progress how many are done, from 0 to all of them. progress may be nil; it is never
// called twice at a time. The first error ends the others.
func (p *Pool) ProveBills(ctx context.Context, chunks []BillWitness, progress func(done, of int)) ([]Proof, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		group  sync.WaitGroup
		mutex  sync.Mutex
		done   int
		proofs = make([]Proof, len(chunks))
	)
	if progress == nil {
		progress = func(int, int) {}
	}
	progress(0, len(chunks))
	for i := range chunks {
		group.Go(func() {
			proof, err := p.Prove(ctx, func(ctx context.Context, keys *Keys) (Proof, error) { return keys.ProveBill(ctx, chunks[i]) })
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				cancel(fmt.Errorf("chunk %d of %d: %w", i+1, len(chunks), err)) // only the first is kept
				return
			}
			proofs[i] = proof
			done++
			progress(done, len(chunks))
		})
	}
	group.Wait()
	if done < len(chunks) {
		return nil, context.Cause(ctx)
	}
	return proofs, nil
}
