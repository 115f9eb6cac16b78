package circuit

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
	"github.com/consensys/gnark/frontend"

	"entente/zk/commit"
)

// ScalarBits is the length of a blinding factor in bits; the group order is below 2^251. A blinding that reaches the order names the same point as its
// remainder, so no comparison with the order is needed.
const ScalarBits = 251

const windowBits = 3

// Coordinates is an affine point on the twisted Edwards curve -x^2 + y^2 = 1 + d*x^2*y^2 over the circuit's own field.
type Coordinates struct {
	X, Y frontend.Variable
}

// commitment adds up multiples of fixed generators.
//
// Why there are no exceptional cases: every table entry is a curve point (the first digit gives the identity, which is (0, 1)), so by induction every partial
// sum is one. On this curve a = -1 is a square and d is not, hence d*x1*x2*y1*y2 is never 1 or -1 for two curve points (Bernstein and Lange, Faster addition
// and doubling on elliptic curves, theorem 3.3; twisted form in eprint 2008/013, section 6): the law below adds equal, opposite and neutral points alike, and
// both divisors are nonzero whatever bits the prover chose.
type commitment struct {
	api frontend.API
	sum *Coordinates
}

// addMultiple adds scalar*generator, where scalar is given by its bits, least significant first, each already constrained to be 0 or 1.
func (c *commitment) addMultiple(generator commit.Point, bits []frontend.Variable) {
	x, y, err := generator.Coordinates()
	if err != nil {
		panic("circuit: a generator is not on the curve: " + err.Error()) // generators are constants of package commit
	}
	base := twistededwards.NewPointAffine(x, y)
	for len(bits) > 0 {
		n := min(windowBits, len(bits))
		digit := [windowBits]frontend.Variable{0, 0, 0}
		copy(digit[:], bits[:n])
		bits = bits[n:]
		table := multiples(&base)
		c.add(lookup(c.api, digit, table))
		base.Double(&table[1<<windowBits/2]) // 8 times the old base
	}
}

// multiples gives 0, P, 2P, ..., 7P.
func multiples(p *twistededwards.PointAffine) (table [1 << windowBits]twistededwards.PointAffine) {
	table[0].Y.SetOne()
	for i := 1; i < len(table); i++ {
		table[i].Add(&table[i-1], p)
	}
	return table
}

// lookup gives table[b0 + 2*b1 + 4*b2] as the multilinear polynomial through the table: three constraints.
func lookup(api frontend.API, b [windowBits]frontend.Variable, table [1 << windowBits]twistededwards.PointAffine) Coordinates {
	b01 := api.Mul(b[0], b[1])
	choose := func(coordinate func(*twistededwards.PointAffine) *fr.Element) frontend.Variable {
		// quarter is the polynomial through four entries: v0 + (v1-v0)*b0 + (v2-v0)*b1 + (v3-v2-v1+v0)*b0*b1.
		quarter := func(v0, v1, v2, v3 fr.Element) frontend.Variable {
			var d1, d2, d3 fr.Element
			d1.Sub(&v1, &v0)
			d2.Sub(&v2, &v0)
			d3.Sub(&v3, &v2)
			d3.Sub(&d3, &d1)
			return api.Add(constant(&v0), api.Mul(b[0], constant(&d1)), api.Mul(b[1], constant(&d2)), api.Mul(b01, constant(&d3)))
		}
		var low, step [4]fr.Element
		for i := range low {
			low[i] = *coordinate(&table[i])
			step[i].Sub(coordinate(&table[i+4]), &low[i])
		}
		return api.Add(quarter(low[0], low[1], low[2], low[3]), api.Mul(b[2], quarter(step[0], step[1], step[2], step[3])))
	}
	return Coordinates{
		X: choose(func(p *twistededwards.PointAffine) *fr.Element { return &p.X }),
		Y: choose(func(p *twistededwards.PointAffine) *fr.Element { return &p.Y }),
	}
}

var curveD = func() *big.Int {
	params := twistededwards.GetEdwardsCurve()
	return constant(&params.D)
}()

// add is the complete addition law for a = -1: six constraints.
//
//	x3 = (x1*y2 + y1*x2) / (1 + d*x1*x2*y1*y2)    y3 = (y1*y2 + x1*x2) / (1 - d*x1*x2*y1*y2)
func (c *commitment) add(q Coordinates) {
	if c.sum == nil {
		c.sum = &q
		return
	}
	api, p := c.api, c.sum
	xy := api.Mul(p.X, q.Y)
	yx := api.Mul(p.Y, q.X)
	all := api.Mul(api.Add(p.X, p.Y), api.Add(q.X, q.Y))
	cross := api.Add(xy, yx)
	product := api.Mul(api.Mul(xy, yx), curveD)
	c.sum = &Coordinates{
		X: api.DivUnchecked(cross, api.Add(1, product)),
		Y: api.DivUnchecked(api.Sub(all, cross), api.Sub(1, product)),
	}
}

// assertEquals binds the sum to a public point.
func (c *commitment) assertEquals(p Coordinates) {
	c.api.AssertIsEqual(c.sum.X, p.X)
	c.api.AssertIsEqual(c.sum.Y, p.Y)
}

func constant(e *fr.Element) *big.Int { return e.BigInt(new(big.Int)) }

// assertBits constrains each bit to be 0 or 1 and gives the number they spell, least significant first. The number is a linear combination: it costs nothing.
func assertBits(api frontend.API, bits []frontend.Variable) frontend.Variable {
	terms := make([]frontend.Variable, len(bits))
	for i, bit := range bits {
		api.AssertIsBoolean(bit)
		terms[i] = api.Mul(bit, new(big.Int).Lsh(big.NewInt(1), uint(i)))
	}
	return total(api, terms)
}

// total adds all terms at once, which keeps gnark's compiler from rebuilding a growing expression for each.
func total(api frontend.API, terms []frontend.Variable) frontend.Variable {
	return api.Add(0, terms[0], terms[1:]...)
}

// assignBits spells v in the bits, least significant first.
func assignBits(bits []frontend.Variable, v *big.Int) {
	for i := range bits {
		bits[i] = v.Bit(i)
	}
}

func coordinatesOf(p commit.Point) (Coordinates, error) {
	x, y, err := p.Coordinates()
	return Coordinates{X: x, Y: y}, err
}
