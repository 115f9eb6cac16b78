package cli

import (
	"bytes"
	"testing"
)

func TestAProgressLineShowsTheBarOnlyWhereTheEndIsKnown(t *testing.T) {
	for _, c := range []struct {
		phase       string
		done, total int
		want        string
	}{
		{"records", 0, 0, "records ..."},
		{"proofs", 0, 13, "proofs     [                                        ] 0 of 13"},
		{"proofs", 13, 13, "proofs     [========================================] 13 of 13"},
		{"proofs", 20, 10, "proofs     [========================================] 10 of 10"},
		{"proofs", 5, 10, "proofs     [====================                    ] 5 of 10"},
	} {
		if got := line(c.phase, c.done, c.total); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestNothingIsDrawnWhereNobodyLooks(t *testing.T) {
	var out bytes.Buffer
	b := newBars(&out)
	b.show("proofs", 1, 2)
	b.end()
	if out.Len() != 0 {
		t.Errorf("wrote %q", out.String())
	}
}
