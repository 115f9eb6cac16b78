package exercise

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run with -update and review):\n%s", path, diff)
	}
}

func day(text string) programme.Date {
	d, err := programme.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// harbour are the terms of a four-member exercise: food in cash, fuel in kind, spares by equal value, a base shared by basis points, a camp by person-days.
func harbour() Terms {
	inr, jpy, eur := money.MustCurrency("INR"), money.MustCurrency("JPY"), money.MustCurrency("EUR")
	rate, err := money.ParseRate("1.75", inr, jpy)
	if err != nil {
		panic(err)
	}
	a := programme.Agreement{
		ID: "HARBOUR-2023", Name: "Harbour Light 2023", Starts: day("2023-10-02"), Ends: day("2023-10-31"), ToleranceBP: 200,
		Members: []programme.Member{
			{Nation: "IND", Name: "India", Currency: inr, Bank: "rbi", BankName: "Reserve Bank of India"},
			{Nation: "JPN", Name: "Japan", Currency: jpy, Bank: "boj", BankName: "Bank of Japan"},
			{Nation: "DEU", Name: "Germany", Currency: eur, Bank: "ecb", BankName: "European Central Bank"},
			{Nation: "FRA", Name: "France", Currency: eur, Bank: "ecb", BankName: "European Central Bank"},
		},
		Categories: []programme.Category{
			{Code: "FOOD", Name: "Food", Formula: programme.Formula{Kind: programme.ActualUse}},
			{Code: "FUEL", Name: "Fuel", Formula: programme.Formula{Kind: programme.ActualUse}},
			{Code: "SPARES", Name: "Spare parts", Formula: programme.Formula{Kind: programme.ActualUse}},
			{Code: "BASE", Name: "Base operations", Formula: programme.Formula{Kind: programme.BasisPoints, Shares: []int64{3333, 3333, 3334, 0}}},
			{Code: "CAMP", Name: "Camp", Formula: programme.Formula{Kind: programme.PersonDays}},
			{Code: "PAX", Name: "People present", Formula: programme.Formula{Kind: programme.HeadCount}},
		},
	}
	return Terms{
		Version: 1, Effective: a.Starts, Agreement: a,
		Methods:   []Method{Reimbursement, ReplacementInKind, EqualValueExchange, Reimbursement, Reimbursement, Reimbursement},
		Clocks:    Clocks{CashMonths: 12, InKindMonths: 12, OffsetMonths: 18, OfferDays: 60},
		Reminders: []uint16{90, 30, 7}, Arbiters: []programme.Nation{"FRA", "DEU"}, NetInKind: true, Rates: []money.Rate{rate},
	}
}

// desk is a story being told: every event is checked as an own desk would before it is added.
type desk struct {
	t      rapid.TB
	log    *Log
	atMS   int64
	events []Event
}

// tell starts a story on a morning of October 2023.
func tell(t rapid.TB) *desk {
	return &desk{t: t, log: NewLog("HARBOUR-2023"), atMS: noonMS("2023-10-02")}
}

// event makes what a person of a nation says next, an hour after what was said before.
func (d *desk) event(who string, act Act) Event {
	nation, person, _ := strings.Cut(who, " ")
	seq, tick := d.log.Next(programme.Nation(nation))
	d.atMS += 3_600_000
	var known uint32
	if v := d.log.State().Versions(); len(v) > 0 {
		known = v[len(v)-1].Terms.Version
	}
	return Event{Exercise: "HARBOUR-2023", Author: programme.Nation(nation), Seq: seq, Tick: tick, AtMS: d.atMS, By: person, Version: known, Act: act}
}

// says adds an event that must be accepted, and gives its hash.
func (d *desk) says(who string, act Act) wire.Hash {
	d.t.Helper()
	e := d.event(who, act)
	if err := d.log.State().Check(e); err != nil {
		d.t.Fatalf("%s %s: %v", who, act.Kind(), err)
	}
	return d.add(e)
}

func (d *desk) add(e Event) wire.Hash {
	d.t.Helper()
	if err := d.log.Add(e); err != nil {
		d.t.Fatal(err)
	}
	d.events = append(d.events, e)
	entry, err := e.entry()
	if err != nil {
		d.t.Fatal(err)
	}
	return entry.Hash
}

// refused checks that an act would be refused by a code, and changes nothing.
func (d *desk) refused(who string, act Act, code refusal.Code) {
	d.t.Helper()
	if err := d.log.State().Check(d.event(who, act)); refusal.CodeOf(err) != code {
		d.t.Errorf("%s %s gives %v, want %s", who, act.Kind(), err, code)
	}
}

func (d *desk) state() *State { return d.log.State() }

// on lets the story go on at another day.
func (d *desk) on(date string) { d.atMS = noonMS(date) }

// begun is the story in which all four have joined.
func begun(t rapid.TB) *desk {
	d := tell(t)
	created := d.says("IND asha", &Create{harbour()})
	for _, n := range []string{"JPN", "DEU", "FRA"} {
		d.says("IND asha", &Invite{created, programme.Nation(n)})
		d.says(n+" minister", &Sign{created})
	}
	return d
}

func entryOf(date, category, supplier, receiver, item, quantity, unit, price string) TallyEntry {
	return TallyEntry{Key: programme.Key{Date: day(date), Category: category, Supplier: programme.Nation(supplier), Receiver: programme.Nation(receiver), Item: item},
		Quantity: dec(quantity), Unit: unit, UnitPrice: dec(price)}
}

func tally(device string, file uint64, entries ...TallyEntry) *Count {
	return &Count{Tally{device, file, entries}}
}

func evidenceOf(text string) wire.Hash { return wire.AttachmentHash([]byte(text)) }

func noonMS(date string) int64 {
	return int64(day("1970-01-01").DaysUntil(day(date)))*86_400_000 + 8*3_600_000
}

func moneyOf(text, currency string) (money.Amount, error) {
	return money.Parse(text, money.MustCurrency(currency))
}
