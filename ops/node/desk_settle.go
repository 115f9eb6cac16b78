package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/settlement/swap"
)

// Settle takes an approved payment to its end: quote, submission, and following it until it is final. It goes on wherever the payment stands, so that it can
// be called again after a restart. The error of a payment that was refused or aborted says why.
func (d *Desk) Settle(ctx context.Context, instruction wire.Hash) (err error) {
	p, err := d.payment(instruction)
	if err != nil {
		return err
	}
	ctx, span := d.span(ctx, p.Instruction.UETR, "settle payment")
	defer func() { telemetry.End(span, err) }()
	for {
		p, err := d.payment(instruction)
		if err != nil {
			return err
		}
		switch p.State {
		case payment.Approved:
			if p.Instruction.DebitCurrency != p.Instruction.PayCurrency {
				err = d.acceptQuote(ctx, &p)
			} else {
				err = d.advance(ctx, instruction, payment.Event{Do: payment.Submit, AtMS: d.cfg.Clock()})
			}
		case payment.Quoted:
			// A quote that has just been accepted goes to the bank however short it is: the bank's refusal says so.
			if now := d.cfg.Clock(); now > p.expiresMS-submitMarginMS && now > p.SinceMS+1_000 {
				err = d.advance(ctx, instruction, payment.Event{Do: payment.Lapse, AtMS: d.cfg.Clock()})
				break
			}
			err = d.advance(ctx, instruction, payment.Event{Do: payment.Submit, AtMS: d.cfg.Clock()})
		case payment.Submitted:
			err = d.submit(ctx, &p)
		case payment.Proposed, payment.Committed:
			err = d.follow(ctx, &p)
		case payment.Settled:
			return nil
		case payment.Aborted:
			if !transient(p.Reason) || tries(p.Payment) >= triesMost {
				return ended(p.Payment)
			}
			err = d.acceptQuote(ctx, &p)
		default:
			return ended(p.Payment)
		}
		if err != nil {
			return err
		}
	}
}

func ended(p payment.Payment) error {
	return refusal.Newf(payment.CodeWrongState, "look at the reason, and make a new payment if the bill is still owed", "payment %s is %s: %s", p.Instruction.UETR, p.State, p.Reason)
}

// triesMost is how often a payment is quoted before a person has to look at it.
const triesMost = 3

func tries(p payment.Payment) int {
	n := 0
	for _, c := range p.History {
		if c.On == payment.Quote {
			n++
		}
	}
	return n
}

// transient tells whether a swap was aborted for a reason that time heals: a new quote may succeed where this one came too late.
func transient(reason string) bool {
	for _, code := range []refusal.Code{swap.CodeExpired, swap.CodeStaleEpoch, swap.CodeQuoteExpired, swap.CodeQuoteUsed} {
		if strings.HasSuffix(reason, string(code)) {
			return true
		}
	}
	return false
}

// acceptQuote asks every provider for a firm quote and accepts the one that debits least; among equals the provider first in the trust file.
func (d *Desk) acceptQuote(ctx context.Context, p *deskPayment) error {
	in := &p.Instruction
	ask := QuoteRequest{Sell: in.DebitCurrency, Buy: in.PayCurrency, BuyMinor: in.PayMinor}
	body, err := wire.EncodeFields(ask.fields)
	if err != nil {
		return err
	}
	var best wire.Quote
	var bestBytes []byte
	var bestSell int64
	var declined []error
	for _, provider := range d.cfg.Trust.Providers {
		answer, err := d.ask.ask(ctx, provider.ID, SubjectQuote, body)
		if err != nil {
			declined = append(declined, fmt.Errorf("%s: %w", provider.ID, err))
			continue
		}
		q, sell, err := d.readQuote(provider.ID, in, answer)
		if err != nil {
			declined = append(declined, fmt.Errorf("%s: %w", provider.ID, err))
			continue
		}
		if bestBytes == nil || sell < bestSell {
			best, bestBytes, bestSell = q, answer, sell
		}
	}
	if bestBytes == nil {
		return errors.Join(append([]error{refusal.New("quote_missing", "no provider gave a usable quote", "try again later")}, declined...)...)
	}
	now := d.cfg.Clock()
	accepted := wire.Acceptance{Network: in.Network, Quote: best.Hash(), Instruction: p.Hash, SellMinor: bestSell, BuyMinor: in.PayMinor, AtMS: now}
	envelope, err := d.ask.key.Sign(wire.TypeAcceptance, accepted.Bytes())
	if err != nil {
		return err
	}
	return d.advance(ctx, p.Hash, payment.Event{Do: payment.Quote, AtMS: now, Quote: best.Hash(), DebitMinor: bestSell}, bestBytes, envelope.Bytes())
}

// submitMarginMS is how long a quote must last beyond its submission: the bank wants it firm until the swap is voted on.
const submitMarginMS = swap.VoteWindowMS + 1_000

