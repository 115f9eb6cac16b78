package node

import (
	"context"
	"encoding/json"
	"slices"

	"entente/schema/money"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/settlement/programme"
)

// Subjects a desk answers to its own users. Whoever holds a user key of the nation may ask; what needs a person's signature comes signed.
const (
	SubjectStatus   = "status"        // how far everything is
	SubjectMatched  = "matched"       // lines and divergences
	SubjectDeskBill = "desk-bills"    // the bills this desk is part of
	SubjectPayments = "payments"      // the payments it has made
	SubjectBalance  = "balance"       // its account
	SubjectCount    = "post-count"    // post this nation's own count
	SubjectReceipts = "post-receipts" // post what this nation received in a case
	SubjectOffer    = "offer-bills"   // commit to what this nation is owed
	SubjectDraft    = "draft-payment" // an instruction to pay a bill, to be signed
	SubjectMake     = "make-payment"  // a signed instruction
	SubjectApprove  = "approve-payment"
)

func (d *Desk) userHandlers() map[string]handler {
	handlers := map[string]handler{
		SubjectStatus:   d.onStatus,
		SubjectMatched:  d.onMatched,
		SubjectDeskBill: func(context.Context, wire.Key, []byte) ([]byte, error) { return json.Marshal(d.Summaries()) },
		SubjectPayments: func(context.Context, wire.Key, []byte) ([]byte, error) { return json.Marshal(d.Payments()) },
		SubjectBalance: func(ctx context.Context, _ wire.Key, _ []byte) ([]byte, error) {
			a, err := d.Account(ctx)
			if err != nil {
				return nil, err
			}
			return json.Marshal(a)
		},
		SubjectCount:    d.onCount,
		SubjectReceipts: d.onReceipts,
		SubjectOffer:    func(ctx context.Context, _ wire.Key, _ []byte) ([]byte, error) { return nil, d.OfferBills(ctx) },
		SubjectDraft:    d.onDraft,
		SubjectMake:     d.onMake,
		SubjectApprove:  d.onApprove,
	}
	for subject, handle := range handlers {
		handlers[subject] = d.usersOnly(handle)
	}
	return handlers
}

// usersOnly lets nobody but this desk's own users through.
func (d *Desk) usersOnly(handle handler) handler {
	return func(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
		if from.Owner != d.cfg.Nation || from.Purpose != wire.PurposeUser {
			return nil, notAllowed(from.Title(), "act at the desk of "+d.cfg.Nation)
		}
		return handle(ctx, from, body)
	}
}

// DeskStatus is how far a desk is, in numbers.
type DeskStatus struct {
	Counts      []programme.Nation    `json:"counts"`   // nations whose count is here
	Receipts    []string              `json:"receipts"` // cases whose receipts are here
	Expected    int                   `json:"expected"` // bills this desk finds itself part of
	Bills       map[BillState]int     `json:"bills"`
	Chunks      int                   `json:"chunks"` // of this nation's own bills
	ChunksLeft  int                   `json:"chunks_left"`
	Payments    map[payment.State]int `json:"payments"`
	Settling    int                   `json:"settling"` // payments that wait for the desk or a bank, not for a person
	Refused     []string              `json:"refused"`  // what the desk was sent and did not accept
	Difficulty  string                `json:"difficulty,omitempty"`
	Outstanding []wire.Hash           `json:"outstanding"` // recorded bills this nation owes and has no payment for
}

// Status gives how far the desk is.
func (d *Desk) Status() (DeskStatus, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := DeskStatus{Bills: map[BillState]int{}, Payments: map[payment.State]int{}, Difficulty: d.difficulty, Outstanding: []wire.Hash{}}
	for _, m := range d.cfg.Agreement.Members {
		if _, ok := d.counts[m.Nation]; ok {
			s.Counts = append(s.Counts, m.Nation)
		}
	}
	for _, c := range d.cfg.Cases {
		if _, ok := d.receipts[c.ID]; ok {
			s.Receipts = append(s.Receipts, c.ID)
		}
	}
	drafts, err := d.drafts()
	if err != nil {
		return s, err
	}
	s.Expected = len(drafts)
	for _, h := range d.order {
		b := d.bills[h]
		s.Bills[b.State]++
		if b.Bill.Creditor == d.cfg.Nation {
			s.Chunks += len(b.chunks)
			if b.Proofs == nil {
				s.ChunksLeft += len(b.chunks) - b.proven
			}
		}
		if b.Bill.Debtor == d.cfg.Nation && b.State == BillRecorded && d.paying(h) == nil {
			s.Outstanding = append(s.Outstanding, h)
		}
	}
	for _, p := range d.payments {
		s.Payments[p.State]++
		if due(p.Payment) {
			s.Settling++
		}
		if p.trouble != "" && s.Difficulty == "" {
			s.Difficulty = "payment " + p.Instruction.UETR.String() + ": " + p.trouble
		}
	}
	for _, r := range d.refused {
		s.Refused = append(s.Refused, plain(r.Kind+" of "+r.From+": "+r.Err.Error()))
	}
	return s, nil
}

