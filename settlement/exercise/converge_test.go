package exercise

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"entente/schema/wire"
	"entente/settlement/programme"
)

// dump writes everything a state knows.
func dump(s *State) string {
	var b strings.Builder
	b.WriteString(s.Tell())
	for _, v := range s.Versions() {
		fmt.Fprintf(&b, "version %d %s signed by %v\n", v.Terms.Version, v.Event.Short(), v.Signed)
	}
	for _, l := range s.Lines() {
		fmt.Fprintf(&b, "line %s %s %s %s %s | %s %s at %s = %s | left %s %s | since %s due %s | %s | %v %v", l.ID.Short(), l.Key, l.Status, l.Method, l.Reference, l.Quantity, l.Unit, l.UnitPrice, l.Amount,
			l.Left, l.Value, l.Since, l.DueBy, l.Received, l.ordered, l.received)
		for _, n := range s.members() {
			if bill := l.Billed(n); bill != nil {
				fmt.Fprintf(&b, " | %s bill %d", n, bill.No)
			}
		}
		b.WriteByte('\n')
	}
	for _, c := range s.Cases() {
		b.WriteString(c.Tell())
	}
	for _, bill := range s.Bills() {
		fmt.Fprintf(&b, "bill %d of %s to %s: %s %s by %s %s\n", bill.No, bill.Creditor, bill.Debtor, bill.Total, bill.State, bill.PaidBy, bill.Leaf.Short())
	}
	for _, l := range s.LateCounts() {
		fmt.Fprintf(&b, "late %s %s: %s, %s then\n", l.Line.Key, l.Nation, l.Now, l.Then)
	}
	for _, n := range s.members() {
		fmt.Fprintf(&b, "%s closed %s, knows %d, %v\n", n, s.closed[n], s.known[n], s.tallies[n].Troubles())
	}
	on := day("2024-12-01")
	report, err := s.Ageing(on)
	fmt.Fprintf(&b, "%s%v\n", TellAgeing(report, on), err)
	for _, o := range s.CashOffers(day("2024-10-01")) {
		fmt.Fprintf(&b, "offer %s %s\n", o.Line.Key, o.Amount)
	}
	for _, e := range s.Waiting {
		fmt.Fprintf(&b, "waiting %s\n", e.Hash)
	}
	fmt.Fprintf(&b, "%v\n", s.Forks)
	return b.String()
}

// house is one desk of a simulated exercise: what it knows, and what has not reached it.
type house struct {
	nation programme.Nation
	log    *Log
	inbox  []Event
}

type exerciseRun struct {
	t      *rapid.T
	houses []*house
	all    []Event
	atMS   int64
	stands map[wire.Hash]bool // bills that creditor or debtor saw signed by both
}

