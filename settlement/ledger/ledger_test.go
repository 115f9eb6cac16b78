package ledger

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"entente/schema/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// hashOf and idOf make names for tests out of words.
func hashOf(word string) (h wire.Hash) {
	copy(h[:], word)
	return h
}

func idOf(word string) (id wire.ID) {
	copy(id[:], word)
	return id
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// book is a ledger under test: it applies what the guards give.
type book struct {
	t       tester
	state   *State
	entries []Entry
	keys    int
	nowMS   int64
}

func newBook(t tester) *book {
	return &book{t: t, state: NewState("RBI", "INR"), nowMS: 1_000}
}

// opened is a ledger with its own accounts, two desks and a provider, and 1,000 minor units at IN-DESK.
func opened(t tester) *book {
	b := newBook(t)
	b.open("ISSUANCE", "RBI", wire.AccountIssuance)
	b.open("SUSPENSE", "RBI", wire.AccountSuspense)
	b.open("IN-DESK", "India", wire.AccountDesk)
	b.open("JP-DESK", "Japan", wire.AccountDesk)
	b.open("LP-DESK", "Provider", wire.AccountProvider)
	b.supply(wire.OrderIssue, "IN-DESK", 1_000)
	return b
}

func (b *book) apply(entries []Entry, err error) []Entry {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("refused: %v", err)
	}
	for _, e := range entries {
		if err := b.state.Apply(e); err != nil {
			b.t.Fatalf("entry %d passed the guards and does not fold: %v", e.Seq, err)
		}
		b.entries = append(b.entries, e)
	}
	return entries
}

func (b *book) key() wire.ID {
	b.keys++
	return idOf(fmt.Sprintf("key-%d", b.keys))
}

func (b *book) order(o wire.Order) []Entry {
	b.t.Helper()
	if o.Key == (wire.ID{}) {
		o.Key = b.key()
	}
	return b.apply(b.state.Order(o, hashOf("order-"+string(o.Key[:])), b.nowMS))
}

func (b *book) open(id, owner string, as wire.AccountKind) {
	b.t.Helper()
	b.order(wire.Order{Kind: wire.OrderOpen, Account: id, Owner: owner, As: as})
}

func (b *book) status(id string, status wire.AccountStatus) {
	b.t.Helper()
	b.order(wire.Order{Kind: wire.OrderStatus, Account: id, Status: status})
}

func (b *book) supply(kind wire.OrderKind, account string, minor int64) {
	b.t.Helper()
	b.order(wire.Order{Kind: kind, Account: account, Minor: minor, Reserve: fmt.Sprintf("RTGS-%d", b.keys)})
}

func (b *book) bill(id string, revision uint32) wire.Hash {
	b.t.Helper()
	bill := billOf(id, revision)
	b.apply(b.state.Admit(bill, b.nowMS))
	return bill.Hash()
}

// billOf is a bill that India owes Japan.
func billOf(id string, revision uint32) wire.Bill {
	return wire.Bill{ID: idOf(id), Revision: revision, Programme: hashOf("exercise"), Creditor: "Japan", Debtor: "India", Ledger: "RBI", Currency: "INR",
		Nonce: hashOf(id), ChunkSize: 16, Chunks: []wire.Chunk{{Digest: hashOf(id)}}}
}

// pays is a movement from IN-DESK to JP-DESK.
func pays(reference string, minor int64, bills ...wire.Hash) Movement {
	return Movement{Reference: hashOf(reference), Cause: hashOf("instruction"), Postings: []wire.Posting{{Payer: "IN-DESK", Payee: "JP-DESK", Minor: minor}},
		Bills: bills, Blinding: hashOf("blinding"), Creditor: "Japan", Debtor: "India"}
}

// restored folds the entries, through their stored bytes, into a new state.
func (b *book) restored() *State {
	b.t.Helper()
	s := NewState(b.state.Bank, b.state.Currency)
	for _, e := range b.entries {
		bytes, err := e.Bytes()
		if err != nil {
			b.t.Fatalf("entry %d cannot be stored: %v", e.Seq, err)
		}
		parsed, err := ParseEntry(bytes)
		if err != nil {
			b.t.Fatalf("entry %d cannot be read: %v", e.Seq, err)
		}
		if err := s.Apply(parsed); err != nil {
			b.t.Fatalf("the journal does not fold: %v", err)
		}
	}
	return s
}

