package node

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"entente/settlement/programme"
)

func TestAReceiptPostedAgainCountsOnce(t *testing.T) {
	day, err := programme.ParseDate("2023-11-07")
	if err != nil {
		t.Fatal(err)
	}
	receipt := func(no string, accepted int64) programme.Receipt {
		return programme.Receipt{No: no, Date: day, ContractLine: "1", Delivered: decimal.NewFromInt(2), Accepted: decimal.NewFromInt(accepted)}
	}
	first, second := receipt("R1", 2), receipt("R2", 2)
	read := first
	read.Line = 7 // where it was read from is not part of it
	for _, test := range []struct {
		name  string
		known []programme.Receipt
		more  []programme.Receipt
		want  []programme.Receipt
	}{
		{"new ones are added", nil, []programme.Receipt{first, second}, []programme.Receipt{first, second}},
		{"the same again changes nothing", []programme.Receipt{first, second}, []programme.Receipt{first, second}, []programme.Receipt{first, second}},
		{"the same read from elsewhere changes nothing", []programme.Receipt{first}, []programme.Receipt{read}, []programme.Receipt{first}},
		{"a new one beside a known one is added", []programme.Receipt{first}, []programme.Receipt{first, second}, []programme.Receipt{first, second}},
		{"twice in one post is once", nil, []programme.Receipt{first, first}, []programme.Receipt{first}},
		{"the same number for something else is kept, to be refused", []programme.Receipt{first}, []programme.Receipt{receipt("R1", 1)}, []programme.Receipt{first, receipt("R1", 1)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := withoutRepeats("GBR-KWT-1", test.known, test.more)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
