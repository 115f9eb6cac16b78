package node

import (
	"context"
	"encoding/json"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

// Subjects a bank answers.
const (
	SubjectOrder   = "order"   // operators: an order
	SubjectBill    = "bill"    // desks: a countersigned, proven bill
	SubjectPay     = "pay"     // desks: a payment package
	SubjectCancel  = "cancel"  // desks: withdraw a payment
	SubjectOutcome = "outcome" // desks: how far a payment is
	SubjectAccount = "account" // owners: an account's counters
	SubjectSummary = "summary" // operators, auditors: supply, sums, log head
	SubjectHead    = "head"    // the latest checkpoint
	SubjectLeaves  = "leaves"  // auditors, operators: a range of leaves
	SubjectBills   = "bills"   // auditors: countersigned bills with their proofs, by name
)

func (b *Bank) handlers() map[string]handler {
	return map[string]handler{
		SubjectOrder: b.onOrder, SubjectBill: b.onBill, SubjectPay: b.onPay, SubjectCancel: b.onCancel, SubjectOutcome: b.onOutcome,
		SubjectAccount: b.onAccount, SubjectLedger: b.onLedger, SubjectPast: b.onPast, SubjectTurnover: b.onTurnover, SubjectSummary: b.onSummary, SubjectHead: b.onHead, SubjectLeaves: b.onLeaves, SubjectBills: b.onBills,
		SubjectRates: b.onRates, SubjectSupply: b.onSupply,
	}
}

// submit runs one event through the engine; a refusal of the machine is the answer.
func (b *Bank) submit(ctx context.Context, event swap.Event, evidence ...engine.Evidence) ([]ledger.Entry, error) {
	result, err := b.engine.Submit(ctx, engine.Work{Event: event, Evidence: evidence})
	if err != nil {
		return nil, err
	}
	return result.Entries, result.Refusal
}

func (b *Bank) onOrder(ctx context.Context, _ wire.Key, body []byte) ([]byte, error) {
	envelope, err := wire.ParseEnvelope(body, wire.LimitMessage)
	if err != nil {
		return nil, err
	}
	signers, err := envelope.Verify(wire.TypeOrder, b.cfg.Trust)
	if err != nil {
		return nil, err
	}
	for _, k := range signers {
		if k.Owner != b.cfg.ID {
			return nil, notAllowed(k.Title(), "give orders to "+b.cfg.ID)
		}
	}
	order, err := wire.ParseOrder(envelope.Payload)
	if err != nil {
		return nil, err
	}
	return b.ordered(ctx, swap.OrderGiven{Order: order, Cause: envelope.Hash(), Signers: signers, NowMS: b.cfg.Clock()}, body)
}

func (b *Bank) onBill(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	proven, err := wire.ParseProvenBill(body)
	if err != nil {
		return nil, err
	}
	_, span := b.tracer.Start(ctx, "verify proofs", trace.WithAttributes(attribute.String("bank", b.cfg.ID), attribute.Int("chunks", len(proven.Proofs))))
	bill, err := b.verifyBill(&proven)
	telemetry.End(span, err)
	if err != nil {
		return nil, err
	}
	if from.Owner != bill.Creditor && from.Owner != bill.Debtor {
		return nil, notAllowed(from.Title(), "record a bill between others")
	}
	var before ledger.Bill
	known := false
	if err := b.engine.View(ctx, func(m *swap.Machine) { before, known = m.Ledger().Bill(bill.Hash()) }); err != nil {
		return nil, err
	}
	if known { // handed in before: the first answer stands
		return json.Marshal(Recorded{Seq: before.Seq})
	}
	entries, err := b.submit(ctx, swap.BillProven{Bill: bill, NowMS: b.cfg.Clock()}, engine.Evidence{Kind: "bill", Hash: bill.Hash(), Bytes: body})
	if err != nil {
		return nil, err
	}
	return json.Marshal(Recorded{Seq: entries[0].Seq})
}

// Recorded answers a bill: the sequence number of its leaf.
type Recorded struct {
	Seq int64 `json:"seq"`
}

func (b *Bank) onPay(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	var handed Submission
	if err := wire.DecodeFields(body, wire.LimitBatch, handed.fields); err != nil {
		return nil, err
	}
	if hash, taken, err := b.taken(ctx, handed.Payment); err != nil {
		return nil, err
	} else if taken {
		return b.outcome(ctx, from, hash)
	}
	authorised, err := b.authorised(handed.Payment, b.cfg.Clock())
	if err != nil {
		return nil, err
	}
	if from.Owner != authorised.Instruction.Payer {
		return nil, notAllowed(from.Title(), "pay for "+authorised.Instruction.Payer)
	}
	if err := b.checkBills(authorised, handed.Bills); err != nil {
		return nil, err
	}
	nonce, err := randomID()
	if err != nil {
		return nil, err
	}
	_, err = b.submit(ctx, swap.PaymentAuthorised{Payment: authorised, Package: handed.Payment, Nonce: nonce, NowMS: b.cfg.Clock()},
		engine.Evidence{Kind: engine.EvidenceAttachment, Hash: wire.AttachmentHash(handed.Payment), Bytes: handed.Payment})
	if err != nil {
		return nil, err
	}
	return b.outcome(ctx, from, authorised.InstructionHash)
}

// taken tells whether this very package was carried out or is on its way. It keeps its first answer, also when its quote or its deadline has passed since.
func (b *Bank) taken(ctx context.Context, body []byte) (instruction wire.Hash, taken bool, err error) {
	p, err := wire.ParsePayment(body)
	if err != nil {
		return instruction, false, err
	}
	instruction = p.Instruction.Hash()
	err = b.engine.View(ctx, func(m *swap.Machine) {
		o, known := m.Outcome(instruction)
		s, swapped := m.Swap(o.Swap)
		taken = known && (!swapped || s.Terms.Proofs == wire.AttachmentHash(body))
	})
	return instruction, taken, err
}

func (b *Bank) onCancel(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	hash, err := parseHash(body)
	if err != nil {
		return nil, err
	}
	if _, err := b.outcome(ctx, from, hash); err != nil {
		return nil, err
	}
	if _, err := b.submit(ctx, swap.CancelAsked{Instruction: hash, NowMS: b.cfg.Clock()}); err != nil {
		return nil, err
	}
	return b.outcome(ctx, from, hash)
}

func (b *Bank) onOutcome(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	hash, err := parseHash(body)
	if err != nil {
		return nil, err
	}
	return b.outcome(ctx, from, hash)
}

// Outcome answers how far a payment is at the payer's bank.
type Outcome struct {
	Swap   wire.Hash `json:"swap"`
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"`
	AtMS   int64     `json:"at_ms"`
}

// outcome tells the payer, and nobody else, how far a payment is.
func (b *Bank) outcome(ctx context.Context, from wire.Key, instruction wire.Hash) ([]byte, error) {
	var answer Outcome
	found := false
	err := b.engine.View(ctx, func(m *swap.Machine) {
		o, ok := m.Outcome(instruction)
		if !ok || m.PayerOf(instruction) != from.Owner {
			return
		}
		found = true
		answer = Outcome{Swap: o.Swap, State: o.State.String(), Reason: o.Reason, AtMS: o.AtMS}
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound("payment")
	}
	return json.Marshal(answer)
}

// Summary answers an operator or auditor: what the ledger adds up to, at one log head.
type Summary struct {
	Bank             string `json:"bank"`
	Currency         string `json:"currency"`
	SupplyMinor      int64  `json:"supply_minor,string"`
	BalancesSumMinor int64  `json:"balances_sum_minor,string"`
	Checkpoint       string `json:"checkpoint"`
	SwapsSettled     int    `json:"swaps_settled"` // as initiator
	SwapsAborted     int    `json:"swaps_aborted"` // as initiator
	SwapsOpen        int    `json:"swaps_open"`
}

func (b *Bank) onSummary(ctx context.Context, from wire.Key, _ []byte) ([]byte, error) {
	if _, auditor := b.cfg.Trust.Auditor(from.Owner); !auditor && from.Owner != b.cfg.ID {
		return nil, notAllowed(from.Title(), "see the ledger's sums")
	}
	var answer Summary
	err := b.engine.View(ctx, func(m *swap.Machine) {
		l := m.Ledger()
		answer = Summary{Bank: l.Bank, Currency: l.Currency, SupplyMinor: l.Supply(), BalancesSumMinor: l.BalancesSum(), Checkpoint: string(b.engine.Checkpoint())}
		for _, s := range m.Swaps() {
			switch {
			case s.State == swap.Settled && s.Role == swap.Initiator:
				answer.SwapsSettled++
			case s.State == swap.Aborted && s.Role == swap.Initiator:
				answer.SwapsAborted++
			case !s.State.Final():
				answer.SwapsOpen++
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// onHead gives the latest head: to an auditor with its cosignatures, to anybody else at once.
func (b *Bank) onHead(ctx context.Context, from wire.Key, _ []byte) ([]byte, error) {
	if _, auditor := b.cfg.Trust.Auditor(from.Owner); auditor {
		return b.cosignedHead(ctx), nil
	}
	return b.engine.Checkpoint(), nil
}

// leavesMost bounds one reply; the asker asks again from where it ended.
const leavesMost = 4096

// extent is a range of leaves.
type extent struct{ From, To int64 }

func (e *extent) fields(f *wire.Fields) {
	f.Count(1, &e.From)
	f.Count(2, &e.To)
}

func (b *Bank) onLeaves(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	if _, auditor := b.cfg.Trust.Auditor(from.Owner); !auditor && from.Owner != b.cfg.ID {
		return nil, notAllowed(from.Title(), "fetch entries")
	}
	var e extent
	if err := wire.DecodeFields(body, 64, e.fields); err != nil {
		return nil, err
	}
	if e.To < e.From {
		return nil, refusal.Newf(wire.CodeMalformed, "ask for a range that goes up", "leaves from %d to %d", e.From, e.To)
	}
	leaves, err := b.engine.Leaves(ctx, e.From, min(e.To, e.From+leavesMost))
	if err != nil {
		return nil, err
	}
	return encodeBlobs(fitting(leaves))
}

// fitting cuts a list so that it fits into one reply.
func fitting(list [][]byte) [][]byte {
	size := 0
	for i, b := range list {
		if size += len(b) + 16; size > 7<<20 && i > 0 {
			return list[:i]
		}
	}
	return list
}

func (b *Bank) onBills(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	if _, auditor := b.cfg.Trust.Auditor(from.Owner); !auditor {
		return nil, notAllowed(from.Title(), "fetch bills")
	}
	var named hashList
	if err := wire.DecodeFields(body, wire.LimitMessage, named.fields); err != nil {
		return nil, err
	}
	var page [][]byte
	for _, hash := range named.list {
		bytes, ok, err := b.engine.Evidence(ctx, "bill", hash)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, notFound("bill")
		}
		page = append(page, bytes)
	}
	return encodeBlobs(fitting(page))
}

// blobs is a list of documents in one reply.
type blobs struct{ list [][]byte }

func (b *blobs) fields(f *wire.Fields) {
	wire.List(f, 1, &b.list, 1<<16, func(f *wire.Fields, item *[]byte) { f.Bytes(1, item, 4<<20) })
}

func encodeBlobs(list [][]byte) ([]byte, error) {
	b := blobs{list}
	return wire.EncodeFields(b.fields)
}

func decodeBlobs(body []byte) ([][]byte, error) {
	var b blobs
	err := wire.DecodeFields(body, limitReply, b.fields)
	return b.list, err
}

func parseHash(body []byte) (wire.Hash, error) {
	var h wire.Hash
	if len(body) != len(h) {
		return h, refusal.Newf(wire.CodeMalformed, "send 32 bytes", "a hash of %d bytes", len(body))
	}
	copy(h[:], body)
	return h, nil
}
