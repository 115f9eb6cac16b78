package exercise

import (
	"fmt"
	"testing"

	"entente/bridge/intake"
	"entente/ops/dataset"
	"entente/settlement/programme"
)

// The shipped exercise, told as events, is billed to the byte as its counts are billed without them.
func TestTheShippedExerciseIsBilledByEventsAsByItsCounts(t *testing.T) {
	shipped, err := intake.Load(dataset.Files())
	if err != nil {
		t.Fatal(err)
	}
	a := shipped.Agreement
	lines, _, err := programme.Match(a, shipped.Counts)
	if err != nil {
		t.Fatal(err)
	}
	want, err := programme.DraftBills(a, lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 {
		t.Fatal("the shipped exercise bills nothing")
	}
	terms := Terms{Version: 1, Effective: a.Starts, Agreement: a, Clocks: Clocks{12, 12, 18, 30}}
	for range a.Categories {
		terms.Methods = append(terms.Methods, Reimbursement)
	}
	s := told(t, terms, shipped.Counts)
	var got int
	for _, m := range a.Members {
		for _, n := range a.Members {
			if m.Nation == n.Nation {
				continue
			}
			drafts, err := s.Draft(m.Nation, n.Nation, a.Ends)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range drafts {
				got++
				sameBill(t, d.Draft, want)
			}
		}
	}
	if got != len(want) {
		t.Errorf("%d bills, want %d", got, len(want))
	}
}

func sameBill(t *testing.T, got programme.DraftBill, want []programme.DraftBill) {
	t.Helper()
	for _, b := range want {
		if b.Creditor != got.Creditor || b.Debtor != got.Debtor {
			continue
		}
		if b.Reference != got.Reference || b.Kind != got.Kind || b.Currency != got.Currency || len(b.Items) != len(got.Items) {
			t.Errorf("%s to %s: %s of %d items, want %s of %d", got.Creditor, got.Debtor, got.Reference, len(got.Items), b.Reference, len(b.Items))
			return
		}
		for i, item := range b.Items {
			if string(item.Bytes()) != string(got.Items[i].Bytes()) {
				t.Errorf("%s to %s item %d is %+v, want %+v", got.Creditor, got.Debtor, i, got.Items[i], item)
			}
		}
		return
	}
	t.Errorf("nobody expects a bill of %s to %s", got.Creditor, got.Debtor)
}

// told makes an exercise of counts: everybody joins, hands in its count and closes its days.
func told(t *testing.T, terms Terms, counts []programme.Count) *State {
	t.Helper()
	log := NewLog(terms.Agreement.ID)
	say := func(n programme.Nation, act Act) Event {
		seq, tick := log.Next(n)
		e := Event{Exercise: terms.Agreement.ID, Author: n, Seq: seq, Tick: tick, AtMS: noonMS(terms.Agreement.Ends.String()), By: "clerk", Act: act}
		if err := log.State().Check(e); err != nil {
			t.Fatal(err)
		}
		if err := log.Add(e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	members := terms.Agreement.Members
	created, err := say(members[0].Nation, &Create{terms}).entry()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members[1:] {
		say(members[0].Nation, &Invite{created.Hash, m.Nation})
		say(m.Nation, &Sign{created.Hash})
	}
	for i, c := range counts {
		file := Tally{Device: fmt.Sprintf("import %d", i), File: 1}
		for _, r := range c.Records {
			file.Entries = append(file.Entries, TallyEntry{Key: r.Key, Quantity: r.Quantity, Unit: r.Unit, UnitPrice: r.UnitPrice})
		}
		say(c.Nation, &Count{file})
	}
	for _, m := range members {
		say(m.Nation, &CloseDays{terms.Agreement.Ends})
	}
	return log.State()
}

func TestWhatOneBillDoesNotHoldIsInTheNext(t *testing.T) {
	d := begun(t)
	d.closed()
	const all = MaxBillLines + 100
	for _, n := range []string{"IND", "JPN"} {
		var entries []TallyEntry
		for i := range all {
			entries = append(entries, entryOf("2023-10-05", "FOOD", "IND", "JPN", fmt.Sprintf("item %d", i), "1", "each", "0.5"))
		}
		d.says(n+" clerk", tally("import", 1, entries...))
	}
	debts, err := d.state().Debts(day("2023-10-06"))
	if err != nil || len(debts) != all {
		t.Fatalf("%d debts, %v", len(debts), err)
	}
	for _, want := range []int{MaxBillLines, 100} {
		draft := d.drafts("IND", "JPN", "2023-10-06")
		if len(draft) != 1 || len(draft[0].Bill.Items) != want {
			t.Fatalf("%d items in the first of %d bills, want %d", len(draft[0].Bill.Items), len(draft), want)
		}
		d.says("JPN saki", &Sign{d.says("IND asha", &draft[0].Bill)})
	}
	if got := d.total("IND", "JPN", "2023-10-06"); got != "" {
		t.Errorf("%s are left", got)
	}
}
