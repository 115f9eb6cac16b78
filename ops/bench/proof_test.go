//go:build unix

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"entente/zk/commit"
	"entente/zk/proof"
)

func openSmall(t *testing.T) *proof.Keys {
	t.Helper()
	dir, err := proof.DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := proof.OpenDevelopment(t.Context(), dir, []string{proof.Bill16}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// The large circuit takes a minute; the small one goes the same way.
func TestTheFiguresOfProofsAreMeasured(t *testing.T) {
	var stages []string
	figures, err := proofFigures(t.Context(), openSmall(t), commit.SmallChunk, 1, func(stage string) { stages = append(stages, stage) })
	if err != nil {
		t.Fatal(err)
	}
	if figures.Bill256.ConstraintsPerItem > 340 || figures.Bill256.ConstraintsPerItem < 200 || figures.FixedConstraints > 7000 || figures.FixedConstraints < 1000 {
		t.Errorf("constraints: %+v", figures)
	}
	b, err := json.Marshal(figures)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	maps.Copy(fields, fields["bill256"].(map[string]any))
	delete(fields, "bill256")
	want := []string{"batch64_speedup", "commitments_per_s", "constraints_per_item", "fixed_constraints", "peak_mib", "prove_ms", "ratio_vs_bare", "verify_ms"}
	if names := slices.Sorted(maps.Keys(fields)); !slices.Equal(names, want) {
		t.Errorf("fields %q", names)
	}
	for name, value := range fields {
		if v, ok := value.(float64); !ok || v <= 0 {
			t.Errorf("%s is %v", name, value)
		}
	}
	if text := strings.Join(stages, "\n"); text != "counting constraints\nproving, round 1 of 1\nverifying\ncommitting" {
		t.Errorf("stages: %s", text)
	}
}

func TestMeasuringEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := proofFigures(ctx, openSmall(t), commit.SmallChunk, 1000, func(stage string) {
		if strings.HasPrefix(stage, "proving, round 2 ") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
