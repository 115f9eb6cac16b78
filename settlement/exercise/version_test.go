package exercise

import (
	"fmt"
	"testing"

	"entente/schema/money"
	"entente/settlement/programme"
)

// amended gives the next version of what is in force.
func (d *desk) amended(change func(*Terms)) *Amend {
	v := d.state().Versions()
	last := v[len(v)-1]
	terms := harbour()
	terms.Version, terms.Effective = last.Terms.Version+1, day("2023-10-10")
	change(&terms)
	return &Amend{last.Event, terms}
}

// agreed lets all members sign an amendment, and say that they know it.
func (d *desk) agreed(a *Amend) {
	d.t.Helper()
	event := d.says("IND asha", a)
	for _, n := range []string{"JPN", "DEU", "FRA"} {
		d.says(n+" minister", &Sign{event})
	}
}

func TestTheVersionInForceAtARecordsDateRules(t *testing.T) {
	d := begun(t)
	d.on("2023-10-05")
	pier := func(date, quantity string) TallyEntry {
		return entryOf(date, "BASE", "IND", "JPN", "pier", quantity, "day", "100.01")
	}
	for _, date := range []string{"2023-10-09", "2023-10-10"} {
		d.says("IND ravi", tally("on "+date, 1, pier(date, "100")))
		d.says("JPN yumi", tally("on "+date, 1, pier(date, "96")))
	}
	d.closed()
	if n := len(d.state().Cases()); n != 2 {
		t.Fatalf("%d cases at a tolerance of 2 %%", n)
	}
	// From the 10th on the tolerance is 5 %, and France bears half.
	d.agreed(d.amended(func(terms *Terms) {
		terms.Agreement.ToleranceBP = 500
		terms.Agreement.Categories[3].Formula.Shares = []int64{5000, 0, 0, 5000}
	}))
	if d.total("IND", "FRA", "2023-10-12") != "" {
		t.Error("it rules before the two have said that they know it")
	}
	d.says("IND ravi", tally("later", 1, rice("1")))
	d.says("JPN yumi", tally("later", 1, rice("1")))
	before, _ := d.state().LineOf(pier("2023-10-09", "1").Key)
	after, _ := d.state().LineOf(pier("2023-10-10", "1").Key)
	if before.Case.State != Open || after.Case.State != Moot {
		t.Errorf("%s%s", before.Case.Tell(), after.Case.Tell())
	}
	if got := d.total("IND", "FRA", "2023-10-12"); got != "4800.48 INR" {
		t.Errorf("France bears %s", got)
	}
	if got := d.total("IND", "DEU", "2023-10-12"); got != "" {
		t.Errorf("Germany bears %s by a version that is not of that day", got)
	}
	// The day before is settled by the first version: a bill for each.
	d.says("JPN yumi", &Sign{d.says("IND ravi", &Propose{Case: before.ID, Figures: Figures{dec("100"), "day", dec("100.01")}})})
	drafts := d.drafts("IND", "JPN", "2023-10-12")
	if len(drafts) != 1 || drafts[0].Bill.Version != 1 || drafts[0].Total.String() != "3371.83 INR" { // 33.33 % of 10001.00, and the rice
		t.Fatalf("%+v", drafts)
	}
	drafts = d.drafts("IND", "FRA", "2023-10-12")
	if len(drafts) != 1 || drafts[0].Bill.Version != 2 || drafts[0].Bill.No != 1 || drafts[0].Draft.Reference != "HARBOUR-2023" {
		t.Fatalf("%+v", drafts)
	}
	d.says("FRA claire", &Sign{d.says("IND asha", &drafts[0].Bill)})
	golden(t, "testdata/amended.txt", d.state().Tell()+before.Case.Tell()+after.Case.Tell())
}

// Germany signs the second version late: between India and Japan it rules once both have said that they know it, and not by what Germany says.
func TestALateSignatureChangesNothingBetweenOthersBeforeTheyKnow(t *testing.T) {
	d := begun(t)
	d.on("2023-10-12")
	d.closed()
	d.agreed(d.amended(func(terms *Terms) { terms.Agreement.ToleranceBP = 500 }))
	count := func(who, device string, version uint32, e TallyEntry) {
		event := d.event(who, tally(device, 1, e))
		event.Version = version
		d.add(event)
	}
	pier := entryOf("2023-10-11", "FOOD", "IND", "JPN", "rice", "100", "kg", "38.5")
	count("IND ravi", "gate", 2, pier)
	pier.Quantity = dec("96")
	count("JPN yumi", "gate", 1, pier)
	if l, _ := d.state().LineOf(pier.Key); l.Status != Frozen {
		t.Errorf("%s by a version Japan does not know", l.Status)
	}
	tea := entryOf("2023-10-11", "FOOD", "IND", "JPN", "tea", "1", "kg", "38.5")
	count("JPN yumi", "kitchen", 2, tea)
	if l, _ := d.state().LineOf(pier.Key); l.Status != Due {
		t.Errorf("%s by a version both know", l.Status)
	}
}

