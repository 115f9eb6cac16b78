package ledger

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// journal is a ledger with an entry of every kind, in several parts where a kind allows them.
func journal(t *testing.T) *book {
	b := opened(t)
	b.bill("paid", 1)
	held := b.bill("held", 1)
	kept := b.bill("kept", 1)
	paid := billOf("paid", 1)
	b.nowMS++
	b.apply(b.state.Transfer(pays("inside", 10, paid.Hash()), b.nowMS))
	swap := pays("swap", 20, held)
	swap.Postings = append(swap.Postings, wire.Posting{Payer: "IN-DESK", Payee: "LP-DESK", Minor: 30})
	b.apply(b.state.Hold(swap, b.nowMS))
	b.apply(b.state.Hold(pays("aborted", 5, kept), b.nowMS))
	b.apply(b.state.Hold(pays("direct", 7), b.nowMS))
	b.nowMS++
	b.apply(b.state.Post(swap.Reference, hashOf("vote"), "SUSPENSE", b.nowMS))
	b.apply(b.state.Void(hashOf("aborted"), hashOf("abort"), b.nowMS))
	b.apply(b.state.Post(hashOf("direct"), hashOf("decision"), "", b.nowMS))
	b.apply(b.state.Release(swap.Reference, hashOf("ack"), swap.Postings, b.nowMS))
	b.supply(wire.OrderRedeem, "IN-DESK", 3)
	b.operated()
	b.status("JP-DESK", wire.StatusFrozen)
	return b
}

// operated adds what operators do beside opening accounts and minding the supply.
func (b *book) operated() {
	b.order(wire.Order{Kind: wire.OrderLimit, Account: "IN-DESK", PerTransfer: 500, PerDay: 900})
	b.order(wire.Order{Kind: wire.OrderReconcile, Minor: b.state.Supply(), Reserve: "STATEMENT-1"})
	b.order(wire.Order{Kind: wire.OrderOpenDay, Day: 19700101})
	b.order(wire.Order{Kind: wire.OrderCloseDay, Day: 19700101})
	b.nowMS++
	b.order(wire.Order{Kind: wire.OrderOpenDay, Day: 19700102})
	b.order(wire.Order{Kind: wire.OrderHalt})
	b.order(wire.Order{Kind: wire.OrderResume})
	undone := b.apply(b.state.Transfer(pays("mistake", 11, b.bill("unpaid", 1)), b.nowMS))[0]
	b.order(wire.Order{Kind: wire.OrderReverse, Entry: undone.Seq})
	b.order(wire.Order{Kind: wire.OrderIssue, Account: "LP-DESK", Minor: 12, Reserve: "RTGS-12", Value: 19691225})
	b.order(wire.Order{Kind: wire.OrderReverse, Entry: b.state.Size() - 1, Value: 19691225})
	lasts := b.sets(13, 0)
	b.order(wire.Order{Kind: wire.OrderPost, Hold: lasts})
	b.order(wire.Order{Kind: wire.OrderVoid, Hold: b.sets(14, 0)})
	b.sets(15, b.nowMS+1)
	b.sets(16, b.nowMS+100)
	b.nowMS++
	b.apply(b.state.Expire(b.nowMS), nil)
}

// sets sets money of IN-DESK aside for JP-DESK by an order, and gives the order's hash.
func (b *book) sets(minor, expiresMS int64) wire.Hash {
	b.t.Helper()
	held := b.order(wire.Order{Kind: wire.OrderHold, Account: "IN-DESK", Payee: "JP-DESK", Minor: minor, ExpiresMS: expiresMS})
	return held[0].Reference
}

func TestFoldingTheStoredEntriesGivesTheSameState(t *testing.T) {
	b := journal(t)
	kinds := map[wire.LeafKind]bool{}
	for _, e := range b.entries {
		kinds[e.Kind] = true
	}
	if len(kinds) != int(wire.LeafResume) {
		t.Fatalf("the journal has %d kinds of entries, want all %d", len(kinds), wire.LeafResume)
	}
	if got, want := dump(b.restored()), dump(b.state); got != want {
		t.Errorf("folded:\n%s\nwas:\n%s", got, want)
	}
}

