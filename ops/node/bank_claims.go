package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/commit"
	"entente/zk/proof"
)

// Subjects of a bank's claims, for auditors.
const (
	SubjectRates  = "rates"  // proofs that the legs of settled swaps stand to each other at a rate
	SubjectSupply = "supply" // proof of the supply, and that no account is below zero, at a log head
)

// Kinds under which claims are kept.
const (
	keptRate   = "rate"   // by swap
	keptSupply = "supply" // by root
)

// accountsABlock is how many accounts one reserve proof is about.
const accountsABlock = commit.SmallChunk

// ClaimCircuits names the circuits a bank proves its claims with.
func ClaimCircuits() []string { return []string{proof.Rate, proof.ReserveName(accountsABlock)} }

// claimPause is how often the log is looked at for swaps that settled.
const claimPause = 250 * time.Millisecond

// claims makes what a bank proves to auditors: beside the ledger, which never waits for it.
type claims struct {
	bank     *Bank
	currency string
	key      *wallet.Signer // signs claims
	veil     engine.Veil

	mu       sync.Mutex // one claim at a time
	book     *book
	supplyMS int64 // when the supply was proven last
	size     int64 // of the log at that time
}

// run proves the rate of every swap as it settles, and the supply on schedule.
func (c *claims) run(ctx context.Context) {
	ticker := time.NewTicker(claimPause)
	defer ticker.Stop()
	difficulty := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		text := ""
		if err := c.pass(ctx); err != nil && ctx.Err() == nil {
			text = err.Error()
			if text != difficulty { // once, not four times a second
				c.bank.cfg.Log.Error("claim not proven", "error", err)
			}
		}
		difficulty = text
	}
}

func (c *claims) pass(ctx context.Context) error {
	head, _, err := c.bank.head()
	if err != nil || head.Size == 0 {
		return err
	}
	if err := c.rates(ctx, head.Size); err != nil {
		return err
	}
	now := c.bank.cfg.Clock()
	c.mu.Lock()
	due := c.bank.cfg.SupplyEveryMS > 0 && head.Size > c.size && now-c.supplyMS >= c.bank.cfg.SupplyEveryMS
	c.mu.Unlock()
	if !due {
		return nil
	}
	_, err = c.supply(ctx, head)
	return err
}

// rates proves the rates of all swaps that this bank opened, that are posted under a head, and that are not proven yet.
func (c *claims) rates(ctx context.Context, size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.book.read(ctx, size); err != nil {
		return err
	}
	var failed []wire.Hash
	var all []error
	for _, id := range c.book.posted {
		_, there, err := c.bank.engine.Evidence(ctx, keptRate, id)
		if err == nil && !there {
			err = c.rate(ctx, id)
		}
		if err != nil {
			failed = append(failed, id)
			all = append(all, fmt.Errorf("rate of swap %s: %w", id.Short(), err))
			continue
		}
		delete(c.book.legs, id)
	}
	c.book.posted = failed
	return errors.Join(all...)
}

