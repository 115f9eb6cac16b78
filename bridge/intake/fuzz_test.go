package intake

import (
	"strings"
	"testing"

	"entente/settlement/programme"
)

// FuzzTables feeds every CSV reader the same text: none panics, every error is told, and what is accepted has no control characters.
func FuzzTables(f *testing.F) {
	f.Add("date,category,supplier,receiver,item,quantity,unit,unit_price\n2023-11-06,MED,DEU,FRA,field clinic,1,day,1001.01\n")
	f.Add("line,item,part_number,quantity,unit,unit_price,serials\n1,pump,HP-40,2,each,1250.005,P1; P2\n")
	f.Add("receipt,date,line,delivered,accepted,serials,disputed_serials,discrepancy\nR1,2023-11-07,1,2,1,P1,P2,shaft bent\n")
	f.Add("Date, USD, JPY, \n11 October 2024, 1.0938, 162.94, \n")
	f.Fuzz(func(t *testing.T, text string) {
		count, _ := ReadCount(strings.NewReader(text), "DEU", "fuzz.csv")
		for _, r := range count.Records {
			if strings.ContainsAny(r.Item+r.Unit+r.Category, "\n\r\t\x00") || r.Line < 2 {
				t.Fatalf("accepted %+v", r)
			}
		}
		lines, _ := ReadContract(strings.NewReader(text), "fuzz.csv")
		receipts, _ := ReadReceipts(strings.NewReader(text), "fuzz.csv")
		for _, l := range lines {
			if strings.ContainsAny(l.Item, "\n\r\t\x00") {
				t.Fatalf("accepted %+v", l)
			}
		}
		for _, r := range receipts {
			if r.Date == (programme.Date{}) {
				t.Fatalf("accepted %+v", r)
			}
		}
		rates, err := ReadRates(strings.NewReader(text), "fuzz.csv")
		if err == nil {
			for _, fix := range rates.fixings {
				for currency, rate := range fix.rate {
					if rate.Sign() <= 0 {
						t.Fatalf("%s is %s on %s", currency, rate, fix.date)
					}
				}
			}
		}
	})
}

// FuzzAgreement reads texts as agreement.json: it never panics, and what is accepted is valid.
func FuzzAgreement(f *testing.F) {
	f.Add(`{"id":"A","name":"A","starts":"2023-11-06","ends":"2023-11-07","tolerance_bp":0,"members":[{"nation":"DEU","name":"G","currency":"EUR","bank":"e","bank_name":"E"},{"nation":"FRA","name":"F","currency":"EUR","bank":"e","bank_name":"E"}],"categories":[{"code":"W","name":"W","formula":"basis_points","shares":{"DEU":1,"FRA":9999}}]}`)
	f.Add(`{"members":[{}],"categories":[null,1,{"shares":[]}],"id":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ReadAgreement(strings.NewReader(text), "fuzz.json")
		if err == nil && a.Validate() != nil {
			t.Fatalf("accepted an invalid agreement: %v", a.Validate())
		}
	})
}
