package circuit

import (
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"entente/schema/money"
	"entente/zk/commit"
)

// force makes bits spell v whatever it takes: where v is no number of so many bits, the first of them becomes v itself, and only the rule that a bit is 0 or 1
// stands against the lie.
func force(bits []frontend.Variable, v *big.Int) {
	v = new(big.Int).Mod(v, fr.Modulus())
	if v.BitLen() <= len(bits) {
		assignBits(bits, v)
		return
	}
	assignBits(bits, new(big.Int))
	bits[0] = v
}

func amountPoint(t testing.TB, amount uint64, blinding commit.Scalar) Coordinates {
	t.Helper()
	p, err := commit.CommitAmount(amount, blinding)
	if err != nil {
		t.Fatal(err)
	}
	c, err := coordinatesOf(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func number64(v uint64) *big.Int { return new(big.Int).SetUint64(v) }

// rateTo claims that w's amount converts to b, with fitting commitments.
func rateTo(t testing.TB, w commit.RateWitness, b uint64) *Rate {
	t.Helper()
	rate, _, err := AssignRate(w)
	if err != nil {
		t.Fatal(err)
	}
	rate.B = amountPoint(t, b, w.S)
	rate.To.assign(b, w.S)
	low, high, twice := rate.bounds(b)
	force(rate.Under[:], high.Sub(high, twice))
	force(rate.Over[:], low.Add(low, twice))
	return rate
}

// bounds gives low, high and twice the error for whatever the modes are, as the constraints compute them.
func (r *Rate) bounds(b uint64) (low, high, twice *big.Int) {
	mode := func(i int) *big.Int {
		var e fr.Element
		if _, err := e.SetInterface(r.Modes[i]); err != nil {
			panic(err)
		}
		return constant(&e)
	}
	sum := func(parts ...*big.Int) *big.Int {
		total := new(big.Int)
		for _, part := range parts {
			total.Add(total, part)
		}
		return total
	}
	times := func(k int64, v *big.Int) *big.Int { return new(big.Int).Mul(big.NewInt(k), v) }
	a := new(big.Int)
	for i, bit := range r.From.Amount {
		a.SetBit(a, i, bit.(uint))
	}
	divisor := r.Divisor.(*big.Int)
	odd := times(int64(b&1), mode(3))
	half := sum(mode(2), mode(3))
	high = sum(new(big.Int).Mul(sum(times(2, mode(0)), half), divisor), times(-2, mode(0)), times(-1, odd))
	low = sum(new(big.Int).Mul(sum(times(2, mode(1)), half), divisor), times(-2, mode(1)), times(-1, mode(2)), times(-1, odd))
	twice = new(big.Int).Mul(number64(b), divisor)
	twice.Sub(twice, a.Mul(a, r.Multiplier.(*big.Int)))
	return low, high, twice.Lsh(twice, 1)
}

func TestWrongConversionsAreRefused(t *testing.T) {
	// 123.45 AUD at 0.5 is 61.725 USD: 6172.5 cents.
	for rounding, right := range map[money.Rounding]uint64{money.RoundUp: 6173, money.RoundDown: 6172, money.RoundHalfUp: 6173, money.RoundHalfEven: 6172} {
		w := someRate(rounding)
		if b, err := w.Converted(); err != nil || b != right || !solved(t, "rate", rateTo(t, w, right)) {
			t.Errorf("%s: %d is refused, the native result is %d, %v", rounding, right, b, err)
		}
		for _, wrong := range []uint64{0, 6171, 6172, 6173, 6174, 1<<63 - 1} {
			if wrong != right {
				refused(t, "rate", rounding.String()+" to a wrong amount", rateTo(t, w, wrong))
			}
		}
	}
	w := someRate(money.RoundHalfEven)
	w.Amount += 2 // 6173.5 cents: now the even neighbour is the upper one
	refused(t, "rate", "a half to the odd neighbour", rateTo(t, w, 6173))
}

func TestHostileRatesAreRefused(t *testing.T) {
	for what, change := range map[string]func(*Rate){
		"another rounding":            func(r *Rate) { r.Rounding = 1 },
		"a rounding there is not":     func(r *Rate) { r.Rounding = 5 },
		"no rounding":                 func(r *Rate) { r.Rounding, r.Modes = 0, [4]frontend.Variable{0, 0, 0, 0} },
		"up and down for half up":     func(r *Rate) { r.Rounding = 3; r.lie(6172, 1, 1, 0, 0) },
		"roundings that sum to a lie": func(r *Rate) { r.lie(6173, 1, -1, 1, 0) },
		"another multiplier":          func(r *Rate) { r.Multiplier = plus(r.Multiplier, 1) },
		"another divisor":             func(r *Rate) { r.Divisor = plus(r.Divisor, 1) },
		"swapped legs":                func(r *Rate) { r.A, r.B = r.B, r.A },
		"another A":                   func(r *Rate) { r.A.X = plus(r.A.X, 1) },
		"another B":                   func(r *Rate) { r.B.Y = plus(r.B.Y, 1) },
	} {
		rate := rateTo(t, someRate(money.RoundDown), 6172)
		change(rate)
		refused(t, "rate", what, rate)
	}
	// One leg's opening is somebody else's amount.
	for _, leg := range []func(*Rate) *Opening{func(r *Rate) *Opening { return &r.From }, func(r *Rate) *Opening { return &r.To }} {
		w := someRate(money.RoundDown)
		rate := rateTo(t, w, 6172)
		other := w
		other.Amount = 20_000
		honest := rateTo(t, other, 10_000)
		*leg(rate) = *leg(honest)
		rate.Under, rate.Over = honest.Under, honest.Over
		refused(t, "rate", "a leg that is not what it opens to", rate)
	}
	// Both openings are of another pair: everything fits but one commitment.
	for _, place := range []func(r, honest *Rate){func(r, honest *Rate) { r.A = honest.A }, func(r, honest *Rate) { r.B = honest.B }} {
		other := someRate(money.RoundDown)
		other.Amount = 20_000
		rate := rateTo(t, other, 10_000)
		place(rate, rateTo(t, someRate(money.RoundDown), 6172))
		refused(t, "rate", "a commitment to another amount", rate)
	}
}

// lie claims that 6172.5 was rounded to b, by modes of its own.
func (r *Rate) lie(b uint64, modes ...int64) {
	for i, mode := range modes {
		r.Modes[i] = plus(0, mode)
	}
	p, err := commit.CommitAmount(b, commit.Scalar{2})
	if err != nil {
		panic(err)
	}
	if r.B, err = coordinatesOf(p); err != nil {
		panic(err)
	}
	r.To.assign(b, commit.Scalar{2})
	low, high, twice := r.bounds(b)
	force(r.Under[:], high.Sub(high, twice))
	force(r.Over[:], low.Add(low, twice))
}

// shareLie claims charges and extra units of its own, with fitting commitments.
func shareLie(t testing.TB, w commit.ShareWitness, charges []uint64, extras []int64, bar uint64) *Share {
	t.Helper()
	share, _, err := AssignShare(w)
	if err != nil {
		t.Fatal(err)
	}
	sum := new(big.Int)
	for _, weight := range w.Weights {
		sum.Add(sum, number64(uint64(weight)))
	}
	force(share.Bar[:], number64(bar))
	for i := range share.Parts {
		part := &share.Parts[i]
		var charge uint64
		var blinding commit.Scalar
		extra, weight := int64(0), new(big.Int)
		if i < len(charges) {
			charge, blinding, extra, weight = charges[i], w.Blindings[i], extras[i], number64(uint64(w.Weights[i]))
		}
		share.Charges[i] = amountPoint(t, charge, blinding)
		part.Charge.assign(charge, blinding)
		part.Extra = plus(0, extra)
		quotient := new(big.Int).Sub(number64(charge), big.NewInt(extra))
		remainder := new(big.Int).Sub(weight.Mul(weight, number64(w.Amount)), quotient.Mul(quotient, sum))
		force(part.Remainder[:], remainder)
		room := new(big.Int).Sub(sum, remainder)
		force(part.Room[:], room.Sub(room, big.NewInt(1)))
		above := new(big.Int).Lsh(remainder, slotBits)
		above.Add(above, big.NewInt(int64(commit.MaxCharges-1-i))).Sub(above, number64(bar))
		below := new(big.Int).Sub(big.NewInt(-1), above)
		// distance = below + extra * (above - below), which is one of the two for an honest extra.
		difference := new(big.Int).Sub(above, below)
		force(part.Distance[:], below.Add(below, difference.Mul(difference, big.NewInt(extra))))
	}
	return share
}

func TestUnfairSharesAreRefused(t *testing.T) {
	// 10 among weights 1, 1, 1: remainders of 1 each, the unit left over goes to the first.
	w := commit.ShareWitness{Amount: 10, Weights: []uint32{1, 1, 1}, Blindings: []commit.Scalar{{1}, {2}, {3}}, S: commit.Scalar{4}}
	order := func(remainder, slot uint64) uint64 { return remainder<<slotBits + commit.MaxCharges - 1 - slot }
	if !solved(t, "share", shareLie(t, w, []uint64{4, 3, 3}, []int64{1, 0, 0}, order(1, 0))) {
		t.Fatal("the honest shares, placed by hand, are refused")
	}
	for what, lie := range map[string]struct {
		charges []uint64
		extras  []int64
		bar     uint64
	}{
		"the unit to the second of equals":      {[]uint64{3, 4, 3}, []int64{0, 1, 0}, order(1, 1)},
		"the unit to the last of equals":        {[]uint64{3, 3, 4}, []int64{0, 0, 1}, order(1, 0)},
		"all to the first":                      {[]uint64{10, 0, 0}, []int64{1, 0, 0}, order(1, 0)},
		"the first pays less, the second more":  {[]uint64{2, 5, 3}, []int64{0, 1, 0}, order(1, 1)},
		"one unit too few":                      {[]uint64{3, 3, 3}, []int64{0, 0, 0}, 1 << orderBits},
		"one unit too many":                     {[]uint64{4, 4, 3}, []int64{1, 1, 0}, order(1, 1)},
		"an extra of two":                       {[]uint64{5, 3, 2}, []int64{2, 0, -1}, order(1, 0)},
		"an extra of minus one":                 {[]uint64{2, 4, 4}, []int64{-1, 1, 1}, order(1, 2)},
		"a remainder beyond the weights":        {[]uint64{3, 4, 3}, []int64{1, 1, 0}, order(1, 1)},
		"a charge to a slot that nobody is in":  {[]uint64{3, 3, 3, 1}, []int64{0, 0, 0, 1}, 0},
		"a bar above all, and an extra for one": {[]uint64{4, 3, 3}, []int64{1, 0, 0}, 1 << orderBits},
	} {
		cheat := w
		if len(lie.charges) > len(w.Weights) {
			cheat.Weights, cheat.Blindings = append(slices.Clone(w.Weights), 0), append(slices.Clone(w.Blindings), commit.Scalar{})
		}
		refused(t, "share", what, shareLie(t, cheat, lie.charges, lie.extras, lie.bar))
	}
	// Remainders 1000, 5000 and 4000 of 10,000: the larger one comes first whatever the order of members.
	w = commit.ShareWitness{Amount: 1, Weights: []uint32{1000, 5000, 4000}, Blindings: w.Blindings, S: w.S}
	if !solved(t, "share", shareLie(t, w, []uint64{0, 1, 0}, []int64{0, 1, 0}, order(5000, 1))) {
		t.Fatal("the honest shares, placed by hand, are refused")
	}
	refused(t, "share", "the unit to the smallest remainder", shareLie(t, w, []uint64{1, 0, 0}, []int64{1, 0, 0}, order(1000, 0)))
	refused(t, "share", "the unit to the second largest", shareLie(t, w, []uint64{0, 0, 1}, []int64{0, 0, 1}, order(5000, 1)))
}

func TestHostileSharesAreRefused(t *testing.T) {
	for what, change := range map[string]func(*Share){
		"another weight":              func(s *Share) { s.Weights[0] = plus(s.Weights[0], 1) },
		"two weights swapped":         func(s *Share) { s.Weights[0], s.Weights[1] = s.Weights[1], s.Weights[0] },
		"a weight in an unused slot":  func(s *Share) { s.Weights[7] = 1 },
		"another total":               func(s *Share) { s.Total = amountPoint(t, 1_000_003, commit.Scalar{1, 1}) },
		"two charges swapped":         func(s *Share) { s.Charges[0], s.Charges[1] = s.Charges[1], s.Charges[0] },
		"a charge in an unused slot":  func(s *Share) { s.Charges[7] = amountPoint(t, 1, commit.Scalar{}) },
		"an opened total of another":  func(s *Share) { s.Whole.Amount[0] = plus(s.Whole.Amount[0], 1) },
		"an opened charge of another": func(s *Share) { s.Parts[4].Charge.assign(5, commit.Scalar{1, 6}) },
	} {
		share, _, err := AssignShare(someShare())
		if err != nil {
			t.Fatal(err)
		}
		change(share)
		refused(t, "share", what, share)
	}
}

func TestHostileBudgetsAreRefused(t *testing.T) {
	over := func(b *Budget, limit int64) {
		b.Limits[3] = limit // the total is 30
		force(b.Left[3][:], big.NewInt(limit-30))
	}
	for what, change := range map[string]func(*Budget){
		"a limit below the total":             func(b *Budget) { over(b, 29) },
		"a limit of nothing":                  func(b *Budget) { over(b, 0) },
		"a limit that does not fit its rest":  func(b *Budget) { b.Limits[3] = 29 },
		"a grand limit below the grand total": func(b *Budget) { b.Grand = 1199; force(b.Rest[:], big.NewInt(-1)) },
		"a grand limit that does not fit":     func(b *Budget) { b.Grand = 1199 },
		"a total said to be less": func(b *Budget) {
			assignBits(b.Amounts[3][:], big.NewInt(20))
			over(b, 20)
			force(b.Left[3][:], new(big.Int))
		},
		"two totals swapped":                   func(b *Budget) { b.Amounts[3], b.Amounts[4] = b.Amounts[4], b.Amounts[3] },
		"another commitment":                   func(b *Budget) { b.C.X = plus(b.C.X, 1) },
		"another commitment's other half":      func(b *Budget) { b.C.Y = plus(b.C.Y, 1) },
		"another blinding":                     func(b *Budget) { b.R[250] = plus(b.R[250], 1) },
		"a total of -1 under a limit of 11":    func(b *Budget) { force(b.Amounts[1][:], big.NewInt(-1)); force(b.Left[1][:], big.NewInt(12)) },
		"a grand total made up for by nothing": func(b *Budget) { force(b.Rest[:], new(big.Int)) },
	} {
		budget, _, err := AssignBudget(someBudget())
		if err != nil {
			t.Fatal(err)
		}
		change(budget)
		refused(t, "budget", what, budget)
	}
}

func TestHostileReservesAreRefused(t *testing.T) {
	w := someReserve()
	total, err := w.Total()
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Reserve){
		"a sum one too high":      func(r *Reserve) { r.Whole.assign(total+1, w.S); r.Sum = amountPoint(t, total+1, w.S) },
		"a sum one too low":       func(r *Reserve) { r.Whole.assign(total-1, w.S); r.Sum = amountPoint(t, total-1, w.S) },
		"another sum's point":     func(r *Reserve) { r.Sum = amountPoint(t, total+1, w.S) },
		"a balance left out":      func(r *Reserve) { r.Accounts[0].assign(0, commit.Scalar{}) },
		"a balance twice":         func(r *Reserve) { r.Accounts[15], r.Balances[15] = r.Accounts[0], r.Balances[0] },
		"a balance nobody opens":  func(r *Reserve) { r.Balances[15] = amountPoint(t, 1, commit.Scalar{5, 1}) },
		"a balance moved":         func(r *Reserve) { r.Accounts[0], r.Accounts[1] = r.Accounts[1], r.Accounts[0] },
		"a negative balance":      func(r *Reserve) { force(r.Accounts[0].Amount[:], big.NewInt(-5)); r.Accounts[1].Amount[1] = 5 },
		"a balance of 2^63":       func(r *Reserve) { r.Accounts[2].Amount[62] = 2 },
		"a blinding beyond a bit": func(r *Reserve) { r.Accounts[3].Blinding[0] = 2 },
	} {
		reserve, _, err := AssignReserve(w)
		if err != nil {
			t.Fatal(err)
		}
		change(reserve)
		refused(t, "reserve-16", what, reserve)
	}
}

func TestHostilePoliciesAreRefused(t *testing.T) {
	lower := func(p *Policy, threshold int64) {
		p.Threshold = threshold
		for i := range p.Below {
			amount := int64(0)
			if i < 11 {
				amount = int64(1000 + 7*i)
			}
			force(p.Below[i][:], big.NewInt(threshold-amount))
		}
	}
	for what, change := range map[string]func(*Policy){
		"a threshold below the largest item": func(p *Policy) { lower(p, 1069) },
		"a threshold of nothing":             func(p *Policy) { lower(p, 0) },
		"a threshold that does not fit":      func(p *Policy) { p.Threshold = 1201 },
		"a category that is not allowed":     func(p *Policy) { p.Allow[10], p.Allowed = 0, 0xffff-1<<10 },
		"a category allowed on the quiet":    func(p *Policy) { p.Allowed = 0xffff - 1<<10 },
		"a set beyond its bits":              func(p *Policy) { p.Allow[15], p.Allowed = 2, plus(0xffff, 1<<15) },
		"a category made another":            func(p *Policy) { p.Lines[10].Category[0] = 1; p.Allow[10], p.Allowed = 0, 0xffff-1<<10 },
		"an amount made smaller":             func(p *Policy) { p.Lines[10].Amount[0] = plus(p.Lines[10].Amount[0], -1) },
		"an item called empty": func(p *Policy) {
			p.Lines[10].assign(0, 0, 0, commit.Digest{})
			assignBits(p.Below[10][:], big.NewInt(1200))
		},
		"an item called half used":    func(p *Policy) { p.Lines[10].Used = new(big.Int).ModInverse(big.NewInt(2), fr.Modulus()) },
		"a value in an empty slot":    func(p *Policy) { p.Lines[15].Amount[0] = 1; assignBits(p.Below[15][:], big.NewInt(1199)) },
		"a category in an empty slot": func(p *Policy) { p.Lines[15].Category[1] = 1 },
		"another digest":              func(p *Policy) { p.D = plus(p.D, 1) },
	} {
		policy, _, err := AssignPolicy(somePolicy(11))
		if err != nil {
			t.Fatal(err)
		}
		change(policy)
		refused(t, "policy-16", what, policy)
	}
}
