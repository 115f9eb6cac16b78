package node

import (
	"bytes"
	"context"
	"crypto/sha256"

	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
	"entente/zk/transcript"
)

// Subjects a desk answers, to auditors.
const (
	SubjectCharter   = "charter"   // members and category names of its programme, signed
	SubjectStatement = "statement" // proven totals of all its bills under a log head
	SubjectBudget    = "budget"    // proof that what it is billed keeps within its budget
	SubjectClosing   = "closing"   // proofs that the cost of shared categories was divided as agreed
)

// DeskCircuits names the circuits a desk proves with that makes chunks of so many items.
func DeskCircuits(chunkSize int) []string {
	return []string{proof.BillName(chunkSize), proof.Totals, proof.Budget, proof.Share}
}

func (d *Desk) auditor(from wire.Key) error {
	if _, ok := d.cfg.Trust.Auditor(from.Owner); !ok {
		return notAllowed(from.Title(), "ask for audit statements")
	}
	return nil
}

// onCharter signs what the programme's tag stands for, and what its members agreed that may be checked. Every member signs the same bytes; the auditor joins
// the signatures.
func (d *Desk) onCharter(_ context.Context, from wire.Key, _ []byte) ([]byte, error) {
	if err := d.auditor(from); err != nil {
		return nil, err
	}
	payload, err := wire.TryEncode(d.charter())
	if err != nil {
		return nil, err
	}
	envelope, err := d.nation.Sign(wire.TypeCharter, payload)
	if err != nil {
		return nil, err
	}
	return envelope.Bytes(), nil
}

// charter writes the agreement as auditors see it. It follows from the agreement alone, so that all members write the same bytes.
func (d *Desk) charter() *wire.Charter {
	a := d.cfg.Agreement
	c := &wire.Charter{Network: d.cfg.Trust.Network, Programme: d.programme, Name: a.Name, Agreement: sha256.Sum256(d.cfg.Sheet)}
	for _, m := range a.Members {
		c.Members = append(c.Members, string(m.Nation))
	}
	for _, category := range a.Categories {
		named := wire.CharterCategory{Code: category.Code}
		for _, share := range category.Formula.Shares {
			named.Shares = append(named.Shares, uint32(share))
		}
		c.Categories = append(c.Categories, named)
	}
	c.Budgets = budgets(a)
	return c
}

// head opens the log head that an auditor sent, of whichever bank it is.
func (d *Desk) head(note []byte) (trust.Bank, wire.Head, error) {
	origin, _, _ := bytes.Cut(note, []byte("\n"))
	for _, bank := range d.cfg.Trust.Banks {
		if bank.LogOrigin == string(origin) {
			head, err := openHead(bank.LogKey, note)
			return bank, wire.Head{Origin: head.Origin, Size: int64(head.Size), Root: wire.Hash(head.Root)}, err
		}
	}
	return trust.Bank{}, wire.Head{}, refusal.Newf(wire.CodeWrongRecipient, "send the head of a bank of this network", "a head of log %.80q", origin)
}

// onStatement proves the totals by category of all bills this nation is owed that are leaves under a signed log head. A desk without bills under that head answers with nothing.
func (d *Desk) onStatement(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	asked, bank, head, err := d.claimAsked(from, body)
	if err != nil {
		return nil, err
	}
	nonce, err := randomHash()
	if err != nil {
		return nil, err
	}
	s := wire.Statement{Network: d.cfg.Trust.Network, Programme: d.programme, Creditor: d.cfg.Nation, Ledger: bank.ID, Currency: bank.Currency,
		Origin: head.Origin, Size: head.Size, Root: head.Root, Nonce: nonce, Mask: uint16(1<<len(d.cfg.Agreement.Categories) - 1)}
	bills, err := d.named(bank.ID, head.Size, asked.bills, func(b *DeskBill) bool { return b.Bill.Creditor == d.cfg.Nation })
	if err != nil {
		return nil, err
	}
	opened, err := addUp(bills)
	if err != nil || opened.bills == 0 {
		return nil, err
	}
	w := commit.TotalsWitness{Totals: opened.totals, R: opened.blinding, Mask: s.Mask}
	public, err := w.Public()
	if err != nil {
		return nil, err
	}
	s.Sum = public.C
	for k, t := range public.Shown {
		if s.Shown[k], err = wire.NewTotal96(t.Big()); err != nil {
			return nil, err
		}
	}
	w.Context = commit.StatementContext(s)
	p, err := d.cfg.Prover.Prove(ctx, func(ctx context.Context, keys *proof.Keys) (proof.Proof, error) { return keys.ProveTotals(ctx, w) })
	if err != nil {
		return nil, err
	}
	payload, err := wire.TryEncode(&s)
	if err != nil {
		return nil, err
	}
	envelope, err := d.nation.Sign(wire.TypeStatement, payload)
	if err != nil {
		return nil, err
	}
	proven := wire.ProvenStatement{Envelope: envelope, Proof: p[:]}
	return proven.Bytes(), nil
}

// opened is what the summed category commitments of some bills hold.
type opened struct {
	bills    int
	totals   commit.Totals
	blinding commit.Scalar
}

// addUp adds the openings of bills.
func addUp(bills []DeskBill) (opened, error) {
	sum := opened{bills: len(bills)}
	var blindings []commit.Scalar
	for _, b := range bills {
		for i := range b.chunks {
			items, err := b.chunks[i].items()
			if err != nil {
				return sum, err
			}
			sums, err := commit.SumItems(items)
			if err != nil {
				return sum, err
			}
			if sum.totals, err = sum.totals.Add(sums); err != nil {
				return sum, err
			}
			blindings = append(blindings, b.chunks[i].r)
		}
	}
	var err error
	sum.blinding, err = commit.AddScalars(blindings...)
	return sum, err
}

func openHead(vkey string, note []byte) (transcript.Checkpoint, error) {
	key, err := transcript.ParseVerifierKey(vkey)
	if err != nil {
		return transcript.Checkpoint{}, err
	}
	head, _, err := transcript.Open(note, key)
	return head, err
}
