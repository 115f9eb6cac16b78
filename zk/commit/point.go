package commit

import (
	"bytes"
	"encoding/hex"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"entente/schema/refusal"
)

// Codes of this package's refusals.
const (
	CodePointInvalid      refusal.Code = "point_invalid"
	CodeScalarInvalid     refusal.Code = "scalar_invalid"
	CodeDigestInvalid     refusal.Code = "digest_invalid"
	CodeAmountOutOfRange  refusal.Code = "amount_out_of_range"
	CodeItemInvalid       refusal.Code = "item_invalid"
	CodeChunkInvalid      refusal.Code = "chunk_invalid"
	CodeDisclosureInvalid refusal.Code = "disclosure_invalid"
)

// Point is a commitment: affine x then y, each 32 bytes big-endian below the field's modulus. Each point has one such form. The zero value is not a point;
// the sum of nothing is Identity().
type Point [64]byte

// Scalar is a blinding factor: 32 bytes big-endian, below Order(). It is secret, and prints as a placeholder.
type Scalar [32]byte

// Digest is an element of BN254's scalar field: 32 bytes big-endian, below its modulus.
type Digest [32]byte

// Identity gives the neutral point (0, 1): the commitment to zero with blinding zero.
func Identity() Point {
	var p Point
	p[63] = 1
	return p
}

// ParsePoint reads a point from outside. It is refused (point_invalid) unless b has 64 bytes, both coordinates are below the modulus, and the point lies on
// the curve and in the prime-order subgroup.
func ParsePoint(b []byte) (Point, error) {
	var p Point
	if len(b) != len(p) {
		return p, refusal.Newf(CodePointInvalid, "send the point as 64 bytes, x then y", "a point has 64 bytes, this has %d", len(b))
	}
	copy(p[:], b)
	affine, err := p.affine()
	if err != nil {
		return Point{}, err
	}
	if !affine.IsInSubGroup() {
		return Point{}, refusal.New(CodePointInvalid, "the point is outside the prime-order subgroup", "ask the sender for the commitment it signed")
	}
	return p, nil
}

// ParseScalar reads a blinding factor; refused (scalar_invalid) unless b has 32 bytes and is below Order().
func ParseScalar(b []byte) (Scalar, error) {
	var s Scalar
	if len(b) != len(s) {
		return s, refusal.Newf(CodeScalarInvalid, "send the blinding as 32 bytes", "a blinding has 32 bytes, this has %d", len(b))
	}
	copy(s[:], b)
	if err := s.check(); err != nil {
		return Scalar{}, err
	}
	return s, nil
}

// ParseDigest reads a digest; refused (digest_invalid) unless b has 32 bytes and is below the field's modulus.
func ParseDigest(b []byte) (Digest, error) {
	var d Digest
	if len(b) != len(d) {
		return d, refusal.Newf(CodeDigestInvalid, "send the digest as 32 bytes", "a digest has 32 bytes, this has %d", len(b))
	}
	copy(d[:], b)
	if _, err := d.element(); err != nil {
		return Digest{}, err
	}
	return d, nil
}

// AddScalars adds blindings modulo Order(), as the blindings of added commitments do.
func AddScalars(scalars ...Scalar) (Scalar, error) {
	total, next := new(big.Int), new(big.Int)
	for i := range scalars {
		if err := scalars[i].check(); err != nil {
			return Scalar{}, err
		}
		total.Add(total, next.SetBytes(scalars[i][:]))
	}
	return scalarOf(total), nil
}

// SubScalar gives a - b modulo Order().
func SubScalar(a, b Scalar) (Scalar, error) {
	if err := a.check(); err != nil {
		return Scalar{}, err
	}
	if err := b.check(); err != nil {
		return Scalar{}, err
	}
	x := new(big.Int).SetBytes(a[:])
	return scalarOf(x.Sub(x, new(big.Int).SetBytes(b[:]))), nil
}

// scalarOf reduces v into [0, Order()).
func scalarOf(v *big.Int) Scalar {
	var s Scalar
	v.Mod(v, &curve.Order).FillBytes(s[:])
	return s
}

