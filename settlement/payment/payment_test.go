package payment

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/wallet/quorum"
)

var update = flag.Bool("update", false, "rewrite golden files")

const deadline = 1_000

var (
	asha  = quorum.Person{Owner: "IND", Name: "asha"}
	bina  = quorum.Person{Owner: "IND", Name: "bina"}
	chen  = quorum.Person{Owner: "IND", Name: "chen"}
	yuki  = quorum.Person{Owner: "JPN", Name: "yuki"}
	quote = wire.Hash{7}
)

// draft is a payment of 500 JPY for at most 300.00 INR, or of 300.00 INR inside one ledger.
func draft(currency string, approvals int) Payment {
	in := wire.Instruction{Network: "test-1", Payer: "IND", DebitCurrency: "INR", MaxDebitMinor: 30_000, Payee: "JPN", PayCurrency: currency, PayMinor: 500, DeadlineMS: deadline}
	return Draft(in, quorum.Rule{Approvals: approvals}, 1)
}

// run applies events that must all be accepted.
func run(t *testing.T, p Payment, events ...Event) Payment {
	t.Helper()
	for _, e := range events {
		var err error
		if p, err = Step(p, e); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

var (
	make1      = Event{Do: Make, AtMS: 10, By: asha}
	approve    = Event{Do: Approve, AtMS: 20, By: bina}
	approve2   = Event{Do: Approve, AtMS: 21, By: chen}
	accept     = Event{Do: Quote, AtMS: 30, Quote: quote, DebitMinor: 29_000}
	submit     = Event{Do: Submit, AtMS: 40}
	propose    = Event{Do: Propose, AtMS: 50, Swap: wire.Hash{9}}
	committing = Event{Do: Commit, AtMS: 60}
	settle     = Event{Do: Settle, AtMS: 70}
	abort      = Event{Do: Abort, AtMS: 60, Code: "vote_missing", Reason: "the payee's bank did not vote in time"}
)

func states(p Payment) string {
	var names []string
	for _, c := range p.History {
		names = append(names, string(c.State))
	}
	return strings.Join(names, " ")
}

func TestLivesOfPayments(t *testing.T) {
	for name, c := range map[string]struct {
		start  Payment
		events []Event
		states string
	}{
		"a payment across currencies settles": {draft("JPY", 1), []Event{make1, approve, accept, submit, propose, committing, settle},
			"drafted made approved quoted submitted proposed committed settled"},
		"a payment inside one currency settles at once": {draft("INR", 1), []Event{make1, approve, submit, settle}, "drafted made approved submitted settled"},
		"two approvals are waited for":                  {draft("JPY", 2), []Event{make1, approve, approve2, accept}, "drafted made made approved quoted"},
		"an aborted payment settles with a new quote": {draft("JPY", 1), []Event{make1, approve, accept, submit, propose, abort, accept, submit, propose, committing, settle},
			"drafted made approved quoted submitted proposed aborted quoted submitted proposed committed settled"},
		"a quote that lapsed is replaced":                {draft("JPY", 1), []Event{make1, approve, accept, {Do: Lapse, AtMS: 35}, accept}, "drafted made approved quoted approved quoted"},
		"an approver rejects":                            {draft("JPY", 1), []Event{make1, {Do: Reject, AtMS: 15, By: bina, Reason: "wrong bill"}}, "drafted made rejected"},
		"a second approver rejects what is approved":     {draft("JPY", 1), []Event{make1, approve, {Do: Reject, AtMS: 25, By: chen}}, "drafted made approved rejected"},
		"the maker cancels a draft":                      {draft("JPY", 1), []Event{{Do: Cancel, AtMS: 5, By: asha}}, "drafted cancelled"},
		"the desk cancels before the bank proposes":      {draft("JPY", 1), []Event{make1, approve, accept, submit, {Do: Cancel, AtMS: 45, By: bina}}, "drafted made approved quoted submitted cancelled"},
		"the bank refuses":                               {draft("JPY", 1), []Event{make1, approve, accept, submit, {Do: Refuse, AtMS: 45, Code: "insufficient_funds"}}, "drafted made approved quoted submitted refused"},
		"a payment expires while it waits for a quote":   {draft("JPY", 1), []Event{make1, approve, {Do: Expire, AtMS: deadline + 1}}, "drafted made approved expired"},
		"an aborted payment expires":                     {draft("JPY", 1), []Event{make1, approve, accept, submit, propose, abort, {Do: Expire, AtMS: deadline + 1}}, "drafted made approved quoted submitted proposed aborted expired"},
		"news from the bank after the deadline is taken": {draft("INR", 1), []Event{make1, approve, submit, {Do: Settle, AtMS: deadline + 9}}, "drafted made approved submitted settled"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := states(run(t, c.start, c.events...)); got != c.states {
				t.Errorf("got  %s\nwant %s", got, c.states)
			}
		})
	}
}

func TestStepRefuses(t *testing.T) {
	made := run(t, draft("JPY", 2), make1)
	approved := run(t, draft("JPY", 1), make1, approve)
	inside := run(t, draft("INR", 1), make1, approve)
	proposed := run(t, approved, accept, submit, propose)
	tooMuch := draft("INR", 1)
	tooMuch.Instruction.MaxDebitMinor = 499
	tooMuch = run(t, tooMuch, make1, approve)
	for name, c := range map[string]struct {
		p    Payment
		e    Event
		code refusal.Code
	}{
		"the maker as approver":                                  {made, Event{Do: Approve, AtMS: 20, By: asha}, quorum.CodeSameApprover},
		"a rejection by the maker":                               {made, Event{Do: Reject, AtMS: 20, By: asha}, quorum.CodeSameApprover},
		"an approver of another nation":                          {made, Event{Do: Approve, AtMS: 20, By: yuki}, quorum.CodeApproverForeign},
		"a second approval by one person":                        {run(t, made, approve), approve, CodeAlreadyApproved},
		"a maker of another nation":                              {draft("JPY", 1), Event{Do: Make, AtMS: 10, By: yuki}, CodeMakerForeign},
		"a cancellation by another nation":                       {made, Event{Do: Cancel, AtMS: 10, By: yuki}, CodeMakerForeign},
		"an approval of a draft":                                 {draft("JPY", 1), approve, CodeWrongState},
		"a quote before approval":                                {made, accept, CodeWrongState},
		"a submission before approval":                           {made, submit, CodeWrongState},
		"a submission across currencies without a quote":         {approved, submit, CodeWrongState},
		"a quote inside one currency":                            {inside, accept, CodeWrongState},
		"a swap inside one currency":                             {run(t, inside, submit), propose, CodeWrongState},
		"settlement across currencies without a swap":            {run(t, approved, accept, submit), settle, CodeWrongState},
		"settlement before commitment":                           {proposed, settle, CodeWrongState},
		"a cancellation once the swap is proposed":               {proposed, Event{Do: Cancel, AtMS: 55, By: asha}, CodeWrongState},
		"an expiry once the swap is proposed":                    {proposed, Event{Do: Expire, AtMS: deadline + 1}, CodeWrongState},
		"an abort once committed":                                {run(t, proposed, committing), abort, CodeWrongState},
		"a second settlement":                                    {run(t, proposed, committing, settle), settle, CodeWrongState},
		"an action nobody knows":                                 {made, Event{Do: "hurry"}, CodeWrongState},
		"an approval after the deadline":                         {made, Event{Do: Approve, AtMS: deadline + 1, By: bina}, CodeExpired},
		"a submission after the deadline":                        {inside, Event{Do: Submit, AtMS: deadline + 1}, CodeExpired},
		"an expiry before the deadline":                          {made, Event{Do: Expire, AtMS: deadline}, CodeDeadlineAhead},
		"a quote above the largest debit":                        {approved, Event{Do: Quote, AtMS: 30, Quote: quote, DebitMinor: 30_001}, CodeOverDebitLimit},
		"a quote for nothing":                                    {approved, Event{Do: Quote, AtMS: 30, Quote: quote}, wire.CodeAmountInvalid},
		"a submission of more than the largest debit":            {tooMuch, submit, CodeOverDebitLimit},
		"an approval of what enough have approved already":       {approved, approve2, CodeWrongState},
		"the state first, then the person":                       {draft("JPY", 1), Event{Do: Approve, AtMS: 10, By: yuki}, CodeWrongState},
		"the deadline first, then the person":                    {made, Event{Do: Approve, AtMS: deadline + 1, By: asha}, CodeExpired},
		"a retry inside one currency, where nothing was aborted": {run(t, inside, submit), abort, CodeWrongState},
	} {
		t.Run(name, func(t *testing.T) {
			before := text(t, c.p)
			got, err := Step(c.p, c.e)
			if refusal.CodeOf(err) != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
			if text(t, got) != before || text(t, c.p) != before {
				t.Error("a refusal changed the payment")
			}
		})
	}
}

func text(t *testing.T, p Payment) string {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStepLeavesItsArgumentAlone(t *testing.T) {
	made := run(t, draft("JPY", 3), make1, approve)
	made.History, made.Approvers = slices.Grow(made.History, 8), slices.Grow(made.Approvers, 8)
	one := run(t, made, approve2)
	other := run(t, made, Event{Do: Approve, AtMS: 22, By: quorum.Person{Owner: "IND", Name: "dara"}})
	if one.Approvers[1] != chen || other.Approvers[1].Name != "dara" || one.History[3].AtMS != 21 || len(made.History) != 3 {
		t.Error("two futures of one payment share memory")
	}
}

func TestAPaymentRemembersWhoWhenAndWhy(t *testing.T) {
	p := run(t, draft("JPY", 1), make1, approve, accept, submit, propose, abort)
	if p.State != Aborted || p.SinceMS != 60 || p.Reason != abort.Reason || p.Swap != propose.Swap || p.DebitMinor != 29_000 || p.Quote != quote {
		t.Errorf("the payment is %+v", p)
	}
	if p.Maker != asha || !slices.Equal(p.Approvers, []quorum.Person{bina}) || p.Hash != p.Instruction.Hash() {
		t.Errorf("maker %v, approvers %v", p.Maker, p.Approvers)
	}
	want := Change{State: Aborted, On: Abort, AtMS: 60, Code: "vote_missing", Reason: abort.Reason}
	if got := p.History[len(p.History)-1]; got != want {
		t.Errorf("last change %+v", got)
	}
	lapsed := run(t, run(t, draft("JPY", 1), make1, approve, accept), Event{Do: Lapse, AtMS: 31})
	if !lapsed.Quote.IsZero() || lapsed.DebitMinor != 0 {
		t.Error("a lapsed quote is still there")
	}
	if inside := run(t, draft("INR", 1), make1, approve, submit); inside.DebitMinor != 500 {
		t.Errorf("inside one currency %d are debited", inside.DebitMinor)
	}
	var read Payment
	if err := json.Unmarshal([]byte(text(t, p)), &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, read); diff != "" {
		t.Errorf("a payment does not survive storage: %s", diff)
	}
}

func TestClearedIsNotSettled(t *testing.T) {
	p := run(t, draft("JPY", 1), make1, approve, accept, submit, propose)
	if p.Cleared() || p.Settled() {
		t.Error("a proposed payment is neither cleared nor settled")
	}
	p = run(t, p, committing)
	if !p.Cleared() || p.Settled() {
		t.Error("a committed payment is cleared and not settled")
	}
	p = run(t, p, settle)
	if !p.Cleared() || !p.Settled() {
		t.Error("a settled payment is cleared and settled")
	}
}

func TestEveryStateHasASentenceAndOnlyEndsAreFinal(t *testing.T) {
	final := map[State]bool{Settled: true, Rejected: true, Cancelled: true, Refused: true, Expired: true}
	reached := map[State]bool{Drafted: true}
	for _, tr := range Transitions() {
		reached[tr.To] = true
		if final[tr.From] {
			t.Errorf("%s has a way out", tr.From)
		}
	}
	for s := range sentences {
		if !reached[s] {
			t.Errorf("nothing leads to %s", s)
		}
		if s.Final() != final[s] {
			t.Errorf("final is %v for %s", s.Final(), s)
		}
	}
	for s := range reached {
		if s.Sentence() == "" {
			t.Errorf("%s has no sentence", s)
		}
	}
}

func TestAScreenOffersWhatTheTableAllows(t *testing.T) {
	for name, c := range map[string]struct {
		p    Payment
		want []Action
	}{
		"a draft":                          {draft("JPY", 1), []Action{Make, Cancel, Expire}},
		"what waits for approval":          {run(t, draft("JPY", 1), make1), []Action{Approve, Reject, Cancel, Expire}},
		"what is approved in two":          {run(t, draft("JPY", 1), make1, approve), []Action{Quote, Reject, Cancel, Expire}},
		"what is approved in one currency": {run(t, draft("INR", 1), make1, approve), []Action{Submit, Reject, Cancel, Expire}},
		"what is committed":                {run(t, draft("JPY", 1), make1, approve, accept, submit, propose, committing), []Action{Settle}},
		"what is cancelled":                {run(t, draft("JPY", 1), Event{Do: Cancel, AtMS: 2, By: asha}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.p.Actions(); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestNoPathReachesSettledAroundMakerApproverAndSubmission(t *testing.T) {
	settled := 0
	rapid.Check(t, func(t *rapid.T) {
		p := draft(rapid.SampledFrom([]string{"JPY", "INR"}).Draw(t, "pay currency"), rapid.IntRange(0, 2).Draw(t, "approvals"))
		everything := []Action{Make, Approve, Reject, Quote, Lapse, Submit, Cancel, Expire, Propose, Commit, Abort, Settle, Refuse}
		ends := []Action{Reject, Lapse, Cancel, Expire, Refuse}
		people := []quorum.Person{asha, bina, chen, yuki}
		for range rapid.IntRange(8, 25).Draw(t, "events") {
			e := Event{
				Do: rapid.SampledFrom(everything).Draw(t, "do"), AtMS: rapid.Int64Range(2, deadline+deadline/10).Draw(t, "at"),
				By: rapid.SampledFrom(people).Draw(t, "by"), Quote: quote, DebitMinor: rapid.Int64Range(1, 33_000).Draw(t, "debit"), Swap: wire.Hash{9},
			}
			// Most events follow the table, so that long lives are common; the others are anything at all.
			forward := slices.DeleteFunc(p.Actions(), func(a Action) bool { return slices.Contains(ends, a) })
			if len(forward) > 0 && rapid.IntRange(0, 9).Draw(t, "stray") < 8 {
				e.Do = rapid.SampledFrom(forward).Draw(t, "forward")
			}
			before := p
			var err error
			p, err = Step(p, e)
			if err != nil && refusal.CodeOf(err) == "" {
				t.Fatalf("not a refusal: %v", err)
			}
			if before.State.Final() && err == nil {
				t.Fatalf("%s led from %s to %s", e.Do, before.State, p.State)
			}
			if before.Cleared() && !p.Cleared() {
				t.Fatalf("%s undid %s", e.Do, before.State)
			}
		}
		if !p.Settled() {
			return
		}
		settled++
		due := []State{Made, Approved, Submitted, Settled}
		for _, c := range p.History {
			if c.State == due[0] {
				due = due[1:]
			}
		}
		if len(due) != 0 {
			t.Fatalf("settled by %s", states(p))
		}
		if p.Maker.Owner != "IND" || slices.Contains(p.Approvers, p.Maker) || quorum.Count(p.Approvers) < p.Rule.Needed() || p.DebitMinor > p.Instruction.MaxDebitMinor {
			t.Fatalf("settled with maker %v, approvers %v, debit %d", p.Maker, p.Approvers, p.DebitMinor)
		}
	})
	t.Logf("%d of the drawn lives reached settled", settled)
	if settled == 0 {
		t.Error("no drawn life reached settled: the property was not tested")
	}
}

func TestTheDiagramIsDrawnFromTheTable(t *testing.T) {
	golden := filepath.Join("testdata", "life.mmd")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(Diagram()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), Diagram()); diff != "" {
		t.Error(diff)
	}
}
