package proof

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"entente/schema/refusal"
	"entente/zk/commit"
)

// Statement is what proofs are about.
type Statement interface {
	BillPublic | TotalsPublic | BudgetPublic | SharePublic | RatePublic | ReservePublic | PolicyPublic
}

// The statements that circuits prove.
const (
	ofBill    = "bill"
	ofTotals  = "totals"
	ofBudget  = "budget"
	ofShare   = "share"
	ofRate    = "rate"
	ofReserve = "reserve"
	ofPolicy  = "policy"
)

// kind is what a circuit's name says: what it proves, of how many items or accounts, and over how many public inputs.
type kind struct {
	statement string
	size      int
	inputs    int
}

var kinds = map[string]kind{
	Bill16:    {ofBill, commit.SmallChunk, 6},
	Bill64:    {ofBill, commit.MediumChunk, 6},
	Bill256:   {ofBill, commit.LargeChunk, 6},
	Totals:    {ofTotals, 0, 4 + commit.Categories},
	Budget:    {ofBudget, 0, 4 + commit.Categories},
	Share:     {ofShare, 0, 4 + 3*commit.MaxCharges},
	Rate:      {ofRate, 0, 8},
	Reserve16: {ofReserve, commit.SmallChunk, 3 + 2*commit.SmallChunk},
	Reserve64: {ofReserve, commit.MediumChunk, 3 + 2*commit.MediumChunk},
	Policy16:  {ofPolicy, commit.SmallChunk, 4},
	Policy64:  {ofPolicy, commit.MediumChunk, 4},
	Policy256: {ofPolicy, commit.LargeChunk, 4},
}

// inputsOf lists the public inputs of the named circuit for a statement, in the circuit's order. Refused: vk_unknown when the circuit proves other statements,
// and when the statement is not well formed.
func inputsOf(name string, statement any) ([]fr.Element, error) {
	kind := kinds[name]
	in := inputs{values: make([]fr.Element, 0, kind.inputs)}
	about := ""
	switch p := statement.(type) {
	case BillPublic:
		about = ofBill
		in.bill(p)
	case TotalsPublic:
		about = ofTotals
		in.totals(p)
	case BudgetPublic:
		about = ofBudget
		in.budget(p)
	case SharePublic:
		about = ofShare
		in.share(p)
	case RatePublic:
		about = ofRate
		in.rate(p)
	case ReservePublic:
		about = ofReserve
		in.reserve(p, kind.size)
	case PolicyPublic:
		about = ofPolicy
		in.policy(p)
	}
	if about != kind.statement {
		return nil, refusal.Newf(CodeKeyUnknown, "verify with the statement's own circuit", "the key of %s verifies nothing about a %s", name, about)
	}
	return in.values, in.err
}

// inputs gathers field elements, and keeps the first refusal.
type inputs struct {
	values []fr.Element
	err    error
}

func (in *inputs) refuse(err error) {
	if in.err == nil {
		in.err = err
	}
}

func (in *inputs) bill(p BillPublic) {
	in.digest(p.Context)
	in.digest(p.D)
	in.point(p.C)
	in.point(p.T)
}

func (in *inputs) totals(p TotalsPublic) {
	in.digest(p.Context)
	in.point(p.C)
	in.number(uint64(p.Mask))
	for _, total := range p.Shown {
		in.total(total)
	}
}

func (in *inputs) budget(p BudgetPublic) {
	in.digest(p.Context)
	in.point(p.C)
	for _, limit := range append(p.Limits[:], p.Grand) {
		if commit.MaxLimit.Less(limit) {
			in.refuse(refusal.New(commit.CodeAmountOutOfRange, "a limit is 2^80 minor units or more", "state a limit below 2^80"))
		}
		in.total(limit)
	}
}

func (in *inputs) share(p SharePublic) {
	if len(p.Charges) == 0 || len(p.Charges) > commit.MaxCharges || len(p.Weights) != len(p.Charges) {
		in.refuse(refusal.Newf(commit.CodeShareInvalid, "share among 1 to 8 members, each with a weight", "%d charges by %d weights cannot be", len(p.Charges), len(p.Weights)))
		return
	}
	in.digest(p.Context)
	in.point(p.Total)
	for i := range commit.MaxCharges {
		if i < len(p.Charges) {
			in.point(p.Charges[i])
		} else {
			in.point(commit.Identity())
		}
	}
	for i := range commit.MaxCharges {
		if i < len(p.Weights) {
			in.number(uint64(p.Weights[i]))
		} else {
			in.number(0)
		}
	}
	in.digest(p.Formula)
}

func (in *inputs) rate(p RatePublic) {
	multiplier, divisor, err := p.Fraction()
	if err != nil {
		in.refuse(err)
		return
	}
	in.digest(p.Context)
	in.point(p.A)
	in.point(p.B)
	var m, d fr.Element
	in.values = append(in.values, *m.SetBigInt(multiplier), *d.SetBigInt(divisor))
	in.number(uint64(p.Rounding))
}

func (in *inputs) reserve(p ReservePublic, size int) {
	if len(p.Balances) > size {
		in.refuse(refusal.Newf(commit.CodeBlockInvalid, "split the accounts into several blocks", "%d balances do not fit a block of %d", len(p.Balances), size))
		return
	}
	in.digest(p.Context)
	for i := range size {
		if i < len(p.Balances) {
			in.point(p.Balances[i])
		} else {
			in.point(commit.Identity())
		}
	}
	in.point(p.Sum)
}

func (in *inputs) policy(p PolicyPublic) {
	if p.Threshold>>commit.AmountBits != 0 {
		in.refuse(refusal.New(commit.CodeAmountOutOfRange, "the threshold is 2^63 minor units or more", "state a threshold below 2^63"))
	}
	in.digest(p.Context)
	in.digest(p.D)
	in.number(p.Threshold)
	in.number(uint64(p.Allowed))
}

func (in *inputs) digest(d commit.Digest) {
	var e fr.Element
	if e.SetBytesCanonical(d[:]) != nil {
		in.refuse(refusal.New(commit.CodeDigestInvalid, "the digest is not below the field's modulus", "ask the sender for the digest it signed"))
	}
	in.values = append(in.values, e)
}

func (in *inputs) point(p commit.Point) {
	x, y, err := p.Coordinates()
	if err != nil {
		in.refuse(err)
	}
	in.values = append(in.values, x, y)
}

func (in *inputs) number(n uint64) {
	var e fr.Element
	in.values = append(in.values, *e.SetUint64(n))
}

func (in *inputs) total(t commit.Total) {
	var e fr.Element
	in.values = append(in.values, *e.SetBigInt(t.Big()))
}
