package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
)

// bill makes, proves and keeps a countersigned bill over n items, and one in category 4 for each shared cost.
func (w *world) bill(id string, revision uint32, creditor, debtor string, n int, shared ...uint64) *madeBill {
	w.t.Helper()
	own := n
	n += len(shared)
	home, _ := w.network.Member(creditor)
	bank, _ := w.network.Bank(home.Bank)
	name := sha256.Sum256([]byte(id))
	b := &madeBill{
		Bill: wire.Bill{Network: w.network.Network, ID: wire.ID(name[:16]), Revision: revision, Programme: programmeTag, Creditor: creditor, Debtor: debtor,
			Ledger: bank.ID, Currency: bank.Currency, CreatedMS: noon, Nonce: wire.Hash{byte(revision)}, ChunkSize: 16, Chunks: make([]wire.Chunk, (n+15)/16)},
		signers: []string{creditor, debtor},
	}
	items := make([]commit.Item, n)
	secret := commit.Secret{1}
	for i := range items {
		items[i] = commit.Item{Amount: uint64(1000*len(id) + 77*i), Category: uint8(i % 4), Details: sha256.Sum256(fmt.Append(nil, id, i)),
			Salt: commit.DeriveSalt(secret, b.ID, revision, uint32(i/16), uint32(i%16), fmt.Append(nil, i))}
		if i >= own {
			items[i].Amount, items[i].Category = shared[i-own], 4
		}
	}
	for i := range b.Chunks {
		chunk := uint32(i)
		b.witnesses = append(b.witnesses, commit.BillWitness{Context: commit.BillContext(b.Bill, i), Size: 16, Items: items[16*i : min(n, 16*(i+1))],
			R: commit.DeriveBlinding(secret, "sums", b.ID, revision, chunk, nil), S: commit.DeriveBlinding(secret, "total", b.ID, revision, chunk, nil)})
	}
	w.commit(b)
	w.bills = append(w.bills, b)
	return b
}

// commit fills the bill's chunks from its witnesses and proves them.
func (w *world) commit(b *madeBill) {
	w.t.Helper()
	b.proofs = nil
	for i, witness := range b.witnesses {
		public, err := witness.Public()
		if err != nil {
			w.t.Fatal(err)
		}
		b.Chunks[i] = wire.Chunk{Digest: public.D, Categories: public.C, Total: public.T}
		b.proofs = append(b.proofs, prove(w.t, public.D, func(keys *proof.Keys) (proof.Proof, error) { return keys.ProveBill(context.Background(), witness) }))
	}
	total := opening{}
	for _, witness := range b.witnesses {
		sums, err := commit.SumItems(witness.Items)
		if err != nil {
			w.t.Fatal(err)
		}
		minor, err := sums.Total()
		if err != nil {
			w.t.Fatal(err)
		}
		total = total.add(w.t, opening{minor, witness.S})
	}
	w.openings[commit.Point(b.total())] = total
}

func (w *world) envelope(b *madeBill) wire.Envelope {
	return w.sign(wire.TypeBill, b.Bytes(), wire.PurposeNation, b.signers...)
}

func (b *madeBill) total() []byte {
	var sum commit.Sum
	for _, c := range b.Chunks {
		mustAdd(&sum, c.Total)
	}
	p := sum.Point()
	return p[:]
}

func reference(name string) wire.Hash { return sha256.Sum256([]byte(name)) }

func billLeaf(b *madeBill) wire.Leaf {
	return wire.Leaf{Kind: wire.LeafBill, Reference: b.Hash(), Programme: b.Programme, Chunks: b.Chunks}
}

func paying(kind wire.LeafKind, ref string, b *madeBill) wire.Leaf {
	return moved(wire.Leaf{Kind: kind, Reference: reference(ref), Amount: b.total(), Bills: []wire.Hash{b.Hash()}})
}

func (w *world) moving(kind wire.LeafKind, ref string, minor uint64) wire.Leaf {
	s := commit.DeriveBlinding(commit.Secret{2}, "leg", wire.ID{}, 0, 0, commit.AmountBytes(minor))
	p, err := commit.CommitAmount(minor, s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.openings[p] = opening{minor, s}
	return moved(wire.Leaf{Kind: kind, Reference: reference(ref), Amount: p[:]})
}

// supplied leaves only supply claims of some banks, where a changed log would make all others be proven again.
func (w *world) supplied(banks ...string) {
	w.partial, w.budgets, w.shares, w.rates = true, nil, nil, nil
	w.supplies = slices.DeleteFunc(w.supplies, func(m *madeSupply) bool { return !slices.Contains(banks, m.bank) })
}

// account gives an account's tag.
func account(name string) wire.Hash { return sha256.Sum256([]byte("account " + name)) }

// moved fills in the accounts that leaves of a kind usually move money between.
func moved(l wire.Leaf) wire.Leaf {
	l.Debit, l.Credit = account("payer"), account("payee")
	switch l.Kind {
	case wire.LeafIssue:
		l.Debit, l.Credit = account("issuance"), account("payer")
	case wire.LeafRedeem:
		l.Credit = account("issuance")
	case wire.LeafRelease:
		l.Debit = account("suspense")
	}
	return l
}

func to(name string, l wire.Leaf) wire.Leaf {
	l.Credit = account(name)
	return l
}

// totals adds the openings of bills' category commitments.
func (w *world) totals(bills []*madeBill) (totals commit.Totals, r commit.Scalar) {
	w.t.Helper()
	var blindings []commit.Scalar
	for _, b := range bills {
		for _, chunk := range b.witnesses {
			sums, err := commit.SumItems(chunk.Items)
			if err != nil {
				w.t.Fatal(err)
			}
			if totals, err = totals.Add(sums); err != nil {
				w.t.Fatal(err)
			}
			blindings = append(blindings, chunk.R)
		}
	}
	r, err := commit.AddScalars(blindings...)
	if err != nil {
		w.t.Fatal(err)
	}
	return totals, r
}

// amend changes a bill that is in the world already, proves it anew, and changes the logs to match.
func (w *world) amend(b *madeBill, change func(*wire.Bill)) {
	w.t.Helper()
	old := b.Hash()
	b.Chunks = slices.Clone(b.Chunks)
	change(&b.Bill)
	for i := range b.witnesses {
		b.witnesses[i].Context = commit.BillContext(b.Bill, i)
	}
	w.commit(b)
	for _, leaves := range w.logs {
		for i := range leaves {
			if leaves[i].Reference == old {
				leaves[i].Reference, leaves[i].Programme, leaves[i].Chunks = b.Hash(), b.Programme, b.Chunks
			}
			for j := range leaves[i].Bills {
				if leaves[i].Bills[j] == old {
					leaves[i].Bills[j] = b.Hash()
				}
			}
		}
	}
}
