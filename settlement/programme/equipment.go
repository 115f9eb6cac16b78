package programme

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
)

// Limits of one equipment case.
const (
	// MaxSerials bounds the serial numbers of one contract line, so that a delivery stays one small document.
	MaxSerials = 512
	// MaxSerialBytes bounds one serial number.
	MaxSerialBytes = 64
)

// Case is one equipment contract between two members, and the receipts signed for it so far.
type Case struct {
	ID       string
	Title    string
	Supplier Nation
	Receiver Nation
	Category string // a category of the agreement that is billed by actual use
	Source   string // where it was read from; for messages alone
	Lines    []ContractLine
	Receipts []Receipt
}

// ContractLine is one line of the contract. A line with serial numbers has exactly one for each unit.
type ContractLine struct {
	No         string
	Item       string
	PartNumber string
	Quantity   decimal.Decimal
	Unit       string
	UnitPrice  decimal.Decimal // in major units of the supplier's currency
	Serials    []string
}

// Receipt is what the receiver signed for one contract line on one day. Delivered arrived; Accepted is the part without a discrepancy, and the only part
// that is billed. The rest is held until a later receipt accepts it or its replacement.
type Receipt struct {
	No              string
	Date            Date
	ContractLine    string // a ContractLine's No
	Delivered       decimal.Decimal
	Accepted        decimal.Decimal
	Serials         []string // the accepted units, where the contract line has serial numbers
	DisputedSerials []string // the units that arrived and were not accepted
	Discrepancy     string   // shortage, damage or wrong item, in the receiver's words; empty if and only if all was accepted
	Line            int      // the line of the source it was read from, for messages alone
}

// Delivery is the accepted part of one receipt, priced.
type Delivery struct {
	Receipt  Receipt
	Contract ContractLine
	Amount   money.Amount // accepted quantity times unit price in the supplier's currency, halves rounded to even
}

// Outstanding is where one contract line stands after all receipts.
type Outstanding struct {
	Contract    ContractLine
	Accepted    decimal.Decimal
	Disputed    decimal.Decimal // arrived, not accepted, and neither repaired nor replaced since
	Outstanding decimal.Decimal // contracted and not accepted yet; the disputed part is in it
}

// Deliveries checks a case and gives what its receipts cover, ordered by date, receipt and contract line, and what is outstanding, in the contract's order.
// The order in which receipts are given does not matter. Every error is named at once.
func (a Agreement) Deliveries(c Case) ([]Delivery, []Outstanding, error) {
	d := caseCheck{agreement: a, c: c, progress: map[string]*progress{}}
	d.checkCase()
	d.checkContract()
	if err := errors.Join(d.wrong...); err != nil {
		return nil, nil, err // receipts cannot be judged against a contract that is not sound
	}
	deliveries := d.deliver()
	if err := errors.Join(d.wrong...); err != nil {
		return nil, nil, err
	}
	outstanding := make([]Outstanding, len(c.Lines))
	for i, line := range c.Lines {
		p := d.progress[line.No]
		rest := line.Quantity.Sub(p.accepted)
		outstanding[i] = Outstanding{line, p.accepted, decimal.Min(p.disputed, rest), rest}
	}
	return deliveries, outstanding, nil
}

// progress is how far the receipts of one contract line have come.
type progress struct {
	line     ContractLine
	accepted decimal.Decimal
	disputed decimal.Decimal
	serials  map[string]string // serial number to the receipt that accepted it, "" before
	receipts map[string]bool
}

type caseCheck struct {
	agreement Agreement
	c         Case
	supplier  Member
	progress  map[string]*progress
	wrong     []error
}

func (d *caseCheck) refuse(place string, code refusal.Code, do, format string, args ...any) {
	source := cmp.Or(d.c.Source, "case "+d.c.ID)
	if place != "" {
		source += " " + place
	}
	d.wrong = append(d.wrong, refusal.Newf(code, do, "%s: %s", source, fmt.Sprintf(format, args...)))
}