// alterations gives for each field a value that is another one, as whoever edits a stored row might write it.
var alterations = map[string]func(*Entry){
	"Seq":       func(e *Entry) { e.Seq++ },
	"TimeMS":    func(e *Entry) { e.TimeMS-- },
	"Kind":      func(e *Entry) { e.Kind = e.Kind%wire.LeafResume + 1 },
	"Debit":     func(e *Entry) { e.Debit = another(e.Debit, "LP-DESK") },
	"Credit":    func(e *Entry) { e.Credit = another(e.Credit, "LP-DESK") },
	"Minor":     func(e *Entry) { e.Minor++ },
	"Reference": func(e *Entry) { e.Reference[31]++ },
	"Part":      func(e *Entry) { e.Part++ },
	"Bills":     func(e *Entry) { e.Bills = append(slices.Clone(e.Bills), hashOf("no bill")) },
	"Blinding":  func(e *Entry) { e.Blinding[31]++ },
	"Cause":     func(e *Entry) { e.Cause[31]++ },
	"Key":       func(e *Entry) { e.Key[15]++ },
	"Owner":     func(e *Entry) { e.Owner += "n" },
	"As":        func(e *Entry) { e.As = e.As%4 + 1 },
	"Status":    func(e *Entry) { e.Status = e.Status%3 + 1 },
	"Programme": func(e *Entry) { e.Programme[31]++ },
	"BillID":    func(e *Entry) { e.BillID[15]++ },
	"Revision":  func(e *Entry) { e.Revision++ },
	"Creditor":  func(e *Entry) { e.Creditor += "n" },
	"Debtor":    func(e *Entry) { e.Debtor += "n" },
	"Chunks":    func(e *Entry) { e.Chunks = append(slices.Clone(e.Chunks), wire.Chunk{}) },

	"PerTransfer": func(e *Entry) { e.PerTransfer++ },
	"PerDay":      func(e *Entry) { e.PerDay++ },
	"Day":         func(e *Entry) { e.Day++ },
	"Value":       func(e *Entry) { e.Value = max(e.Value, 19691220) + 1 },
	"ExpiresMS":   func(e *Entry) { e.ExpiresMS++ },
	"Reverses":    func(e *Entry) { e.Reverses++ },
	"Reserve":     func(e *Entry) { e.Reserve += "X" },
}

func another(have, other string) string {
	if have == other {
		return "JP-DESK"
	}
	return other
}

// onlyLogged are fields that neither a guard nor the state knows: the leaf's hash over the body is what holds them.
func onlyLogged(field string, e Entry) bool {
	if field == "Value" { // when a movement counts is for statements
		return true
	}
	if e.Key != (wire.ID{}) && e.Kind != wire.LeafReconcile {
		return field == "TimeMS" // of an order, the state keeps the hash beside its key
	}
	switch e.Kind {
	case wire.LeafTransfer: // the state keeps when it was paid
		return field == "Cause" || field == "Blinding"
	case wire.LeafHold, wire.LeafPost, wire.LeafVoid, wire.LeafRelease:
		return field == "Cause" || field == "TimeMS"
	case wire.LeafReconcile:
		return false
	}
	return field == "TimeMS"
}

func TestNoFieldOfAJournalChangesUnnoticed(t *testing.T) {
	b := journal(t)
	if fields := reflect.TypeOf(Entry{}).NumField(); fields != len(alterations) {
		t.Fatalf("an entry has %d fields, %d are altered here", fields, len(alterations))
	}
	want := dump(b.state)
	refusedAtOnce := 0
	for at := range b.entries {
		for field, alter := range alterations {
			entries := slices.Clone(b.entries)
			alter(&entries[at])
			s, err := fold(entries)
			switch {
			case err != nil && !strings.HasPrefix(err.Error(), "journal_broken at seq "):
				t.Errorf("%s of entry %d (%s): %v", field, at, b.entries[at].Kind, err)
			case err != nil:
				refusedAtOnce++
				if code := refusal.CodeOf(err); code != "" {
					t.Errorf("%s of entry %d: a broken journal is no refusal, this is %q", field, at, code)
				}
			case onlyLogged(field, b.entries[at]) != (dump(s) == want):
				t.Errorf("%s of entry %d (%s) was changed: the state is the same: %v", field, at, b.entries[at].Kind, dump(s) == want)
			}
		}
	}
	t.Logf("%d of %d alterations do not fold; the others leave another state or a field that only the log's leaf holds", refusedAtOnce, len(b.entries)*len(alterations))
}

