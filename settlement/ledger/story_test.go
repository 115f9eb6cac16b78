package ledger

import (
	"fmt"
	"strings"
	"testing"

	"entente/schema/wire"
)

// story runs operations on a ledger and writes down what they were, what was recorded, and what everybody has afterwards.
type story struct {
	*book
	text strings.Builder
}

func (s *story) tell(prose string) { fmt.Fprintf(&s.text, "\n%s\n", prose) }

// do runs one operation; a refusal is part of the story.
func (s *story) do(what string, entries []Entry, err error) {
	fmt.Fprintf(&s.text, "\n  > %s\n", what)
	if err != nil {
		fmt.Fprintf(&s.text, "    refused, %v\n", err)
		return
	}
	if len(entries) == 0 {
		s.text.WriteString("    nothing: the first answer stands\n")
		return
	}
	for _, e := range s.apply(entries, nil) {
		fmt.Fprintf(&s.text, "    %s\n", sentence(e))
	}
	checkSums(s.t, s.state)
}

func (s *story) balances() {
	fmt.Fprintf(&s.text, "\n    %-10s %-8s %9s %9s %9s\n", "account", "status", "balance", "available", "awaited")
	for _, a := range s.state.Accounts() {
		status := [...]string{"", "active", "frozen", "closed"}[a.Status]
		fmt.Fprintf(&s.text, "    %-10s %-8s %9d %9d %9d\n", a.ID, status, a.Balance(), a.Available(), a.CreditsPending)
	}
	for _, b := range s.state.Bills() {
		fmt.Fprintf(&s.text, "    bill %s of revision %d, owed by %s to %s: %s\n", strings.TrimRight(string(b.ID[:]), "\x00"), b.Revision, b.Debtor, b.Creditor, b.State)
	}
	fmt.Fprintf(&s.text, "    supply %d, balances %d\n", s.state.Supply(), s.state.BalancesSum())
}

// sentence says in words what an entry records.
func sentence(e Entry) string {
	word := func(h wire.Hash) string { return strings.TrimRight(string(h[:]), "\x00") }
	var text string
	switch e.Kind {
	case wire.LeafOpen:
		text = fmt.Sprintf("%s opened for %s", e.Credit, e.Owner)
	case wire.LeafStatus:
		text = fmt.Sprintf("%s is %s", e.Credit, [...]string{"", "active", "frozen", "closed"}[e.Status])
	case wire.LeafBill:
		text = fmt.Sprintf("revision %d, owed by %s to %s", e.Revision, e.Debtor, e.Creditor)
	case wire.LeafIssue, wire.LeafRedeem:
		text = fmt.Sprintf("%d from %s to %s", e.Minor, e.Debit, e.Credit)
	default:
		text = fmt.Sprintf("%d from %s to %s for %s/%d", e.Minor, e.Debit, e.Credit, word(e.Reference), e.Part)
	}
	if len(e.Bills) > 0 {
		text += fmt.Sprintf(", %d bill", len(e.Bills))
	}
	return fmt.Sprintf("%d  at %d  %-8s %s", e.Seq, e.TimeMS, e.Kind, text)
}

