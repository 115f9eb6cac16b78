//go:build unix

package proof

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/zk/commit"
)

func contextOf(name string) commit.Digest { return commit.Context{Protocol: name + "/1"}.Digest() }

func someBudget() BudgetWitness {
	w := BudgetWitness{Context: contextOf(Budget), Grand: commit.Total{Low: 100}, R: commit.Scalar{5}}
	for k := range w.Totals {
		w.Limits[k], w.Totals[k] = commit.MaxLimit, commit.Total{Low: uint64(k % 5)}
	}
	return w
}

func someShare() ShareWitness {
	return ShareWitness{Context: contextOf(Share), Amount: 10_001, S: commit.Scalar{1}, Weights: []uint32{3334, 3333, 3333}, Blindings: []commit.Scalar{{2}, {3}, {4}},
		Formula: commit.FormulaDigest([]byte("basis points"))}
}

func someRate() RateWitness {
	rate, err := money.ParseRate("97.83", money.MustCurrency("AUD"), money.MustCurrency("JPY"))
	if err != nil {
		panic(err)
	}
	return RateWitness{Context: contextOf(Rate), Amount: 123_456, R: commit.Scalar{1}, S: commit.Scalar{2}, Rate: rate, Rounding: money.RoundHalfEven}
}

func someReserve() ReserveWitness {
	return ReserveWitness{Context: contextOf(Reserve16), Size: 16, Amounts: []uint64{7, 0, 1 << 40}, Blindings: []commit.Scalar{{1}, {2}, {3}}, S: commit.Scalar{4}}
}

func somePolicy() PolicyWitness {
	bill := someBill(1)
	return PolicyWitness{Context: contextOf(Policy16), Threshold: 400, Allowed: 0x1f, Bill: bill.Context, Size: 16, Items: bill.Items}
}

// proven is one statement of a kind with its proof, for tests that go through all kinds.
type proven struct {
	circuit   string
	statement any
	proof     Proof
	verify    func(v *Verifier, proof []byte) error
}

