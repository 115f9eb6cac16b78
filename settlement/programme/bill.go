package programme

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
)

// BillKind says what a bill is for.
type BillKind uint8

// The kinds of bills.
const (
	ExerciseBill BillKind = 1 // all confirmed lines one member owes another
	CaseBill     BillKind = 2 // what the receipts of one equipment case cover
)

// String gives the kind's stable name: exercise or case.
func (k BillKind) String() string {
	switch k {
	case ExerciseBill:
		return "exercise"
	case CaseBill:
		return "case"
	}
	return fmt.Sprintf("bill kind(%d)", uint8(k))
}

// BillItem is one line item of a bill. Only creditor and debtor ever see it.
type BillItem struct {
	Date         Date
	Category     uint8 // the category's number in every commitment, 0 to 15
	CategoryCode string
	Item         string
	Quantity     decimal.Decimal
	Unit         string
	UnitPrice    decimal.Decimal
	Supplier     Nation
	Receiver     Nation
	LineAmount   money.Amount // quantity times unit price, before sharing
	Amount       money.Amount // what this debtor owes of it, above zero
	Reference    string       // the agreement's id, with the line's own reference or the pool a rounding is of; or case, receipt and contract line
	Serials      []string     // the units, where they have serial numbers
}

// DraftBill is a bill as both desks compute it, before anybody commits to it or signs it.
type DraftBill struct {
	Kind      BillKind
	Reference string // the agreement's or the case's id
	Creditor  Nation
	Debtor    Nation
	Currency  money.Currency // the creditor's
	Items     []BillItem     // at least one, ordered by date, category, supplier, receiver, item and reference
}

// Total adds the items' amounts.
func (b DraftBill) Total() (money.Amount, error) {
	total := money.Zero(b.Currency)
	var err error
	for _, item := range b.Items {
		if total, err = total.Add(item.Amount); err != nil {
			return money.Amount{}, err
		}
	}
	return total, nil
}

