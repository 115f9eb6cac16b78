//go:build unix

package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"entente/ops/pgserver"
	"entente/schema/migrations"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/payment"
	"entente/settlement/postgres"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/commit"
	"entente/zk/transcript"
)

const peerBank = "peer-bank"

// archive is a bank's stored ledger with rows in every table, and what it takes to check it.
type archive struct {
	owner    string // address
	identity engine.Identity
	veil     engine.Veil
	log      note.Verifier
	swapKey  *wallet.Signer
	signer   note.Signer
	url      string

	engine *engine.Engine // while it is written
}

func (a *archive) checker() *engine.Checker {
	return engine.NewChecker(a.veil, benchBank, benchCurrency, benchOrigin, a.log, true)
}

// newArchive writes a ledger and closes it.
func newArchive(ctx context.Context, server *pgserver.Server, name string) (_ *archive, err error) {
	a := &archive{identity: engine.Identity{Network: benchNetwork, Bank: benchBank, Currency: benchCurrency, Origin: benchOrigin}}
	if err := a.secrets(); err != nil {
		return nil, err
	}
	if err := server.CreateDatabase(ctx, name); err != nil {
		return nil, err
	}
	a.owner, a.url = server.OwnerURL(name), server.AppURL(name)
	if err := errors.Join(postgres.Migrate(ctx, a.owner, migrations.Bank), postgres.Admit(ctx, a.owner, a.url)); err != nil {
		return nil, err
	}
	if err := a.open(ctx); err != nil {
		return nil, err
	}
	err = a.write(ctx)
	return a, errors.Join(err, a.engine.Close())
}

func (a *archive) secrets() (err error) {
	if a.swapKey, err = wallet.NewSigner(benchBank, benchBank, wire.PurposeSwap, 1, rand.Reader); err != nil {
		return err
	}
	head, err := wallet.NewSigner(benchBank, "log", wire.PurposeCheckpoint, 1, rand.Reader)
	if err != nil {
		return err
	}
	if a.signer, err = transcript.NewSigner(benchOrigin, head.Private()); err != nil {
		return err
	}
	if a.log, err = transcript.ParseVerifierKey(transcript.VerifierKey(benchOrigin, head.Key().Public)); err != nil {
		return err
	}
	a.veil, err = newVeil()
	return err
}

func newVeil() (veil engine.Veil, err error) {
	for _, secret := range []*[32]byte{(*[32]byte)(&veil.Blinding), &veil.Tags, &veil.Salt} {
		if _, err := rand.Read(secret[:]); err != nil {
			return veil, err
		}
	}
	return veil, nil
}

func (a *archive) open(ctx context.Context) error {
	store, err := postgres.Open(ctx, a.url, benchBank)
	if err != nil {
		return err
	}
	machine := swap.New(benchNetwork, benchBank, benchCurrency, 1)
	machine.Know(swap.Peer{Bank: peerBank})
	a.engine, err = engine.Open(ctx, engine.Config{
		Machine: machine, Store: store, Veil: a.veil, Swap: a.swapKey, Checkpoint: a.signer, Origin: benchOrigin,
		Clock: nowMS, Deliver: func([]engine.Message) {},
	})
	return err
}

// give hands in an event with a document.
func (a *archive) give(ctx context.Context, event swap.Event, kind string, hash wire.Hash) (engine.Result, error) {
	return a.engine.Submit(ctx, engine.Work{Event: event, Evidence: []engine.Evidence{{Kind: kind, Hash: hash, Bytes: append([]byte("document "), hash[:]...)}}})
}

func (a *archive) order(ctx context.Context, o wire.Order) (engine.Result, error) {
	o.Network, o.Bank, o.AtMS, o.Key, o.Reason = benchNetwork, benchBank, nowMS(), randomID(), "bench"
	if o.Kind == wire.OrderIssue {
		o.Reserve = fmt.Sprintf("RTGS-%x", o.Key[:12])
	}
	operator := func(name string) wire.Key {
		return wire.Key{Owner: benchBank, Name: name, Purpose: wire.PurposeOperator}
	}
	return a.give(ctx, swap.OrderGiven{Order: o, Cause: o.Hash(), Signers: []wire.Key{operator("asha"), operator("ben")}, NowMS: nowMS()}, "order", o.Hash())
}

