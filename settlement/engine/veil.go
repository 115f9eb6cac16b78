package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/zk/commit"
)

// Veil turns entries into leaves: a bank's secrets for its log. They last as long as the log; whoever holds them can open all of it.
type Veil struct {
	Blinding commit.Secret // root of the blindings of amounts that are not bills' own
	Tags     [32]byte      // keys account tags
	Salt     [32]byte      // keys the salts of bodies
	Epoch    uint32        // of these secrets, part of every tag
}

const (
	blindingPurpose = "ledger"
	saltLabel       = "entente/entry salt/1"
)

// String keeps secrets out of logs.
func (Veil) String() string { return "(veil)" }

// GoString keeps secrets out of logs.
func (Veil) GoString() string { return "(veil)" }

// Tag is what the log shows of an account: HMAC-SHA256(tag key, id || 0x00 || epoch as uint32 big-endian), zero for no account.
func (v *Veil) Tag(account string) wire.Hash {
	if account == "" {
		return wire.Hash{}
	}
	mac := hmac.New(sha256.New, v.Tags[:])
	mac.Write(binary.BigEndian.AppendUint32(append([]byte(account), 0), v.Epoch))
	return wire.Hash(mac.Sum(nil))
}

// BlindingOf is the opening of an entry's amount commitment beside the amount: the bills' own where the entry carries it, else derived from the secret and
// the whole body, sequence number included, so that no two entries share one. It is zero for entries without money.
func (v *Veil) BlindingOf(e *ledger.Entry, body []byte) commit.Scalar {
	switch {
	case e.Minor == 0:
		return commit.Scalar{}
	case e.Blinding != [32]byte{}:
		return commit.Scalar(e.Blinding)
	}
	return commit.DeriveBlinding(v.Blinding, blindingPurpose, [16]byte(e.Reference[:16]), 0, e.Part, body)
}

// BodyOf is the salted hash of an entry's body, with the salt HMAC-SHA256(salt key, label || newline || seq as uint64 big-endian).
func (v *Veil) BodyOf(seq int64, body []byte) wire.Hash {
	mac := hmac.New(sha256.New, v.Salt[:])
	mac.Write(binary.BigEndian.AppendUint64([]byte(saltLabel+"\n"), uint64(seq)))
	return wire.BodyHash([32]byte(mac.Sum(nil)), body)
}

// Records gives the entries with their canonical bytes and leaves. An engine makes the same faster, batch after batch.
func (v *Veil) Records(entries []ledger.Entry) ([]Record, error) {
	records := make([]Record, len(entries))
	var (
		amounts   []uint64
		blindings []commit.Scalar
	)
	for i := range entries {
		e := &entries[i]
		body, err := e.Bytes()
		if err != nil {
			return nil, fmt.Errorf("encode entry %d: %w", e.Seq, err)
		}
		records[i] = Record{Entry: *e, Body: body}
		if e.Minor > 0 {
			amounts = append(amounts, uint64(e.Minor))
			blindings = append(blindings, v.BlindingOf(e, body))
		}
	}
	commitments, err := commit.CommitAmounts(amounts, blindings)
	if err != nil {
		return nil, fmt.Errorf("commit to the amounts of %d entries: %w", len(amounts), err)
	}
	for i := range records {
		var amount []byte
		if records[i].Entry.Minor > 0 {
			amount = append([]byte(nil), commitments[0][:]...)
			commitments = commitments[1:]
		}
		leaf := v.leaf(&records[i], amount)
		if records[i].Leaf, err = wire.TryEncode(&leaf); err != nil {
			return nil, fmt.Errorf("encode the leaf of entry %d: %w", leaf.Seq, err)
		}
	}
	return records, nil
}

// leaf is what the log shows of a record.
func (v *Veil) leaf(r *Record, amount []byte) wire.Leaf {
	return leafOf(&r.Entry, v.Tag(r.Entry.Debit), v.Tag(r.Entry.Credit), amount, v.BodyOf(r.Entry.Seq, r.Body))
}

func leafOf(e *ledger.Entry, debit, credit wire.Hash, amount []byte, body wire.Hash) wire.Leaf {
	return wire.Leaf{
		Kind: e.Kind, Seq: e.Seq, TimeMS: e.TimeMS, Debit: debit, Credit: credit, Amount: amount, Reference: e.Reference,
		Programme: e.Programme, Chunks: e.Chunks, Bills: e.Bills, Body: body,
	}
}

// check compares a stored leaf with the stored entry in everything but the amount's commitment.
func (v *Veil) check(r *Record) error {
	stored, err := wire.ParseLeaf(r.Leaf)
	if err != nil {
		return Broken(r.Entry.Seq, "the leaf is not readable: "+err.Error())
	}
	due := v.leaf(r, stored.Amount)
	if string(due.Bytes()) != string(r.Leaf) || (len(stored.Amount) > 0) != (r.Entry.Minor > 0) {
		return Broken(r.Entry.Seq, "leaf and entry do not belong together")
	}
	return nil
}
