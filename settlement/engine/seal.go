package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"entente/schema/wire"
	"entente/settlement/swap"
)

// Seal is HMAC-SHA256 under a key that only the bank has: whoever can write its tables cannot make one.
type Seal [32]byte

// Sums are kept over rows: their seals, added up. Nobody sees a row's seal or a sum in clear, so that rows cannot be exchanged for others of the same sum; a row
// that is there twice counts twice.
type Sums struct {
	Live Seal // swaps with their banks, epochs, and channels, as they are
	Past Seal // messages, what was answered, stages, decisions, notes
}

// add adds, as numbers of 256 bits whose overflow is lost.
func (s *Seal) add(o Seal) {
	carry := uint16(0)
	for i := len(s) - 1; i >= 0; i-- {
		carry += uint16(s[i]) + uint16(o[i])
		s[i], carry = byte(carry), carry>>8
	}
}

// sub takes away what was added.
func (s *Seal) sub(o Seal) {
	borrow := int16(0)
	for i := len(s) - 1; i >= 0; i-- {
		d := int16(s[i]) - int16(o[i]) - borrow
		s[i], borrow = byte(d), 0
		if d < 0 {
			borrow = 1
		}
	}
}

// Notary seals what the log does not show: batches, the documents they came with, messages, swaps. The log's leaves and their salted hashes hold the rest.
// Each seal covers the one before, so that what was stored can be neither changed nor cut out without its key.
type Notary struct {
	key  [32]byte
	last Seal // of the last batch
	sums Sums // after it
	rows map[string]Seal
}

const notaryLabel = "entente/seal/1"

// Notary begins a chain of seals, before the first batch.
func (v *Veil) Notary() *Notary {
	mac := hmac.New(sha256.New, v.Salt[:])
	mac.Write([]byte(notaryLabel))
	return &Notary{key: [32]byte(mac.Sum(nil)), rows: map[string]Seal{}}
}

// String keeps the key out of logs.
func (*Notary) String() string { return "(notary)" }

// GoString keeps the key out of logs.
func (*Notary) GoString() string { return "(notary)" }

// of seals fields of a kind. Each stands behind its length.
func (n *Notary) of(kind string, fields ...[]byte) Seal {
	mac := hmac.New(sha256.New, n.key[:])
	var length [8]byte
	put := func(b []byte) {
		binary.BigEndian.PutUint64(length[:], uint64(len(b)))
		mac.Write(length[:])
		mac.Write(b)
	}
	put([]byte(kind))
	for _, f := range fields {
		put(f)
	}
	return Seal(mac.Sum(nil))
}