func randomID() wire.ID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return wire.NewUUID(b)
}

func randomHash() (h [32]byte) {
	_, _ = rand.Read(h[:]) // never fails
	return h
}

// write makes a little of everything: accounts, money, transfers, holds, bills paid and unpaid, an undone payment, swaps open and aborted, refusals.
func (a *archive) write(ctx context.Context) error {
	for _, o := range []wire.Order{
		{Kind: wire.OrderOpen, Account: "ISSUANCE", Owner: benchBank, As: wire.AccountIssuance},
		{Kind: wire.OrderOpen, Account: "SUSPENSE", Owner: benchBank, As: wire.AccountSuspense},
		{Kind: wire.OrderOpen, Account: "DESK-AUS", Owner: "AUS", As: wire.AccountDesk},
		{Kind: wire.OrderOpen, Account: "DESK-JPN", Owner: "JPN", As: wire.AccountDesk},
		{Kind: wire.OrderOpen, Account: "LP-JPY", Owner: "lp", As: wire.AccountProvider},
		{Kind: wire.OrderIssue, Account: "DESK-AUS", Minor: balanceMinor},
		{Kind: wire.OrderIssue, Account: "DESK-JPN", Minor: balanceMinor},
		{Kind: wire.OrderLimit, Account: "DESK-JPN", PerDay: balanceMinor},
		{Kind: wire.OrderHold, Account: "DESK-AUS", Payee: "LP-JPY", Minor: 70},
	} {
		if _, err := a.order(ctx, o); err != nil {
			return fmt.Errorf("bench: %s: %w", o.Kind, err)
		}
	}
	if _, err := a.order(ctx, wire.Order{Kind: wire.OrderIssue, Account: "NOBODY", Minor: 1}); refusal.CodeOf(err) == "" {
		return fmt.Errorf("bench: an order about nobody's account: %w", err)
	}
	if err := a.transfers(ctx, 260); err != nil {
		return err
	}
	for i := range 4 {
		if err := a.bill(ctx, i); err != nil {
			return err
		}
	}
	for i := range 3 {
		if err := a.propose(ctx, i == 0); err != nil {
			return err
		}
	}
	return a.engine.Keep(ctx, engine.Evidence{Kind: "supply", Hash: randomHash(), Bytes: []byte("a proof made afterwards")})
}