func (d *caseCheck) checkCase() {
	a, c := d.agreement, d.c
	if !idForm.MatchString(c.ID) {
		d.refuse("", CodeCaseInvalid, "use 1 to 64 letters, digits, points, hyphens and underscores", "%.80q cannot name a case", c.ID)
	}
	if why := TextFault(c.Title, MaxTextBytes); why != "" {
		d.refuse("", CodeCaseInvalid, "give the case a title", "title: %s", why)
	}
	var known bool
	if d.supplier, known = a.Member(c.Supplier); !known {
		d.refuse("", CodeUnknownMember, "use the code of a member", "supplier %.20q is no member of %s", c.Supplier, a.ID)
	}
	if _, ok := a.Member(c.Receiver); !ok {
		d.refuse("", CodeUnknownMember, "use the code of a member", "receiver %.20q is no member of %s", c.Receiver, a.ID)
	}
	if c.Supplier == c.Receiver {
		d.refuse("", CodeCaseInvalid, "name two members", "%.20q sells to itself", c.Supplier)
	}
	if i := a.CategoryIndex(c.Category); i < 0 {
		d.refuse("", CodeUnknownCategory, "use a category of the agreement", "%.40q is no category of %s", c.Category, a.ID)
	} else if a.Categories[i].Formula.Kind != ActualUse {
		d.refuse("", CodeCaseInvalid, "choose a category that is billed by actual use", "the receiver alone pays for equipment, and %s is shared", c.Category)
	}
	if len(c.Lines) == 0 {
		d.refuse("", CodeCaseInvalid, "give at least one contract line", "the contract is empty")
	}
}

func (d *caseCheck) checkContract() {
	owner := map[string]string{}
	for _, line := range d.c.Lines {
		place := "contract line " + line.No
		for _, text := range []struct {
			name, value string
			limit       int
		}{{"line", line.No, MaxUnitBytes}, {"item", line.Item, MaxTextBytes}, {"part_number", line.PartNumber, MaxSerialBytes}, {"unit", line.Unit, MaxUnitBytes}} {
			if why := TextFault(text.value, text.limit); why != "" {
				d.refuse(place, CodeCaseInvalid, "state it", "%s: %s", text.name, why)
			}
		}
		if d.progress[line.No] != nil {
			d.refuse(place, CodeCaseInvalid, "number every line once", "the number is used twice")
			continue
		}
		p := &progress{line: line, serials: map[string]string{}, receipts: map[string]bool{}}
		d.progress[line.No] = p
		numbers := pricedFaults(line.Quantity, line.UnitPrice)
		for _, fault := range numbers {
			d.refuse(place, fault.Code, fault.Do, "%s", fault.What)
		}
		if len(numbers) > 0 {
			continue
		}
		if _, err := lineTotal(line.Quantity, line.UnitPrice, d.supplier.Currency); err != nil && !d.supplier.Currency.IsZero() {
			fault := asRefusal(err)
			d.refuse(place, fault.Code, fault.Do, "%s", fault.What)
		}
		for _, serial := range line.Serials {
			if why := TextFault(serial, MaxSerialBytes); why != "" {
				d.refuse(place, CodeCaseInvalid, "write serial numbers as they are marked", "serial number: %s", why)
			}
			if first, repeated := owner[serial]; repeated {
				d.refuse(place, CodeSerialRepeated, "a serial number names one unit for ever", "serial number %s is already on line %s", serial, first)
			}
			owner[serial], p.serials[serial] = line.No, ""
		}
		if n := len(line.Serials); n > MaxSerials || n > 0 && !line.Quantity.Equal(decimal.NewFromInt(int64(n))) {
			d.refuse(place, CodeCaseInvalid, fmt.Sprintf("give one serial number for each unit, at most %d", MaxSerials), "%d serial numbers for %s units", n, line.Quantity)
		}
	}
}

func (d *caseCheck) deliver() []Delivery {
	receipts := slices.Clone(d.c.Receipts)
	slices.SortStableFunc(receipts, func(r, s Receipt) int {
		return cmp.Or(r.Date.Compare(s.Date), cmp.Compare(r.No, s.No), cmp.Compare(r.ContractLine, s.ContractLine))
	})
	var deliveries []Delivery
	for _, r := range receipts {
		place := "receipt " + r.No
		if r.Line > 0 {
			place += fmt.Sprintf(" (line %d)", r.Line)
		}
		p := d.progress[r.ContractLine]
		if p == nil {
			d.refuse(place, CodeUnknownContractLine, "name a line of the contract", "the contract has no line %.40q", r.ContractLine)
			continue
		}
		before := len(d.wrong)
		d.checkReceipt(place, r, p)
		d.checkSerials(place, r, p)
		if len(d.wrong) > before {
			continue
		}
		p.accepted = p.accepted.Add(r.Accepted)
		// What arrives later makes up for what was disputed before: a repaired unit is no longer disputed.
		p.disputed = decimal.Max(decimal.Zero, p.disputed.Sub(r.Accepted)).Add(r.Delivered.Sub(r.Accepted))
		if r.Accepted.IsZero() {
			continue
		}
		amount, err := lineTotal(r.Accepted, p.line.UnitPrice, d.supplier.Currency)
		if err != nil {
			fault := asRefusal(err)
			d.refuse(place, fault.Code, fault.Do, "%s", fault.What)
			continue
		}
		deliveries = append(deliveries, Delivery{r, p.line, amount})
	}
	return deliveries
}

