package audit

import (
	"bytes"
	"context"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"entente/schema/money"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
	"entente/zk/transcript"
)

// opening is what a commitment to an amount holds.
type opening struct {
	minor    uint64
	blinding commit.Scalar
}

func (o opening) add(t testing.TB, p opening) opening {
	t.Helper()
	s, err := commit.AddScalars(o.blinding, p.blinding)
	if err != nil {
		t.Fatal(err)
	}
	return opening{o.minor + p.minor, s}
}

func (o opening) sub(t testing.TB, p opening) opening {
	t.Helper()
	s, err := commit.SubScalar(o.blinding, p.blinding)
	if err != nil {
		t.Fatal(err)
	}
	return opening{o.minor - p.minor, s} // a balance may be below zero on the way
}

// made is how a claim is made and then spoiled: before it is proven, or afterwards.
type made[C any] struct {
	before  func(*C)
	change  func(*C)
	proofs  func([][]byte) [][]byte
	signers []string
}

// madeBudget is a budget claim about the bills it names.
type madeBudget struct {
	debtor, ledger string
	bills          []*madeBill
	made[wire.BudgetClaim]
}

// madeShare is a share claim about the bills it names, by debtor.
type madeShare struct {
	creditor, ledger string
	category         uint8
	bills            map[string][]*madeBill
	charges          []uint64
	made[wire.ShareClaim]
}

// madeRate is a rate claim about what was posted under a reference.
type madeRate struct {
	swap, sell, buy string
	made[wire.RateClaim]
}

// madeSupply is a supply claim about a whole log.
type madeSupply struct {
	bank   string
	leaves func([]wire.Leaf) // what the claim makes of the log
	made[wire.SupplyClaim]
}

func hook[C any](f func(*C), c *C) {
	if f != nil {
		f(c)
	}
}

// finish spoils and signs a claim.
func finish[C any, D interface {
	*C
	wire.Document
}](w *world, m *made[C], kind wire.PayloadType, owner string, c D, proofs ...[]byte) wire.Proven {
	hook(m.change, (*C)(c))
	if m.proofs != nil {
		proofs = m.proofs(proofs)
	}
	signers := m.signers
	if signers == nil {
		signers = []string{owner}
	}
	purpose := wire.PurposeNation
	if _, bank := w.network.Bank(signers[0]); bank {
		purpose = wire.PurposeTransport
	}
	return wire.Proven{Envelope: w.sign(kind, wire.Encode(c), purpose, signers...), Proofs: proofs}
}

// claim makes all claims of the world.
func (w *world) claim(b *wire.Bundle, heads map[string]transcript.Checkpoint) {
	w.t.Helper()
	for _, m := range w.budgets {
		b.Budgets = append(b.Budgets, w.budget(m, heads[m.ledger]))
	}
	for _, m := range w.shares {
		b.Shares = append(b.Shares, w.share(m, heads[m.ledger]))
	}
	for _, m := range w.rates {
		b.Rates = append(b.Rates, w.swap(m))
	}
	for _, m := range w.supplies {
		b.Supplies = append(b.Supplies, w.supply(m, heads[m.bank]))
	}
}

func headOf(c transcript.Checkpoint) wire.Head {
	return wire.Head{Origin: c.Origin, Size: int64(c.Size), Root: wire.Hash(c.Root)}
}

func (w *world) slice(nation, ledger string, head transcript.Checkpoint) wire.Slice {
	bank, _ := w.network.Bank(ledger)
	return wire.Slice{Network: w.network.Network, Programme: programmeTag, Nation: nation, Ledger: ledger, Currency: bank.Currency, Head: headOf(head), Nonce: wire.Hash{8}}
}

func (w *world) agreed() *wire.Charter {
	var c wire.Charter
	if err := wire.Decode(w.charters[0].Payload, wire.LimitAttachment, &c); err != nil {
		w.t.Fatal(err)
	}
	return &c
}

