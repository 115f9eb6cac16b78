package audit

import (
	"slices"
	"strings"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

func TestChartersAndStatements(t *testing.T) {
	statement := func(change func(*madeStatement)) func(*world) { return func(w *world) { change(w.statements[0]) } }
	charter := func(change func(*wire.Charter), signers ...string) func(*world) {
		return func(w *world) { w.charter(change, signers...) }
	}
	run(t, []broken{
		{name: "signed by another nation", exit: 1, codes: []refusal.Code{CodeStatementUnsigned},
			world: statement(func(s *madeStatement) { s.signers = []string{"IND"} })},
		{name: "of another network", exit: 1, codes: []refusal.Code{wire.CodeWrongNetwork},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Network = "elsewhere" } })},
		{name: "in another currency", exit: 1, codes: []refusal.Code{CodeStatementForeign, CodeStatementMissing},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Currency = "USD" } })},
		{name: "about another log", exit: 1, codes: []refusal.Code{CodeStatementForeign, CodeStatementMissing},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Origin = "rbi.test/INR" } })},
		{name: "made at an earlier size", exit: 1, codes: []refusal.Code{CodeStatementStale},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Size-- } })},
		{name: "made at another root", exit: 1, codes: []refusal.Code{CodeStatementStale},
			world: statement(func(s *madeStatement) { s.before = func(s *wire.Statement) { s.Root[0] ^= 1 } })},
		{name: "a bill left out of the sum", exit: 1, codes: []refusal.Code{CodeStatementSum},
			world: statement(func(s *madeStatement) { s.bills = s.bills[:1] })},
		{name: "another total than the proven one", exit: 1, codes: []refusal.Code{proof.CodeProofInvalid},
			world: statement(func(s *madeStatement) { s.change = func(s *wire.Statement) { s.Shown[0][11]++ } })},
		{name: "another nonce than the proven one", exit: 1, codes: []refusal.Code{proof.CodeProofInvalid},
			world: statement(func(s *madeStatement) { s.change = func(s *wire.Statement) { s.Nonce[0]++ } })},
		{name: "a sum outside the group", exit: 1, codes: []refusal.Code{commit.CodePointInvalid, CodeStatementSum},
			world: statement(func(s *madeStatement) { s.change = func(s *wire.Statement) { s.Sum = [64]byte{} } })},
		{name: "none for a slice with bills", exit: 2, codes: []refusal.Code{CodeStatementMissing},
			world: func(w *world) { w.statements = w.statements[:1] }},
		{name: "two about one slice", exit: 1, codes: []refusal.Code{CodeStatementRepeated},
			after: func(_ *world, b *wire.Bundle) { b.Statements = append(b.Statements, b.Statements[0]) }},
		{name: "one about no bills", exit: 0,
			world: func(w *world) {
				w.statements = append(w.statements, &madeStatement{creditor: "JPN", ledger: "rba", mask: 0xffff})
			}},
		{name: "a signed document that is no statement", exit: 1, codes: []refusal.Code{wire.CodeMalformed, CodeStatementMissing},
			after: func(w *world, b *wire.Bundle) {
				b.Statements[0].Envelope = w.sign(wire.TypeStatement, []byte("totals"), wire.PurposeNation, "AUS")
			}},
		{name: "a signature changed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid},
			after: func(_ *world, b *wire.Bundle) { b.Statements[0].Envelope.Signatures[0].Bytes[0] ^= 1 }},
		{name: "no charter", exit: 2, codes: []refusal.Code{CodeCharterMissing}, after: func(_ *world, b *wire.Bundle) { b.Charters = nil }},
		{name: "a charter signed by two of three", exit: 1, codes: []refusal.Code{CodeCharterUnsigned, CodeCharterMissing},
			world: charter(func(*wire.Charter) {}, "AUS", "IND")},
		{name: "a charter of another network", exit: 1, codes: []refusal.Code{wire.CodeWrongNetwork, CodeCharterMissing},
			world: charter(func(c *wire.Charter) { c.Network = "elsewhere" }, "AUS", "IND", "JPN")},
		{name: "a charter with an unknown member", exit: 1, codes: []refusal.Code{CodeCharterUnsigned, CodeCharterMissing},
			world: charter(func(c *wire.Charter) { c.Members = append(c.Members, "USA") }, "AUS", "IND", "JPN")},
		{name: "a charter with a provider that has a nation's key", exit: 1, codes: []refusal.Code{CodeCharterUnsigned, CodeCharterMissing},
			world: func(w *world) {
				w.provider("USA")
				charter(func(c *wire.Charter) { c.Members = append(c.Members, "USA") }, "AUS", "IND", "JPN", "USA")(w)
			}},
		{name: "a charter with a signature changed", exit: 1, codes: []refusal.Code{wire.CodeSigInvalid, CodeCharterMissing},
			world: func(w *world) { w.charters[0].Signatures[0].Bytes[0] ^= 1 }},
		{name: "a signed document that is no charter", exit: 1, codes: []refusal.Code{wire.CodeMalformed, CodeCharterMissing},
			world: func(w *world) {
				w.charters[0] = w.sign(wire.TypeCharter, []byte("charter"), wire.PurposeNation, "AUS", "IND", "JPN")
			}},
		{name: "a charter that names a category twice", exit: 1, codes: []refusal.Code{wire.CodeMalformed, CodeCharterMissing},
			world: charter(func(c *wire.Charter) { c.Categories[1].Code = "fuel" }, "AUS", "IND", "JPN")},
		{name: "two charters of one programme", exit: 1, codes: []refusal.Code{CodeCharterRepeated},
			world: func(w *world) { w.charters = append(w.charters, w.charters[0]) }},
		{name: "a charter without a nation of a bill", exit: 1, codes: []refusal.Code{CodeBillForeign},
			world: charter(func(c *wire.Charter) {
				c.Members, c.Categories[4].Shares, c.Budgets = c.Members[:2], []uint32{1, 1}, c.Budgets[:2]
			}, "AUS", "IND")},
		{name: "a charter that does not name a billed category", exit: 1, codes: []refusal.Code{CodeCategoryUnnamed},
			world: charter(func(c *wire.Charter) { c.Categories, c.Budgets = c.Categories[:3], nil }, "AUS", "IND", "JPN")},
	})
}

func TestTotalsAreStatedOnlyWhereAllTheyRestOnIsProven(t *testing.T) {
	for name, c := range map[string]struct {
		after func(*wire.Bundle)
		want  string
	}{
		"everything is there":             {func(*wire.Bundle) {}, "AUD AUD AUD AUD AUD INR INR INR INR"},
		"bills cannot be checked":         {func(b *wire.Bundle) { b.Keys = b.Keys[1:] }, ""},
		"statements cannot be checked":    {func(b *wire.Bundle) { b.Keys = slices.Delete(slices.Clone(b.Keys), 1, 2) }, ""},
		"one creditor states nothing":     {func(b *wire.Bundle) { b.Statements = b.Statements[:1] }, "AUD AUD AUD AUD AUD"},
		"one log is missing":              {func(b *wire.Bundle) { b.Ledgers = b.Ledgers[1:] }, "INR INR INR INR"},
		"no charter names the categories": {func(b *wire.Bundle) { b.Charters = nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "real")
			b := w.build()
			c.after(&b)
			r := Verify(w.network, b.File(), nil)
			var got []string
			for _, total := range r.Totals {
				got = append(got, total.Currency)
			}
			if strings.Join(got, " ") != c.want || r.Result == Invalid {
				t.Errorf("%s with totals in %v, want %q", outcome(r), got, c.want)
			}
		})
	}
}
