package circuit

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/witness"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"pgregory.net/rapid"

	"entente/zk/commit"

	cs "github.com/consensys/gnark/constraint/bn254"
)

var (
	update        = flag.Bool("update", false, "rewrite the golden files under testdata")
	unconstrained = flag.Bool("unconstrained", false, "compile circuits with inputs in no constraint, which gnark refuses otherwise")
)

func compile(t testing.TB, circuit frontend.Circuit) *cs.R1CS {
	t.Helper()
	var options []frontend.CompileOption
	if *unconstrained {
		options = append(options, frontend.IgnoreUnconstrainedInputs())
	}
	ccs, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, circuit, options...)
	if err != nil {
		t.Fatal(err)
	}
	return ccs.(*cs.R1CS)
}

var compiled = struct {
	sync.Mutex
	systems map[string]*cs.R1CS
}{systems: map[string]*cs.R1CS{}}

func system(t testing.TB, name string) *cs.R1CS {
	t.Helper()
	compiled.Lock()
	defer compiled.Unlock()
	if compiled.systems[name] == nil {
		compiled.systems[name] = compile(t, circuits[name]())
	}
	return compiled.systems[name]
}

var circuits = map[string]func() frontend.Circuit{
	"bill-16":    func() frontend.Circuit { return NewBill(16) },
	"bill-64":    func() frontend.Circuit { return NewBill(64) },
	"bill-256":   func() frontend.Circuit { return NewBill(256) },
	"totals":     func() frontend.Circuit { return &Totals{} },
	"budget":     func() frontend.Circuit { return &Budget{} },
	"share":      func() frontend.Circuit { return &Share{} },
	"rate":       func() frontend.Circuit { return &Rate{} },
	"reserve-16": func() frontend.Circuit { return NewReserve(16) },
	"reserve-64": func() frontend.Circuit { return NewReserve(64) },
	"policy-16":  func() frontend.Circuit { return NewPolicy(16) },
	"policy-64":  func() frontend.Circuit { return NewPolicy(64) },
	"policy-256": func() frontend.Circuit { return NewPolicy(256) },
}

