package swap

import (
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/wallet/quorum"
)

func TestWhatChangesTheSupplyOrMovesMoneyTakesTwoOperators(t *testing.T) {
	asha := wire.Key{Owner: "BOJ", Name: "asha", Purpose: wire.PurposeOperator}
	ashaLater := asha
	ashaLater.Epoch = 2
	ben := wire.Key{Owner: "BOJ", Name: "ben", Purpose: wire.PurposeOperator}
	foreign := wire.Key{Owner: "RBI", Name: "ben", Purpose: wire.PurposeOperator}
	desk := wire.Key{Owner: "Japan", Name: "clerk", Purpose: wire.PurposeUser}
	w := newWorld(t)
	held := w.must(t, "BOJ", w.order("BOJ", wire.Order{Kind: wire.OrderHold, Account: "LP-JPY", Payee: "JP-JPY", Minor: 5})).Entries[0].Reference
	issued := w.must(t, "BOJ", w.order("BOJ", wire.Order{Kind: wire.OrderIssue, Account: "KR-JPY", Minor: 3})).Entries[0].Seq
	w.must(t, "BOJ", w.order("BOJ", wire.Order{Kind: wire.OrderHalt}))
	w.must(t, "BOJ", w.order("BOJ", wire.Order{Kind: wire.OrderResume}))
	for kind, o := range map[string]wire.Order{
		"issue":   {Kind: wire.OrderIssue, Account: "LP-JPY", Minor: 1},
		"redeem":  {Kind: wire.OrderRedeem, Account: "LP-JPY", Minor: 1},
		"post":    {Kind: wire.OrderPost, Hold: held},
		"reverse": {Kind: wire.OrderReverse, Entry: issued},
	} {
		for who, c := range map[string]struct {
			signers []wire.Key
			want    refusal.Code
		}{
			"by nobody":                    {nil, quorum.CodeApprovalMissing},
			"by one":                       {[]wire.Key{asha}, quorum.CodeApprovalMissing},
			"by one person with two keys":  {[]wire.Key{asha, ashaLater}, quorum.CodeSameApprover},
			"with another bank's operator": {[]wire.Key{asha, foreign}, quorum.CodeApproverForeign},
			"by another bank's operators":  {[]wire.Key{foreign, asha}, quorum.CodeApproverForeign},
			"by a desk's clerk":            {[]wire.Key{desk, asha}, quorum.CodeApproverForeign},
			"by two of another bank":       {[]wire.Key{foreign, {Owner: "RBI", Name: "asha", Purpose: wire.PurposeOperator}}, quorum.CodeApproverForeign},
			"with the bank's swap key":     {[]wire.Key{asha, {Owner: "BOJ", Name: "BOJ", Purpose: wire.PurposeSwap}}, quorum.CodeApproverForeign},
		} {
			e := w.order("BOJ", o)
			e.Signers = c.signers
			if out := w.banks["BOJ"].Step(e); refusal.CodeOf(out.Refusal) != c.want || len(out.Entries) > 0 {
				t.Errorf("%s %s gives %v, want %s", kind, who, out.Refusal, c.want)
			}
		}
		e := w.order("BOJ", o)
		e.Signers = []wire.Key{ben, asha}
		w.must(t, "BOJ", e)
	}
	halt := w.order("BOJ", wire.Order{Kind: wire.OrderHalt})
	halt.Signers = []wire.Key{asha}
	w.must(t, "BOJ", halt)
	resume := w.order("BOJ", wire.Order{Kind: wire.OrderResume})
	resume.Signers = []wire.Key{asha}
	if out := w.banks["BOJ"].Step(resume); refusal.CodeOf(out.Refusal) != quorum.CodeApprovalMissing {
		t.Errorf("one operator ends the stop: %v", out.Refusal)
	}
}

func TestReservesThatAreNotTheSupplyRaiseAnAlarm(t *testing.T) {
	w := newWorld(t)
	out := w.banks["BOJ"].Step(w.order("BOJ", wire.Order{Kind: wire.OrderReconcile, Minor: 1, Reserve: "STATEMENT"}))
	if refusal.CodeOf(out.Refusal) != ledger.CodeReserveMismatch || len(out.Notes) != 2 || out.Notes[1].Kind != NoteAlarm || out.Notes[1].Code != string(ledger.CodeReserveMismatch) {
		t.Errorf("%v, %+v", out.Refusal, out.Notes)
	}
	supply := w.banks["BOJ"].Ledger().Supply()
	if out := w.must(t, "BOJ", w.order("BOJ", wire.Order{Kind: wire.OrderReconcile, Minor: supply, Reserve: "STATEMENT"})); len(out.Notes) != 0 || len(out.Entries) != 1 {
		t.Errorf("%+v", out)
	}
}

func TestTheClockGivesBackWhatOrdersHoldAndNeverWhatASwapHolds(t *testing.T) {
	w := newWorld(t)
	pay := w.seal("p1", w.authorised("p1", "fuel"))
	proposed := w.must(t, "RBI", pay)
	prepared := w.must(t, "BOJ", w.received(t, proposed.Send[0]))
	if s, _ := w.banks["BOJ"].Swap(prepared.Changed[0]); s.State != Prepared {
		t.Fatalf("the swap is %s", s.State)
	}
	w.must(t, "BOJ", w.order("BOJ", wire.Order{Kind: wire.OrderHold, Account: "KR-JPY", Payee: "JP-JPY", Minor: 5, ExpiresMS: w.nowMS + 10}))
	if out := w.must(t, "BOJ", Tick{w.nowMS + 9}); len(out.Entries) != 0 {
		t.Errorf("%d entries before the time", len(out.Entries))
	}
	out := w.must(t, "BOJ", Tick{w.nowMS + 1<<40})
	if len(out.Entries) != 1 || out.Entries[0].Kind != wire.LeafExpire || out.Entries[0].Minor != 5 {
		t.Errorf("the clock brought %+v", out.Entries)
	}
	if len(w.banks["BOJ"].Ledger().HoldsOf(prepared.Changed[0])) != 1 {
		t.Error("the responder gave up what it voted for")
	}
}

func TestAHaltedLedgerRefusesSwapsAndCompletesThoseItPrepared(t *testing.T) {
	w := newWorld(t)
	first := w.must(t, "RBI", w.seal("p1", w.authorised("p1", "fuel")))
	second := w.must(t, "RBI", w.seal("p2", w.authorised("p2", "rations")))
	voted := w.must(t, "BOJ", w.received(t, first.Send[0]))
	for _, bank := range []string{"BOJ", "RBI"} {
		w.must(t, bank, w.order(bank, wire.Order{Kind: wire.OrderHalt}))
	}
	refused := w.banks["BOJ"].Step(w.received(t, second.Send[0]))
	if vote := refused.Send[0].Message.(*wire.Vote); vote.Prepared || vote.Code != string(ledger.CodeHalted) {
		t.Errorf("a halted responder votes %+v", vote)
	}
	decided := w.must(t, "RBI", w.received(t, voted.Send[0]))
	settled := w.must(t, "BOJ", w.received(t, decided.Send[0]))
	if s, _ := w.banks["BOJ"].Swap(settled.Changed[0]); s.State != Settled {
		t.Errorf("a prepared swap is %s at a halted responder", s.State)
	}
	released := w.must(t, "RBI", w.received(t, settled.Send[0]))
	if s, _ := w.banks["RBI"].Swap(released.Changed[0]); s.State != Settled {
		t.Errorf("a committed swap is %s at a halted initiator", s.State)
	}
}
