package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"entente/settlement/payment"
	"entente/settlement/swap"
)

var update = flag.Bool("update", false, "write generated files and parts of files anew")

// Generated parts of ARCHITECTURE.md stand between two comments that name them.
func TestTheDiagramsInTheArchitectureAreThoseOfTheTables(t *testing.T) {
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for name, diagram := range map[string]string{"swap": swap.Diagram(), "payment": payment.Diagram()} {
		begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
		i, j := strings.Index(text, begin), strings.Index(text, end)
		if i < 0 || j < i {
			t.Fatalf("ARCHITECTURE.md has no part %q", name)
		}
		want := "```mermaid\n" + strings.TrimRight(diagram, "\n") + "\n```\n"
		if got := text[i+len(begin) : j]; got == want {
			continue
		}
		if !*update {
			t.Errorf("the %s diagram is not the table's; run go test . -update and read the diff", name)
			continue
		}
		text = text[:i+len(begin)] + want + text[j:]
	}
	if *update {
		if err := os.WriteFile("ARCHITECTURE.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