func TestTheStoryOfALedger(t *testing.T) {
	s := &story{book: newBook(t)}
	order := func(what string, o wire.Order) {
		t.Helper()
		if o.Key == (wire.ID{}) {
			o.Key = s.key()
		}
		if o.Kind == wire.OrderIssue || o.Kind == wire.OrderRedeem {
			o.Reserve = fmt.Sprintf("RTGS-%x", o.Key[:6])
		}
		entries, err := s.state.Order(o, wire.PayloadHash(wire.TypeOrder, o.Bytes()), s.nowMS)
		s.do(what, entries, err)
	}
	do := func(what string, entries []Entry, err error) { s.do(what, entries, err) }
	s.text.WriteString("The ledger of RBI, in INR. Amounts are minor units, times ledger time in milliseconds.\n")

	s.tell("The operator opens the bank's own two accounts, and one for each customer. The bank's own exist once.")
	order("open ISSUANCE for RBI", wire.Order{Kind: wire.OrderOpen, Account: "ISSUANCE", Owner: "RBI", As: wire.AccountIssuance})
	order("open SUSPENSE for RBI", wire.Order{Kind: wire.OrderOpen, Account: "SUSPENSE", Owner: "RBI", As: wire.AccountSuspense})
	order("open IN-DESK for India", wire.Order{Kind: wire.OrderOpen, Account: "IN-DESK", Owner: "India", As: wire.AccountDesk})
	order("open JP-DESK for Japan", wire.Order{Kind: wire.OrderOpen, Account: "JP-DESK", Owner: "Japan", As: wire.AccountDesk})
	order("open LP-DESK for the provider", wire.Order{Kind: wire.OrderOpen, Account: "LP-DESK", Owner: "Provider", As: wire.AccountProvider})
	order("open a second suspense account", wire.Order{Kind: wire.OrderOpen, Account: "SUSPENSE-2", Owner: "RBI", As: wire.AccountSuspense})

	s.tell("Tokens come into being. The order's key makes the second copy harmless, and another order under the same key is caught.")
	s.nowMS = 2_000
	first := wire.Order{Kind: wire.OrderIssue, Key: idOf("issue-1"), Account: "IN-DESK", Minor: 1_000}
	order("issue 1000 to IN-DESK", first)
	order("the same order again", first)
	first.Minor = 2_000
	order("issue 2000 under the same key", first)
	order("issue 500 to SUSPENSE", wire.Order{Kind: wire.OrderIssue, Account: "SUSPENSE", Minor: 500})
	s.balances()

	s.tell("A countersigned bill arrives, and then its correction: only the latest revision can be paid.")
	s.nowMS = 3_000
	one, two := billOf("fuel", 1), billOf("fuel", 2)
	entries, err := s.state.Admit(one, s.nowMS)
	do("record revision 1", entries, err)
	entries, err = s.state.Admit(two, s.nowMS)
	do("record revision 2", entries, err)
	entries, err = s.state.Admit(two, s.nowMS)
	do("record revision 2 again", entries, err)
	entries, err = s.state.Hold(pays("swap 1", 600, one.Hash()), s.nowMS)
	do("hold 600 for the bill's revision 1", entries, err)

	s.tell("Swap 1 holds 600 for the bill. What is held is no longer available; it is not yet anybody else's.")
	s.nowMS = 4_000
	entries, err = s.state.Hold(pays("swap 1", 600, two.Hash()), s.nowMS)
	do("hold 600 for revision 2", entries, err)
	s.balances()
	entries, err = s.state.Hold(pays("swap 2", 401), s.nowMS)
	do("hold 401 for swap 2", entries, err)
	entries, err = s.state.Transfer(pays("inside", 1, two.Hash()), s.nowMS)
	do("pay the same bill inside the ledger", entries, err)
	order("close JP-DESK, which awaits money", wire.Order{Kind: wire.OrderStatus, Account: "JP-DESK", Status: wire.StatusClosed})

	s.tell("Swap 1 is aborted: money and bill are free again. A hold settles once.")
	s.nowMS = 5_000
	entries, err = s.state.Void(hashOf("swap 1"), hashOf("abort"), s.nowMS)
	do("void swap 1", entries, err)
	entries, err = s.state.Post(hashOf("swap 1"), hashOf("commit"), "", s.nowMS)
	do("post swap 1", entries, err)
	s.balances()

	s.tell("Swap 3 holds the bill again and the operator freezes the payer. What was prepared is completed all the same; nothing new begins.")
	s.nowMS = 6_000
	entries, err = s.state.Hold(pays("swap 3", 600, two.Hash()), s.nowMS)
	do("hold 600 for swap 3", entries, err)
	order("freeze IN-DESK", wire.Order{Kind: wire.OrderStatus, Account: "IN-DESK", Status: wire.StatusFrozen})
	entries, err = s.state.Hold(pays("swap 4", 1), s.nowMS)
	do("hold 1 for swap 4", entries, err)
	entries, err = s.state.Post(hashOf("swap 3"), hashOf("commit"), "", s.nowMS)
	do("post swap 3", entries, err)
	entries, err = s.state.Admit(billOf("fuel", 3), s.nowMS)
	do("record revision 3 of the paid bill", entries, err)

	s.tell("Swap 5 is committed by this bank: 100 go to suspense, where nobody spends them, until the other bank holds the decision.\nMeanwhile the clock of the machine steps back; ledger time does not.")
	s.nowMS = 7_000
	onwards := Movement{Reference: hashOf("swap 5"), Postings: []wire.Posting{{Payer: "JP-DESK", Payee: "LP-DESK", Minor: 100}}}
	entries, err = s.state.Hold(onwards, s.nowMS)
	do("hold 100 for swap 5", entries, err)
	s.nowMS = 6_500
	entries, err = s.state.Post(onwards.Reference, hashOf("vote"), "SUSPENSE", s.nowMS)
	do("post swap 5 to suspense", entries, err)
	s.balances()
	order("redeem 100 from SUSPENSE", wire.Order{Kind: wire.OrderRedeem, Account: "SUSPENSE", Minor: 100})
	s.nowMS = 8_000
	entries, err = s.state.Release(onwards.Reference, hashOf("ack"), onwards.Postings, s.nowMS)
	do("release swap 5", entries, err)
	entries, err = s.state.Release(onwards.Reference, hashOf("ack"), onwards.Postings, s.nowMS)
	do("release swap 5 again", entries, err)

	s.tell("Japan redeems what it has and closes its account for good.")
	s.nowMS = 9_000
	order("redeem 501 from JP-DESK", wire.Order{Kind: wire.OrderRedeem, Account: "JP-DESK", Minor: 501})
	order("redeem 500 from JP-DESK", wire.Order{Kind: wire.OrderRedeem, Account: "JP-DESK", Minor: 500})
	order("close JP-DESK", wire.Order{Kind: wire.OrderStatus, Account: "JP-DESK", Status: wire.StatusClosed})
	order("open JP-DESK again", wire.Order{Kind: wire.OrderStatus, Account: "JP-DESK", Status: wire.StatusActive})
	s.balances()

	if got, want := dump(s.restored()), dump(s.state); got != want {
		t.Errorf("folded:\n%s\nwas:\n%s", got, want)
	}
	golden(t, "story.txt", s.text.String())
}
