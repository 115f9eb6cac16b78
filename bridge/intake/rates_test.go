package intake

import (
	"os"
	"strings"
	"testing"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/settlement/programme"
)

func TestTheTrueLayoutsOfTheEuropeanCentralBankAreRead(t *testing.T) {
	for _, tt := range []struct {
		file     string
		date     programme.Date
		currency string
		rate     string
	}{
		{"ecb_eurofxref_2018_2023.csv", programme.Date{Year: 2023, Month: 10, Day: 4}, "INR", ""},
		{"ecb_eurofxref_2018_2023.csv", programme.Date{Year: 2023, Month: 12, Day: 29}, "JPY", "156.33"},
		{"eurofxref-hist_rawlayout_2023H2.csv", programme.Date{Year: 2023, Month: 12, Day: 29}, "ZAR", "20.3477"},
		{"eurofxref_daily_rawlayout.csv", programme.Date{Year: 2024, Month: 10, Day: 11}, "AUD", "1.6233"},
	} {
		f, err := os.Open("../../../shared/data/fx/" + tt.file)
		if err != nil {
			t.Skip("the published rates are not beside the repository: ", err)
		}
		rates, err := ReadRates(f, tt.file)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", tt.file, err)
		}
		rate, ok := rates.On(tt.date, money.MustCurrency(tt.currency))
		if !ok || tt.rate != "" && rate.String() != tt.rate {
			t.Errorf("%s: %s on %s is %s (%t), want %s", tt.file, tt.currency, tt.date, rate, ok, tt.rate)
		}
	}
}

func TestADayWithoutAFixingFallsBackAndIsNamed(t *testing.T) {
	rates, err := ReadRates(strings.NewReader("Date,JPY,INR\n2023-10-06,157.50,87.7545\n2023-10-05,156.50,N/A\n"), "rates.csv")
	if err != nil {
		t.Fatal(err)
	}
	jpy, inr := money.MustCurrency("JPY"), money.MustCurrency("INR")
	friday := programme.Date{Year: 2023, Month: 10, Day: 6}
	for n, want := range map[int]string{0: "2023-10-06", 1: "2023-10-06", 2: "2023-10-06", 7: "2023-10-06", 8: "", -1: ""} {
		_, fixed, err := rates.Cross(friday.AddDays(n), jpy, inr)
		if want == "" {
			if refusal.CodeOf(err) != CodeRateMissing || !strings.Contains(err.Error(), friday.AddDays(n).String()) {
				t.Errorf("%d days later: %v", n, err)
			}
		} else if err != nil || fixed.String() != want {
			t.Errorf("%d days later: %s (%v)", n, fixed, err)
		}
	}
	rate, _, err := rates.Cross(friday.AddDays(-1), euro, jpy)
	if err != nil || rate.Decimal() != "156.50000" {
		t.Errorf("%s (%v)", rate, err)
	}
	days := rates.DaysWithoutFixing(friday.AddDays(-1), friday.AddDays(2))
	if len(days) != 2 || days[0].String() != "2023-10-07" || days[1].String() != "2023-10-08" {
		t.Errorf("days without a fixing: %v", days)
	}
}