func (d *Desk) onStatus(context.Context, wire.Key, []byte) ([]byte, error) {
	s, err := d.Status()
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// Matching is what a desk finds when it compares the counts it has seen.
type Matching struct {
	Lines       []programme.Line       `json:"lines"`
	Divergences []programme.Divergence `json:"divergences"`
}

func (d *Desk) onMatched(context.Context, wire.Key, []byte) ([]byte, error) {
	lines, divergences, err := d.Matched()
	if err != nil {
		return nil, err
	}
	return json.Marshal(Matching{lines, divergences})
}

// BillSummary is a bill as its desk shows it to its users.
type BillSummary struct {
	Hash      wire.Hash    `json:"hash"`
	Kind      string       `json:"kind"`
	Reference string       `json:"reference"`
	Creditor  string       `json:"creditor"`
	Debtor    string       `json:"debtor"`
	Ledger    string       `json:"ledger"`
	Items     int          `json:"items"`
	Chunks    int          `json:"chunks"`
	Total     money.Amount `json:"total"`
	State     BillState    `json:"state"`
	Seq       int64        `json:"seq"` // of its leaf, once recorded
}

// Summaries lists the bills this desk is part of.
func (d *Desk) Summaries() []BillSummary {
	bills := d.Bills()
	list := make([]BillSummary, len(bills))
	for i, b := range bills {
		list[i] = BillSummary{Hash: b.Hash, Kind: b.Kind.String(), Reference: b.Reference, Creditor: b.Bill.Creditor, Debtor: b.Bill.Debtor, Ledger: b.Bill.Ledger,
			Items: len(b.Items), Chunks: len(b.chunks), Total: b.Total, State: b.State, Seq: b.Seq}
	}
	return list
}

func (d *Desk) onCount(ctx context.Context, _ wire.Key, body []byte) ([]byte, error) {
	c, err := programme.ParseCount(body)
	if err != nil {
		return nil, err
	}
	return nil, d.PostCount(ctx, c)
}

func (d *Desk) onReceipts(ctx context.Context, _ wire.Key, body []byte) ([]byte, error) {
	r, err := programme.ParseReceipts(body)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(d.cfg.Cases, func(c programme.Case) bool { return c.ID == r.Case })
	if i < 0 {
		return nil, notFound("case")
	}
	c := d.cfg.Cases[i]
	c.Receipts = r.Receipts
	return nil, d.PostReceipts(ctx, c)
}

func (d *Desk) onDraft(_ context.Context, _ wire.Key, body []byte) ([]byte, error) {
	bill, err := parseHash(body)
	if err != nil {
		return nil, err
	}
	in, err := d.DraftPayment(bill)
	if err != nil {
		return nil, err
	}
	return wire.TryEncode(&in)
}

func (d *Desk) onMake(ctx context.Context, _ wire.Key, body []byte) ([]byte, error) {
	envelope, err := wire.ParseEnvelope(body, wire.LimitMessage)
	if err != nil {
		return nil, err
	}
	hash, err := d.AddPayment(ctx, envelope)
	if err != nil {
		return nil, err
	}
	return hash[:], nil
}

func (d *Desk) onApprove(ctx context.Context, _ wire.Key, body []byte) ([]byte, error) {
	envelope, err := wire.ParseEnvelope(body, wire.LimitMessage)
	if err != nil {
		return nil, err
	}
	return nil, d.AddApproval(ctx, envelope)
}
