package payment

import (
	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
)

// SellMinor gives what a quote takes for buyMinor units of its buy currency: the quote's rate, rounded once as the quote names it, in minor units of its sell
// currency. Refusals: unknown_currency, rate_invalid, rounding_unknown, overflow, quote_amount outside the quote's bounds, amount_invalid when nothing would be taken.
func SellMinor(q *wire.Quote, buyMinor int64) (int64, error) {
	sell, err := money.ParseCurrency(q.SellCurrency)
	if err != nil {
		return 0, err
	}
	buy, err := money.ParseCurrency(q.BuyCurrency)
	if err != nil {
		return 0, err
	}
	rate, err := money.NewRate(q.RateMantissa, q.RateScale, buy, sell)
	if err != nil {
		return 0, err
	}
	if buyMinor < q.LeastMinor || buyMinor > q.MostMinor {
		return 0, refusal.Newf(CodeQuoteAmount, "pay an amount within the quote's bounds, or ask for another quote", "%s is outside quote %s: the least that can be paid is %s, the most %s",
			money.New(buyMinor, buy), q.ID, money.New(q.LeastMinor, buy), money.New(q.MostMinor, buy))
	}
	taken, err := rate.Convert(money.New(buyMinor, buy), money.Rounding(q.Rounding))
	if err != nil {
		return 0, err
	}
	if taken.Minor() <= 0 {
		return 0, refusal.Newf(wire.CodeAmountInvalid, "pay a larger amount", "%s at %s is %s", money.New(buyMinor, buy), rate, taken)
	}
	return taken.Minor(), nil
}

// verifyQuote checks the provider's signature and that the quote is for this network, this pair and these ledgers, and still stands.
func (a *Authorised) verifyQuote(bytes []byte, network *trust.Network, nowMS int64) error {
	e, err := wire.ParseEnvelope(bytes, wire.LimitMessage)
	if err != nil {
		return err
	}
	signer, err := signedOnce(&e, wire.TypeQuote, network)
	if err != nil {
		return err
	}
	q := new(wire.Quote)
	if err := wire.Decode(e.Payload, wire.LimitMessage, q); err != nil {
		return err
	}
	foreign := func(format string, args ...any) error {
		return refusal.Newf(CodeQuoteForeign, "ask for a quote for this payment", format, args...)
	}
	in := &a.Instruction
	_, listed := network.Provider(q.Provider)
	switch {
	case q.Network != network.Network:
		return foreign("quote %s is for network %q, this is %q", q.ID, q.Network, network.Network)
	case !listed || signer.Owner != q.Provider:
		return foreign("quote %s of %q is signed by %s", q.ID, q.Provider, signer.Title())
	case q.SellCurrency != in.DebitCurrency || q.BuyCurrency != in.PayCurrency:
		return foreign("quote %s gives %s for %s, the payment needs %s for %s", q.ID, q.BuyCurrency, q.SellCurrency, in.PayCurrency, in.DebitCurrency)
	case q.SellBank != in.PayerBank || q.BuyBank != in.PayeeBank:
		return foreign("quote %s is between %s and %s, the payment between %s and %s", q.ID, q.SellBank, q.BuyBank, in.PayerBank, in.PayeeBank)
	case q.SellAccount == in.PayerAccount || q.BuyAccount == in.PayeeAccount:
		return foreign("quote %s names an account of the payment itself as the provider's", q.ID)
	case nowMS > q.ExpiresMS:
		return refusal.Newf(CodeQuoteExpired, "ask for a new quote", "quote %s expired at %d, it is %d", q.ID, q.ExpiresMS, nowMS)
	}
	a.Quote, a.QuoteHash = q, e.Hash()
	return nil
}

// verifyAcceptance checks that the quote's taker, a service of the payer, accepted this quote for this instruction.
func (a *Authorised) verifyAcceptance(bytes []byte, network *trust.Network) error {
	e, err := wire.ParseEnvelope(bytes, wire.LimitMessage)
	if err != nil {
		return err
	}
	taker, err := signedOnce(&e, wire.TypeAcceptance, network)
	if err != nil {
		return err
	}
	accepted := new(wire.Acceptance)
	if err := wire.Decode(e.Payload, wire.LimitMessage, accepted); err != nil {
		return err
	}
	const do = "accept this quote for this instruction"
	switch {
	case taker.ID() != a.Quote.Taker:
		return refusal.Newf(CodeQuoteForeign, "ask for a quote of your own", "quote %s was given to key %s and accepted by %s", a.Quote.ID, a.Quote.Taker.Short(), taker.Title())
	case accepted.Network != network.Network:
		return wrongNetwork("acceptance", accepted.Network, network.Network)
	case taker.Owner != a.Instruction.Payer:
		return refusal.Newf(CodeAcceptanceForeign, do, "%s accepted a quote for a payment of %s", taker.Title(), a.Instruction.Payer)
	case accepted.Quote != a.QuoteHash:
		return refusal.Newf(CodeAcceptanceForeign, do, "the acceptance names quote %s, this is %s", accepted.Quote.Short(), a.QuoteHash.Short())
	case accepted.Instruction != a.InstructionHash:
		return refusal.Newf(CodeAcceptanceForeign, do, "the acceptance names instruction %s, this is %s", accepted.Instruction.Short(), a.InstructionHash.Short())
	}
	a.Acceptance = accepted
	return nil
}

// checkAmounts recomputes both amounts of the acceptance from instruction and quote.
func checkAmounts(in *wire.Instruction, q *wire.Quote, accepted *wire.Acceptance) error {
	sellMinor, err := SellMinor(q, in.PayMinor)
	if err != nil {
		return err
	}
	if accepted.BuyMinor != in.PayMinor || accepted.SellMinor != sellMinor {
		return refusal.Newf(CodeAcceptanceAmount, "accept with the amounts that follow from the quote", "the acceptance says %d for %d minor units, quote and instruction say %d for %d",
			accepted.SellMinor, accepted.BuyMinor, sellMinor, in.PayMinor)
	}
	return checkLimit(in, accepted.SellMinor)
}
