package audit

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/proof"
	"entente/zk/transcript"
)

func TestRates(t *testing.T) {
	before := func(change func(*wire.RateClaim)) func(*world) { return func(w *world) { w.rates[0].before = change } }
	after := func(change func(*wire.RateClaim)) func(*world) { return func(w *world) { w.rates[0].change = change } }
	signers := func(names ...string) func(*world) { return func(w *world) { w.rates[0].signers = names } }
	proofs := func(change func([][]byte) [][]byte) func(*world) {
		return func(w *world) { w.rates[0].proofs = change }
	}
	invalid := []refusal.Code{proof.CodeProofInvalid}
	foreign := []refusal.Code{CodeClaimForeign, CodeRateMissing}
	unfounded := []refusal.Code{CodeClaimUnfounded}
	runWhole(t, []broken{
		{name: "none", exit: 2, codes: []refusal.Code{CodeRateMissing}, world: func(w *world) { w.rates = nil }},
		{name: "signed by the other bank", exit: 1, codes: []refusal.Code{CodeClaimUnsigned}, world: signers("rba")},
		{name: "signed by both banks", exit: 1, codes: []refusal.Code{CodeClaimUnsigned}, world: signers("rba", "rbi")},
		{name: "signed by a nation", exit: 1, codes: []refusal.Code{wire.CodeKeyPurpose}, world: signers("IND")},
		{name: "a signature changed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid},
			after: func(_ *world, b *wire.Bundle) { b.Rates[0].Envelope.Signatures[0].Bytes[0] ^= 1 }},
		{name: "of another network", exit: 1, codes: []refusal.Code{wire.CodeWrongNetwork}, world: before(func(c *wire.RateClaim) { c.Network = "elsewhere" })},
		{name: "in another currency sold", exit: 1, codes: foreign, world: after(func(c *wire.RateClaim) { c.SellCurrency = "JPY" })},
		{name: "in another currency bought", exit: 1, codes: foreign, world: after(func(c *wire.RateClaim) { c.BuyCurrency = "JPY" })},
		{name: "with an unknown bank", exit: 1, codes: foreign, world: after(func(c *wire.RateClaim) { c.BuyBank = "nobody" })},
		{name: "with one bank for both legs", exit: 1, codes: foreign, world: after(func(c *wire.RateClaim) { c.BuyBank, c.BuyCurrency = "rbi", "INR" })},
		{name: "two about one swap", exit: 1, codes: []refusal.Code{CodeClaimRepeated},
			after: func(_ *world, b *wire.Bundle) { b.Rates = append(b.Rates, b.Rates[0]) }},
		{name: "about no swap", exit: 1, codes: append(unfounded, CodeRateMissing), world: after(func(c *wire.RateClaim) { c.Swap[0] ^= 1 })},
		{name: "about a swap that one log alone has", exit: 1, codes: unfounded,
			world: func(w *world) {
				w.log("rbi", w.moving(wire.LeafHold, "late", 5), w.moving(wire.LeafPost, "late", 5))
				w.partial, w.budgets, w.shares, w.supplies = true, nil, nil, nil
				w.rates = append(w.rates, &madeRate{swap: "late", sell: "rbi", buy: "rba"})
			}},
		{name: "another amount sold", exit: 1, codes: []refusal.Code{CodeRateAmount}, world: after(func(c *wire.RateClaim) { c.Sold = c.Bought })},
		{name: "another amount bought", exit: 1, codes: []refusal.Code{CodeRateAmount}, world: after(func(c *wire.RateClaim) { c.Bought[0] ^= 1 })},
		{name: "another rate", exit: 1, codes: invalid, world: before(func(c *wire.RateClaim) { c.RateMantissa++ })},
		{name: "another scale", exit: 1, codes: invalid, world: before(func(c *wire.RateClaim) { c.RateScale++ })},
		{name: "another rounding", exit: 1, codes: invalid, world: before(func(c *wire.RateClaim) { c.Rounding = uint8(money.RoundUp) })},
		{name: "a rate of nothing", exit: 1, codes: []refusal.Code{money.CodeRateInvalid}, world: after(func(c *wire.RateClaim) { c.RateMantissa = 0 })},
		{name: "a scale that cannot be", exit: 1, codes: []refusal.Code{money.CodeRateInvalid}, world: after(func(c *wire.RateClaim) { c.RateScale = 19 })},
		{name: "no rounding", exit: 1, codes: []refusal.Code{money.CodeRoundingUnknown}, world: before(func(c *wire.RateClaim) { c.Rounding = 0 })},
		{name: "another nonce than the proven one", exit: 1, codes: invalid, world: after(func(c *wire.RateClaim) { c.Nonce[0]++ })},
		{name: "no proof", exit: 1, codes: []refusal.Code{CodeProofMissing}, world: proofs(func([][]byte) [][]byte { return nil })},
		{name: "bytes that are no proof", exit: 1, codes: []refusal.Code{proof.CodeProofMalformed}, world: proofs(func([][]byte) [][]byte { return [][]byte{{1}} })},
		{name: "no key to check them with", exit: 2, codes: []refusal.Code{CodeKeyMissing}, after: func(_ *world, b *wire.Bundle) { b.Keys = without(b.Keys, proof.Rate) }},
	})
}

