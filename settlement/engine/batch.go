package engine

import (
	"fmt"
	"sort"
	"strings"

	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/swap"
	"entente/zk/transcript"
)

// draft collects what the steps of one batch change.
type draft struct {
	works     []*work
	answers   []answer       // one for each work
	entries   []ledger.Entry // whose leaves are to be made
	accounts  map[string]struct{}
	swaps     map[wire.Hash]struct{}
	peers     map[string]struct{}
	messages  map[swap.MessageKey]int // place in batch.Messages
	passing   []Message
	resend    []swap.MessageKey
	evidenced map[evidenceKey]struct{}
	batch     Batch
}

type evidenceKey struct {
	kind string
	hash wire.Hash
}

func newDraft() *draft {
	return &draft{
		accounts: map[string]struct{}{}, swaps: map[wire.Hash]struct{}{}, peers: map[string]struct{}{}, messages: map[swap.MessageKey]int{},
		evidenced: map[evidenceKey]struct{}{},
	}
}

// take adds one step's output.
func (e *Engine) take(d *draft, w *work, out *swap.Output) error {
	for i := range out.Entries {
		d.entry(&out.Entries[i])
	}
	for _, id := range out.Changed {
		e.changed(d, w, id)
	}
	if err := e.messages(d, w, out); err != nil {
		return err
	}
	e.traceEnd(out.Changed)
	for _, n := range out.Notes {
		n.Text = clean(n.Text)
		d.batch.Notes = append(d.batch.Notes, n)
	}
	if m, ok := w.Event.(swap.MessageVerified); ok {
		d.peers[m.Message.Head().Sender] = struct{}{}
	}
	d.resend = append(d.resend, out.Resend...)
	if out.Tenure != nil {
		d.batch.Tenures = append(d.batch.Tenures, *out.Tenure)
	}
	for _, peer := range out.Channels {
		d.peers[peer] = struct{}{}
	}
	if len(out.Entries)+len(out.Changed)+len(out.Send)+len(out.Notes) > 0 {
		d.documents(w.Evidence)
	}
	for i := range out.Conflicts {
		if err := e.convict(d, w, &out.Conflicts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) documents(all []Evidence) {
	for _, doc := range all {
		d.evidence(doc)
	}
}

// entry notes that the accounts of an entry are to be stored; an entry changes the counters of no others.
func (d *draft) entry(e *ledger.Entry) {
	d.entries = append(d.entries, *e)
	for _, id := range []string{e.Debit, e.Credit} {
		if id != "" {
			d.accounts[id] = struct{}{}
		}
	}
}

func (d *draft) evidence(doc Evidence) {
	key := evidenceKey{doc.Kind, doc.Hash}
	if _, twice := d.evidenced[key]; !twice {
		d.evidenced[key] = struct{}{}
		d.batch.Evidence = append(d.batch.Evidence, doc)
	}
}

// changed notes that a swap is to be stored, and the moment if it entered another state.
func (e *Engine) changed(d *draft, w *work, id wire.Hash) {
	d.swaps[id] = struct{}{}
	s, _ := e.machine.Swap(id)
	before := e.states[id]
	if before == s.State {
		return
	}
	e.traceChange(w, &s)
	e.figures.moved(&s, before)
	e.states[id] = s.State
	if s.Role == swap.Initiator && s.State != swap.Proposed && (before == 0 || before == swap.Proposed) {
		d.batch.Decisions = append(d.batch.Decisions, Decision{Swap: id, Commit: s.State != swap.Aborted, Hash: s.Decision})
	}
	d.batch.Stages = append(d.batch.Stages, Stage{Swap: id, State: s.State, Reason: clean(s.Reason), AtMS: s.SinceMS})
	if len(s.Authority) > 0 {
		d.evidence(Evidence{Kind: EvidenceAttachment, Hash: wire.AttachmentHash(s.Authority), Bytes: s.Authority})
	}
}

// messages signs what is to be sent, and sorts out what was answered.
func (e *Engine) messages(d *draft, w *work, out *swap.Output) error {
	for i := range out.Send {
		o := &out.Send[i]
		head := o.Message.Head()
		cause := w.cause()
		if !cause.IsValid() {
			cause = e.causes[o.Key.Swap]
		}
		if len(o.Encloses) > 0 {
			attachment, in, err := e.enclose(d, w, o.Encloses)
			if err != nil {
				return err
			}
			o.Attachment = attachment
			if r, ok := o.Message.(*wire.HelloReply); ok {
				r.Held = in
			}
		}
		envelope, err := e.cfg.Swap.Sign(o.Message.PayloadType(), wire.Encode(o.Message))
		if err != nil {
			return fmt.Errorf("sign a message to %s: %w", o.Key.Recipient, err)
		}
		if envelope.Hash() != o.Hash && !o.Passing {
			return fmt.Errorf("the machine gave message %s another hash than its bytes have", o.Hash.Short())
		}
		if o.Passing {
			d.peers[o.Key.Recipient] = struct{}{}
			d.passing = append(d.passing, Message{Key: o.Key, Envelope: envelope.Bytes(), Attachment: o.Attachment, Hash: envelope.Hash(), Attempt: 2, Cause: cause})
			continue
		}
		d.messages[o.Key] = len(d.batch.Messages)
		d.batch.Messages = append(d.batch.Messages, Outbound{
			Message: Message{Key: o.Key, Seq: head.Seq, Envelope: envelope.Bytes(), Attachment: o.Attachment, Hash: o.Hash, Attempt: 1, Cause: cause}, Resend: o.Resend,
		})
		if len(o.Attachment) > 0 {
			d.evidence(Evidence{Kind: EvidenceAttachment, Hash: wire.AttachmentHash(o.Attachment), Bytes: o.Attachment})
		}
		d.peers[o.Key.Recipient] = struct{}{}
	}
	for _, key := range out.Done {
		if at, ok := d.messages[key]; ok {
			d.batch.Messages[at].Done = true
		} else if e.outbox.has(key) {
			e.outbox.remove(key)
			d.batch.Done = append(d.batch.Done, key)
		}
	}
	return nil
}

// finish completes the batch: head, and everything that changed as it is now.
func (e *Engine) finish(d *draft) (*Batch, error) {
	b := &d.batch
	b.ID, b.AtMS = e.batch+1, max(0, e.cfg.Clock())
	for peer := range d.peers {
		if c := e.machine.Channel(peer); c != e.stored[peer] {
			e.stored[peer] = c
			b.Channels = append(b.Channels, c)
		}
	}
	if b.Empty() {
		return b, nil
	}
	if len(b.Records) > 0 {
		head := transcript.Checkpoint{Origin: e.cfg.Origin, Size: e.tree.Size(), Root: e.tree.Root()}
		signed, err := transcript.Sign(head, e.cfg.Checkpoint)
		if err != nil {
			return nil, err
		}
		b.Checkpoint = &Checkpoint{Size: int64(head.Size), Root: head.Root, Note: signed}
	}
	for id := range d.accounts {
		a, _ := e.machine.Ledger().Account(id)
		b.Accounts = append(b.Accounts, a)
	}
	for id := range d.swaps {
		s, _ := e.machine.Swap(id)
		s.Reason = clean(s.Reason)
		b.Swaps = append(b.Swaps, s)
	}
	b.sort()
	b.Term = e.cfg.Store.Term()
	e.notary.seal(b)
	return b, nil
}

// sort makes the order of a batch follow from its contents.
func (b *Batch) sort() {
	sort.Slice(b.Accounts, func(i, j int) bool { return b.Accounts[i].ID < b.Accounts[j].ID })
	sort.Slice(b.Channels, func(i, j int) bool { return b.Channels[i].Peer < b.Channels[j].Peer })
	sort.Slice(b.Swaps, func(i, j int) bool {
		x, y := &b.Swaps[i], &b.Swaps[j]
		if aborted := x.State == swap.Aborted; aborted != (y.State == swap.Aborted) {
			return aborted
		}
		return string(x.ID[:]) < string(y.ID[:])
	})
}

func sortMessages(messages []Message) {
	sort.Slice(messages, func(i, j int) bool {
		x, y := &messages[i], &messages[j]
		if x.Key.Recipient != y.Key.Recipient {
			return x.Key.Recipient < y.Key.Recipient
		}
		return x.Seq < y.Seq
	})
}

// clean makes a sentence that may quote somebody else's bytes fit for every store.
func clean(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?") }
