package audit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

// programme is what makes a slice's totals one table: a programme on one ledger.
type programme struct {
	bank string
	tag  wire.Hash
}

// slice is what one statement is about: the bills of one nation in a programme on one ledger. A statement's nation is the creditor.
type slice struct {
	programme
	nation string
}

// content is what the logs hold of a slice.
type content struct {
	sum    commit.Sum // of the category commitments of all bills in force
	bills  int
	summed bool // every bill's commitments are valid
	proven bool // and every bill countersigned and proven
	stated *statement
}

// nothing is the content of a slice without bills: its sum is the identity.
func nothing() *content { return &content{summed: true, proven: true} }

// statement is a signed statement of the bundle.
type statement struct {
	wire.Statement
	proof   []byte
	where   string
	holds   bool // first all but the proof, then all
	key     *key // under which the proof verifies
	refusal error
}

// statements checks what creditors show against the commitments added here, and adds up what is proven.
func (a *audit) statements() string {
	contents := gather(a, func(b *bill) slice { return slice{programme{b.Ledger, b.Programme}, b.Creditor} })
	stated := make([]*statement, 0, len(a.bundle.Statements))
	for i := range a.bundle.Statements {
		if s := a.readStatement(i, contents); s != nil {
			stated = append(stated, s)
		}
	}
	usable := len(stated) > 0 && a.usable(proof.Totals, "statements")
	if usable {
		a.each(len(stated), func(i int) { stated[i].verify(a) })
	}
	for _, s := range stated {
		if s.refusal != nil {
			a.refused(s.refusal, proof.CodeProofInvalid, s.where)
		}
		if s.key != nil {
			s.key.proofs++
		}
		if s.holds = s.holds && s.key != nil; s.holds {
			a.report.Statements++
		}
	}
	a.addTotals(contents)
	return fmt.Sprintf("%d of %d statements of totals hold, over %d slices with bills", a.report.Statements, len(a.bundle.Statements), len(contents))
}

// gather adds the category commitments of all bills in force by whatever key gives, which must be part of the bill's programme on its ledger.
func gather[K comparable](a *audit, key func(*bill) K) map[K]*content {
	contents := map[K]*content{}
	for _, l := range a.logged {
		for _, e := range l.order {
			if e.bill == nil || !e.bill.decoded {
				a.unplaced[programme{l.bank.ID, e.leaf.Programme}] = true
				continue
			}
			if e.state == replaced || e.bill.Ledger != l.bank.ID {
				continue
			}
			c := contents[key(e.bill)]
			if c == nil {
				c = nothing()
				contents[key(e.bill)] = c
			}
			c.bills++
			c.summed = c.summed && e.summed
			c.proven = c.proven && e.bill.proven && e.summed
			if e.summed {
				mustAdd(&c.sum, e.categories)
			}
		}
	}
	return contents
}

// readStatement checks all of a statement but its proof; nil when there is nothing to prove.
func (a *audit) readStatement(i int, contents map[slice]*content) *statement {
	envelope := &a.bundle.Statements[i].Envelope
	s := &statement{proof: a.bundle.Statements[i].Proof, where: fmt.Sprintf("statement %d", i)}
	signers, unsigned := envelope.Verify(wire.TypeStatement, a.network)
	if unsigned != nil {
		a.refused(unsigned, wire.CodeSigInvalid, s.where)
	}
	if err := wire.Decode(envelope.Payload, wire.LimitAttachment, &s.Statement); err != nil {
		a.refused(err, wire.CodeMalformed, s.where)
		return nil
	}
	s.where = fmt.Sprintf("statement %d (%s on the ledger of %s)", i, s.Creditor, s.Ledger)
	s.holds = unsigned == nil
	refuse := func(code refusal.Code, format string, args ...any) {
		a.find(Invalid, code, s.where, format, args...)
		s.holds = false
	}
	if unsigned == nil && !signedBy(signers, s.Creditor) {
		refuse(CodeStatementUnsigned, "it is not signed by its creditor alone")
	}
	if s.Network != a.network.Network {
		refuse(wire.CodeWrongNetwork, "it is of network %q", s.Network)
	}
	bank, known := a.network.Bank(s.Ledger)
	if !known || s.Currency != bank.Currency || s.Origin != bank.LogOrigin {
		refuse(CodeStatementForeign, "ledger %q, currency %q and log %q are not those of one pinned bank", s.Ledger, s.Currency, s.Origin)
		return s
	}
	l := a.ledgers[bank.ID]
	if l == nil {
		s.holds = false // the missing log is a finding already
		return s
	}
	if size, root := l.claimed(); s.Size != size || s.Root != wire.Hash(root) {
		refuse(CodeStatementStale, "it was made at %d leaves with root %s, the log here has %d with root %s", s.Size, s.Root.Short(), size, wire.Hash(root).Short())
	}
	c := contents[slice{programme{bank.ID, s.Programme}, s.Creditor}]
	if c == nil {
		c = nothing()
	}
	if c.stated != nil {
		refuse(CodeStatementRepeated, "another statement is about the same slice")
	} else {
		c.stated = s
	}
	if a.unplaced[programme{bank.ID, s.Programme}] {
		s.holds = false // a bill is missing, and it may be of this slice: the sum cannot be told
	} else if commit.Point(s.Sum) != c.sum.Point() {
		refuse(CodeStatementSum, "its sum is not that of the commitments of the %d bills in the log", c.bills)
	}
	return s
}

