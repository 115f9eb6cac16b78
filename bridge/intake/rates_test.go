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

// The half year has 130 weekdays, and two of them are holidays of the euro: Christmas and the day after.
func TestEveryDayOfTheTrueLayoutsIsReadAndTheOthersAreNamed(t *testing.T) {
	for file, want := range map[string]int{"ecb_eurofxref_2018_2023.csv": 1537, "eurofxref-hist_rawlayout_2023H2.csv": 128, "eurofxref_daily_rawlayout.csv": 1} {
		f, err := os.Open("../../../shared/data/fx/" + file)
		if err != nil {
			t.Skip("the published rates are not beside the repository: ", err)
		}
		rates, err := ReadRates(f, file)
		f.Close()
		if err != nil || len(rates.fixings) != want {
			t.Errorf("%s: %d days (%v)", file, len(rates.fixings), err)
		}
		if !strings.Contains(file, "H2") {
			continue
		}
		first, last := programme.Date{Year: 2023, Month: 12, Day: 20}, programme.Date{Year: 2024, Month: 1, Day: 2}
		if named := spans(rates.DaysWithoutFixing(first, last)); named != "2023-12-23 to 2023-12-26, 2023-12-30 to 2024-01-02" {
			t.Errorf("days without a fixing: %s", named)
		}
		_, _, err = rates.Cross(programme.Date{Year: 2024, Month: 1, Day: 10}, euro, money.MustCurrency("JPY"))
		want := "rate_missing: no reference rate of EUR and JPY on 2024-01-10 or within 7 days before: no fixing on 2024-01-03 to 2024-01-10;"
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v", err)
		}
		// The rouble has been suspended since 2022: the bank says N/A.
		_, _, err = rates.Cross(programme.Date{Year: 2023, Month: 12, Day: 29}, euro, money.MustCurrency("RUB"))
		want = "no fixing on 2023-12-23 to 2023-12-26, a fixing without them on 2023-12-22, 2023-12-27 to 2023-12-29;"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
	}
}