var orderBytes = func() (b [32]byte) {
	curve.Order.FillBytes(b[:])
	return b
}()

func (s Scalar) check() error {
	if bytes.Compare(s[:], orderBytes[:]) >= 0 {
		return refusal.New(CodeScalarInvalid, "the blinding is not below the group order", "derive it again with DeriveBlinding")
	}
	return nil
}

// element reads d as a field element; digest_invalid when it is not below the modulus.
func (d Digest) element() (fr.Element, error) {
	var e fr.Element
	if e.SetBytesCanonical(d[:]) != nil {
		return e, refusal.New(CodeDigestInvalid, "the digest is not below the field's modulus", "ask the sender for the digest it signed")
	}
	return e, nil
}

// Coordinates gives x and y as field elements. It is refused (point_invalid) when they are not below the modulus or not on the curve; the subgroup is not
// checked.
func (p Point) Coordinates() (x, y fr.Element, err error) {
	affine, err := p.affine()
	return affine.X, affine.Y, err
}

func (p Point) affine() (twistededwards.PointAffine, error) {
	affine, _, err := p.read()
	return affine, err
}

func (p Point) cached() (cached, error) {
	_, c, err := p.read()
	return c, err
}

// read decodes p and checks the curve's equation in the form (y-x)*(y+x) = 1 + d*(xy)^2, which costs little beside the cached form.
func (p Point) read() (twistededwards.PointAffine, cached, error) {
	var affine twistededwards.PointAffine
	if affine.X.SetBytesCanonical(p[:32]) != nil || affine.Y.SetBytesCanonical(p[32:]) != nil {
		return affine, cached{}, refusal.New(CodePointInvalid, "a coordinate is not below the field's modulus", "ask the sender for the commitment it signed")
	}
	c := cachedOf(&affine)
	var left, right, two fr.Element
	left.Mul(&c.sum, &c.difference)
	left.Double(&left)
	right.Mul(&affine.X, &affine.Y)
	right.Mul(&right, &c.product)
	right.Add(&right, two.SetUint64(2))
	if !left.Equal(&right) {
		return affine, cached{}, refusal.New(CodePointInvalid, "the point is not on the curve", "ask the sender for the commitment it signed")
	}
	return affine, c, nil
}

func pointOf(affine *twistededwards.PointAffine) Point {
	var p Point
	x, y := affine.X.Bytes(), affine.Y.Bytes()
	copy(p[:32], x[:])
	copy(p[32:], y[:])
	return p
}

// String gives the point in hexadecimal.
func (p Point) String() string { return hex.EncodeToString(p[:]) }

// String gives the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// String keeps blindings out of logs; MarshalText gives the value.
func (s Scalar) String() string { return "(blinding)" }

// GoString keeps blindings out of logs as String does.
func (s Scalar) GoString() string { return s.String() }

// MarshalText gives the point in hexadecimal.
func (p Point) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, p[:]), nil }

// MarshalText gives the digest in hexadecimal.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// MarshalText gives the blinding in hexadecimal, for openings that are sealed before they travel.
func (s Scalar) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText reads hexadecimal with the checks of ParsePoint.
func (p *Point) UnmarshalText(text []byte) (err error) {
	*p, err = unmarshal(text, CodePointInvalid, ParsePoint)
	return err
}

// UnmarshalText reads hexadecimal with the checks of ParseDigest.
func (d *Digest) UnmarshalText(text []byte) (err error) {
	*d, err = unmarshal(text, CodeDigestInvalid, ParseDigest)
	return err
}

// UnmarshalText reads hexadecimal with the checks of ParseScalar.
func (s *Scalar) UnmarshalText(text []byte) (err error) {
	*s, err = unmarshal(text, CodeScalarInvalid, ParseScalar)
	return err
}

func unmarshal[T any](text []byte, code refusal.Code, parse func([]byte) (T, error)) (T, error) {
	raw := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(raw, text); err != nil {
		var zero T
		return zero, refusal.New(code, "the text is not hexadecimal", "send lower-case hexadecimal digits")
	}
	return parse(raw)
}
