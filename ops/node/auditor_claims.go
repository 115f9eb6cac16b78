package node

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"entente/schema/wire"
)

// claims fetches what banks and members prove about the heads of a bundle. Everybody is asked at once: proofs are made by those who are asked.
func (a *Auditor) claims(ctx context.Context, bundle *wire.Bundle) error {
	owed, billed := billsOf(bundle)
	posted := postedTwice(bundle)
	type answers struct {
		statements                       []wire.ProvenStatement
		budgets, shares, rates, supplies []wire.Proven
	}
	var asked []*answers
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range a.cfg.Trust.Members {
		for _, l := range bundle.Ledgers {
			got := &answers{}
			asked = append(asked, got)
			group.Go(func() (err error) {
				at := slot{l.Bank, m.Nation}
				about, err := claimAbout(l.Checkpoint, owed[at])
				if err != nil {
					return err
				}
				if len(owed[at]) > 0 {
					if got.statements, err = a.statement(ctx, m.Nation, about); err != nil {
						return err
					}
					if got.shares, err = a.list(ctx, m.Nation, SubjectClosing, about); err != nil {
						return err
					}
				}
				if about, err = claimAbout(l.Checkpoint, billed[at]); err != nil || len(billed[at]) == 0 {
					return err
				}
				got.budgets, err = a.one(ctx, m.Nation, SubjectBudget, about)
				return err
			})
		}
	}
	for _, l := range bundle.Ledgers {
		got := &answers{}
		asked = append(asked, got)
		group.Go(func() (err error) {
			if got.rates, err = a.rates(ctx, l.Bank, postedAt(&l, posted)); err != nil {
				return err
			}
			got.supplies, err = a.one(ctx, l.Bank, SubjectSupply, l.Checkpoint)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, got := range asked {
		bundle.Statements = append(bundle.Statements, got.statements...)
		bundle.Budgets = append(bundle.Budgets, got.budgets...)
		bundle.Shares = append(bundle.Shares, got.shares...)
		bundle.Rates = append(bundle.Rates, got.rates...)
		bundle.Supplies = append(bundle.Supplies, got.supplies...)
	}
	return nil
}

// slot is a nation's bills on one ledger.
type slot struct{ ledger, nation string }

// billsOf finds the bills under the bundle's heads by ledger and creditor, and by ledger and debtor. A document that cannot be read is left for the audit to name.
func billsOf(bundle *wire.Bundle) (owed, billed map[slot][]wire.Hash) {
	logged := map[string]map[wire.Hash]bool{}
	for _, l := range bundle.Ledgers {
		logged[l.Bank] = map[wire.Hash]bool{}
		for _, raw := range l.Leaves {
			if leaf, err := wire.ParseLeaf(raw); err == nil && leaf.Kind == wire.LeafBill {
				logged[l.Bank][leaf.Reference] = true
			}
		}
	}
	owed, billed = map[slot][]wire.Hash{}, map[slot][]wire.Hash{}
	for i := range bundle.Bills {
		bill, err := wire.ParseBill(bundle.Bills[i].Envelope.Payload)
		if err != nil || !logged[bill.Ledger][bill.Hash()] {
			continue
		}
		creditor, debtor := slot{bill.Ledger, bill.Creditor}, slot{bill.Ledger, bill.Debtor}
		owed[creditor], billed[debtor] = append(owed[creditor], bill.Hash()), append(billed[debtor], bill.Hash())
	}
	return owed, billed
}

// postedTwice finds the swaps of which two of the bundle's logs show a posting. One log may have been fetched before the swap reached it: then nothing can be
// claimed about it in this bundle.
func postedTwice(bundle *wire.Bundle) map[wire.Hash]bool {
	first, twice := map[wire.Hash]string{}, map[wire.Hash]bool{}
	for _, l := range bundle.Ledgers {
		for _, raw := range l.Leaves {
			leaf, err := wire.ParseLeaf(raw)
			if err != nil || leaf.Kind != wire.LeafPost {
				continue
			}
			if bank, ok := first[leaf.Reference]; ok && bank != l.Bank {
				twice[leaf.Reference] = true
			}
			first[leaf.Reference] = l.Bank
		}
	}
	return twice
}

// postedAt lists the swaps that a log shows as posted, and that another log shows as well. Of the two banks the one that opened a swap states its rate.
func postedAt(l *wire.LedgerExtract, posted map[wire.Hash]bool) []wire.Hash {
	var swaps []wire.Hash
	seen := map[wire.Hash]bool{}
	for _, raw := range l.Leaves {
		if leaf, err := wire.ParseLeaf(raw); err == nil && leaf.Kind == wire.LeafPost && posted[leaf.Reference] && !seen[leaf.Reference] {
			seen[leaf.Reference] = true
			swaps = append(swaps, leaf.Reference)
		}
	}
	return swaps
}

// refused drops a refusal that the one asked has signed: the claim is then missing, which the audit says. A fault, or a request that cannot be sent, is none.
func refused(answer []byte, err error) ([]byte, error) {
	var no said
	if errors.As(err, &no) && !passing(no.Code) {
		return nil, nil
	}
	return answer, err
}

func (a *Auditor) statement(ctx context.Context, nation string, about []byte) ([]wire.ProvenStatement, error) {
	answer, err := refused(a.ask.again(ctx, nation, SubjectStatement, about))
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	s, err := wire.ParseProvenStatement(answer)
	return []wire.ProvenStatement{s}, err
}

// claimAbout asks for a claim about bills under a head.
func claimAbout(head []byte, bills []wire.Hash) ([]byte, error) {
	r := claimRequest{note: head, bills: bills}
	return wire.EncodeFields(r.fields)
}

// one asks for one claim; an empty answer says that there is nothing to claim.
func (a *Auditor) one(ctx context.Context, of, subject string, body []byte) ([]wire.Proven, error) {
	answer, err := refused(a.ask.again(ctx, of, subject, body))
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	p, err := wire.ParseProven(answer)
	return []wire.Proven{p}, err
}

// list asks for several claims in one answer.
func (a *Auditor) list(ctx context.Context, of, subject string, body []byte) ([]wire.Proven, error) {
	answer, err := refused(a.ask.again(ctx, of, subject, body))
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	items, err := decodeBlobs(answer)
	if err != nil {
		return nil, err
	}
	claims := make([]wire.Proven, len(items))
	for i := range items {
		if claims[i], err = wire.ParseProven(items[i]); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// rates asks a bank for the rates of swaps, a few at a time.
func (a *Auditor) rates(ctx context.Context, bank string, swaps []wire.Hash) ([]wire.Proven, error) {
	var all []wire.Proven
	for some := range slices.Chunk(swaps, 64) {
		named := hashList{some}
		body, err := wire.EncodeFields(named.fields)
		if err != nil {
			return nil, err
		}
		claims, err := a.list(ctx, bank, SubjectRates, body)
		if err != nil {
			return nil, err
		}
		all = append(all, claims...)
	}
	return all, nil
}
