package circuit

import (
	"math/big"

	"github.com/consensys/gnark/frontend"

	"entente/zk/commit"
)

// Opening is a hidden opening of a commitment to one amount, bits least significant first.
type Opening struct {
	Amount   [commit.AmountBits]frontend.Variable
	Blinding [ScalarBits]frontend.Variable
}

func (o *Opening) assign(amount uint64, blinding commit.Scalar) {
	assignBits(o.Amount[:], new(big.Int).SetUint64(amount))
	assignBits(o.Blinding[:], new(big.Int).SetBytes(blinding[:]))
}

// assertOpens constrains the opening to be one of p = amount*G + blinding*H with an amount below 2^63, and gives the amount. 2^63 is far below the group order:
// no other amount of this size opens p, unless someone knows the discrete logarithm between G and H.
func (o *Opening) assertOpens(api frontend.API, p Coordinates) frontend.Variable {
	amount := assertBits(api, o.Amount[:])
	assertBits(api, o.Blinding[:])
	c := commitment{api: api}
	c.addMultiple(commit.AmountGenerator(), o.Amount[:])
	c.addMultiple(commit.BlindingGenerator(), o.Blinding[:])
	c.assertEquals(p)
	return amount
}