func fullWitness(t testing.TB, assignment frontend.Circuit) witness.Witness {
	t.Helper()
	w, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// solved says whether the R1CS accepts the assignment. It is the solver the prover runs.
func solved(t testing.TB, name string, assignment frontend.Circuit) bool {
	t.Helper()
	return system(t, name).IsSolved(fullWitness(t, assignment)) == nil
}

func number(t *rapid.T, bits int, label string) *big.Int {
	v := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
	return v.Rsh(v, uint(256-rapid.IntRange(0, bits).Draw(t, label+" bits")))
}

func scalar(t *rapid.T, label string) (s commit.Scalar) {
	edge := new(big.Int).Sub(commit.Order(), big.NewInt(1))
	rapid.OneOf(rapid.Just(edge), rapid.Just(new(big.Int)), rapid.Custom(func(t *rapid.T) *big.Int {
		v := number(t, 256, label)
		return v.Mod(v, commit.Order())
	})).Draw(t, label).FillBytes(s[:])
	return s
}

func billWitness(t *rapid.T, size int) commit.BillWitness {
	w := commit.BillWitness{Size: size, Context: commit.Context{Nonce: [32]byte{rapid.Byte().Draw(t, "nonce")}}.Digest(), R: scalar(t, "r"), S: scalar(t, "s")}
	for i := range rapid.IntRange(0, size).Draw(t, "items") {
		w.Items = append(w.Items, commit.Item{
			Amount:   number(t, 63-8, "amount").Uint64(),
			Category: uint8(rapid.IntRange(0, 15).Draw(t, "category")),
			Details:  sha256.Sum256([]byte{byte(i)}),
			Salt:     commit.DeriveSalt(commit.Secret{}, [16]byte{}, 1, 0, uint32(i), nil),
		})
	}
	return w
}

func someBill(size, items int) commit.BillWitness {
	w := commit.BillWitness{Size: size, Context: commit.Context{Protocol: "test"}.Digest(), R: commit.Scalar{1, 2, 3}, S: commit.Scalar{4, 5, 6}}
	for i := range items {
		w.Items = append(w.Items, commit.Item{Amount: uint64(1000 + 7*i), Category: uint8(i % 16), Details: [32]byte{byte(i)}, Salt: commit.Digest{31: byte(i)}})
	}
	return w
}

func someTotals() commit.TotalsWitness {
	w := commit.TotalsWitness{Context: commit.Context{Protocol: "test"}.Digest(), Mask: 0b1010_0000_0000_0101, R: commit.Scalar{5, 8, 9}}
	for k := range w.Totals {
		w.Totals[k] = commit.Total{High: uint32(k), Low: uint64(k) * 1_000_003}
	}
	return w
}

func TestNativeAndCircuitAgreeOnBills(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bill, _, err := AssignBill(billWitness(rt, 16))
		if err != nil {
			rt.Fatal(err)
		}
		if err := system(t, "bill-16").IsSolved(fullWitness(t, bill)); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestNativeAndCircuitAgreeOnTotals(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := commit.TotalsWitness{Context: commit.Context{}.Digest(), Mask: rapid.Uint16().Draw(rt, "mask"), R: scalar(rt, "r")}
		for k := range w.Totals {
			if err := w.Totals[k].UnmarshalText([]byte(number(rt, 96, "total").String())); err != nil {
				rt.Fatal(err)
			}
		}
		totals, _, err := AssignTotals(w)
		if err != nil {
			rt.Fatal(err)
		}
		if err := system(t, "totals").IsSolved(fullWitness(t, totals)); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestLargerChunksAgreeToo(t *testing.T) {
	for size, items := range map[int][]int{64: {0, 17, 64}, 256: {0, 200, 256}} {
		for _, n := range items {
			bill, _, err := AssignBill(someBill(size, n))
			if err != nil {
				t.Fatal(err)
			}
			if !solved(t, fmt.Sprintf("bill-%d", size), bill) {
				t.Errorf("%d items in %d are refused", n, size)
			}
		}
	}
}

func TestTheEdgesOfTheRangesAreAccepted(t *testing.T) {
	const top = 1<<63 - 1
	for name, items := range map[string][]commit.Item{
		"nothing at all":              nil,
		"one amount of 2^63 - 1":      {{Amount: top, Category: 15}},
		"zeros in every slot":         make([]commit.Item, 16),
		"a category sum of 2^63 - 1":  {{Amount: 1 << 62, Category: 3}, {Amount: 1<<62 - 1, Category: 3}},
		"a total of 2^63 - 1 overall": {{Amount: 1 << 62, Category: 3}, {Amount: 1<<62 - 1, Category: 4}},
	} {
		bill, _, err := AssignBill(commit.BillWitness{Size: 16, Items: items})
		if err != nil {
			t.Fatal(err)
		}
		if !solved(t, "bill-16", bill) {
			t.Errorf("%s is refused", name)
		}
	}
}

// TestEachConstraintCountIsAsPinned holds cost and structure: a change of any number is a change of circuit id and of keys.
func TestEachConstraintCountIsAsPinned(t *testing.T) {
	var b strings.Builder
	b.WriteString("circuit,constraints,public,secret,internal\n")
	for _, name := range []string{"bill-16", "bill-64", "bill-256", "totals", "budget", "share", "rate", "reserve-16", "reserve-64", "policy-16", "policy-64", "policy-256"} {
		s := system(t, name)
		fmt.Fprintf(&b, "%s,%d,%d,%d,%d\n", name, s.GetNbConstraints(), s.GetNbPublicVariables()-1, s.GetNbSecretVariables(), s.GetNbInternalVariables())
	}
	const golden = "testdata/constraints.csv"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("constraints are\n%s, pinned\n%s", b.String(), want)
	}
}

func TestCostsStayWithinTheirTargets(t *testing.T) {
	large, medium := system(t, "bill-256").GetNbConstraints(), system(t, "bill-64").GetNbConstraints()
	small := system(t, "bill-16").GetNbConstraints()
	// One node of width 16 costs 555, 17 of them serve 256 items. What is left beside items and nodes is the fixed part.
	item := (medium - small - 4*555) / 48
	fixed := small - 16*item - 555
	if per := float64(large-fixed) / 256; per > 340 || fixed > 7000 {
		t.Errorf("%.1f constraints an item and %d fixed", per, fixed)
	}
	t.Logf("%d constraints an item without its share of the tree, %.1f with it, %d fixed", item, float64(large-fixed)/256, fixed)
}

func TestNoCommitmentsAndNoHints(t *testing.T) {
	for name := range circuits {
		s := system(t, name)
		if n := len(s.GetCommitments().CommitmentIndexes()); n != 0 {
			t.Errorf("%s uses the commitment extension %d times", name, n)
		}
		if len(s.MHintsDependencies) != 0 {
			t.Errorf("%s uses hints: %v", name, s.MHintsDependencies)
		}
	}
}

// TestNoWireIsFree changes each wire of a solved system by itself and expects a constraint to break. The inner digests of empty slots go into a hash that
// is then multiplied by zero, but the hash's own constraints still hold them.
func TestNoWireIsFree(t *testing.T) {
	for name, assignment := range honestAssignments(t) {
		s := system(t, name)
		solution, err := s.Solve(fullWitness(t, assignment))
		if err != nil {
			t.Fatal(err)
		}
		wires := solution.(*cs.R1CSSolution).W
		held := make([]bool, len(wires))
		held[0] = true // the constant one
		for _, r := range s.GetR1Cs() {
			for _, wire := range wiresOf(r) {
				if !held[wire] {
					before := wires[wire]
					wires[wire].Add(&before, new(fr.Element).SetUint64(0x9e3779b97f4a7c15))
					held[wire] = !satisfied(s, r, wires)
					wires[wire] = before
				}
			}
		}
		if i := slices.Index(held, false); i >= 0 {
			t.Errorf("%s: wire %d can change unnoticed", name, i)
		}
	}
}

// TestEveryPrivateInputButTheInnerDigestsIsABit looks for a constraint on each private input by itself that only 0 and 1 satisfy.
func TestEveryPrivateInputButTheInnerDigestsIsABit(t *testing.T) {
	for name := range circuits {
		others := 0
		if family, size, sized := strings.Cut(name, "-"); sized && family != "reserve" {
			others, _ = strconv.Atoi(size)
		}
		s := system(t, name)
		first := s.GetNbPublicVariables()
		bits := map[int]bool{}
		values := make([]fr.Element, first+s.GetNbSecretVariables()+s.GetNbInternalVariables())
		values[0].SetOne()
		for _, r := range s.GetR1Cs() {
			wires := slices.DeleteFunc(wiresOf(r), func(wire int) bool { return wire == 0 })
			alone := slices.Min(wires)
			if alone != slices.Max(wires) || alone < first || alone >= first+s.GetNbSecretVariables() {
				continue
			}
			holds := func(v int64) bool { values[alone].SetInt64(v); return satisfied(s, r, values) }
			bits[alone] = bits[alone] || holds(0) && holds(1) && !holds(2) && !holds(-1)
			values[alone].SetZero()
		}
		found := 0
		for _, is := range bits {
			if is {
				found++
			}
		}
		if found != s.GetNbSecretVariables()-others {
			t.Errorf("%s: %d of %d private inputs are bits, want all but %d", name, found, s.GetNbSecretVariables(), others)
		}
	}
}

func wiresOf(r constraint.R1C) (wires []int) {
	for _, expression := range []constraint.LinearExpression{r.L, r.R, r.O} {
		for _, term := range expression {
			wires = append(wires, term.WireID())
		}
	}
	return wires
}

func satisfied(s *cs.R1CS, r constraint.R1C, wires []fr.Element) bool {
	value := func(expression constraint.LinearExpression) (sum fr.Element) {
		for _, term := range expression {
			var v fr.Element
			v.Mul(&s.Coefficients[term.CoeffID()], &wires[term.WireID()])
			sum.Add(&sum, &v)
		}
		return sum
	}
	l, right, o := value(r.L), value(r.R), value(r.O)
	l.Mul(&l, &right)
	return l.Equal(&o)
}

func BenchmarkCompile(b *testing.B) {
	for _, name := range []string{"bill-64", "bill-256", "totals"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				compile(b, circuits[name]())
			}
		})
	}
}
