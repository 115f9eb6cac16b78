package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/wire"
)

// naive is the model: the list of everything that happened to money, and no counters at all. Every question is answered by adding up the list.
type naive struct {
	moves    []wire.Posting            // done
	held     map[string][]wire.Posting // by reference
	suspense map[string][]wire.Posting // committed and not released
	kind     map[string]wire.AccountKind
	status   map[string]wire.AccountStatus
	bills    map[wire.Hash]string // "" outstanding, else the reference that holds or paid it
	billsOf  map[string][]wire.Hash
	paid     map[string]bool
}

func (n *naive) balance(account string) int64 {
	var sum int64
	for _, m := range n.moves {
		if m.Payee == account {
			sum += m.Minor
		}
		if m.Payer == account {
			sum -= m.Minor
		}
	}
	return sum
}

func (n *naive) available(account string) int64 {
	sum := n.balance(account)
	for _, postings := range n.held {
		for _, p := range postings {
			if p.Payer == account {
				sum -= p.Minor
			}
		}
	}
	return sum
}

// awaits tells whether any hold or committed leg names the account.
func (n *naive) awaits(account string) bool {
	for _, postings := range n.held {
		for _, p := range postings {
			if p.Payer == account || p.Payee == account {
				return true
			}
		}
	}
	for _, postings := range n.suspense {
		for _, p := range postings {
			if p.Payee == account {
				return true
			}
		}
	}
	return false
}

func (n *naive) customer(account string) bool {
	return n.kind[account] == wire.AccountDesk || n.kind[account] == wire.AccountProvider
}

// may tells whether a movement is allowed.
func (n *naive) may(m Movement) bool {
	spent := map[string]int64{}
	for _, p := range m.Postings {
		if p.Minor <= 0 || p.Payer == p.Payee || !n.customer(p.Payer) || !n.customer(p.Payee) || n.status[p.Payer] != wire.StatusActive || n.status[p.Payee] != wire.StatusActive {
			return false
		}
		if spent[p.Payer] += p.Minor; spent[p.Payer] > n.available(p.Payer) {
			return false
		}
	}
	for i, bill := range m.Bills {
		if by, known := n.bills[bill]; !known || by != "" || slices.Contains(m.Bills[:i], bill) {
			return false
		}
	}
	return len(m.Postings) > 0
}

func (n *naive) claim(m Movement, reference string) {
	for _, bill := range m.Bills {
		n.bills[bill] = reference
	}
	n.billsOf[reference] = m.Bills
}

