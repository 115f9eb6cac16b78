package sim

import (
	"testing"
	"time"
)

func TestTwoThousandSeedsKeepEveryInvariant(t *testing.T) {
	n := 2_000
	if testing.Short() {
		n = 200
	}
	began := time.Now()
	total, breaches := Campaign(1, n, 2, 3)
	for _, err := range breaches {
		t.Error(err)
	}
	t.Logf("%s; %.0f seeds a second", total, float64(total.Runs)/time.Since(began).Seconds())
}
