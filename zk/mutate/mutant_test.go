package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEachAssertionGetsOneSwitch(t *testing.T) {
	const source = `package circuit

func (x *X) Define(api frontend.API) error {
	api.Mul(x.Context, x.Context)
	sum := api.Add(assertBits(api, x.Bits[:]), api.Mul(2, x.Other))
	api.AssertIsEqual(sum, x.whole[0].assertOpens(api, x.Point))
	c.assertEquals(x.C)
	assertBits(api, x.R[:])
	return nil
}
`
	const want = `package circuit

func (x *X) Define(api frontend.API) error {
	keep("7", func() { api.Mul(x.Context, x.Context) })
	sum := api.Add(either("8", func() frontend.Variable { return assertBits(api, x.Bits[:]) }, func() frontend.Variable { return unchecked(api, x.Bits[:]) }), api.Mul(2, x.Other))
	equal("9", api.AssertIsEqual, sum, either("10", func() frontend.Variable { return x.whole[0].assertOpens(api, x.Point) }, func() frontend.Variable { return unchecked(api, x.whole[0].Amount[:]) }))
	keep("11", func() { c.assertEquals(x.C) })
	either("12", func() frontend.Variable { return assertBits(api, x.R[:]) }, func() frontend.Variable { return unchecked(api, x.R[:]) })
	return nil
}
`
	got, err := rewrite("some/x.go", []byte(source), 7)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.text) != want {
		t.Errorf("got\n%s", got.text)
	}
	mutants := []string{"x.go:4 api.Mul(x.Context, x.Context)", "x.go:5 assertBits(api, x.Bits[:])", "x.go:6 api.AssertIsEqual(sum, x.whole[0].assertOpens(api, x.Point))",
		"x.go:6 x.whole[0].assertOpens(api, x.Point)", "x.go:7 c.assertEquals(x.C)", "x.go:8 assertBits(api, x.R[:])"}
	if !slices.Equal(got.mutants, mutants) {
		t.Errorf("mutants %q", got.mutants)
	}
	if _, err := rewrite("x.go", []byte("package"), 0); err == nil {
		t.Error("a file that is no Go is rewritten")
	}
}

// TestEveryCircuitHasMutants holds that the circuits are written so that their assertions are found.
func TestEveryCircuitHasMutants(t *testing.T) {
	files, err := sources("../circuit")
	if err != nil {
		t.Fatal(err)
	}
	var without []string
	assertions := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := rewrite(file, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.mutants) == 0 {
			without = append(without, strings.TrimPrefix(file, "../circuit/"))
		}
		assertions += len(r.mutants)
	}
	if !slices.Equal(without, []string{"doc.go", "poseidon.go"}) {
		t.Errorf("files without a mutant: %v", without)
	}
	if assertions < 60 {
		t.Errorf("%d assertions are found", assertions)
	}
}
