package circuit

import (
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"
	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/zk/commit"
)

func someBudget() commit.BudgetWitness {
	w := commit.BudgetWitness{Context: commit.Context{Protocol: "test"}.Digest(), Grand: commit.Total{Low: 2000}, R: commit.Scalar{5, 8, 9}}
	for k := range w.Totals {
		w.Totals[k], w.Limits[k] = commit.Total{Low: uint64(10 * k)}, commit.Total{Low: uint64(11 * k)}
	}
	w.Limits[15] = commit.MaxLimit
	return w
}

// someShare leaves two units over, a tie among them, one member without a share, and two slots unused.
func someShare() commit.ShareWitness {
	return commit.ShareWitness{
		Context: commit.Context{Protocol: "test"}.Digest(), Amount: 1_000_002, S: commit.Scalar{1, 1}, Weights: []uint32{2000, 2500, 2500, 0, 1500, 1500},
		Blindings: []commit.Scalar{{1, 2}, {1, 3}, {1, 4}, {1, 5}, {1, 6}, {1, 7}}, Formula: commit.FormulaDigest([]byte("basis points")),
	}
}

func someRate(rounding money.Rounding) commit.RateWitness {
	rate, err := money.ParseRate("0.5", money.MustCurrency("AUD"), money.MustCurrency("USD"))
	if err != nil {
		panic(err)
	}
	return commit.RateWitness{Context: commit.Context{Protocol: "test"}.Digest(), Amount: 12345, R: commit.Scalar{1}, S: commit.Scalar{2}, Rate: rate, Rounding: rounding}
}

func someReserve() commit.ReserveWitness {
	return commit.ReserveWitness{Context: commit.Context{Protocol: "test"}.Digest(), Size: 16, Amounts: []uint64{5, 0, 1<<62 + 7, 1 << 20}, S: commit.Scalar{4},
		Blindings: []commit.Scalar{{2}, {3}, {4}, {5}}}
}

func somePolicy(items int) commit.PolicyWitness {
	bill := someBill(16, items)
	return commit.PolicyWitness{Context: commit.Context{Protocol: "test"}.Digest(), Threshold: 1200, Allowed: 0xffff, Bill: bill.Context, Size: 16, Items: bill.Items}
}