// rate proves one swap's rate and keeps the claim. What another bank opened, or an order posted, has none, and neither has a swap of another shape than a
// payment of bills at a quote.
func (c *claims) rate(ctx context.Context, id wire.Hash) error {
	var s swap.Swap
	var ok bool
	if err := c.bank.engine.View(ctx, func(m *swap.Machine) { s, ok = m.Swap(id) }); err != nil {
		return err
	}
	if !ok || s.Role != swap.Initiator || len(s.Terms.Legs) != 2 || len(s.Authority) == 0 {
		return nil
	}
	sold := c.book.legs[id]
	if sold == nil {
		return errors.New("the journal posts it and the book does not")
	}
	pack, err := wire.ParsePayment(s.Authority)
	if err != nil {
		return err
	}
	quote, err := quoteIn(pack.Quote)
	if err != nil {
		return err
	}
	w := commit.RateWitness{S: sold.blinding, Rounding: money.Rounding(quote.Rounding)}
	if w.Rate, err = rateOf(&quote); err != nil {
		return err
	}
	blindings := make([]commit.Scalar, len(pack.Openings))
	for i, o := range pack.Openings {
		w.Amount += uint64(o.TotalMinor)
		blindings[i] = commit.Scalar(o.Blinding)
	}
	if w.R, err = commit.AddScalars(blindings...); err != nil {
		return err
	}
	if converted, err := w.Converted(); err != nil || converted != uint64(sold.minor) {
		return fmt.Errorf("the journal debits %d, the quote makes it %d: %w", sold.minor, converted, err)
	}
	public, err := w.Public()
	if err != nil {
		return err
	}
	nonce, err := randomHash()
	if err != nil {
		return err
	}
	claim := wire.RateClaim{
		Network: s.Terms.Network, Swap: id, SellBank: s.Terms.Legs[0].Bank, SellCurrency: s.Terms.Legs[0].Currency, BuyBank: s.Terms.Legs[1].Bank, BuyCurrency: s.Terms.Legs[1].Currency,
		RateMantissa: quote.RateMantissa, RateScale: quote.RateScale, Rounding: quote.Rounding, Sold: public.B, Bought: public.A, Nonce: nonce,
	}
	w.Context = commit.RateContext(claim)
	p, err := c.bank.cfg.Prover.Prove(ctx, func(ctx context.Context, keys *proof.Keys) (proof.Proof, error) { return keys.ProveRate(ctx, w) })
	if err != nil {
		return err
	}
	_, err = c.keep(ctx, keptRate, id, wire.TypeRate, &claim, p[:])
	return err
}

func rateOf(q *wire.Quote) (money.Rate, error) {
	sell, err := money.ParseCurrency(q.SellCurrency)
	if err != nil {
		return money.Rate{}, err
	}
	buy, err := money.ParseCurrency(q.BuyCurrency)
	if err != nil {
		return money.Rate{}, err
	}
	return money.NewRate(q.RateMantissa, q.RateScale, buy, sell)
}

// supply proves the supply at a head of this log, or gives the claim that was kept.
func (c *claims) supply(ctx context.Context, head wire.Head) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept, there, err := c.bank.engine.Evidence(ctx, keptSupply, head.Root); err != nil || there {
		c.proven(head, err)
		return kept, err
	}
	b := c.book
	if b.size > head.Size {
		b = newBook(c.bank.engine, c.veil) // an older head: its sums are read anew
	}
	if err := b.read(ctx, head.Size); err != nil {
		return nil, err
	}
	balances := b.balances()
	claim := wire.SupplyClaim{Network: c.bank.cfg.Trust.Network, Bank: c.bank.cfg.ID, Currency: c.currency, Head: head, Block: accountsABlock}
	var err error
	if claim.Nonce, err = randomHash(); err != nil {
		return nil, err
	}
	var sum opening
	for _, o := range balances {
		if o.minor < 0 {
			// After a recovery what the bank owes may stand uncovered for a while. There is nothing to prove before it is covered.
			c.proven(head, nil)
			return nil, refusal.New(commit.CodeAmountOutOfRange, "an account is below zero at this head, so the supply cannot be proven", "ask again at a later head")
		}
		if err := sum.add(o.minor, o.blinding); err != nil {
			return nil, err
		}
	}
	claim.Minor, claim.Blinding = sum.minor, sum.blinding
	blocks := (len(balances) + accountsABlock - 1) / accountsABlock
	proofs := make([][]byte, blocks)
	for i := range blocks {
		w := commit.ReserveWitness{Context: commit.SupplyContext(claim, i, blocks), Size: accountsABlock}
		for _, o := range balances[i*accountsABlock : min(len(balances), (i+1)*accountsABlock)] {
			w.Amounts = append(w.Amounts, uint64(o.minor))
			w.Blindings = append(w.Blindings, o.blinding)
		}
		if w.S, err = commit.AddScalars(w.Blindings...); err != nil {
			return nil, err
		}
		p, err := c.bank.cfg.Prover.Prove(ctx, func(ctx context.Context, keys *proof.Keys) (proof.Proof, error) { return keys.ProveReserve(ctx, w) })
		if err != nil {
			return nil, err
		}
		proofs[i] = p[:]
	}
	kept, err := c.keep(ctx, keptSupply, head.Root, wire.TypeSupply, &claim, proofs...)
	c.proven(head, err)
	return kept, err
}

