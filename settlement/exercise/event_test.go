package exercise

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

func isRefusal(err error, code refusal.Code) bool {
	return errors.Is(err, &refusal.Refusal{Code: code})
}

// samples give one event of every kind.
func samples() []Event {
	h := evidenceOf("something")
	key := rice("1").Key
	item := programme.BillItem{Date: key.Date, CategoryCode: "FOOD", Item: "rice", Quantity: dec("1"), Unit: "kg", UnitPrice: dec("38.5"), Supplier: "IND", Receiver: "JPN", Reference: "HARBOUR-2023"}
	rate := harbour().Rates[0]
	item.LineAmount, _ = moneyOf("38.50", rate.Base().Code())
	item.Amount = item.LineAmount
	var events []Event
	for i, act := range []Act{
		&Create{harbour()}, &Invite{h, "JPN"}, &Amend{h, harbour()}, &Sign{h}, tally("gate", 1, rice("5"), tea("4")), &CloseDays{key.Date}, &Contest{h, h, "why"},
		&Propose{h, Figures{dec("1.5"), "kg", dec("38.5")}, h, "so"}, &Appeal{h, h, "so"}, &Award{h, Figures{dec("1.5"), "kg", dec("38.5")}, "so"},
		&Request{"RQ-1", "IND", "FOOD", "rice", "8920", dec("5"), "kg", key.Date}, &Order{"O-1", h, key.Date, dec("5"), dec("38.5"), Reimbursement},
		&Issue{"I-1", h, key.Date, dec("5")}, &Receive{"R-1", h, key.Date, dec("4"), Damage, "wet", h}, &Report{"S-1", h, dec("1"), WrongItem, "wheat", h},
		&Bill{2, "JPN", 1, []wire.Hash{h}, []programme.BillItem{item}}, &Pay{h, h}, &Repay{"P-1", h, key.Date, "rice", dec("5"), "kg", dec("0"), h}, &OfferCash{h},
		&Offset{"X-1", []wire.Hash{h}, []wire.Hash{h}},
	} {
		events = append(events, Event{"HARBOUR-2023", "IND", uint64(i + 1), uint64(i + 1), 1_696_000_000_000, "asha", 1, act})
	}
	return events
}

func TestEveryKindOfEventAndItsBytesAreOneToOne(t *testing.T) {
	kinds := map[string]bool{}
	for _, e := range samples() {
		kinds[e.Act.Kind()] = true
		b, err := e.Bytes()
		if err != nil {
			t.Fatalf("%s: %v", e.Act.Kind(), err)
		}
		back, err := ParseEvent(b)
		if err != nil {
			t.Fatalf("%s: %v", e.Act.Kind(), err)
		}
		again, err := back.Bytes()
		if err != nil || string(again) != string(b) || back.Act.Kind() != e.Act.Kind() {
			t.Errorf("%s: %v", e.Act.Kind(), err)
		}
		for n := range b {
			if _, err := ParseEvent(b[:n]); refusal.CodeOf(err) != wire.CodeMalformed {
				t.Fatalf("%s cut after %d bytes gives %v", e.Act.Kind(), n, err)
			}
		}
	}
	if len(kinds) != len(acts) {
		t.Errorf("%d of %d kinds have a sample", len(kinds), len(acts))
	}
	var lines []string
	for _, e := range samples() {
		entry, err := e.entry()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, e.Act.Kind()+" "+entry.Hash.String()+"\n")
	}
	golden(t, "testdata/hashes.txt", strings.Join(lines, ""))
}

func TestEventsThatNameNobodyOrNoTimeAreMalformed(t *testing.T) {
	for name, change := range map[string]func(*Event){
		"no number": func(e *Event) { e.Seq = 0 }, "no tick": func(e *Event) { e.Tick = 0 }, "a tick beyond all": func(e *Event) { e.Tick = 1<<62 + 1 },
		"nobody": func(e *Event) { e.By = "" }, "a time before 1970": func(e *Event) { e.AtMS = -1 }, "a time after 9999": func(e *Event) { e.AtMS = maxAtMS + 1 },
		"no act": func(e *Event) { e.Act = nil },
	} {
		e := samples()[5]
		change(&e)
		if err := NewLog("HARBOUR-2023").Add(e); refusal.CodeOf(err) != wire.CodeMalformed {
			t.Errorf("%s gives %v", name, err)
		}
	}
	if err := NewLog("ANOTHER").Add(samples()[5]); refusal.CodeOf(err) != CodeWrongExercise {
		t.Errorf("another exercise gives %v", err)
	}
}

