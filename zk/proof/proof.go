package proof

import (
	"bytes"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"

	"entente/schema/refusal"
	"entente/zk/commit"
)

// Codes of this package's refusals.
const (
	CodeProofInvalid   refusal.Code = "proof_invalid"
	CodeProofMalformed refusal.Code = "proof_malformed"
	CodeKeyUnknown     refusal.Code = "vk_unknown"
	CodeKeyDamaged     refusal.Code = "vk_damaged"
)

// Names of the circuits.
const (
	Bill16    = "bill-16"
	Bill64    = "bill-64"
	Bill256   = "bill-256"
	Totals    = "totals"
	Budget    = "budget"
	Share     = "share"
	Rate      = "rate"
	Reserve16 = "reserve-16"
	Reserve64 = "reserve-64"
	Policy16  = "policy-16"
	Policy64  = "policy-64"
	Policy256 = "policy-256"
)

// Names gives every circuit's name, the small ones first.
func Names() []string {
	return []string{Rate, Policy16, Totals, Budget, Bill16, Share, Reserve16, Policy64, Bill64, Reserve64, Bill256, Policy256}
}

// BillName gives the circuit that proves chunks of size items: 16, 64 or 256.
func BillName(size int) string { return fmt.Sprintf("bill-%d", size) }

// ReserveName gives the circuit that proves blocks of size accounts: 16 or 64.
func ReserveName(size int) string { return fmt.Sprintf("reserve-%d", size) }

// PolicyName gives the circuit that proves a policy about chunks of size items: 16, 64 or 256.
func PolicyName(size int) string { return fmt.Sprintf("policy-%d", size) }

// The statements and witnesses are those of package commit.
type (
	BillPublic     = commit.BillPublic
	BillWitness    = commit.BillWitness
	TotalsPublic   = commit.TotalsPublic
	TotalsWitness  = commit.TotalsWitness
	BudgetPublic   = commit.BudgetPublic
	BudgetWitness  = commit.BudgetWitness
	SharePublic    = commit.SharePublic
	ShareWitness   = commit.ShareWitness
	RatePublic     = commit.RatePublic
	RateWitness    = commit.RateWitness
	ReservePublic  = commit.ReservePublic
	ReserveWitness = commit.ReserveWitness
	PolicyPublic   = commit.PolicyPublic
	PolicyWitness  = commit.PolicyWitness
)

const (
	g1Size = 64
	g2Size = 128

	// ProofSize is the length of every proof in bytes.
	ProofSize = 2*g1Size + g2Size
)

// Proof is A, B, C uncompressed: each coordinate 32 bytes big-endian below the base field's modulus, B's with the imaginary part first.
type Proof [ProofSize]byte

type points struct {
	a, c bn254.G1Affine
	b    bn254.G2Affine
}

func (p *points) encode() (proof Proof) {
	a, b, c := p.a.RawBytes(), p.b.RawBytes(), p.c.RawBytes()
	copy(proof[:], a[:])
	copy(proof[g1Size:], b[:])
	copy(proof[g1Size+g2Size:], c[:])
	return proof
}

func decodeProof(b []byte) (points, error) {
	var p points
	if len(b) != ProofSize {
		return p, refusal.Newf(CodeProofMalformed, "ask the prover for the whole proof", "a proof has %d bytes, this has %d", ProofSize, len(b))
	}
	var ok [3]bool
	p.a, ok[0] = decodeG1(b)
	p.b, ok[1] = decodeG2(b[g1Size:])
	p.c, ok[2] = decodeG1(b[g1Size+g2Size:])
	if again := p.encode(); ok != [3]bool{true, true, true} || !bytes.Equal(again[:], b) {
		return p, refusal.New(CodeProofMalformed, "a point of the proof is not canonical, at infinity, off the curve or outside its subgroup", "treat the proof as forged")
	}
	return p, nil
}

// decodeG1 reads 64 bytes; false unless they are a finite point of the group in canonical form. G1 has a prime order: on the curve is in the group.
func decodeG1(b []byte) (p bn254.G1Affine, ok bool) {
	if p.X.SetBytesCanonical(b[:fp.Bytes]) != nil || p.Y.SetBytesCanonical(b[fp.Bytes:g1Size]) != nil {
		return p, false
	}
	return p, !p.IsInfinity() && p.IsOnCurve() && p.IsInSubGroup()
}

// decodeG2 reads 128 bytes; false unless they are a finite point of the prime-order subgroup in canonical form.
func decodeG2(b []byte) (p bn254.G2Affine, ok bool) {
	for i, e := range []*fp.Element{&p.X.A1, &p.X.A0, &p.Y.A1, &p.Y.A0} {
		if e.SetBytesCanonical(b[i*fp.Bytes:(i+1)*fp.Bytes]) != nil {
			return p, false
		}
	}
	return p, !p.IsInfinity() && p.IsOnCurve() && p.IsInSubGroup()
}
