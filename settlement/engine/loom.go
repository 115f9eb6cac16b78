package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"runtime"
	"sync"

	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/zk/commit"
)

// loom makes the records of batch after batch: what Veil.Records gives, byte for byte, with what repeats from one to the next kept, and on several cores where
// a batch is large. It belongs to one goroutine.
type loom struct {
	veil  Veil
	tags  map[string]wire.Hash // of every account met: as many as there are
	hands []*hand
}

// blockLeast is how many entries are worth a goroutine of their own.
const blockLeast = 128

// loom prepares the veil's secrets for as many hands as there are cores.
func (v *Veil) loom() *loom {
	l := &loom{veil: *v, tags: map[string]wire.Hash{"": {}}}
	for range runtime.GOMAXPROCS(0) {
		l.hands = append(l.hands, &hand{blinder: commit.NewBlinder(v.Blinding), salt: hmac.New(sha256.New, v.Salt[:])})
	}
	return l
}

// String keeps secrets out of logs.
func (*loom) String() string { return "(loom)" }

// GoString keeps secrets out of logs.
func (*loom) GoString() string { return "(loom)" }

// records gives the entries with their canonical bytes and leaves.
func (l *loom) records(entries []ledger.Entry) ([]Record, error) {
	for i := range entries {
		for _, account := range []string{entries[i].Debit, entries[i].Credit} {
			if _, known := l.tags[account]; !known {
				l.tags[account] = l.veil.Tag(account)
			}
		}
	}
	records := make([]Record, len(entries))
	hands := max(1, min(len(l.hands), len(entries)/blockLeast))
	errs := make([]error, hands)
	var group sync.WaitGroup
	for i := 1; i < hands; i++ {
		from, to := len(entries)*i/hands, len(entries)*(i+1)/hands
		group.Go(func() { errs[i] = l.hands[i].weave(l, entries[from:to], records[from:to]) })
	}
	errs[0] = l.hands[0].weave(l, entries[:len(entries)/hands], records[:len(entries)/hands])
	group.Wait()
	return records, errors.Join(errs...)
}

// hand is what one goroutine at a time works with.
type hand struct {
	blinder *commit.Blinder
	salt    hash.Hash // HMAC under the salts' key
	text    []byte
	leaf    wire.Leaf
}

// recordRoom is about what the bytes of an entry and of its leaf take each.
const recordRoom = 448

// weave fills in the records of some entries. Amounts are committed to together.
func (h *hand) weave(l *loom, entries []ledger.Entry, records []Record) error {
	amounts, blindings := make([]uint64, 0, len(entries)), make([]commit.Scalar, 0, len(entries))
	room := make([]byte, 0, 2*recordRoom*len(entries))
	for i := range entries {
		e := &entries[i]
		from := len(room)
		var err error
		if room, err = e.AppendBytes(room); err != nil {
			return fmt.Errorf("encode entry %d: %w", e.Seq, err)
		}
		records[i] = Record{Entry: *e, Body: room[from:len(room):len(room)]}
		if e.Minor > 0 {
			amounts = append(amounts, uint64(e.Minor))
			blindings = append(blindings, h.blinding(e, records[i].Body))
		}
	}
	commitments, err := commit.CommitAmounts(amounts, blindings)
	if err != nil {
		return fmt.Errorf("commit to the amounts of %d entries: %w", len(amounts), err)
	}
	for i := range records {
		r := &records[i]
		var amount []byte
		if r.Entry.Minor > 0 {
			amount = commitments[0][:]
			commitments = commitments[1:]
		}
		h.leaf = leafOf(&r.Entry, l.tags[r.Entry.Debit], l.tags[r.Entry.Credit], amount, h.bodyOf(r.Entry.Seq, r.Body))
		from := len(room)
		if room, err = wire.TryAppend(room, &h.leaf); err != nil {
			return fmt.Errorf("encode the leaf of entry %d: %w", r.Entry.Seq, err)
		}
		r.Leaf = room[from:len(room):len(room)]
	}
	return nil
}

// blinding is Veil.BlindingOf for an entry with money.
func (h *hand) blinding(e *ledger.Entry, body []byte) commit.Scalar {
	if e.Blinding != [32]byte{} {
		return commit.Scalar(e.Blinding)
	}
	return h.blinder.Derive(blindingPurpose, [16]byte(e.Reference[:16]), 0, e.Part, body)
}

// bodyOf is Veil.BodyOf.
func (h *hand) bodyOf(seq int64, body []byte) wire.Hash {
	h.text = binary.BigEndian.AppendUint64(append(h.text[:0], saltLabel+"\n"...), uint64(seq))
	h.salt.Reset()
	h.salt.Write(h.text)
	h.text = h.salt.Sum(h.text[:0])
	return wire.BodyHash([32]byte(h.text), body)
}
