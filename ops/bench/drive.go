//go:build unix

package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// errSpent ends a client that has nothing left to send.
var errSpent = errors.New("nothing is left to send")

// drive lets so many clients work, each one thing after another, until the time is over or one of them fails. work is given the client's number, a count of its
// own, and its source of chance.
func drive(ctx context.Context, clients int, each time.Duration, work func(client, n int, random *rand.Rand) error) (sample, error) {
	took, errs := make([][]time.Duration, clients), make([]error, clients)
	var group sync.WaitGroup
	began := time.Now()
	for c := range clients {
		group.Go(func() {
			random := rand.New(rand.NewPCG(rand.Uint64(), uint64(c)))
			for n := 0; ; n++ {
				start := time.Now()
				if start.Sub(began) >= each || ctx.Err() != nil {
					return
				}
				if err := work(c, n, random); err != nil {
					errs[c] = err
					return
				}
				took[c] = append(took[c], time.Since(start))
			}
		})
	}
	group.Wait()
	elapsed := time.Since(began)
	if err := ctx.Err(); err != nil {
		return sample{}, err
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, errSpent) {
			return sample{}, err
		}
	}
	all := slices.Concat(took...)
	if len(all) == 0 {
		return sample{}, errors.New("nothing was done in time")
	}
	slices.Sort(all)
	return sample{float64(len(all)) / elapsed.Seconds(), all[len(all)/2], all[len(all)*99/100]}, nil
}

// twoOf draws two different numbers below n.
func twoOf(random *rand.Rand, n int) (int, int) {
	a, b := random.IntN(n), random.IntN(n-1)
	if b >= a {
		b++
	}
	return a, b
}
