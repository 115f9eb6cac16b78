package devnet

import (
	"context"
	"fmt"

	"entente/bridge/intake"
	"entente/schema/money"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// plan is what accounts have to hold before the exercise is paid: a development network funds itself from what its data will cost.
type plan struct {
	desks    map[string]money.Amount // by nation, in its own currency
	provider map[string]money.Amount // by bank, in its currency
}

// budget estimates what every desk will pay and the provider will have to lay out, with a tenth to spare.
func budget(e *intake.Exercise) (*plan, error) {
	a := e.Agreement
	lines, _, err := programme.Match(a, e.Counts)
	if err != nil {
		return nil, err
	}
	bills, err := programme.DraftBills(a, lines, e.Cases)
	if err != nil {
		return nil, err
	}
	p := &plan{desks: map[string]money.Amount{}, provider: map[string]money.Amount{}}
	for _, m := range a.Members {
		p.desks[string(m.Nation)] = money.New(pow10(m.Currency.Digits()), m.Currency)
		p.provider[m.Bank] = money.New(pow10(m.Currency.Digits()), m.Currency)
	}
	for _, b := range bills {
		total, err := b.Total()
		if err != nil {
			return nil, err
		}
		creditor, _ := a.Member(b.Creditor)
		debtor, _ := a.Member(b.Debtor)
		debit := total
		if debtor.Currency != creditor.Currency {
			rate, _, err := e.Rates.Cross(a.Ends, creditor.Currency, debtor.Currency)
			if err != nil {
				return nil, err
			}
			if debit, err = rate.Convert(total, money.RoundUp); err != nil {
				return nil, err
			}
			if err := raise(p.provider, creditor.Bank, total); err != nil {
				return nil, err
			}
		}
		if err := raise(p.desks, string(debtor.Nation), debit); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// raise adds an amount and a tenth of it.
func raise(sums map[string]money.Amount, key string, by money.Amount) error {
	spare, err := by.Add(money.New(by.Minor()/10, by.Currency()))
	if err != nil {
		return err
	}
	sums[key], err = sums[key].Add(spare)
	return err
}

func pow10(n uint8) int64 {
	v := int64(1)
	for range n {
		v *= 10
	}
	return v
}

// fund opens every account and issues the tokens, by signed orders of each bank's operator.
func (n *Net) fund(ctx context.Context, p *plan) error {
	for _, bank := range n.Trust.Banks {
		op := n.Operators[bank.ID]
		steps := []func() error{
			func() error {
				return op.Open(ctx, account(bank.ID, "issuance"), bank.ID, wire.AccountIssuance)
			},
			func() error {
				return op.Open(ctx, account(bank.ID, "suspense"), bank.ID, wire.AccountSuspense)
			},
			func() error {
				return op.Open(ctx, account(bank.ID, providerID), providerID, wire.AccountProvider)
			},
			func() error {
				return op.Issue(ctx, account(bank.ID, providerID), p.provider[bank.ID].Minor(), "DEV-RTGS-0", "liquidity from reserves")
			},
		}
		for i, m := range n.Trust.Members {
			if m.Bank != bank.ID {
				continue
			}
			steps = append(steps,
				func() error { return op.Open(ctx, m.Account, m.Nation, wire.AccountDesk) },
				func() error {
					return op.Issue(ctx, m.Account, p.desks[m.Nation].Minor(), fmt.Sprintf("DEV-RTGS-%d", i+1), "treasury funding from reserves")
				})
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return fmt.Errorf("fund the ledger of %s: %w", bank.ID, err)
			}
		}
	}
	return nil
}
