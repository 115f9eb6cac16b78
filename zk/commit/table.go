package commit

import (
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
)

var neutral = func() (p twistededwards.PointExtended) {
	p.Y.SetOne()
	p.Z.SetOne()
	return p
}()

// cached is an affine point in the form the addition below wants: y+x, y-x, 2*d*x*y.
type cached struct{ sum, difference, product fr.Element }

// table holds digit*256^window*P for every window and every digit from 1 to 255, at [window][digit-1].
type table [][255]cached

const (
	scalarWindows = 32
	amountWindows = 8
	totalWindows  = TotalBits / 8
)

var (
	blindingTable  = sync.OnceValue(func() table { return newTable(generators().Blinding, scalarWindows) })
	amountTable    = sync.OnceValue(func() table { return newTable(generators().Amount, amountWindows) })
	categoryTables = sync.OnceValue(func() *[Categories]table {
		var tables [Categories]table
		for k := range tables {
			tables[k] = newTable(generators().Category[k], totalWindows)
		}
		return &tables
	})
)

func newTable(p twistededwards.PointAffine, windows int) table {
	var base twistededwards.PointExtended
	base.FromAffine(&p)
	points := make([]twistededwards.PointExtended, 0, windows*255)
	for range windows {
		next := base
		for range 255 {
			points = append(points, next)
			next.Add(&next, &base)
		}
		base = next // 256 times the old base
	}
	inverses := invertZ(points)
	result := make(table, windows)
	for i := range points {
		var affine twistededwards.PointAffine
		affine.X.Mul(&points[i].X, &inverses[i])
		affine.Y.Mul(&points[i].Y, &inverses[i])
		result[i/255][i%255] = cachedOf(&affine)
	}
	return result
}

func cachedOf(p *twistededwards.PointAffine) (c cached) {
	c.sum.Add(&p.Y, &p.X)
	c.difference.Sub(&p.Y, &p.X)
	c.product.Mul(&p.X, &p.Y)
	c.product.Mul(&c.product, &curve.D)
	c.product.Double(&c.product)
	return c
}

// addMultiple adds scalar*P to acc, where t is P's table and scalar is big-endian with as many bytes as t has windows.
func addMultiple(acc *twistededwards.PointExtended, t table, scalar []byte) {
	for i, digit := range scalar {
		if digit != 0 {
			addCached(acc, &t[len(scalar)-1-i][digit-1])
		}
	}
}

// addCached is the unified mixed addition for a = -1 (Hisil, Wong, Carter, Dawson, eprint 2008/522, section 3.1): seven multiplications. With -1 a square
// and d not, it is complete: it has no exceptional inputs.
func addCached(p *twistededwards.PointExtended, q *cached) {
	var a, b, c, d, e, f, g, h fr.Element
	a.Sub(&p.Y, &p.X)
	a.Mul(&a, &q.difference)
	b.Add(&p.Y, &p.X)
	b.Mul(&b, &q.sum)
	c.Mul(&p.T, &q.product)
	d.Double(&p.Z)
	e.Sub(&b, &a)
	f.Sub(&d, &c)
	g.Add(&d, &c)
	h.Add(&b, &a)
	p.X.Mul(&e, &f)
	p.Y.Mul(&g, &h)
	p.T.Mul(&e, &h)
	p.Z.Mul(&f, &g)
}

func invertZ(points []twistededwards.PointExtended) []fr.Element {
	z := make([]fr.Element, len(points))
	for i := range points {
		z[i] = points[i].Z
	}
	return fr.BatchInvert(z)
}

// normalise brings points to their byte form with one inversion for all.
func normalise(points []twistededwards.PointExtended) []Point {
	inverses := invertZ(points)
	result := make([]Point, len(points))
	for i := range points {
		var affine twistededwards.PointAffine
		affine.X.Mul(&points[i].X, &inverses[i])
		affine.Y.Mul(&points[i].Y, &inverses[i])
		result[i] = pointOf(&affine)
	}
	return result
}
