package wire

// Instruction is a desk user's payment: exactly what the payee gets, at most what the payer is debited, which bills it discharges, and until when.
// The maker signs it; others sign an Approval that names its hash.
type Instruction struct {
	Network       string
	ID            ID
	UETR          ID // unique end-to-end transaction reference, a version 4 UUID
	Payer         string
	PayerBank     string
	PayerAccount  string
	DebitCurrency string
	MaxDebitMinor int64
	Payee         string
	PayeeBank     string
	PayeeAccount  string
	PayCurrency   string
	PayMinor      int64
	Bills         []Hash
	CreatedMS     int64
	DeadlineMS    int64
}

func (i *Instruction) fields(f *Fields) {
	f.Text(1, &i.Network, maxName)
	f.Fixed(2, i.ID[:])
	f.Fixed(3, i.UETR[:])
	f.Text(4, &i.Payer, maxName)
	f.Text(5, &i.PayerBank, maxName)
	f.Text(6, &i.PayerAccount, maxName)
	f.Text(7, &i.DebitCurrency, 3)
	f.Count(8, &i.MaxDebitMinor)
	f.Text(9, &i.Payee, maxName)
	f.Text(10, &i.PayeeBank, maxName)
	f.Text(11, &i.PayeeAccount, maxName)
	f.Text(12, &i.PayCurrency, 3)
	f.Count(13, &i.PayMinor)
	hashList(f, 14, &i.Bills, maxBills)
	f.Count(15, &i.CreatedMS)
	f.Count(16, &i.DeadlineMS)
}

// Bytes gives the instruction's canonical encoding.
func (i *Instruction) Bytes() []byte { return Encode(i) }

// Hash names the instruction.
func (i *Instruction) Hash() Hash { return PayloadHash(TypeInstruction, i.Bytes()) }

// Verdict is an approver's answer.
type Verdict uint8

// Verdicts. Values are frozen.
const (
	VerdictApprove Verdict = 1
	VerdictReject  Verdict = 2
)

// Approval is a second person's signed answer to an instruction.
type Approval struct {
	Network     string
	Instruction Hash
	Verdict     Verdict
	Reason      string
	AtMS        int64
}

func (a *Approval) fields(f *Fields) {
	verdict := uint8(a.Verdict)
	f.Text(1, &a.Network, maxName)
	f.Fixed(2, a.Instruction[:])
	f.U8(3, &verdict)
	a.Verdict = Verdict(verdict)
	if f.err == nil && a.Verdict != VerdictApprove && a.Verdict != VerdictReject {
		f.fail(3, "a verdict is 1 (approve) or 2 (reject)")
	}
	f.Text(4, &a.Reason, maxReason)
	f.Count(5, &a.AtMS)
}

// Bytes gives the approval's canonical encoding.
func (a *Approval) Bytes() []byte { return Encode(a) }

// Quote is a liquidity provider's firm, single-use offer: it takes the sell currency on one ledger and pays the buy currency on another.
// Rate is sell units for one buy unit, in major units: RateMantissa / 10^RateScale.
type Quote struct {
	Network      string
	ID           ID
	Provider     string
	Taker        Hash // id of the service key that may accept it
	SellCurrency string
	BuyCurrency  string
	RateMantissa int64
	RateScale    uint8
	Rounding     uint8 // money.Rounding, for the sell amount
	LeastMinor   int64 // least buy amount
	MostMinor    int64 // most buy amount
	SellBank     string
	SellAccount  string // provider's account that receives the sell currency
	BuyBank      string
	BuyAccount   string // provider's account that pays the buy currency
	CreatedMS    int64
	ExpiresMS    int64
}

func (q *Quote) fields(f *Fields) {
	f.Text(1, &q.Network, maxName)
	f.Fixed(2, q.ID[:])
	f.Text(3, &q.Provider, maxName)
	f.Fixed(4, q.Taker[:])
	f.Text(5, &q.SellCurrency, 3)
	f.Text(6, &q.BuyCurrency, 3)
	f.Count(7, &q.RateMantissa)
	f.U8(8, &q.RateScale)
	f.U8(9, &q.Rounding)
	f.Count(10, &q.LeastMinor)
	f.Count(11, &q.MostMinor)
	f.Text(12, &q.SellBank, maxName)
	f.Text(13, &q.SellAccount, maxName)
	f.Text(14, &q.BuyBank, maxName)
	f.Text(15, &q.BuyAccount, maxName)
	f.Count(16, &q.CreatedMS)
	f.Count(17, &q.ExpiresMS)
}

// Bytes gives the quote's canonical encoding.
func (q *Quote) Bytes() []byte { return Encode(q) }

// Hash names the quote.
func (q *Quote) Hash() Hash { return PayloadHash(TypeQuote, q.Bytes()) }

// Acceptance is the taker's signed word that a quote is used for an instruction, with both amounts computed.
type Acceptance struct {
	Network     string
	Quote       Hash
	Instruction Hash
	SellMinor   int64
	BuyMinor    int64
	AtMS        int64
}

func (a *Acceptance) fields(f *Fields) {
	f.Text(1, &a.Network, maxName)
	f.Fixed(2, a.Quote[:])
	f.Fixed(3, a.Instruction[:])
	f.Count(4, &a.SellMinor)
	f.Count(5, &a.BuyMinor)
	f.Count(6, &a.AtMS)
}

// Bytes gives the acceptance's canonical encoding.
func (a *Acceptance) Bytes() []byte { return Encode(a) }

// Payment is everything that authorises one payment, as a desk hands it to its bank and as it travels attached to PROPOSE.
// Quote and Acceptance are empty for a payment inside one currency.
type Payment struct {
	Instruction Envelope
	Approvals   []Envelope
	Quote       []byte // envelope bytes, or empty
	Acceptance  []byte // envelope bytes, or empty
	Openings    []TotalOpening
}

func (p *Payment) fields(f *Fields) {
	f.Nested(1, &p.Instruction)
	List(f, 2, &p.Approvals, maxSignatures, func(f *Fields, e *Envelope) { e.fields(f) })
	f.Bytes(3, &p.Quote, LimitMessage)
	f.Bytes(4, &p.Acceptance, LimitMessage)
	List(f, 5, &p.Openings, maxBills, func(f *Fields, o *TotalOpening) { o.fields(f) })
}

// Bytes gives the payment's canonical encoding.
func (p *Payment) Bytes() []byte { return Encode(p) }

// Hash names the payment package; Terms carry it as the hash of what is attached.
func (p *Payment) Hash() Hash { return AttachmentHash(p.Bytes()) }

// AttachmentHash names an attached document by its bytes.
func AttachmentHash(b []byte) Hash { return labelled("attachment/1", b) }

// ParsePayment reads a payment package. Nothing in it is verified.
func ParsePayment(b []byte) (Payment, error) {
	var p Payment
	err := Decode(b, LimitAttachment, &p)
	return p, err
}

// QuotesHash names the quotes of a payment in their order, as terms name them: one by its own hash, several by SHA-256("swap/1/quotes\n" || hashes).
func QuotesHash(quotes []Hash) Hash {
	if len(quotes) == 1 {
		return quotes[0]
	}
	var b []byte
	for _, q := range quotes {
		b = append(b, q[:]...)
	}
	return labelled("swap/1/quotes", b)
}