// assigned drops the statement of an honest assignment.
func assigned[C frontend.Circuit, P any](t testing.TB) func(C, P, error) frontend.Circuit {
	return func(c C, _ P, err error) frontend.Circuit {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// honestAssignments gives one honest full assignment of every circuit, sized ones at their smallest.
func honestAssignments(t testing.TB) map[string]frontend.Circuit {
	t.Helper()
	return map[string]frontend.Circuit{
		"bill-16":    assigned[*Bill, commit.BillPublic](t)(AssignBill(someBill(16, 11))),
		"totals":     assigned[*Totals, commit.TotalsPublic](t)(AssignTotals(someTotals())),
		"budget":     assigned[*Budget, commit.BudgetPublic](t)(AssignBudget(someBudget())),
		"share":      assigned[*Share, commit.SharePublic](t)(AssignShare(someShare())),
		"rate":       assigned[*Rate, commit.RatePublic](t)(AssignRate(someRate(money.RoundHalfEven))),
		"reserve-16": assigned[*Reserve, commit.ReservePublic](t)(AssignReserve(someReserve())),
		"policy-16":  assigned[*Policy, commit.PolicyPublic](t)(AssignPolicy(somePolicy(11))),
	}
}

// TestEveryPublicInputIsInAConstraint holds what gnark does not: an unused public input is compiled silently and bound to nothing.
func TestEveryPublicInputIsInAConstraint(t *testing.T) {
	for name := range circuits {
		s := system(t, name)
		used := make([]bool, s.GetNbPublicVariables()+s.GetNbSecretVariables()+s.GetNbInternalVariables())
		for _, r := range s.GetR1Cs() {
			for _, wire := range wiresOf(r) {
				used[wire] = true
			}
		}
		if i := slices.Index(used[1:s.GetNbPublicVariables()], false); i >= 0 {
			t.Errorf("%s: public input %d is bound to nothing", name, i)
		}
	}
}

// TestAnotherInputIsRefused changes inputs of honest witnesses one at a time and lets the solver work out the rest: every public input, and a sample of the
// private ones. The context and the formula's version are free in the solver: the verifier holds them (see package proof).
func TestAnotherInputIsRefused(t *testing.T) {
	free := map[string][]int{"share": {0, 27}}
	assignments := honestAssignments(t)
	assignments["policy-16"] = assigned[*Policy, commit.PolicyPublic](t)(AssignPolicy(somePolicy(16))) // inner digests of empty slots count for nothing
	delete(assignments, "bill-16")                                                                     // TestEveryInputOfABillCounts
	for name, assignment := range assignments {
		w := fullWitness(t, assignment)
		values := w.Vector().(fr.Vector)
		public := system(t, name).GetNbPublicVariables() - 1
		if name == "share" && public != 28 {
			t.Fatalf("share has %d public inputs", public)
		}
		for i := 0; i < len(values); {
			if i != 0 && !slices.Contains(free[name], i) {
				before := values[i]
				values[i].Add(&before, new(fr.Element).SetOne())
				if system(t, name).IsSolved(w) == nil {
					t.Errorf("%s: input %d can be one more", name, i)
				}
				values[i] = before
			}
			if i < public {
				i++
			} else {
				i += 1 + (len(values)-public)/61
			}
		}
		if err := system(t, name).IsSolved(w); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNativeAndCircuitAgreeOnBudgets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := commit.BudgetWitness{Context: commit.Context{}.Digest(), Grand: commit.MaxLimit, R: scalar(rt, "r")}
		for k := range w.Totals {
			limit := number(rt, commit.BudgetBits-4, "limit")
			w.Limits[k] = totalOf(limit)
			w.Totals[k] = totalOf(limit.Sub(limit, new(big.Int).Rsh(limit, uint(rapid.IntRange(1, 90).Draw(rt, "below")))))
		}
		if !solved(t, "budget", assigned[*Budget, commit.BudgetPublic](t)(AssignBudget(w))) {
			rt.Fatal("refused")
		}
	})
}

func totalOf(v *big.Int) (total commit.Total) {
	if err := total.UnmarshalText([]byte(v.String())); err != nil {
		panic(err)
	}
	return total
}

func TestNativeAndCircuitAgreeOnShares(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := commit.ShareWitness{Context: commit.Context{}.Digest(), Amount: number(rt, 63, "amount").Uint64(), S: scalar(rt, "s")}
		for range rapid.IntRange(1, commit.MaxCharges).Draw(rt, "members") {
			w.Weights = append(w.Weights, uint32(number(rt, 32, "weight").Uint64()))
			w.Blindings = append(w.Blindings, scalar(rt, "r"))
		}
		share, _, err := AssignShare(w)
		if refusal.CodeOf(err) == commit.CodeShareInvalid {
			return // all weights zero
		}
		if err != nil || !solved(t, "share", share) {
			rt.Fatalf("refused: %v", err)
		}
	})
}

func TestTheEdgesOfSharesAreAccepted(t *testing.T) {
	const top = 1<<63 - 1
	all := make([]uint32, commit.MaxCharges)
	for i := range all {
		all[i] = 1<<32 - 1
	}
	for what, w := range map[string]commit.ShareWitness{
		"the largest amount by the largest weights": {Amount: top, Weights: all, Blindings: make([]commit.Scalar, len(all))},
		"the largest amount to one member":          {Amount: top, Weights: []uint32{1}, Blindings: make([]commit.Scalar, 1)},
		"nothing at all":                            {Weights: []uint32{1, 2, 3}, Blindings: make([]commit.Scalar, 3)},
		"seven units among eight":                   {Amount: 7, Weights: all, Blindings: make([]commit.Scalar, len(all))},
	} {
		if !solved(t, "share", assigned[*Share, commit.SharePublic](t)(AssignShare(w))) {
			t.Errorf("%s is refused", what)
		}
	}
}