// number gives integers as bytes.
func number(values ...int64) []byte {
	b := make([]byte, 0, 8*len(values))
	for _, v := range values {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	return b
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// seal completes a batch that is otherwise ready.
func (n *Notary) seal(b *Batch) {
	for i := range b.Evidence {
		d := &b.Evidence[i]
		d.Seal = n.document(d.Kind, d.Hash, d.Bytes)
		name := n.name(d.Kind, d.Hash)
		b.Docs = append(b.Docs, name[:]...)
	}
	for i := range b.Swaps {
		n.replace("swap "+string(b.Swaps[i].ID[:]), n.swap(&b.Swaps[i]))
	}
	for i := range b.Tenures {
		n.replace("tenure "+string(number(int64(b.Tenures[i].Epoch))), n.tenure(&b.Tenures[i]))
	}
	for i := range b.Channels {
		n.replace("channel "+b.Channels[i].Peer, n.channel(&b.Channels[i]))
	}
	for _, s := range b.pastSeals(n) {
		n.sums.Past.add(s)
	}
	b.Sums = n.mask(b.ID, n.sums)
	n.last = n.batch(n.last, &BatchRow{ID: b.ID, Term: b.Term, AtMS: b.AtMS, Docs: b.Docs, Checkpoint: b.Checkpoint}, n.sums)
	b.Seal = n.last
}

// pastSeals seals what a batch adds to the past.
func (b *Batch) pastSeals(n *Notary) []Seal {
	var all []Seal
	for i := range b.Messages {
		o := &b.Messages[i]
		row := MessageRow{Key: o.Key, Seq: int64(o.Seq), Hash: o.Hash, Envelope: o.Envelope, Resend: o.Resend}
		if len(o.Attachment) > 0 {
			row.Attachment = wire.AttachmentHash(o.Attachment)
		}
		all = append(all, n.message(&row))
		if o.Done {
			all = append(all, n.answered(o.Key))
		}
	}
	for _, key := range b.Done {
		all = append(all, n.answered(key))
	}
	for i := range b.Stages {
		all = append(all, n.stage(&b.Stages[i], b.ID))
	}
	for i := range b.Decisions {
		all = append(all, n.decision(&b.Decisions[i], b.ID))
	}
	for i := range b.Notes {
		all = append(all, n.note(&b.Notes[i], b.ID, int64(i)))
	}
	return all
}

// replace exchanges a live row's seal in the sum.
func (n *Notary) replace(row string, now Seal) {
	n.sums.Live.sub(n.rows[row])
	n.sums.Live.add(now)
	n.rows[row] = now
}

// know takes in a live row that is stored already, and gives its seal.
func (n *Notary) know(row string, now Seal) Seal {
	n.rows[row] = now
	return now
}

// mask hides sums: with them in clear, seals of single rows could be told.
func (n *Notary) mask(batch int64, s Sums) Sums {
	s.Live.add(n.of("live sum", number(batch)))
	s.Past.add(n.of("past sum", number(batch)))
	return s
}

// show undoes mask.
func (n *Notary) show(batch int64, s Sums) Sums {
	s.Live.sub(n.of("live sum", number(batch)))
	s.Past.sub(n.of("past sum", number(batch)))
	return s
}

func (n *Notary) batch(before Seal, b *BatchRow, s Sums) Seal {
	var size int64
	var root, note []byte
	if b.Checkpoint != nil {
		size, root, note = b.Checkpoint.Size, b.Checkpoint.Root[:], b.Checkpoint.Note
	}
	return n.of("batch", before[:], number(b.ID, b.Term, b.AtMS, size), root, note, b.Docs, s.Live[:], s.Past[:])
}

func (n *Notary) document(kind string, hash wire.Hash, bytes []byte) Seal {
	return n.of("document", []byte(kind), hash[:], bytes)
}

func (n *Notary) name(kind string, hash wire.Hash) Seal {
	return n.of("document name", []byte(kind), hash[:])
}

func (n *Notary) swap(s *swap.Swap) Seal {
	fields := [][]byte{s.ID[:], number(int64(s.Role), int64(s.State), s.SinceMS, s.CreatedMS), nil, nil, s.Quote[:], s.Decision[:], []byte(s.Reason)}
	if len(s.Terms.Banks) > 0 {
		fields[2] = s.Terms.Bytes()
	}
	if len(s.Authority) > 0 {
		h := wire.AttachmentHash(s.Authority)
		fields[3] = h[:]
	}
	for i := range s.Peers {
		p := &s.Peers[i]
		fields = append(fields, []byte(p.Bank), p.Vote[:], p.Decision[:], number(truth(p.Prepared), truth(p.Acked)))
		// What was kept before banks had epochs is sealed as it was.
		if !p.Proposal.IsZero() || !p.Again.IsZero() || p.Epoch > 1 || p.Heard != (swap.Place{}) {
			fields = append(fields, p.Proposal[:], p.Again[:], number(int64(p.Epoch), int64(p.Heard.Epoch), int64(p.Heard.Seq)))
		}
	}
	return n.of("swap", fields...)
}

func (n *Notary) tenure(t *swap.Tenure) Seal {
	return n.of("tenure", number(int64(t.Epoch), t.AtMS), t.Opening[:], t.Cause[:])
}

func (n *Notary) channel(c *swap.Channel) Seal {
	fields := [][]byte{[]byte(c.Peer), number(int64(c.PeerEpoch), int64(c.Floor), int64(c.Seq), int64(c.Heard)), c.Last[:]}
	if c.Epoch != 1 || c.HeardEpoch != 1 || c.Fenced || c.Stopped || c.Opening != (wire.ID{}) {
		fields = append(fields, number(int64(c.Epoch), int64(c.HeardEpoch), truth(c.Fenced), truth(c.Stopped)), c.Opening[:])
	}
	return n.of("channel", fields...)
}

func (n *Notary) message(m *MessageRow) Seal {
	return n.of("message", m.Key.Swap[:], []byte(m.Key.Recipient), []byte(m.Key.Type), inEpoch(m.Key.Epoch, m.Seq, truth(m.Resend)), m.Hash[:], m.Envelope, m.Attachment[:])
}

func (n *Notary) answered(key swap.MessageKey) Seal {
	fields := [][]byte{key.Swap[:], []byte(key.Recipient), []byte(key.Type)}
	if key.Epoch > 1 {
		fields = append(fields, number(int64(key.Epoch)))
	}
	return n.of("answered", fields...)
}

// inEpoch gives integers, and the epoch behind them if it is not the first.
func inEpoch(epoch uint64, values ...int64) []byte {
	if epoch > 1 {
		values = append(values, int64(epoch))
	}
	return number(values...)
}

func (n *Notary) stage(s *Stage, batch int64) Seal {
	return n.of("stage", s.Swap[:], number(int64(s.State), s.AtMS, batch), []byte(s.Reason))
}

func (n *Notary) decision(d *Decision, batch int64) Seal {
	return n.of("decision", d.Swap[:], number(truth(d.Commit), batch), d.Hash[:])
}

func (n *Notary) note(m *swap.Note, batch, place int64) Seal {
	return n.of("note", number(batch, place, m.AtMS), []byte(m.Kind), []byte(m.Code), []byte(m.Text), m.About[:])
}

// resume takes the chain up where a store left it, and checks that the last seal and the live rows it covers are what they were.
func (n *Notary) resume(h *Head, size int64, live Seal) error {
	if h.Batch == 0 {
		return nil
	}
	sums := n.show(h.Batch, h.Last.Sums)
	if n.batch(h.Before, &h.Last, sums) != h.Last.Seal {
		return Broken(size, fmt.Sprintf("the seal of batch %d, the last one, is not over what is stored of it", h.Batch))
	}
	if sums.Live != live {
		return Broken(size, "the stored swaps and channels are not those of the last batch")
	}
	n.last, n.sums = h.Last.Seal, sums
	return nil
}
