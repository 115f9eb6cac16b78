package node

import (
	"context"
	"fmt"
	"slices"

	"entente/ops/failpoint"
	"entente/ops/telemetry"
	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/wallet"
	"entente/wallet/quorum"
)

// deskPayment is a payment with the signed documents that authorise it.
type deskPayment struct {
	payment.Payment
	instruction wire.Envelope
	approvals   []wire.Envelope
	verdicts    []verdict
	quote       []byte
	acceptance  []byte
	expiresMS   int64  // of the accepted quote
	trouble     string // why it does not go on at present
}

// verdict is who answered an instruction with which document. Two persons may sign the same bytes.
type verdict struct {
	by       quorum.Person
	document wire.Hash
}

const (
	deadlineMS  = 60 * 60 * 1000 // of a new instruction
	slippageBPS = 100            // how far above the reference rate a debit may go
)

// step is one event of a payment's life as the journal holds it, with the document that proves it.
type step struct {
	instruction wire.Hash
	event       payment.Event
	documents   [][]byte
}

func (s *step) fields(f *wire.Fields) {
	do, code := string(s.event.Do), string(s.event.Code)
	f.Fixed(1, s.instruction[:])
	f.Text(2, &do, 32)
	f.Count(3, &s.event.AtMS)
	f.Text(4, &s.event.By.Owner, 64)
	f.Text(5, &s.event.By.Name, 64)
	f.Text(6, &code, 64)
	f.Text(7, &s.event.Reason, 1024)
	f.Fixed(8, s.event.Quote[:])
	f.Count(9, &s.event.DebitMinor)
	f.Fixed(10, s.event.Swap[:])
	wire.List(f, 11, &s.documents, 4, func(f *wire.Fields, b *[]byte) { f.Bytes(1, b, wire.LimitAttachment) })
	s.event.Do, s.event.Code = payment.Action(do), refusal.Code(code)
}

// journaledPoints name the moment between a step's journaling and anybody's knowing of it.
var journaledPoints = map[payment.Action]string{
	payment.Make: failpoint.DeskMakeStored, payment.Approve: failpoint.DeskApprovalStored, payment.Quote: failpoint.DeskQuoteStored, payment.Submit: failpoint.DeskSubmitStored,
}

// advance takes a payment one step further: the rules first, then the journal, then the state.
func (d *Desk) advance(ctx context.Context, instruction wire.Hash, event payment.Event, documents ...[]byte) (err error) {
	s := step{instruction: instruction, event: event, documents: documents}
	ctx, span := d.stepSpan(ctx, &s)
	defer func() { telemetry.End(span, err) }()
	d.stepping.Lock()
	defer d.stepping.Unlock()
	d.mu.Lock()
	err = d.check(&s)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	body, err := wire.EncodeFields(s.fields)
	if err != nil {
		return err
	}
	if err := d.append(ctx, eventPayment, wire.AttachmentHash(body), body); err != nil {
		return err
	}
	failpoint.Pass(journaledPoints[event.Do])
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.foldPayment(body)
}

// check tells whether the step may be taken. The state is locked.
func (d *Desk) check(s *step) error {
	if s.event.Do == payment.Make {
		_, err := d.draft(s)
		return err
	}
	p := d.payments[s.instruction]
	if p == nil {
		return notFound("payment")
	}
	_, err := payment.Step(p.Payment, s.event)
	return err
}

// draft makes the payment that a make step begins, from its signed instruction.
func (d *Desk) draft(s *step) (*deskPayment, error) {
	envelope, in, err := readInstruction(s.documents)
	if err != nil {
		return nil, err
	}
	p, err := payment.Step(payment.Draft(in, d.rule(), s.event.AtMS), s.event)
	return &deskPayment{Payment: p, instruction: envelope}, err
}

func readInstruction(documents [][]byte) (wire.Envelope, wire.Instruction, error) {
	var in wire.Instruction
	if len(documents) != 1 {
		return wire.Envelope{}, in, fmt.Errorf("a payment is made by one signed instruction, not %d", len(documents))
	}
	envelope, err := wire.ParseEnvelope(documents[0], wire.LimitAttachment)
	if err != nil {
		return envelope, in, err
	}
	return envelope, in, wire.Decode(envelope.Payload, wire.LimitMessage, &in)
}

