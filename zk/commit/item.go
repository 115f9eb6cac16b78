package commit

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"entente/schema/refusal"
)

// Item is one line of a bill as the tree sees it.
type Item struct {
	Amount   uint64   // minor units of the bill's currency, below 2^63
	Category uint8    // below Categories
	Details  [32]byte // SHA-256 of the item record
	Salt     Digest   // DeriveSalt
}

func (i Item) check() error {
	if err := checkAmount(i.Amount); err != nil {
		return err
	}
	if i.Category >= Categories {
		return refusal.Newf(CodeItemInvalid, "use one of the agreement's categories", "category %d is not below %d", i.Category, Categories)
	}
	if _, err := i.Salt.element(); err != nil {
		return err
	}
	return nil
}

// Inner gives the digest that carries what an item is about: compress(details, salt, context, domain) at width 4, with the three top bits of Details
// cleared. The circuit takes it as it is.
func (i Item) Inner(context Digest) (Digest, error) {
	inner, err := i.inner(context)
	return inner.Bytes(), err
}

func (i Item) inner(context Digest) (fr.Element, error) {
	salt, err := i.Salt.element()
	if err != nil {
		return fr.Element{}, err
	}
	about, err := context.element()
	if err != nil {
		return fr.Element{}, err
	}
	return compress(innerPermutation(), []fr.Element{truncated(i.Details), salt, about, innerDomain()}), nil
}

// word packs amount | category<<63 | used<<67 with used = 1. It has 68 bits, so distinct items have distinct words and an item's word is never zero.
func (i Item) word() fr.Element {
	w := big.NewInt(1)
	w.Lsh(w, 4).Or(w, big.NewInt(int64(i.Category)))
	w.Lsh(w, AmountBits).Or(w, new(big.Int).SetUint64(i.Amount))
	var e fr.Element
	e.SetBigInt(w)
	return e
}

// leaf gives compress(word, inner) at width 2.
func (i Item) leaf(context Digest) (fr.Element, error) {
	if err := i.check(); err != nil {
		return fr.Element{}, err
	}
	inner, err := i.inner(context)
	if err != nil {
		return fr.Element{}, err
	}
	return compress(leafPermutation(), []fr.Element{i.word(), inner}), nil
}