func (w *world) total96(minor int64) wire.Total96 {
	t, err := wire.NewTotal96(big.NewInt(minor))
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

func (w *world) budget(m *madeBudget, head transcript.Checkpoint) wire.Proven {
	w.t.Helper()
	var witness commit.BudgetWitness
	witness.Totals, witness.R = w.totals(m.bills)
	limits, ok := w.agreed().Budget(m.debtor, w.slice("", m.ledger, head).Currency)
	if !ok {
		limits.Grand = w.total96(1 << 40)
	}
	var err error
	if witness.Limits, witness.Grand, err = commit.CharterLimits(&limits); err != nil {
		w.t.Fatal(err)
	}
	sum, err := commit.CommitTotals(witness.Totals, witness.R)
	if err != nil {
		w.t.Fatal(err)
	}
	c := wire.BudgetClaim{Slice: w.slice(m.debtor, m.ledger, head), Sum: sum}
	hook(m.before, &c)
	witness.Context = commit.BudgetContext(c)
	p := prove(w.t, fmt.Sprint(witness.Context, limits), func(keys *proof.Keys) (proof.Proof, error) { return keys.ProveBudget(context.Background(), witness) })
	return finish(w, &m.made, wire.TypeBudget, m.debtor, &c, p)
}

func (w *world) share(m *madeShare, head transcript.Checkpoint) wire.Proven {
	w.t.Helper()
	charter := w.agreed()
	c := wire.ShareClaim{Slice: w.slice(m.creditor, m.ledger, head), Category: m.category}
	witness := commit.ShareWitness{Weights: charter.Categories[m.category].Shares, Formula: commit.CharterFormula(charter, int(m.category))}
	var total opening
	for i, charge := range m.charges {
		o := opening{charge, commit.DeriveBlinding(commit.Secret{3}, "charge", wire.ID{}, 0, uint32(i), []byte(m.creditor))}
		total = total.add(w.t, o)
		witness.Blindings = append(witness.Blindings, o.blinding)
		p, err := commit.CommitAmount(charge, o.blinding)
		if err != nil {
			w.t.Fatal(err)
		}
		c.Charges = append(c.Charges, p)
	}
	witness.Amount, witness.S = total.minor, total.blinding
	hook(m.before, &c)
	witness.Context = commit.ShareContext(c)
	about := fmt.Sprint(witness.Context, witness.Formula)
	proofs := [][]byte{prove(w.t, about, func(keys *proof.Keys) (proof.Proof, error) { return keys.ProveShare(context.Background(), witness) })}
	for i, member := range charter.Members {
		if member == m.creditor {
			continue
		}
		l := commit.LinkWitness{Context: commit.LinkContext(c, i), K: int(m.category), S: witness.Blindings[i]}
		l.Totals, l.R = w.totals(m.bills[member])
		about := fmt.Sprint(l.Context, c.Charges[i], l.Totals)
		link, known := proven.Load(about)
		if !known {
			p, err := commit.ProveLink(l)
			if err != nil {
				w.t.Fatal(err)
			}
			link, _ = proven.LoadOrStore(about, p)
		}
		proofs = append(proofs, bytes.Clone(link.([]byte)))
	}
	return finish(w, &m.made, wire.TypeShare, m.creditor, &c, proofs...)
}

// rate is how many rupees an Australian dollar costs in the test world.
func (w *world) rate() money.Rate {
	rate, err := money.ParseRate("55.4321", money.MustCurrency("AUD"), money.MustCurrency("INR"))
	if err != nil {
		w.t.Fatal(err)
	}
	return rate
}

func (w *world) swap(m *madeRate) wire.Proven {
	w.t.Helper()
	posted := func(bank string) opening {
		var sum opening
		for _, l := range w.logs[bank] {
			if l.Kind == wire.LeafPost && l.Reference == reference(m.swap) {
				sum = sum.add(w.t, w.openings[commit.Point(l.Amount)])
			}
		}
		return sum
	}
	sold, bought := posted(m.sell), posted(m.buy)
	rate := w.rate()
	witness := commit.RateWitness{Amount: bought.minor, R: bought.blinding, S: sold.blinding, Rate: rate, Rounding: money.RoundHalfEven}
	public, err := witness.Public()
	if err != nil {
		w.t.Fatal(err)
	}
	c := wire.RateClaim{Network: w.network.Network, Swap: reference(m.swap), SellBank: m.sell, SellCurrency: "INR", BuyBank: m.buy, BuyCurrency: "AUD",
		RateMantissa: rate.Mantissa(), RateScale: rate.Scale(), Rounding: uint8(witness.Rounding), Sold: public.B, Bought: public.A, Nonce: wire.Hash{7}}
	hook(m.before, &c)
	witness.Context = commit.RateContext(c)
	p := prove(w.t, witness.Context, func(keys *proof.Keys) (proof.Proof, error) { return keys.ProveRate(context.Background(), witness) })
	return finish(w, &m.made, wire.TypeRate, m.sell, &c, p)
}

func (w *world) supply(m *madeSupply, head transcript.Checkpoint) wire.Proven {
	w.t.Helper()
	balances := map[wire.Hash]opening{}
	leaves := slices.Clone(w.logs[m.bank])
	if m.leaves != nil {
		m.leaves(leaves)
	}
	for _, l := range leaves {
		if l.Kind.Moves() {
			amount, known := w.openings[commit.Point(l.Amount)]
			if !known {
				w.t.Fatalf("nobody knows the amount of leaf %d of %s", l.Seq, m.bank)
			}
			balances[l.Credit] = balances[l.Credit].add(w.t, amount)
			balances[l.Debit] = balances[l.Debit].sub(w.t, amount)
		}
	}
	delete(balances, account("issuance"))
	var tags []wire.Hash
	var total opening
	for tag, balance := range balances {
		tags = append(tags, tag)
		total = total.add(w.t, balance)
	}
	slices.SortFunc(tags, func(x, y wire.Hash) int { return bytes.Compare(x[:], y[:]) })
	bank, _ := w.network.Bank(m.bank)
	c := wire.SupplyClaim{Network: w.network.Network, Bank: m.bank, Currency: bank.Currency, Head: headOf(head), Nonce: wire.Hash{6},
		Minor: int64(total.minor), Blinding: total.blinding, Block: commit.SmallChunk}
	hook(m.before, &c)
	var proofs [][]byte
	blocks := slices.Collect(slices.Chunk(tags, commit.SmallChunk))
	for i, block := range blocks {
		witness := commit.ReserveWitness{Context: commit.SupplyContext(c, i, len(blocks)), Size: commit.SmallChunk}
		var sum opening
		for _, tag := range block {
			witness.Amounts, witness.Blindings = append(witness.Amounts, balances[tag].minor), append(witness.Blindings, balances[tag].blinding)
			sum = sum.add(w.t, balances[tag])
		}
		witness.S = sum.blinding
		proofs = append(proofs, prove(w.t, witness.Context, func(keys *proof.Keys) (proof.Proof, error) { return keys.ProveReserve(context.Background(), witness) }))
	}
	return finish(w, &m.made, wire.TypeSupply, m.bank, &c, proofs...)
}