// foldPayment takes one journaled step into the state. The state is locked.
func (d *Desk) foldPayment(body []byte) error {
	var s step
	if err := wire.DecodeFields(body, wire.LimitBatch, s.fields); err != nil {
		return err
	}
	defer d.touch()
	if s.event.Do == payment.Make {
		p, err := d.draft(&s)
		if err != nil {
			return err
		}
		d.payments[s.instruction] = p
		d.made = append(d.made, s.instruction)
		return nil
	}
	p := d.payments[s.instruction]
	if p == nil {
		return notFound("payment")
	}
	next, err := payment.Step(p.Payment, s.event)
	if err != nil {
		return err
	}
	p.Payment = next
	switch s.event.Do {
	case payment.Approve, payment.Reject:
		if len(s.documents) != 1 {
			return fmt.Errorf("an approval is one document, not %d", len(s.documents))
		}
		envelope, err := wire.ParseEnvelope(s.documents[0], wire.LimitMessage)
		if err != nil {
			return err
		}
		p.verdicts = append(p.verdicts, verdict{s.event.By, envelope.Hash()})
		if s.event.Do == payment.Approve {
			p.approvals = append(p.approvals, envelope)
		}
	case payment.Quote:
		if len(s.documents) != 2 {
			return fmt.Errorf("a quote is accepted with two documents, not %d", len(s.documents))
		}
		p.quote, p.acceptance = s.documents[0], s.documents[1]
		quote, err := quoteIn(p.quote)
		if err != nil {
			return err
		}
		p.expiresMS = quote.ExpiresMS
	}
	return nil
}

// person checks that a key is one of this desk's own users.
func (d *Desk) person(key wire.Key) (quorum.Person, error) {
	if key.Owner != d.cfg.Nation || key.Purpose != wire.PurposeUser {
		return quorum.Person{}, notAllowed(key.Title(), "act at the desk of "+d.cfg.Nation)
	}
	return quorum.Of(key), nil
}

// signedBy verifies an envelope that one user of this desk must have signed.
func (d *Desk) signedBy(envelope *wire.Envelope, due wire.PayloadType) (quorum.Person, error) {
	signers, err := envelope.Verify(due, d.cfg.Trust)
	if err != nil {
		return quorum.Person{}, err
	}
	if len(signers) != 1 {
		return quorum.Person{}, refusal.Newf(wire.CodeSigInvalid, "sign alone", "%d persons signed one document", len(signers))
	}
	return d.person(signers[0])
}

// MakePayment is the maker's half of a payment: a signed instruction to pay one recorded bill in full.
func (d *Desk) MakePayment(ctx context.Context, maker *wallet.Signer, bill wire.Hash) (wire.Hash, error) {
	in, err := d.DraftPayment(bill)
	if err != nil {
		return wire.Hash{}, err
	}
	payload, err := wire.TryEncode(&in)
	if err != nil {
		return wire.Hash{}, err
	}
	envelope, err := maker.Sign(wire.TypeInstruction, payload)
	if err != nil {
		return wire.Hash{}, err
	}
	return d.AddPayment(ctx, envelope)
}

// AddPayment takes a signed instruction, and refuses one that is not what this desk would pay: other parties, another amount, a larger debit.
func (d *Desk) AddPayment(ctx context.Context, envelope wire.Envelope) (wire.Hash, error) {
	by, err := d.signedBy(&envelope, wire.TypeInstruction)
	if err != nil {
		return wire.Hash{}, err
	}
	var in wire.Instruction
	if err := wire.Decode(envelope.Payload, wire.LimitMessage, &in); err != nil {
		return wire.Hash{}, err
	}
	if len(in.Bills) != 1 {
		return wire.Hash{}, refusal.Newf("bill_total_mismatch", "pay one bill at a time", "an instruction that names %d bills", len(in.Bills))
	}
	d.making.Lock()
	defer d.making.Unlock()
	if _, err := d.payment(in.Hash()); err == nil {
		return in.Hash(), nil // handed in before: the first answer stands
	}
	due, err := d.DraftPayment(in.Bills[0])
	if err != nil {
		return wire.Hash{}, err
	}
	if in.MaxDebitMinor > due.MaxDebitMinor {
		return wire.Hash{}, refusal.Newf("over_debit_limit", "lower the largest debit", "a debit of up to %d minor units, at most %d are in line with the reference rate", in.MaxDebitMinor, due.MaxDebitMinor)
	}
	d.mu.Lock()
	err = d.withinBudget(&due, wire.Hash{})
	d.mu.Unlock()
	if err != nil {
		return wire.Hash{}, err
	}
	due.ID, due.UETR, due.MaxDebitMinor, due.CreatedMS, due.DeadlineMS = in.ID, in.UETR, in.MaxDebitMinor, in.CreatedMS, in.DeadlineMS
	hash := in.Hash()
	if due.Hash() != hash {
		return wire.Hash{}, refusal.New("terms_mismatch", "the instruction is not the one this desk drafts for the bill", "ask the desk for a draft and sign that")
	}
	return hash, d.advance(ctx, hash, payment.Event{Do: payment.Make, AtMS: d.cfg.Clock(), By: by}, envelope.Bytes())
}

// paying gives the payment that pays a bill or may still do so. The state is locked.
func (d *Desk) paying(bill wire.Hash) *deskPayment {
	for _, p := range d.payments {
		if slices.Contains(p.Instruction.Bills, bill) && (!p.State.Final() || p.State == payment.Settled) {
			return p
		}
	}
	return nil
}

