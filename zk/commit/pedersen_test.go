package commit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
	"pgregory.net/rapid"

	"entente/schema/refusal"
)

func drawScalar(t *rapid.T, label string) Scalar {
	return scalarOf(new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, label)))
}

func drawSums(t *rapid.T, label string) (s Sums) {
	copy(s[:], rapid.SliceOfN(rapid.Uint64Range(0, 1<<59), Categories, Categories).Draw(t, label))
	return s
}

// multiply is the slow reference: no tables, the library's own scalar multiplication.
func multiply(p Point, k *big.Int) twistededwards.PointAffine {
	affine, err := p.affine()
	if err != nil {
		panic(err)
	}
	return *affine.ScalarMultiplication(&affine, k)
}

func TestGeneratorsAreWhatTheDerivationSays(t *testing.T) {
	named := map[string]Point{"G": AmountGenerator(), "H": BlindingGenerator()}
	for k := range Categories {
		named[fmt.Sprintf("G_%d", k)] = CategoryGenerator(k)
	}
	seen := map[Point]string{Identity(): "identity"}
	for name, p := range named {
		if other, ok := seen[p]; ok {
			t.Errorf("%s equals %s", name, other)
		}
		seen[p] = name
		if _, err := ParsePoint(p[:]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if q := multiply(p, Order()); !q.IsZero() {
			t.Errorf("%s is not of the prime order", name)
		}
		if want := deriveWithIntegers(name); p != want {
			t.Errorf("%s is %s, derived anew %s", name, p, want)
		}
	}
	if !curve.Order.ProbablyPrime(32) {
		t.Error("the order is not prime")
	}
}

// deriveWithIntegers repeats the derivation of hashToCurve from its comment over big integers alone.
func deriveWithIntegers(name string) Point {
	q := fr.Modulus()
	d, _ := new(big.Int).SetString("12181644023421730124874158521699555681764249180949974110617291017600649128846", 10)
	mod := func(v *big.Int) *big.Int { return v.Mod(v, q) }
	for counter := uint32(0); ; counter++ {
		h := sha256.Sum256([]byte("entente/generator/1\x00" + name + "\x00" + string(binary.BigEndian.AppendUint32(nil, counter))))
		largest := h[0] >= 0x80
		h[0] &= 0x3f
		y := new(big.Int).SetBytes(h[:])
		if y.Cmp(q) >= 0 {
			continue
		}
		y2 := mod(new(big.Int).Mul(y, y))
		numerator := mod(new(big.Int).Sub(big.NewInt(1), y2))
		divisor := mod(new(big.Int).Sub(big.NewInt(-1), new(big.Int).Mul(d, y2)))
		x := new(big.Int).ModSqrt(mod(numerator.Mul(numerator, divisor.ModInverse(divisor, q))), q)
		if x == nil {
			continue
		}
		if (x.Cmp(new(big.Int).Rsh(q, 1)) > 0) != largest {
			x.Sub(q, x)
		}
		for range 3 { // doubling by the addition law
			xx, yy := new(big.Int).Mul(x, x), new(big.Int).Mul(y, y)
			k := mod(new(big.Int).Mul(d, new(big.Int).Mul(mod(xx), mod(yy))))
			up := mod(new(big.Int).Mul(big.NewInt(2), new(big.Int).Mul(x, y)))
			down := mod(new(big.Int).Add(big.NewInt(1), k))
			y = new(big.Int).Mul(new(big.Int).Add(xx, yy), new(big.Int).ModInverse(mod(new(big.Int).Sub(big.NewInt(1), k)), q))
			x = mod(up.Mul(up, down.ModInverse(down, q)))
			y = mod(y)
		}
		var p Point
		x.FillBytes(p[:32])
		y.FillBytes(p[32:])
		return p
	}
}

func TestCommitmentsEqualTheSlowReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		totals, r := Totals{}, drawScalar(t, "r")
		for k := range totals {
			totals[k] = Total{High: rapid.Uint32().Draw(t, "high"), Low: rapid.Uint64().Draw(t, "low")}
		}
		want := multiply(BlindingGenerator(), new(big.Int).SetBytes(r[:]))
		for k, total := range totals {
			part := multiply(CategoryGenerator(k), total.Big())
			want.Add(&want, &part)
		}
		if got, err := CommitTotals(totals, r); err != nil || got != pointOf(&want) {
			t.Fatalf("CommitTotals: %v, %v", got, err)
		}
		a := rapid.Uint64Range(0, 1<<63-1).Draw(t, "a")
		want = multiply(AmountGenerator(), new(big.Int).SetUint64(a))
		blind := multiply(BlindingGenerator(), new(big.Int).SetBytes(r[:]))
		want.Add(&want, &blind)
		if got, err := CommitAmount(a, r); err != nil || got != pointOf(&want) {
			t.Fatalf("CommitAmount: %v, %v", got, err)
		}
	})
}

func TestCommitmentsAddAsTheirOpeningsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSums(t, "a"), drawSums(t, "b")
		r, s := drawScalar(t, "r"), drawScalar(t, "s")
		ca, _ := CommitSums(a, r)
		cb, _ := CommitSums(b, s)
		var both Sums
		for k := range both {
			both[k] = a[k] + b[k]
		}
		blinding, err := AddScalars(r, s)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := Add(ca, cb)
		if err != nil || !OpenSums(sum, both, blinding) {
			t.Fatalf("the sum does not open: %v", err)
		}
		if both != a && OpenSums(sum, a, blinding) {
			t.Fatal("the sum opens to one summand")
		}
		var stream Sum
		if err := stream.Add(sum); err != nil {
			t.Fatal(err)
		}
		if err := stream.Sub(cb); err != nil || stream.Point() != ca {
			t.Fatalf("a + b - b is not a: %v", err)
		}
		if back, err := SubScalar(blinding, s); err != nil || back != r {
			t.Fatalf("r + s - s is not r: %v", err)
		}
	})
}

func TestABatchEqualsItsSingles(t *testing.T) {
	amounts := []uint64{0, 1, 255, 256, 1<<63 - 1, 42}
	blindings := make([]Scalar, len(amounts))
	for i := range blindings[1:] {
		blindings[i+1] = scalarOf(new(big.Int).Sub(Order(), big.NewInt(int64(i+1))))
	}
	points, err := CommitAmounts(amounts, blindings)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range points {
		if one, err := CommitAmount(amounts[i], blindings[i]); err != nil || one != p || !OpenAmount(p, amounts[i], blindings[i]) {
			t.Errorf("amount %d: batch %s, single %s, %v", amounts[i], p, one, err)
		}
		if OpenAmount(p, amounts[i]^1, blindings[i]) {
			t.Errorf("amount %d also opens to %d", amounts[i], amounts[i]^1)
		}
	}
	if points[0] != Identity() {
		t.Error("zero with blinding zero is not the identity")
	}
	if none, err := CommitAmounts(nil, nil); err != nil || len(none) != 0 {
		t.Errorf("an empty batch: %v, %v", none, err)
	}
	if _, err := CommitAmounts(amounts, nil); err == nil {
		t.Error("a batch without blindings is accepted")
	}
}

func TestEmptySumIsTheIdentity(t *testing.T) {
	var sum Sum
	if sum.Point() != Identity() {
		t.Error("a fresh Sum is not the identity")
	}
	if p, err := Add(); err != nil || p != Identity() {
		t.Errorf("Add(): %v, %v", p, err)
	}
}