// Whatever an ally signs is folded without a panic, in any order.
func TestEventsOfAnyContentAreFoldedOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begin := begun(t)
		all := slices.Clone(begin.events)
		for _, e := range samples() {
			seq, tick := begin.log.Next(e.Author)
			e.Seq, e.Tick = seq+uint64(rapid.IntRange(0, 3).Draw(t, "seq")), tick+uint64(rapid.IntRange(0, 3).Draw(t, "tick"))
			begin.add(e)
			all = append(all, e)
		}
		s, err := Fold("HARBOUR-2023", rapid.Permutation(all).Draw(t, "heard")...)
		if err != nil || dump(s) != dump(begin.state()) {
			t.Fatalf("%v\n%s\n%s", err, dump(s), dump(begin.state()))
		}
	})
}

func TestWhoSaysTwoThingsUnderOneNumberIsHeardNoMore(t *testing.T) {
	d := begun(t)
	d.on("2023-10-05")
	d.says("IND ravi", tally("manual", 1, rice("80")))
	one := d.event("JPN yumi", tally("manual", 1, rice("80")))
	other := one
	other.Act = tally("manual", 1, rice("8"))
	d.add(one)
	d.says("JPN kenji", &CloseDays{day("2023-10-05")})
	d.says("IND asha", &CloseDays{day("2023-10-05")})
	if d.total("IND", "JPN", "2023-10-06") != "3080.00 INR" {
		t.Error("the rice is not billed")
	}
	d.add(other)
	s := d.state()
	if len(s.Forks) != 1 || s.Forks[0].Author != "JPN" || s.Forks[0].Seq != one.Seq || len(s.Forks[0].Events) != 2 || d.total("IND", "JPN", "2023-10-06") != "" {
		t.Errorf("%+v", s.Forks)
	}
	d.add(d.event("JPN kenji", &CloseDays{day("2023-10-06")}))
	want := dump(d.state())
	again, err := Fold("HARBOUR-2023", d.events...)
	if err != nil || dump(again) != want || !strings.Contains(want, "ALARM JPN said different things under number 2") {
		t.Errorf("%v\n%s", err, want)
	}
}

func TestAnEventWaitsForWhatItRestsOn(t *testing.T) {
	d := begun(t)
	request := d.says("JPN kenji", &Request{No: "RQ-1", Supplier: "IND", Category: "FOOD", Item: "rations", Quantity: dec("10"), Unit: "each", Needed: day("2023-10-05")})
	order := d.says("IND asha", &Order{No: "O-1", Request: request, Date: day("2023-10-05"), Quantity: dec("10"), UnitPrice: dec("1"), Method: Reimbursement})
	d.says("JPN kenji", &Sign{order})
	d.says("JPN kenji", &CloseDays{day("2023-10-05")})
	n := len(d.events)
	l := NewLog("HARBOUR-2023")
	for i, e := range d.events {
		if i == n-4 { // the request is missing, and with it what the order and its signature rest on
			continue
		}
		if err := l.Add(e); err != nil {
			t.Fatal(err)
		}
		l.State()
	}
	if s := l.State(); len(s.Waiting) != 2 || s.closed["JPN"] != day("2023-10-05") {
		t.Errorf("%d wait\n%s", len(s.Waiting), s.Tell())
	}
	if err := l.Add(d.events[n-4]); err != nil {
		t.Fatal(err)
	}
	if got := dump(l.State()); got != dump(d.state()) {
		t.Error(got)
	}
}

func TestATickBelowWhatAnEventRestsOnIsRefused(t *testing.T) {
	d := begun(t)
	request := d.says("JPN kenji", &Request{No: "RQ-1", Supplier: "IND", Category: "FOOD", Item: "rations", Quantity: dec("10"), Unit: "each", Needed: day("2023-10-05")})
	e := d.event("IND asha", &Order{No: "O-1", Request: request, Date: day("2023-10-05"), Quantity: dec("10"), UnitPrice: dec("1"), Method: Reimbursement})
	e.Tick -= 1
	d.add(e)
	e = d.event("JPN kenji", &CloseDays{day("2023-10-05")})
	e.Tick, e.Version = 1, 0
	d.add(e)
	for _, taken := range d.state().Taken {
		if seq := taken.Entry.Event; (seq.Act.Kind() == "order" || seq.Act.Kind() == "close_days") && refusal.CodeOf(taken.Err) != CodeOutOfOrder {
			t.Errorf("%s: %v", seq.Act.Kind(), taken.Err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, e := range samples() {
		b, err := e.Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		oneToOne(t, b, ParseEvent)
		e, err := ParseEvent(b)
		if err != nil {
			return
		}
		d := begun(t)
		e.Exercise = "HARBOUR-2023"
		_, e.Tick = d.log.Next(e.Author)
		if err := d.log.Add(e); err == nil {
			d.state()
		}
	})
}
