package bus

import (
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"entente/schema/wire"
)

const (
	laneMessages = 16 << 10 // messages that may wait for one recipient on one path
	laneBytes    = 32 << 20 // what they may weigh together

	batchMessages = 4096 // as wire.Batch allows
	batchFrame    = 64   // bytes of a batch beside its parts, rounded up
	partFrame     = 16   // bytes around each part, rounded up
)

// parcel is an item that can be part of a batch.
type parcel struct {
	envelope   wire.Envelope
	attachment []byte
	name       wire.Hash // of the attachment, zero for none
	envelopeN  int       // bytes with their frame
	cause      string    // trace context as a batch carries it, "" for none
}

// wrap checks an item. Refusals: too_large, malformed.
func wrap(m Item) (parcel, error) {
	p := parcel{attachment: m.Attachment, envelopeN: len(m.Envelope) + partFrame}
	if err := checkSize("an attachment", len(m.Attachment), wire.LimitAttachment); err != nil {
		return parcel{}, err
	}
	if err := checkSize("a message", batchFrame+p.envelopeN+p.attachmentN(), wire.LimitBatch); err != nil {
		return parcel{}, err
	}
	envelope, err := wire.ParseEnvelope(m.Envelope, wire.LimitBatch)
	if err != nil {
		return parcel{}, fmt.Errorf("a message for %s: %w", m.Recipient, err)
	}
	p.envelope = envelope
	p.cause = cause(envelope.Hash(), m.Cause)
	if len(m.Attachment) > 0 {
		p.name = wire.AttachmentHash(m.Attachment)
	}
	return p, nil
}

func (p *parcel) attachmentN() int {
	if len(p.attachment) == 0 {
		return 0
	}
	return len(p.attachment) + partFrame
}

// lane is what waits for one recipient on one path.
type lane struct {
	wake chan struct{} // holds one token while something waits

	mu      sync.Mutex
	waiting []parcel
	bytes   int
}

// push queues a parcel, or tells that the lane is full.
func (l *lane) push(p parcel) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := p.envelopeN + p.attachmentN()
	if len(l.waiting) == laneMessages || l.bytes+n > laneBytes {
		return false
	}
	l.waiting = append(l.waiting, p)
	l.bytes += n
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// take removes as many parcels, oldest first, as one batch can carry, and gives the headers that go with it. An attachment that several messages name is
// carried once.
func (l *lane) take() (wire.Batch, nats.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var batch wire.Batch
	var causes []string
	carried := map[wire.Hash]bool{}
	room := wire.LimitBatch - batchFrame
	taken := 0
	for _, p := range l.waiting {
		attach := !p.name.IsZero() && !carried[p.name]
		n := p.envelopeN
		if attach {
			n += p.attachmentN()
		}
		if n > room || taken == batchMessages {
			break
		}
		room -= n
		taken++
		l.bytes -= p.envelopeN + p.attachmentN()
		batch.Messages = append(batch.Messages, p.envelope)
		if p.cause != "" && len(causes) < causesMost {
			causes = append(causes, p.cause)
		}
		if attach {
			carried[p.name] = true
			batch.Attachments = append(batch.Attachments, p.attachment)
		}
	}
	rest := copy(l.waiting, l.waiting[taken:])
	clear(l.waiting[rest:])
	l.waiting = l.waiting[:rest]
	if causes == nil {
		return batch, nil
	}
	return batch, nats.Header{causesHeader: causes}
}
