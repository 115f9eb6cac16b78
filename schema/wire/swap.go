package wire

import (
	"entente/schema/refusal"
)

// Participant is a bank of a swap and the epoch it was in when the terms were written.
type Participant struct {
	Bank  string
	Epoch uint64
}

// Posting moves minor units between two accounts of one ledger.
type Posting struct {
	Payer string
	Payee string
	Minor int64
}

// Leg is what a swap does on one ledger.
type Leg struct {
	Bank     string
	Currency string
	Postings []Posting
}

// Terms are the whole of a swap, agreed before anything is held. The first bank is the initiator, the payer's central bank.
type Terms struct {
	Network     string
	Banks       []Participant
	Legs        []Leg
	UETR        ID
	Instruction Hash
	Quote       Hash
	Bills       []Hash
	Proofs      Hash // hash of the attached payment package (see Payment.Hash)
	Nonce       ID
	CreatedMS   int64
	VoteByMS    int64
	DecideByMS  int64
}

func (t *Terms) fields(f *Fields) {
	f.Text(1, &t.Network, maxName)
	List(f, 2, &t.Banks, maxBanks, func(f *Fields, p *Participant) {
		f.Text(1, &p.Bank, maxName)
		f.U64(2, &p.Epoch)
	})
	List(f, 3, &t.Legs, maxLegs, func(f *Fields, l *Leg) {
		f.Text(1, &l.Bank, maxName)
		f.Text(2, &l.Currency, 3)
		List(f, 3, &l.Postings, maxPostings, func(f *Fields, p *Posting) {
			f.Text(1, &p.Payer, maxName)
			f.Text(2, &p.Payee, maxName)
			f.Count(3, &p.Minor)
		})
	})
	f.Fixed(4, t.UETR[:])
	f.Fixed(5, t.Instruction[:])
	f.Fixed(6, t.Quote[:])
	hashList(f, 7, &t.Bills, maxBills)
	f.Fixed(8, t.Proofs[:])
	f.Fixed(9, t.Nonce[:])
	f.Count(10, &t.CreatedMS)
	f.Count(11, &t.VoteByMS)
	f.Count(12, &t.DecideByMS)
}

// Bytes gives the terms' canonical encoding.
func (t *Terms) Bytes() []byte { return Encode(t) }

// SwapID is SHA-256("swap/1/terms\n" || Terms).
func (t *Terms) SwapID() Hash { return labelled("swap/1/terms", t.Bytes()) }

// ParseTerms reads terms and checks what any bank can check alone.
// Refusals: malformed, amount_invalid, overflow, deadline_range.
func ParseTerms(b []byte) (Terms, error) {
	var t Terms
	if err := Decode(b, LimitMessage, &t); err != nil {
		return t, err
	}
	return t, t.Check()
}

// windowMostMS is the longest time a swap may be open before it is decided.
const windowMostMS = 30_000

// Check refuses terms that no bank could accept: fewer than two banks, a leg per bank missing or foreign, amounts that are not positive, sums that
// overflow, deadlines out of order.
func (t *Terms) Check() error {
	const do = "write new terms"
	if len(t.Banks) < 2 || len(t.Legs) != len(t.Banks) {
		return refusal.Newf(CodeMalformed, do, "a swap of %d banks with %d legs", len(t.Banks), len(t.Legs))
	}
	for i, l := range t.Legs {
		if l.Bank != t.Banks[i].Bank {
			return refusal.Newf(CodeMalformed, do, "leg %d is on the ledger of %q, bank %d is %q", i, l.Bank, i, t.Banks[i].Bank)
		}
		for _, other := range t.Legs[:i] {
			if other.Bank == l.Bank {
				return refusal.Newf(CodeMalformed, do, "two legs are on the ledger of %q", l.Bank)
			}
		}
		if len(l.Postings) == 0 {
			return refusal.Newf(CodeMalformed, do, "the leg on %q moves nothing", l.Bank)
		}
		if _, err := l.Sum(); err != nil {
			return err
		}
	}
	if !t.UETR.IsUUIDv4() {
		return refusal.Newf(CodeMalformed, do, "UETR %s is no version 4 UUID", t.UETR)
	}
	if t.CreatedMS >= t.VoteByMS || t.VoteByMS >= t.DecideByMS || t.DecideByMS-t.CreatedMS > windowMostMS {
		return refusal.Newf(CodeDeadlineRange, do, "created %d, vote by %d, decide by %d are not in order or more than %d ms apart", t.CreatedMS, t.VoteByMS, t.DecideByMS, windowMostMS)
	}
	return nil
}

// Sum adds the leg's postings. Refusals: amount_invalid, overflow.
func (l *Leg) Sum() (int64, error) {
	var sum int64
	for _, p := range l.Postings {
		if p.Minor <= 0 {
			return 0, refusal.Newf(CodeAmountInvalid, "use amounts above zero", "a posting of %d minor units on %q", p.Minor, l.Bank)
		}
		if p.Payer == p.Payee {
			return 0, refusal.Newf(CodeMalformed, "name two accounts", "a posting from %q to itself", p.Payer)
		}
		if sum+p.Minor < sum {
			return 0, refusal.Newf(CodeOverflow, "split the payment", "the postings on %q exceed 2^63-1 minor units", l.Bank)
		}
		sum += p.Minor
	}
	return sum, nil
}

