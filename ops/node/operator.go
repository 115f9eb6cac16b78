package node

import (
	"context"

	"entente/bridge/bus"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/wallet"
)

// Operator is a central-bank operator's client: signed orders to the own ledger, and its sums.
type Operator struct {
	bank string
	key  *wallet.Signer
	ask  *asker
}

// NewOperator makes an operator's client. The ring holds the operator's key.
func NewOperator(bank string, network *trust.Network, ring *wallet.Ring, b *bus.Bus, clock Clock) (*Operator, error) {
	key, err := ring.Signer(wire.PurposeOperator, ring.Owner())
	if err != nil {
		return nil, err
	}
	return &Operator{bank: bank, key: key, ask: &asker{bus: b, trust: network, key: key, clock: clock}}, nil
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

// Issue brings tokens into being on an account.
func (o *Operator) Issue(ctx context.Context, account string, minor int64, reason string) error {
	return o.order(ctx, wire.Order{Kind: wire.OrderIssue, Account: account, Minor: minor, Reason: reason})
}

// Redeem takes tokens of an account out of being.
func (o *Operator) Redeem(ctx context.Context, account string, minor int64, reason string) error {
	return o.order(ctx, wire.Order{Kind: wire.OrderRedeem, Account: account, Minor: minor, Reason: reason})
}

// SetStatus freezes, unfreezes or closes an account.
func (o *Operator) SetStatus(ctx context.Context, account string, status wire.AccountStatus, reason string) error {
	return o.order(ctx, wire.Order{Kind: wire.OrderStatus, Account: account, Status: status, Reason: reason})
}

func (o *Operator) order(ctx context.Context, order wire.Order) error {
	key, err := randomID()
	if err != nil {
		return err
	}
	order.Network, order.Bank, order.Key, order.AtMS = o.ask.trust.Network, o.bank, key, o.ask.clock()
	payload, err := wire.TryEncode(&order)
	if err != nil {
		return err
	}
	envelope, err := o.key.Sign(wire.TypeOrder, payload)
	if err != nil {
		return err
	}
	// The order's key makes repeating it safe: the bank carries it out once.
	_, err = o.ask.again(ctx, o.bank, SubjectOrder, envelope.Bytes())
	return err
}

// Account asks for an account's counters.
func (o *Operator) Account(ctx context.Context, account string) (Account, error) {
	return ask[Account](ctx, o.ask, o.bank, SubjectAccount, []byte(account))
}
