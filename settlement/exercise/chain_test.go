package exercise

import (
	"fmt"
	"strings"
	"testing"

	"entente/schema/wire"
	"entente/settlement/programme"
)

// ordered is a story up to an order both sides signed: 1000 rations at 80.50 for Japan. Kenji ordered it.
func ordered(t *testing.T, method Method) (*desk, wire.Hash) {
	d := begun(t)
	d.on("2023-10-03")
	request := d.says("JPN kenji", &Request{No: "RQ-1", Supplier: "IND", Category: "FOOD", Item: "rations", Stock: "8970-00-149-1094", Quantity: dec("1000"), Unit: "each", Needed: day("2023-10-05")})
	d.refused("DEU otto", &Order{No: "O-1", Request: request, Date: day("2023-10-04"), Quantity: dec("1000"), UnitPrice: dec("80.5"), Method: method}, CodeNotAParty)
	order := d.says("IND asha", &Order{No: "O-1", Request: request, Date: day("2023-10-04"), Quantity: dec("1000"), UnitPrice: dec("80.50"), Method: method})
	d.refused("IND ravi", &Sign{order}, CodeSigned)
	d.refused("DEU otto", &Sign{order}, CodeNotAParty)
	d.refused("IND ravi", &Issue{No: "I-1", Order: order, Date: day("2023-10-05"), Quantity: dec("500")}, CodeUnsigned)
	d.says("JPN kenji", &Sign{order})
	return d, order
}

// drafts tells what one member may bill another.
func (d *desk) drafts(creditor, debtor programme.Nation, on string) []Drafted {
	d.t.Helper()
	drafts, err := d.state().Draft(creditor, debtor, day(on))
	if err != nil {
		d.t.Fatal(err)
	}
	return drafts
}