func (a *archive) transfers(ctx context.Context, n int) error {
	var group sync.WaitGroup
	errs := make([]error, 8)
	for c := range errs {
		group.Go(func() {
			for range n / len(errs) {
				in := a.instruction("AUS", "JPN", benchBank, 5)
				if _, err := a.give(ctx, swap.TransferAuthorised{Instruction: &in, InstructionHash: in.Hash(), NowMS: nowMS()}, "instruction", in.Hash()); err != nil {
					errs[c] = err
					return
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (a *archive) instruction(payer, payee, at string, minor int64) wire.Instruction {
	return wire.Instruction{
		Network: benchNetwork, ID: randomID(), UETR: randomID(), Payer: payer, PayerBank: benchBank, PayerAccount: "DESK-" + payer, DebitCurrency: benchCurrency,
		MaxDebitMinor: minor, Payee: payee, PayeeBank: at, PayeeAccount: "DESK-" + payee, PayCurrency: benchCurrency, PayMinor: minor,
		CreatedMS: nowMS(), DeadlineMS: nowMS() + 3_600_000,
	}
}

func claimOf(ledger, currency string, minor int64) (wire.Bill, wire.TotalOpening, error) {
	blinding := commit.DeriveBlinding(commit.Secret(randomHash()), "total", randomID(), 1, 0, nil)
	total, err := commit.CommitAmount(uint64(minor), blinding)
	digest := randomHash()
	digest[0] = 0
	b := wire.Bill{
		Network: benchNetwork, ID: randomID(), Revision: 1, Programme: wire.Hash{7}, Creditor: "JPN", Debtor: "AUS", Ledger: ledger, Currency: currency,
		CreatedMS: nowMS(), Nonce: randomHash(), ChunkSize: 16, Chunks: []wire.Chunk{{Digest: digest, Categories: commit.Identity(), Total: total}},
	}
	return b, wire.TotalOpening{Bill: b.Hash(), TotalMinor: minor, Blinding: blinding}, err
}

// bill records a bill; the second and later are paid, the last twice, since its first payment is undone.
func (a *archive) bill(ctx context.Context, i int) error {
	b, opening, err := claimOf(benchBank, benchCurrency, 40)
	if err != nil {
		return err
	}
	if _, err := a.give(ctx, swap.BillProven{Bill: b, NowMS: nowMS()}, "bill", b.Hash()); err != nil {
		return fmt.Errorf("bench: a bill: %w", err)
	}
	for round := range []int{0, 1, 1, 2}[i] {
		in := a.instruction("AUS", "JPN", benchBank, 40)
		in.Bills = []wire.Hash{opening.Bill}
		paid, err := a.give(ctx, swap.PaymentAuthorised{Payment: &payment.Authorised{Instruction: in, InstructionHash: in.Hash(), Openings: []wire.TotalOpening{opening}}, NowMS: nowMS()}, "instruction", in.Hash())
		if err != nil {
			return fmt.Errorf("bench: a payment: %w", err)
		}
		if i == 3 && round == 0 {
			if _, err := a.order(ctx, wire.Order{Kind: wire.OrderReverse, Entry: paid.Entries[0].Seq}); err != nil {
				return fmt.Errorf("bench: a reversal: %w", err)
			}
		}
	}
	return nil
}

// propose begins a swap that the other bank never answers, and may cancel it.
func (a *archive) propose(ctx context.Context, cancel bool) error {
	_, opening, err := claimOf(peerBank, "AUD", 40)
	if err != nil {
		return err
	}
	in := a.instruction("AUS", "JPN", peerBank, 90)
	in.PayCurrency, in.PayMinor, in.Bills = "AUD", 40, []wire.Hash{opening.Bill}
	q := wire.Quote{
		Network: benchNetwork, ID: randomID(), Provider: "lp", SellCurrency: benchCurrency, BuyCurrency: "AUD", RateMantissa: 1, LeastMinor: 1, MostMinor: 40,
		SellBank: benchBank, SellAccount: "LP-JPY", BuyBank: peerBank, BuyAccount: "LP-AUD", CreatedMS: nowMS(), ExpiresMS: nowMS() + 3_600_000,
	}
	p := &payment.Authorised{
		Instruction: in, InstructionHash: in.Hash(), Quote: &q, QuoteHash: q.Hash(), Openings: []wire.TotalOpening{opening},
		Acceptance: &wire.Acceptance{Network: benchNetwork, Quote: q.Hash(), Instruction: in.Hash(), SellMinor: 90, BuyMinor: 40, AtMS: nowMS()},
	}
	if _, err := a.give(ctx, swap.PaymentAuthorised{Payment: p, Package: append([]byte("package "), in.ID[:]...), Nonce: randomID(), NowMS: nowMS()}, "instruction", in.Hash()); err != nil {
		return fmt.Errorf("bench: a swap: %w", err)
	}
	if !cancel {
		return nil
	}
	if _, err := a.engine.Submit(ctx, engine.Work{Event: swap.CancelAsked{Instruction: in.Hash(), NowMS: nowMS()}}); err != nil {
		return fmt.Errorf("bench: a cancellation: %w", err)
	}
	return nil
}
