package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"entente/ops/pgtest"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
)

// Three accounts of one ledger, and what clients ask of them. What any interleaving of the calls would answer is worked out by a model of a few lines, and a
// history counts as right only if some order of the calls, none moved out of its time, gives all its answers.

const (
	linearAccounts = 3
	linearHolds    = 48
	linearStart    = 20
)

// call is one request; account numbers are places in the model's arrays.
type call struct {
	kind     string // transfer, hold, post, void, read
	from, to int
	minor    int64
	hold     int // number of the hold
}

// books is the model's whole state.
type books struct {
	balance [linearAccounts]int64
	held    [linearAccounts]int64
	holds   [linearHolds]struct {
		pending  bool
		from, to int
		minor    int64
	}
}

// result is what a client was told: whether it was done, or the available balances.
type result struct {
	done      bool
	available [linearAccounts]int64
}

func stepBooks(state, input, output any) (bool, any) {
	b, c, r := state.(books), input.(call), output.(result)
	free := func(i int) int64 { return b.balance[i] - b.held[i] }
	may := false
	switch c.kind {
	case "read":
		for i := range r.available {
			if r.available[i] != free(i) {
				return false, b
			}
		}
		return true, b
	case "transfer":
		if may = free(c.from) >= c.minor; may {
			b.balance[c.from] -= c.minor
			b.balance[c.to] += c.minor
		}
	case "hold":
		if may = free(c.from) >= c.minor; may {
			b.held[c.from] += c.minor
			h := &b.holds[c.hold]
			h.pending, h.from, h.to, h.minor = true, c.from, c.to, c.minor
		}
	case "post", "void":
		h := &b.holds[c.hold]
		if may = h.pending; may {
			h.pending = false
			b.held[h.from] -= h.minor
			if c.kind == "post" {
				b.balance[h.from] -= h.minor
				b.balance[h.to] += h.minor
			}
		}
	}
	return r.done == may, b
}

var linearModel = porcupine.Model{
	Init:  func() any { return books{balance: [linearAccounts]int64{linearStart, linearStart, linearStart}} },
	Step:  stepBooks,
	Equal: func(a, b any) bool { return a == b },
	DescribeOperation: func(input, output any) string {
		return fmt.Sprintf("%+v -> %+v", input, output)
	},
}

// linear drives a bank with clients whose holds are known by number.
type linear struct {
	*house
	mu    sync.Mutex
	next  int
	holds map[int]wire.Hash // orders that may have set money aside
}

func linearAccount(i int) string { return fmt.Sprintf("DESK-%d", i) }

// draw picks a client's next call; what it is about, if it is a hold's.
func (l *linear) draw(random *rand.Rand) call {
	c := call{from: random.IntN(linearAccounts), minor: 1 + random.Int64N(12)}
	c.to = (c.from + 1 + random.IntN(linearAccounts-1)) % linearAccounts
	l.mu.Lock()
	defer l.mu.Unlock()
	switch n := random.IntN(10); {
	case n < 4:
		c.kind = "transfer"
	case n < 6 && l.next < linearHolds:
		c.kind, c.hold = "hold", l.next
		l.next++
	case n < 9 && len(l.holds) > 0:
		c.kind, c.hold = []string{"post", "void"}[random.IntN(2)], random.IntN(l.next)
		if _, begun := l.holds[c.hold]; !begun {
			c.kind = "read"
		}
	default:
		c.kind = "read"
	}
	return c
}

