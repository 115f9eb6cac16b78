package exercise

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"entente/schema/wire"
	"entente/settlement/programme"
)

func rice(quantity string) TallyEntry {
	return entryOf("2023-10-05", "FOOD", "IND", "JPN", "rice", quantity, "kg", "38.5")
}

func tea(quantity string) TallyEntry {
	return entryOf("2023-10-05", "FOOD", "IND", "JPN", "tea", quantity, "kg", "300")
}

// diverged is a story up to two counts of one day: of rice they differ, of tea they agree.
func diverged(t *testing.T) (*desk, wire.Hash) {
	d := begun(t)
	d.on("2023-10-05")
	scanned := rice("80")
	scanned.Evidence = evidenceOf("loading sheet")
	d.says("IND ravi", tally("manual", 1, scanned, tea("4")))
	d.says("JPN yumi", tally("manual", 1, rice("70"), tea("4")))
	if len(d.drafts("IND", "JPN", "2023-10-06")) != 0 {
		t.Error("a day is billed before both have closed it")
	}
	d.says("IND asha", &CloseDays{day("2023-10-05")})
	d.refused("IND asha", &CloseDays{day("2023-10-05")}, CodeDayClosed)
	if len(d.state().Cases()) != 0 {
		t.Error("a case is open before the receiver has closed its day")
	}
	d.says("JPN kenji", &CloseDays{day("2023-10-05")})
	l, ok := d.state().LineOf(rice("1").Key)
	if !ok || l.Status != Frozen || l.Case.State != Open {
		t.Fatalf("%+v", l)
	}
	return d, l.ID
}

// total gives what one member may bill another, "" where it is nothing.
func (d *desk) total(creditor, debtor programme.Nation, on string) string {
	d.t.Helper()
	drafts := d.drafts(creditor, debtor, on)
	if len(drafts) == 0 {
		return ""
	}
	return drafts[0].Total.String()
}

func TestOnlyTheLineThatDivergesIsFrozen(t *testing.T) {
	d, id := diverged(t)
	if got := d.total("IND", "JPN", "2023-10-06"); got != "1200.00 INR" {
		t.Errorf("billed is %s and not the tea alone", got)
	}
	bill := d.drafts("IND", "JPN", "2023-10-06")[0].Bill
	d.says("IND asha", &bill)

	d.refused("DEU otto", &Propose{Case: id, Figures: Figures{dec("75"), "kg", dec("38.5")}}, CodeNotAParty)
	d.refused("IND ravi", &Propose{Case: evidenceOf("none"), Figures: Figures{dec("75"), "kg", dec("38.5")}}, CodeUnknownDocument)
	d.refused("IND ravi", &Propose{Case: id, Figures: Figures{dec("-1"), "kg", dec("38.5")}}, CodeActInvalid)
	d.refused("IND ravi", &Propose{Case: id, Figures: Figures{dec("75"), "", dec("38.5")}}, programme.CodeRecordInvalid)
	first := d.says("IND ravi", &Propose{Case: id, Figures: Figures{dec("78"), "kg", dec("38.5")}, Note: "two bags burst", Evidence: evidenceOf("photograph")})
	d.refused("IND asha", &Sign{first}, CodeOwnProposal)
	answer := d.says("JPN yumi", &Propose{Case: id, Figures: Figures{dec("75"), "kg", dec("38.5")}, Note: "five did"})
	d.refused("JPN yumi", &Sign{first}, CodeCaseState)
	d.refused("JPN kenji", &Sign{answer}, CodeOwnProposal)
	d.says("IND asha", &Sign{answer})
	if got := d.total("IND", "JPN", "2023-10-06"); got != "2887.50 INR" {
		t.Errorf("the next bill is %s and not the rice as agreed", got)
	}
	d.refused("IND ravi", &Contest{Line: id, Note: "no"}, CodeLineState)
	golden(t, "testdata/agreed.txt", d.state().Cases()[0].Tell())

	// Who counts more of it later changes nothing, and everybody sees it.
	d.says("IND ravi", tally("manual", 2, rice("90")))
	late := d.state().LateCounts()
	if len(late) != 1 || late[0].Nation != "IND" || !late[0].Now.Equal(dec("90")) || d.total("IND", "JPN", "2023-10-06") != "2887.50 INR" {
		t.Errorf("%+v", late)
	}
}

