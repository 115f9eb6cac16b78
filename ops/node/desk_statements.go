package node

import (
	"context"
	"crypto/sha256"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/transcript"
)

// Subjects a desk answers, to auditors.
const (
	SubjectCharter   = "charter"   // members and category names of its programme, signed
	SubjectStatement = "statement" // proven totals of all its bills under a log head
)

func (d *Desk) auditor(from wire.Key) error {
	if _, ok := d.cfg.Trust.Auditor(from.Owner); !ok {
		return notAllowed(from.Title(), "ask for audit statements")
	}
	return nil
}

// onCharter signs what the programme's tag stands for. Every member signs the same bytes; the auditor joins the signatures.
func (d *Desk) onCharter(_ context.Context, from wire.Key, _ []byte) ([]byte, error) {
	if err := d.auditor(from); err != nil {
		return nil, err
	}
	a := d.cfg.Agreement
	c := wire.Charter{Network: d.cfg.Trust.Network, Programme: d.programme, Name: a.Name, Agreement: sha256.Sum256(d.cfg.Sheet)}
	for _, m := range a.Members {
		c.Members = append(c.Members, string(m.Nation))
	}
	for _, category := range a.Categories {
		c.Categories = append(c.Categories, wire.CharterCategory{Code: category.Code})
	}
	payload, err := wire.TryEncode(&c)
	if err != nil {
		return nil, err
	}
	envelope, err := d.nation.Sign(wire.TypeCharter, payload)
	if err != nil {
		return nil, err
	}
	return envelope.Bytes(), nil
}

// onStatement proves the totals by category of all bills this nation is owed that are leaves under a signed log head. The body is the checkpoint.
// A desk without bills under that head answers with nothing.
func (d *Desk) onStatement(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	if err := d.auditor(from); err != nil {
		return nil, err
	}
	member, _ := d.cfg.Trust.Member(d.cfg.Nation)
	bank, _ := d.cfg.Trust.Bank(member.Bank)
	head, err := openHead(bank.LogKey, body)
	if err != nil {
		return nil, err
	}
	if head.Origin != bank.LogOrigin {
		return nil, refusal.Newf(wire.CodeWrongRecipient, "send the head of this nation's own bank", "a head of log %q", head.Origin)
	}
	nonce, err := randomHash()
	if err != nil {
		return nil, err
	}
	s := wire.Statement{Network: d.cfg.Trust.Network, Programme: d.programme, Creditor: d.cfg.Nation, Ledger: bank.ID, Currency: bank.Currency,
		Origin: head.Origin, Size: int64(head.Size), Root: wire.Hash(head.Root), Nonce: nonce, Mask: uint16(1<<len(d.cfg.Agreement.Categories) - 1)}
	w, bills, err := d.slice(s.Size)
	if err != nil || bills == 0 {
		return nil, err
	}
	w.Mask = s.Mask
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
	p, err := d.cfg.Keys.ProveTotals(ctx, w)
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

// slice adds up the openings of this nation's bills that are recorded below size.
func (d *Desk) slice(size int64) (commit.TotalsWitness, int, error) {
	var w commit.TotalsWitness
	var blindings []commit.Scalar
	bills := 0
	for _, b := range d.Bills() {
		if b.Bill.Creditor != d.cfg.Nation || b.State != BillRecorded || b.Seq >= size {
			continue
		}
		bills++
		for i := range b.chunks {
			items, err := b.chunks[i].items()
			if err != nil {
				return w, 0, err
			}
			sums, err := commit.SumItems(items)
			if err != nil {
				return w, 0, err
			}
			if w.Totals, err = w.Totals.Add(sums); err != nil {
				return w, 0, err
			}
			blindings = append(blindings, b.chunks[i].r)
		}
	}
	var err error
	if bills > 0 {
		w.R, err = commit.AddScalars(blindings...)
	}
	return w, bills, err
}

func openHead(vkey string, note []byte) (transcript.Checkpoint, error) {
	key, err := transcript.ParseVerifierKey(vkey)
	if err != nil {
		return transcript.Checkpoint{}, err
	}
	head, _, err := transcript.Open(note, key)
	return head, err
}
