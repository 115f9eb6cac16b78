package devnet

import (
	"encoding/json"
	"fmt"

	"entente/ops/node"
	"entente/settlement/payment"
	"entente/settlement/programme"
	"entente/zk/audit"
	"entente/zk/transcript"
)

// Figures are what a story comes to, for programs. Minor units are integers.
type Figures struct {
	Bills           int                `json:"bills"`
	BillsPaid       int                `json:"bills_paid"`
	SwapsSettled    int                `json:"swaps_settled"`
	SwapsAborted    int                `json:"swaps_aborted"`
	LineItems       int                `json:"line_items"` // confirmed lines and accepted deliveries
	Divergences     []DivergenceFigure `json:"divergences"`
	Ledgers         []LedgerFigure     `json:"ledgers"`
	ProgrammeTotals []TotalFigure      `json:"programme_totals"` // proven by the audit
	Audit           AuditFigure        `json:"audit"`
	Bundle          string             `json:"bundle"`
	Trust           string             `json:"trust"`
	PhasesMS        map[string]int64   `json:"phases_ms"`
}

// DivergenceFigure is a line on which two counts disagree. Ours is the quantity the supplier counted, theirs the receiver's, null where there is none.
type DivergenceFigure struct {
	Date            string  `json:"date"`
	Category        string  `json:"category"`
	Supplier        string  `json:"supplier"`
	Receiver        string  `json:"receiver"`
	Item            string  `json:"item"`
	Reason          string  `json:"reason"`
	Ours            *string `json:"ours"`
	Theirs          *string `json:"theirs"`
	OursUnit        *string `json:"ours_unit"`
	TheirsUnit      *string `json:"theirs_unit"`
	OursUnitPrice   *string `json:"ours_unit_price"`
	TheirsUnitPrice *string `json:"theirs_unit_price"`
}

// LedgerFigure is one ledger at the head the audit saw.
type LedgerFigure struct {
	Bank             string `json:"bank"`
	Currency         string `json:"currency"`
	SupplyMinor      int64  `json:"supply_minor"`
	BalancesSumMinor int64  `json:"balances_sum_minor"`
	Root             string `json:"root"`
	Size             int64  `json:"size"`
}

// TotalFigure is a proven total.
type TotalFigure struct {
	Currency string      `json:"currency"`
	Category string      `json:"category"`
	Minor    json.Number `json:"minor"`
}

// AuditFigure is the audit's result.
type AuditFigure struct {
	Verified       bool   `json:"verified"`
	Result         string `json:"result"`
	BillProofs     int    `json:"bill_proofs"`
	ItemsDisclosed int    `json:"items_disclosed"`
}

// Figures sums the story up.
func (s *Story) Figures() (Figures, error) {
	f := Figures{
		Bills: len(s.Bills), LineItems: len(s.Lines) + len(s.Deliveries), Bundle: s.BundlePath, Trust: s.Net.TrustPath, PhasesMS: map[string]int64{},
		Divergences: []DivergenceFigure{}, Ledgers: []LedgerFigure{}, ProgrammeTotals: []TotalFigure{},
		Audit: AuditFigure{Verified: s.Report.Result == audit.Valid, Result: string(s.Report.Result), BillProofs: s.Report.BillProofs, ItemsDisclosed: s.Report.ItemsDisclosed},
	}
	for _, p := range s.Payments {
		if p.State == payment.Settled {
			f.BillsPaid += len(p.Instruction.Bills)
		}
	}
	for _, d := range s.Divergences {
		f.Divergences = append(f.Divergences, figureOf(d))
	}
	for _, l := range s.Summaries {
		f.SwapsSettled += l.SwapsSettled
		f.SwapsAborted += l.SwapsAborted
		figure, err := s.ledgerFigure(l)
		if err != nil {
			return f, err
		}
		f.Ledgers = append(f.Ledgers, figure)
	}
	for _, t := range s.Report.Totals {
		if t.Minor != "0" {
			f.ProgrammeTotals = append(f.ProgrammeTotals, TotalFigure{t.Currency, t.Category, json.Number(t.Minor)})
		}
	}
	for _, p := range s.Phases {
		f.PhasesMS[p.Name] = p.Took.Milliseconds()
	}
	return f, nil
}

// ledgerFigure takes root and size from the signed head, not from the bank's word.
func (s *Story) ledgerFigure(l node.Summary) (LedgerFigure, error) {
	bank, _ := s.Net.Trust.Bank(l.Bank)
	key, err := transcript.ParseVerifierKey(bank.LogKey)
	if err != nil {
		return LedgerFigure{}, err
	}
	head, _, err := transcript.Open([]byte(l.Checkpoint), key)
	if err != nil {
		return LedgerFigure{}, fmt.Errorf("head of %s: %w", l.Bank, err)
	}
	return LedgerFigure{Bank: l.Bank, Currency: l.Currency, SupplyMinor: l.SupplyMinor, BalancesSumMinor: l.BalancesSumMinor, Root: fmt.Sprintf("%x", head.Root[:]), Size: int64(head.Size)}, nil
}

func figureOf(d programme.Divergence) DivergenceFigure {
	f := DivergenceFigure{Date: d.Date.String(), Category: d.Category, Supplier: string(d.Supplier), Receiver: string(d.Receiver), Item: d.Item, Reason: string(d.Reason)}
	text := func(s string) *string { return &s }
	if d.Ours != nil {
		f.Ours, f.OursUnit, f.OursUnitPrice = text(d.Ours.Quantity.String()), &d.Ours.Unit, text(d.Ours.UnitPrice.String())
	}
	if d.Theirs != nil {
		f.Theirs, f.TheirsUnit, f.TheirsUnitPrice = text(d.Theirs.Quantity.String()), &d.Theirs.Unit, text(d.Theirs.UnitPrice.String())
	}
	return f
}