// LegOf gives the leg on a bank's ledger.
func (t *Terms) LegOf(bank string) (Leg, bool) {
	for _, l := range t.Legs {
		if l.Bank == bank {
			return l, true
		}
	}
	return Leg{}, false
}

// Header opens every message of SWAP/1.
type Header struct {
	Network   string
	Swap      Hash
	Sender    string
	Recipient string
	Epoch     uint64 // sender's
	Seq       uint64 // sender's, per recipient, from 1
	Prev      Hash   // hash of the sender's previous message to this recipient, zero for the first
	TimeMS    int64  // advisory
}

func (h *Header) fields(f *Fields) {
	f.Text(1, &h.Network, maxName)
	f.Fixed(2, h.Swap[:])
	f.Text(3, &h.Sender, maxName)
	f.Text(4, &h.Recipient, maxName)
	f.U64(5, &h.Epoch)
	f.U64(6, &h.Seq)
	f.Fixed(7, h.Prev[:])
	f.Count(8, &h.TimeMS)
}

// Propose offers terms to a responder.
type Propose struct {
	Header
	Terms []byte // canonical terms; their hash is the swap id
}

func (m *Propose) fields(f *Fields) {
	m.Header.fields(f)
	f.Bytes(9, &m.Terms, LimitMessage)
}

// Vote is a responder's answer. It carries the terms, so that even an initiator that forgot the swap can answer it.
type Vote struct {
	Header
	Terms    []byte
	Prepared bool
	Code     string // why refused, empty when prepared
}

func (m *Vote) fields(f *Fields) {
	m.Header.fields(f)
	f.Bytes(9, &m.Terms, LimitMessage)
	f.Bool(10, &m.Prepared)
	f.Text(11, &m.Code, maxName)
}

// Decision is the initiator's word: commit, naming the exact votes, or abort with a reason.
type Decision struct {
	Header
	Commit bool
	Votes  []Hash // payload hashes of the prepared votes, in the order of the terms' responders
	Reason string // why aborted, empty on commit

	// Appended after the first version: an abort carries the terms, so that a responder that does not know the swap sees who may abort it.
	Terms []byte
}

func (m *Decision) fields(f *Fields) {
	m.Header.fields(f)
	f.Bool(9, &m.Commit)
	hashList(f, 10, &m.Votes, maxBanks)
	f.Text(11, &m.Reason, maxReason)
	f.Appended(func() bool { return len(m.Terms) > 0 }, func(f *Fields) { f.Bytes(12, &m.Terms, LimitMessage) })
}

// DecisionAck tells the initiator that the decision is durable at the responder, and where.
type DecisionAck struct {
	Header
	Decision Hash
	Journal  int64 // sequence number of the entry that carried it out, or the log size when there was nothing to move
}

func (m *DecisionAck) fields(f *Fields) {
	m.Header.fields(f)
	f.Fixed(9, m.Decision[:])
	f.Count(10, &m.Journal)
}

// SwapMessage is one of the six messages.
type SwapMessage interface {
	Document
	Head() *Header
	PayloadType() PayloadType
}

// Head gives the common header.
func (h *Header) Head() *Header { return h }

// PayloadType gives the DSSE type under which the message is signed.
func (*Propose) PayloadType() PayloadType { return TypePropose }

// PayloadType gives the DSSE type under which the message is signed.
func (*Vote) PayloadType() PayloadType { return TypeVote }

// PayloadType gives the DSSE type under which the message is signed.
func (*Decision) PayloadType() PayloadType { return TypeDecision }

// PayloadType gives the DSSE type under which the message is signed.
func (*DecisionAck) PayloadType() PayloadType { return TypeDecisionAck }

// ParseSwapMessage reads the payload of a verified envelope of SWAP/1. Refusals: too_large, sig_invalid for another type, malformed.
func ParseSwapMessage(t PayloadType, payload []byte) (SwapMessage, error) {
	var m SwapMessage
	switch t {
	case TypePropose:
		m = new(Propose)
	case TypeVote:
		m = new(Vote)
	case TypeDecision:
		m = new(Decision)
	case TypeDecisionAck:
		m = new(DecisionAck)
	case TypeHello:
		m = new(Hello)
	case TypeHelloReply:
		m = new(HelloReply)
	default:
		return nil, refusal.Newf(CodeSigInvalid, "send messages of SWAP/1", "a document of type %q is no swap message", t)
	}
	if err := Decode(payload, LimitMessage, m); err != nil {
		return nil, err
	}
	return m, nil
}

// Batch is many signed messages, and the documents they name by hash, in one carrier message.
type Batch struct {
	Messages    []Envelope
	Attachments [][]byte
}

func (b *Batch) fields(f *Fields) {
	List(f, 1, &b.Messages, 4096, func(f *Fields, e *Envelope) { e.fields(f) })
	blobList(f, 2, &b.Attachments, 4096, LimitEnclosed)
}

// Bytes gives the batch's encoding.
func (b *Batch) Bytes() []byte { return Encode(b) }

// ParseBatch reads a batch of at most 512 KiB. The messages in it are not verified.
func ParseBatch(b []byte) (Batch, error) {
	var batch Batch
	err := Decode(b, LimitBatch, &batch)
	return batch, err
}
