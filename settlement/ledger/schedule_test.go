package ledger

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// spending is the model of one account's limits: the list of what it paid and held, with the day and whether it came back on that day.
type spending struct {
	day   wire.Day
	minor int64
	back  bool
}

// schedule drives a ledger with whatever users, operators and the clock may do, in any order.
type schedule struct {
	*book
	spent map[string][]spending // by account
	holds map[wire.Hash]heldBy
	refs  int
}

type heldBy struct {
	account string
	at      int // place in spent
}

func (s *schedule) usedOn(account string, day wire.Day) (sum int64) {
	for _, p := range s.spent[account] {
		if p.day == day && !p.back {
			sum += p.minor
		}
	}
	return sum
}

// began notes what an accepted payment or hold took, and wants the limits kept.
func (s *schedule) began(t *rapid.T, entries []Entry) {
	today := s.state.Today()
	if s.state.Halted() || s.state.BusinessDay().Day != 0 && !s.state.BusinessDay().Open {
		t.Fatalf("a %s began on a ledger that stands still", entries[0].Kind)
	}
	for _, e := range entries {
		s.spent[e.Debit] = append(s.spent[e.Debit], spending{day: today, minor: e.Minor})
		if e.Kind == wire.LeafHold {
			s.holds[e.Reference] = heldBy{e.Debit, len(s.spent[e.Debit]) - 1}
		}
		a, _ := s.state.Account(e.Debit)
		if a.PerDay != 0 && s.usedOn(e.Debit, today) > a.PerDay {
			t.Fatalf("account %s has paid %d on %s, its limit is %d", e.Debit, s.usedOn(e.Debit, today), today, a.PerDay)
		}
		if a.PerTransfer != 0 && e.Minor > a.PerTransfer {
			t.Fatalf("account %s has paid %d at once, its limit is %d", e.Debit, e.Minor, a.PerTransfer)
		}
	}
}

// ended notes that a hold was settled; one that is given back counts no more on its day while that is the day the account last paid on.
func (s *schedule) ended(entries []Entry) {
	for _, e := range entries {
		h := s.holds[e.Reference]
		delete(s.holds, e.Reference)
		if e.Kind == wire.LeafPost {
			continue
		}
		if list := s.spent[h.account]; list[len(list)-1].day == list[h.at].day {
			list[h.at].back = true
		}
	}
}

func (s *schedule) try(entries []Entry, err error) []Entry {
	if err != nil {
		if refusal.CodeOf(err) == "" {
			s.t.Fatalf("a fault in place of a refusal: %v", err)
		}
		return nil
	}
	s.apply(entries, nil)
	return entries
}

func (s *schedule) order(o wire.Order) []Entry {
	o.Key = s.key()
	return s.try(s.state.Order(o, hashOf("order-"+string(o.Key[:])), s.nowMS))
}

