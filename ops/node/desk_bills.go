package node

import (
	"context"
	"crypto/sha256"
	"slices"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/zk/commit"
)

// BillState says how far a bill is at a desk.
type BillState string

// The states of a bill at a desk.
const (
	BillOffered       BillState = "offered"       // committed to and signed by the creditor
	BillCountersigned BillState = "countersigned" // signed by the debtor too
	BillRecorded      BillState = "recorded"      // a leaf of its bank's log
)

// DeskBill is a bill as one of its two desks knows it, openings included.
type DeskBill struct {
	Hash      wire.Hash
	Bill      wire.Bill
	Kind      programme.BillKind
	Reference string
	Total     money.Amount
	Items     []programme.BillItem
	State     BillState
	Proofs    [][]byte
	Seq       int64 // of its leaf, once recorded

	envelope wire.Envelope
	chunks   []chunkOpening
	blinding commit.Scalar // of the summed total commitments
	reviewed bool          // the debtor's desk has judged it
	proven   int           // chunks proven in this run, until all are
}

// Proven gives the bill as banks want to see it: countersigned, with the proofs that are there.
func (b *DeskBill) Proven() wire.ProvenBill {
	return wire.ProvenBill{Envelope: b.envelope, Proofs: slices.Clone(b.Proofs)}
}

// chunkOpening opens one chunk's commitments.
type chunkOpening struct {
	records [][]byte
	salts   []commit.Digest
	r, s    commit.Scalar
}

func (c *chunkOpening) fields(f *wire.Fields) {
	wire.List(f, 1, &c.records, 256, func(f *wire.Fields, b *[]byte) { f.Bytes(1, b, wire.LimitAttachment) })
	wire.List(f, 2, &c.salts, 256, func(f *wire.Fields, s *commit.Digest) { f.Fixed(1, s[:]) })
	f.Fixed(3, c.r[:])
	f.Fixed(4, c.s[:])
}

// offer is a bill on its way to its debtor: signed by the creditor, with every opening.
type offer struct {
	envelope  []byte
	kind      uint8
	reference string
	chunks    []chunkOpening

	id wire.ID // of the bill; not sent beside it
}

func (o *offer) fields(f *wire.Fields) {
	f.Bytes(1, &o.envelope, wire.LimitAttachment)
	f.U8(2, &o.kind)
	f.Text(3, &o.reference, 64)
	wire.List(f, 4, &o.chunks, 256, func(f *wire.Fields, c *chunkOpening) { c.fields(f) })
}

// Bills lists the bills this desk is part of, in the order in which they came.
func (d *Desk) Bills() []DeskBill {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]DeskBill, len(d.order))
	for i, h := range d.order {
		list[i] = *d.bills[h]
	}
	return list
}

// OfferBills commits to every bill this nation is owed and has not offered yet, and posts it to its debtor.
func (d *Desk) OfferBills(ctx context.Context) error {
	d.offering.Lock()
	defer d.offering.Unlock()
	d.mu.Lock()
	drafts, err := d.drafts()
	d.mu.Unlock()
	if err != nil {
		return err
	}
	for _, draft := range drafts {
		if string(draft.Creditor) != d.cfg.Nation || d.offered(draft) {
			continue
		}
		o, err := d.commit(draft)
		if err != nil {
			return err
		}
		body, err := wire.EncodeFields(o.fields)
		if err != nil {
			return err
		}
		if err := d.postOffer(ctx, o.id, body, string(draft.Debtor)); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) offered(draft programme.DraftBill) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.bills {
		if b.Kind == draft.Kind && b.Reference == draft.Reference && b.Bill.Creditor == string(draft.Creditor) && b.Bill.Debtor == string(draft.Debtor) {
			return true
		}
	}
	return false
}

// commit turns a draft into a bill: items into chunks, chunks into commitments, everything into the document both will sign.
func (d *Desk) commit(draft programme.DraftBill) (*offer, error) {
	member, _ := d.cfg.Trust.Member(string(draft.Creditor))
	id, err := randomID()
	if err != nil {
		return nil, err
	}
	nonce, err := randomHash()
	if err != nil {
		return nil, err
	}
	groups := slices.Collect(slices.Chunk(draft.Items, d.cfg.ChunkSize))
	bill := wire.Bill{
		Network: d.cfg.Trust.Network, ID: id, Revision: 1, Programme: d.programme, Creditor: string(draft.Creditor), Debtor: string(draft.Debtor),
		Ledger: member.Bank, Currency: draft.Currency.Code(), CreatedMS: d.cfg.Clock(), Nonce: nonce, ChunkSize: uint16(d.cfg.ChunkSize),
		Chunks: make([]wire.Chunk, len(groups)), // contexts name the number of chunks, so it stands before they are filled
	}
	o := &offer{id: id, kind: uint8(draft.Kind), reference: draft.Reference, chunks: make([]chunkOpening, len(groups))}
	for i, items := range groups {
		c := &o.chunks[i]
		for slot, item := range items {
			record := item.Bytes()
			c.records = append(c.records, record)
			c.salts = append(c.salts, commit.DeriveSalt(d.salts, id, bill.Revision, uint32(i), uint32(slot), record))
		}
		if err := d.blind(c, &bill, i); err != nil {
			return nil, err
		}
		_, public, err := openChunk(&bill, i, c)
		if err != nil {
			return nil, err
		}
		bill.Chunks[i] = wire.Chunk{Digest: public.D, Categories: public.C, Total: public.T}
	}
	payload, err := wire.TryEncode(&bill)
	if err != nil {
		return nil, err
	}
	envelope, err := d.nation.Sign(wire.TypeBill, payload)
	if err != nil {
		return nil, err
	}
	o.envelope = envelope.Bytes()
	return o, nil
}

