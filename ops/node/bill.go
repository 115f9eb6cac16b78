package node

import (
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
)

// Refusals of bills before a ledger sees them.
const (
	CodeCountersignature refusal.Code = "countersignature_missing"
	CodeBillDiffers      refusal.Code = "bill_differs"
)

// VerifyCountersigned reads a bill that creditor and debtor both signed. Refusals: those of signatures, countersignature_missing, wrong_network, malformed.
func VerifyCountersigned(envelope *wire.Envelope, network *trust.Network) (wire.Bill, error) {
	signers, err := envelope.Verify(wire.TypeBill, network)
	if err != nil {
		return wire.Bill{}, err
	}
	bill, err := wire.ParseBill(envelope.Payload)
	if err != nil {
		return bill, err
	}
	if bill.Network != network.Network {
		return bill, refusal.Newf(wire.CodeWrongNetwork, "send the bill to its own network", "a bill of network %q came to %q", bill.Network, network.Network)
	}
	owners := map[string]bool{}
	for _, k := range signers {
		owners[k.Owner] = true
	}
	if !owners[bill.Creditor] || !owners[bill.Debtor] || len(signers) != 2 {
		return bill, refusal.Newf(CodeCountersignature, "have both nations sign the bill", "the bill of %s for %s is not signed by both, and by both alone", bill.Creditor, bill.Debtor)
	}
	return bill, nil
}
