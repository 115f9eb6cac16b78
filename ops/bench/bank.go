//go:build unix

package bench

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"entente/ops/pgserver"
	"entente/schema/migrations"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/postgres"
	"entente/settlement/swap"
	"entente/wallet"
	"entente/zk/proof"
	"entente/zk/transcript"
)

const (
	benchNetwork  = "bench"
	benchBank     = "bench-bank"
	benchCurrency = "JPY"
	benchOrigin   = "bench.bank/JPY"
	balanceMinor  = 1 << 40 // of every account at first: more than a run can spend
)

// nations own the accounts in turns.
var nations = [2]string{"AUS", "JPN"}

// bank is a bank's ledger under load: engine and store as they serve in operation, without the carrier in front of them.
type bank struct {
	engine   *engine.Engine
	keys     ring
	users    [2]*wallet.Signer // of the nations, who sign instructions
	nations  [2]*wallet.Signer // who sign bills
	accounts int
	bills    *billPress
	gate     *proofGate
	serial   atomic.Uint64 // makes ids
	verify   chan struct{} // room for as many verifications at once as there are cores
}

// ring finds pinned keys.
type ring map[wire.Hash]wire.Key

// Key implements wire.Keyring.
func (r ring) Key(id wire.Hash) (wire.Key, bool) {
	k, ok := r[id]
	return k, ok
}