func (d *caseCheck) checkReceipt(place string, r Receipt, p *progress) {
	if why := TextFault(r.No, MaxSerialBytes); why != "" {
		d.refuse(place, CodeReceiptInvalid, "number the receipt", "receipt: %s", why)
	}
	if p.receipts[r.No] {
		d.refuse(place, CodeReceiptRepeated, "give a later delivery its own receipt", "it was already given for contract line %s", r.ContractLine)
	}
	p.receipts[r.No] = true
	if r.Date.Before(d.agreement.Starts) || d.agreement.Ends.Before(r.Date) {
		d.refuse(place, CodeDateOutsidePeriod, "correct the date, or amend the agreement", "%s is not within %s to %s", r.Date, d.agreement.Starts, d.agreement.Ends)
	}
	outstanding := p.line.Quantity.Sub(p.accepted)
	switch {
	case r.Delivered.Sign() <= 0 || r.Accepted.Sign() < 0 || r.Delivered.Exponent() < -MaxFractionDigits || r.Accepted.Exponent() < -MaxFractionDigits:
		d.refuse(place, CodeReceiptInvalid, "state what arrived and what of it was accepted", "%s delivered and %s accepted", r.Delivered, r.Accepted)
	case r.Accepted.GreaterThan(r.Delivered):
		d.refuse(place, CodeReceiptInvalid, "accept at most what arrived", "%s accepted of %s delivered", r.Accepted, r.Delivered)
	case r.Delivered.GreaterThan(outstanding):
		d.refuse(place, CodeOverDelivery, "send the surplus back, or amend the contract", "%s delivered, %s outstanding on contract line %s", r.Delivered, outstanding, r.ContractLine)
	case r.Accepted.Equal(r.Delivered) && r.Discrepancy != "":
		d.refuse(place, CodeReceiptInvalid, "drop the note or lower the accepted quantity", "it notes a discrepancy and accepts everything")
	case !r.Accepted.Equal(r.Delivered):
		if why := TextFault(r.Discrepancy, MaxTextBytes); why != "" {
			d.refuse(place, CodeReceiptInvalid, "say what was wrong with the rest", "discrepancy: %s", why)
		}
	}
}

func (d *caseCheck) checkSerials(place string, r Receipt, p *progress) {
	if len(p.line.Serials) == 0 {
		if n := len(r.Serials) + len(r.DisputedSerials); n > 0 {
			d.refuse(place, CodeUnknownSerial, "leave the serial numbers out", "%d serial numbers for contract line %s, which has none", n, r.ContractLine)
		}
		return
	}
	for _, part := range []struct {
		what     string
		quantity decimal.Decimal
		serials  []string
	}{{"accepted", r.Accepted, r.Serials}, {"disputed", r.Delivered.Sub(r.Accepted), r.DisputedSerials}} {
		if !part.quantity.Equal(decimal.NewFromInt(int64(len(part.serials)))) {
			d.refuse(place, CodeReceiptInvalid, "give one serial number for each unit", "%d %s serial numbers for %s %s units", len(part.serials), part.what, part.quantity, part.what)
		}
	}
	here := map[string]bool{}
	for i, serial := range slices.Concat(r.Serials, r.DisputedSerials) {
		accepted, belongs := p.serials[serial]
		switch {
		case !belongs:
			d.refuse(place, CodeUnknownSerial, "compare the marking with the contract", "serial number %.80q does not belong to contract line %s", serial, r.ContractLine)
			continue
		case accepted != "":
			d.refuse(place, CodeSerialRepeated, "a unit is received once", "serial number %s was accepted with receipt %s", serial, accepted)
		case here[serial]:
			d.refuse(place, CodeSerialRepeated, "list every unit once", "serial number %s is listed twice", serial)
		case i < len(r.Serials):
			p.serials[serial] = r.No
		}
		here[serial] = true
	}
}
