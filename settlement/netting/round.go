package netting

import (
	"cmp"
	"fmt"
	"slices"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
)

// Scheme says between whom debts are set off.
type Scheme uint8

// The closed list of schemes.
const (
	Bilateral    Scheme = 1 // each pair of nations pays what is left between the two
	Multilateral Scheme = 2 // each nation pays or is paid what is left of all it owes and is owed
)

// String gives the scheme's stable name: bilateral or multilateral.
func (s Scheme) String() string {
	switch s {
	case Bilateral:
		return "bilateral"
	case Multilateral:
		return "multilateral"
	}
	return fmt.Sprintf("scheme(%d)", uint8(s))
}

// Counted is a net with what it counts for in the round's currency: its own amount, or that amount at the agreed rate.
type Counted struct {
	Net
	Counts money.Amount
	Rate   AgreedRate // the zero value where nothing was converted
}

// Position is what a nation gets of a round (above zero) or gives (below).
type Position struct {
	Nation string
	Amount money.Amount
}

// Part is a net in a payment's sum.
type Part struct {
	Net  int // its place in Round.Nets
	Sign Sign
}

// Payment is one transfer of a round. Its amount is the signed sum of what its parts count for. A multilateral payment is what the nations on its payer's
// side owe all others: the bills across that cut are its parts, so that its amount follows from bills although it stands for no single debt.
type Payment struct {
	Payer  string
	Payee  string
	Amount money.Amount // above zero
	Parts  []Part       // in the order of Round.Nets
}

// Round is the netting of what is owed on one ledger. Its payments settle all together or not at all, and then all its bills are discharged, those also that
// stand in no payment because they cancel out.
type Round struct {
	Scheme    Scheme
	Ledger    string
	Currency  money.Currency
	Nets      []Counted
	Positions []Position // ordered by nation, zero ones too
	Payments  []Payment
}

// Rounds nets bills, one round for each ledger, ordered by ledger: nothing is converted. Refusals: bill_invalid, bill_repeated, ledger_currency,
// scheme_unknown, overflow.
func Rounds(bills []Bill, scheme Scheme) ([]Round, error) {
	nets, err := pairNets(bills)
	if err != nil {
		return nil, err
	}
	var rounds []Round
	for len(nets) > 0 {
		ledger, currency := nets[0].Ledger, nets[0].Amount.Currency()
		n := 0
		var counted []Counted
		for ; n < len(nets) && nets[n].Ledger == ledger; n++ {
			counted = append(counted, Counted{Net: nets[n], Counts: nets[n].Amount})
		}
		nets = nets[n:]
		r, err := settle(scheme, ledger, currency, counted)
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, r)
	}
	return rounds, nil
}

// settle turns counted nets into positions and payments.
func settle(scheme Scheme, ledger string, currency money.Currency, nets []Counted) (Round, error) {
	r := Round{Scheme: scheme, Ledger: ledger, Currency: currency, Nets: nets}
	var err error
	if r.Positions, err = positions(currency, nets); err != nil {
		return Round{}, err
	}
	switch scheme {
	case Bilateral:
		r.Payments, err = r.betweenPairs()
	case Multilateral:
		r.Payments, err = r.betweenAll()
	default:
		err = refusal.Newf(CodeSchemeUnknown, "choose bilateral or multilateral", "%s is none", scheme)
	}
	return r, err
}

// positions adds, for each nation, what its nets count for.
func positions(currency money.Currency, nets []Counted) ([]Position, error) {
	sums := map[string]money.Amount{}
	for _, n := range nets {
		for _, nation := range []string{n.Debtor, n.Creditor} {
			if _, known := sums[nation]; !known {
				sums[nation] = money.Zero(currency)
			}
		}
		var err error
		if sums[n.Creditor], err = sums[n.Creditor].Add(n.Counts); err != nil {
			return nil, err
		}
		if sums[n.Debtor], err = sums[n.Debtor].Sub(n.Counts); err != nil {
			return nil, err
		}
	}
	all := make([]Position, 0, len(sums))
	for nation, amount := range sums {
		all = append(all, Position{nation, amount})
	}
	slices.SortFunc(all, func(a, b Position) int { return cmp.Compare(a.Nation, b.Nation) })
	return all, nil
}