// TestAnySequenceOfOperationsKeepsTheBooks runs random operations, allowed or not, on ledger and model and compares them after each.
func TestAnySequenceOfOperationsKeepsTheBooks(t *testing.T) {
	accounts := []string{"ISSUANCE", "SUSPENSE", "IN-DESK", "JP-DESK", "LP-DESK", "NOWHERE"}
	account := rapid.SampledFrom(accounts)
	amount := rapid.Int64Range(-1, 400)
	reference := rapid.Map(rapid.IntRange(1, 12), func(i int) string { return fmt.Sprintf("swap-%d", i) })
	bill := rapid.Map(rapid.IntRange(1, 5), func(i int) string { return fmt.Sprintf("bill-%d", i) })
	rapid.Check(t, func(t *rapid.T) {
		b := newBook(t)
		n := &naive{held: map[string][]wire.Posting{}, suspense: map[string][]wire.Posting{}, kind: map[string]wire.AccountKind{}, status: map[string]wire.AccountStatus{},
			bills: map[wire.Hash]string{}, billsOf: map[string][]wire.Hash{}, paid: map[string]bool{}}
		for id, kind := range map[string]wire.AccountKind{"ISSUANCE": wire.AccountIssuance, "SUSPENSE": wire.AccountSuspense, "IN-DESK": wire.AccountDesk,
			"JP-DESK": wire.AccountDesk, "LP-DESK": wire.AccountProvider} {
			b.open(id, "owner", kind)
			n.kind[id], n.status[id] = kind, wire.StatusActive
		}
		b.supply(wire.OrderIssue, "IN-DESK", 500)
		n.moves = append(n.moves, wire.Posting{Payer: "ISSUANCE", Payee: "IN-DESK", Minor: 500})
		movement := func(t *rapid.T, ref string) Movement {
			m := Movement{Reference: hashOf(ref), Creditor: "Japan", Debtor: "India"}
			for range rapid.IntRange(1, 3).Draw(t, "postings") {
				m.Postings = append(m.Postings, wire.Posting{Payer: account.Draw(t, "payer"), Payee: account.Draw(t, "payee"), Minor: amount.Draw(t, "minor")})
			}
			for range rapid.IntRange(0, 2).Draw(t, "bills") {
				bill := billOf(bill.Draw(t, "bill"), 1)
				m.Bills = append(m.Bills, bill.Hash())
			}
			return m
		}
		// try applies what the ledger gives and compares its verdict with the model's.
		try := func(t *rapid.T, may bool, entries []Entry, err error) bool {
			if (err == nil) != may {
				t.Fatalf("the ledger says %v, the model says allowed: %v", err, may)
			}
			if err == nil {
				b.apply(entries, err)
			}
			return err == nil
		}
		t.Repeat(map[string]func(*rapid.T){
			"supply": func(t *rapid.T) {
				kind, id, minor := rapid.SampledFrom([]wire.OrderKind{wire.OrderIssue, wire.OrderRedeem}).Draw(t, "kind"), account.Draw(t, "account"), amount.Draw(t, "minor")
				may := minor > 0 && n.customer(id) && n.status[id] == wire.StatusActive && n.status["ISSUANCE"] == wire.StatusActive && (kind == wire.OrderIssue || n.available(id) >= minor)
				entries, err := b.state.Order(wire.Order{Kind: kind, Key: b.key(), Account: id, Minor: minor, Reserve: fmt.Sprintf("RTGS-%d", b.keys)}, hashOf("order"), b.nowMS)
				if try(t, may, entries, err) {
					move := wire.Posting{Payer: "ISSUANCE", Payee: id, Minor: minor}
					if kind == wire.OrderRedeem {
						move.Payer, move.Payee = move.Payee, move.Payer
					}
					n.moves = append(n.moves, move)
				}
			},
			"status": func(t *rapid.T) {
				id := account.Draw(t, "account")
				status := rapid.SampledFrom([]wire.AccountStatus{wire.StatusActive, wire.StatusActive, wire.StatusFrozen, wire.StatusClosed}).Draw(t, "status")
				may := n.kind[id] != 0 && n.status[id] != wire.StatusClosed
				if status == wire.StatusClosed {
					may = may && n.balance(id) == 0 && !n.awaits(id) && (id != "SUSPENSE" || len(n.held) == 0)
				}
				entries, err := b.state.Order(wire.Order{Kind: wire.OrderStatus, Key: b.key(), Account: id, Status: status}, hashOf("order"), b.nowMS)
				if try(t, may, entries, err) {
					n.status[id] = status
				}
			},
			"bill": func(t *rapid.T) {
				bill := billOf(bill.Draw(t, "bill"), 1)
				_, known := n.bills[bill.Hash()]
				entries, err := b.state.Admit(bill, b.nowMS)
				if try(t, !known, entries, err) {
					n.bills[bill.Hash()] = ""
				}
			},
			"transfer": func(t *rapid.T) {
				ref := reference.Draw(t, "reference") + "-inside"
				m := movement(t, ref)
				entries, err := b.state.Transfer(m, b.nowMS)
				if n.paid[ref] {
					if err != nil || len(entries) != 0 {
						t.Fatalf("the payment was made before: %d entries, %v", len(entries), err)
					}
				} else if try(t, n.may(m), entries, err) {
					n.moves = append(n.moves, m.Postings...)
					n.paid[ref] = true
					n.claim(m, ref)
				}
			},
			"hold": func(t *rapid.T) {
				ref := reference.Draw(t, "reference")
				m := movement(t, ref)
				entries, err := b.state.Hold(m, b.nowMS)
				if try(t, n.held[ref] == nil && n.suspense[ref] == nil && n.may(m), entries, err) {
					n.held[ref] = m.Postings
					n.claim(m, ref)
				}
			},
			"post": func(t *rapid.T) {
				ref := reference.Draw(t, "reference")
				via := rapid.SampledFrom([]string{"", "SUSPENSE", "LP-DESK"}).Draw(t, "via")
				entries, err := b.state.Post(hashOf(ref), hashOf("cause"), via, b.nowMS)
				if try(t, n.held[ref] != nil && via != "LP-DESK" && (via == "" || n.status[via] != wire.StatusClosed), entries, err) {
					for _, p := range n.held[ref] {
						if via != "" {
							p.Payee = via
						}
						n.moves = append(n.moves, p)
					}
					if via != "" {
						n.suspense[ref] = n.held[ref]
					}
					delete(n.held, ref)
				}
			},
			"void": func(t *rapid.T) {
				ref := reference.Draw(t, "reference")
				entries, err := b.state.Void(hashOf(ref), hashOf("cause"), b.nowMS)
				if try(t, n.held[ref] != nil, entries, err) {
					for _, bill := range n.billsOf[ref] {
						n.bills[bill] = ""
					}
					delete(n.held, ref)
				}
			},
			"release": func(t *rapid.T) {
				ref := reference.Draw(t, "reference")
				postings := n.suspense[ref]
				if rapid.Bool().Draw(t, "spoilt") {
					postings = append(slices.Clone(postings), wire.Posting{Payer: "IN-DESK", Payee: "JP-DESK", Minor: 1})
				}
				entries, err := b.state.Release(hashOf(ref), hashOf("ack"), postings, b.nowMS)
				if try(t, n.suspense[ref] != nil && len(postings) == len(n.suspense[ref]), entries, err) {
					for _, p := range postings {
						n.moves = append(n.moves, wire.Posting{Payer: "SUSPENSE", Payee: p.Payee, Minor: p.Minor})
					}
					delete(n.suspense, ref)
				}
			},
			"": func(t *rapid.T) {
				checkSums(t, b.state)
				for _, id := range accounts {
					a, _ := b.state.Account(id)
					if a.Balance() != n.balance(id) || a.Available() != n.available(id) || a.Status != n.status[id] {
						t.Fatalf("account %s is %+v, the model has %d, of these %d available, status %d", id, a, n.balance(id), n.available(id), n.status[id])
					}
				}
				for hash, by := range n.bills {
					if bill, ok := b.state.Bill(hash); !ok || (bill.State == BillOutstanding) != (by == "") || bill.Reference != hashOf(by) {
						t.Fatalf("bill %s is %s for %x, the model says %q", hash.Short(), bill.State, bill.Reference, by)
					}
				}
				b.nowMS++
			},
		})
		if got, want := dump(b.restored()), dump(b.state); got != want {
			t.Fatalf("folded:\n%s\nwas:\n%s", got, want)
		}
	})
}

func TestEntriesOfAnotherLedgersJournalDoNotFold(t *testing.T) {
	b := journal(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		at := random.IntN(len(b.entries))
		s, err := fold(b.entries[:at])
		if err != nil {
			t.Fatal(err)
		}
		other := b.entries[random.IntN(len(b.entries))]
		if other.Seq == int64(at) {
			continue
		}
		if s.Apply(other) == nil {
			t.Errorf("entry %d folds where %d is due", other.Seq, at)
		}
	}
}
