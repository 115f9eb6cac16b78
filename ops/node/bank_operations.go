package node

import (
	"context"

	"entente/settlement/engine"
	"entente/settlement/swap"
)

// ordered runs an order whose signatures were verified. The same order again gets the first answer.
func (b *Bank) ordered(ctx context.Context, given swap.OrderGiven, body []byte) ([]byte, error) {
	if _, err := b.submit(ctx, given, engine.Evidence{Kind: "order", Hash: given.Cause, Bytes: body}); err != nil {
		return nil, err
	}
	answer := Ordered{Order: given.Cause}
	err := b.engine.View(ctx, func(m *swap.Machine) {
		_, answer.Seq, _ = m.Ledger().OrderAnswer(given.Order.Key)
	})
	if err != nil {
		return nil, err
	}
	return answer.encode()
}
