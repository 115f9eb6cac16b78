package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entente/bridge/bus"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/settlement/programme"
	"entente/wallet"
)

// User is a desk user's client: it holds the person's key, signs what the person decides, and asks the desk for everything else.
type User struct {
	nation string
	key    *wallet.Signer
	ask    *asker
}

// NewUser makes the client of a desk user.
func NewUser(network *trust.Network, key *wallet.Signer, b *bus.Bus, clock Clock) *User {
	return &User{nation: key.Key().Owner, key: key, ask: &asker{bus: b, trust: network, key: key, clock: clock}}
}

// Nation gives the user's nation.
func (u *User) Nation() string { return u.nation }

// PostCount has the desk post this nation's own count.
func (u *User) PostCount(ctx context.Context, c programme.Count) error {
	body, err := c.Bytes()
	if err != nil {
		return err
	}
	_, err = u.ask.again(ctx, u.nation, SubjectCount, body)
	return err
}

// PostReceipts has the desk post what this nation received in a case.
func (u *User) PostReceipts(ctx context.Context, c programme.Case) error {
	r := programme.Receipts{Case: c.ID, Receipts: c.Receipts}
	body, err := r.Bytes()
	if err != nil {
		return err
	}
	_, err = u.ask.again(ctx, u.nation, SubjectReceipts, body)
	return err
}

// OfferBills has the desk commit to what this nation is owed and offer the bills.
func (u *User) OfferBills(ctx context.Context) error {
	_, err := u.ask.again(ctx, u.nation, SubjectOffer, nil)
	return err
}

// Status asks how far the desk is.
func (u *User) Status(ctx context.Context) (DeskStatus, error) {
	return ask[DeskStatus](ctx, u.ask, u.nation, SubjectStatus, nil)
}

// Matched asks what the desk finds when it compares the counts.
func (u *User) Matched(ctx context.Context) (Matching, error) {
	return ask[Matching](ctx, u.ask, u.nation, SubjectMatched, nil)
}

// Bills asks for the bills the desk is part of.
func (u *User) Bills(ctx context.Context) ([]BillSummary, error) {
	return ask[[]BillSummary](ctx, u.ask, u.nation, SubjectDeskBill, nil)
}

// Payments asks for the desk's payments.
func (u *User) Payments(ctx context.Context) ([]payment.Payment, error) {
	return ask[[]payment.Payment](ctx, u.ask, u.nation, SubjectPayments, nil)
}

// Account asks what the desk's account holds.
func (u *User) Account(ctx context.Context) (Account, error) {
	return ask[Account](ctx, u.ask, u.nation, SubjectBalance, nil)
}

// MakePayment asks for the instruction that pays a bill, signs it and hands it in.
func (u *User) MakePayment(ctx context.Context, bill wire.Hash) (wire.Hash, error) {
	draft, err := u.ask.again(ctx, u.nation, SubjectDraft, bill[:])
	if err != nil {
		return wire.Hash{}, err
	}
	var in wire.Instruction
	if err := wire.Decode(draft, wire.LimitMessage, &in); err != nil {
		return wire.Hash{}, err
	}
	if in.Payer != u.nation || len(in.Bills) != 1 || in.Bills[0] != bill {
		return wire.Hash{}, refusal.New("terms_mismatch", "the desk drafted another payment than the one asked for", "ask the desk's administrator")
	}
	envelope, err := u.key.Sign(wire.TypeInstruction, draft)
	if err != nil {
		return wire.Hash{}, err
	}
	hash := in.Hash()
	_, err = u.ask.again(ctx, u.nation, SubjectMake, envelope.Bytes())
	return hash, err
}

// Approve signs another user's payment.
func (u *User) Approve(ctx context.Context, instruction wire.Hash) error {
	a := wire.Approval{Network: u.ask.trust.Network, Instruction: instruction, Verdict: wire.VerdictApprove, AtMS: u.ask.clock()}
	envelope, err := u.key.Sign(wire.TypeApproval, a.Bytes())
	if err != nil {
		return err
	}
	_, err = u.ask.again(ctx, u.nation, SubjectApprove, envelope.Bytes())
	return err
}

// Await asks for the status until cond holds. It fails when the desk refused something it was sent, and bridges a desk or broker that is away for a while.
func (u *User) Await(ctx context.Context, cond func(DeskStatus) bool) error {
	pause := 10 * time.Millisecond
	var last error
	for {
		s, err := u.Status(ctx)
		switch {
		case err == nil && cond(s):
			return nil
		case err == nil && len(s.Refused) > 0:
			return fmt.Errorf("the desk of %s refused: %s", u.nation, s.Refused[0])
		case err == nil:
			if s.Difficulty != "" {
				last = errors.New(s.Difficulty)
			}
		case refusal.CodeOf(err) != "" && refusal.CodeOf(err) != CodeFault:
			return err
		default:
			last = err
		}
		select {
		case <-time.After(pause):
			pause = min(pause*3/2, 250*time.Millisecond)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		}
	}
}
