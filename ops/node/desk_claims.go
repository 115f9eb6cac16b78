package node

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/zk/commit"
	"entente/zk/proof"
)

// claimRequest asks a nation for a claim: the log head it is about, and the nation's bills that the asker finds under it. Naming them makes the two agree on what
// is added up even where word of a leaf has not reached this desk yet.
type claimRequest struct {
	note  []byte
	bills []wire.Hash
}

func (r *claimRequest) fields(f *wire.Fields) {
	f.Bytes(1, &r.note, wire.LimitAttachment)
	wire.List(f, 2, &r.bills, 1<<13, func(f *wire.Fields, h *wire.Hash) { f.Fixed(1, h[:]) })
}

// claimAsked reads an auditor's request for a claim, and opens the log head it is about.
func (d *Desk) claimAsked(from wire.Key, body []byte) (r claimRequest, bank trust.Bank, head wire.Head, err error) {
	if err = d.auditor(from); err != nil {
		return r, bank, head, err
	}
	if err = wire.DecodeFields(body, wire.LimitBatch, r.fields); err != nil {
		return r, bank, head, err
	}
	bank, head, err = d.head(r.note)
	return r, bank, head, err
}

// slice begins a claim of this nation about its bills under a head.
func (d *Desk) slice(bank trust.Bank, head wire.Head) (wire.Slice, error) {
	nonce, err := randomHash()
	return wire.Slice{Network: d.cfg.Trust.Network, Programme: d.programme, Nation: d.cfg.Nation, Ledger: bank.ID, Currency: bank.Currency, Head: head, Nonce: nonce}, err
}

// onBudget proves that everything this nation is billed on one ledger keeps within the budget its agreement gives it in that currency. It answers with nothing
// where there is no budget or no bill, and refuses (over_limit) to prove what is not so.
func (d *Desk) onBudget(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	asked, bank, head, err := d.claimAsked(from, body)
	if err != nil {
		return nil, err
	}
	budget, ok := d.charter().Budget(d.cfg.Nation, bank.Currency)
	if !ok || len(asked.bills) == 0 {
		return nil, nil
	}
	bills, err := d.named(bank.ID, head.Size, asked.bills, func(b *DeskBill) bool { return b.Bill.Debtor == d.cfg.Nation })
	if err != nil {
		return nil, err
	}
	opened, err := addUp(bills)
	if err != nil {
		return nil, err
	}
	w := commit.BudgetWitness{Totals: opened.totals, R: opened.blinding}
	if w.Limits, w.Grand, err = commit.CharterLimits(&budget); err != nil {
		return nil, err
	}
	public, err := w.Public()
	if err != nil {
		return nil, err
	}
	slice, err := d.slice(bank, head)
	if err != nil {
		return nil, err
	}
	claim := wire.BudgetClaim{Slice: slice, Sum: public.C}
	w.Context = commit.BudgetContext(claim)
	p, err := d.cfg.Prover.Prove(ctx, func(ctx context.Context, keys *proof.Keys) (proof.Proof, error) { return keys.ProveBudget(ctx, w) })
	if err != nil {
		return nil, err
	}
	return d.claim(wire.TypeBudget, &claim, p[:])
}

// named finds the bills that an asker names, of those that which picks. It refuses to leave out one that this desk knows to be under the head, and to add one that it
// knows to be later: whoever could choose would compare any bills with the limits, and hold a claim about a head that is not true of it.
func (d *Desk) named(bank string, size int64, named []wire.Hash, which func(*DeskBill) bool) ([]DeskBill, error) {
	wanted := make(map[wire.Hash]bool, len(named))
	for _, h := range named {
		wanted[h] = true
	}
	var list []DeskBill
	for _, b := range d.Bills() {
		switch {
		case b.Bill.Ledger != bank || b.State == BillOffered || !which(&b):
		case b.State == BillRecorded && wanted[b.Hash] != (b.Seq < size):
			return nil, refusal.Newf(CodeBillDiffers, "name every bill under the head and no other", "bill %s is either under the head or named", b.Hash.Short())
		case wanted[b.Hash]:
			list = append(list, b)
		}
	}
	if len(list) != len(wanted) {
		return nil, refusal.Newf(CodeBillDiffers, "name bills of this nation", "%d bills are named, this desk finds %d of them countersigned", len(wanted), len(list))
	}
	return list, nil
}

