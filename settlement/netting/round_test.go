package netting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
)

var (
	inr, jpy, aud = money.MustCurrency("INR"), money.MustCurrency("JPY"), money.MustCurrency("AUD")
	ledgers       = map[money.Currency]string{inr: "rbi", jpy: "boj", aud: "rba"}
	exactly       = cmp.AllowUnexported(money.Amount{}, money.Currency{}, money.Rate{})
)

// numbered gives the n-th of a row of hashes in ascending order.
func numbered(n int) wire.Hash {
	var h wire.Hash
	binary.BigEndian.PutUint32(h[:], uint32(n))
	return h
}

// owed is the n-th bill.
func owed(n int, debtor, creditor string, minor int64, currency money.Currency) Bill {
	return Bill{numbered(n), creditor, debtor, ledgers[currency], money.New(minor, currency)}
}

func rate(t testing.TB, text string, base, quote money.Currency) AgreedRate {
	t.Helper()
	r, err := money.ParseRate(text, base, quote)
	if err != nil {
		t.Fatal(err)
	}
	return AgreedRate{r, money.RoundHalfEven}
}

// paid writes payments as lines.
func paid(rounds ...Round) (lines []string) {
	for _, r := range rounds {
		for _, p := range r.Payments {
			line := fmt.Sprintf("%s pays %s %s for", p.Payer, p.Payee, p.Amount)
			for _, b := range r.BillsOf(p) {
				line += fmt.Sprintf(" %s%d", b.Sign, binary.BigEndian.Uint32(b.Bill[:]))
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func TestWhatIsPaid(t *testing.T) {
	for _, test := range []struct {
		name  string
		bills []Bill
		both  [2][]string // bilateral, multilateral
	}{
		{"nothing is owed and nothing is paid", nil, [2][]string{}},
		{"one bill is one payment", []Bill{owed(1, "IND", "JPN", 700, jpy)}, [2][]string{{"IND pays JPN 700 JPY for +1"}, {"IND pays JPN 700 JPY for +1"}}},
		{"what two nations owe each other is set off, bill by bill", []Bill{owed(1, "IND", "JPN", 700, jpy), owed(2, "JPN", "IND", 900, jpy), owed(3, "IND", "JPN", 50, jpy)},
			[2][]string{{"JPN pays IND 150 JPY for -1 +2 -3"}, {"JPN pays IND 150 JPY for -1 +2 -3"}}},
		{"currencies are never mixed", []Bill{owed(1, "IND", "JPN", 700, jpy), owed(2, "JPN", "IND", 700, inr)},
			[2][]string{{"IND pays JPN 700 JPY for +1", "JPN pays IND 7.00 INR for +2"}, {"IND pays JPN 700 JPY for +1", "JPN pays IND 7.00 INR for +2"}}},
		{"a chain is shortened, and only among all", []Bill{owed(1, "AUS", "IND", 500, jpy), owed(2, "IND", "JPN", 500, jpy)},
			[2][]string{{"AUS pays IND 500 JPY for +1", "IND pays JPN 500 JPY for +2"}, {"AUS pays JPN 500 JPY for +1"}}},
		{"a circle is discharged without a payment, and only among all", []Bill{owed(1, "AUS", "IND", 500, jpy), owed(2, "IND", "JPN", 500, jpy), owed(3, "JPN", "AUS", 500, jpy)},
			[2][]string{{"AUS pays IND 500 JPY for +1", "IND pays JPN 500 JPY for +2", "JPN pays AUS 500 JPY for +3"}, nil}},
		{"a payment among all is what its payer's side owes the rest", []Bill{owed(1, "AUS", "IND", 500, jpy), owed(2, "IND", "JPN", 800, jpy), owed(3, "JPN", "USA", 100, jpy), owed(4, "USA", "AUS", 50, jpy)},
			[2][]string{{"AUS pays IND 500 JPY for +1", "IND pays JPN 800 JPY for +2", "JPN pays USA 100 JPY for +3", "USA pays AUS 50 JPY for +4"},
				{"AUS pays JPN 450 JPY for +1 -4", "IND pays JPN 250 JPY for -1 +4 +2 -3", "IND pays USA 50 JPY for -4 +3"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, scheme := range []Scheme{Bilateral, Multilateral} {
				rounds, err := Rounds(test.bills, scheme)
				if err != nil {
					t.Fatal(err)
				}
				if got := paid(rounds...); !slices.Equal(got, test.both[i]) {
					t.Errorf("%s: %q, want %q", scheme, got, test.both[i])
				}
				for _, r := range rounds {
					if err := r.Check(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

func TestAcrossCurrenciesBillsCountAtTheAgreedRate(t *testing.T) {
	bills := []Bill{owed(1, "IND", "JPN", 10_000, jpy), owed(2, "JPN", "IND", 400_000, inr), owed(3, "IND", "JPN", 77, jpy), owed(4, "AUS", "JPN", 1000, aud)}
	rates := []AgreedRate{rate(t, "1.83455", inr, jpy), rate(t, "97.5", aud, jpy)}
	r, err := Across(bills, Bilateral, "boj", jpy, rates)
	if err != nil {
		t.Fatal(err)
	}
	// 4000.00 INR count 7338.2 JPY and 10.00 AUD 975.
	want := []string{"AUS pays JPN 975 JPY for +4", "IND pays JPN 2739 JPY for +1 +3 -2"}
	if got := paid(r); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}

func TestBillsThatCannotBeNettedAreRefused(t *testing.T) {
	good := owed(1, "IND", "JPN", 700, jpy)
	with := func(change func(*Bill)) []Bill {
		b := good
		b.Hash = numbered(2)
		change(&b)
		return []Bill{good, b}
	}
	across := func(bills []Bill, rates ...AgreedRate) func() error {
		return func() error { _, err := Across(bills, Bilateral, "boj", jpy, rates); return err }
	}
	plain := func(bills []Bill) func() error {
		return func() error { _, err := Rounds(bills, Multilateral); return err }
	}
	upsideDown := rate(t, "0.5", jpy, inr)
	unrounded := rate(t, "2", inr, jpy)
	unrounded.Rounding = 0
	for _, test := range []struct {
		name string
		try  func() error
		code refusal.Code
	}{
		{"a bill without a hash", plain(with(func(b *Bill) { b.Hash = wire.Hash{} })), CodeBillInvalid},
		{"a bill of nobody", plain(with(func(b *Bill) { b.Creditor = "" })), CodeBillInvalid},
		{"a bill without a ledger", plain(with(func(b *Bill) { b.Ledger = "" })), CodeBillInvalid},
		{"a debt to oneself", plain(with(func(b *Bill) { b.Creditor = b.Debtor })), CodeBillInvalid},
		{"a bill of nothing", plain(with(func(b *Bill) { b.Amount = money.Zero(jpy) })), CodeBillInvalid},
		{"a bill in no currency", plain(with(func(b *Bill) { b.Amount = money.Amount{} })), CodeBillInvalid},
		{"the same bill twice", plain(with(func(b *Bill) { b.Hash = good.Hash })), CodeBillRepeated},
		{"two currencies on one ledger", plain(with(func(b *Bill) { b.Amount = money.New(5, aud) })), CodeLedgerCurrency},
		{"more than an amount can hold", plain(with(func(b *Bill) { b.Amount = money.New(1<<63-1, jpy) })), money.CodeOverflow},
		{"an unknown scheme", func() error { _, err := Rounds([]Bill{good}, 3); return err }, CodeSchemeUnknown},
		{"a currency without an agreed rate", across([]Bill{good, owed(2, "JPN", "IND", 5, inr)}), CodeRateMissing},
		{"the round's currency on another ledger", across(with(func(b *Bill) { b.Ledger = "other" })), CodeRateMissing},
		{"another currency on the round's ledger", across([]Bill{{numbered(1), "IND", "JPN", "boj", money.New(500, inr)}}, rate(t, "2", inr, jpy)), CodeRateMissing},
		{"a rate out of the round's currency", across([]Bill{good}, upsideDown), money.CodeRateInvalid},
		{"no rate", across([]Bill{good}, AgreedRate{}), money.CodeRateInvalid},
		{"a rate without a rounding", across([]Bill{good}, unrounded), money.CodeRoundingUnknown},
		{"two rates for a currency", across([]Bill{good}, rate(t, "2", inr, jpy), rate(t, "3", inr, jpy)), CodeRateRepeated},
		{"bills that the rate makes nothing of", across([]Bill{good, owed(2, "JPN", "IND", 5, inr)}, rate(t, "1.5", inr, jpy)), CodeNetTooSmall},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.try(); refusal.CodeOf(err) != test.code {
				t.Errorf("it says %v, want %s", err, test.code)
			}
		})
	}
}

var nations = []string{"AUS", "CAN", "FRA", "IND", "JPN", "USA"}

func drawBills(t *rapid.T) []Bill {
	currencies := []money.Currency{inr, jpy, aud}
	var bills []Bill
	for i := range rapid.IntRange(0, 40).Draw(t, "bills") {
		debtor := rapid.IntRange(0, len(nations)-1).Draw(t, "debtor")
		creditor := (debtor + rapid.IntRange(1, len(nations)-1).Draw(t, "distance")) % len(nations)
		minor := rapid.Int64Range(1, 1_000_000).Draw(t, "minor")
		bills = append(bills, owed(i+1, nations[debtor], nations[creditor], minor, rapid.SampledFrom(currencies).Draw(t, "currency")))
	}
	return bills
}

// The position of each member is what its bills say, whatever the scheme, and what the payments move. Bills are discharged once each.
func TestNettingConservesThePositionOfEveryMember(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bills := drawBills(t)
		type account struct{ nation, ledger string }
		want := map[account]int64{}
		for _, b := range bills {
			want[account{b.Creditor, b.Ledger}] += b.Amount.Minor()
			want[account{b.Debtor, b.Ledger}] -= b.Amount.Minor()
		}
		for _, scheme := range []Scheme{Bilateral, Multilateral} {
			rounds, err := Rounds(bills, scheme)
			if err != nil {
				t.Fatal(err)
			}
			got, discharged := map[account]int64{}, []wire.Hash{}
			for _, r := range rounds {
				if err := r.Check(); err != nil {
					t.Fatal(err)
				}
				if scheme == Multilateral && len(r.Payments) >= len(r.Positions) {
					t.Fatalf("%d payments among %d nations", len(r.Payments), len(r.Positions))
				}
				for _, p := range r.Payments {
					got[account{p.Payer, r.Ledger}] -= p.Amount.Minor()
					got[account{p.Payee, r.Ledger}] += p.Amount.Minor()
					checkSignedSum(t, &r, p, bills)
				}
				discharged = append(discharged, r.Bills()...)
			}
			for a, minor := range want {
				if got[a] != minor {
					t.Fatalf("%s: %s is owed %d on %s and got %d", scheme, a.nation, minor, a.ledger, got[a])
				}
			}
			slices.SortFunc(discharged, func(a, b wire.Hash) int { return slices.Compare(a[:], b[:]) })
			for i := range bills {
				if len(discharged) != len(bills) || discharged[i] != bills[i].Hash {
					t.Fatalf("%s: %d of %d bills are discharged", scheme, len(discharged), len(bills))
				}
			}
			shuffled := rapid.Permutation(bills).Draw(t, "order")
			again, err := Rounds(shuffled, scheme)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(rounds, again, exactly); diff != "" {
				t.Fatalf("the order of bills matters: %s", diff)
			}
		}
	})
}

// checkSignedSum adds a payment's bills by hand.
func checkSignedSum(t *rapid.T, r *Round, p Payment, bills []Bill) {
	sum := int64(0)
	for _, s := range r.BillsOf(p) {
		b := bills[binary.BigEndian.Uint32(s.Bill[:])-1]
		sum += int64(s.Sign) * b.Amount.Minor()
	}
	if sum != p.Amount.Minor() {
		t.Fatalf("%s pays %s %s for bills of %d", p.Payer, p.Payee, p.Amount, sum)
	}
}

func TestNettingAcrossCurrenciesConservesPositionsAtTheAgreedRates(t *testing.T) {
	rates := []AgreedRate{rate(t, "1.83455", inr, jpy), rate(t, "97.512", aud, jpy)}
	rapid.Check(t, func(t *rapid.T) {
		bills := drawBills(t)
		for _, scheme := range []Scheme{Bilateral, Multilateral} {
			r, err := Across(bills, scheme, "boj", jpy, rates)
			if errors.Is(err, &refusal.Refusal{Code: CodeNetTooSmall}) {
				t.Skip("a net is nothing")
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Check(); err != nil {
				t.Fatal(err)
			}
			sum := int64(0)
			for _, p := range r.Positions {
				sum += p.Amount.Minor()
			}
			if sum != 0 || len(r.Bills()) != len(bills) {
				t.Fatalf("positions add to %d, %d of %d bills are discharged", sum, len(r.Bills()), len(bills))
			}
		}
	})
}

// The bank holds commitments and, for each payment, one amount and one blinding: it adds and subtracts points.
func TestTheBankChecksWhatIsPaidOnCommitments(t *testing.T) {
	bills := []Bill{owed(1, "AUS", "IND", 500, jpy), owed(2, "IND", "JPN", 800, jpy), owed(3, "JPN", "IND", 1900, inr), owed(4, "JPN", "AUS", 50, jpy)}
	totals := map[wire.Hash]Total{}
	for i, b := range bills {
		blinding := commit.DeriveBlinding(commit.Secret{9}, "total", [16]byte{byte(i)}, 1, 0, nil)
		point, err := commit.CommitAmount(uint64(b.Amount.Minor()), blinding)
		if err != nil {
			t.Fatal(err)
		}
		totals[b.Hash] = Total{point, blinding}
	}
	rounds, err := Rounds(bills, Multilateral)
	if err != nil {
		t.Fatal(err)
	}
	across, err := Across(bills, Multilateral, "boj", jpy, []AgreedRate{rate(t, "1.83455", inr, jpy)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(rounds, across) {
		for _, n := range r.Nets {
			if err := CheckNet(n.Net, totals); err != nil {
				t.Error(err)
			}
			n.Amount, _ = n.Amount.Add(money.New(1, n.Amount.Currency()))
			if err := CheckNet(n.Net, totals); refusal.CodeOf(err) != CodeOpeningInvalid {
				t.Errorf("a unit more says %v", err)
			}
		}
		for _, p := range r.Payments {
			if err := CheckPayment(&r, p, totals); err != nil {
				t.Error(err)
			}
			p.Amount, _ = p.Amount.Add(money.New(1, r.Currency))
			if err := CheckPayment(&r, p, totals); refusal.CodeOf(err) != CodeRoundInvalid {
				t.Errorf("a unit more says %v", err)
			}
		}
	}
	turned := rounds[0].Nets[0].Net
	turned.Bills = []Signed{{turned.Bills[0].Bill, -turned.Bills[0].Sign}}
	if err := CheckNet(turned, totals); refusal.CodeOf(err) != CodeOpeningInvalid {
		t.Errorf("another sign says %v", err)
	}
	delete(totals, bills[0].Hash)
	if err := CheckNet(rounds[0].Nets[0].Net, totals); refusal.CodeOf(err) != CodeOpeningInvalid {
		t.Errorf("a missing commitment says %v", err)
	}
}

func TestARoundThatDoesNotFitIsRefused(t *testing.T) {
	bills := []Bill{owed(1, "AUS", "IND", 500, jpy), owed(2, "IND", "JPN", 800, jpy), owed(3, "JPN", "AUS", 1900, inr)}
	for _, test := range []struct {
		name   string
		change func(*Round)
		code   refusal.Code
	}{
		{"as it was made", func(*Round) {}, ""},
		{"a payment less", func(r *Round) { r.Payments = r.Payments[1:] }, CodeRoundInvalid},
		{"a payment to somebody else", func(r *Round) { r.Payments[0].Payee = "USA" }, CodeRoundInvalid},
		{"a payment of another amount", func(r *Round) { r.Payments[0].Amount = money.New(1, jpy) }, CodeRoundInvalid},
		{"a part that is none", func(r *Round) { r.Payments[0].Parts[0].Net = 9 }, CodeRoundInvalid},
		{"another position", func(r *Round) { r.Positions[0].Amount = money.New(1, jpy) }, CodeRoundInvalid},
		{"a position less", func(r *Round) { r.Positions = r.Positions[1:] }, CodeRoundInvalid},
		{"another count", func(r *Round) { r.Nets[0].Counts = money.New(3, jpy) }, CodeRoundInvalid},
		{"a foreign net without a rate", func(r *Round) { r.Nets[2].Rate = AgreedRate{} }, CodeRoundInvalid},
		{"a bill in two nets", func(r *Round) { r.Nets[0].Bills = r.Nets[1].Bills }, CodeBillRepeated},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Across(bills, Multilateral, "boj", jpy, []AgreedRate{rate(t, "1.83455", inr, jpy)})
			if err != nil {
				t.Fatal(err)
			}
			test.change(&r)
			if err := r.Check(); refusal.CodeOf(err) != test.code {
				t.Errorf("it says %v, want %q", err, test.code)
			}
		})
	}
}
