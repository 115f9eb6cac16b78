package programme

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
)

func TestACountAndItsBytesAreOneToOne(t *testing.T) {
	c := Count{Nation: "IND", Records: []Record{{
		Key:      Key{Date: Date{2023, 10, 4}, Category: "FOOD", Supplier: "IND", Receiver: "JPN", Item: "rice"},
		Quantity: decimal.RequireFromString("120.5"), Unit: "kg", UnitPrice: decimal.RequireFromString("38.50"),
	}}}
	b, err := c.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseCount(b)
	if err != nil {
		t.Fatal(err)
	}
	if back.Records[0].Key != c.Records[0].Key || !back.Records[0].Quantity.Equal(c.Records[0].Quantity) || !back.Records[0].UnitPrice.Equal(c.Records[0].UnitPrice) {
		t.Errorf("got %+v", back)
	}
	again, err := back.Bytes()
	if err != nil || !cmp.Equal(again, b) {
		t.Errorf("bytes differ after a round trip: %v", err)
	}
	if _, err := ParseCount(b[:len(b)-1]); refusal.CodeOf(err) != "malformed" {
		t.Errorf("a cut count gives %v", err)
	}
}

func TestReceiptsAndTheirBytesAreOneToOne(t *testing.T) {
	r := Receipts{Case: "EQ-1", Receipts: []Receipt{{
		No: "R1", Date: Date{2023, 10, 4}, ContractLine: "1", Delivered: decimal.NewFromInt(2), Accepted: decimal.NewFromInt(1),
		Serials: []string{"A1"}, DisputedSerials: []string{"A2"}, Discrepancy: "antenna bent",
	}}}
	b, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseReceipts(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Bytes()
	if err != nil || !cmp.Equal(again, b) || back.Receipts[0].Discrepancy != "antenna bent" {
		t.Errorf("got %+v, %v", back, err)
	}
}

func TestAnAgreementAndItsBytesAreOneToOne(t *testing.T) {
	a := budgeted().Normalised()
	b, err := a.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseAgreement(b)
	if err != nil {
		t.Fatal(err)
	}
	wantRefusals(t, back.Validate())
	if diff := cmp.Diff(a, back, cmpopts.EquateComparable(money.Amount{}, money.Currency{}), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	for n := range b {
		if _, err := ParseAgreement(b[:n]); refusal.CodeOf(err) != "malformed" {
			t.Fatalf("cut after %d bytes it gives %v", n, err)
		}
	}
}

func FuzzParseAgreement(f *testing.F) {
	seed(f, budgeted())
	f.Fuzz(func(t *testing.T, b []byte) {
		oneToOne(t, b, ParseAgreement)
		if a, err := ParseAgreement(b); err == nil {
			_ = a.Normalised().Validate()
		}
	})
}
