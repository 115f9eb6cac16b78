package main

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"entente/ops/cli"
	"entente/settlement/payment"
	"entente/settlement/swap"
)

var update = flag.Bool("update", false, "write generated files and parts of files anew")

func TestTheReadmeNamesTheGoOfTheModule(t *testing.T) {
	module, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(module)
	if version == nil || !strings.Contains(string(readme), "With Go "+string(version[1])+" ") {
		t.Errorf("go.mod says %q, and README.md does not", version)
	}
}

func TestWhatTheHelpSaysOfTheReadmeIsThere(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	if code := cli.Run([]string{"demo", "--help"}, &help, &help); code != 0 {
		t.Fatalf("exit code %d: %s", code, help.String())
	}
	named := regexp.MustCompile(`README, "([^"]+)"`).FindStringSubmatch(help.String())
	if named == nil || !strings.Contains(string(readme), "\n## "+named[1]+"\n") {
		t.Errorf("the help names %q, and README.md has no such heading", named)
	}
}

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
