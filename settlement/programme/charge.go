package programme

import (
	"fmt"

	"entente/schema/money"
	"entente/schema/refusal"
)

// Charge is what one member owes the supplier of a confirmed line.
type Charge struct {
	Line   Line
	Debtor Nation
	Amount money.Amount // in the supplier's currency; may be zero
}

// Charges shares confirmed lines by the agreement's formulas, line by line in the order given, debtors in the agreement's order. By actual use the receiver
// owes the line. By basis points the line is split over all members by largest remainder, ties to the earlier member; the supplier bears its own share, so
// it is owed the rest.
func Charges(a Agreement, lines []Line) ([]Charge, error) {
	var charges []Charge
	for _, line := range lines {
		index := a.CategoryIndex(line.Category)
		if index < 0 {
			return nil, refusal.Newf(CodeUnknownCategory, "match the counts under this agreement", "%s: %.40q is no category of %s", line.Key, line.Category, a.ID)
		}
		formula := a.Categories[index].Formula
		if formula.Kind == ActualUse {
			charges = append(charges, Charge{line, line.Receiver, line.Amount})
			continue
		}
		shares, err := money.Allocate(line.Amount, formula.Shares)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line.Key, err)
		}
		for i, share := range shares {
			if debtor := a.Members[i].Nation; debtor != line.Supplier {
				charges = append(charges, Charge{line, debtor, share})
			}
		}
	}
	return charges, nil
}