// proven notes when the newest head so far had its supply proven: an older one puts off nothing.
func (c *claims) proven(head wire.Head, err error) {
	if err == nil && head.Size > c.size {
		c.supplyMS, c.size = c.bank.cfg.Clock(), head.Size
	}
}

// keep signs a claim and stores it with its proofs.
func (c *claims) keep(ctx context.Context, kind string, subject wire.Hash, t wire.PayloadType, claim wire.Document, proofs ...[]byte) ([]byte, error) {
	payload, err := wire.TryEncode(claim)
	if err != nil {
		return nil, err
	}
	envelope, err := c.key.Sign(t, payload)
	if err != nil {
		return nil, err
	}
	proven := wire.Proven{Envelope: envelope, Proofs: proofs}
	kept := engine.Evidence{Kind: kind, Hash: subject, Bytes: proven.Bytes()}
	return kept.Bytes, c.bank.engine.Keep(ctx, kept)
}

// head opens the latest checkpoint; it is zero as long as the log is empty.
func (b *Bank) head() (wire.Head, []byte, error) {
	note := b.engine.Checkpoint()
	if len(note) == 0 {
		return wire.Head{}, nil, nil
	}
	head, err := b.ownHead(note)
	return head, note, err
}

// ownHead opens a checkpoint of this bank's log.
func (b *Bank) ownHead(note []byte) (wire.Head, error) {
	pinned, _ := b.cfg.Trust.Bank(b.cfg.ID)
	head, err := openHead(pinned.LogKey, note)
	return wire.Head{Origin: head.Origin, Size: int64(head.Size), Root: wire.Hash(head.Root)}, err
}

// hashesMost is how many swaps or bills one request names.
const hashesMost = 256

// hashList names swaps or bills.
type hashList struct{ list []wire.Hash }

func (l *hashList) fields(f *wire.Fields) {
	wire.List(f, 1, &l.list, hashesMost, func(f *wire.Fields, h *wire.Hash) { f.Fixed(1, h[:]) })
}

// onRates gives the rate claims of the swaps that an auditor names, those among them that this bank opened.
func (b *Bank) onRates(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	if _, auditor := b.cfg.Trust.Auditor(from.Owner); !auditor {
		return nil, notAllowed(from.Title(), "fetch claims")
	}
	var named hashList
	if err := wire.DecodeFields(body, wire.LimitMessage, named.fields); err != nil {
		return nil, err
	}
	head, _, err := b.head()
	if err != nil {
		return nil, err
	}
	failed := b.claims.rates(ctx, head.Size) // perhaps of another swap
	var found [][]byte
	for _, id := range named.list {
		kept, there, err := b.engine.Evidence(ctx, keptRate, id)
		if err != nil {
			return nil, err
		}
		if there {
			found = append(found, kept)
		} else if failed != nil {
			return nil, failed
		}
	}
	return encodeBlobs(found)
}

// onSupply gives the supply claim at a head of this bank's log: the body is the checkpoint.
func (b *Bank) onSupply(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	if _, auditor := b.cfg.Trust.Auditor(from.Owner); !auditor {
		return nil, notAllowed(from.Title(), "fetch claims")
	}
	head, err := b.ownHead(body)
	if err != nil {
		return nil, err
	}
	if latest, _, err := b.head(); err != nil {
		return nil, err
	} else if head.Size > latest.Size {
		return nil, refusal.Newf(wire.CodeMalformed, "send a head of this log", "a head over %d leaves, the log has %d", head.Size, latest.Size)
	}
	return b.claims.supply(ctx, head)
}
