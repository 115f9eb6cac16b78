package audit

import (
	"slices"
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

func TestWhatIsDamagedIsFoundOnce(t *testing.T) {
	t.Run("a bill that is missing", func(t *testing.T) {
		w := newWorld(t, "real")
		b := w.build()
		b.Bills = b.Bills[1:]
		if got, want := outcome(Verify(w.network, b.File(), nil)), expected(1, CodeBillMissing); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	t.Run("a bill's commitment that is no point", func(t *testing.T) {
		w := newWorld(t, "real")
		w.renumber = func() {
			l := &w.logs["rba"][w.find("rba", wire.LeafBill)]
			l.Chunks = slices.Clone(l.Chunks)
			l.Chunks[0].Categories = [64]byte{}
		}
		if got, want := outcome(Verify(w.network, fileOf(w.build()), nil)), expected(1, CodeLeafInvalid, CodeBillDiffers, CodeStatementSum); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	t.Run("an amount that is no point", func(t *testing.T) {
		w := newWorld(t, "real")
		issue := w.find("rba", wire.LeafIssue)
		sound := w.logs["rba"][issue].Amount
		w.logs["rba"][issue].Amount = make([]byte, 64)
		w.supplies[0].leaves = func(leaves []wire.Leaf) { leaves[issue].Amount = sound }
		r := Verify(w.network, fileOf(w.build()), nil)
		if got, want := outcome(r), expected(1, CodeLeafInvalid); got != want || r.Supplies != 1 {
			t.Errorf("%s with %d supplies, want %s", got, r.Supplies, want)
		}
	})
	t.Run("a posting that is no point", func(t *testing.T) {
		w := newWorld(t, "real")
		w.supplied()
		w.rates = []*madeRate{{swap: "swap", sell: "rbi", buy: "rba"}}
		b := w.build()
		leaf := w.logs["rbi"][w.find("rbi", wire.LeafPost)]
		leaf.Amount = make([]byte, 64)
		b.Ledgers[1].Leaves[leaf.Seq] = leaf.Bytes()
		w.resign(&b, 1)
		for _, f := range Verify(w.network, b.File(), nil).Findings {
			if f.Code == CodeRateAmount || f.Code == CodeRateMissing {
				t.Error(f)
			}
		}
	})
}