func TestAnAmendmentNeedsEverySignature(t *testing.T) {
	d := begun(t)
	d.refused("IND asha", d.amended(func(terms *Terms) { terms.Version = 1 }), CodeVersionTaken)
	amend := d.amended(func(terms *Terms) { terms.Agreement.ToleranceBP = 0 })
	d.refused("USA joe", amend, programme.CodeUnknownMember)
	event := d.says("IND asha", amend)
	d.refused("IND asha", &Sign{event}, CodeSigned)
	rival := d.says("JPN kenji", d.amended(func(terms *Terms) { terms.Agreement.ToleranceBP = 1 }))
	d.refused("IND asha", &Sign{rival}, CodeSigned) // one signature a number, so that two versions of a number never come about
	d.says("DEU otto", &Sign{event})
	d.says("FRA claire", &Sign{event})
	if n := len(d.state().Versions()); n != 1 {
		t.Errorf("%d versions are in force", n)
	}
	// India and Japan each signed their own second version: a third settles it.
	third := d.amended(func(terms *Terms) { terms.Version = 3 })
	d.agreed(third)
	if v, err := d.state().InForce(day("2023-10-10")); err != nil || v.Terms.Version != 3 {
		t.Errorf("%v %v", v, err)
	}
	e := d.event("IND asha", &CloseDays{day("2023-10-05")})
	e.Version = 2
	if err := d.state().Check(e); err == nil {
		t.Error("a version that is not in force is known")
	}
}

func TestAMemberThatJoinsLaterSignsToo(t *testing.T) {
	d := begun(t)
	amend := d.amended(func(terms *Terms) {
		aus := programme.Member{Nation: "AUS", Name: "Australia", Currency: money.MustCurrency("AUD"), Bank: "rba", BankName: "Reserve Bank of Australia"}
		terms.Agreement.Members = append(terms.Agreement.Members[:3:3], aus) // France leaves
		terms.Arbiters = []programme.Nation{"AUS"}
	})
	event := d.says("IND asha", amend)
	for _, n := range []string{"JPN", "DEU", "AUS"} {
		d.says(n+" minister", &Sign{event})
	}
	if len(d.state().Versions()) != 1 {
		t.Error("it is in force without the member that leaves")
	}
	d.says("FRA minister", &Sign{event})
	d.says("AUS mia", &CloseDays{day("2023-10-10")})
	if v, err := d.state().InForce(day("2023-10-10")); err != nil || v.Terms.Version != 2 {
		t.Errorf("%v %v", v, err)
	}
}

func TestAnAmendmentThatLeavesSomethingUnbillableIsNotSigned(t *testing.T) {
	d := begun(t)
	d.supplied(entryOf("2023-10-12", "FOOD", "IND", "JPN", "rice", "10", "kg", "38.5"))
	drop := d.amended(func(terms *Terms) {
		terms.Agreement.Categories, terms.Methods = terms.Agreement.Categories[1:], terms.Methods[1:]
	})
	d.refused("IND asha", drop, CodeTermsInvalid)
	d.refused("IND asha", d.amended(func(terms *Terms) { terms.Agreement.Members[0].Currency = money.MustCurrency("USD") }), CodeTermsInvalid)
	// Signed all the same it harms nobody: the line goes on by the version that knows its category.
	event := d.add(d.event("IND asha", drop))
	for _, n := range []string{"JPN", "DEU", "FRA"} {
		d.refused(n+" minister", &Sign{event}, CodeTermsInvalid)
		d.add(d.event(n+" minister", &Sign{event}))
	}
	d.closed()
	if got := d.total("IND", "JPN", "2023-10-13"); got != "385.00 INR" {
		t.Errorf("billed is %s", got)
	}
}

func TestTermsThatCannotBeKeptAreRefused(t *testing.T) {
	if err := harbour().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Terms){
		"no version":                     func(terms *Terms) { terms.Version = 0 },
		"a method missing":               func(terms *Terms) { terms.Methods = terms.Methods[1:] },
		"an unknown method":              func(terms *Terms) { terms.Methods[0] = 4 },
		"a shared category in kind":      func(terms *Terms) { terms.Methods[3] = ReplacementInKind },
		"cash later than the law":        func(terms *Terms) { terms.Clocks.CashMonths = 13 },
		"goods later than the law":       func(terms *Terms) { terms.Clocks.InKindMonths = 13 },
		"an offset earlier than the law": func(terms *Terms) { terms.Clocks.OffsetMonths = 17 },
		"offers years ahead":             func(terms *Terms) { terms.Clocks.OfferDays = 366 },
		"reminders out of order":         func(terms *Terms) { terms.Reminders = []uint16{7, 30} },
		"a stranger as arbiter":          func(terms *Terms) { terms.Arbiters[0] = "USA" },
		"an arbiter twice":               func(terms *Terms) { terms.Arbiters[0] = terms.Arbiters[1] },
		"a rate twice":                   func(terms *Terms) { terms.Rates = append(terms.Rates, terms.Rates[0]) },
		"an id too long for bills":       func(terms *Terms) { terms.Agreement.ID = fmt.Sprintf("%057d", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			terms := harbour()
			change(&terms)
			if err := terms.Validate(); err == nil || !isRefusal(err, CodeTermsInvalid) {
				t.Errorf("it gives %v", err)
			}
		})
	}
	inr := money.MustCurrency("INR")
	terms := harbour()
	terms.Agreement.Budgets = []programme.Budget{{Nation: "DEU", Currency: inr, Total: money.New(5, inr)}, {Nation: "JPN", Currency: inr, Total: money.New(5, inr)}}
	if err := terms.Validate(); !isRefusal(err, CodeTermsInvalid) {
		t.Errorf("budgets in another order give %v", err)
	}
	terms.Agreement = terms.Agreement.Normalised()
	if err := terms.Validate(); err != nil {
		t.Error(err)
	}
}

func TestAClockRunsToTheSameDay(t *testing.T) {
	terms := harbour()
	if got := terms.Due(day("2024-02-29"), Reimbursement); got != day("2025-02-28") {
		t.Errorf("cash is due on %s", got)
	}
	terms.Clocks.InKindMonths = 6
	if got := terms.Due(day("2023-08-31"), ReplacementInKind); got != day("2024-02-29") {
		t.Errorf("goods are due on %s", got)
	}
}