func TestSwapsThatNoRateIsDueFor(t *testing.T) {
	post := func(bank string) func(*world) {
		return func(w *world) { w.log(bank, w.moving(wire.LeafHold, "late", 5), w.moving(wire.LeafPost, "late", 5)) }
	}
	for name, c := range map[string]struct {
		world func(*world)
		want  string
	}{
		"posted in the log of the sold currency alone":                   {post("rbi"), "one log alone shows as posted: 1."},
		"posted in the log of the bought currency alone":                 {post("rba"), "one log alone shows as posted: 1."},
		"released in the other log, which is no posting":                 {func(w *world) { post("rbi")(w); w.log("rba", w.moving(wire.LeafRelease, "late", 0)) }, "one log alone shows as posted: 1."},
		"a transfer inside one ledger under the reference of its own":    {func(w *world) { w.log("rbi", w.moving(wire.LeafTransfer, "inside", 5)) }, ""},
		"a hold alone, whether or not it is given back, settles nothing": {func(w *world) { w.log("rbi", w.moving(wire.LeafHold, "early", 5)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "real")
			c.world(w)
			w.statements, w.budgets, w.shares, w.supplies = nil, nil, nil, nil
			r := Verify(w.network, fileOf(w.build()), nil)
			text := strings.Join(r.NotChecked, "\n")
			missed := slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == CodeRateMissing })
			if r.ExitCode() != 2 || missed || r.Rates != 1 || !strings.Contains(text, c.want) || c.want == "" && strings.Contains(text, "one log alone") {
				t.Errorf("%s with %d rates, not checked:\n%s", outcome(r), r.Rates, text)
			}
		})
	}
}

func TestClaimsNameTheTwoLedgersThatPosted(t *testing.T) {
	post := func(w *world, banks ...string) {
		for _, bank := range banks {
			w.log(bank, w.moving(wire.LeafHold, "other", 5), w.moving(wire.LeafPost, "other", 5))
		}
	}
	for name, c := range map[string]struct {
		banks   []string
		claimed bool
		want    []refusal.Code
	}{
		"three ledgers have no single rate":           {[]string{"rba", "rbi", "boj"}, false, nil},
		"and no claim is about two of them":           {[]string{"rba", "rbi", "boj"}, true, []refusal.Code{CodeClaimUnfounded}},
		"another ledger posted in place of the buyer": {[]string{"rbi", "boj"}, true, []refusal.Code{CodeClaimUnfounded, CodeRateMissing}},
		"another ledger in place of the seller":       {[]string{"rba", "boj"}, true, []refusal.Code{CodeClaimUnfounded, CodeRateMissing}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "real")
			third := w.network.Banks[0]
			third.ID, third.Name, third.Currency, third.LogOrigin, third.Keys = "boj", "boj", "JPY", "boj.test/JPY", nil
			third.LogKey = transcript.VerifierKey(third.LogOrigin, w.key(third.LogOrigin).Public().(ed25519.PublicKey))
			third.Witness = transcript.CosignerKey(third.LogOrigin+"/witness", w.key("boj witness").Public().(ed25519.PublicKey))
			w.network.Banks = append(w.network.Banks, third)
			if err := w.network.Check(); err != nil {
				t.Fatal(err)
			}
			post(w, c.banks...)
			swap := w.rates[0]
			w.supplied()
			w.statements, w.rates = nil, []*madeRate{swap}
			if c.claimed {
				w.rates = append(w.rates, &madeRate{swap: "other", sell: "rbi", buy: "rba"})
			}
			r := Verify(w.network, fileOf(w.build()), nil)
			var got []refusal.Code
			for _, f := range r.Findings {
				if f.Code == CodeClaimUnfounded || f.Code == CodeRateMissing {
					got = append(got, f.Code)
				}
			}
			counted := strings.Contains(strings.Join(r.NotChecked, "\n"), "no single rate: 1.")
			if !slices.Equal(got, c.want) || counted != (len(c.banks) == 3) || r.Rates != 1 {
				t.Errorf("%v with %d rates, want %v; not checked: %q", got, r.Rates, c.want, r.NotChecked)
			}
		})
	}
}
