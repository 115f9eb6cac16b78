package netting

import (
	"bytes"
	"cmp"
	"slices"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
)

// Bill is what netting knows of a countersigned bill that is outstanding: never an item.
type Bill struct {
	Hash     wire.Hash // the bill's name in the log
	Creditor string    // nation that is owed
	Debtor   string    // nation that owes
	Ledger   string    // bank of the bill's currency
	Amount   money.Amount
}

// Sign says on which side of a sum a bill or a net stands.
type Sign int8

// The two signs.
const (
	Plus  Sign = 1  // what the payer owes
	Minus Sign = -1 // what the payer is owed
)

// String gives + or -.
func (s Sign) String() string {
	if s == Minus {
		return "-"
	}
	return "+"
}

// Signed is a bill in a sum.
type Signed struct {
	Bill wire.Hash
	Sign Sign
}

// Net is everything two nations owe each other on one ledger, as one amount: the signed sum of its bills. A net of zero names the nation that comes first in
// the alphabet as debtor, and still discharges its bills.
type Net struct {
	Ledger   string
	Debtor   string
	Creditor string
	Amount   money.Amount // zero or more
	Bills    []Signed     // ordered by hash; Plus for what the debtor owes
}

// pair orders two nations, so that both directions of a debt meet.
type pair struct{ ledger, first, second string }

// pairNets gives the net of each pair of nations on each ledger, ordered by ledger and nations.
func pairNets(bills []Bill) ([]Net, error) {
	if err := checkBills(bills); err != nil {
		return nil, err
	}
	bills = slices.Clone(bills)
	slices.SortFunc(bills, func(a, b Bill) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	nets := map[pair]*Net{}
	for _, b := range bills {
		key := pair{b.Ledger, min(b.Creditor, b.Debtor), max(b.Creditor, b.Debtor)}
		n := nets[key]
		if n == nil {
			n = &Net{Ledger: b.Ledger, Debtor: key.first, Creditor: key.second, Amount: money.Zero(b.Amount.Currency())}
			nets[key] = n
		}
		var err error
		if b.Debtor == n.Debtor {
			n.Bills = append(n.Bills, Signed{b.Hash, Plus})
			n.Amount, err = n.Amount.Add(b.Amount)
		} else {
			n.Bills = append(n.Bills, Signed{b.Hash, Minus})
			n.Amount, err = n.Amount.Sub(b.Amount)
		}
		if err != nil {
			return nil, err
		}
	}
	ordered := make([]Net, 0, len(nets))
	for _, n := range nets {
		if n.Amount.Minor() < 0 {
			if err := n.turn(); err != nil {
				return nil, err
			}
		}
		ordered = append(ordered, *n)
	}
	slices.SortFunc(ordered, func(a, b Net) int {
		return cmp.Or(cmp.Compare(a.Ledger, b.Ledger), cmp.Compare(min(a.Debtor, a.Creditor), min(b.Debtor, b.Creditor)),
			cmp.Compare(max(a.Debtor, a.Creditor), max(b.Debtor, b.Creditor)))
	})
	return ordered, nil
}

// turn makes the creditor the debtor.
func (n *Net) turn() (err error) {
	n.Debtor, n.Creditor = n.Creditor, n.Debtor
	for i := range n.Bills {
		n.Bills[i].Sign = -n.Bills[i].Sign
	}
	n.Amount, err = n.Amount.Neg()
	return err
}

// checkBills guards what comes in. Sums are checked where they are made.
func checkBills(bills []Bill) error {
	seen, currencies := map[wire.Hash]bool{}, map[string]money.Currency{}
	for _, b := range bills {
		switch first, known := currencies[b.Ledger]; {
		case b.Hash.IsZero() || !wire.ValidName(b.Ledger) || !wire.ValidName(b.Creditor) || !wire.ValidName(b.Debtor):
			return refusal.Newf(CodeBillInvalid, "name hash, ledger, creditor and debtor", "bill %s says that %q owes %q on %q", b.Hash.Short(), b.Debtor, b.Creditor, b.Ledger)
		case b.Creditor == b.Debtor:
			return refusal.Newf(CodeBillInvalid, "name two nations", "bill %s is what %s owes itself", b.Hash.Short(), b.Debtor)
		case b.Amount.Currency().IsZero() || b.Amount.Minor() <= 0:
			return refusal.Newf(CodeBillInvalid, "bill an amount above zero", "bill %s is of %d minor units of %q", b.Hash.Short(), b.Amount.Minor(), b.Amount.Currency())
		case seen[b.Hash]:
			return refusal.Newf(CodeBillRepeated, "name every bill once", "bill %s is there twice", b.Hash.Short())
		case known && first != b.Amount.Currency():
			return refusal.Newf(CodeLedgerCurrency, "name the ledger of the bill's currency", "bill %s is in %s, and the ledger of %s in %s", b.Hash.Short(), b.Amount.Currency(), b.Ledger, first)
		}
		seen[b.Hash], currencies[b.Ledger] = true, b.Amount.Currency()
	}
	return nil
}
