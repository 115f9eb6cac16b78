//go:build unix

package bench

import (
	"testing"

	"entente/ops/pgtest"
)

func TestEveryTamperIsDetected(t *testing.T) {
	f, err := TamperOn(t.Context(), pgtest.ForTest(t), 96, 7, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if f.Tampers != 96 || f.Detected != f.Tampers {
		t.Errorf("%d of %d detected; missed: %v", f.Detected, f.Tampers, f.Missed)
	}
}
