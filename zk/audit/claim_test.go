package audit

import (
	"testing"

	"entente/schema/wire"
	"entente/zk/proof"
)

func TestOnlyClaimsThatHoldAreCounted(t *testing.T) {
	first := func(change func(*wire.Proven)) func(*wire.Bundle) {
		return func(b *wire.Bundle) {
			for _, claims := range [][]wire.Proven{b.Budgets, b.Shares, b.Rates, b.Supplies} {
				change(&claims[0])
			}
		}
	}
	for name, c := range map[string]struct {
		after func(*wire.Bundle)
		want  [4]int
	}{
		"all hold":            {func(*wire.Bundle) {}, [4]int{2, 2, 1, 2}},
		"a proof is no proof": {first(func(p *wire.Proven) { p.Proofs[0] = make([]byte, 256) }), [4]int{1, 1, 0, 1}},
		"a proof is missing":  {first(func(p *wire.Proven) { p.Proofs = p.Proofs[1:] }), [4]int{1, 1, 0, 1}},
		"a signature is bad":  {first(func(p *wire.Proven) { p.Envelope.Signatures[0].Bytes[3] ^= 1 }), [4]int{1, 1, 0, 1}},
		"a link is bad":       {func(b *wire.Bundle) { b.Shares[0].Proofs[2] = make([]byte, 608) }, [4]int{2, 1, 1, 2}},
		"no key of bills":     {func(b *wire.Bundle) { b.Keys = without(b.Keys, proof.Bill16) }, [4]int{0, 0, 1, 2}},
		"no key of budgets":   {func(b *wire.Bundle) { b.Keys = without(b.Keys, proof.Budget) }, [4]int{0, 2, 1, 2}},
		"no key of shares":    {func(b *wire.Bundle) { b.Keys = without(b.Keys, proof.Share) }, [4]int{2, 0, 1, 2}},
		"no key of rates":     {func(b *wire.Bundle) { b.Keys = without(b.Keys, proof.Rate) }, [4]int{2, 2, 0, 2}},
		"no key of reserves":  {func(b *wire.Bundle) { b.Keys = without(b.Keys, proof.Reserve16) }, [4]int{2, 2, 1, 0}},
		"no charter":          {func(b *wire.Bundle) { b.Charters = nil }, [4]int{0, 0, 1, 2}},
		"no log of rbi":       {func(b *wire.Bundle) { b.Ledgers = b.Ledgers[:1] }, [4]int{1, 1, 0, 1}},
		"no bill of rba":      {func(b *wire.Bundle) { b.Bills = b.Bills[1:] }, [4]int{1, 1, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "real")
			b := w.build()
			c.after(&b)
			r := Verify(w.network, b.File(), nil)
			if got := [4]int{r.Budgets, r.Shares, r.Rates, r.Supplies}; got != c.want {
				t.Errorf("budgets, shares, rates and supplies %v hold, want %v: %v", got, c.want, r.Findings)
			}
		})
	}
}