func TestTheArbiterDecidesWhatThePartiesDoNot(t *testing.T) {
	d, id := diverged(t)
	award := &Award{Case: id, Figures: Figures{dec("0"), "kg", dec("38.5")}, Note: "nobody saw it"}
	d.refused("FRA claire", award, CodeCaseState)
	d.refused("FRA claire", &Appeal{Case: id}, CodeNotAParty)
	proposal := d.says("IND ravi", &Propose{Case: id, Figures: Figures{dec("79"), "kg", dec("38.5")}})
	d.says("JPN kenji", &Appeal{Case: id, Note: "they will not move", Evidence: evidenceOf("gate log")})
	d.refused("IND asha", &Appeal{Case: id}, CodeCaseState)
	d.refused("DEU otto", award, CodeNotArbiter) // the second arbiter decides where the first is a party
	d.refused("IND asha", award, CodeNotArbiter)
	d.says("FRA claire", award)
	d.refused("FRA claire", award, CodeCaseState)
	if l, _ := d.state().Line(id); l.Status != Struck {
		t.Errorf("%s", l.Status)
	}
	golden(t, "testdata/awarded.txt", d.state().Cases()[0].Tell())

	// What both agree on stands before an award, and whichever of the two was first.
	d.says("JPN kenji", &Sign{proposal})
	if got := d.total("IND", "JPN", "2023-10-06"); got != "4241.50 INR" { // 79 kg of rice and the tea
		t.Errorf("billed is %s", got)
	}
	d.refused("FRA claire", award, CodeCaseState)
}

func TestNobodyDecidesInItsOwnCase(t *testing.T) {
	terms := harbour()
	for _, tt := range []struct {
		one, other, arbiter programme.Nation
		named               bool
	}{{"IND", "JPN", "FRA", true}, {"FRA", "JPN", "DEU", true}, {"IND", "DEU", "FRA", true}, {"FRA", "DEU", "", false}} {
		if n, ok := terms.Arbiter(tt.one, tt.other); n != tt.arbiter || ok != tt.named {
			t.Errorf("between %s and %s: %s %t", tt.one, tt.other, n, ok)
		}
	}
	d := begun(t)
	d.says("FRA claire", tally("manual", 1, entryOf("2023-10-05", "FOOD", "FRA", "DEU", "bread", "10", "kg", "2")))
	d.says("FRA claire", &CloseDays{day("2023-10-05")})
	d.says("DEU otto", &CloseDays{day("2023-10-05")})
	c := d.state().Cases()[0]
	if c.Reason != string(programme.MissingAtReceiver) || !strings.Contains(c.Tell(), "receiver DEU counted nothing") {
		t.Errorf("%s", c.Tell())
	}
	d.refused("FRA claire", &Appeal{Case: c.ID}, CodeNotArbiter)

	// Who has forgotten to count still may: the counts agree then, and the case is moot.
	d.says("DEU otto", tally("manual", 1, entryOf("2023-10-05", "FOOD", "FRA", "DEU", "bread", "10", "kg", "2")))
	if c := d.state().Cases()[0]; c.State != Moot || d.total("FRA", "DEU", "2023-10-06") != "20.00 EUR" {
		t.Errorf("%s", c.Tell())
	}
}

