package bus

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/wire"
)

func TestALaneGivesEveryMessageOnceInOrderWithItsDocumentInBatchesWithinTheLimit(t *testing.T) {
	document := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, n) }
	rapid.Check(t, func(t *rapid.T) {
		l := &lane{wake: make(chan struct{}, 1)}
		sizes := rapid.SliceOfN(rapid.IntRange(0, wire.LimitMessage), 1, 200).Draw(t, "sizes")
		documents := rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 1, 1000, 40_000, wire.LimitAttachment}), len(sizes), len(sizes)).Draw(t, "documents")
		for i, n := range sizes {
			e := wire.Envelope{Type: wire.TypeVote, Payload: append([]byte{byte(i)}, make([]byte, n)...)}
			p, err := wrap(Item{Recipient: "JPY", Envelope: e.Bytes(), Attachment: document(documents[i])})
			if err != nil {
				t.Fatal(err)
			}
			if !l.push(p) {
				t.Fatalf("message %d does not fit a lane of %d bytes", i, l.bytes)
			}
		}
		next := 0
		for batch, _ := l.take(); len(batch.Messages) > 0; batch, _ = l.take() {
			if n := len(batch.Bytes()); n > wire.LimitBatch {
				t.Fatalf("a batch of %d bytes", n)
			}
			carried := map[wire.Hash]int{}
			for _, a := range batch.Attachments {
				carried[wire.AttachmentHash(a)]++
			}
			for name, n := range carried {
				if n != 1 {
					t.Fatalf("document %s is carried %d times", name.Short(), n)
				}
			}
			for _, m := range batch.Messages {
				if m.Payload[0] != byte(next) {
					t.Fatalf("message %d came where %d is due", m.Payload[0], next)
				}
				if n := documents[next]; n > 0 && carried[wire.AttachmentHash(document(n))] == 0 {
					t.Fatalf("message %d came without its document", next)
				}
				next++
			}
		}
		if next != len(sizes) || l.bytes != 0 {
			t.Fatalf("%d of %d messages came, %d bytes are left", next, len(sizes), l.bytes)
		}
	})
}

func TestAFullLaneTakesNoMore(t *testing.T) {
	p := parcel{envelopeN: partFrame}
	l := &lane{wake: make(chan struct{}, 1)}
	for i := range laneMessages {
		if !l.push(p) {
			t.Fatalf("message %d was dropped", i)
		}
	}
	if l.push(p) {
		t.Error("one more was taken")
	}
	heavy := &lane{wake: make(chan struct{}, 1)}
	if !heavy.push(parcel{envelopeN: laneBytes}) || heavy.push(p) {
		t.Error("the lane's bytes are not bounded")
	}
}