// carryOut asks the bank, over restarts of it, until there is an answer.
func (l *linear) carryOut(t *testing.T, c call) result {
	var event swap.Event
	switch c.kind {
	case "read":
		var r result
		for {
			err := l.present().View(context.Background(), func(m *swap.Machine) {
				for i := range linearAccounts {
					a, _ := m.Ledger().Account(linearAccount(i))
					r.available[i] = a.Available()
				}
			})
			if err == nil {
				return r
			}
			time.Sleep(2 * time.Millisecond)
		}
	case "transfer":
		in := wire.Instruction{Network: network, ID: randomID(), UETR: randomID(), Payer: "JPN", PayerBank: l.bank, PayerAccount: linearAccount(c.from), DebitCurrency: l.currency,
			MaxDebitMinor: c.minor, Payee: "JPN", PayeeBank: l.bank, PayeeAccount: linearAccount(c.to), PayCurrency: l.currency, PayMinor: c.minor, CreatedMS: now(), DeadlineMS: now() + 600_000}
		event = swap.TransferAuthorised{Instruction: &in, InstructionHash: in.Hash(), NowMS: now()}
	case "hold":
		given := l.order(wire.Order{Kind: wire.OrderHold, Account: linearAccount(c.from), Payee: linearAccount(c.to), Minor: c.minor})
		l.mu.Lock()
		l.holds[c.hold] = given.Cause
		l.mu.Unlock()
		event = given
	case "post", "void":
		kind := map[string]wire.OrderKind{"post": wire.OrderPost, "void": wire.OrderVoid}[c.kind]
		l.mu.Lock()
		of := l.holds[c.hold]
		l.mu.Unlock()
		event = l.order(wire.Order{Kind: kind, Account: linearAccount(0), Hold: of})
	}
	_, err := l.submit(engine.Work{Event: event})
	if err != nil && (refusal.CodeOf(err) == "" || errors.Is(err, engine.ErrStopped)) {
		t.Errorf("%+v: %v", c, err)
	}
	return result{done: err == nil}
}

func TestConcurrentHistoriesOfTransfersAndHoldsAreLinearizable(t *testing.T) {
	pgtest.NoLeaks(t)
	const clients, calls = 5, 28
	for seed := range uint64(4) {
		url, open := postgresDatabase(t, "boj")
		l := &linear{house: newHouse(t, "boj", "JPY", func(testing.TB, string) func(testing.TB) (engine.Store, error) { return open }), holds: map[int]wire.Hash{}}
		l.start()
		l.openAccount("ISSUANCE", l.bank, wire.AccountIssuance)
		for i := range linearAccounts {
			l.openAccount(linearAccount(i), "JPN", wire.AccountDesk)
			l.must(l.issue(linearAccount(i), linearStart))
		}
		stop := keepAlive(t, l.house)
		began := time.Now()
		histories := make([][]porcupine.Operation, clients)
		var group sync.WaitGroup
		for c := range clients {
			group.Go(func() {
				random := rand.New(rand.NewPCG(seed, uint64(c)))
				for range calls {
					in := l.draw(random)
					asked := time.Since(began).Nanoseconds()
					out := l.carryOut(t, in)
					histories[c] = append(histories[c], porcupine.Operation{ClientId: c, Input: in, Call: asked, Output: out, Return: time.Since(began).Nanoseconds()})
				}
			})
		}
		if seed%2 == 1 { // the database drops every session meanwhile
			time.Sleep(20 * time.Millisecond)
			terminate(t, url)
		}
		group.Wait()
		stop()
		var history []porcupine.Operation
		done := 0
		for _, h := range histories {
			history = append(history, h...)
			for _, o := range h {
				if o.Output.(result).done {
					done++
				}
			}
		}
		if got := porcupine.CheckOperationsTimeout(linearModel, history, 20*time.Second); got != porcupine.Ok {
			t.Errorf("seed %d: the history of %d calls is %s", seed, len(history), got)
		}
		// The check can fail: an answer turned round must be noticed.
		for i := range history {
			if o := history[i].Output.(result); history[i].Input.(call).kind == "transfer" && o.done {
				o.done = false
				history[i].Output = o
				break
			}
		}
		if porcupine.CheckOperationsTimeout(linearModel, history, 20*time.Second) == porcupine.Ok {
			t.Errorf("seed %d: a history with a false answer passes", seed)
		}
		t.Logf("seed %d: %d of %d calls changed something", seed, done, len(history))
	}
}
