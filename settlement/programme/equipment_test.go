package programme

import (
	"testing"

	"entente/schema/money"
)

// radios is a contract of three radios with serial numbers and 40 batteries, partly delivered, one radio and some batteries disputed.
func radios() Case {
	return Case{ID: "JPN-IND-01", Title: "Field radios", Supplier: "JPN", Receiver: "IND", Category: "EQUIP",
		Lines: []ContractLine{
			{"1", "VHF field radio", "FR-7", dec("3"), "each", dec("412500"), []string{"R-001", "R-002", "R-003"}},
			{"2", "battery", "BT-9", dec("40"), "each", dec("8350.5"), nil},
		},
		Receipts: []Receipt{
			{No: "GRN-1", Date: day("2023-10-05"), ContractLine: "1", Delivered: dec("2"), Accepted: dec("1"), Serials: []string{"R-002"}, DisputedSerials: []string{"R-001"}, Discrepancy: "casing cracked in transit", Line: 2},
			{No: "GRN-1", Date: day("2023-10-05"), ContractLine: "2", Delivered: dec("25"), Accepted: dec("22"), Discrepancy: "three cells swollen", Line: 3},
			{No: "GRN-2", Date: day("2023-10-09"), ContractLine: "1", Delivered: dec("1"), Accepted: dec("1"), Serials: []string{"R-001"}, Line: 4},
		}}
}

func TestOnlyWhatAReceiptAcceptedIsBilled(t *testing.T) {
	deliveries, outstanding, err := exercise().Deliveries(radios())
	if err != nil {
		t.Fatal(err)
	}
	jpy := money.MustCurrency("JPY")
	want := []money.Amount{money.New(412_500, jpy), money.New(183_711, jpy), money.New(412_500, jpy)}
	for i, d := range deliveries {
		if d.Amount != want[i] {
			t.Errorf("delivery %d is %s, want %s", i, d.Amount, want[i])
		}
	}
	if len(deliveries) != len(want) {
		t.Errorf("%d deliveries", len(deliveries))
	}
	for i, want := range [][3]string{{"2", "0", "1"}, {"22", "3", "18"}} {
		o := outstanding[i]
		if o.Accepted.String() != want[0] || o.Disputed.String() != want[1] || o.Outstanding.String() != want[2] {
			t.Errorf("contract line %s: accepted %s, disputed %s, outstanding %s; want %v", o.Contract.No, o.Accepted, o.Disputed, o.Outstanding, want)
		}
	}
}

func TestReceiptsThatCannotBeRightAreRefused(t *testing.T) {
	receipt := func(no, line, delivered, accepted string, serials ...string) Receipt {
		return Receipt{No: no, Date: day("2023-10-10"), ContractLine: line, Delivered: dec(delivered), Accepted: dec(accepted), Serials: serials, Line: 5}
	}
	with := func(r Receipt, change func(*Receipt)) Receipt {
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name    string
		receipt Receipt
		want    []string
	}{
		{"the last radio", receipt("GRN-3", "1", "1", "1", "R-003"), nil},
		{"more than outstanding", receipt("GRN-3", "2", "19", "19"), []string{"over_delivery: case JPN-IND-01 receipt GRN-3 (line 5): 19 delivered, 18 outstanding"}},
		{"a line the contract does not have", receipt("GRN-3", "7", "1", "1"), []string{"unknown_contract_line"}},
		{"a strange serial number", receipt("GRN-3", "1", "1", "1", "R-777"), []string{"unknown_serial"}},
		{"a unit received before", receipt("GRN-3", "1", "1", "1", "R-001"), []string{"serial_repeated: case JPN-IND-01 receipt GRN-3 (line 5): serial number R-001 was accepted with receipt GRN-2"}},
		{"no serial number", receipt("GRN-3", "1", "1", "1"), []string{"receipt_invalid: case JPN-IND-01 receipt GRN-3 (line 5): 0 accepted serial numbers for 1 accepted units"}},
		{"serial numbers for batteries", receipt("GRN-3", "2", "1", "1", "B-1"), []string{"unknown_serial"}},
		{"half a radio", receipt("GRN-3", "1", "0.5", "0.5", "R-003"), []string{"receipt_invalid"}},
		{"more accepted than delivered", receipt("GRN-3", "2", "1", "2"), []string{"receipt_invalid"}},
		{"nothing delivered", receipt("GRN-3", "2", "0", "0"), []string{"receipt_invalid"}},
		{"a dispute without a reason", receipt("GRN-3", "2", "2", "1"), []string{"receipt_invalid: case JPN-IND-01 receipt GRN-3 (line 5): discrepancy: it is empty"}},
		{"a reason without a dispute", with(receipt("GRN-3", "2", "1", "1"), func(r *Receipt) { r.Discrepancy = "wet" }), []string{"receipt_invalid"}},
		{"the same receipt again", with(receipt("GRN-2", "1", "1", "1", "R-003"), func(r *Receipt) { r.Date = day("2023-10-09") }), []string{"receipt_repeated"}},
		{"a day after the agreement", with(receipt("GRN-3", "2", "1", "1"), func(r *Receipt) { r.Date = day("2023-11-01") }), []string{"date_outside_period"}},
		{"one unit twice", with(receipt("GRN-3", "1", "1", "0", []string{}...), func(r *Receipt) {
			r.Delivered, r.Accepted, r.Serials, r.DisputedSerials, r.Discrepancy = dec("1"), dec("0"), []string{"R-003"}, []string{"R-003"}, "wrong colour"
		}), []string{"receipt_invalid", "serial_repeated"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := radios()
			c.Receipts = append(c.Receipts, tt.receipt)
			_, _, err := exercise().Deliveries(c)
			wantRefusals(t, err, tt.want...)
		})
	}
}

func TestContractsThatCannotBeRightAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Case)
		want   []string
	}{
		{"a shared category", func(c *Case) { c.Category = "BASE" }, []string{"case_invalid: case JPN-IND-01: the receiver alone pays for equipment"}},
		{"an unknown category", func(c *Case) { c.Category = "TANKS" }, []string{"unknown_category"}},
		{"an unknown supplier", func(c *Case) { c.Supplier = "USA" }, []string{"unknown_member"}},
		{"a nation selling to itself", func(c *Case) { c.Supplier = "IND" }, []string{"case_invalid"}},
		{"a serial number on two lines", func(c *Case) { c.Lines[1].Quantity, c.Lines[1].Serials = dec("1"), []string{"R-003"} }, []string{"serial_repeated"}},
		{"fewer serial numbers than units", func(c *Case) { c.Lines[0].Quantity = dec("4") }, []string{"3 serial numbers for 4 units"}},
		{"one line number twice", func(c *Case) { c.Lines[1].No = "1" }, []string{"the number is used twice"}},
		{"nothing to deliver", func(c *Case) { c.Lines, c.Receipts = nil, nil }, []string{"the contract is empty"}},
		{"a negative price and no title", func(c *Case) { c.Lines[1].UnitPrice, c.Title = dec("-1"), "" }, []string{"case_invalid: case JPN-IND-01: title: it is empty", "amount_invalid: case JPN-IND-01 contract line 2: unit_price is negative"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := radios()
			tt.change(&c)
			_, _, err := exercise().Deliveries(c)
			wantRefusals(t, err, tt.want...)
		})
	}
}

func TestACaseIsBilledOnce(t *testing.T) {
	_, err := DraftBills(exercise(), nil, []Case{radios(), radios()})
	wantRefusals(t, err, "case_invalid: case JPN-IND-01 is there twice")
}
