package commit

import (
	"crypto/rand"
	"crypto/sha512"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"entente/schema/refusal"
)

// CodeLinkInvalid refuses a link proof that does not hold.
const CodeLinkInvalid refusal.Code = "link_invalid"

// LinkSize is the length of a link proof: the challenge, a response for each category, and one for each of the two blindings, 32 bytes each.
const LinkSize = 32 * (1 + Categories + 2)

// Link is what a link proof states: the amount in A is what C holds in category K.
//
//	C = sum t[k]*G_k + r*H  and  A = t[K]*G + s*H, for some t, r and s
//
// It joins an amount that a circuit reasons about to the log's category commitments without showing either. The proof is Schnorr's for linear relations
// (Maurer, "Unifying Zero-Knowledge Proofs of Knowledge", 2009), made non-interactive by Fiat and Shamir's hash; no circuit and no key is needed.
//
// NB: equality is modulo Order(). Both sides are bounded far below it elsewhere: C by the bill proofs, A by the circuit it is used in.
type Link struct {
	Context Digest
	K       int
	C, A    Point
}

// LinkWitness is what the one who proves knows: the openings of both.
type LinkWitness struct {
	Context Digest
	K       int
	Totals  Totals
	R       Scalar // blinding of C
	S       Scalar // blinding of A
}

// Public computes the statement. Refused: category beyond the last (chunk_invalid), scalar_invalid, amount_out_of_range for an amount of 2^63 or more.
func (w LinkWitness) Public() (Link, error) {
	if w.K < 0 || w.K >= Categories {
		return Link{}, refusal.Newf(CodeChunkInvalid, "name one of the 16 categories", "there is no category %d", w.K)
	}
	c, err := CommitTotals(w.Totals, w.R)
	if err != nil {
		return Link{}, err
	}
	if w.Totals[w.K].High != 0 {
		return Link{}, checkAmount(1 << AmountBits)
	}
	a, err := CommitAmount(w.Totals[w.K].Low, w.S)
	return Link{Context: w.Context, K: w.K, C: c, A: a}, err
}

// ProveLink makes the proof, with randomness of the operating system.
func ProveLink(w LinkWitness) ([]byte, error) {
	public, err := w.Public()
	if err != nil {
		return nil, err
	}
	secrets := make([]*big.Int, 0, Categories+2)
	for _, t := range w.Totals {
		secrets = append(secrets, t.Big())
	}
	secrets = append(secrets, new(big.Int).SetBytes(w.R[:]), new(big.Int).SetBytes(w.S[:]))
	nonces := make([]*big.Int, len(secrets))
	for i := range nonces {
		if nonces[i], err = rand.Int(rand.Reader, &curve.Order); err != nil {
			return nil, fmt.Errorf("draw a nonce: %w", err)
		}
	}
	e := public.challenge(public.images(nonces))
	proof := make([]byte, 0, LinkSize)
	proof = append(proof, e[:]...)
	challenge := new(big.Int).SetBytes(e[:])
	for i, x := range secrets {
		z := new(big.Int).Mul(challenge, x)
		response := scalarOf(z.Add(z, nonces[i]))
		proof = append(proof, response[:]...)
	}
	return proof, nil
}

// VerifyLink checks a proof. The points must have been parsed with ParsePoint or be sums of such. Refused: link_invalid, point_invalid, and scalar_invalid for a
// number that is not below the order.
func VerifyLink(l Link, proof []byte) error {
	wrong := func() error {
		return refusal.Newf(CodeLinkInvalid, "ask its author for the proof again", "the charge is not shown to be what the bills hold in category %d", l.K)
	}
	if l.K < 0 || l.K >= Categories || len(proof) != LinkSize {
		return wrong()
	}
	var numbers []*big.Int
	for at := 0; at < len(proof); at += 32 {
		s, err := ParseScalar(proof[at : at+32])
		if err != nil {
			return err
		}
		numbers = append(numbers, new(big.Int).SetBytes(s[:]))
	}
	images := l.images(numbers[1:])
	for i, p := range []Point{l.C, l.A} {
		affine, err := p.affine()
		if err != nil {
			return err
		}
		var part twistededwards.PointAffine
		part.ScalarMultiplication(&affine, numbers[0])
		part.Neg(&part)
		images[i].Add(&images[i], &part)
	}
	if e := l.challenge(images); string(e[:]) != string(proof[:32]) {
		return wrong()
	}
	return nil
}

// images gives sum x[k]*G_k + x[16]*H and x[K]*G + x[17]*H.
func (l *Link) images(x []*big.Int) [2]twistededwards.PointAffine {
	set := generators()
	times := func(p *twistededwards.PointAffine, k *big.Int) (r twistededwards.PointAffine) {
		r.ScalarMultiplication(p, k)
		return r
	}
	var images [2]twistededwards.PointAffine
	images[0] = times(&set.Blinding, x[Categories])
	for k := range Categories {
		part := times(&set.Category[k], x[k])
		images[0].Add(&images[0], &part)
	}
	images[1] = times(&set.Amount, x[l.K])
	part := times(&set.Blinding, x[Categories+1])
	images[1].Add(&images[1], &part)
	return images
}

// challenge hashes the whole statement and the images: SHA-512 modulo Order(), which leaves a bias below 2^-256.
func (l *Link) challenge(images [2]twistededwards.PointAffine) Scalar {
	h := sha512.New()
	h.Write([]byte("entente/link/1\n"))
	h.Write(l.Context[:])
	h.Write([]byte{byte(l.K)})
	for _, p := range []Point{l.C, l.A, pointOf(&images[0]), pointOf(&images[1])} {
		h.Write(p[:])
	}
	return scalarOf(new(big.Int).SetBytes(h.Sum(nil)))
}
