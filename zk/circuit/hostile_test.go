package circuit

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/poseidon2"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/test"

	"entente/zk/commit"
)

// refused holds that both the R1CS solver and gnark's test engine refuse the assignment.
func refused(t *testing.T, name, what string, assignment frontend.Circuit) {
	t.Helper()
	if solved(t, name, assignment) {
		t.Errorf("%s: the solver accepts %s", name, what)
	}
	if test.IsSolved(circuits[name](), assignment, ecc.BN254.ScalarField()) == nil {
		t.Errorf("%s: the test engine accepts %s", name, what)
	}
}

func plus(v frontend.Variable, delta int64) frontend.Variable {
	var e fr.Element
	if _, err := e.SetInterface(v); err != nil {
		panic(err)
	}
	sum := constant(&e)
	return sum.Mod(sum.Add(sum, big.NewInt(delta)), fr.Modulus())
}

// honest gives a fresh bill of 11 items in 16 slots.
func honest(t *testing.T) *Bill {
	t.Helper()
	bill, _, err := AssignBill(someBill(16, 11))
	if err != nil {
		t.Fatal(err)
	}
	return bill
}

func TestTheHonestWitnessesAreAcceptedByBothEngines(t *testing.T) {
	for name, assignment := range honestAssignments(t) {
		if !solved(t, name, assignment) {
			t.Errorf("%s: the solver refuses an honest witness", name)
		}
		if err := test.IsSolved(circuits[name](), assignment, ecc.BN254.ScalarField()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEveryInputOfABillCounts changes inputs one at a time. The context alone is free in the solver: the verifier holds it (see package proof).
func TestEveryInputOfABillCounts(t *testing.T) {
	inputs := map[string]func(*Bill) *frontend.Variable{
		"D":   func(b *Bill) *frontend.Variable { return &b.D },
		"C.X": func(b *Bill) *frontend.Variable { return &b.C.X },
		"C.Y": func(b *Bill) *frontend.Variable { return &b.C.Y },
		"T.X": func(b *Bill) *frontend.Variable { return &b.T.X },
		"T.Y": func(b *Bill) *frontend.Variable { return &b.T.Y },
	}
	for _, line := range []int{0, 10, 11, 15} {
		inputs[fmt.Sprintf("used of line %d", line)] = func(b *Bill) *frontend.Variable { return &b.Lines[line].Used }
		for bit := range categoryBits {
			inputs[fmt.Sprintf("category bit %d of line %d", bit, line)] = func(b *Bill) *frontend.Variable { return &b.Lines[line].Category[bit] }
		}
		if line < 11 {
			inputs[fmt.Sprintf("inner of line %d", line)] = func(b *Bill) *frontend.Variable { return &b.Lines[line].Inner }
		}
		for _, bit := range []int{0, 31, 62} {
			inputs[fmt.Sprintf("amount bit %d of line %d", bit, line)] = func(b *Bill) *frontend.Variable { return &b.Lines[line].Amount[bit] }
		}
	}
	for _, bit := range []int{0, 62} {
		inputs[fmt.Sprintf("bit %d of sum 9", bit)] = func(b *Bill) *frontend.Variable { return &b.Sums[9][bit] }
		inputs[fmt.Sprintf("bit %d of the total", bit)] = func(b *Bill) *frontend.Variable { return &b.Total[bit] }
	}
	for _, bit := range []int{0, 125, 250} {
		inputs[fmt.Sprintf("bit %d of r", bit)] = func(b *Bill) *frontend.Variable { return &b.R[bit] }
		inputs[fmt.Sprintf("bit %d of s", bit)] = func(b *Bill) *frontend.Variable { return &b.S[bit] }
	}
	for name, input := range inputs {
		for _, delta := range []int64{1, -1} {
			bill := honest(t)
			*input(bill) = plus(*input(bill), delta)
			if solved(t, "bill-16", bill) {
				t.Errorf("%s changed by %d is accepted", name, delta)
			}
		}
	}
}

// Each case is an honest bill with its private part, or its statement, bent.
func TestHostileBillsAreRefused(t *testing.T) {
	const top = commit.AmountBits - 1
	zero := func(bits []frontend.Variable) { assignBits(bits, new(big.Int)) }
	for what, change := range map[string]func(*Bill){
		"an inflated amount":               func(b *Bill) { assignBits(b.Lines[0].Amount[:], big.NewInt(1001)) },
		"an inflated sum":                  func(b *Bill) { assignBits(b.Sums[0][:], big.NewInt(1001)) },
		"an inflated total":                func(b *Bill) { assignBits(b.Total[:], big.NewInt(999_999)) },
		"a shift between categories":       func(b *Bill) { b.Sums[0], b.Sums[1] = b.Sums[1], b.Sums[0] },
		"an item moved to another kind":    func(b *Bill) { b.Lines[0].Category[0] = 1 },
		"an amount of 2^63":                func(b *Bill) { zero(b.Lines[0].Amount[:]); b.Lines[0].Amount[top] = 2 },
		"an amount of -1":                  func(b *Bill) { zero(b.Lines[0].Amount[:]); b.Lines[0].Amount[0] = -1 },
		"a bit of one half":                func(b *Bill) { b.Lines[0].Amount[0] = new(big.Int).ModInverse(big.NewInt(2), fr.Modulus()) },
		"category 16":                      func(b *Bill) { zero(b.Lines[0].Category[:]); b.Lines[0].Category[3] = 2 },
		"category -1":                      func(b *Bill) { zero(b.Lines[0].Category[:]); b.Lines[0].Category[0] = -1 },
		"a carry from amount to category":  func(b *Bill) { b.Lines[1].Amount[top] = 2; b.Lines[1].Category[0] = 0 },
		"a carry from category to amount":  func(b *Bill) { b.Lines[1].Amount[top] = -1; b.Lines[1].Category[0] = 2 },
		"value in an empty slot":           func(b *Bill) { b.Lines[15].Amount[0] = 1 },
		"value hidden in an empty slot":    func(b *Bill) { b.Lines[15].Amount[0] = 1; b.Sums[0][0] = plus(b.Sums[0][0], 1) },
		"a category in an empty slot":      func(b *Bill) { b.Lines[15].Category[2] = 1 },
		"a used item called empty":         func(b *Bill) { b.Lines[10].Used = 0 },
		"an empty slot called used":        func(b *Bill) { b.Lines[11].Used = 1 },
		"a used flag of 2":                 func(b *Bill) { b.Lines[11].Used = 2 },
		"swapped slots":                    func(b *Bill) { b.Lines[0], b.Lines[1] = b.Lines[1], b.Lines[0] },
		"an item and an empty slot traded": func(b *Bill) { b.Lines[10], b.Lines[11] = b.Lines[11], b.Lines[10] },
		"swapped blindings":                func(b *Bill) { b.R, b.S = b.S, b.R },
		"swapped commitments":              func(b *Bill) { b.C, b.T = b.T, b.C },
	} {
		bill := honest(t)
		change(bill)
		refused(t, "bill-16", what, bill)
	}
}

// TestCheatsWithFittingCommitmentsAreRefused recomputes the public side natively after the lie, so that only the rule lied about can refuse.
func TestCheatsWithFittingCommitmentsAreRefused(t *testing.T) {
	w := someBill(16, 11)
	place := func(b *Bill, sums commit.Sums, total uint64) {
		c, err := commit.CommitSums(sums, w.R)
		if err != nil {
			t.Fatal(err)
		}
		amount, err := commit.CommitAmount(total, w.S)
		if err != nil {
			t.Fatal(err)
		}
		b.C, _ = coordinatesOf(c)
		b.T, _ = coordinatesOf(amount)
		for k := range sums {
			assignBits(b.Sums[k][:], new(big.Int).SetUint64(sums[k]))
		}
		assignBits(b.Total[:], new(big.Int).SetUint64(total))
	}
	sums, err := commit.SumItems(w.Items)
	if err != nil {
		t.Fatal(err)
	}
	total, err := sums.Total()
	if err != nil {
		t.Fatal(err)
	}
	same := honest(t)
	place(same, sums, total)
	if !solved(t, "bill-16", same) {
		t.Fatal("the honest numbers, placed by hand, are refused")
	}

	shifted := sums
	shifted[0], shifted[1] = sums[0]-5, sums[1]+5
	bill := honest(t)
	place(bill, shifted, total)
	refused(t, "bill-16", "a shift between categories under fitting commitments", bill)

	bill = honest(t)
	place(bill, sums, total+1)
	refused(t, "bill-16", "a total above its sums", bill)

	padded := sums
	padded[0]++
	bill = honest(t)
	place(bill, padded, total+1)
	bill.Lines[15].Amount[0] = 1 // D does not see an empty slot
	refused(t, "bill-16", "value in an empty slot under fitting commitments", bill)

	// Two amounts whose category sum is exactly 2^63: it needs a 64th bit, so the cheat puts a 2 in the top one. C and T fit.
	bill, _, err = AssignBill(commit.BillWitness{Size: 16, Items: []commit.Item{{Amount: 1 << 62, Category: 2}, {Amount: 1<<62 - 1, Category: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	items := []commit.Item{{Amount: 1 << 62, Category: 2}, {Amount: 1 << 62, Category: 2}}
	d, err := commit.DigestItems(items, 16, commit.Digest{})
	if err != nil {
		t.Fatal(err)
	}
	inner, err := items[1].Inner(commit.Digest{})
	if err != nil {
		t.Fatal(err)
	}
	bill.D = d[:]
	bill.Lines[1].assign(1<<62, 2, 1, inner)
	for _, bits := range [][]frontend.Variable{bill.Sums[2][:], bill.Total[:]} {
		assignBits(bits, new(big.Int))
		bits[commit.AmountBits-1] = 2
	}
	refused(t, "bill-16", "a category sum of 2^63", bill)
}

// TestLiesInsideTheDigestAreRefused computes D over lines no honest item can have, so that neither D nor C nor T gives them away.
func TestLiesInsideTheDigestAreRefused(t *testing.T) {
	run := func(what string, change func(*Bill)) bool {
		bill, _, err := AssignBill(commit.BillWitness{Size: 16, Items: []commit.Item{{Amount: 2}, {Amount: 3}, {}}})
		if err != nil {
			t.Fatal(err)
		}
		change(bill)
		bill.D = digestOfLines(t, bill.Lines)
		return solved(t, "bill-16", bill)
	}
	if !run("nothing", func(*Bill) {}) {
		t.Error("the digest computed here is not the circuit's")
	}
	for what, change := range map[string]func(*Bill){
		"a negative amount made up for by another": func(b *Bill) {
			b.Lines[0].Amount[0], b.Lines[0].Amount[1] = -5, 0
			assignBits(b.Lines[1].Amount[:], big.NewInt(10))
		},
		"an amount in two halves": func(b *Bill) {
			half := new(big.Int).ModInverse(big.NewInt(2), fr.Modulus())
			b.Lines[0].Amount[0], b.Lines[0].Amount[1] = half, 0
			b.Lines[1].Amount[0], b.Lines[1].Amount[1] = half, 2
		},
		"a slot used twice":      func(b *Bill) { b.Lines[2].Used = 2 },
		"a slot used minus once": func(b *Bill) { b.Lines[2].Used = -1 },
		"category 16 of nothing": func(b *Bill) { b.Lines[2].Category[3] = 2 },
	} {
		if run(what, change) {
			t.Errorf("%s is accepted", what)
		}
	}
}

// digestOfLines is the tree of a chunk of 16 over whatever field elements the lines hold.
func digestOfLines(t *testing.T, lines []Line) frontend.Variable {
	t.Helper()
	element := func(v frontend.Variable) (e fr.Element) {
		if _, err := e.SetInterface(v); err != nil {
			t.Fatal(err)
		}
		return e
	}
	compress := func(x ...fr.Element) fr.Element {
		first := x[0]
		if err := poseidon2.NewPermutation(len(x), commit.FullRounds, commit.PartialRounds(len(x))).Permutation(x); err != nil {
			t.Fatal(err)
		}
		return *first.Add(&first, &x[0])
	}
	leaves := make([]fr.Element, len(lines))
	for i, line := range lines {
		var word, weight fr.Element
		weight.SetOne()
		used := element(line.Used)
		for _, bit := range slices.Concat(line.Amount[:], line.Category[:], []frontend.Variable{line.Used}) {
			e := element(bit)
			word.Add(&word, e.Mul(&e, &weight))
			weight.Double(&weight)
		}
		leaves[i] = compress(word, element(line.Inner))
		leaves[i].Mul(&leaves[i], &used)
	}
	return compress(leaves...)
}

func TestHostileTotalsAreRefused(t *testing.T) {
	half := new(big.Int).ModInverse(big.NewInt(2), fr.Modulus())
	for what, change := range map[string]func(*Totals){
		"another C.X":              func(s *Totals) { s.C.X = plus(s.C.X, 1) },
		"another C.Y":              func(s *Totals) { s.C.Y = plus(s.C.Y, 1) },
		"another mask":             func(s *Totals) { s.Mask = 0 },
		"a mask with a 17th bit":   func(s *Totals) { s.Mask = plus(s.Mask, 1<<16) },
		"a mask beyond its bits":   func(s *Totals) { s.Show[15] = 2; s.Mask = plus(s.Mask, 1<<15) },
		"an inflated shown total":  func(s *Totals) { s.Shown[2] = plus(s.Shown[2], 1) },
		"a deflated shown total":   func(s *Totals) { s.Shown[15] = plus(s.Shown[15], -1) },
		"a number in a hidden one": func(s *Totals) { s.Shown[3] = 1 },
		"half of a total": func(s *Totals) {
			s.Show[2], s.Shown[2] = half, new(big.Int).Div(someTotals().Totals[2].Big(), big.NewInt(2))
		},
		"a shown total moved over":     func(s *Totals) { s.Shown[0], s.Shown[2] = s.Shown[2], s.Shown[0] },
		"a hidden category shown as 0": func(s *Totals) { s.Show[3], s.Mask = 1, plus(s.Mask, 8) },
		"a total of -1": func(s *Totals) {
			assignBits(s.Amounts[0][:], new(big.Int))
			s.Amounts[0][0], s.Shown[0] = -1, new(big.Int).Sub(fr.Modulus(), big.NewInt(1))
		},
		"a total of 2^96":       func(s *Totals) { s.Amounts[0][95], s.Shown[0] = 2, new(big.Int).Lsh(big.NewInt(1), 96) },
		"another blinding":      func(s *Totals) { s.R[0] = plus(s.R[0], 1) },
		"another hidden amount": func(s *Totals) { s.Amounts[3][40] = plus(s.Amounts[3][40], 1) },
	} {
		totals, _, err := AssignTotals(someTotals())
		if err != nil {
			t.Fatal(err)
		}
		change(totals)
		refused(t, "totals", what, totals)
	}
}
