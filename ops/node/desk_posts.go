package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet/sealed"
)

// Kinds of posts between members.
const (
	postCount     = "count"            // a nation's own count
	postReceipts  = "receipts"         // what the receiver of an equipment case signed for
	postBill      = "bill"             // a bill offered to its debtor, with every opening
	postCounter   = "countersignature" // the debtor's signature of a bill
	postRecorded  = "recorded"         // the bill is in the log of its bank
	limitEnvelope = 5 << 20
)

// straysKept bounds what a desk remembers of posts that no member signed: anybody who reaches the broker can send them.
const straysKept = 64

// chain is one author's posts, in order.
type chain struct {
	seq     uint64
	last    wire.Hash
	waiting map[uint64]*wire.Envelope // posts that came before their predecessor
	echoed  uint64                    // own posts known to be out
	own     []*wire.Envelope
}

func (d *Desk) chain(author string) *chain {
	c := d.chains[author]
	if c == nil {
		c = &chain{waiting: map[uint64]*wire.Envelope{}}
		d.chains[author] = c
	}
	return c
}

// post signs, journals and publishes one event of the programme, sealed to its readers and to this desk.
func (d *Desk) post(ctx context.Context, kind string, body []byte, readers ...string) error {
	if err := d.publish(ctx, kind, body, readers); err != nil {
		return err
	}
	d.review()
	return nil
}

func (d *Desk) publish(ctx context.Context, kind string, body []byte, readers []string) error {
	d.sending.Lock()
	defer d.sending.Unlock()
	envelope, p, err := d.signPost(kind, body, readers)
	if err != nil {
		return err
	}
	if err := d.keepPost(ctx, &envelope, p); err != nil {
		return err
	}
	return d.cfg.Bus.Post(ctx, d.programme.String(), d.cfg.Nation, envelope.Bytes())
}

// signPost makes this nation's next post. Sending is locked.
func (d *Desk) signPost(kind string, body []byte, readers []string) (wire.Envelope, *wire.Post, error) {
	readers = append([]string{d.cfg.Nation}, readers...)
	slices.Sort(readers)
	readers = slices.Compact(readers)
	recipients := make([]string, len(readers))
	for i, r := range readers {
		m, ok := d.cfg.Trust.Member(r)
		if !ok {
			return wire.Envelope{}, nil, refusal.Newf("unknown_member", "name members of the network", "%q is no member of the network", r)
		}
		recipients[i] = m.SealTo
	}
	ciphertext, err := sealed.Seal(body, recipients...)
	if err != nil {
		return wire.Envelope{}, nil, err
	}
	d.mu.Lock()
	c := d.chain(d.cfg.Nation)
	p := wire.Post{Network: d.cfg.Trust.Network, Programme: d.programme, Author: d.cfg.Nation, Seq: c.seq + 1, Prev: c.last, Kind: kind,
		Readers: readers, Sealed: ciphertext, AtMS: d.cfg.Clock()}
	d.mu.Unlock()
	payload, err := wire.TryEncode(&p)
	if err != nil {
		return wire.Envelope{}, nil, err
	}
	envelope, err := d.nation.Sign(wire.TypePost, payload)
	return envelope, &p, err
}

// keepPost journals and folds an own post.
func (d *Desk) keepPost(ctx context.Context, envelope *wire.Envelope, p *wire.Post) error {
	if err := d.append(ctx, eventPost, envelope.Hash(), envelope.Bytes()); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fold(envelope, p)
	return nil
}

