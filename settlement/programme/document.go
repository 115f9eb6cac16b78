package programme

import (
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

func (r *Record) fields(f *wire.Fields) {
	dateField(f, 1, &r.Date)
	f.Text(2, &r.Category, 16)
	f.Text(3, (*string)(&r.Supplier), 8)
	f.Text(4, (*string)(&r.Receiver), 8)
	f.Text(5, &r.Item, MaxTextBytes)
	decimalField(f, 6, &r.Quantity)
	f.Text(7, &r.Unit, MaxUnitBytes)
	decimalField(f, 8, &r.UnitPrice)
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
		dateField(f, 2, &r.Date)
		f.Text(3, &r.ContractLine, MaxTextBytes)
		decimalField(f, 4, &r.Delivered)
		decimalField(f, 5, &r.Accepted)
		wire.List(f, 6, &r.Serials, MaxSerials, serials)
		wire.List(f, 7, &r.DisputedSerials, MaxSerials, serials)
		f.Text(8, &r.Discrepancy, MaxTextBytes)
	})
}

func dateField(f *wire.Fields, tag uint16, d *Date) {
	text := d.String()
	f.Text(tag, &text, 10)
	parsed, err := ParseDate(text)
	if err != nil {
		f.Refuse(tag, "the date is none")
		return
	}
	*d = parsed
}
