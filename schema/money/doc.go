// Package money holds the amounts of Entente: currencies of ISO 4217, integers of minor units, decimal rates with named roundings, and exact allocation.
//
// Promised: no float is ever used; mixed currencies never add; every operation that would leave the range of a signed 64-bit integer is refused; whoever
// rounds names the rounding; an allocation always adds up to what was allocated. Amounts, rates and currencies are small comparable values.
//
// Not checked: whether a rate is the market's, and whether a currency is still in use on a given day. The digits of each currency are those of ISO 4217
// table A.1; nobody else is trusted for them.
package money

import "entente/schema/refusal"

// The codes of the refusals this package gives.
const (
	// CodeUnknownCurrency refuses a code that is no ISO 4217 currency with a minor unit.
	CodeUnknownCurrency refusal.Code = "unknown_currency"
	// CodeAmountInvalid refuses a text or value that is no amount of its currency: "1.5" yen, a negative price, an exponent, spaces.
	CodeAmountInvalid refusal.Code = "amount_invalid"
	// CodeOverflow refuses a result outside the signed 64-bit range of minor units.
	CodeOverflow refusal.Code = "overflow"
	// CodeCurrencyMismatch refuses to combine amounts or rates of different currencies.
	CodeCurrencyMismatch refusal.Code = "currency_mismatch"
	// CodeRateInvalid refuses a rate that is not positive, too long, or between currencies that are not named.
	CodeRateInvalid refusal.Code = "rate_invalid"
	// CodeRoundingUnknown refuses a rounding outside the closed list.
	CodeRoundingUnknown refusal.Code = "rounding_unknown"
	// CodeWeightsInvalid refuses an allocation by negative weights, or by weights that add to zero or overflow.
	CodeWeightsInvalid refusal.Code = "weights_invalid"
)
