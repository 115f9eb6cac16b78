package ledger

import (
	"fmt"

	"entente/schema/wire"
)

// Entry is one fact of the ledger, in clear: the bank's own record. Its log leaf shows only commitments and tags of it.
// Fields a kind does not use are zero or empty.
type Entry struct {
	Seq       int64
	TimeMS    int64
	Kind      wire.LeafKind
	Debit     string
	Credit    string
	Minor     int64
	Reference wire.Hash // swap id, payment hash or bill hash
	Part      uint32    // place among the entries of one reference
	Bills     []wire.Hash
	Blinding  [32]byte // opening of the amount commitment if it is the bills' own, else zero
	Cause     wire.Hash
	Key       wire.ID // idempotency key of an order
	Owner     string  // open
	As        wire.AccountKind
	Status    wire.AccountStatus
	Programme wire.Hash // bill
	BillID    wire.ID
	Revision  uint32
	Creditor  string
	Debtor    string
	Chunks    []wire.Chunk

	// Appended after the first version: an entry that uses none of them has the bytes it always had.
	PerTransfer int64    // limit
	PerDay      int64    // limit
	Day         wire.Day // open-day, close-day
	Value       wire.Day // value date of a movement, 0 when it is the day of TimeMS in UTC
	ExpiresMS   int64    // hold
	Reverses    int64    // reversal: sequence number of the entry undone
	Reserve     string   // issue, redeem, reconcile: reference at the RTGS
}

const (
	limitEntry  = 64 << 10
	mostReserve = 35 // bytes of a reference at the RTGS, as ISO 20022 bounds them
)

func (e *Entry) fields(f *wire.Fields) {
	kind, as, status := uint8(e.Kind), uint8(e.As), uint8(e.Status)
	f.Count(1, &e.Seq)
	f.Count(2, &e.TimeMS)
	f.U8(3, &kind)
	f.Text(4, &e.Debit, 64)
	f.Text(5, &e.Credit, 64)
	f.Count(6, &e.Minor)
	f.Fixed(7, e.Reference[:])
	f.U32(8, &e.Part)
	wire.List(f, 9, &e.Bills, 256, func(f *wire.Fields, h *wire.Hash) { f.Fixed(1, h[:]) })
	f.Fixed(10, e.Blinding[:])
	f.Fixed(11, e.Cause[:])
	f.Fixed(12, e.Key[:])
	f.Text(13, &e.Owner, 64)
	f.U8(14, &as)
	f.U8(15, &status)
	f.Fixed(16, e.Programme[:])
	f.Fixed(17, e.BillID[:])
	f.U32(18, &e.Revision)
	f.Text(19, &e.Creditor, 64)
	f.Text(20, &e.Debtor, 64)
	wire.List(f, 21, &e.Chunks, 256, func(f *wire.Fields, c *wire.Chunk) {
		f.Fixed(1, c.Digest[:])
		f.Fixed(2, c.Categories[:])
		f.Fixed(3, c.Total[:])
	})
	f.Appended(e.appended, func(f *wire.Fields) {
		f.Count(22, &e.PerTransfer)
		f.Count(23, &e.PerDay)
		f.U32(24, (*uint32)(&e.Day))
		f.U32(25, (*uint32)(&e.Value))
		f.Count(26, &e.ExpiresMS)
		f.Count(27, &e.Reverses)
		f.Text(28, &e.Reserve, mostReserve)
	})
	e.Kind, e.As, e.Status = wire.LeafKind(kind), wire.AccountKind(as), wire.AccountStatus(status)
}

func (e *Entry) appended() bool {
	return e.PerTransfer != 0 || e.PerDay != 0 || e.Day != 0 || e.Value != 0 || e.ExpiresMS != 0 || e.Reverses != 0 || e.Reserve != ""
}

// ValueDay is the day from which a movement counts: its value date.
func (e *Entry) ValueDay() wire.Day {
	if e.Value != 0 {
		return e.Value
	}
	return wire.DayOf(e.TimeMS)
}

// Bytes gives the entry's canonical encoding, the body that its leaf's salted hash covers.
func (e *Entry) Bytes() ([]byte, error) { return e.AppendBytes(nil) }

// AppendBytes gives Bytes behind bytes that are there already, within their capacity where it is enough.
func (e *Entry) AppendBytes(b []byte) ([]byte, error) { return wire.AppendFields(b, e.fields) }

// ParseEntry reads an entry as the journal stores it.
func ParseEntry(b []byte) (Entry, error) {
	var e Entry
	err := wire.DecodeFields(b, limitEntry, e.fields)
	return e, err
}

// Hold gives the id of the hold that a hold, post or void entry is about.
func (e *Entry) Hold() HoldID { return HoldID{e.Reference, e.Part} }

// fieldSet says which fields of an entry are there.
type fieldSet uint32

const (
	hasDebit fieldSet = 1 << iota
	hasCredit
	hasMinor
	hasReference
	hasPart
	hasBills
	hasBlinding
	hasCause
	hasKey
	hasOwner
	hasAs
	hasStatus
	hasProgramme
	hasBillID
	hasRevision
	hasCreditor
	hasDebtor
	hasChunks
	hasLimits
	hasDay
	hasValue
	hasExpiry
	hasReverses
	hasReserve
)