// quoteIn reads the quote of an envelope that was verified before.
func quoteIn(bytes []byte) (wire.Quote, error) {
	var q wire.Quote
	envelope, err := wire.ParseEnvelope(bytes, wire.LimitMessage)
	if err != nil {
		return q, err
	}
	return q, wire.Decode(envelope.Payload, wire.LimitMessage, &q)
}

// readQuote verifies a quote: signed by the provider, for this desk and this payment.
func (d *Desk) readQuote(provider string, in *wire.Instruction, bytes []byte) (wire.Quote, int64, error) {
	var q wire.Quote
	envelope, err := wire.ParseEnvelope(bytes, wire.LimitMessage)
	if err != nil {
		return q, 0, err
	}
	signers, err := envelope.Verify(wire.TypeQuote, d.cfg.Trust)
	if err != nil {
		return q, 0, err
	}
	if err := wire.Decode(envelope.Payload, wire.LimitMessage, &q); err != nil {
		return q, 0, err
	}
	if signers[0].Owner != provider || q.Provider != provider || q.Taker != d.ask.key.Key().ID() || q.SellCurrency != in.DebitCurrency || q.BuyCurrency != in.PayCurrency {
		return q, 0, refusal.Newf("quote_foreign", "ask for a quote of your own", "quote %s is not for this payment", q.ID)
	}
	sell, err := payment.SellMinor(&q, in.PayMinor)
	return q, sell, err
}

// submit hands the payment to the payer's bank. A refusal that the bank signed ends it; anything else is tried again, which is safe because the bank answers the same instruction once.
func (d *Desk) submit(ctx context.Context, p *deskPayment) error {
	pack := wire.Payment{Instruction: p.instruction, Approvals: p.approvals, Quote: p.quote, Acceptance: p.acceptance}
	d.mu.Lock()
	for _, hash := range p.Instruction.Bills {
		b := d.bills[hash]
		pack.Openings = append(pack.Openings, wire.TotalOpening{Bill: hash, TotalMinor: b.Total.Minor(), Blinding: b.blinding})
	}
	d.mu.Unlock()
	var handed Submission
	var err error
	if handed.Payment, err = wire.TryEncode(&pack); err != nil {
		return err
	}
	if handed.Bills, err = d.provenBills(&p.Instruction); err != nil {
		return err
	}
	body, err := handed.Bytes()
	if err != nil {
		return err
	}
	answer, err := d.ask.again(ctx, p.Instruction.PayerBank, SubjectPay, body)
	var refused said
	if errors.As(err, &refused) && !passing(refused.Code) {
		if err := d.advance(ctx, p.Hash, payment.Event{Do: payment.Refuse, AtMS: d.cfg.Clock(), Code: refused.Code, Reason: plain(refused.What)}); err != nil {
			return err
		}
		return refused
	}
	if err != nil {
		return err
	}
	return d.take(ctx, p, answer)
}

// follow asks the bank how far the payment is, until it is further than the desk knows.
func (d *Desk) follow(ctx context.Context, p *deskPayment) error {
	pause := 5 * time.Millisecond
	for {
		answer, err := d.ask.again(outside(ctx), p.Instruction.PayerBank, SubjectOutcome, p.Hash[:])
		if err != nil {
			return err
		}
		var o Outcome
		if err := json.Unmarshal(answer, &o); err != nil {
			return fmt.Errorf("answer of %s: %w", p.Instruction.PayerBank, err)
		}
		if o.State != string(p.State) {
			return d.take(ctx, p, answer)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, 250*time.Millisecond)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take brings the payment to the state its bank reports, through every state between.
func (d *Desk) take(ctx context.Context, p *deskPayment, answer []byte) error {
	var o Outcome
	if err := json.Unmarshal(answer, &o); err != nil {
		return fmt.Errorf("answer of %s: %w", p.Instruction.PayerBank, err)
	}
	at := func(do payment.Action) payment.Event { return payment.Event{Do: do, AtMS: o.AtMS, Swap: o.Swap} }
	var path []payment.Event
	if p.State == payment.Submitted && p.Instruction.DebitCurrency != p.Instruction.PayCurrency {
		path = append(path, at(payment.Propose))
	}
	switch o.State {
	case "proposed":
	case "committed", "settled":
		if p.Instruction.DebitCurrency != p.Instruction.PayCurrency && p.State != payment.Committed {
			path = append(path, at(payment.Commit))
		}
		if o.State == "settled" {
			path = append(path, at(payment.Settle))
		}
	case "aborted":
		path = append(path, payment.Event{Do: payment.Abort, AtMS: o.AtMS, Code: refusal.Code("aborted"), Reason: o.Reason})
	default:
		return fmt.Errorf("%s reports a payment in unknown state %q", p.Instruction.PayerBank, o.State)
	}
	for _, e := range path {
		if err := d.advance(ctx, p.Hash, e); err != nil {
			return err
		}
	}
	return nil
}
