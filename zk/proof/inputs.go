package proof

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// inputTable holds digit*16^window*P for a K point P at [window][digit-1]. Public inputs are few and their points fixed: with tables the sum over them takes a
// quarter of the time a general multi-exponentiation takes.
type inputTable [2 * fr.Bytes][15]bn254.G1Affine

func newInputTables(k []bn254.G1Affine) []inputTable {
	multiples := make([]bn254.G1Jac, 0, len(k)*2*fr.Bytes*15)
	for i := range k {
		var base bn254.G1Jac
		base.FromAffine(&k[i])
		for range 2 * fr.Bytes {
			next := base
			for range 15 {
				multiples = append(multiples, next)
				next.AddAssign(&base)
			}
			base = next // 16 times the old base
		}
	}
	affine := bn254.BatchJacobianToAffineG1(multiples)
	tables := make([]inputTable, len(k))
	for i := range tables {
		for window := range tables[i] {
			affine = affine[copy(tables[i][window][:], affine):]
		}
	}
	return tables
}

// addMultiple adds scalar*P to sum.
func (t *inputTable) addMultiple(sum *bn254.G1Jac, scalar *fr.Element) {
	digits := scalar.Bytes()
	for i, b := range digits {
		window := 2 * (len(digits) - 1 - i)
		if low := b & 15; low != 0 {
			sum.AddMixed(&t[window][low-1])
		}
		if high := b >> 4; high != 0 {
			sum.AddMixed(&t[window+1][high-1])
		}
	}
}
