//go:build unix

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/zk/commit"
)

// smallPlan measures everything once, with as little of it as does.
func smallPlan() ledgerPlan {
	return ledgerPlan{each: 100 * time.Millisecond, rounds: 1, accounts: 20, scale: 1, clients: []int{64, 65}, rivals: 4, bill: commit.SmallChunk, beside: commit.SmallChunk}
}

func TestTheFiguresOfTheLedgerAreMeasured(t *testing.T) {
	last, of := 0, 0
	f, err := smallPlan().run(t.Context(), func(_ string, done, n int) { last, of = done, max(of, n) })
	if err != nil {
		t.Fatal(err)
	}
	if last != of-1 {
		t.Errorf("the last of %d measurements was number %d", of, last)
	}
	var keys []string
	for _, r := range f.Rows {
		if r.PerS <= 0 || r.Rounds != 1 || (r.Row != RowPgbench && (r.P50MS <= 0 || r.P99MS < r.P50MS)) {
			t.Errorf("row %+v", r)
		}
		keys = append(keys, r.Row+" "+r.Accounts)
	}
	for _, want := range []string{"unsigned spread", "unsigned hot", "signed spread", "signed hot", "proven spread", "proven hot", "naive spread"} {
		if !slices.Contains(keys, want) {
			t.Errorf("there is no row %s", want)
		}
	}
	bytes, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(bytes, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ratio_vs_pgbench", "ratio_vs_naive", "signed_ratio_vs_pgbench", "hot_over_spread", "p99_64_ms", "naive_p99_ms", "beside_prover", "entries"} {
		v, there := fields[name]
		if f.Missing != "" && strings.Contains(name, "pgbench") {
			if !there || v != nil {
				t.Errorf("%s is %v without pgbench", name, v)
			}
		} else if number, ok := v.(float64); !ok || number <= 0 {
			t.Errorf("%s is %v", name, v)
		}
	}
}

func TestMeasuringTheLedgerEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := smallPlan().run(ctx, func(stage string, _, _ int) {
		if strings.HasPrefix(stage, RowNaive) {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestARatioIsTheMedianOfTheRounds(t *testing.T) {
	fast, slow := slot{RowUnsigned, false, 1}, slot{RowNaive, false, 1}
	b := &ledgerBench{taken: map[slot][]sample{fast: {{perS: 10}, {perS: 90}, {perS: 40}}, slow: {{perS: 5}, {perS: 10}, {perS: 10}}}}
	if r := b.ratio(fast, slow); r != 4 {
		t.Errorf("the ratio of 2, 9 and 4 is %v", r)
	}
}