// blind derives a chunk's blindings from this desk's secret and the values, so that they never repeat and need no storing.
func (d *Desk) blind(c *chunkOpening, bill *wire.Bill, chunk int) error {
	items, err := c.items()
	if err != nil {
		return err
	}
	sums, err := commit.SumItems(items)
	if err != nil {
		return err
	}
	total, err := sums.Total()
	if err != nil {
		return err
	}
	c.r = commit.DeriveBlinding(d.blinding, "sums", bill.ID, bill.Revision, uint32(chunk), sums.Bytes())
	c.s = commit.DeriveBlinding(d.blinding, "total", bill.ID, bill.Revision, uint32(chunk), commit.AmountBytes(total))
	return nil
}

// items gives the chunk's items as the commitments see them.
func (c *chunkOpening) items() ([]commit.Item, error) {
	if len(c.salts) != len(c.records) {
		return nil, refusal.Newf(CodeBillDiffers, "offer the bill again", "%d salts for %d items", len(c.salts), len(c.records))
	}
	items := make([]commit.Item, len(c.records))
	for i, record := range c.records {
		item, err := programme.ParseBillItem(record)
		if err != nil {
			return nil, err
		}
		items[i] = commit.Item{Amount: uint64(item.Amount.Minor()), Category: item.Category, Details: sha256.Sum256(record), Salt: c.salts[i]}
	}
	return items, nil
}

// openChunk recomputes one chunk's statement from its opening.
func openChunk(bill *wire.Bill, chunk int, c *chunkOpening) (commit.BillWitness, commit.BillPublic, error) {
	items, err := c.items()
	if err != nil {
		return commit.BillWitness{}, commit.BillPublic{}, err
	}
	w := commit.BillWitness{Context: commit.BillContext(*bill, chunk), Size: int(bill.ChunkSize), Items: items, R: c.r, S: c.s}
	public, err := w.Public()
	return w, public, err
}

// foldOffer takes a bill offered by its creditor, ours or another's. It is judged in review, once everything it rests on is there.
func (d *Desk) foldOffer(author string, body []byte) error {
	var o offer
	if err := wire.DecodeFields(body, limitEnvelope, o.fields); err != nil {
		return err
	}
	envelope, err := wire.ParseEnvelope(o.envelope, wire.LimitAttachment)
	if err != nil {
		return err
	}
	signers, err := envelope.Verify(wire.TypeBill, d.cfg.Trust)
	if err != nil {
		return err
	}
	bill, err := wire.ParseBill(envelope.Payload)
	if err != nil {
		return err
	}
	if len(signers) != 1 || signers[0].Owner != author || bill.Creditor != author {
		return refusal.Newf(programme.CodeWrongNation, "let the creditor offer its bill", "%s offered a bill of %s", author, bill.Creditor)
	}
	hash := bill.Hash()
	if d.bills[hash] != nil {
		return nil
	}
	b := &DeskBill{Hash: hash, Bill: bill, Kind: programme.BillKind(o.kind), Reference: o.reference, State: BillOffered, envelope: envelope, chunks: o.chunks}
	if err := b.readOpenings(); err != nil {
		return err
	}
	d.bills[hash] = b
	d.order = append(d.order, hash)
	return nil
}

// readOpenings checks that the openings are those of the bill's commitments, and adds them up.
func (b *DeskBill) readOpenings() error {
	currency, err := money.ParseCurrency(b.Bill.Currency)
	if err != nil {
		return err
	}
	if len(b.chunks) != len(b.Bill.Chunks) {
		return refusal.Newf(CodeBillDiffers, "offer the bill again", "openings of %d chunks for %d", len(b.chunks), len(b.Bill.Chunks))
	}
	b.Total = money.Zero(currency)
	blindings := make([]commit.Scalar, len(b.chunks))
	for i := range b.chunks {
		_, public, err := openChunk(&b.Bill, i, &b.chunks[i])
		if err != nil {
			return err
		}
		if (wire.Chunk{Digest: public.D, Categories: public.C, Total: public.T}) != b.Bill.Chunks[i] {
			return refusal.Newf(CodeBillDiffers, "offer the bill again", "the openings of chunk %d are not those of its commitments", i)
		}
		for _, record := range b.chunks[i].records {
			item, err := programme.ParseBillItem(record)
			if err != nil {
				return err
			}
			b.Items = append(b.Items, item)
			if b.Total, err = b.Total.Add(item.Amount); err != nil {
				return err
			}
		}
		blindings[i] = b.chunks[i].s
	}
	b.blinding, err = commit.AddScalars(blindings...)
	return err
}

// WaitBills waits until every bill this desk expects to be part of is there and has reached a state, or until it was sent something it refused.
func (d *Desk) WaitBills(ctx context.Context, state BillState) error {
	d.mu.Lock()
	drafts, err := d.drafts()
	d.mu.Unlock()
	if err != nil {
		return err
	}
	rank := map[BillState]int{BillOffered: 1, BillCountersigned: 2, BillRecorded: 3}
	return d.Wait(ctx, func() bool {
		if len(d.refused) > 0 {
			return true
		}
		reached := 0
		for _, b := range d.bills {
			if rank[b.State] >= rank[state] {
				reached++
			}
		}
		return reached >= len(drafts)
	})
}