func TestNoScheduleExceedsALimitOrUnbalancesTheBooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &schedule{book: opened(t), spent: map[string][]spending{}, holds: map[wire.Hash]heldBy{}}
		s.supply(wire.OrderIssue, "JP-DESK", 1_000)
		account := rapid.SampledFrom([]string{"IN-DESK", "JP-DESK", "LP-DESK", "SUSPENSE", "NOWHERE"})
		amount := rapid.Int64Range(0, 300)
		moves := func(t *rapid.T) Movement {
			s.refs++
			m := Movement{Reference: hashOf(fmt.Sprintf("movement-%d", s.refs))}
			for range rapid.IntRange(1, 2).Draw(t, "postings") {
				m.Postings = append(m.Postings, wire.Posting{Payer: account.Draw(t, "payer"), Payee: account.Draw(t, "payee"), Minor: amount.Draw(t, "minor")})
			}
			return m
		}
		reference := func(t *rapid.T) wire.Hash {
			return hashOf(fmt.Sprintf("movement-%d", rapid.IntRange(1, max(1, s.refs)).Draw(t, "of")))
		}
		t.Repeat(map[string]func(*rapid.T){
			"transfer": func(t *rapid.T) {
				if e := s.try(s.state.Transfer(moves(t), s.nowMS)); e != nil {
					s.began(t, e)
				}
			},
			"hold": func(t *rapid.T) {
				m := moves(t)
				m.Postings = m.Postings[:1]
				if e := s.try(s.state.Hold(m, s.nowMS)); e != nil {
					s.began(t, e)
				}
			},
			"settle": func(t *rapid.T) {
				ref := reference(t)
				if rapid.Bool().Draw(t, "post") {
					s.ended(s.try(s.state.Post(ref, hashOf("cause"), "", s.nowMS)))
				} else {
					s.ended(s.try(s.state.Void(ref, hashOf("cause"), s.nowMS)))
				}
			},
			"hold by order": func(t *rapid.T) {
				e := s.order(wire.Order{Kind: wire.OrderHold, Account: account.Draw(t, "payer"), Payee: account.Draw(t, "payee"), Minor: amount.Draw(t, "minor"),
					ExpiresMS: rapid.SampledFrom([]int64{0, s.nowMS + 1, s.nowMS + day}).Draw(t, "expires")})
				if e != nil {
					s.began(t, e)
				}
			},
			"settle by order": func(t *rapid.T) {
				held := s.state.Holds()
				if len(held) == 0 {
					return
				}
				s.ended(s.order(wire.Order{Kind: rapid.SampledFrom([]wire.OrderKind{wire.OrderPost, wire.OrderVoid}).Draw(t, "kind"), Hold: rapid.SampledFrom(held).Draw(t, "hold").ID.Reference}))
			},
			"limit": func(t *rapid.T) {
				s.order(wire.Order{Kind: wire.OrderLimit, Account: account.Draw(t, "account"), PerTransfer: amount.Draw(t, "once"), PerDay: 2 * amount.Draw(t, "day")})
			},
			"supply": func(t *rapid.T) {
				s.order(wire.Order{Kind: rapid.SampledFrom([]wire.OrderKind{wire.OrderIssue, wire.OrderRedeem}).Draw(t, "kind"), Account: account.Draw(t, "account"), Minor: amount.Draw(t, "minor"),
					Reserve: fmt.Sprintf("RTGS-%d", rapid.IntRange(100, 130).Draw(t, "reserve"))})
			},
			"reverse": func(t *rapid.T) {
				s.order(wire.Order{Kind: wire.OrderReverse, Entry: rapid.Int64Range(-1, s.state.Size()).Draw(t, "entry")})
			},
			"hours": func(t *rapid.T) {
				kind := rapid.SampledFrom([]wire.OrderKind{wire.OrderOpenDay, wire.OrderOpenDay, wire.OrderCloseDay, wire.OrderHalt, wire.OrderResume, wire.OrderResume}).Draw(t, "kind")
				s.order(wire.Order{Kind: kind, Day: s.state.Today().Plus(rapid.IntRange(0, 1).Draw(t, "ahead"))})
			},
			"reconcile": func(t *rapid.T) {
				reserves := s.state.Supply() + rapid.Int64Range(0, 1).Draw(t, "apart")
				e := s.order(wire.Order{Kind: wire.OrderReconcile, Minor: reserves, Reserve: "STATEMENT"})
				if (e != nil) != (reserves == s.state.Supply()) {
					t.Fatalf("reserves of %d against a supply of %d: %d entries", reserves, s.state.Supply(), len(e))
				}
			},
			"clock": func(t *rapid.T) {
				s.nowMS += rapid.SampledFrom([]int64{0, 1, 2, day / 2}).Draw(t, "passes")
				s.ended(s.apply(s.state.Expire(s.nowMS), nil))
				if next := s.state.NextExpiryMS(); next != 0 && next <= s.nowMS {
					t.Fatalf("a hold that expired at %d is still held at %d", next, s.nowMS)
				}
			},
			"": func(t *rapid.T) {
				checkSums(t, s.state)
				for _, a := range s.state.Accounts() {
					if used := s.usedOn(a.ID, a.UsedOn); used != a.Used {
						t.Fatalf("account %s counts %d used on %s, the list says %d", a.ID, a.Used, a.UsedOn, used)
					}
				}
			},
		})
		for _, a := range s.state.Accounts() {
			var counted Counters
			for i := range s.entries {
				counted.Count(&s.entries[i], a.ID, a.Kind)
			}
			if counted != a.Counters {
				t.Fatalf("account %s has %+v, its entries count to %+v", a.ID, a.Counters, counted)
			}
		}
		if got, want := dump(s.restored()), dump(s.state); got != want {
			t.Fatalf("folded:\n%s\nwas:\n%s", got, want)
		}
	})
}