// onClosing proves, for every category whose cost the members share, that what this nation supplied was divided as agreed. A desk without bills under that
// head answers with an empty list.
func (d *Desk) onClosing(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	asked, bank, head, err := d.claimAsked(from, body)
	if err != nil {
		return nil, err
	}
	bills, err := d.named(bank.ID, head.Size, asked.bills, func(b *DeskBill) bool { return b.Bill.Creditor == d.cfg.Nation })
	if err != nil {
		return nil, err
	}
	shares, err := d.shares(bank, head, bills)
	if err != nil {
		return nil, err
	}
	claims := make([][]byte, len(shares))
	group, ctx := errgroup.WithContext(ctx)
	for i := range shares {
		group.Go(func() error {
			var err error
			claims[i], err = shares[i].prove(ctx, d)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return encodeBlobs(claims)
}

// share is one category's share claim about to be proven, with what it takes.
type share struct {
	claim   wire.ShareClaim
	witness commit.ShareWitness
	links   []*commit.LinkWitness // one a member in the charter's order, nil for this nation itself
}

// shares prepares the claims of all shared categories of what this nation is owed under a head: one for each, even where nothing was supplied.
func (d *Desk) shares(bank trust.Bank, head wire.Head, bills []DeskBill) ([]share, error) {
	owed := make([]opened, len(d.cfg.Agreement.Members))
	for i, m := range d.cfg.Agreement.Members {
		var err error
		owed[i], err = addUp(slices.DeleteFunc(slices.Clone(bills), func(b DeskBill) bool { return b.Bill.Debtor != string(m.Nation) }))
		if err != nil {
			return nil, err
		}
	}
	// No circuit divides among more members than this; what is not claimed, the audit names.
	if len(bills) == 0 || len(owed) > commit.MaxCharges {
		return nil, nil
	}
	d.mu.Lock()
	lines, _, err := d.matched()
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	pools, err := programme.Pools(d.cfg.Agreement, lines)
	if err != nil {
		return nil, err
	}
	var list []share
	for k, category := range d.cfg.Agreement.Categories {
		if category.Formula.Kind != programme.BasisPoints {
			continue
		}
		charges := make([]uint64, len(d.cfg.Agreement.Members))
		for _, p := range pools {
			if string(p.Supplier) == d.cfg.Nation && p.Category == category.Code {
				for i, c := range p.Charges {
					charges[i] = uint64(c.Minor())
				}
			}
		}
		s, err := d.share(bank, head, k, charges, owed)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// share prepares the claim of one category. What the bills charge must be what the pool's formula gives, or there is nothing to prove.
func (d *Desk) share(bank trust.Bank, head wire.Head, category int, charges []uint64, owed []opened) (share, error) {
	slice, err := d.slice(bank, head)
	if err != nil {
		return share{}, err
	}
	charter := d.charter()
	s := share{claim: wire.ShareClaim{Slice: slice, Category: uint8(category)}, links: make([]*commit.LinkWitness, len(charges))}
	s.witness = commit.ShareWitness{Weights: charter.Categories[category].Shares, Formula: commit.CharterFormula(charter, category)}
	for i, charge := range charges {
		blinding := commit.DeriveBlinding(d.blinding, "share", [16]byte(slice.Nonce[:16]), 0, uint32(category)<<8|uint32(i), commit.AmountBytes(charge))
		s.witness.Amount += charge
		s.witness.Blindings = append(s.witness.Blindings, blinding)
		if charter.Members[i] == d.cfg.Nation {
			continue
		}
		if owed[i].totals[category] != (commit.Total{Low: charge}) {
			return s, refusal.Newf(CodeBillDiffers, "ask again once every bill of the programme is recorded", "what the bills to %s hold in %s is not what the formula makes it",
				charter.Members[i], charter.Categories[category].Code) // no amounts: whoever asks is told this
		}
		s.links[i] = &commit.LinkWitness{K: category, Totals: owed[i].totals, R: owed[i].blinding, S: blinding}
	}
	if s.witness.S, err = commit.AddScalars(s.witness.Blindings...); err != nil {
		return s, err
	}
	points, err := commit.CommitAmounts(charges, s.witness.Blindings)
	if err != nil {
		return s, err
	}
	for _, p := range points {
		s.claim.Charges = append(s.claim.Charges, p)
	}
	return s, nil
}

func (s *share) prove(ctx context.Context, d *Desk) ([]byte, error) {
	s.witness.Context = commit.ShareContext(s.claim)
	p, err := d.cfg.Prover.Prove(ctx, func(ctx context.Context, keys *proof.Keys) (proof.Proof, error) {
		return keys.ProveShare(ctx, s.witness)
	})
	if err != nil {
		return nil, err
	}
	proofs := [][]byte{p[:]}
	for i, w := range s.links {
		if w == nil {
			continue
		}
		w.Context = commit.LinkContext(s.claim, i)
		link, err := commit.ProveLink(*w)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, link)
	}
	return d.claim(wire.TypeShare, &s.claim, proofs...)
}

// claim signs a claim in the nation's name and puts its proofs beside it.
func (d *Desk) claim(t wire.PayloadType, claim wire.Document, proofs ...[]byte) ([]byte, error) {
	payload, err := wire.TryEncode(claim)
	if err != nil {
		return nil, err
	}
	envelope, err := d.nation.Sign(t, payload)
	if err != nil {
		return nil, err
	}
	proven := wire.Proven{Envelope: envelope, Proofs: proofs}
	return proven.Bytes(), nil
}
