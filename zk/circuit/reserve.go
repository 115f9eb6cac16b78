package circuit

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"entente/zk/commit"
)

// Reserve proves commit.ReservePublic about a block of 16 or 64 accounts. Its native twin is commit.ReserveWitness.Public.
type Reserve struct {
	Context  frontend.Variable `gnark:",public"`
	Balances []Coordinates     `gnark:",public"`
	Sum      Coordinates       `gnark:",public"`

	Accounts []Opening
	Whole    Opening
}

// NewReserve gives the circuit for blocks of size accounts, ready to compile. It panics for a size other than 16 or 64.
func NewReserve(size int) *Reserve {
	if size != commit.SmallChunk && size != commit.MediumChunk {
		panic(fmt.Sprintf("circuit: there are no blocks of %d accounts", size))
	}
	return &Reserve{Balances: make([]Coordinates, size), Accounts: make([]Opening, size)}
}

// AssignReserve gives the full assignment for w and the statement it proves, with the refusals of commit.ReserveWitness.Public.
func AssignReserve(w commit.ReserveWitness) (*Reserve, commit.ReservePublic, error) {
	public, err := w.Public()
	if err != nil {
		return nil, commit.ReservePublic{}, err
	}
	sum, err := w.Total()
	if err != nil {
		return nil, commit.ReservePublic{}, err
	}
	reserve, err := AssignReservePublic(public, w.Size)
	if err != nil {
		return nil, commit.ReservePublic{}, err
	}
	for i := range reserve.Accounts {
		if i < len(w.Amounts) {
			reserve.Accounts[i].assign(w.Amounts[i], w.Blindings[i])
		} else {
			reserve.Accounts[i].assign(0, commit.Scalar{})
		}
	}
	reserve.Whole.assign(sum, w.S)
	return reserve, public, nil
}

// AssignReservePublic gives the public half of an assignment, unused slots filled; refused (point_invalid) when a point is not on the curve. p must hold at
// most size balances.
func AssignReservePublic(p commit.ReservePublic, size int) (*Reserve, error) {
	reserve := NewReserve(size)
	reserve.Context = p.Context[:]
	var err error
	if reserve.Sum, err = coordinatesOf(p.Sum); err != nil {
		return nil, err
	}
	for i := range reserve.Balances {
		point := commit.Identity()
		if i < len(p.Balances) {
			point = p.Balances[i]
		}
		if reserve.Balances[i], err = coordinatesOf(point); err != nil {
			return nil, err
		}
	}
	return reserve, nil
}

// Define states the constraints.
func (r *Reserve) Define(api frontend.API) error {
	api.Mul(r.Context, r.Context) // binds the context

	amounts := make([]frontend.Variable, len(r.Accounts))
	for i := range r.Accounts {
		amounts[i] = r.Accounts[i].assertOpens(api, r.Balances[i])
	}
	// At most 64 balances below 2^63: below 2^69.
	api.AssertIsEqual(total(api, amounts), r.Whole.assertOpens(api, r.Sum))
	return nil
}