// DraftBills gives every bill of an exercise: one for each creditor and debtor with everything the one owes the other under the formulas (see Charges), and
// one for each equipment case. Charges of zero are dropped, and bills without items. Bills come ordered by kind, reference, creditor and debtor, members in the
// agreement's order; the order of lines and cases does not matter. Everything wrong with agreement and cases is refused at once.
func DraftBills(a Agreement, lines []Line, cases []Case) ([]DraftBill, error) {
	wrong := []error{a.Validate()}
	charges, err := Charges(a, lines)
	wrong = append(wrong, err)
	drafts := drafting{agreement: a, bills: map[billKey]*DraftBill{}}
	for _, c := range charges {
		reference := a.ID
		if c.Pool != nil { // so no confirmed line, whatever its item is called, is taken for it
			reference = fmt.Sprintf("%s pool %s", a.ID, c.Pool.Total)
		} else if c.Line.Reference != "" {
			reference = fmt.Sprintf("%s %s", a.ID, c.Line.Reference)
		}
		drafts.add(billKey{ExerciseBill, a.ID, c.Line.Supplier, c.Debtor}, BillItem{
			Date: c.Line.Date, CategoryCode: c.Line.Category, Item: c.Line.Item, Quantity: c.Line.Quantity, Unit: c.Line.Unit, UnitPrice: c.Line.UnitPrice,
			Supplier: c.Line.Supplier, Receiver: c.Line.Receiver, LineAmount: c.Line.Amount, Amount: c.Amount, Reference: reference,
		})
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if seen[c.ID] {
			wrong = append(wrong, refusal.Newf(CodeCaseInvalid, "name every case once", "case %s is there twice", c.ID))
		}
		seen[c.ID] = true
		deliveries, _, err := a.Deliveries(c)
		wrong = append(wrong, err)
		for _, d := range deliveries {
			drafts.add(billKey{CaseBill, c.ID, c.Supplier, c.Receiver}, BillItem{
				Date: d.Receipt.Date, CategoryCode: c.Category, Item: d.Contract.Item, Quantity: d.Receipt.Accepted, Unit: d.Contract.Unit, UnitPrice: d.Contract.UnitPrice,
				Supplier: c.Supplier, Receiver: c.Receiver, LineAmount: d.Amount, Amount: d.Amount,
				Reference: fmt.Sprintf("%s receipt %s line %s part %s", c.ID, d.Receipt.No, d.Contract.No, d.Contract.PartNumber), Serials: sorted(d.Receipt.Serials),
			})
		}
	}
	bills := drafts.ordered()
	for _, b := range bills {
		_, err := b.Total()
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return bills, nil
}

type billKey struct {
	kind      BillKind
	reference string
	creditor  Nation
	debtor    Nation
}

type drafting struct {
	agreement Agreement
	bills     map[billKey]*DraftBill
}

func (d *drafting) add(key billKey, item BillItem) {
	if item.Amount.IsZero() {
		return
	}
	item.Category = uint8(d.agreement.CategoryIndex(item.CategoryCode))
	bill := d.bills[key]
	if bill == nil {
		bill = &DraftBill{Kind: key.kind, Reference: key.reference, Creditor: key.creditor, Debtor: key.debtor, Currency: item.Amount.Currency()}
		d.bills[key] = bill
	}
	bill.Items = append(bill.Items, item)
}

func (d *drafting) ordered() []DraftBill {
	bills := make([]DraftBill, 0, len(d.bills))
	for _, b := range d.bills {
		slices.SortFunc(b.Items, BillItem.compare)
		bills = append(bills, *b)
	}
	slices.SortFunc(bills, func(b, c DraftBill) int {
		return cmp.Or(cmp.Compare(b.Kind, c.Kind), cmp.Compare(b.Reference, c.Reference),
			cmp.Compare(d.agreement.memberIndex(b.Creditor), d.agreement.memberIndex(c.Creditor)),
			cmp.Compare(d.agreement.memberIndex(b.Debtor), d.agreement.memberIndex(c.Debtor)))
	})
	return bills
}

func (i BillItem) compare(j BillItem) int {
	return cmp.Or(i.Date.Compare(j.Date), cmp.Compare(i.Category, j.Category), cmp.Compare(i.Supplier, j.Supplier), cmp.Compare(i.Receiver, j.Receiver),
		cmp.Compare(i.Item, j.Item), cmp.Compare(i.Reference, j.Reference))
}

// CategoryTotal is what the bills of one currency charge in one category.
type CategoryTotal struct {
	Currency     money.Currency
	Category     uint8
	CategoryCode string
	Amount       money.Amount
}

// CategoryTotals adds the items of bills per currency and category, ordered by currency code and category number. Categories without items are left out.
func CategoryTotals(bills []DraftBill) ([]CategoryTotal, error) {
	type slot struct {
		currency money.Currency
		category uint8
	}
	sums := map[slot]CategoryTotal{}
	for _, b := range bills {
		for _, item := range b.Items {
			key := slot{b.Currency, item.Category}
			total, ok := sums[key]
			if !ok {
				total = CategoryTotal{b.Currency, item.Category, item.CategoryCode, money.Zero(b.Currency)}
			}
			var err error
			if total.Amount, err = total.Amount.Add(item.Amount); err != nil {
				return nil, fmt.Errorf("total of %s in %s: %w", item.CategoryCode, b.Currency, err)
			}
			sums[key] = total
		}
	}
	totals := make([]CategoryTotal, 0, len(sums))
	for _, t := range sums {
		totals = append(totals, t)
	}
	slices.SortFunc(totals, func(t, u CategoryTotal) int {
		return cmp.Or(cmp.Compare(t.Currency.Code(), u.Currency.Code()), cmp.Compare(t.Category, u.Category))
	})
	return totals, nil
}

// Bytes gives the item's canonical encoding, which the details digest of a commitment covers: equal items have equal bytes on both desks, and different
// items different ones. An item this package made always encodes; one with texts beyond their limits panics.
//
//	1 date  2 category number  3 category code  4 item  5 quantity  6 unit  7 unit price  8 supplier  9 receiver
//	10 currency  11 line amount  12 amount  13 reference  14 serial numbers
//
// Dates and decimals are texts: "2023-10-04", and decimals without superfluous zeros.
func (i BillItem) Bytes() []byte {
	b, err := wire.EncodeFields(i.fields)
	if err != nil {
		panic(fmt.Sprintf("programme: %s cannot be encoded: %v", i.Item, err))
	}
	return b
}

// ParseBillItem reads what Bytes gives and nothing else: bytes that are read encode to themselves. Refusals: too_large, malformed.
func ParseBillItem(b []byte) (BillItem, error) {
	var i BillItem
	if err := wire.DecodeFields(b, maxItemBytes, i.fields); err != nil {
		return BillItem{}, err
	}
	return i, nil
}

const (
	maxItemBytes      = wire.LimitAttachment
	maxReferenceBytes = 512
)

func (i *BillItem) fields(f *wire.Fields) {
	date, currency := i.Date.String(), i.LineAmount.Currency().Code()
	lineMinor, minor := i.LineAmount.Minor(), i.Amount.Minor()
	f.Text(1, &date, 10)
	f.U8(2, &i.Category)
	f.Text(3, &i.CategoryCode, 16)
	f.Text(4, &i.Item, MaxTextBytes)
	DecimalField(f, 5, &i.Quantity)
	f.Text(6, &i.Unit, MaxUnitBytes)
	DecimalField(f, 7, &i.UnitPrice)
	f.Text(8, (*string)(&i.Supplier), 8)
	f.Text(9, (*string)(&i.Receiver), 8)
	f.Text(10, &currency, 3)
	f.Count(11, &lineMinor)
	f.Count(12, &minor)
	f.Text(13, &i.Reference, maxReferenceBytes)
	wire.List(f, 14, &i.Serials, MaxSerials, func(f *wire.Fields, s *string) { f.Text(1, s, MaxSerialBytes) })
	parsedDate, err := ParseDate(date)
	if err != nil {
		f.Refuse(1, "the date is none")
		return
	}
	parsedCurrency, err := money.ParseCurrency(currency)
	if err != nil {
		f.Refuse(10, "the currency is unknown")
		return
	}
	if i.Category >= MaxCategories {
		f.Refuse(2, "there are 16 categories")
		return
	}
	i.Date, i.LineAmount, i.Amount = parsedDate, money.New(lineMinor, parsedCurrency), money.New(minor, parsedCurrency)
}

// DecimalField is a decimal as its shortest plain text, so that 12.50 counted here and 12.5 counted there are the same bytes.
func DecimalField(f *wire.Fields, tag uint16, d *decimal.Decimal) {
	text := d.String()
	f.Text(tag, &text, 40)
	parsed, err := decimal.NewFromString(text)
	if err != nil || parsed.String() != text {
		f.Refuse(tag, "the number is not in its shortest plain form")
		return
	}
	*d = parsed
}

func sorted(serials []string) []string {
	s := slices.Clone(serials)
	slices.Sort(s)
	return s
}