func TestASignedReceiptMakesTheBillByItself(t *testing.T) {
	d, order := ordered(t, Reimbursement)
	d.on("2023-10-05")
	d.refused("JPN kenji", &Issue{No: "I-1", Order: order, Date: day("2023-10-05"), Quantity: dec("500")}, CodeNotAParty)
	first := d.says("IND ravi", &Issue{No: "I-1", Order: order, Date: day("2023-10-05"), Quantity: dec("500")})
	d.refused("IND ravi", &Issue{No: "I-1", Order: order, Date: day("2023-10-05"), Quantity: dec("1")}, CodeNumberTaken)
	d.refused("IND ravi", &Issue{No: "I-2", Order: order, Date: day("2023-10-05"), Quantity: dec("521")}, CodeOverOrder) // 1021 of 1000 and 2 %
	second := d.says("IND ravi", &Issue{No: "I-2", Order: order, Date: day("2023-10-06"), Quantity: dec("520")})

	d.refused("JPN kenji", &Receive{No: "R-1", Issue: first, Date: day("2023-10-05"), Accepted: dec("500")}, CodeSamePerson)
	d.refused("IND ravi", &Receive{No: "R-1", Issue: first, Date: day("2023-10-05"), Accepted: dec("500")}, CodeNotAParty)
	d.refused("JPN yumi", &Receive{No: "R-1", Issue: first, Date: day("2023-10-04"), Accepted: dec("500")}, CodeActInvalid)
	d.refused("JPN yumi", &Receive{No: "R-1", Issue: first, Date: day("2023-10-05"), Accepted: dec("470")}, CodeActInvalid)
	d.refused("JPN yumi", &Receive{No: "R-1", Issue: first, Date: day("2023-10-05"), Accepted: dec("500"), Wrong: Damage, Note: "torn"}, CodeActInvalid)
	d.refused("JPN yumi", &Receive{No: "R-1", Issue: first, Date: day("2023-10-05"), Accepted: dec("600")}, CodeOverOrder)
	if len(d.drafts("IND", "JPN", "2023-10-06")) != 0 {
		t.Error("something is billed before a receipt")
	}
	receipt := d.says("JPN yumi", &Receive{No: "R-1", Issue: first, Date: day("2023-10-05"), Accepted: dec("495")})
	d.refused("JPN yumi", &Receive{No: "R-2", Issue: first, Date: day("2023-10-05"), Accepted: dec("495")}, CodeSigned)
	d.says("JPN yumi", &Receive{No: "R-2", Issue: second, Date: day("2023-10-06"), Accepted: dec("420"), Wrong: Damage, Note: "100 wet", Evidence: evidenceOf("photograph")})

	// 495 and 420 are billed at once; 100 of the second delivery are held back.
	draft := d.drafts("IND", "JPN", "2023-10-06")
	if len(draft) != 1 || draft[0].Total.String() != "73657.50 INR" || len(draft[0].Bill.Items) != 2 {
		t.Fatalf("%+v", draft)
	}
	disputed := d.state().Cases()[0]
	bill := d.says("IND asha", &draft[0].Bill)
	d.refused("IND asha", &draft[0].Bill, CodeNumberTaken)
	d.refused("DEU otto", &Sign{bill}, CodeNotAParty)
	d.refused("JPN saki", &Pay{Bill: bill}, CodeUnsigned)
	d.says("JPN saki", &Sign{bill})
	d.refused("JPN saki", &Report{No: "SDR-1", Line: receipt, Quantity: dec("500"), Wrong: Damage, Note: "mould"}, CodeActInvalid)

	// The disputed part joins the next bill.
	proposal := d.says("IND asha", &Propose{Case: disputed.ID, Figures: Figures{dec("60"), "each", dec("80.5")}, Note: "40 were wet"})
	d.refused("IND ravi", &Sign{proposal}, CodeOwnProposal)
	d.refused("JPN yumi", &Propose{Case: disputed.ID, Figures: Figures{dec("101"), "each", dec("80.5")}}, CodeActInvalid)
	d.says("JPN yumi", &Sign{proposal})
	d.refused("JPN yumi", &Propose{Case: disputed.ID, Figures: Figures{dec("1"), "each", dec("80.5")}}, CodeCaseState)
	next := d.drafts("IND", "JPN", "2023-10-08")
	if len(next) != 1 || next[0].Total.String() != "4830.00 INR" || next[0].Draft.Reference != "HARBOUR-2023.2" {
		t.Fatalf("%+v", next)
	}
	d.says("IND asha", &next[0].Bill)

	d.refused("JPN kenji", &Pay{Bill: bill}, CodeSamePerson)
	d.refused("JPN yumi", &Pay{Bill: bill}, CodeSamePerson)
	d.says("JPN saki", &Pay{Bill: bill, Leaf: evidenceOf("leaf")})
	d.refused("JPN saki", &Pay{Bill: bill}, CodeUnsigned)

	var b strings.Builder
	b.WriteString(d.state().Tell())
	for _, c := range d.state().Cases() {
		b.WriteString(c.Tell())
	}
	for _, bill := range d.state().Bills() {
		fmt.Fprintf(&b, "bill %d of %s to %s: %s, %s\n", bill.No, bill.Creditor, bill.Debtor, bill.Total, bill.State)
		for _, item := range bill.Items {
			fmt.Fprintf(&b, "  %s %s %s %s of %s at %s: %s, %s\n", item.Date, item.CategoryCode, item.Quantity, item.Unit, item.Item, item.UnitPrice, item.Amount, item.Reference)
		}
	}
	golden(t, "testdata/chain.txt", b.String())
}