func TestOutOfRangeInputsAreRefused(t *testing.T) {
	order := Scalar(orderBytes)
	for name, try := range map[string]func() error{
		"amount 2^63":        func() error { _, err := CommitAmount(1<<63, Scalar{}); return err },
		"sum 2^63":           func() error { _, err := CommitSums(Sums{3: 1 << 63}, Scalar{}); return err },
		"total 2^63":         func() error { _, err := Sums{1 << 62, 1 << 62}.Total(); return err },
		"totals carry":       func() error { _, err := Totals{{High: 1<<32 - 1, Low: 1<<64 - 1}}.Add(Sums{1}); return err },
		"category 16":        func() error { _, err := SumItems([]Item{{Category: 16}}); return err },
		"category sum 2^63":  func() error { _, err := SumItems([]Item{{Amount: 1 << 62}, {Amount: 1 << 62}}); return err },
		"blinding at order":  func() error { _, err := CommitAmount(1, order); return err },
		"sums at order":      func() error { _, err := CommitSums(Sums{}, order); return err },
		"addend at order":    func() error { _, err := AddScalars(Scalar{}, order); return err },
		"minuend at order":   func() error { _, err := SubScalar(order, Scalar{}); return err },
		"subtrahend, order":  func() error { _, err := SubScalar(Scalar{}, order); return err },
		"scalar of 31 bytes": func() error { _, err := ParseScalar(make([]byte, 31)); return err },
		"scalar at order":    func() error { _, err := ParseScalar(order[:]); return err },
		"digest of 33 bytes": func() error { _, err := ParseDigest(make([]byte, 33)); return err },
		"digest at modulus":  func() error { _, err := ParseDigest(fr.Modulus().Bytes()); return err },
	} {
		if err := try(); refusal.CodeOf(err) == "" {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

func TestHostilePointsAreRefused(t *testing.T) {
	g := AmountGenerator()
	shifted := func(p Point, offset int) []byte {
		v := new(big.Int).SetBytes(p[offset : offset+32])
		v.Add(v, fr.Modulus()).FillBytes(p[offset : offset+32])
		return p[:]
	}
	lowOrder := Identity()
	new(big.Int).Sub(fr.Modulus(), big.NewInt(1)).FillBytes(lowOrder[32:]) // (0, -1) has order 2
	affine, _ := g.affine()
	other, _ := lowOrder.affine()
	mixed := pointOf(affine.Add(&affine, &other))
	for name, b := range map[string][]byte{
		"nothing": nil, "one byte short": g[:63], "one byte long": append(g[:], 0), "x beyond the modulus": shifted(g, 0), "y beyond the modulus": shifted(g, 32),
		"all zero": make([]byte, 64), "all ones": bytes.Repeat([]byte{0xff}, 64), "order two": lowOrder[:], "subgroup plus order two": mixed[:],
	} {
		if _, err := ParsePoint(b); refusal.CodeOf(err) != CodePointInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range []Point{g, Identity()} {
		if got, err := ParsePoint(p[:]); err != nil || got != p {
			t.Errorf("%s: %v", p, err)
		}
	}
	var sum Sum
	if err := sum.Add(Point{}); refusal.CodeOf(err) != CodePointInvalid || sum.Point() != Identity() {
		t.Errorf("a point off the curve is added: %v", err)
	}
	if err := sum.Sub(Point{}); refusal.CodeOf(err) != CodePointInvalid {
		t.Errorf("a point off the curve is subtracted: %v", err)
	}
}

func TestTextFormsReadBack(t *testing.T) {
	p := AmountGenerator()
	text, _ := p.MarshalText()
	var back Point
	if err := back.UnmarshalText(text); err != nil || back != p {
		t.Errorf("point: %v", err)
	}
	if err := back.UnmarshalText([]byte("zz")); refusal.CodeOf(err) != CodePointInvalid {
		t.Errorf("bad hexadecimal: %v", err)
	}
	s, d, total := Scalar{31: 7}, Digest{31: 9}, Total{High: 1<<32 - 1, Low: 1<<64 - 1}
	var s2 Scalar
	var d2 Digest
	var total2 Total
	st, _ := s.MarshalText()
	dt, _ := d.MarshalText()
	tt, _ := total.MarshalText()
	if s2.UnmarshalText(st) != nil || d2.UnmarshalText(dt) != nil || total2.UnmarshalText(tt) != nil || s2 != s || d2 != d || total2 != total {
		t.Error("a text form does not read back")
	}
	for _, bad := range []string{"", "-1", "+1", "01", "1e3", "79228162514264337593543950336"} {
		if refusal.CodeOf(total2.UnmarshalText([]byte(bad))) != CodeAmountOutOfRange {
			t.Errorf("total %q is accepted", bad)
		}
	}
	if text := fmt.Sprintf("%v %+v %s %#v", s, s, Secret{1}, Secret{1}); text != "(blinding) (blinding) (secret) (secret)" {
		t.Errorf("a secret is printed: %s", text)
	}
}

func TestBlindingsDifferWheneverAnythingDiffers(t *testing.T) {
	type input struct {
		secret          Secret
		purpose         string
		bill            [16]byte
		revision, chunk uint32
		values          string
	}
	base := input{Secret{1}, "sums", [16]byte{2}, 3, 4, "values"}
	inputs := []input{base}
	for _, change := range []func(*input){
		func(i *input) { i.secret[31] = 1 }, func(i *input) { i.purpose = "sum" }, func(i *input) { i.bill[15] = 1 },
		func(i *input) { i.revision++ }, func(i *input) { i.chunk++ }, func(i *input) { i.values = "value" },
		func(i *input) { i.purpose, i.bill = "sums\x02", [16]byte{} },
	} {
		next := base
		change(&next)
		inputs = append(inputs, next)
	}
	seen := map[Scalar]input{}
	for _, i := range inputs {
		s := DeriveBlinding(i.secret, i.purpose, i.bill, i.revision, i.chunk, []byte(i.values))
		if other, ok := seen[s]; ok {
			t.Errorf("%+v and %+v share a blinding", other, i)
		}
		seen[s] = i
		if s.check() != nil || s != DeriveBlinding(i.secret, i.purpose, i.bill, i.revision, i.chunk, []byte(i.values)) {
			t.Errorf("%+v: not canonical, or not repeatable", i)
		}
	}
	one := DeriveSalt(base.secret, base.bill, 1, 0, 0, nil)
	two := DeriveSalt(base.secret, base.bill, 1, 0, 1, nil)
	if _, err := one.element(); err != nil || one == two || bytes.Equal(one[:], make([]byte, 32)) {
		t.Errorf("salts %s and %s: %v", one, two, err)
	}
	golden := DeriveBlinding(base.secret, base.purpose, base.bill, base.revision, base.chunk, []byte(base.values))
	if text, _ := golden.MarshalText(); string(text) != goldenBlinding {
		t.Errorf("blinding %s, pinned %s: lost databases could not be rebuilt", text, goldenBlinding)
	}
}

const goldenBlinding = "052e689bae13ab37df51c29c3f794d72ef9abe4172a5358dc520b2db548c2b09"

func BenchmarkCommitAmounts(b *testing.B) {
	const n = 1024
	amounts, blindings := make([]uint64, n), make([]Scalar, n)
	for i := range amounts {
		amounts[i] = uint64(i) * 1234567
		blindings[i] = DeriveBlinding(Secret{}, "bench", [16]byte{}, 0, uint32(i), nil)
	}
	for b.Loop() {
		if _, err := CommitAmounts(amounts, blindings); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "commitments/s")
}

func BenchmarkSumAdd(b *testing.B) {
	p, sum := AmountGenerator(), Sum{}
	for b.Loop() {
		if err := sum.Add(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParsePoint(b *testing.B) {
	p := AmountGenerator()
	for b.Loop() {
		if _, err := ParsePoint(p[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommitSums(b *testing.B) {
	s, r := Sums{1, 2, 3, 1 << 60}, DeriveBlinding(Secret{}, "bench", [16]byte{}, 0, 0, nil)
	for b.Loop() {
		if _, err := CommitSums(s, r); err != nil {
			b.Fatal(err)
		}
	}
}
