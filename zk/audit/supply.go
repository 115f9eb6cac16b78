package audit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

// book is what one log's leaves add up to.
type book struct {
	issuance wire.Hash // tag of the account that tokens come from and go back to
	second   int       // leaf that names another one, -1 if none does
	accounts []wire.Hash
	balances []commit.Point // of every account but issuance
	whole    bool           // no leaf that moves money is damaged
}

// supplyClaim is a bank's claim as read.
type supplyClaim struct {
	*claim
	wire.SupplyClaim
}

// supply checks what every bank issued and did not redeem: the balances of all accounts add up to it, and none is below zero. What the issuance account stands
// at is minus their sum, because every leaf gives one account what it takes from another.
func (a *audit) supply() string {
	claims := map[string]*supplyClaim{}
	for i := range a.bundle.Supplies {
		a.readSupply(i, claims)
	}
	books := make([]book, len(a.logged))
	a.eachOf(0, 0, len(books), func(i int) { books[i] = a.logged[i].balance() })
	blocks := map[string][]proving[commit.ReservePublic]{}
	for i, l := range a.logged {
		if second := books[i].second; second >= 0 {
			a.find(Invalid, CodeSupplyIssuance, l.at(second), "its issuance account is another than in the leaves before")
		}
		claim := claims[l.bank.ID]
		if claim == nil {
			a.find(Undecidable, CodeSupplyMissing, l.where(), "its bank does not show what it issued, nor that no account is below zero")
			a.unchecked(1, "Supply and balances on the ledger of %s: its bank shows nothing about them.", l.bank.ID)
			continue
		}
		circuit := proof.ReserveName(int(claim.Block))
		blocks[circuit] = append(blocks[circuit], a.checkSupply(claim, &books[i])...)
	}
	small, medium := blocks[proof.Reserve16], blocks[proof.Reserve64]
	_, first := batches(len(small))
	_, second := batches(len(medium))
	verifyAll(a, proof.Reserve16, small, 0, second)
	verifyAll(a, proof.Reserve64, medium, first, 0)
	accounts := 0
	for i, l := range a.logged {
		if claim := claims[l.bank.ID]; claim != nil && claim.holds && l.signed {
			l.supply, l.proven = strconv.FormatInt(claim.Minor, 10), len(books[i].accounts)
			accounts += l.proven
			a.report.Supplies++
		}
	}
	return fmt.Sprintf("%d of %d supplies proven, and %s accounts not below zero", a.report.Supplies, len(a.logged), grouped(accounts))
}

// balance adds what every leaf moves to one account and from another.
func (l *ledger) balance() book {
	b := book{second: -1, whole: true}
	sums := map[wire.Hash]*commit.Sum{}
	of := func(tag wire.Hash) *commit.Sum {
		if sums[tag] == nil {
			sums[tag] = new(commit.Sum)
		}
		return sums[tag]
	}
	for i := range l.leaves {
		leaf := &l.leaves[i]
		if !leaf.decoded || leaf.fault != "" {
			b.whole = b.whole && leaf.decoded && !leaf.Kind.Moves()
			continue
		}
		if !leaf.Kind.Moves() {
			continue
		}
		mustAdd(of(leaf.Credit), leaf.amount)
		mustSub(of(leaf.Debit), leaf.amount)
		if issuance, ok := leaf.issuance(); ok && issuance != b.issuance {
			if !b.issuance.IsZero() && b.second < 0 {
				b.second = i
			}
			b.issuance = issuance
		}
	}
	delete(sums, b.issuance)
	b.accounts = slices.SortedFunc(maps.Keys(sums), func(x, y wire.Hash) int { return bytes.Compare(x[:], y[:]) })
	for _, tag := range b.accounts {
		b.balances = append(b.balances, sums[tag].Point())
	}
	return b
}

// issuance gives the account that a leaf issues from or redeems to.
func (l *leaf) issuance() (wire.Hash, bool) {
	switch l.Kind {
	case wire.LeafIssue:
		return l.Debit, true
	case wire.LeafRedeem:
		return l.Credit, true
	}
	return wire.Hash{}, false
}

// readSupply checks what a claim says by itself.
func (a *audit) readSupply(i int, claims map[string]*supplyClaim) {
	var s supplyClaim
	s.claim = a.readClaim(wire.TypeSupply, &a.bundle.Supplies[i], fmt.Sprintf("supply claim %d", i), &s.SupplyClaim)
	if s.claim == nil {
		return
	}
	s.where = fmt.Sprintf("supply claim %d (ledger %s)", i, s.Bank)
	a.readOwner(s.claim, s.Bank, s.Network)
	l := a.readHead(s.claim, s.Bank, s.Currency, &s.Head)
	switch {
	case l == nil:
	case claims[l.bank.ID] != nil:
		a.refuse(s.claim, CodeClaimRepeated, "another claim is about the same ledger")
	default:
		claims[l.bank.ID] = &s
	}
}

// checkSupply compares a claim with the book, and gives what its proofs must prove.
func (a *audit) checkSupply(s *supplyClaim, b *book) []proving[commit.ReservePublic] {
	size := int(s.Block)
	if size != commit.SmallChunk && size != commit.MediumChunk {
		a.refuse(s.claim, commit.CodeBlockInvalid, "a block has 16 or 64 accounts, not %d", size)
		return nil
	}
	if !b.whole || b.second >= 0 {
		s.holds = false // the leaf at fault is a finding already: the balances cannot be told
		return nil
	}
	n := (len(b.balances) + size - 1) / size
	if len(s.proofs) != n {
		a.refuse(s.claim, CodeProofMissing, "%d proofs came for %d blocks of accounts", len(s.proofs), n)
		return nil
	}
	var total commit.Sum
	blocks := make([]proving[commit.ReservePublic], n)
	for i := range blocks {
		balances := b.balances[i*size : min(len(b.balances), (i+1)*size)]
		var sum commit.Sum
		for _, p := range balances {
			mustAdd(&sum, p)
			mustAdd(&total, p)
		}
		blocks[i] = proving[commit.ReservePublic]{claim: s.claim, part: fmt.Sprintf(", block %d", i), proof: s.proofs[i],
			statement: commit.ReservePublic{Context: commit.SupplyContext(s.SupplyClaim, i, n), Balances: balances, Sum: sum.Point()}}
	}
	if !commit.OpenAmount(total.Point(), uint64(s.Minor), commit.Scalar(s.Blinding)) {
		a.refuse(s.claim, CodeSupplySum, "the balances of the %d accounts do not add up to %d minor units", len(b.balances), s.Minor)
	}
	return blocks
}

// mustSub subtracts a point that was parsed before, which no sum refuses.
func mustSub(s *commit.Sum, p commit.Point) {
	if err := s.Sub(p); err != nil {
		panic("audit: a parsed commitment is not on the curve: " + err.Error())
	}
}