func TestAReportHoldsBackOnlyTheDisputedPart(t *testing.T) {
	d, order := ordered(t, Reimbursement)
	issue := d.says("IND ravi", &Issue{No: "I-1", Order: order, Date: day("2023-10-05"), Quantity: dec("1000")})
	receipt := d.says("JPN yumi", &Receive{No: "R-1", Issue: issue, Date: day("2023-10-05"), Accepted: dec("1000")})
	draft := d.drafts("IND", "JPN", "2023-10-06")
	bill := d.says("IND asha", &draft[0].Bill)

	// Before the debtor signs, the bill lapses and the rest is billed anew.
	d.refused("IND asha", &Report{No: "SDR-1", Line: receipt, Quantity: dec("30"), Wrong: Returned, Note: "spoilt"}, CodeNotAParty)
	d.refused("JPN yumi", &Report{No: "SDR-1", Line: receipt, Quantity: dec("30"), Wrong: "lost", Note: "spoilt"}, CodeActInvalid)
	report := d.says("JPN yumi", &Report{No: "SDR-1", Line: receipt, Quantity: dec("30"), Wrong: Returned, Note: "spoilt"})
	d.refused("JPN yumi", &Report{No: "SDR-2", Line: receipt, Quantity: dec("30"), Wrong: Damage, Note: "again"}, CodeLineState)
	d.refused("JPN saki", &Sign{bill}, CodeSigned)
	rest := d.drafts("IND", "JPN", "2023-10-06")
	if len(rest) != 1 || rest[0].Total.String() != "78085.00 INR" || rest[0].Bill.No != 2 { // 970 at 80.50
		t.Fatalf("%+v", rest)
	}
	second := d.says("IND asha", &rest[0].Bill)
	d.says("JPN saki", &Sign{second})

	// Both agree that 30 went back: nothing is owed for them, and they may be issued again.
	d.refused("IND ravi", &Issue{No: "I-2", Order: order, Date: day("2023-10-07"), Quantity: dec("50")}, CodeOverOrder)
	nothing := d.says("JPN yumi", &Propose{Case: DisputeID(report), Figures: Figures{dec("0"), "each", dec("80.5")}})
	d.says("IND asha", &Sign{nothing})
	if len(d.drafts("IND", "JPN", "2023-10-08")) != 0 {
		t.Error("what was sent back is billed")
	}
	d.says("IND ravi", &Issue{No: "I-2", Order: order, Date: day("2023-10-07"), Quantity: dec("50")})

	// A report after both signed changes no bill: what is conceded is owed back in goods to its value.
	late := d.says("JPN yumi", &Report{No: "SDR-2", Line: receipt, Quantity: dec("10"), Wrong: WrongItem, Note: "other ration"})
	if l, _ := d.state().Line(receipt); !l.Quantity.Equal(dec("970")) || l.Billed("JPN").State != Signed {
		t.Errorf("a report changes what both signed: %s", l.Quantity)
	}
	conceded := d.says("IND asha", &Propose{Case: DisputeID(late), Figures: Figures{dec("4"), "each", dec("80.5")}})
	d.says("JPN yumi", &Sign{conceded})
	debts, err := d.state().Debts(day("2023-10-09"))
	if err != nil || len(debts) != 2 || debts[0].Debtor != "IND" || debts[0].Amount.String() != "483.00 INR" || debts[0].Kind != GoodsDebt {
		t.Errorf("%+v, %v", debts, err)
	}
	if len(d.drafts("JPN", "IND", "2025-10-09")) != 0 {
		t.Error("Japan bills rupees")
	}
}

func TestABillThatIsNotWhatItsLinesComeToIsNotSigned(t *testing.T) {
	d, order := ordered(t, Reimbursement)
	issue := d.says("IND ravi", &Issue{No: "I-1", Order: order, Date: day("2023-10-05"), Quantity: dec("1000")})
	d.says("JPN yumi", &Receive{No: "R-1", Issue: issue, Date: day("2023-10-05"), Accepted: dec("1000")})
	draft := d.drafts("IND", "JPN", "2023-10-06")[0].Bill
	dearer := draft
	dearer.Items = append([]programme.BillItem(nil), draft.Items...)
	dearer.Items[0].UnitPrice = dec("80.51")
	d.refused("IND asha", &dearer, CodeBillDiffers)
	older := draft
	older.Version = 2
	d.refused("IND asha", &older, CodeBillDiffers)
	twice := draft
	twice.Items = append(append([]programme.BillItem(nil), draft.Items...), draft.Items...)
	d.refused("IND asha", &twice, CodeBillDiffers)
	unordered := draft
	unordered.Lines = append(append([]wire.Hash(nil), draft.Lines...), draft.Lines...)
	d.refused("IND asha", &unordered, CodeActInvalid)
	d.refused("DEU otto", &draft, CodeNotAParty)

	// A creditor that offers it all the same gets no signature from an honest desk.
	bill := d.add(d.event("IND asha", &dearer))
	d.refused("JPN saki", &Sign{bill}, CodeBillDiffers)
}