// dump writes out the whole of a state, in a fixed order.
func dump(s *State) string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range s.accounts {
		add("account %+v", *a)
	}
	for kind, holds := range map[string]map[HoldID]*Hold{"hold": s.holds, "transit": s.transit} {
		for id, h := range holds {
			add("%s %x/%d %+v", kind, id.Reference, id.Part, *h)
		}
	}
	for hash, b := range s.bills {
		add("bill %s %+v", hash, *b)
	}
	for id, r := range s.revision {
		add("revision %s %d", id, r)
	}
	for id, o := range s.orders {
		add("order %s %+v", id, o)
	}
	for hash, p := range s.payments {
		add("payment %s %+v", hash, p)
	}
	for kind, id := range s.single {
		add("single %d %s", kind, id)
	}
	for reserve, seq := range s.reserves {
		add("reserve %s %d", reserve, seq)
	}
	for seq, by := range s.reversed {
		add("reversed %d %d", seq, by)
	}
	for seq, m := range s.moved {
		add("moved %d %+v", seq, m)
	}
	for i, name := range s.names {
		add("name %d %s", i, name)
	}
	for i, h := range s.expiring {
		add("expiring %d %+v", i, *h)
	}
	add("day %+v, halted %v, reconciled %+v", s.day, s.halted, s.last)
	sort.Strings(lines)
	return fmt.Sprintf("%s %s next %d at %d\n%s\n", s.Bank, s.Currency, s.next, s.timeMS, strings.Join(lines, "\n"))
}

// checkSums holds what is true of every state of a ledger.
func checkSums(t tester, s *State) {
	t.Helper()
	var sum int64
	debits, credits := map[string]int64{}, map[string]int64{}
	for _, h := range s.holds {
		debits[h.Debit] += h.Minor
		credits[h.Credit] += h.Minor
	}
	var transit int64
	for _, h := range s.transit {
		credits[h.Credit] += h.Minor
		transit += h.Minor
	}
	for _, a := range s.Accounts() {
		sum += a.Balance()
		if a.Kind != wire.AccountIssuance && a.Available() < 0 {
			t.Fatalf("account %s has %d available", a.ID, a.Available())
		}
		if a.DebitsPending != debits[a.ID] || a.CreditsPending != credits[a.ID] {
			t.Fatalf("account %s counts %d and %d pending, its holds are %d and %d", a.ID, a.DebitsPending, a.CreditsPending, debits[a.ID], credits[a.ID])
		}
		if a.Kind == wire.AccountSuspense && a.Balance() != transit {
			t.Fatalf("suspense has %d, %d is in transit", a.Balance(), transit)
		}
		if a.Status == wire.StatusClosed && (a.Balance() != 0 || a.DebitsPending != 0 || a.CreditsPending != 0) {
			t.Fatalf("closed account %s holds or awaits money", a.ID)
		}
	}
	if sum != 0 {
		t.Fatalf("all balances add up to %d", sum)
	}
	if s.Supply() != s.BalancesSum() {
		t.Fatalf("the supply is %d, the balances add up to %d", s.Supply(), s.BalancesSum())
	}
}

// golden compares text with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs, run with -update and read the diff:\n%s", path, got)
	}
}

// nearlyFull makes an account FULL whose counter of credits has room for less than a thousand, and an account RICH that could pay more than that.
func (b *book) nearlyFull() {
	b.t.Helper()
	const half = math.MaxInt64 / 2
	b.open("FULL", "India", wire.AccountDesk)
	b.open("RICH", "India", wire.AccountDesk)
	b.supply(wire.OrderIssue, "FULL", half)
	move := func(reference, from, to string, minor int64) {
		b.t.Helper()
		b.apply(b.state.Transfer(Movement{Reference: hashOf(reference), Postings: []wire.Posting{{Payer: from, Payee: to, Minor: minor}}}, b.nowMS))
	}
	move("to-rich", "FULL", "RICH", half)
	move("to-full", "RICH", "FULL", half-1_000)
	move("fill", "FULL", "RICH", half-1_000)
	move("last", "RICH", "FULL", 900)
}

// sourceOf reads files of this package.
func sourceOf(t *testing.T, names ...string) string {
	t.Helper()
	var text strings.Builder
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	return text.String()
}
