package netting

import (
	"entente/schema/money"
	"entente/schema/refusal"
)

// AgreedRate is the rate at which the agreement lets one currency count in another, and how its products are rounded. Source: the agreement; this package
// knows no market.
type AgreedRate struct {
	Rate     money.Rate // base: the bills' currency; quote: the currency of the round
	Rounding money.Rounding
}

// Across nets bills of several ledgers into one round on the ledger named, whose currency they count in at the agreed rates. Each net is converted once, after
// bills of one pair and currency were set off, so whoever was owed and whoever owed count the same amount and positions add to zero. Bills of the round's own
// currency on another ledger are another money and are refused (rate_missing). Further refusals: those of Rounds, rate_invalid, rate_repeated,
// rounding_unknown, net_too_small.
func Across(bills []Bill, scheme Scheme, ledger string, currency money.Currency, rates []AgreedRate) (Round, error) {
	agreed := map[money.Currency]AgreedRate{}
	for _, a := range rates {
		base := a.Rate.Base()
		switch _, repeated := agreed[base]; {
		case a.Rate.IsZero() || a.Rate.Quote() != currency || base == currency:
			return Round{}, refusal.Newf(money.CodeRateInvalid, "name rates into the round's currency", "a rate %s is none into %s", a.Rate, currency)
		case !a.Rounding.Valid():
			return Round{}, refusal.Newf(money.CodeRoundingUnknown, "name one of up, down, half_up, half_even", "the rate %s has no rounding", a.Rate)
		case repeated:
			return Round{}, refusal.Newf(CodeRateRepeated, "name one rate for each currency", "there are two rates from %s into %s", base, currency)
		}
		agreed[base] = a
	}
	nets, err := pairNets(bills)
	if err != nil {
		return Round{}, err
	}
	counted := make([]Counted, 0, len(nets))
	for _, n := range nets {
		c, err := count(n, ledger, currency, agreed)
		if err != nil {
			return Round{}, err
		}
		counted = append(counted, c)
	}
	return settle(scheme, ledger, currency, counted)
}

// count gives what a net counts for.
func count(n Net, ledger string, currency money.Currency, agreed map[money.Currency]AgreedRate) (Counted, error) {
	from := n.Amount.Currency()
	if n.Ledger == ledger && from == currency {
		return Counted{Net: n, Counts: n.Amount}, nil
	}
	a, known := agreed[from]
	if !known || n.Ledger == ledger {
		return Counted{}, refusal.Newf(CodeRateMissing, "net each ledger by itself, or agree on a rate", "bills of %s in %s cannot count in %s of %s", n.Ledger, from, currency, ledger)
	}
	counts, err := a.Rate.Convert(n.Amount, a.Rounding)
	if err != nil {
		return Counted{}, err
	}
	if counts.IsZero() && !n.Amount.IsZero() {
		return Counted{}, refusal.Newf(CodeNetTooSmall, "leave these bills out until more is owed", "the %s that %s owes %s are nothing in %s at %s", n.Amount, n.Debtor, n.Creditor, currency, a.Rate)
	}
	return Counted{Net: n, Counts: counts, Rate: a}, nil
}
