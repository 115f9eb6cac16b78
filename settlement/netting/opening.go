package netting

import (
	"slices"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
)

// Total is a bill's total commitment T, the sum over its chunks, and the blinding it opens with.
type Total struct {
	Point    commit.Point
	Blinding commit.Scalar
}

// CheckNet tells whether a net is its bills': the signed sum of their total commitments opens to its amount under the signed sum of their blindings. The bills'
// single amounts are not needed. Refusals: net_opening_invalid, point_invalid, scalar_invalid.
func CheckNet(n Net, totals map[wire.Hash]Total) error {
	return checkOpening(n.Bills, n.Amount, totals)
}

// CheckPayment tells whether a payment of a round is its bills'. Where nothing was converted the signed sum of the bills' total commitments has to open to the
// amount; otherwise each net by itself, then the conversions at the agreed rates, then the sum. Refusals: those of CheckNet, round_invalid.
func CheckPayment(r *Round, p Payment, totals map[wire.Hash]Total) error {
	if err := r.checkSum(p); err != nil {
		return err
	}
	if !slices.ContainsFunc(p.Parts, func(part Part) bool { return !r.Nets[part.Net].Rate.Rate.IsZero() }) {
		return checkOpening(r.BillsOf(p), p.Amount, totals)
	}
	for _, part := range p.Parts {
		n := r.Nets[part.Net]
		if err := n.checkCount(r); err != nil {
			return err
		}
		if err := CheckNet(n.Net, totals); err != nil {
			return err
		}
	}
	return nil
}

// checkSum tells whether a payment is above zero and the sum of its parts.
func (r *Round) checkSum(p Payment) error {
	sum, err := r.sum(p.Parts)
	if err == nil && (sum != p.Amount || sum.Minor() <= 0) {
		err = roundInvalid("the nets between %s and %s add to %s and %s is paid", p.Payer, p.Payee, sum, p.Amount)
	}
	return err
}

// checkOpening adds and subtracts.
func checkOpening(bills []Signed, amount money.Amount, totals map[wire.Hash]Total) error {
	invalid := func(format string, args ...any) error {
		return refusal.Newf(CodeOpeningInvalid, "send the total commitments and blindings that belong to the bills", format, args...)
	}
	if amount.Minor() < 0 {
		return invalid("%s is below zero", amount)
	}
	var sum commit.Sum
	var blinding commit.Scalar
	for _, b := range bills {
		total, known := totals[b.Bill]
		if !known {
			return invalid("bill %s came without its commitment", b.Bill.Short())
		}
		add, addBlinding := sum.Add, func(s commit.Scalar) (commit.Scalar, error) { return commit.AddScalars(blinding, s) }
		if b.Sign == Minus {
			add, addBlinding = sum.Sub, func(s commit.Scalar) (commit.Scalar, error) { return commit.SubScalar(blinding, s) }
		}
		if err := add(total.Point); err != nil {
			return err
		}
		var err error
		if blinding, err = addBlinding(total.Blinding); err != nil {
			return err
		}
	}
	if !commit.OpenAmount(sum.Point(), uint64(amount.Minor()), blinding) {
		return invalid("the signed sum of %d bills does not open to %s", len(bills), amount)
	}
	return nil
}

// checkCount tells whether a net counts for what its ledger and rate make of it.
func (c *Counted) checkCount(r *Round) error {
	want := c.Amount
	if !c.Rate.Rate.IsZero() {
		var err error
		if want, err = c.Rate.Rate.Convert(c.Amount, c.Rate.Rounding); err != nil {
			return err
		}
	} else if c.Ledger != r.Ledger {
		return roundInvalid("what %s owes %s on %s counts on %s without a rate", c.Debtor, c.Creditor, c.Ledger, r.Ledger)
	}
	if c.Counts != want || want.Currency() != r.Currency {
		return roundInvalid("what %s owes %s counts for %s and not for %s", c.Debtor, c.Creditor, want, c.Counts)
	}
	return nil
}

// Check tells whether a round conserves what is owed: every bill stands in one net, positions are the sums of the nets and add to zero, each payment is the sum
// of its parts, and the payments move exactly the positions. Rates are checked against amounts, not against an agreement. Refusals: round_invalid, bill_repeated.
func (r *Round) Check() error {
	seen := map[wire.Hash]bool{}
	for _, n := range r.Nets {
		for _, b := range n.Bills {
			if seen[b.Bill] {
				return refusal.Newf(CodeBillRepeated, "name every bill once", "bill %s is there twice", b.Bill.Short())
			}
			seen[b.Bill] = true
		}
		if err := n.checkCount(r); err != nil {
			return err
		}
	}
	want, err := positions(r.Currency, r.Nets)
	if err != nil {
		return err
	}
	moved := map[string]int64{}
	for _, p := range r.Payments {
		if err := r.checkSum(p); err != nil {
			return err
		}
		moved[p.Payer] -= p.Amount.Minor()
		moved[p.Payee] += p.Amount.Minor()
	}
	if len(want) != len(r.Positions) {
		return roundInvalid("there are %d nations and %d positions", len(want), len(r.Positions))
	}
	for i, p := range want {
		if r.Positions[i] != p || moved[p.Nation] != p.Amount.Minor() {
			return roundInvalid("the position of %s is %s, stated are %s and payments of %d minor units", p.Nation, p.Amount, r.Positions[i].Amount, moved[p.Nation])
		}
		delete(moved, p.Nation)
	}
	if len(moved) > 0 {
		return roundInvalid("payments name a nation that no bill names")
	}
	return nil
}

func roundInvalid(format string, args ...any) error {
	return refusal.Newf(CodeRoundInvalid, "net the bills again", format, args...)
}