// betweenPairs pays what is left between two nations, over all currencies of the round.
func (r *Round) betweenPairs() ([]Payment, error) {
	type two struct{ first, second string }
	payments := map[two]*Payment{}
	for i, n := range r.Nets {
		key := two{min(n.Debtor, n.Creditor), max(n.Debtor, n.Creditor)}
		p := payments[key]
		if p == nil {
			p = &Payment{Payer: key.first, Payee: key.second, Amount: money.Zero(r.Currency)}
			payments[key] = p
		}
		sign := Plus
		if n.Debtor != p.Payer {
			sign = Minus
		}
		p.Parts = append(p.Parts, Part{i, sign})
	}
	var all []Payment
	for _, p := range payments {
		amount, err := r.sum(p.Parts)
		switch {
		case err != nil:
			return nil, err
		case amount.IsZero():
			continue
		case amount.Minor() < 0:
			p.Payer, p.Payee = p.Payee, p.Payer
			for i := range p.Parts {
				p.Parts[i].Sign = -p.Parts[i].Sign
			}
			if amount, err = amount.Neg(); err != nil {
				return nil, err
			}
		}
		p.Amount = amount
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Payment) int {
		return cmp.Or(cmp.Compare(a.Payer, b.Payer), cmp.Compare(a.Payee, b.Payee))
	})
	return all, nil
}

// betweenAll lets the largest debtor pay the largest creditor until nobody owes anything; of equals the first in the alphabet comes first. That takes fewer
// payments than there are nations, moves no more than the debtors owe together, and joins nations into trees: cutting one payment leaves its payer's side and
// the rest, and the nets across that cut add up to the payment.
func (r *Round) betweenAll() ([]Payment, error) {
	left := slices.Clone(r.Positions)
	var all []Payment
	for {
		payer, payee := extremes(left)
		if payer < 0 || payee < 0 {
			break
		}
		owes, err := left[payer].Amount.Neg()
		if err != nil {
			return nil, err
		}
		amount := money.New(min(owes.Minor(), left[payee].Amount.Minor()), r.Currency)
		left[payer].Amount = money.New(amount.Minor()-owes.Minor(), r.Currency)
		left[payee].Amount = money.New(left[payee].Amount.Minor()-amount.Minor(), r.Currency)
		all = append(all, Payment{Payer: left[payer].Nation, Payee: left[payee].Nation, Amount: amount})
	}
	for i := range all {
		side := payersSide(all, i)
		for j, n := range r.Nets {
			switch {
			case side[n.Debtor] && !side[n.Creditor]:
				all[i].Parts = append(all[i].Parts, Part{j, Plus})
			case side[n.Creditor] && !side[n.Debtor]:
				all[i].Parts = append(all[i].Parts, Part{j, Minus})
			}
		}
	}
	return all, nil
}

// extremes gives the places of the lowest and the highest position, -1 where nobody is below or above zero.
func extremes(positions []Position) (lowest, highest int) {
	lowest, highest = -1, -1
	for i, p := range positions {
		if p.Amount.Minor() < 0 && (lowest < 0 || p.Amount.Minor() < positions[lowest].Amount.Minor()) {
			lowest = i
		}
		if p.Amount.Minor() > 0 && (highest < 0 || p.Amount.Minor() > positions[highest].Amount.Minor()) {
			highest = i
		}
	}
	return lowest, highest
}

// payersSide gives the nations that payments other than the i-th join to its payer.
func payersSide(payments []Payment, i int) map[string]bool {
	side := map[string]bool{payments[i].Payer: true}
	for grown := true; grown; {
		grown = false
		for j, p := range payments {
			if j != i && side[p.Payer] != side[p.Payee] {
				side[p.Payer], side[p.Payee], grown = true, true, true
			}
		}
	}
	return side
}

// sum adds what parts count for.
func (r *Round) sum(parts []Part) (money.Amount, error) {
	total := money.Zero(r.Currency)
	for _, part := range parts {
		if part.Net < 0 || part.Net >= len(r.Nets) || part.Sign != Plus && part.Sign != Minus {
			return money.Amount{}, roundInvalid("a payment names net %d of %d with sign %d", part.Net, len(r.Nets), part.Sign)
		}
		var err error
		if part.Sign == Plus {
			total, err = total.Add(r.Nets[part.Net].Counts)
		} else {
			total, err = total.Sub(r.Nets[part.Net].Counts)
		}
		if err != nil {
			return money.Amount{}, err
		}
	}
	return total, nil
}

// Bills names every bill the round discharges, ordered by net and hash.
func (r *Round) Bills() []wire.Hash {
	var all []wire.Hash
	for _, n := range r.Nets {
		for _, b := range n.Bills {
			all = append(all, b.Bill)
		}
	}
	return all
}

// BillsOf names the bills in a payment's sum with their signs: Plus for what the payer's side owes. Where nothing was converted their signed sum is the
// payment's amount.
func (r *Round) BillsOf(p Payment) []Signed {
	var all []Signed
	for _, part := range p.Parts {
		for _, b := range r.Nets[part.Net].Bills {
			all = append(all, Signed{b.Bill, b.Sign * part.Sign})
		}
	}
	return all
}
