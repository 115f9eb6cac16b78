package exercise

import (
	"fmt"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet/quorum"
)

// Event is one act of one person of one nation, as the nation signed it.
type Event struct {
	Exercise string           // the agreement's id
	Author   programme.Nation // who signed it
	Seq      uint64           // per author, from 1; numbers may be missing, since a desk sees only what is sealed to it
	Tick     uint64           // 1 above the highest tick the author had seen, which Log.Next gives: no clock, so that a wrong one disorders nothing
	AtMS     int64            // when it happened, in Unix milliseconds
	By       string           // the person, one of the author's desk
	Version  uint32           // the highest version of the agreement the author knows all have signed, 0 before the first
	Act      Act
}

// Act is what an event does. The closed list is the pointers to this package's act types.
type Act interface {
	// Kind gives the act's stable name.
	Kind() string
	fields(f *wire.Fields)
	cites() []wire.Hash // the events it rests on
	judge(s *State, e *Entry) error
	do(s *State, e *Entry) // what judge has allowed
	tell(s *State) string  // what the author did, as the rest of a sentence
}

// advised is an act that its own desk looks at more closely before it is signed than others do afterwards. What rests on nations that are no party of the
// act is judged here alone: a late word of theirs must not undo what its parties have signed.
type advised interface {
	advise(s *State, e *Entry) error
}

// Entry is an event in its place.
type Entry struct {
	Event
	Hash wire.Hash // of the event's bytes; what it lays down is named by it
}

// Person gives who acted.
func (e Event) Person() quorum.Person { return quorum.Person{Owner: string(e.Author), Name: e.By} }

// Date gives the civil day of the event's time, in UTC.
func (e Event) Date() programme.Date { return programme.DateAt(e.AtMS) }

// Limits of one event.
const (
	// MaxEventBytes bounds an event's encoding, so that a post carries it.
	MaxEventBytes = 3 << 20
	eventVersion  = 1
	maxTick       = 1 << 62
	maxAtMS       = 253_402_300_799_999 // the end of the year 9999
)

var acts = map[string]func() Act{}

// register lists an act's kind, so that it can be read.
func register[A any, P interface {
	*A
	Act
}]() {
	acts[P(new(A)).Kind()] = func() Act { return P(new(A)) }
}

func init() {
	register[Create]()
	register[Invite]()
	register[Amend]()
	register[Sign]()
	register[Count]()
	register[CloseDays]()
	register[Contest]()
	register[Propose]()
	register[Appeal]()
	register[Award]()
	register[Request]()
	register[Order]()
	register[Issue]()
	register[Receive]()
	register[Report]()
	register[Bill]()
	register[Pay]()
	register[Repay]()
	register[OfferCash]()
	register[Offset]()
}

// Bytes gives the event's canonical encoding, which its author signs. Refused: malformed, when a text or number is beyond its limit.
//
//	1 version of the encoding  2 exercise  3 author  4 sequence number  5 tick  6 time  7 person  8 version known  9 kind  10 act
func (e Event) Bytes() ([]byte, error) { return wire.EncodeFields(e.fields) }

// ParseEvent reads what Bytes gives and nothing else. Refusals: too_large, malformed. Whether it may be done, a State says.
func ParseEvent(b []byte) (Event, error) {
	var e Event
	err := wire.DecodeFields(b, MaxEventBytes, e.fields)
	return e, err
}

func (e *Event) fields(f *wire.Fields) {
	version, kind := uint16(eventVersion), ""
	var act []byte
	reading := e.Act == nil
	if !reading {
		kind = e.Act.Kind()
		var err error
		if act, err = wire.EncodeFields(e.Act.fields); err != nil {
			f.Refuse(10, refusalText(err))
			return
		}
	}
	f.U16(1, &version)
	f.Text(2, &e.Exercise, 64)
	f.Text(3, (*string)(&e.Author), 8)
	f.U64(4, &e.Seq)
	f.U64(5, &e.Tick)
	f.Count(6, &e.AtMS)
	f.Text(7, &e.By, 64)
	f.U32(8, &e.Version)
	f.Text(9, &kind, 16)
	f.Bytes(10, &act, MaxEventBytes)
	made, known := acts[kind]
	switch {
	case version != eventVersion:
		f.Refuse(1, "this event is of another version")
	case e.Seq == 0 || e.Tick == 0 || e.Tick > maxTick:
		f.Refuse(5, "numbers and ticks run from 1 to 2^62")
	case e.AtMS > maxAtMS:
		f.Refuse(6, "the time is after the year 9999")
	case e.By == "":
		f.Refuse(7, "nobody is named")
	case !known:
		f.Refuse(9, "the kind of act is unknown")
	case reading:
		e.Act = made()
		if err := wire.DecodeFields(act, MaxEventBytes, e.Act.fields); err != nil {
			f.Refuse(10, refusalText(err))
		}
	}
}

func refusalText(err error) string { return fmt.Sprintf("the act cannot be encoded: %v", err) }

// entry gives an event its name. Refused: malformed.
func (e Event) entry() (*Entry, error) {
	b, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	return &Entry{e, wire.AttachmentHash(b)}, nil
}

// hashField walks a hash that names an event or a line.
func hashField(f *wire.Fields, tag uint16, h *wire.Hash) { f.Fixed(tag, h[:]) }

// textFault refuses a free text that two people cannot read alike.
func textFault(what, text string, limit int) error {
	if why := programme.TextFault(text, limit); why != "" {
		return refusal.Newf(CodeActInvalid, "state it", "%s: %s", what, why)
	}
	return nil
}

// noteFault is textFault for a text that may be left out.
func noteFault(what, text string) error {
	if text == "" {
		return nil
	}
	return textFault(what, text, programme.MaxTextBytes)
}