func newRun(t *rapid.T) *exerciseRun {
	r := &exerciseRun{t: t, stands: map[wire.Hash]bool{}}
	begin := owing(t)
	r.all, r.atMS = slices.Clone(begin.events), noonMS("2023-10-22")
	for _, n := range []programme.Nation{"IND", "JPN", "DEU", "FRA"} {
		h := &house{nation: n, log: NewLog("HARBOUR-2023")}
		for _, e := range begin.events {
			if err := h.log.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		r.houses = append(r.houses, h)
	}
	return r
}

func draw[T any](t *rapid.T, from []T) (T, bool) {
	var none T
	if len(from) == 0 {
		return none, false
	}
	return from[rapid.IntRange(0, len(from)-1).Draw(t, "which")], true
}

// acts lists what a house could do by what it knows, some of it foolish.
func (r *exerciseRun) acts(h *house) []Act {
	t, s := r.t, h.log.State()
	quantity := decimal.NewFromInt(rapid.Int64Range(96, 104).Draw(t, "quantity"))
	date := day("2023-10-04").AddDays(rapid.IntRange(0, 1).Draw(t, "day"))
	no := fmt.Sprint(rapid.IntRange(1, 9).Draw(t, "no"))
	v := s.Versions()
	terms := harbour()
	terms.Version, terms.Effective, terms.Agreement.ToleranceBP = v[len(v)-1].Terms.Version+1, date, 500
	list := []Act{&CloseDays{day("2023-10-05")}, &CloseDays{date}, &Amend{v[len(v)-1].Event, terms}}
	for _, what := range []TallyEntry{entryOf("2023-10-04", "FOOD", "IND", "JPN", "rice", "1", "kg", "38.5"), entryOf("2023-10-04", "FUEL", "JPN", "IND", "F-76", "1", "l", "90"),
		entryOf("2023-10-04", "FUEL", "DEU", "FRA", "F-76", "1", "l", "2"), entryOf("2023-10-04", "FUEL", "FRA", "DEU", "F-34", "1", "l", "2.1"),
		entryOf("2023-10-04", "BASE", "IND", "JPN", "pier", "1", "day", "10.01"), entryOf("2023-10-04", "CAMP", "DEU", "JPN", "tents", "1", "each", "33.33"),
		entryOf("2023-10-04", "PAX", "IND", "JPN", "people present", "1", programme.RosterUnit, "0"), entryOf("2023-10-04", "SPARES", "IND", "JPN", "pump", "1", "each", "700")} {
		what.Date, what.Quantity = date, quantity
		if what.Supplier == h.nation || what.Receiver == h.nation {
			list = append(list, tally(fmt.Sprintf("scanner %d", rapid.IntRange(1, 6).Draw(t, "device")/6), uint64(rapid.IntRange(1, 3).Draw(t, "file")), what))
		}
	}
	for _, other := range []programme.Nation{"IND", "JPN", "DEU", "FRA"} {
		if other == h.nation {
			continue
		}
		list = append(list, &Request{No: no, Supplier: other, Category: "FOOD", Item: "goods", Quantity: quantity, Unit: "each", Needed: date})
		drafts, err := s.Draft(h.nation, other, day("2023-11-01"))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range drafts {
			list = append(list, &d.Bill, &d.Bill)
		}
	}
	for _, taken := range s.Taken {
		hash := taken.Entry.Hash
		switch taken.Entry.Act.(type) {
		case *Request:
			list = append(list, &Order{No: no, Request: hash, Date: date, Quantity: quantity, UnitPrice: dec("12.5"), Method: Method(rapid.IntRange(1, 3).Draw(t, "method"))})
		case *Order:
			list = append(list, &Issue{No: no, Order: hash, Date: date, Quantity: decimal.NewFromInt(50)}, &Sign{hash})
		case *Issue:
			list = append(list, &Receive{No: no, Issue: hash, Date: date, Accepted: decimal.NewFromInt(50)},
				&Receive{No: no, Issue: hash, Date: date, Accepted: decimal.NewFromInt(40), Wrong: Returned, Note: "sent back"})
		case *Bill:
			list = append(list, &Sign{hash}, &Sign{hash}, &Pay{Bill: hash})
		case *Amend, *Propose, *Repay, *OfferCash, *Offset:
			list = append(list, &Sign{hash}, &Sign{hash})
		}
	}
	for _, c := range s.Cases() {
		figures := Figures{quantity, c.Line.Unit, c.Line.UnitPrice}
		if c.delivery() {
			figures.Quantity = decimal.NewFromInt(2)
		} else if c.Ours.Record != nil {
			figures.Unit, figures.UnitPrice = c.Ours.Record.Unit, c.Ours.Record.UnitPrice
		}
		list = append(list, &Propose{Case: c.ID, Figures: figures}, &Appeal{Case: c.ID}, &Award{Case: c.ID, Figures: figures, Note: "seen"})
	}
	for _, l := range s.Lines() {
		list = append(list, &Report{No: no, Line: l.ID, Quantity: decimal.NewFromInt(3), Wrong: Damage, Note: "broken"}, &OfferCash{l.ID}, &Contest{Line: l.ID, Note: "counted again"},
			&Repay{No: no, Line: l.ID, Date: date, Item: l.Item, Quantity: decimal.NewFromInt(40), Unit: l.Unit},
			&Repay{No: no, Line: l.ID, Date: date, Item: "filters", Quantity: decimal.NewFromInt(40), Unit: "each", UnitPrice: dec("70")})
		for _, m := range s.Lines() {
			if m.Supplier == l.Receiver && m.Receiver == l.Supplier && l.Supplier == h.nation {
				list = append(list, &Offset{No: no, Owed: []wire.Hash{l.ID}, Owing: []wire.Hash{m.ID}})
			}
		}
	}
	return list
}

// say lets a house act: what its own desk refuses is mostly not signed, and sometimes all the same.
func (r *exerciseRun) say(h *house) {
	seq, tick := h.log.Next(h.nation)
	v := h.log.State().Versions()
	r.atMS += 60_000
	e := Event{Exercise: "HARBOUR-2023", Author: h.nation, Seq: seq, Tick: tick, AtMS: r.atMS, By: fmt.Sprintf("p%d", rapid.IntRange(1, 3).Draw(r.t, "person")), Version: v[len(v)-1].Terms.Version}
	sound := map[string][]Act{}
	var kinds []string
	foolish := rapid.IntRange(0, 19).Draw(r.t, "foolish") == 0
	for _, act := range r.acts(h) {
		e.Act = act
		if foolish || h.log.State().Check(e) == nil {
			if sound[act.Kind()] == nil {
				kinds = append(kinds, act.Kind())
			}
			sound[act.Kind()] = append(sound[act.Kind()], act)
		}
	}
	kind, ok := draw(r.t, kinds)
	if !ok {
		return
	}
	e.Act, _ = draw(r.t, sound[kind])
	if err := h.log.Add(e); err != nil {
		return // what cannot be written cannot be signed
	}
	r.all = append(r.all, e)
	for _, other := range r.houses {
		if other != h {
			other.inbox = append(other.inbox, e)
		}
	}
}

// hear brings a house some of what waits for it, in any order.
func (r *exerciseRun) hear(h *house) {
	for range rapid.IntRange(0, 12).Draw(r.t, "heard") {
		if len(h.inbox) == 0 {
			break
		}
		i := rapid.IntRange(0, len(h.inbox)-1).Draw(r.t, "which")
		if err := h.log.Add(h.inbox[i]); err != nil {
			r.t.Fatal(err)
		}
		h.inbox = slices.Delete(h.inbox, i, i+1)
	}
	for _, b := range h.log.State().Bills() {
		if (b.Creditor == h.nation || b.Debtor == h.nation) && (b.State == Signed || b.State == Paid) {
			r.stands[b.Event] = true
		}
	}
}

func TestDesksThatKnowTheSameSayTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRun(t)
		for range rapid.IntRange(10, 50).Draw(t, "rounds") {
			h, _ := draw(t, r.houses)
			r.say(h)
			h, _ = draw(t, r.houses)
			r.hear(h)
		}
		want := ""
		random := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		for i := range 4 {
			shuffled := slices.Clone(r.all)
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			l := NewLog("HARBOUR-2023")
			for _, e := range shuffled {
				for range 1 + random.Intn(2) { // some come twice
					if err := l.Add(e); err != nil {
						t.Fatal(err)
					}
				}
				if random.Intn(8) == 0 { // folded on the way or not
					l.State()
				}
			}
			got := dump(l.State())
			if i == 0 {
				want = got
			}
			if got != want {
				t.Fatalf("one order:\n%s\nanother:\n%s", want, got)
			}
			for event := range r.stands {
				if b := l.State().bills[event]; b == nil || b.State != Signed && b.State != Paid {
					t.Fatalf("bill %s was signed by both and does not stand:\n%s", event.Short(), got)
				}
			}
		}
		for _, h := range r.houses {
			for _, e := range h.inbox {
				if err := h.log.Add(e); err != nil {
					t.Fatal(err)
				}
			}
			if got := dump(h.log.State()); got != want {
				t.Fatalf("%s says:\n%s\nthe others:\n%s", h.nation, got, want)
			}
		}
	})
}
