package node

import (
	"context"
	"encoding/json"
	"fmt"

	"entente/bridge/bus"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/wallet"
)

// Operator is a central-bank operator's client: signed orders to the own ledger, and its sums. A person's ring holds one operator's key; a ring with the keys of
// two persons, as a development network has, signs for both.
type Operator struct {
	bank string
	keys []*wallet.Signer // one for each person, the newest
	ask  *asker
}

// NewOperator makes an operator's client. The ring holds the operator's key. b may be nil for a client that signs and does not send.
func NewOperator(bank string, network *trust.Network, ring *wallet.Ring, b *bus.Bus, clock Clock) (*Operator, error) {
	var keys []*wallet.Signer
	named := map[string]bool{}
	for _, k := range ring.Keys() {
		if k.Purpose != wire.PurposeOperator || named[k.Name] {
			continue
		}
		named[k.Name] = true
		newest, err := ring.Signer(k.Purpose, k.Name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, newest)
	}
	if len(keys) == 0 {
		return nil, refusal.Newf(wallet.CodeKeyMissing, "open the ring of an operator", "the ring of %s has no operator's key", ring.Owner())
	}
	return &Operator{bank: bank, keys: keys, ask: &asker{bus: b, trust: network, key: keys[0], clock: clock}}, nil
}

// Ready waits until the bank answers.
func (o *Operator) Ready(ctx context.Context) error {
	_, err := o.ask.again(ctx, o.bank, SubjectHead, nil)
	return err
}

// Open opens an account.
func (o *Operator) Open(ctx context.Context, account, owner string, kind wire.AccountKind) error {
	return o.order(ctx, wire.Order{Kind: wire.OrderOpen, Account: account, Owner: owner, As: kind})
}

// Issue brings tokens into being on an account. reserve is the reference of the movement of reserves at the RTGS that it rests on.
func (o *Operator) Issue(ctx context.Context, account string, minor int64, reserve, reason string) error {
	return o.order(ctx, wire.Order{Kind: wire.OrderIssue, Account: account, Minor: minor, Reserve: reserve, Reason: reason})
}

func (o *Operator) order(ctx context.Context, order wire.Order) error {
	envelope, err := o.Sign(order)
	if err != nil {
		return err
	}
	_, err = o.Send(ctx, envelope)
	return err
}

// Sign completes an order with network, bank, time and a fresh key, and signs it with as many of the ring's keys as its kind asks for. Where the ring has fewer,
// other operators add theirs by CoSign.
func (o *Operator) Sign(order wire.Order) (wire.Envelope, error) {
	key, err := randomID()
	if err != nil {
		return wire.Envelope{}, err
	}
	order.Network, order.Bank, order.Key, order.AtMS = o.ask.trust.Network, o.bank, key, o.ask.clock()
	payload, err := wire.TryEncode(&order)
	if err != nil {
		return wire.Envelope{}, err
	}
	envelope, err := o.keys[0].Sign(wire.TypeOrder, payload)
	for _, second := range o.keys[1:min(len(o.keys), 1+order.Kind.Approvals())] {
		if err == nil {
			err = second.CoSign(&envelope)
		}
	}
	return envelope, err
}

// CoSign adds this operator's signature to an order that another one signed.
func (o *Operator) CoSign(e *wire.Envelope) error { return o.keys[0].CoSign(e) }

// Send hands a signed order to the bank. The order's own key makes repeating it safe: the bank carries it out once.
func (o *Operator) Send(ctx context.Context, e wire.Envelope) (Ordered, error) {
	return ask[Ordered](ctx, o.ask, o.bank, SubjectOrder, e.Bytes())
}

// Account asks for an account's counters.
func (o *Operator) Account(ctx context.Context, account string) (Account, error) {
	return ask[Account](ctx, o.ask, o.bank, SubjectAccount, []byte(account))
}

// Ledger asks for the whole ledger at one moment.
func (o *Operator) Ledger(ctx context.Context) (Ledger, error) {
	return ask[Ledger](ctx, o.ask, o.bank, SubjectLedger, nil)
}

// Past asks for an account as of a moment.
func (o *Operator) Past(ctx context.Context, q PastQuery) (Past, error) {
	return askFields[Past](ctx, o.ask, o.bank, SubjectPast, q.fields)
}

// Statement asks for a page of an account's statement.
func (o *Operator) Statement(ctx context.Context, q StatementQuery) (Statement, error) {
	return askFields[Statement](ctx, o.ask, o.bank, SubjectTurnover, q.fields)
}

// askFields sends a question that is a small document.
func askFields[T any](ctx context.Context, a *asker, who, subject string, fields func(*wire.Fields)) (T, error) {
	body, err := wire.EncodeFields(fields)
	if err != nil {
		var none T
		return none, err
	}
	return ask[T](ctx, a, who, subject, body)
}

// SignedOrder reads an order and who signed it, from the envelope two operators hand to each other. It refuses one that is not for this network, or that keys
// other than the bank's operators' signed.
func SignedOrder(e *wire.Envelope, network *trust.Network) (wire.Order, []wire.Key, error) {
	signers, err := e.Verify(wire.TypeOrder, network)
	if err != nil {
		return wire.Order{}, nil, err
	}
	order, err := wire.ParseOrder(e.Payload)
	if err != nil {
		return wire.Order{}, nil, err
	}
	if order.Network != network.Network {
		return wire.Order{}, nil, refusal.Newf(wire.CodeWrongNetwork, "sign orders of your own network", "an order for network %q", order.Network)
	}
	for _, k := range signers {
		if k.Owner != order.Bank {
			return wire.Order{}, nil, notAllowed(k.Title(), "give orders to "+order.Bank)
		}
	}
	return order, signers, nil
}

// Ordered answers an order: its hash, by which later orders name what it set aside, and the sequence number of its entry.
type Ordered struct {
	Order wire.Hash `json:"order"`
	Seq   int64     `json:"seq"`
}

func (a Ordered) encode() ([]byte, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode the answer to an order: %w", err)
	}
	return b, nil
}
