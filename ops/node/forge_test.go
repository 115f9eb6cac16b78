package node_test

import (
	"crypto/rand"
	"testing"

	"entente/ops/node"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/wallet"
)

// order is a payment as somebody with every key of a nation could put it together, without its desk.
type order struct {
	w        *world
	in       wire.Instruction
	bill     node.DeskBill
	bills    func([][]byte) [][]byte // changes what is shown to the payer's bank
	quote    wire.Quote
	quoter   *wallet.Signer
	taker    *wallet.Signer
	approver *wallet.Signer
	accepted func(*wire.Acceptance)
}

func randomID(t *testing.T) wire.ID {
	t.Helper()
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	return wire.NewUUID(b)
}

// order writes a sound payment of a bill. A test then changes what it is about.
func (w *world) order(t *testing.T, bill node.DeskBill) *order {
	t.Helper()
	payer, _ := w.net.Trust.Member(bill.Bill.Debtor)
	payee, _ := w.net.Trust.Member(bill.Bill.Creditor)
	sells, _ := w.net.Trust.Bank(payer.Bank)
	buys, _ := w.net.Trust.Bank(payee.Bank)
	at := now()
	o := &order{w: w, bill: bill, taker: w.service(t, payer.Nation), approver: w.person(t, payer.Nation, "controller"), accepted: func(*wire.Acceptance) {}}
	o.in = wire.Instruction{
		Network: w.net.Trust.Network, ID: randomID(t), UETR: randomID(t), Payer: payer.Nation, PayerBank: payer.Bank, PayerAccount: payer.Account,
		DebitCurrency: sells.Currency, MaxDebitMinor: 1 << 40, Payee: payee.Nation, PayeeBank: payee.Bank, PayeeAccount: payee.Account, PayCurrency: buys.Currency,
		PayMinor: bill.Total.Minor(), Bills: []wire.Hash{bill.Hash}, CreatedMS: at, DeadlineMS: at + 60_000,
	}
	if sells.Currency == buys.Currency {
		return o
	}
	provider := w.net.Trust.Providers[0]
	o.quoter = w.key(t, "provider", wire.PurposeQuote, provider.ID)
	o.quote = wire.Quote{
		Network: w.net.Trust.Network, ID: randomID(t), Provider: provider.ID, Taker: o.taker.Key().ID(), SellCurrency: sells.Currency, BuyCurrency: buys.Currency,
		RateMantissa: 1, RateScale: 1, Rounding: 1, LeastMinor: 1, MostMinor: 1 << 40, SellBank: sells.ID, SellAccount: upper(sells.ID) + "-" + provider.ID,
		BuyBank: buys.ID, BuyAccount: upper(buys.ID) + "-" + provider.ID, CreatedMS: at, ExpiresMS: at + 30_000,
	}
	return o
}

func upper(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] >= 'a' && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}

func sign(t *testing.T, s *wallet.Signer, kind wire.PayloadType, payload []byte) wire.Envelope {
	t.Helper()
	e, err := s.Sign(kind, payload)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// pack signs everything and gives the submission as it goes to the bank.
func (o *order) pack(t *testing.T) []byte {
	t.Helper()
	payload, err := wire.TryEncode(&o.in)
	if err != nil {
		t.Fatal(err)
	}
	p := wire.Payment{Instruction: sign(t, o.w.person(t, o.in.Payer, "clerk"), wire.TypeInstruction, payload), Openings: o.w.net.Desks[o.in.Payer].Openings(o.bill.Hash)}
	if o.approver != nil {
		a := wire.Approval{Network: o.in.Network, Instruction: o.in.Hash(), Verdict: wire.VerdictApprove, AtMS: now()}
		p.Approvals = []wire.Envelope{sign(t, o.approver, wire.TypeApproval, a.Bytes())}
	}
	if o.quoter != nil {
		quote := sign(t, o.quoter, wire.TypeQuote, o.quote.Bytes())
		sell, err := payment.SellMinor(&o.quote, o.in.PayMinor)
		if err != nil {
			t.Fatal(err)
		}
		a := wire.Acceptance{Network: o.in.Network, Quote: o.quote.Hash(), Instruction: o.in.Hash(), SellMinor: sell, BuyMinor: o.in.PayMinor, AtMS: now()}
		o.accepted(&a)
		acceptance := sign(t, o.taker, wire.TypeAcceptance, a.Bytes())
		p.Quote, p.Acceptance = quote.Bytes(), acceptance.Bytes()
	}
	handed := node.Submission{}
	if handed.Payment, err = wire.TryEncode(&p); err != nil {
		t.Fatal(err)
	}
	if o.in.PayerBank != o.in.PayeeBank {
		proven := o.bill.Proven()
		handed.Bills = [][]byte{proven.Bytes()}
	}
	if o.bills != nil {
		handed.Bills = o.bills(handed.Bills)
	}
	body, err := handed.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// send hands the package to the payer's bank, as the payer's desk would.
func (o *order) send(t *testing.T) error {
	t.Helper()
	_, err := o.w.ask(t, o.w.service(t, o.in.Payer), o.in.PayerBank, node.SubjectPay, o.pack(t))
	return err
}