func fold(entries []Entry) (*State, error) {
	s := NewState("RBI", "INR")
	for _, e := range entries {
		if err := s.Apply(e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func TestAJournalWithAnEntryMissingRepeatedOrMovedDoesNotFold(t *testing.T) {
	b := journal(t)
	for at := range b.entries[:len(b.entries)-1] {
		for name, entries := range map[string][]Entry{
			"missing":  slices.Concat(b.entries[:at], b.entries[at+1:]),
			"repeated": slices.Concat(b.entries[:at+1], b.entries[at:]),
			"moved":    slices.Concat(b.entries[:at], []Entry{b.entries[at+1], b.entries[at]}, b.entries[at+2:]),
		} {
			if _, err := fold(entries); err == nil {
				t.Errorf("entry %d %s: the journal folds", at, name)
			}
			for i := range entries {
				entries[i].Seq = int64(i)
			}
			if s, err := fold(entries); err == nil && name != "moved" && dump(s) == dump(b.state) {
				t.Errorf("entry %d %s and all renumbered: the same state", at, name)
			}
		}
	}
}

func TestAHoldDoesNotFoldWhileItsMoneyIsInSuspense(t *testing.T) {
	b := opened(t)
	hold := b.apply(b.state.Hold(pays("swap", 1), b.nowMS))[0]
	b.apply(b.state.Post(hold.Reference, hashOf("vote"), "SUSPENSE", b.nowMS))
	hold.Seq = b.state.Size()
	if b.state.Apply(hold) == nil {
		t.Error("a second hold under the same id folds, and its release would be the first one's")
	}
}

func TestAnEntryThatDoesNotFoldLeavesTheStateAsItWas(t *testing.T) {
	b := journal(t)
	for at := range b.entries {
		s, err := fold(b.entries[:at])
		if err != nil {
			t.Fatal(err)
		}
		before := dump(s)
		for field, alter := range alterations {
			e := b.entries[at]
			alter(&e)
			if err := s.Apply(e); err == nil {
				if s, err = fold(b.entries[:at]); err != nil {
					t.Fatal(err)
				}
			} else if dump(s) != before {
				t.Fatalf("%s of entry %d was refused and changed the state:\n%s\nwas\n%s", field, at, dump(s), before)
			}
		}
	}
}

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	text := rapid.StringMatching(`[A-Z0-9.-]{0,64}`)
	hash := rapid.Custom(func(t *rapid.T) wire.Hash { return wire.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "bytes")) })
	id := rapid.Custom(func(t *rapid.T) wire.ID { return wire.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes")) })
	count := rapid.Int64Range(0, math.MaxInt64)
	rapid.Check(t, func(t *rapid.T) {
		e := Entry{
			Seq: count.Draw(t, "seq"), TimeMS: count.Draw(t, "time"), Kind: wire.LeafKind(rapid.Byte().Draw(t, "kind")), Debit: text.Draw(t, "debit"),
			Credit: text.Draw(t, "credit"), Minor: count.Draw(t, "minor"), Reference: hash.Draw(t, "reference"), Part: rapid.Uint32().Draw(t, "part"),
			Blinding: hash.Draw(t, "blinding"), Cause: hash.Draw(t, "cause"), Key: id.Draw(t, "key"),
			Owner: text.Draw(t, "owner"), As: wire.AccountKind(rapid.Byte().Draw(t, "as")), Status: wire.AccountStatus(rapid.Byte().Draw(t, "status")),
			Programme: hash.Draw(t, "programme"), BillID: id.Draw(t, "bill"), Revision: rapid.Uint32().Draw(t, "revision"), Creditor: text.Draw(t, "creditor"),
			Debtor: text.Draw(t, "debtor"),
		}
		if rapid.Bool().Draw(t, "appended") {
			e.PerTransfer, e.PerDay, e.ExpiresMS, e.Reverses = count.Draw(t, "per transfer"), count.Draw(t, "per day"), count.Draw(t, "expires"), count.Draw(t, "reverses")
			e.Day, e.Value, e.Reserve = wire.Day(rapid.Uint32().Draw(t, "day")), wire.Day(rapid.Uint32().Draw(t, "value")), rapid.StringMatching(`[A-Z0-9]{0,35}`).Draw(t, "reserve")
		}
		for range rapid.IntRange(0, 3).Draw(t, "bills") {
			e.Bills = append(e.Bills, hash.Draw(t, "discharged"))
		}
		for range rapid.IntRange(0, 3).Draw(t, "chunks") {
			e.Chunks = append(e.Chunks, wire.Chunk{Digest: hash.Draw(t, "digest"), Total: [64]byte{1, 2, 3}})
		}
		bytes, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseEntry(bytes)
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Fatalf("wrote %+v, read %+v, %v", e, got, err)
		}
		at := rapid.IntRange(0, len(bytes)-1).Draw(t, "at")
		bytes[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if got, err = ParseEntry(bytes); err == nil && reflect.DeepEqual(got, e) {
			t.Fatalf("byte %d was changed and nothing noticed", at)
		}
	})
}
