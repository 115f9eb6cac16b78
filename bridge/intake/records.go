package intake

import (
	"io"

	"entente/settlement/programme"
)

// ReadCount reads one nation's own count: date, category, supplier, receiver, item, quantity, unit, unit_price. Whether the rows make sense under an
// agreement is checked by Agreement.CheckCount; what cannot be read is refused here, all of it at once (malformed_csv, date_invalid, formula_refused,
// too_large).
func ReadCount(r io.Reader, nation programme.Nation, source string) (programme.Count, error) {
	var p problems
	count := readCount(r, nation, source, &p)
	return count, p.err()
}

func readCount(r io.Reader, nation programme.Nation, source string, p *problems) programme.Count {
	count := programme.Count{Nation: nation, Source: source}
	t := newTable(r, source, p)
	if t == nil || !t.require("date", "category", "supplier", "receiver", "item", "quantity", "unit", "unit_price") {
		return count
	}
	for row := t.next(); row != nil; row = t.next() {
		date, dateOK := row.date("date")
		quantity, quantityOK := row.number("quantity")
		price, priceOK := row.number("unit_price")
		item, itemOK := row.words("item")
		unit, unitOK := row.words("unit")
		if !dateOK || !quantityOK || !priceOK || !itemOK || !unitOK {
			continue
		}
		count.Records = append(count.Records, programme.Record{
			Key: programme.Key{Date: date, Category: row.text("category"), Supplier: programme.Nation(row.text("supplier")),
				Receiver: programme.Nation(row.text("receiver")), Item: item},
			Quantity: quantity, Unit: unit, UnitPrice: price, Line: row.line,
		})
	}
	return count
}

// ReadContract reads a contract's lines: line, item, part_number, quantity, unit, unit_price, serials (separated by semicolons).
func ReadContract(r io.Reader, source string) ([]programme.ContractLine, error) {
	var p problems
	lines := readContract(r, source, &p)
	return lines, p.err()
}

func readContract(r io.Reader, source string, p *problems) (lines []programme.ContractLine) {
	t := newTable(r, source, p)
	if t == nil || !t.require("line", "item", "part_number", "quantity", "unit", "unit_price", "serials") {
		return nil
	}
	for row := t.next(); row != nil; row = t.next() {
		quantity, quantityOK := row.number("quantity")
		price, priceOK := row.number("unit_price")
		if !quantityOK || !priceOK {
			continue
		}
		lines = append(lines, programme.ContractLine{No: row.text("line"), Item: row.text("item"), PartNumber: row.text("part_number"),
			Quantity: quantity, Unit: row.text("unit"), UnitPrice: price, Serials: row.serials("serials")})
	}
	return lines
}

// ReadReceipts reads receipts: receipt, date, line (of the contract), delivered, accepted, serials, disputed_serials, discrepancy.
func ReadReceipts(r io.Reader, source string) ([]programme.Receipt, error) {
	var p problems
	receipts := readReceipts(r, source, &p)
	return receipts, p.err()
}

func readReceipts(r io.Reader, source string, p *problems) (receipts []programme.Receipt) {
	t := newTable(r, source, p)
	if t == nil || !t.require("receipt", "date", "line", "delivered", "accepted", "serials", "disputed_serials", "discrepancy") {
		return nil
	}
	for row := t.next(); row != nil; row = t.next() {
		date, dateOK := row.date("date")
		delivered, deliveredOK := row.number("delivered")
		accepted, acceptedOK := row.number("accepted")
		if !dateOK || !deliveredOK || !acceptedOK {
			continue
		}
		receipts = append(receipts, programme.Receipt{No: row.text("receipt"), Date: date, ContractLine: row.text("line"), Delivered: delivered, Accepted: accepted,
			Serials: row.serials("serials"), DisputedSerials: row.serials("disputed_serials"), Discrepancy: row.text("discrepancy"), Line: row.line})
	}
	return receipts
}