func newBank(ctx context.Context, server *pgserver.Server, proofKeys *proof.Keys, plan ledgerPlan) (_ *bank, err error) {
	b := &bank{keys: ring{}, accounts: plan.accounts, verify: make(chan struct{}, max(1, cores()))}
	if b.engine, err = openEngine(ctx, server); err != nil {
		return nil, err
	}
	for i, nation := range nations {
		if b.users[i], err = b.signer(nation, wire.PurposeUser); err == nil {
			b.nations[i], err = b.signer(nation, wire.PurposeNation)
		}
		if err != nil {
			return nil, errors.Join(err, b.engine.Close())
		}
	}
	b.bills, err = newBillPress(ctx, proofKeys, plan.bill)
	if err == nil {
		b.gate, err = newProofGate(proofKeys, proof.BillName(plan.bill))
	}
	if err == nil {
		err = b.furnish(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bank) close() error {
	if b.gate != nil {
		b.gate.close()
	}
	return b.engine.Close()
}

func (b *bank) signer(owner string, purpose wire.Purpose) (*wallet.Signer, error) {
	s, err := wallet.NewSigner(owner, owner, purpose, 1, rand.Reader)
	if err != nil {
		return nil, err
	}
	key := s.Key()
	b.keys[key.ID()] = key
	return s, nil
}

func openEngine(ctx context.Context, server *pgserver.Server) (*engine.Engine, error) {
	swapKey, err := wallet.NewSigner(benchBank, benchBank, wire.PurposeSwap, 1, rand.Reader)
	if err != nil {
		return nil, err
	}
	head, err := wallet.NewSigner(benchBank, "log", wire.PurposeCheckpoint, 1, rand.Reader)
	if err != nil {
		return nil, err
	}
	log, err := transcript.NewSigner(benchOrigin, head.Private())
	if err != nil {
		return nil, err
	}
	var veil engine.Veil
	for _, secret := range []*[32]byte{(*[32]byte)(&veil.Blinding), &veil.Tags, &veil.Salt} {
		if _, err := rand.Read(secret[:]); err != nil {
			return nil, err
		}
	}
	if err := server.CreateDatabase(ctx, "ledger"); err != nil {
		return nil, err
	}
	owner, url := server.OwnerURL("ledger"), server.AppURL("ledger")
	if err := errors.Join(postgres.Migrate(ctx, owner, migrations.Bank), postgres.Admit(ctx, owner, url)); err != nil {
		return nil, err
	}
	store, err := postgres.Open(ctx, url, benchBank)
	if err != nil {
		return nil, err
	}
	return engine.Open(ctx, engine.Config{
		Machine: swap.New(benchNetwork, benchBank, benchCurrency, 1), Store: store, Veil: veil, Swap: swapKey, Checkpoint: log, Origin: benchOrigin,
		Clock: nowMS, Deliver: func([]engine.Message) {},
	})
}

func nowMS() int64 { return time.Now().UnixMilli() }

// furnish opens the accounts and gives each its first balance.
func (b *bank) furnish(ctx context.Context) error {
	orders := func(n int, order func(i int) wire.Order) error {
		var next atomic.Int64
		_, err := drive(ctx, min(n, 512), time.Hour, func(int, int, *mathrand.Rand) error {
			i := int(next.Add(1)) - 1
			if i >= n {
				return errSpent
			}
			return b.order(ctx, order(i))
		})
		return err
	}
	err := b.order(ctx, wire.Order{Kind: wire.OrderOpen, Account: "ISSUANCE", Owner: benchBank, As: wire.AccountIssuance})
	if err == nil {
		err = orders(b.accounts, func(i int) wire.Order {
			return wire.Order{Kind: wire.OrderOpen, Account: accountID(i), Owner: nations[i%2], As: wire.AccountDesk}
		})
	}
	if err == nil {
		err = orders(b.accounts, func(i int) wire.Order {
			return wire.Order{Kind: wire.OrderIssue, Account: accountID(i), Minor: balanceMinor, Reserve: fmt.Sprintf("RTGS-%d", i)}
		})
	}
	if err != nil {
		return fmt.Errorf("bench: open the accounts: %w", err)
	}
	return nil
}

func accountID(i int) string { return fmt.Sprintf("DESK-%05d", i) }

func (b *bank) order(ctx context.Context, o wire.Order) error {
	o.Network, o.Bank, o.AtMS, o.Key, o.Reason = benchNetwork, benchBank, nowMS(), b.id(), "bench"
	operator := func(name string) wire.Key {
		return wire.Key{Owner: benchBank, Name: name, Purpose: wire.PurposeOperator}
	}
	_, err := b.engine.Submit(ctx, engine.Work{Event: swap.OrderGiven{Order: o, Cause: o.Hash(), Signers: []wire.Key{operator("asha"), operator("ben")}, NowMS: nowMS()}})
	return err
}

// id gives an identifier that was never given before.
func (b *bank) id() wire.ID {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[8:], b.serial.Add(1))
	return wire.NewUUID(raw)
}

// size gives the number of entries.
func (b *bank) size(ctx context.Context) (n int64, err error) {
	err = b.engine.View(ctx, func(m *swap.Machine) { n = m.Ledger().Size() })
	return n, err
}

// pair draws the accounts of a transfer. The hot one is in every transfer, and pays and is paid in turns.
func (b *bank) pair(hot bool, n int, random *mathrand.Rand) (payer, payee int) {
	if !hot {
		return twoOf(random, b.accounts)
	}
	other := 1 + random.IntN(b.accounts-1)
	if n%2 == 0 {
		return 0, other
	}
	return other, 0
}

// instruction is a transfer between two accounts.
func (b *bank) instruction(payer, payee int, minor int64) *wire.Instruction {
	now := nowMS()
	return &wire.Instruction{
		Network: benchNetwork, ID: b.id(), UETR: b.id(), Payer: nations[payer%2], PayerBank: benchBank, PayerAccount: accountID(payer), DebitCurrency: benchCurrency,
		MaxDebitMinor: minor, Payee: nations[payee%2], PayeeBank: benchBank, PayeeAccount: accountID(payee), PayCurrency: benchCurrency, PayMinor: minor,
		CreatedMS: now, DeadlineMS: now + 3_600_000,
	}
}

func (b *bank) sample(ctx context.Context, s slot, each time.Duration) (sample, error) {
	switch s.row {
	case RowSigned:
		return b.signed(ctx, s, each)
	case RowProven:
		return b.proven(ctx, s, each)
	}
	return drive(ctx, s.clients, each, func(_, n int, random *mathrand.Rand) error {
		payer, payee := b.pair(s.hot, n, random)
		in := b.instruction(payer, payee, 1)
		return b.transfer(ctx, in, in.Hash())
	})
}

func (b *bank) transfer(ctx context.Context, in *wire.Instruction, hash wire.Hash) error {
	_, err := b.engine.Submit(ctx, engine.Work{Event: swap.TransferAuthorised{Instruction: in, InstructionHash: hash, NowMS: nowMS()}})
	return err
}

// signedAhead is how many instructions a second are signed before a measurement begins: what clients do on machines of their own.
const signedAhead = 40_000

// signed measures transfers from the envelope's bytes on.
func (b *bank) signed(ctx context.Context, s slot, each time.Duration) (sample, error) {
	envelopes := make([][]byte, int(signedAhead*each.Seconds()))
	err := ahead(ctx, len(envelopes), func(i int, random *mathrand.Rand) (err error) {
		payer, payee := b.pair(s.hot, i, random)
		envelopes[i], err = b.sign(b.instruction(payer, payee, 1), payer)
		return err
	})
	if err != nil {
		return sample{}, err
	}
	var next atomic.Int64
	return drive(ctx, s.clients, each, func(int, int, *mathrand.Rand) error {
		i := next.Add(1) - 1
		if i >= int64(len(envelopes)) {
			return errSpent
		}
		in, hash, err := b.verified(envelopes[i])
		if err != nil {
			return err
		}
		return b.transfer(ctx, in, hash)
	})
}

func (b *bank) sign(in *wire.Instruction, payer int) ([]byte, error) {
	envelope, err := b.users[payer%2].Sign(wire.TypeInstruction, in.Bytes())
	return envelope.Bytes(), err
}

// verified is what a bank does with the bytes of an instruction. Verifications wait for a core, so that the writer never waits behind many of them.
func (b *bank) verified(bytes []byte) (*wire.Instruction, wire.Hash, error) {
	b.verify <- struct{}{}
	defer func() { <-b.verify }()
	envelope, err := wire.ParseEnvelope(bytes, wire.LimitMessage)
	if err != nil {
		return nil, wire.Hash{}, err
	}
	signers, err := envelope.Verify(wire.TypeInstruction, b.keys)
	if err != nil {
		return nil, wire.Hash{}, err
	}
	var in wire.Instruction
	if err := wire.Decode(envelope.Payload, wire.LimitMessage, &in); err != nil {
		return nil, wire.Hash{}, err
	}
	if len(signers) != 1 || signers[0].Owner != in.Payer {
		return nil, wire.Hash{}, fmt.Errorf("bench: an instruction of %s that others signed", in.Payer)
	}
	return &in, envelope.Hash(), nil
}

// ahead makes n things on all cores.
func ahead(ctx context.Context, n int, one func(i int, random *mathrand.Rand) error) error {
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, cores())
	for c := range errs {
		group.Go(func() {
			random := mathrand.New(mathrand.NewPCG(mathrand.Uint64(), uint64(c)))
			for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil && errs[c] == nil; i = next.Add(1) - 1 {
				errs[c] = one(int(i), random)
			}
		})
	}
	group.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}