func provenBy[W interface{ Public() (S, error) }, S Statement](t testing.TB, circuit string, w W, prove func(context.Context, W) (Proof, error)) proven {
	t.Helper()
	statement, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := prove(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	return proven{circuit, statement, proof, func(v *Verifier, proof []byte) error { return Verify(v, statement, proof) }}
}

var everyKind []proven

// allKinds gives one proven statement of every kind, each proven once.
func allKinds(t testing.TB) []proven {
	t.Helper()
	if everyKind != nil {
		return everyKind
	}
	everyKind = []proven{
		provenBy(t, Bill16, someBill(1), keys.ProveBill),
		provenBy(t, Totals, someTotals(), keys.ProveTotals),
		provenBy(t, Budget, someBudget(), keys.ProveBudget),
		provenBy(t, Share, someShare(), keys.ProveShare),
		provenBy(t, Rate, someRate(), keys.ProveRate),
		provenBy(t, Reserve16, someReserve(), keys.ProveReserve),
		provenBy(t, Policy16, somePolicy(), keys.ProvePolicy),
	}
	return everyKind
}

// TestEachPublicInputIsBound changes the field elements themselves, one by one, below the checks on statements. The real verifier refuses each change.
func TestEachPublicInputIsBound(t *testing.T) {
	for _, p := range allKinds(t) {
		values, err := inputsOf(p.circuit, p.statement)
		if err != nil {
			t.Fatal(err)
		}
		v := verifier(t, p.circuit)
		if want := kinds[p.circuit].inputs; len(values) != want {
			t.Fatalf("%s has %d inputs, want %d", p.circuit, len(values), want)
		}
		for i := range values {
			before := values[i]
			values[i].Add(&before, new(fr.Element).SetOne())
			if err := v.verify(values, p.proof[:]); refusal.CodeOf(err) != CodeProofInvalid {
				t.Errorf("%s: input %d changed: %v", p.circuit, i, err)
			}
			values[i] = before
		}
		if err := v.verify(values, p.proof[:]); err != nil {
			t.Errorf("%s: %v", p.circuit, err)
		}
	}
}

func TestAProofServesItsOwnKindOnly(t *testing.T) {
	for _, p := range allKinds(t) {
		for _, other := range allKinds(t) {
			want := CodeKeyUnknown
			if p.circuit == other.circuit {
				want = ""
			}
			if err := p.verify(verifier(t, other.circuit), p.proof[:]); refusal.CodeOf(err) != want {
				t.Errorf("%s under the key of %s: %v", p.circuit, other.circuit, err)
			}
			if want == "" {
				continue
			}
			if err := p.verify(verifier(t, p.circuit), other.proof[:]); refusal.CodeOf(err) != CodeProofInvalid {
				t.Errorf("a proof of %s for a statement of %s: %v", other.circuit, p.circuit, err)
			}
		}
	}
}

// TestStatementsThatAreNotWellFormedAreRefused goes through every field that can be out of shape.
func TestStatementsThatAreNotWellFormedAreRefused(t *testing.T) {
	off := commit.Point{}
	points := func(n int) (all []commit.Point) {
		for range n {
			all = append(all, commit.Identity())
		}
		return all
	}
	honest := map[string]any{}
	for _, p := range allKinds(t) {
		honest[p.circuit] = p.statement
	}
	budget, share, rate := honest[Budget].(BudgetPublic), honest[Share].(SharePublic), honest[Rate].(RatePublic)
	reserve, policy := honest[Reserve16].(ReservePublic), honest[Policy16].(PolicyPublic)
	check := func(what string, want refusal.Code, err error) {
		t.Helper()
		if refusal.CodeOf(err) != want {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	verifyBudget := func(what string, want refusal.Code, change func(*BudgetPublic)) {
		p := budget
		change(&p)
		check(what, want, Verify(verifier(t, Budget), p, nil))
	}
	verifyBudget("a limit of 2^80", commit.CodeAmountOutOfRange, func(p *BudgetPublic) { p.Limits[4] = commit.Total{High: 1 << 16} })
	verifyBudget("a grand limit of 2^80", commit.CodeAmountOutOfRange, func(p *BudgetPublic) { p.Grand = commit.Total{High: 1 << 16} })
	verifyBudget("a sum off the curve", commit.CodePointInvalid, func(p *BudgetPublic) { p.C = off })
	verifyBudget("a context beyond", commit.CodeDigestInvalid, func(p *BudgetPublic) { p.Context = aliased(p.Context) })
	verifyShare := func(what string, want refusal.Code, change func(*SharePublic)) {
		p := share
		change(&p)
		check(what, want, Verify(verifier(t, Share), p, nil))
	}
	verifyShare("no charges", commit.CodeShareInvalid, func(p *SharePublic) { p.Charges, p.Weights = nil, nil })
	verifyShare("nine charges", commit.CodeShareInvalid, func(p *SharePublic) { p.Charges, p.Weights = points(9), make([]uint32, 9) })
	verifyShare("a million charges", commit.CodeShareInvalid, func(p *SharePublic) { p.Charges = points(1 << 20) })
	verifyShare("a charge without a weight", commit.CodeShareInvalid, func(p *SharePublic) { p.Weights = p.Weights[:2] })
	verifyShare("a total off the curve", commit.CodePointInvalid, func(p *SharePublic) { p.Total = off })
	verifyShare("a charge off the curve", commit.CodePointInvalid, func(p *SharePublic) { p.Charges = []commit.Point{off, off, off} })
	verifyShare("a formula beyond", commit.CodeDigestInvalid, func(p *SharePublic) { p.Formula = aliased(p.Formula) })
	verifyRate := func(what string, want refusal.Code, change func(*RatePublic)) {
		p := rate
		change(&p)
		check(what, want, Verify(verifier(t, Rate), p, nil))
	}
	verifyRate("no rate", money.CodeRateInvalid, func(p *RatePublic) { p.Rate = money.Rate{} })
	verifyRate("no rounding", money.CodeRoundingUnknown, func(p *RatePublic) { p.Rounding = 0 })
	verifyRate("a fifth rounding", money.CodeRoundingUnknown, func(p *RatePublic) { p.Rounding = 5 })
	verifyRate("A off the curve", commit.CodePointInvalid, func(p *RatePublic) { p.A = off })
	verifyRate("B off the curve", commit.CodePointInvalid, func(p *RatePublic) { p.B = off })
	verifyReserve := func(what string, want refusal.Code, change func(*ReservePublic)) {
		p := reserve
		change(&p)
		check(what, want, Verify(verifier(t, Reserve16), p, nil))
	}
	verifyReserve("17 balances", commit.CodeBlockInvalid, func(p *ReservePublic) { p.Balances = points(17) })
	verifyReserve("a million balances", commit.CodeBlockInvalid, func(p *ReservePublic) { p.Balances = points(1 << 20) })
	verifyReserve("a balance off the curve", commit.CodePointInvalid, func(p *ReservePublic) { p.Balances = []commit.Point{off} })
	verifyReserve("a sum off the curve", commit.CodePointInvalid, func(p *ReservePublic) { p.Sum = off })
	verifyPolicy := func(what string, want refusal.Code, change func(*PolicyPublic)) {
		p := policy
		change(&p)
		check(what, want, Verify(verifier(t, Policy16), p, nil))
	}
	verifyPolicy("a threshold of 2^63", commit.CodeAmountOutOfRange, func(p *PolicyPublic) { p.Threshold = 1 << 63 })
	verifyPolicy("a digest beyond", commit.CodeDigestInvalid, func(p *PolicyPublic) { p.D = aliased(p.D) })
}

// TestStatementsWithoutTrailingSlotsAreTheSame holds that slots spelled out and slots left out are one statement.
func TestStatementsWithoutTrailingSlotsAreTheSame(t *testing.T) {
	for _, p := range allKinds(t) {
		switch statement := p.statement.(type) {
		case SharePublic:
			statement.Charges = append(append([]commit.Point{}, statement.Charges...), commit.Identity())
			statement.Weights = append(append([]uint32{}, statement.Weights...), 0)
			if err := Verify(verifier(t, Share), statement, p.proof[:]); err != nil {
				t.Error(err)
			}
			statement.Weights[3] = 1
			if err := Verify(verifier(t, Share), statement, p.proof[:]); refusal.CodeOf(err) != CodeProofInvalid {
				t.Errorf("a member more: %v", err)
			}
		case ReservePublic:
			statement.Balances = append(append([]commit.Point{}, statement.Balances...), commit.Identity())
			if err := Verify(verifier(t, Reserve16), statement, p.proof[:]); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestWitnessesThatBreakTheRuleAreRefusedBeforeProving(t *testing.T) {
	ctx := context.Background()
	budget, share, rate, reserve, policy := someBudget(), someShare(), someRate(), someReserve(), somePolicy()
	budget.Limits[4] = commit.Total{Low: 3}
	share.Weights = []uint32{0, 0, 0}
	rate.Amount = 1 << 63
	reserve.Amounts[0] = 1<<63 - 1
	policy.Threshold = 399
	for what, try := range map[refusal.Code]func() error{
		commit.CodeOverLimit:        func() error { _, err := keys.ProveBudget(ctx, budget); return err },
		commit.CodeShareInvalid:     func() error { _, err := keys.ProveShare(ctx, share); return err },
		commit.CodeAmountOutOfRange: func() error { _, err := keys.ProveRate(ctx, rate); return err },
	} {
		if err := try(); refusal.CodeOf(err) != what {
			t.Errorf("%v, want %q", err, what)
		}
	}
	if _, err := keys.ProveReserve(ctx, reserve); refusal.CodeOf(err) != commit.CodeAmountOutOfRange {
		t.Errorf("balances beyond 2^63 together: %v", err)
	}
	if _, err := keys.ProvePolicy(ctx, policy); refusal.CodeOf(err) != commit.CodeOverLimit {
		t.Errorf("an item above the threshold: %v", err)
	}
}

// TestStatementsSurviveJSON holds that a statement sent as JSON is the statement that was proven.
func TestStatementsSurviveJSON(t *testing.T) {
	for _, p := range allKinds(t) {
		b, err := json.Marshal(p.statement)
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(p.statement))
		if err := json.Unmarshal(b, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), p.statement) {
			t.Errorf("%s: %s, %v", p.circuit, b, err)
		}
	}
}
