package node

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/zk/commit"
)

// opening opens the commitment that leaves add up to.
type opening struct {
	minor    int64
	blinding commit.Scalar
}

func (o *opening) add(minor int64, blinding commit.Scalar) (err error) {
	o.minor += minor
	o.blinding, err = commit.AddScalars(o.blinding, blinding)
	return err
}

func (o *opening) sub(minor int64, blinding commit.Scalar) (err error) {
	o.minor -= minor
	o.blinding, err = commit.SubScalar(o.blinding, blinding)
	return err
}

// book opens what the bank's log adds up to: the balance of every account, and the legs of the swaps it settled. It follows the journal and can be read anew
// at any time, so that nothing of it needs storing.
type book struct {
	engine   *engine.Engine
	veil     engine.Veil
	size     int64 // entries read
	issuance string
	accounts map[string]*opening
	legs     map[wire.Hash]*opening // posted by a reference
	posted   []wire.Hash            // references of these, whose rates are to be proven
}

func newBook(e *engine.Engine, veil engine.Veil) *book {
	return &book{engine: e, veil: veil, accounts: map[string]*opening{}, legs: map[wire.Hash]*opening{}}
}

// bookPage is how many entries are read at a time.
const bookPage = 4096

// read follows the journal up to size.
func (b *book) read(ctx context.Context, size int64) error {
	for b.size < size {
		entries, err := b.engine.Entries(ctx, b.size, min(size, b.size+bookPage))
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return fmt.Errorf("the journal ends at %d, before %d", b.size, size)
		}
		for i := range entries {
			if err := b.take(&entries[i]); err != nil {
				return fmt.Errorf("entry %d: %w", entries[i].Seq, err)
			}
			b.size++
		}
	}
	return nil
}

func (b *book) take(e *ledger.Entry) error {
	if e.Kind == wire.LeafIssue {
		b.issuance = e.Debit
	}
	if !e.Kind.Moves() {
		return nil
	}
	body, err := e.Bytes()
	if err != nil {
		return err
	}
	blinding := b.veil.BlindingOf(e, body)
	if e.Kind == wire.LeafPost {
		if err := at(b.legs, e.Reference).add(e.Minor, blinding); err != nil {
			return err
		}
		if e.Part == 0 { // the decision is made, so the rate stands, whenever the money leaves suspense
			b.posted = append(b.posted, e.Reference)
		}
	}
	if err := at(b.accounts, e.Debit).sub(e.Minor, blinding); err != nil {
		return err
	}
	return at(b.accounts, e.Credit).add(e.Minor, blinding)
}

func at[K comparable](m map[K]*opening, key K) *opening {
	if m[key] == nil {
		m[key] = &opening{}
	}
	return m[key]
}

// balances lists what opens the accounts' balances but issuance's, in the order of the accounts' tags.
func (b *book) balances() []opening {
	type tagged struct {
		tag wire.Hash
		opening
	}
	var list []tagged
	for id, o := range b.accounts {
		if id != b.issuance {
			list = append(list, tagged{b.veil.Tag(id), *o})
		}
	}
	slices.SortFunc(list, func(x, y tagged) int { return bytes.Compare(x.tag[:], y.tag[:]) })
	openings := make([]opening, len(list))
	for i := range list {
		openings[i] = list[i].opening
	}
	return openings
}
