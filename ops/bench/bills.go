//go:build unix

package bench

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/payment"
	"entente/settlement/swap"
	"entente/zk/commit"
	"entente/zk/proof"
)

// billPress makes bills out of a few proven chunks.
type billPress struct {
	size      int
	statement []proof.BillPublic
	proofs    [][]byte
	totals    []uint64
	blindings []commit.Scalar
}

const proofsShared = 4

func newBillPress(ctx context.Context, keys *proof.Keys, size int) (*billPress, error) {
	p := &billPress{size: size}
	for i := range proofsShared {
		w := fullBill(p.size)
		w.S = commit.DeriveBlinding(commit.Secret{}, "total", [16]byte{}, 1, uint32(i), nil)
		public, err := w.Public()
		if err != nil {
			return nil, err
		}
		made, err := keys.ProveBill(ctx, w)
		if err != nil {
			return nil, err
		}
		var total uint64
		for _, item := range w.Items {
			total += item.Amount
		}
		p.statement, p.proofs = append(p.statement, public), append(p.proofs, made[:])
		p.totals, p.blindings = append(p.totals, total), append(p.blindings, w.S)
	}
	return p, nil
}

// billed is a bill on its way, with the payment of it: bytes as they come from the nations.
type billed struct {
	bill        []byte // wire.ProvenBill
	opening     wire.TotalOpening
	instruction []byte // envelope
	statement   proof.BillPublic
}

// bill makes the i-th bill of one nation against the other, signed by both, and the signed instruction that pays it.
func (b *bank) bill(i, payer, payee int) (billed, error) {
	p, which := b.bills, i%proofsShared
	st := p.statement[which]
	id, nonce := b.id(), b.id()
	w := wire.Bill{
		Network: benchNetwork, ID: id, Revision: 1, Programme: wire.Hash{7}, Creditor: nations[payee%2], Debtor: nations[payer%2], Ledger: benchBank, Currency: benchCurrency,
		CreatedMS: nowMS(), ChunkSize: uint16(p.size), Chunks: []wire.Chunk{{Digest: st.D, Categories: st.C, Total: st.T}},
	}
	copy(w.Nonce[:], nonce[:])
	envelope, err := b.nations[payee%2].Sign(wire.TypeBill, w.Bytes())
	if err == nil {
		err = b.nations[payer%2].CoSign(&envelope)
	}
	if err != nil {
		return billed{}, err
	}
	proven := wire.ProvenBill{Envelope: envelope, Proofs: [][]byte{p.proofs[which]}}
	in := b.instruction(payer, payee, int64(p.totals[which]))
	in.Bills = []wire.Hash{w.Hash()}
	signed, err := b.sign(in, payer)
	return billed{proven.Bytes(), wire.TotalOpening{Bill: in.Bills[0], TotalMinor: in.PayMinor, Blinding: p.blindings[which]}, signed, st}, err
}

// billsAhead is how many bills a second are made before a measurement begins.
const billsAhead = 6_000

// proven measures, from the bytes on, a bill's admission and then its payment; the document of the bill is kept as evidence, as in operation.
func (b *bank) proven(ctx context.Context, s slot, each time.Duration) (sample, error) {
	made := make([]billed, int(billsAhead*each.Seconds()))
	err := ahead(ctx, len(made), func(i int, random *mathrand.Rand) (err error) {
		payer, payee := b.between(s.hot, i, random)
		made[i], err = b.bill(i, payer, payee)
		return err
	})
	if err != nil {
		return sample{}, err
	}
	var next atomic.Int64
	return drive(ctx, s.clients, each, func(int, int, *mathrand.Rand) error {
		i := next.Add(1) - 1
		if i >= int64(len(made)) {
			return errSpent
		}
		if err := b.admit(ctx, &made[i]); err != nil {
			return err
		}
		return b.pay(ctx, &made[i])
	})
}

// between is pair with accounts of two nations.
func (b *bank) between(hot bool, n int, random *mathrand.Rand) (payer, payee int) {
	payer, payee = b.pair(hot, n, random)
	switch {
	case payer%2 != payee%2:
	case hot && payer == 0:
		payee--
	case hot:
		payer--
	default:
		payee ^= 1
	}
	return payer, payee
}

