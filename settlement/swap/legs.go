package swap

import (
	"fmt"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/payment"
)

// legsOf writes down what an authorised payment does on each ledger: the payer's money to the first provider, from each provider on to the next, and from the
// last to the payee.
//
//	I  payer -> first provider
//	R  first provider -> second provider
//	R' second provider -> payee
func legsOf(p *payment.Authorised) ([]wire.Leg, error) {
	mismatch := func(format string, args ...any) error {
		return refusal.Newf(CodeTermsMismatch, "send quotes that lead from the payer's ledger to the payee's", format, args...)
	}
	in, hops := &p.Instruction, p.Hops()
	if len(hops) == 0 {
		return nil, mismatch("a swap without a quote and its acceptance")
	}
	legs := make([]wire.Leg, 0, len(hops)+1)
	bank, currency, account := in.PayerBank, in.DebitCurrency, in.PayerAccount
	for i, h := range hops {
		q, a := h.Quote, h.Acceptance
		if q.SellBank != bank || q.SellCurrency != currency {
			return nil, mismatch("quote %d sells for %s at %s, and the money is in %s at %s", i, q.SellCurrency, q.SellBank, currency, bank)
		}
		if i > 0 && hops[i-1].Acceptance.BuyMinor != a.SellMinor {
			return nil, mismatch("quote %d takes %d and the one before it gives %d", i, a.SellMinor, hops[i-1].Acceptance.BuyMinor)
		}
		legs = append(legs, wire.Leg{Bank: bank, Currency: currency, Postings: []wire.Posting{{Payer: account, Payee: q.SellAccount, Minor: a.SellMinor}}})
		bank, currency, account = q.BuyBank, q.BuyCurrency, q.BuyAccount
	}
	if last := hops[len(hops)-1].Acceptance.BuyMinor; bank != in.PayeeBank || currency != in.PayCurrency || in.PayMinor > 0 && last != in.PayMinor {
		return nil, mismatch("the quotes end with %d %s at %s, and %d %s are to be paid at %s", last, currency, bank, in.PayMinor, in.PayCurrency, in.PayeeBank)
	}
	return append(legs, wire.Leg{Bank: bank, Currency: currency, Postings: []wire.Posting{{Payer: account, Payee: in.PayeeAccount, Minor: in.PayMinor}}}), nil
}

// quotesOf names the quotes of a payment as its terms do.
func quotesOf(hops []payment.Hop) wire.Hash {
	if len(hops) == 1 {
		return hops[0].QuoteHash
	}
	hashes := make([]wire.Hash, len(hops))
	for i, h := range hops {
		hashes[i] = h.QuoteHash
	}
	return wire.QuotesHash(hashes)
}

// sameLeg says how a leg differs from the one that is due, "" if it does not.
func sameLeg(got, due *wire.Leg) string {
	if got.Bank != due.Bank || got.Currency != due.Currency {
		return fmt.Sprintf("is in %s at %s, not in %s at %s", got.Currency, got.Bank, due.Currency, due.Bank)
	}
	if len(got.Postings) != len(due.Postings) {
		return fmt.Sprintf("has %d postings, not %d", len(got.Postings), len(due.Postings))
	}
	for i, p := range due.Postings {
		if got.Postings[i] != p {
			return fmt.Sprintf("is not %d minor units from %s to %s", p.Minor, p.Payer, p.Payee)
		}
	}
	return ""
}