// verify checks the proof, for a context rebuilt from the signed statement.
func (s *statement) verify(a *audit) {
	sum, err := commit.ParsePoint(s.Sum[:])
	if err != nil {
		s.refusal = err
		return
	}
	public := commit.TotalsPublic{Context: commit.StatementContext(s.Statement), C: sum, Mask: s.Mask}
	for k, total := range s.Shown {
		public.Shown[k] = commit.Total{High: binary.BigEndian.Uint32(total[:4]), Low: binary.BigEndian.Uint64(total[4:])}
	}
	s.key, s.refusal = a.anyKey(proof.Totals, func(k *key) error { return k.verifier.VerifyTotals(public, s.proof) })
}

// addTotals states the totals of every programme on every ledger of which all slices are proven, and says what is missing from the others.
func (a *audit) addTotals(contents map[slice]*content) {
	groups := map[programme][]slice{}
	for key := range contents {
		groups[key.programme] = append(groups[key.programme], key)
	}
	for _, p := range slices.SortedFunc(maps.Keys(groups), programme.compare) {
		parts := slices.SortedFunc(slices.Values(groups[p]), func(x, y slice) int { return cmp.Compare(x.nation, y.nation) })
		complete := a.ledgers[p.bank].signed
		for _, part := range parts {
			c := contents[part]
			if c.stated == nil {
				a.find(Undecidable, CodeStatementMissing, "ledger "+p.bank, "%s states no totals for its %d bills of programme %s", part.nation, c.bills, p.tag.Short())
			}
			complete = complete && c.stated != nil && c.stated.holds && c.proven
		}
		if charter, ok := a.chartered(p.tag); ok && complete {
			a.addProgramme(p, charter, parts, contents)
		}
	}
	a.outsiders()
}

func (p programme) compare(q programme) int {
	return cmp.Or(cmp.Compare(p.bank, q.bank), bytes.Compare(p.tag[:], q.tag[:]))
}

// addProgramme adds the shown totals over a programme's creditors. A category that one of them hides has no total.
func (a *audit) addProgramme(p programme, charter *wire.Charter, parts []slice, contents map[slice]*content) {
	bank := a.ledgers[p.bank].bank
	for k := range commit.Categories {
		total, shown := new(big.Int), true
		for _, part := range parts {
			s := contents[part].stated
			shown = shown && s.Mask>>k&1 == 1
			total.Add(total, s.Shown[k].Big())
		}
		switch named := k < len(charter.Categories); {
		case named && shown:
			a.report.Totals = append(a.report.Totals, Total{Bank: bank.ID, Currency: bank.Currency, Programme: p.tag, ProgrammeName: charter.Name,
				Category: charter.Categories[k].Code, Minor: total.String()})
		case !named && total.Sign() != 0:
			a.find(Invalid, CodeCategoryUnnamed, "ledger "+p.bank, "%s minor units are in category %d of programme %s, which its charter does not name",
				total, k, p.tag.Short())
		}
	}
	for _, part := range parts {
		if hidden := hiddenCategories(charter, contents[part].stated.Mask); len(hidden) > 0 {
			a.open = append(a.open, fmt.Sprintf("Hidden totals, %s in %s: %s did not show %s.", charter.Name, bank.Currency, part.nation, strings.Join(hidden, ", ")))
		}
	}
}

// hiddenCategories names what a mask leaves out; those without a name are counted, because something may be hidden in them.
func hiddenCategories(charter *wire.Charter, mask uint16) []string {
	var hidden []string
	unnamed := 0
	for k := range commit.Categories {
		switch {
		case mask>>k&1 == 1:
		case k < len(charter.Categories):
			hidden = append(hidden, charter.Categories[k].Code)
		default:
			unnamed++
		}
	}
	if unnamed > 0 {
		hidden = append(hidden, fmt.Sprintf("%d categories without a name", unnamed))
	}
	return hidden
}

// outsiders finds bills between nations that the programme's charter does not list.
func (a *audit) outsiders() {
	for _, b := range a.ordered {
		charter := a.charters[b.Programme]
		if !b.decoded || charter == nil {
			continue
		}
		for _, nation := range []string{b.Creditor, b.Debtor} {
			if !slices.Contains(charter.Members, nation) {
				a.find(Invalid, CodeBillForeign, b.where(), "%s is no member of programme %s", nation, charter.Name)
			}
		}
	}
}