// admit verifies a bill's two signatures and its proof, and has it recorded.
func (b *bank) admit(ctx context.Context, m *billed) error {
	proven, err := wire.ParseProvenBill(m.bill)
	if err != nil {
		return err
	}
	bill, err := b.countersigned(&proven.Envelope)
	if err != nil {
		return err
	}
	if err := b.gate.verify(m.statement, proven.Proofs[0]); err != nil {
		return err
	}
	_, err = b.engine.Submit(ctx, engine.Work{Event: swap.BillProven{Bill: bill, NowMS: nowMS()}, Evidence: []engine.Evidence{{Kind: "bill", Hash: bill.Hash(), Bytes: m.bill}}})
	return err
}

func (b *bank) countersigned(envelope *wire.Envelope) (wire.Bill, error) {
	b.verify <- struct{}{}
	defer func() { <-b.verify }()
	signers, err := envelope.Verify(wire.TypeBill, b.keys)
	if err != nil {
		return wire.Bill{}, err
	}
	if len(signers) != 2 {
		return wire.Bill{}, errors.New("bench: a bill without two signatures")
	}
	return wire.ParseBill(envelope.Payload)
}

func (b *bank) pay(ctx context.Context, m *billed) error {
	in, hash, err := b.verified(m.instruction)
	if err != nil {
		return err
	}
	paid := &payment.Authorised{Instruction: *in, InstructionHash: hash, Openings: []wire.TotalOpening{m.opening}}
	_, err = b.engine.Submit(ctx, engine.Work{Event: swap.PaymentAuthorised{Payment: paid, NowMS: nowMS()}})
	return err
}

// proofGate verifies proofs in batches of whatever came while the batch before was verified.
type proofGate struct {
	verifier *proof.Verifier
	waiting  chan claimed
	group    sync.WaitGroup
}

type claimed struct {
	statement proof.BillPublic
	proof     []byte
	verdict   chan error
}

func newProofGate(keys *proof.Keys, circuit string) (*proofGate, error) {
	verifier, err := keys.Verifier(circuit)
	if err != nil {
		return nil, err
	}
	g := &proofGate{verifier: verifier, waiting: make(chan claimed, 4096)}
	for range cores() {
		g.group.Go(g.run)
	}
	return g, nil
}

func (g *proofGate) close() {
	close(g.waiting)
	g.group.Wait()
}

func (g *proofGate) verify(statement proof.BillPublic, bytes []byte) error {
	c := claimed{statement, bytes, make(chan error, 1)}
	g.waiting <- c
	return <-c.verdict
}

func (g *proofGate) run() {
	for first := range g.waiting {
		claims := []claimed{first}
		for more := true; more && len(claims) < batchSize; {
			select {
			case c, open := <-g.waiting:
				if more = open; open {
					claims = append(claims, c)
				}
			default:
				more = false
			}
		}
		publics, proofs := make([]proof.BillPublic, len(claims)), make([][]byte, len(claims))
		for i, c := range claims {
			publics[i], proofs[i] = c.statement, c.proof
		}
		for i, err := range g.verifier.VerifyBillBatch(publics, proofs) {
			claims[i].verdict <- err
		}
	}
}

// prove keeps a pool's workers busy until what it gives is called, which tells how many proofs were made.
func (b *ledgerBench) prove(ctx context.Context) (stop func() (int, error)) {
	ctx, cancel := context.WithCancel(ctx)
	pool := proof.NewPool(b.keys, 0)
	pool.GiveWay(b.bank.engine.Busy)
	w := fullBill(b.plan.beside)
	var (
		group sync.WaitGroup
		made  atomic.Int64
	)
	errs := make([]error, pool.Workers())
	for i := range errs {
		group.Go(func() {
			for errs[i] == nil {
				_, errs[i] = pool.Prove(ctx, func(ctx context.Context, keys *proof.Keys) (proof.Proof, error) { return keys.ProveBill(ctx, w) })
				if errs[i] == nil {
					made.Add(1)
				} else if ctx.Err() != nil {
					errs[i] = nil
					return
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond) // until all are at work
	return func() (int, error) {
		cancel()
		group.Wait()
		return int(made.Load()), errors.Join(errs...)
	}
}

func cores() int { return runtime.GOMAXPROCS(0) }