// DraftPayment writes the instruction that pays a recorded bill in full, for the maker to sign.
func (d *Desk) DraftPayment(bill wire.Hash) (wire.Instruction, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var in wire.Instruction
	b := d.bills[bill]
	if b == nil || b.Bill.Debtor != d.cfg.Nation {
		return in, notFound("bill")
	}
	if b.State != BillRecorded {
		return in, refusal.Newf("bill_unrecorded", "wait until its bank has recorded it", "bill %s is %s", bill.Short(), b.State)
	}
	if p := d.paying(bill); p != nil {
		return in, refusal.Newf("bill_paid", "nothing: a bill is paid once", "bill %s has a payment that is %s", bill.Short(), p.State)
	}
	payer, _ := d.cfg.Trust.Member(d.cfg.Nation)
	payee, ok := d.cfg.Trust.Member(b.Bill.Creditor)
	if !ok {
		return in, notFound("payee")
	}
	bank, _ := d.cfg.Trust.Bank(payer.Bank)
	most, err := d.largestDebit(b.Total, bank.Currency)
	if err != nil {
		return in, err
	}
	id, err := randomID()
	if err != nil {
		return in, err
	}
	uetr, err := randomID()
	if err != nil {
		return in, err
	}
	now := d.cfg.Clock()
	return wire.Instruction{
		Network: d.cfg.Trust.Network, ID: id, UETR: uetr, Payer: d.cfg.Nation, PayerBank: payer.Bank, PayerAccount: payer.Account,
		DebitCurrency: bank.Currency, MaxDebitMinor: most.Minor(), Payee: payee.Nation, PayeeBank: payee.Bank, PayeeAccount: payee.Account,
		PayCurrency: b.Bill.Currency, PayMinor: b.Total.Minor(), Bills: []wire.Hash{bill}, CreatedMS: now, DeadlineMS: now + deadlineMS,
	}, nil
}

// largestDebit is the reference rate of the exercise's last day plus what the desk lets a quote exceed it by.
func (d *Desk) largestDebit(pay money.Amount, code string) (money.Amount, error) {
	if pay.Currency().Code() == code {
		return pay, nil
	}
	debit, err := money.ParseCurrency(code)
	if err != nil {
		return money.Amount{}, err
	}
	rate, _, err := d.cfg.Rates.Cross(d.cfg.Agreement.Ends, pay.Currency(), debit)
	if err != nil {
		return money.Amount{}, err
	}
	reference, err := rate.Convert(pay, money.RoundUp)
	if err != nil {
		return money.Amount{}, err
	}
	return reference.Add(money.New(reference.Minor()/10_000*slippageBPS+slippageBPS, debit))
}

// Approve is the checker's half: another user of the desk signs the instruction's hash.
func (d *Desk) Approve(ctx context.Context, approver *wallet.Signer, instruction wire.Hash) error {
	a := wire.Approval{Network: d.cfg.Trust.Network, Instruction: instruction, Verdict: wire.VerdictApprove, AtMS: d.cfg.Clock()}
	envelope, err := approver.Sign(wire.TypeApproval, a.Bytes())
	if err != nil {
		return err
	}
	return d.AddApproval(ctx, envelope)
}

// AddApproval takes an approver's signed verdict, yes or no.
func (d *Desk) AddApproval(ctx context.Context, envelope wire.Envelope) error {
	by, err := d.signedBy(&envelope, wire.TypeApproval)
	if err != nil {
		return err
	}
	var a wire.Approval
	if err := wire.Decode(envelope.Payload, wire.LimitMessage, &a); err != nil {
		return err
	}
	if a.Network != d.cfg.Trust.Network {
		return refusal.Newf(wire.CodeWrongNetwork, "approve on your own network", "an approval on network %q", a.Network)
	}
	d.making.Lock()
	defer d.making.Unlock()
	if p, err := d.payment(a.Instruction); err == nil && slices.Contains(p.verdicts, verdict{by, envelope.Hash()}) {
		return nil // handed in before: the first answer stands
	}
	event := payment.Event{Do: payment.Approve, AtMS: d.cfg.Clock(), By: by, Reason: a.Reason}
	if a.Verdict == wire.VerdictReject {
		event.Do = payment.Reject
	} else if err := d.mayApprove(a.Instruction); err != nil {
		return err
	}
	return d.advance(ctx, a.Instruction, event, envelope.Bytes())
}

// payment gives a copy of a payment.
func (d *Desk) payment(instruction wire.Hash) (deskPayment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.payments[instruction]
	if p == nil {
		return deskPayment{}, notFound("payment")
	}
	return *p, nil
}

// Account asks this desk's bank for its account's counters, all from one moment.
func (d *Desk) Account(ctx context.Context) (Account, error) {
	m, _ := d.cfg.Trust.Member(d.cfg.Nation)
	return ask[Account](ctx, d.ask, m.Bank, SubjectAccount, []byte(m.Account))
}
