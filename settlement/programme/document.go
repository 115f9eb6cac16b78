package programme

import (
	"entente/schema/money"
	"entente/schema/wire"
)

// Limits of signed documents.
const (
	maxCountBytes   = 8 << 20
	maxCountRecords = 1 << 16
	maxReceipts     = 4096
)

// Bytes gives a count's canonical encoding, the form in which its nation signs it. Source and line numbers are not part of it.
// Refused: malformed, when a text or number is beyond its limit.
func (c Count) Bytes() ([]byte, error) { return wire.EncodeFields(c.fields) }

// ParseCount reads what Bytes gives and nothing else. Refusals: too_large, malformed. Whether the records make sense, CheckCount says.
func ParseCount(b []byte) (Count, error) {
	var c Count
	err := wire.DecodeFields(b, maxCountBytes, c.fields)
	return c, err
}

func (c *Count) fields(f *wire.Fields) {
	f.Text(1, (*string)(&c.Nation), 8)
	wire.List(f, 2, &c.Records, maxCountRecords, func(f *wire.Fields, r *Record) { r.fields(f) })
}

// Fields walks a key's five parts as fields 1 to 5, in documents of this package and others.
func (k *Key) Fields(f *wire.Fields) {
	DateField(f, 1, &k.Date)
	f.Text(2, &k.Category, 16)
	f.Text(3, (*string)(&k.Supplier), 8)
	f.Text(4, (*string)(&k.Receiver), 8)
	f.Text(5, &k.Item, MaxTextBytes)
}

func (r *Record) fields(f *wire.Fields) {
	r.Key.Fields(f)
	DecimalField(f, 6, &r.Quantity)
	f.Text(7, &r.Unit, MaxUnitBytes)
	DecimalField(f, 8, &r.UnitPrice)
}

// Receipts are what the receiver of one equipment case signed for, in the form in which it signs it.
type Receipts struct {
	Case     string
	Receipts []Receipt
}

// Bytes gives the canonical encoding. Refused: malformed, when a text or number is beyond its limit.
func (r Receipts) Bytes() ([]byte, error) { return wire.EncodeFields(r.fields) }

// ParseReceipts reads what Bytes gives and nothing else. Refusals: too_large, malformed. Whether they fit the contract, Deliveries says.
func ParseReceipts(b []byte) (Receipts, error) {
	var r Receipts
	err := wire.DecodeFields(b, maxCountBytes, r.fields)
	return r, err
}

func (r *Receipts) fields(f *wire.Fields) {
	serials := func(f *wire.Fields, s *string) { f.Text(1, s, MaxSerialBytes) }
	f.Text(1, &r.Case, 64)
	wire.List(f, 2, &r.Receipts, maxReceipts, func(f *wire.Fields, r *Receipt) {
		f.Text(1, &r.No, MaxTextBytes)
		DateField(f, 2, &r.Date)
		f.Text(3, &r.ContractLine, MaxTextBytes)
		DecimalField(f, 4, &r.Delivered)
		DecimalField(f, 5, &r.Accepted)
		wire.List(f, 6, &r.Serials, MaxSerials, serials)
		wire.List(f, 7, &r.DisputedSerials, MaxSerials, serials)
		f.Text(8, &r.Discrepancy, MaxTextBytes)
	})
}

const maxAgreementBytes = 1 << 20

// Bytes gives the agreement's canonical encoding, the form in which every member signs it: the same agreement has the same bytes at every desk.
// Whoever lists budgets in another order signs other bytes, so it is made of the Normalised agreement. Refused: malformed, when a text is beyond its limit.
//
//	1 id  2 name  3 first day  4 last day  5 members  6 categories with formula and shares  7 tolerance  8 budgets with limits
func (a Agreement) Bytes() ([]byte, error) { return wire.EncodeFields(a.fields) }

// ParseAgreement reads what Bytes gives and nothing else. Refusals: too_large, malformed. Whether it can be billed by, Validate says.
func ParseAgreement(b []byte) (Agreement, error) {
	var a Agreement
	err := wire.DecodeFields(b, maxAgreementBytes, a.fields)
	return a, err
}

func (a *Agreement) fields(f *wire.Fields) {
	f.Text(1, &a.ID, 64)
	f.Text(2, &a.Name, MaxTextBytes)
	DateField(f, 3, &a.Starts)
	DateField(f, 4, &a.Ends)
	wire.List(f, 5, &a.Members, MaxMembers, func(f *wire.Fields, m *Member) {
		f.Text(1, (*string)(&m.Nation), 8)
		f.Text(2, &m.Name, MaxTextBytes)
		CurrencyField(f, 3, &m.Currency)
		f.Text(4, &m.Bank, 32)
		f.Text(5, &m.BankName, MaxTextBytes)
	})
	wire.List(f, 6, &a.Categories, MaxCategories, func(f *wire.Fields, c *Category) {
		f.Text(1, &c.Code, 16)
		f.Text(2, &c.Name, MaxTextBytes)
		f.U8(3, (*uint8)(&c.Formula.Kind))
		wire.List(f, 4, &c.Formula.Shares, MaxMembers, func(f *wire.Fields, share *int64) { f.Count(1, share) })
	})
	f.Count(7, &a.ToleranceBP)
	wire.List(f, 8, &a.Budgets, MaxMembers*MaxMembers, func(f *wire.Fields, b *Budget) {
		f.Text(1, (*string)(&b.Nation), 8)
		CurrencyField(f, 2, &b.Currency)
		amountField(f, 3, &b.Total, b.Currency)
		wire.List(f, 4, &b.Limits, MaxCategories, func(f *wire.Fields, l *Limit) {
			f.U8(1, &l.Category)
			f.Text(2, &l.Code, 16)
			amountField(f, 3, &l.Most, b.Currency)
		})
	})
}

// CurrencyField walks a currency as its ISO 4217 code, in documents of this package and others.
func CurrencyField(f *wire.Fields, tag uint16, c *money.Currency) {
	code := c.Code()
	f.Text(tag, &code, 3)
	parsed, err := money.ParseCurrency(code)
	if err != nil {
		f.Refuse(tag, "the currency is unknown")
		return
	}
	*c = parsed
}

// amountField walks an amount of a currency that is stated before it.
func amountField(f *wire.Fields, tag uint16, m *money.Amount, currency money.Currency) {
	minor := m.Minor()
	f.Count(tag, &minor)
	*m = money.New(minor, currency)
}

// DateField walks a date as its text, such as 2023-10-04, in documents of this package and others.
func DateField(f *wire.Fields, tag uint16, d *Date) {
	text := d.String()
	f.Text(tag, &text, 10)
	parsed, err := ParseDate(text)
	if err != nil {
		f.Refuse(tag, "the date is none")
		return
	}
	*d = parsed
}