func TestALineBothCountedAlikeMayBeContestedUntilItsBillIsSigned(t *testing.T) {
	d, _ := diverged(t)
	l, _ := d.state().LineOf(tea("1").Key)
	draft := d.drafts("IND", "JPN", "2023-10-06")[0].Bill
	bill := d.says("IND asha", &draft)
	d.refused("FRA claire", &Contest{Line: l.ID, Note: "no"}, CodeNotAParty)
	d.refused("JPN yumi", &Contest{Line: l.ID}, CodeActInvalid)
	d.says("JPN yumi", &Contest{Line: l.ID, Note: "it was coffee", Evidence: evidenceOf("tin")})
	d.refused("JPN yumi", &Contest{Line: l.ID, Note: "again"}, CodeLineState)
	d.refused("JPN saki", &Sign{bill}, CodeSigned)
	if got := d.total("IND", "JPN", "2023-10-06"); got != "" {
		t.Errorf("a contested line is billed: %s", got)
	}
	proposal := d.says("IND ravi", &Propose{Case: l.ID, Figures: Figures{dec("4"), "kg", dec("250")}})
	d.says("JPN yumi", &Sign{proposal})
	again := d.drafts("IND", "JPN", "2023-10-06")[0].Bill
	if again.No != 2 {
		t.Errorf("bill %d", again.No)
	}
	second := d.says("IND asha", &again)
	d.says("JPN saki", &Sign{second})
	d.refused("JPN yumi", &Contest{Line: l.ID, Note: "after all"}, CodeLineState)
}

func TestWhatGoesBackMayBeIssuedAgain(t *testing.T) {
	for _, tt := range []struct {
		name     string
		wrong    Discrepancy
		conceded string
		more     string // that may be issued then, of 1000 ordered and 20 tolerated
	}{
		{"sent back whole", Returned, "0", "120"},
		{"sent back but for thirty", Returned, "30", "90"},
		{"damaged", Damage, "0", "20"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, order := ordered(t, Reimbursement)
			issue := d.says("IND ravi", &Issue{No: "I-1", Order: order, Date: day("2023-10-05"), Quantity: dec("1000")})
			receipt := d.says("JPN yumi", &Receive{No: "R-1", Issue: issue, Date: day("2023-10-05"), Accepted: dec("900"), Wrong: tt.wrong, Note: "see sheet"})
			d.says("IND ravi", &Propose{Case: DisputeID(receipt), Figures: Figures{dec("100"), "each", dec("80.5")}})
			d.says("IND ravi", &Appeal{Case: DisputeID(receipt)})
			d.says("FRA claire", &Award{Case: DisputeID(receipt), Figures: Figures{dec("50"), "each", dec("80.5")}, Note: "half"})
			o, _ := d.state().Order(order)
			if !o.Received.Equal(dec("950")) {
				t.Errorf("after the award %s are received", o.Received)
			}
			d.add(d.event("IND ravi", &Propose{Case: DisputeID(receipt), Figures: Figures{dec("1"), "each", dec("80.5")}})) // too late
			d2, order := ordered(t, Reimbursement)
			issue = d2.says("IND ravi", &Issue{No: "I-1", Order: order, Date: day("2023-10-05"), Quantity: dec("1000")})
			receipt = d2.says("JPN yumi", &Receive{No: "R-1", Issue: issue, Date: day("2023-10-05"), Accepted: dec("900"), Wrong: tt.wrong, Note: "see sheet"})
			proposal := d2.says("IND ravi", &Propose{Case: DisputeID(receipt), Figures: Figures{dec(tt.conceded), "each", dec("80.5")}})
			d2.says("IND ravi", &Appeal{Case: DisputeID(receipt)})
			d2.says("FRA claire", &Award{Case: DisputeID(receipt), Figures: Figures{dec("50"), "each", dec("80.5")}, Note: "half"})
			d2.says("JPN yumi", &Sign{proposal})
			o, _ = d2.state().Order(order)
			if want := dec("900").Add(dec(tt.conceded)); !o.Received.Equal(want) {
				t.Errorf("%s are received, want %s", o.Received, want)
			}
			d2.refused("IND ravi", &Issue{No: "I-2", Order: order, Date: day("2023-10-07"), Quantity: dec(tt.more).Add(decimal.NewFromInt(1))}, CodeOverOrder)
			d2.says("IND ravi", &Issue{No: "I-2", Order: order, Date: day("2023-10-07"), Quantity: dec(tt.more)})
		})
	}
}