// resendPosts publishes own posts that were journaled and, as far as this desk knows, never got out.
func (d *Desk) resendPosts(ctx context.Context) error {
	d.mu.Lock()
	c := d.chain(d.cfg.Nation)
	pending := slices.Clone(c.own[min(c.echoed, uint64(len(c.own))):])
	d.mu.Unlock()
	for _, e := range pending {
		if err := d.cfg.Bus.Post(ctx, d.programme.String(), d.cfg.Nation, e.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// unsent tells how many own posts are known to be out, and whether others may not be.
func (d *Desk) unsent() (echoed uint64, pending bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.chain(d.cfg.Nation)
	return c.echoed, c.echoed < uint64(len(c.own))
}

// openPost verifies a post: signed by a nation key of its author, for this network and programme.
func (d *Desk) openPost(bytes []byte) (*wire.Envelope, *wire.Post, error) {
	envelope, err := wire.ParseEnvelope(bytes, limitEnvelope)
	if err != nil {
		return nil, nil, err
	}
	signers, err := envelope.Verify(wire.TypePost, d.cfg.Trust)
	if err != nil {
		return nil, nil, err
	}
	var p wire.Post
	if err := wire.Decode(envelope.Payload, limitEnvelope, &p); err != nil {
		return nil, nil, err
	}
	switch {
	case len(signers) != 1 || signers[0].Owner != p.Author:
		return nil, nil, refusal.Newf(programme.CodeWrongNation, "sign with a key of the author", "a post of %s is signed by %s", p.Author, signers[0].Owner)
	case p.Network != d.cfg.Trust.Network:
		return nil, nil, refusal.Newf(wire.CodeWrongNetwork, "post to its own network", "a post of network %q", p.Network)
	case p.Programme != d.programme:
		return nil, nil, refusal.New(wire.CodeWrongRecipient, "a post of another programme", "post to its own programme")
	}
	return &envelope, &p, nil
}

// receive takes a post off the carrier, in whatever order and however often it comes.
func (d *Desk) receive(ctx context.Context, _ string, bytes []byte) {
	envelope, p, err := d.openPost(bytes)
	if err != nil {
		d.cfg.Log.Warn("post dropped", "code", string(refusal.CodeOf(err)))
		d.mu.Lock()
		d.strays = append(d.strays, Refused{Kind: "post", Err: err})
		d.strays = d.strays[max(0, len(d.strays)-straysKept):]
		d.mu.Unlock()
		return
	}
	span := d.arrival(ctx, p)
	err = d.acceptAll(envelope, p)
	// The carrier counts a post as read when this returns, so it returns only with the post in the journal, however long the database is away.
	for pause := workPause; err != nil && d.ctx.Err() == nil; pause = min(2*pause, workPauseMost) {
		d.cfg.Log.Error("post not stored, trying again", "author", p.Author, "error", err)
		select {
		case <-time.After(pause):
			err = d.acceptAll(envelope, p)
		case <-d.ctx.Done():
		}
	}
	telemetry.End(span, err)
	d.review()
}

// acceptAll takes a post, and those that waited for it.
func (d *Desk) acceptAll(envelope *wire.Envelope, p *wire.Post) error {
	if err := d.accept(envelope, p); err != nil {
		return err
	}
	return d.acceptWaiting(p.Author)
}

// acceptWaiting takes an author's posts whose turn has come.
func (d *Desk) acceptWaiting(author string) error {
	for {
		d.mu.Lock()
		c := d.chain(author)
		next := c.waiting[c.seq+1]
		d.mu.Unlock()
		if next == nil {
			return nil
		}
		_, p, err := d.openPost(next.Bytes())
		if err != nil {
			return fmt.Errorf("a post that was verified before: %w", err)
		}
		if err := d.accept(next, p); err != nil {
			return err
		}
	}
}

func (d *Desk) accept(envelope *wire.Envelope, p *wire.Post) error {
	d.mu.Lock()
	c := d.chain(p.Author)
	hash := envelope.Hash()
	if p.Author == d.cfg.Nation {
		isEcho := p.Seq == c.echoed+1 && p.Seq <= c.seq
		d.mu.Unlock()
		if !isEcho {
			return nil
		}
		if err := d.append(d.ctx, eventEcho, hash, nil); err != nil {
			return err
		}
		d.mu.Lock()
		c.echoed++
		d.mu.Unlock()
		return nil
	}
	if p.Seq <= c.seq {
		d.mu.Unlock()
		return nil // seen before
	}
	if p.Seq > c.seq+1 {
		waits := c.waiting[p.Seq] != nil
		d.mu.Unlock()
		if waits {
			return nil
		}
		// The carrier will not bring it again.
		if err := d.append(d.ctx, eventEarly, hash, envelope.Bytes()); err != nil {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		c.waiting[p.Seq] = envelope
		return nil
	}
	if p.Prev != c.last {
		err := refusal.Newf("post_fork", "compare records with the author", "post %d of %s does not follow the one before", p.Seq, p.Author)
		d.refused = append(d.refused, Refused{From: p.Author, Kind: p.Kind, Err: err})
		delete(c.waiting, p.Seq)
		d.mu.Unlock()
		d.cfg.Log.Error("post chain broken", "author", p.Author, "seq", p.Seq)
		return nil
	}
	d.mu.Unlock()
	// Only this goroutine receives posts, so nobody moves the chain meanwhile.
	if err := d.append(d.ctx, eventPost, hash, envelope.Bytes()); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fold(envelope, p)
	return nil
}

// fold takes a verified post, the next of its author, into the state. A body that is not acceptable is noted and changes nothing else. The state is locked.
func (d *Desk) fold(envelope *wire.Envelope, p *wire.Post) {
	c := d.chain(p.Author)
	c.seq, c.last = p.Seq, envelope.Hash()
	delete(c.waiting, p.Seq)
	if p.Author == d.cfg.Nation {
		c.own = append(c.own, envelope)
	}
	defer d.touch()
	if !slices.Contains(p.Readers, d.cfg.Nation) {
		return
	}
	body, err := sealed.Open(p.Sealed, d.cfg.Ring.Identities()...)
	if err == nil {
		err = d.foldBody(p, body)
	}
	if err != nil {
		d.refused = append(d.refused, Refused{From: p.Author, Kind: p.Kind, Err: err})
	}
}

func (d *Desk) foldBody(p *wire.Post, body []byte) error {
	switch p.Kind {
	case postCount:
		return d.foldCount(p.Author, body)
	case postReceipts:
		return d.foldReceipts(p.Author, body)
	case postBill:
		return d.foldOffer(p.Author, body)
	case postCounter:
		return d.foldCountersignature(p.Author, body)
	case postRecorded:
		return d.foldRecorded(p.Author, body)
	}
	return refusal.Newf(CodeSubjectUnknown, "check the version of both sides", "a post of unknown kind %q", p.Kind)
}

// foldCount takes another nation's count. Parts for different readers add up; a record counts once.
func (d *Desk) foldCount(author string, body []byte) error {
	c, err := programme.ParseCount(body)
	if err != nil {
		return err
	}
	if string(c.Nation) != author {
		return refusal.Newf(programme.CodeWrongNation, "sign your own count", "%s signed a count of %s", author, c.Nation)
	}
	if err := d.cfg.Agreement.CheckCount(c); err != nil {
		return err
	}
	merged, had := d.counts[c.Nation]
	if !had {
		merged = programme.Count{Nation: c.Nation, Source: "count of " + author}
	}
	known := make(map[programme.Key]bool, len(merged.Records))
	for _, r := range merged.Records {
		known[r.Key] = true
	}
	records := slices.Clone(merged.Records)
	for _, r := range c.Records {
		if !known[r.Key] {
			records = append(records, r)
		}
	}
	merged.Records = records
	d.counts[c.Nation] = merged
	return nil
}

func (d *Desk) foldReceipts(author string, body []byte) error {
	r, err := programme.ParseReceipts(body)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(d.cfg.Cases, func(c programme.Case) bool { return c.ID == r.Case })
	if i < 0 {
		return refusal.Newf(CodeNotFound, "name a case both sides hold", "there is no case %q", r.Case)
	}
	c := d.cfg.Cases[i]
	if author != string(c.Receiver) {
		return refusal.Newf(programme.CodeWrongNation, "let the receiver sign", "%s signed receipts that %s has to sign", author, c.Receiver)
	}
	c.Receipts, err = withoutRepeats(c.ID, d.receipts[c.ID], r.Receipts)
	if err != nil {
		return err
	}
	if _, _, err := d.cfg.Agreement.Deliveries(c); err != nil {
		return err
	}
	d.receipts[c.ID] = c.Receipts
	return nil
}

// withoutRepeats adds receipts that are not known yet. A receiver that heard no answer posts the same again, and a receipt counts once.
func withoutRepeats(id string, known, more []programme.Receipt) ([]programme.Receipt, error) {
	all := slices.Clone(known)
	seen := map[string]bool{}
	for i, receipt := range slices.Concat(known, more) {
		one := programme.Receipts{Case: id, Receipts: []programme.Receipt{receipt}}
		text, err := one.Bytes()
		if err != nil {
			return nil, err
		}
		if i >= len(known) && !seen[string(text)] {
			all = append(all, receipt)
		}
		seen[string(text)] = true
	}
	return all, nil
}
