package proof

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"entente/schema/refusal"
	"entente/zk/commit"
)

// publicInputs gives how many public inputs the named circuit has, or false when there is no such circuit.
func publicInputs(name string) (int, bool) {
	switch name {
	case Bill16, Bill64, Bill256:
		return 6, true
	case Totals:
		return 4 + commit.Categories, true
	}
	return 0, false
}

// billInputs lists the public inputs of a bill circuit in the circuit's order.
func billInputs(p BillPublic) ([]fr.Element, error) {
	inputs := make([]fr.Element, 0, 6)
	for _, d := range []commit.Digest{p.Context, p.D} {
		e, err := fieldElement(d)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, e)
	}
	for _, point := range []commit.Point{p.C, p.T} {
		x, y, err := point.Coordinates()
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, x, y)
	}
	return inputs, nil
}

// totalsInputs lists the public inputs of the totals circuit in the circuit's order.
func totalsInputs(p TotalsPublic) ([]fr.Element, error) {
	context, err := fieldElement(p.Context)
	if err != nil {
		return nil, err
	}
	x, y, err := p.C.Coordinates()
	if err != nil {
		return nil, err
	}
	inputs := make([]fr.Element, 4, 4+commit.Categories)
	inputs[0], inputs[1], inputs[2] = context, x, y
	inputs[3].SetUint64(uint64(p.Mask))
	for _, total := range p.Shown {
		var e fr.Element
		inputs = append(inputs, *e.SetBigInt(total.Big()))
	}
	return inputs, nil
}

func fieldElement(d commit.Digest) (fr.Element, error) {
	var e fr.Element
	if e.SetBytesCanonical(d[:]) != nil {
		return e, refusal.New(commit.CodeDigestInvalid, "the digest is not below the field's modulus", "ask the sender for the digest it signed")
	}
	return e, nil
}