// TestNativeAndCircuitAgreeOnRates draws amounts that often fall on a half, and offers the circuit the neighbours of the right result too.
func TestNativeAndCircuitAgreeOnRates(t *testing.T) {
	currencies := []money.Currency{money.MustCurrency("JPY"), money.MustCurrency("AUD"), money.MustCurrency("KWD"), money.MustCurrency("CLF")}
	rapid.Check(t, func(rt *rapid.T) {
		base, quote := rapid.SampledFrom(currencies).Draw(rt, "base"), rapid.SampledFrom(currencies).Draw(rt, "quote")
		mantissa := rapid.OneOf(rapid.Int64Range(1, 1<<63-1), rapid.SampledFrom([]int64{1, 5, 25, 125, 500})).Draw(rt, "mantissa")
		rate, err := money.NewRate(mantissa, rapid.Uint8Range(0, money.MaxRateScale).Draw(rt, "scale"), base, quote)
		if err != nil {
			rt.Fatal(err)
		}
		w := commit.RateWitness{Context: commit.Context{}.Digest(), Amount: number(rt, 63, "amount").Uint64(), R: scalar(rt, "r"), S: scalar(rt, "s"), Rate: rate,
			Rounding: rapid.SampledFrom([]money.Rounding{money.RoundUp, money.RoundDown, money.RoundHalfUp, money.RoundHalfEven}).Draw(rt, "rounding")}
		honest, _, err := AssignRate(w)
		if refusal.CodeOf(err) == money.CodeOverflow {
			return
		}
		if err != nil || !solved(t, "rate", honest) {
			rt.Fatalf("refused: %v", err)
		}
		b, err := w.Converted()
		if err != nil {
			rt.Fatal(err)
		}
		wrong := b + 1
		if b > 0 && rapid.Bool().Draw(rt, "below") {
			wrong = b - 1
		}
		if wrong < 1<<63 && solved(t, "rate", rateTo(t, w, wrong)) {
			rt.Fatalf("%d converts to %d and to %d", w.Amount, b, wrong)
		}
	})
}

func TestTheEdgesOfRatesAreAccepted(t *testing.T) {
	const top = 1<<63 - 1
	for what, c := range map[string]struct {
		amount, mantissa int64
		scale            uint8
		base, quote      string
	}{
		"nothing":                            {0, 17, 1, "AUD", "INR"},
		"the largest amount at par":          {top, 1, 0, "AUD", "INR"},
		"the largest mantissa":               {1, top, 0, "AUD", "INR"},
		"the largest multiplier":             {0, top, 0, "JPY", "CLF"},
		"the largest divisor":                {top, 1, 18, "CLF", "JPY"},
		"the largest divisor and mantissa":   {top, top, 18, "CLF", "JPY"},
		"from four digits to none at a half": {5000, 1, 0, "CLF", "JPY"},
	} {
		for rounding := money.RoundUp; rounding <= money.RoundHalfEven; rounding++ {
			rate, err := money.NewRate(c.mantissa, c.scale, money.MustCurrency(c.base), money.MustCurrency(c.quote))
			if err != nil {
				t.Fatal(err)
			}
			w := commit.RateWitness{Amount: uint64(c.amount), Rate: rate, Rounding: rounding}
			if !solved(t, "rate", assigned[*Rate, commit.RatePublic](t)(AssignRate(w))) {
				t.Errorf("%s, rounded %s, is refused", what, rounding)
			}
		}
	}
}

func TestNativeAndCircuitAgreeOnReserves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := commit.ReserveWitness{Context: commit.Context{}.Digest(), Size: 16, S: scalar(rt, "s")}
		for range rapid.IntRange(0, 16).Draw(rt, "accounts") {
			w.Amounts = append(w.Amounts, number(rt, 59, "amount").Uint64())
			w.Blindings = append(w.Blindings, scalar(rt, "r"))
		}
		if !solved(t, "reserve-16", assigned[*Reserve, commit.ReservePublic](t)(AssignReserve(w))) {
			rt.Fatal("refused")
		}
	})
	large := commit.ReserveWitness{Size: 64, Amounts: make([]uint64, 64), Blindings: make([]commit.Scalar, 64)}
	large.Amounts[63] = 1<<63 - 1
	if !solved(t, "reserve-64", assigned[*Reserve, commit.ReservePublic](t)(AssignReserve(large))) {
		t.Error("a full block of 64 is refused")
	}
}

func TestNativeAndCircuitAgreeOnPolicies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bill := billWitness(rt, 16)
		w := commit.PolicyWitness{Context: commit.Context{}.Digest(), Bill: bill.Context, Size: 16, Items: bill.Items}
		for _, item := range w.Items {
			w.Threshold = max(w.Threshold, item.Amount)
			w.Allowed |= 1 << item.Category
		}
		if !solved(t, "policy-16", assigned[*Policy, commit.PolicyPublic](t)(AssignPolicy(w))) {
			rt.Fatal("refused")
		}
	})
	for _, size := range []int{64, 256} {
		bill := someBill(size, size-3)
		w := commit.PolicyWitness{Bill: bill.Context, Size: size, Items: bill.Items, Threshold: 1<<63 - 1, Allowed: 0xffff}
		if !solved(t, "policy-"+big.NewInt(int64(size)).String(), assigned[*Policy, commit.PolicyPublic](t)(AssignPolicy(w))) {
			t.Errorf("a chunk of %d is refused", size)
		}
	}
}
