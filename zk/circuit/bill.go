package circuit

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark/frontend"

	"entente/zk/commit"
)

const categoryBits = 4

// Bill proves commit.BillPublic about one chunk of 16, 64 or 256 items. Its native twin is commit.BillWitness.Public.
type Bill struct {
	Context frontend.Variable `gnark:",public"`
	D       frontend.Variable `gnark:",public"`
	C       Coordinates       `gnark:",public"`
	T       Coordinates       `gnark:",public"`

	Lines []Line
	Sums  [commit.Categories][commit.AmountBits]frontend.Variable
	Total [commit.AmountBits]frontend.Variable
	R, S  [ScalarBits]frontend.Variable
}

// Line is one slot of the chunk, bits least significant first. Inner is commit.Item.Inner, taken as it is.
type Line struct {
	Amount   [commit.AmountBits]frontend.Variable
	Category [categoryBits]frontend.Variable
	Used     frontend.Variable
	Inner    frontend.Variable
}

// NewBill gives the circuit for chunks of size items, ready to compile. It panics for a size other than 16, 64 or 256.
func NewBill(size int) *Bill {
	switch size {
	case commit.SmallChunk, commit.MediumChunk, commit.LargeChunk:
		return &Bill{Lines: make([]Line, size)}
	}
	panic(fmt.Sprintf("circuit: there are no chunks of %d items", size))
}

// AssignBill gives the full assignment for w and the statement it proves, with the refusals of commit.BillWitness.Public.
func AssignBill(w commit.BillWitness) (*Bill, commit.BillPublic, error) {
	public, err := w.Public()
	if err != nil {
		return nil, commit.BillPublic{}, err
	}
	sums, err := commit.SumItems(w.Items)
	if err != nil {
		return nil, commit.BillPublic{}, err
	}
	total, err := sums.Total()
	if err != nil {
		return nil, commit.BillPublic{}, err
	}
	bill, err := AssignBillPublic(public, w.Size)
	if err != nil {
		return nil, commit.BillPublic{}, err
	}
	for i, item := range w.Items {
		inner, err := item.Inner(w.Context)
		if err != nil {
			return nil, commit.BillPublic{}, err
		}
		bill.Lines[i].assign(item.Amount, item.Category, 1, inner)
	}
	for i := len(w.Items); i < w.Size; i++ {
		bill.Lines[i].assign(0, 0, 0, commit.Digest{})
	}
	for k, sum := range sums {
		assignBits(bill.Sums[k][:], new(big.Int).SetUint64(sum))
	}
	assignBits(bill.Total[:], new(big.Int).SetUint64(total))
	assignBits(bill.R[:], new(big.Int).SetBytes(w.R[:]))
	assignBits(bill.S[:], new(big.Int).SetBytes(w.S[:]))
	return bill, public, nil
}

// AssignBillPublic gives the public half of an assignment; refused (point_invalid) when C or T is not on the curve.
func AssignBillPublic(p commit.BillPublic, size int) (*Bill, error) {
	c, err := coordinatesOf(p.C)
	if err != nil {
		return nil, err
	}
	t, err := coordinatesOf(p.T)
	if err != nil {
		return nil, err
	}
	bill := NewBill(size)
	bill.Context, bill.D, bill.C, bill.T = p.Context[:], p.D[:], c, t
	return bill, nil
}

func (l *Line) assign(amount uint64, category uint8, used int, inner commit.Digest) {
	assignBits(l.Amount[:], new(big.Int).SetUint64(amount))
	assignBits(l.Category[:], big.NewInt(int64(category)))
	l.Used = used
	l.Inner = inner[:]
}

// Define states the constraints.
func (b *Bill) Define(api frontend.API) error {
	api.Mul(b.Context, b.Context) // binds the context

	leaf, err := newCompressor(api, commit.LeafWidth)
	if err != nil {
		return err
	}
	leaves := make([]frontend.Variable, len(b.Lines))
	var parts [commit.Categories][]frontend.Variable
	for i := range b.Lines {
		amount, word := b.Lines[i].open(api)
		digest, err := leaf.compress([]frontend.Variable{word, b.Lines[i].Inner})
		if err != nil {
			return err
		}
		leaves[i] = api.Mul(b.Lines[i].Used, digest)
		for k, part := range splitByCategory(api, amount, b.Lines[i].Category) {
			parts[k] = append(parts[k], part)
		}
	}
	root, err := treeRoot(api, leaves)
	if err != nil {
		return err
	}
	api.AssertIsEqual(root, b.D)

	c := commitment{api: api}
	sums := make([]frontend.Variable, commit.Categories)
	for k := range sums {
		sums[k] = assertBits(api, b.Sums[k][:])
		// At most 256 amounts below 2^63: below 2^71, so equality in the field is equality of integers.
		api.AssertIsEqual(total(api, parts[k]), sums[k])
		c.addMultiple(commit.CategoryGenerator(k), b.Sums[k][:])
	}
	assertBits(api, b.R[:])
	c.addMultiple(commit.BlindingGenerator(), b.R[:])
	c.assertEquals(b.C)

	// 16 sums below 2^63: below 2^67.
	api.AssertIsEqual(total(api, sums), assertBits(api, b.Total[:]))
	assertBits(api, b.S[:])
	t := commitment{api: api}
	t.addMultiple(commit.AmountGenerator(), b.Total[:])
	t.addMultiple(commit.BlindingGenerator(), b.S[:])
	t.assertEquals(b.T)
	return nil
}

// open constrains the line's parts and gives its amount and its word amount + category*2^63 + used*2^67.
func (l *Line) open(api frontend.API) (amount, word frontend.Variable) {
	amount = assertBits(api, l.Amount[:])
	category := assertBits(api, l.Category[:])
	api.AssertIsBoolean(l.Used)
	content := api.Add(amount, api.Mul(category, new(big.Int).Lsh(big.NewInt(1), commit.AmountBits)))
	api.AssertIsEqual(api.Mul(l.Used, content), content) // an unused slot holds nothing
	return amount, api.Add(content, api.Mul(l.Used, new(big.Int).Lsh(big.NewInt(1), commit.AmountBits+categoryBits)))
}

// splitByCategory gives amount at the category's index and zero at the 15 others: a binary tree of 1 + 2 + 4 + 8 products, the highest bit first.
func splitByCategory(api frontend.API, amount frontend.Variable, category [categoryBits]frontend.Variable) []frontend.Variable {
	parts := []frontend.Variable{amount}
	for bit := categoryBits - 1; bit >= 0; bit-- {
		next := make([]frontend.Variable, 0, 2*len(parts))
		for _, part := range parts {
			upper := api.Mul(part, category[bit])
			next = append(next, api.Sub(part, upper), upper)
		}
		parts = next
	}
	return parts
}
