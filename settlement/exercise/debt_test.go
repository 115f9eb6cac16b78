package exercise

import (
	"fmt"
	"strings"
	"testing"

	"entente/schema/money"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// supplied adds a line that two nations counted alike, at the camp's gate.
func (d *desk) supplied(e TallyEntry) wire.Hash {
	d.t.Helper()
	for _, n := range []programme.Nation{e.Supplier, e.Receiver} {
		file := uint64(1)
		for range d.state().tallies[n].filesOf("manual") {
			file++
		}
		d.says(string(n)+" clerk", tally("manual", file, e))
	}
	id, err := KeyID(e.Key)
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// closed closes every nation's days to the end of the exercise.
func (d *desk) closed() {
	for _, n := range []string{"IND", "JPN", "DEU", "FRA"} {
		d.says(n+" head", &CloseDays{day("2023-10-31")})
	}
}

func (t *Tallies) filesOf(device string) map[uint64][]wire.Hash {
	if t == nil {
		return nil
	}
	return t.files[device]
}

func fuel(date, from, to, litres, price string) TallyEntry {
	return entryOf(date, "FUEL", from, to, "F-76", litres, "l", price)
}

func TestGoodsComeBackInKindOrAreOfferedInCash(t *testing.T) {
	d := begun(t)
	d.on("2023-10-05")
	litres := d.supplied(fuel("2023-10-05", "IND", "JPN", "1000", "90.25"))
	parts := d.supplied(entryOf("2023-10-06", "SPARES", "IND", "JPN", "pump", "4", "each", "2500"))
	d.refused("JPN saki", &Repay{No: "P-1", Line: litres, Date: day("2023-10-08"), Item: "F-76", Quantity: dec("1"), Unit: "l"}, CodeLineState)
	d.closed()
	if len(d.drafts("IND", "JPN", "2024-10-05")) != 0 {
		t.Error("goods are billed before they are late")
	}

	repay := func(no string, line wire.Hash, item, quantity, unit, price string) *Repay {
		return &Repay{No: no, Line: line, Date: day("2024-03-01"), Item: item, Quantity: dec(quantity), Unit: unit, UnitPrice: dec(price)}
	}
	d.on("2024-03-01")
	d.refused("IND asha", repay("P-1", litres, "F-76", "400", "l", "0"), CodeNotAParty)
	d.refused("JPN clerk", repay("P-1", litres, "F-76", "400", "l", "0"), CodeSamePerson)
	d.refused("JPN saki", repay("P-1", litres, "F-34", "400", "l", "0"), CodeActInvalid)
	d.refused("JPN saki", repay("P-1", litres, "F-76", "400", "l", "90.25"), CodeActInvalid)
	d.refused("JPN saki", repay("P-1", litres, "F-76", "1000.5", "l", "0"), CodeOverRepayment)
	d.refused("JPN saki", repay("P-1", parts, "filters", "1001", "each", "10"), CodeOverRepayment)
	d.refused("JPN saki", repay("P-1", parts, "filters", "1", "each", "0"), CodeActInvalid)
	back := d.says("JPN saki", repay("P-1", litres, "F-76", "400", "l", "0"))
	d.refused("JPN saki", &Sign{back}, CodeNotAParty)
	d.says("IND ravi", &Sign{back})
	d.refused("IND ravi", &Sign{back}, CodeSigned)
	filters := d.says("JPN saki", repay("P-2", parts, "filters", "99.5", "each", "80"))
	d.says("IND ravi", &Sign{filters})
	l, _ := d.state().Line(litres)
	if !l.Left.Equal(dec("600")) || l.Value.String() != "54150.00 INR" {
		t.Errorf("left are %s l, %s", l.Left, l.Value)
	}

	// Who counts more of it now does not owe or get more.
	for _, n := range []string{"IND", "JPN"} {
		d.says(n+" clerk", tally("forgotten", 1, fuel("2023-10-05", "IND", "JPN", "50", "90.25")))
	}
	if l.Left.String() != "600" || len(d.state().LateCounts()) != 2 {
		t.Errorf("left are %s l; late: %+v", l.Left, d.state().LateCounts())
	}

	// Sixty days before they are due an offer of what is left is there, and not a day before.
	if offers := d.state().CashOffers(day("2024-08-05")); len(offers) != 0 {
		t.Errorf("%+v", offers)
	}
	offers := d.state().CashOffers(day("2024-08-07"))
	if len(offers) != 2 || offers[0].Amount.String() != "54150.00 INR" || offers[1].Amount.String() != "2040.00 INR" {
		t.Fatalf("%+v", offers)
	}
	d.on("2024-08-07")
	offered := d.says("JPN saki", &offers[0].Act)
	d.refused("DEU otto", &Sign{offered}, CodeNotAParty)
	d.says("IND asha", &Sign{offered})
	d.refused("IND asha", &Sign{offered}, CodeLineState)
	d.refused("JPN saki", repay("P-3", litres, "F-76", "1", "l", "0"), CodeLineState)

	// The fuel is billed since Japan offered cash, the pumps once they are late.
	var b strings.Builder
	for _, on := range []string{"2024-10-06", "2024-10-07"} {
		for _, draft := range d.drafts("IND", "JPN", on) {
			fmt.Fprintf(&b, "on %s India may bill %s\n", on, draft.Total)
			for _, item := range draft.Draft.Items {
				fmt.Fprintf(&b, "  %s %s %s of %s at %s: %s\n", item.Date, item.Quantity, item.Unit, item.Item, item.UnitPrice, item.Amount)
			}
		}
	}
	d.on("2024-10-08")
	bill := d.drafts("IND", "JPN", "2024-10-08")[0].Bill
	signed := d.says("IND asha", &bill)
	d.refused("JPN saki", repay("P-3", parts, "filters", "1", "each", "10"), CodeLineState)
	d.says("JPN head", &Sign{signed})
	d.refused("JPN clerk", &Pay{Bill: signed}, CodeSamePerson)
	d.says("JPN head", &Pay{Bill: signed})
	if debts, err := d.state().Debts(day("2025-01-01")); err != nil || len(debts) != 0 {
		t.Errorf("%+v, %v", debts, err)
	}
	golden(t, "testdata/goods.txt", b.String()+d.state().Tell())
}

func TestTheLastLitreBackDischargesTheDebt(t *testing.T) {
	d := begun(t)
	litres := d.supplied(fuel("2023-10-05", "IND", "JPN", "1000", "90.25"))
	d.closed()
	for i, quantity := range []string{"999.5", "0.5"} {
		back := d.says("JPN saki", &Repay{No: fmt.Sprint(i), Line: litres, Date: day("2023-10-20"), Item: "F-76", Quantity: dec(quantity), Unit: "l"})
		d.says("IND ravi", &Sign{back})
	}
	if l, _ := d.state().Line(litres); l.Status != Discharged || len(d.state().CashOffers(day("2024-10-01"))) != 0 {
		t.Errorf("%+v", l)
	}
}

func TestTwoRepaymentsAtOnceNeverGiveBackMoreThanIsOwed(t *testing.T) {
	d := begun(t)
	litres := d.supplied(fuel("2023-10-05", "IND", "JPN", "1000", "90.25"))
	d.closed()
	var repaid []wire.Hash
	for _, no := range []string{"P-1", "P-2"} {
		repaid = append(repaid, d.says("JPN saki", &Repay{No: no, Line: litres, Date: day("2023-10-20"), Item: "F-76", Quantity: dec("600"), Unit: "l"}))
	}
	d.says("IND ravi", &Sign{repaid[1]})
	d.refused("IND ravi", &Sign{repaid[0]}, CodeOverRepayment)
}

func TestDebtsAreOffset(t *testing.T) {
	start := func(change func(*Terms)) (*desk, wire.Hash, wire.Hash, wire.Hash) {
		d := tell(t)
		terms := harbour()
		change(&terms)
		created := d.says("IND asha", &Create{terms})
		for _, n := range []string{"JPN", "DEU", "FRA"} {
			d.says("IND asha", &Invite{created, programme.Nation(n)})
			d.says(n+" minister", &Sign{created})
		}
		d.on("2023-10-05")
		// Japan owes 1000 l at 90.25 rupees, India 60,000 yen for food and 4 pumps at 10,000 yen.
		litres := d.supplied(fuel("2023-10-05", "IND", "JPN", "1000", "90.25"))
		food := d.supplied(entryOf("2023-10-06", "FOOD", "JPN", "IND", "rice", "100", "kg", "600"))
		pumps := d.supplied(entryOf("2023-10-07", "SPARES", "JPN", "IND", "pump", "4", "each", "10000"))
		d.supplied(entryOf("2023-10-07", "BASE", "IND", "JPN", "pier", "1", "day", "1000"))
		d.closed()
		d.on("2023-11-01")
		return d, litres, food, pumps
	}
	as := func(t *Terms) {}
	both := func(a, b wire.Hash) []wire.Hash {
		if compareHashes(a, b) > 0 {
			a, b = b, a
		}
		return []wire.Hash{a, b}
	}

	t.Run("goods against cash where the terms say so", func(t *testing.T) {
		d, litres, food, pumps := start(as)
		pier, _ := KeyID(entryOf("2023-10-07", "BASE", "IND", "JPN", "pier", "1", "day", "1000").Key)
		d.refused("IND asha", &Offset{No: "X-1", Owed: []wire.Hash{litres}}, CodeActInvalid)
		d.refused("IND asha", &Offset{No: "X-1", Owed: []wire.Hash{food}, Owing: []wire.Hash{litres}}, CodeNotAParty)
		d.refused("IND asha", &Offset{No: "X-1", Owed: []wire.Hash{pier}, Owing: []wire.Hash{food}}, CodeLineState) // all share it
		// 100,000 yen at 1.75 yen a rupee are 57,142.86 of the 90,250 rupees.
		offset := d.says("IND asha", &Offset{No: "X-1", Owed: []wire.Hash{litres}, Owing: both(food, pumps)})
		d.refused("IND ravi", &Sign{offset}, CodeNotAParty)
		d.says("JPN kenji", &Sign{offset})
		d.refused("JPN kenji", &Sign{offset}, CodeLineState)
		draft := d.drafts("IND", "JPN", "2023-11-02")
		if len(draft) != 1 || len(draft[0].Draft.Items) != 2 { // the balance and the pier
			t.Fatalf("%+v", draft)
		}
		for _, item := range draft[0].Draft.Items {
			if strings.HasPrefix(item.Item, "balance") && (item.Amount.String() != "33107.14 INR" || item.Date.String() != "2023-10-05") {
				t.Errorf("%+v", item)
			}
		}
		if len(d.drafts("JPN", "IND", "2024-12-02")) != 0 {
			t.Error("Japan may still bill what is offset")
		}
		golden(t, "testdata/offset.txt", d.state().Tell())
	})
	t.Run("the other way round the other side owes the rest", func(t *testing.T) {
		d, litres, food, _ := start(func(terms *Terms) {
			terms.Rates[0], _ = money.ParseRate("0.5", terms.Rates[0].Base(), terms.Rates[0].Quote())
		})
		offset := d.says("JPN kenji", &Offset{No: "X-1", Owing: []wire.Hash{litres}, Owed: []wire.Hash{food}})
		d.says("IND asha", &Sign{offset})
		// 60,000 yen less 90,250 rupees at half a yen: 14,875 yen, which India owes.
		if got := d.total("JPN", "IND", "2023-11-02"); got != "14875 JPY" {
			t.Errorf("the balance is %s", got)
		}
	})
	t.Run("not without a rate", func(t *testing.T) {
		d, litres, food, _ := start(func(terms *Terms) { terms.Rates = nil })
		d.refused("IND asha", &Offset{No: "X-1", Owed: []wire.Hash{litres}, Owing: []wire.Hash{food}}, CodeRateMissing)
	})
	t.Run("else after eighteen months by consent", func(t *testing.T) {
		d, litres, food, _ := start(func(terms *Terms) { terms.NetInKind = false })
		offset := &Offset{No: "X-1", Owed: []wire.Hash{litres}, Owing: []wire.Hash{food}}
		d.refused("IND asha", offset, CodeOffsetEarly)
		d.on("2025-04-05")
		d.refused("IND asha", offset, CodeOffsetEarly) // the rice came a day later
		d.on("2025-04-06")
		d.says("JPN kenji", &Sign{d.says("IND asha", offset)})
	})
	t.Run("the balance runs from the oldest of the larger side", func(t *testing.T) {
		d, litres, food, pumps := start(as)
		d.says("JPN kenji", &Sign{d.says("IND asha", &Offset{No: "X-1", Owed: []wire.Hash{litres}, Owing: both(food, pumps)})})
		l, _ := d.state().Line(litres)
		if l.Status != Discharged {
			t.Errorf("%s", l.Status)
		}
		debts, err := d.state().Debts(day("2023-11-02"))
		if err != nil || len(debts) == 0 || debts[len(debts)-2].Since != day("2023-10-05") {
			t.Errorf("%+v, %v", debts, err)
		}
	})
	t.Run("not what is billed", func(t *testing.T) {
		d, litres, food, _ := start(as)
		bill := d.drafts("JPN", "IND", "2023-11-02")[0].Bill
		d.says("JPN kenji", &bill)
		d.refused("IND asha", &Offset{No: "X-1", Owed: []wire.Hash{litres}, Owing: []wire.Hash{food}}, CodeLineState)
	})
}

func TestARateIsUsedInBothDirections(t *testing.T) {
	inr, jpy := money.MustCurrency("INR"), money.MustCurrency("JPY")
	for _, tt := range []struct{ rate, yen, rupees string }{
		{"1.75", "100000", "57142.86"}, {"1.75", "7", "4.00"}, {"0.5", "1", "2.00"}, {"200", "1", "0.00"}, {"200", "3", "0.02"}, {"8", "1", "0.12"}, {"66.6666667", "1", "0.01"},
	} {
		rate, err := money.ParseRate(tt.rate, inr, jpy)
		if err != nil {
			t.Fatal(err)
		}
		yen, err := money.Parse(tt.yen, jpy)
		if err != nil {
			t.Fatal(err)
		}
		b := balance{terms: Terms{Rates: []money.Rate{rate}}}
		if got, err := b.convert(yen, inr); err != nil || got.Decimal() != tt.rupees {
			t.Errorf("%s at %s is %s (%v), want %s", yen, rate, got, err, tt.rupees)
		}
	}
}