// fieldRules says which fields an entry of a kind must have and which others it may have. Anything else in an entry was put there by somebody else.
var fieldRules = map[wire.LeafKind]struct{ must, may fieldSet }{
	wire.LeafOpen:     {hasCredit | hasKey | hasOwner | hasAs, hasCause},
	wire.LeafStatus:   {hasCredit | hasKey | hasStatus, hasCause},
	wire.LeafLimit:    {hasCredit | hasKey, hasCause | hasLimits},
	wire.LeafIssue:    {hasDebit | hasCredit | hasMinor | hasKey, hasCause | hasValue | hasReserve},
	wire.LeafRedeem:   {hasDebit | hasCredit | hasMinor | hasKey, hasCause | hasValue | hasReserve},
	wire.LeafTransfer: {hasDebit | hasCredit | hasMinor | hasReference, hasPart | hasBills | hasBlinding | hasCause | hasValue},
	wire.LeafHold:     {hasDebit | hasCredit | hasMinor | hasReference, hasPart | hasBills | hasBlinding | hasCause | hasKey | hasExpiry},
	wire.LeafPost:     {hasDebit | hasCredit | hasMinor | hasReference, hasPart | hasBills | hasBlinding | hasCause | hasKey | hasValue},
	wire.LeafVoid:     {hasDebit | hasCredit | hasMinor | hasReference, hasPart | hasBlinding | hasCause | hasKey},
	wire.LeafExpire:   {hasDebit | hasCredit | hasMinor | hasReference, 0},
	wire.LeafRelease:  {hasDebit | hasCredit | hasMinor | hasReference, hasPart | hasCause | hasValue},
	wire.LeafCover:    {hasDebit | hasCredit | hasMinor | hasReference, hasPart | hasBills | hasBlinding | hasCause | hasValue},
	wire.LeafReversal: {hasDebit | hasCredit | hasMinor | hasKey | hasReverses, hasReference | hasBills | hasCause | hasValue},
	wire.LeafBill:     {hasReference, hasProgramme | hasBillID | hasRevision | hasCreditor | hasDebtor | hasChunks},

	wire.LeafReconcile: {hasKey | hasReserve, hasMinor | hasCause},
	wire.LeafOpenDay:   {hasKey | hasDay, hasCause},
	wire.LeafCloseDay:  {hasKey | hasDay, hasCause},
	wire.LeafHalt:      {hasKey, hasCause},
	wire.LeafResume:    {hasKey, hasCause},
}

func (e *Entry) present() fieldSet {
	var set fieldSet
	for _, f := range []struct {
		field fieldSet
		there bool
	}{
		{hasDebit, e.Debit != ""}, {hasCredit, e.Credit != ""}, {hasMinor, e.Minor != 0}, {hasReference, !e.Reference.IsZero()}, {hasPart, e.Part != 0},
		{hasBills, len(e.Bills) != 0}, {hasBlinding, e.Blinding != [32]byte{}}, {hasCause, !e.Cause.IsZero()}, {hasKey, e.Key != wire.ID{}},
		{hasOwner, e.Owner != ""}, {hasAs, e.As != 0}, {hasStatus, e.Status != 0}, {hasProgramme, !e.Programme.IsZero()}, {hasBillID, e.BillID != wire.ID{}},
		{hasRevision, e.Revision != 0}, {hasCreditor, e.Creditor != ""}, {hasDebtor, e.Debtor != ""}, {hasChunks, len(e.Chunks) != 0},
		{hasLimits, e.PerTransfer != 0 || e.PerDay != 0}, {hasDay, e.Day != 0}, {hasValue, e.Value != 0}, {hasExpiry, e.ExpiresMS != 0},
		{hasReverses, e.Reverses != 0}, {hasReserve, e.Reserve != ""},
	} {
		if f.there {
			set |= f.field
		}
	}
	return set
}

// checkFields finds fields that the entry's kind does not use, or lacks. Bills and their opening belong to the first part alone.
func (e *Entry) checkFields() error {
	rule, known := fieldRules[e.Kind]
	set := e.present()
	switch {
	case !known:
		return fmt.Errorf("no such kind of entry: %d", e.Kind)
	case set&rule.must != rule.must || set&^(rule.must|rule.may) != 0:
		return fmt.Errorf("an entry of kind %s has fields it does not use, or lacks some", e.Kind)
	case set&hasValue != 0 && !e.Value.Valid(), set&hasDay != 0 && !e.Day.Valid():
		return fmt.Errorf("an entry of kind %s names a day that no calendar has", e.Kind)
	case e.Kind == wire.LeafHold && set&hasExpiry != 0 && set&hasKey == 0:
		return fmt.Errorf("a hold that no order made expires")
	case e.Part > 0 && set&(hasBills|hasBlinding) != 0:
		return fmt.Errorf("part %d of an entry of kind %s names bills", e.Part, e.Kind)
	}
	return nil
}
