package node

import (
	"context"
	"fmt"

	"entente/bridge/bus"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/wallet"
	"entente/zk/audit"
	"entente/zk/transcript"
)

// AuditorConfig is what an auditor's client is made of: the trust file, an own key to ask with, and the verification keys it was given.
type AuditorConfig struct {
	ID    string
	Trust *trust.Network
	Ring  *wallet.Ring
	Bus   *bus.Bus
	Keys  []wire.VerifyingKey // checked against the trust file when the bundle is verified
	Clock Clock
}

// Auditor fetches what an audit needs, from banks and desks over the network, and from no database.
type Auditor struct {
	cfg AuditorConfig
	ask *asker
}

// NewAuditor makes an auditor's client.
func NewAuditor(cfg AuditorConfig) (*Auditor, error) {
	key, err := cfg.Ring.Signer(wire.PurposeService, cfg.Ring.Owner())
	if err != nil {
		return nil, err
	}
	return &Auditor{cfg: cfg, ask: &asker{bus: cfg.Bus, trust: cfg.Trust, key: key, clock: cfg.Clock}}, nil
}

// Fetch collects a bundle: of every bank the signed head, all leaves under it, every countersigned bill with its proofs, and what it claims; of every member
// its charter and its claims about those heads. A claim that its author refuses to make is left out: what is missing or wrong is not decided here but by
// audit.Verify.
func (a *Auditor) Fetch(ctx context.Context) (*wire.Bundle, error) {
	bundle := &wire.Bundle{Network: a.cfg.Trust.Network, CreatedMS: a.cfg.Clock(), Keys: a.cfg.Keys}
	for _, bank := range a.cfg.Trust.Banks {
		extract, err := a.extract(ctx, bank)
		if err != nil {
			return nil, err
		}
		bundle.Ledgers = append(bundle.Ledgers, *extract)
		bills, err := a.bills(ctx, extract)
		if err != nil {
			return nil, err
		}
		bundle.Bills = append(bundle.Bills, bills...)
	}
	for _, m := range a.cfg.Trust.Members {
		if err := a.charter(ctx, bundle, m.Nation); err != nil {
			return nil, err
		}
	}
	return bundle, a.claims(ctx, bundle)
}

// extract fetches one ledger's head and leaves.
func (a *Auditor) extract(ctx context.Context, bank trust.Bank) (*wire.LedgerExtract, error) {
	note, err := a.ask.again(ctx, bank.ID, SubjectHead, nil)
	if err != nil {
		return nil, err
	}
	head, err := openHead(bank.LogKey, note)
	if err != nil {
		return nil, err
	}
	x := &wire.LedgerExtract{Bank: bank.ID, Currency: bank.Currency, Checkpoint: note}
	for len(x.Leaves) < int(head.Size) {
		page, err := a.page(ctx, bank.ID, SubjectLeaves, int64(len(x.Leaves)), int64(head.Size))
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return nil, fmt.Errorf("%s gave %d leaves of a log of %d", bank.ID, len(x.Leaves), head.Size)
		}
		x.Leaves = append(x.Leaves, page...)
	}
	return x, nil
}

func (a *Auditor) page(ctx context.Context, bank, subject string, from, to int64) ([][]byte, error) {
	e := extent{From: from, To: to}
	body, err := wire.EncodeFields(e.fields)
	if err != nil {
		return nil, err
	}
	answer, err := a.ask.again(ctx, bank, subject, body)
	if err != nil {
		return nil, err
	}
	return decodeBlobs(answer)
}

// bills fetches the bills that an extract logs, and no later ones.
func (a *Auditor) bills(ctx context.Context, x *wire.LedgerExtract) ([]wire.ProvenBill, error) {
	var due []wire.Hash
	for _, raw := range x.Leaves {
		if leaf, err := wire.ParseLeaf(raw); err == nil && leaf.Kind == wire.LeafBill {
			due = append(due, leaf.Reference)
		}
	}
	var all []wire.ProvenBill
	for len(all) < len(due) {
		named := hashList{due[len(all):min(len(due), len(all)+hashesMost)]}
		body, err := wire.EncodeFields(named.fields)
		if err != nil {
			return nil, err
		}
		answer, err := a.ask.again(ctx, x.Bank, SubjectBills, body)
		if err != nil {
			return nil, err
		}
		page, err := decodeBlobs(answer)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 || len(page) > len(named.list) {
			return nil, fmt.Errorf("%s gave %d bills of %d that were asked for", x.Bank, len(page), len(named.list))
		}
		for _, b := range page {
			p, err := wire.ParseProvenBill(b)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// charter fetches a member's signature of its programme's charter and joins it with those of the other members over the same bytes.
func (a *Auditor) charter(ctx context.Context, bundle *wire.Bundle, nation string) error {
	answer, err := a.ask.again(ctx, nation, SubjectCharter, nil)
	if err != nil {
		return err
	}
	e, err := wire.ParseEnvelope(answer, wire.LimitAttachment)
	if err != nil {
		return err
	}
	for i := range bundle.Charters {
		if bundle.Charters[i].Hash() == e.Hash() {
			bundle.Charters[i].Signatures = append(bundle.Charters[i].Signatures, e.Signatures...)
			return nil
		}
	}
	bundle.Charters = append(bundle.Charters, e)
	return nil
}

// Head asks a bank for its latest signed log head.
func (a *Auditor) Head(ctx context.Context, bank string) (transcript.Checkpoint, error) {
	pinned, ok := a.cfg.Trust.Bank(bank)
	if !ok {
		return transcript.Checkpoint{}, refusal.Newf(trust.CodeTrustInvalid, "use the trust file of your network", "the trust file has no bank %q", bank)
	}
	note, err := a.ask.again(ctx, bank, SubjectHead, nil)
	if err != nil {
		return transcript.Checkpoint{}, err
	}
	return openHead(pinned.LogKey, note)
}

// Summary asks a bank what its ledger adds up to.
func (a *Auditor) Summary(ctx context.Context, bank string) (Summary, error) {
	return ask[Summary](ctx, a.ask, bank, SubjectSummary, nil)
}

// Verify checks a bundle as anybody with the trust file can, from bytes alone.
func (a *Auditor) Verify(file []byte, progress func(step string, done, total int)) audit.Report {
	return audit.Verify(a.cfg.Trust, file, progress)
}
