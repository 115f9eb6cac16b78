package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// The house has six folders and one shell file, and imports run one way through them. Each folder may import itself and what is listed.
var mayImport = map[string][]string{
	"schema":     {},
	"wallet":     {"schema"},
	"zk":         {"schema"},
	"settlement": {"schema", "wallet", "zk"},
	"bridge":     {"schema", "wallet", "zk", "settlement"},
	"ops":        {"schema", "wallet", "zk", "settlement", "bridge"},
	".":          {"ops"},
}

// onlyUnder keeps heavy libraries where they belong, so that a stranger can read the auditor's verifier without the bank.
var onlyUnder = map[string][]string{
	"github.com/consensys/":            {"zk"},
	"github.com/jackc/pgx/":            {"settlement/postgres", "ops/pgserver", "ops/pgtest", "ops/bench"},
	"github.com/nats-io/nats.go":       {"bridge/bus", "ops"},
	"github.com/nats-io/nats-server/":  {"ops"},
	"github.com/pressly/goose/":        {"settlement/postgres", "ops"},
	"github.com/spf13/cobra":           {"ops/cli"},
	"github.com/rogpeppe/go-internal/": {},
}

// pure packages are functions of their arguments: no clock, no network, no files, no log, no database.
var (
	pure = []string{
		"schema", "zk/commit", "zk/transcript",
		"settlement/ledger", "settlement/swap", "settlement/programme", "settlement/exercise", "settlement/payment", "settlement/netting",
	}
	impureImports = []string{"context", "database", "log", "net", "os", "io/ioutil", "github.com/jackc"}
	impureTime    = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep"}
)

// linesMax bounds every file. A file listed in longer may have exactly that many lines: when it shrinks, so does the number.
const linesMax = 400

var longer = map[string]int{}

// depthMax is how deep folders with code go. Data lies as its readers need it.
const depthMax = 2

// source is one parsed file of the tree.
type source struct {
	path, dir string
	test      bool
	lines     int
	file      *ast.File
}

func TestTheHouseIsTidy(t *testing.T) {
	tree := os.DirFS(".")
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			for _, complaint := range check(t, tree) {
				t.Error(complaint)
			}
		})
	}
}

// Each check must be able to fail: here are trees in which it does, and what it says.
func TestTheChecksFindWhatTheyForbid(t *testing.T) {
	const doc = "// Package p is documented.\npackage p\n"
	for _, test := range []struct {
		name, check, path, text, complaint string
	}{
		{"a core package that imports its caller", "imports", "schema/money/a.go", doc + `import "entente/ops/cli"`, "schema may not import entente/ops/cli"},
		{"zk that imports wallet", "imports", "zk/proof/a.go", doc + `import "entente/wallet"`, "zk may not import entente/wallet"},
		{"a shell that reaches past ops", "imports", "main.go", doc + `import "entente/bridge/bus"`, ". may not import entente/bridge/bus"},
		{"a seventh folder", "imports", "pkg/a.go", doc, "pkg is none of the six folders"},
		{"gnark outside zk", "imports", "settlement/ledger/a.go", doc + `import "github.com/consensys/gnark/frontend"`, "belongs under zk"},
		{"pgx in the engine", "imports", "settlement/engine/a.go", doc + `import "github.com/jackc/pgx/v5"`, "belongs under settlement/postgres"},
		{"a NATS client in a machine", "imports", "settlement/swap/a.go", doc + `import "github.com/nats-io/nats.go/jetstream"`, "belongs under bridge/bus"},
		{"a clock in a machine", "purity", "settlement/swap/a.go", doc + "import \"time\"\nvar now = time.Now()", "uses time.Now"},
		{"a renamed clock", "purity", "settlement/swap/a.go", doc + "import clock \"time\"\nvar now = clock.Now", "uses time.Now"},
		{"files in the codec", "purity", "schema/wire/a.go", doc + `import "os"`, "imports os"},
		{"a socket in the ledger", "purity", "settlement/ledger/a.go", doc + `import "net/http"`, "imports net/http"},
		{"a package without a word", "package docs", "wallet/a.go", "package wallet", "wallet has no package comment"},
		{"a comment that begins anyhow", "package docs", "wallet/a.go", "// Keys.\npackage wallet", `wallet's comment does not begin "Package wallet"`},
		{"a third level", "depth", "zk/proof/groth16/a.go", doc, "zk/proof/groth16 is deeper than 2"},
		{"a long file", "length", "zk/proof/a.go", doc + strings.Repeat("\n", linesMax), "has 402 lines"},
		{"a function without a word", "docstrings", "zk/proof/a.go", doc + "func Prove() {}", "Prove has no docstring"},
		{"a method without a word", "docstrings", "zk/proof/a.go", doc + "// T is.\ntype T int\nfunc (t *T) Do() {}", "T.Do has no docstring"},
		{"a constant without a word", "docstrings", "zk/proof/a.go", doc + "const (\n\t// A is.\n\tA = 1\n\n\tB = 2\n)", "B has no docstring"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := checks[test.check](t, fstest.MapFS{test.path: {Data: []byte(test.text)}})
			if len(found) != 1 || !strings.Contains(found[0], test.complaint) {
				t.Errorf("it says %q, want %q", found, test.complaint)
			}
		})
	}
	longer["zk/proof/a.go"] = 500
	defer delete(longer, "zk/proof/a.go")
	for _, lines := range []int{300, 450, 501} {
		text := doc + strings.Repeat("\n", lines-2)
		if found := checks["length"](t, fstest.MapFS{"zk/proof/a.go": {Data: []byte(text)}}); len(found) != 1 {
			t.Errorf("an exception of 500 lines with %d says %q", lines, found)
		}
	}
}

var checks = map[string]func(*testing.T, fs.FS) []string{
	"imports":      checkImports,
	"purity":       checkPurity,
	"package docs": checkPackageDocs,
	"depth":        checkDepth,
	"length":       checkLength,
	"docstrings":   checkDocstrings,
}

func checkImports(t *testing.T, tree fs.FS) (found []string) {
	for _, s := range sources(t, tree) {
		top, _, _ := strings.Cut(s.dir, "/")
		allowed, known := mayImport[top]
		if !known {
			found = append(found, fmt.Sprintf("%s: %s is none of the six folders", s.path, top))
			continue
		}
		if s.test {
			continue
		}
		for _, name := range importsOf(s.file) {
			if ours, isOurs := strings.CutPrefix(name, "entente/"); isOurs {
				folder, _, _ := strings.Cut(ours, "/")
				if folder != top && !slices.Contains(allowed, folder) {
					found = append(found, fmt.Sprintf("%s: %s may not import %s", s.path, top, name))
				}
			}
			for library, homes := range onlyUnder {
				if (strings.HasPrefix(name, library)) && !slices.ContainsFunc(homes, func(home string) bool { return within(s.dir, home) }) {
					found = append(found, fmt.Sprintf("%s: %s belongs under %s", s.path, name, strings.Join(homes, " or ")))
				}
			}
		}
	}
	return found
}

func checkPurity(t *testing.T, tree fs.FS) (found []string) {
	for _, s := range sources(t, tree) {
		if s.test || !slices.ContainsFunc(pure, func(dir string) bool { return within(s.dir, dir) }) {
			continue
		}
		clock := ""
		for _, spec := range s.file.Imports {
			name := unquote(spec.Path)
			if slices.ContainsFunc(impureImports, func(impure string) bool { return within(name, impure) }) {
				found = append(found, fmt.Sprintf("%s: a pure package imports %s", s.path, name))
			}
			if name == "time" {
				clock = "time"
				if spec.Name != nil {
					clock = spec.Name.Name
				}
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && clock != "" {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == clock && slices.Contains(impureTime, sel.Sel.Name) {
					found = append(found, fmt.Sprintf("%s: a pure package uses time.%s", s.path, sel.Sel.Name))
				}
			}
			return true
		})
	}
	return found
}

func checkPackageDocs(t *testing.T, tree fs.FS) (found []string) {
	comments := map[string]string{}
	for _, s := range sources(t, tree) {
		if !s.test {
			comments[s.dir] += s.file.Doc.Text()
		}
	}
	for dir, comment := range comments {
		want := "Package " + path.Base(dir)
		switch {
		case comment == "":
			found = append(found, dir+" has no package comment")
		case dir != "." && !strings.HasPrefix(comment, want+" "):
			found = append(found, fmt.Sprintf("%s's comment does not begin %q", dir, want))
		}
	}
	return found
}

func checkDepth(t *testing.T, tree fs.FS) (found []string) {
	for _, s := range sources(t, tree) {
		if len(strings.Split(s.dir, "/")) > depthMax {
			found = append(found, fmt.Sprintf("%s is deeper than %d", s.dir, depthMax))
		}
	}
	return found
}

func checkLength(t *testing.T, tree fs.FS) (found []string) {
	for _, s := range sources(t, tree) {
		allowed, excepted := longer[s.path]
		switch {
		case ast.IsGenerated(s.file):
		case !excepted && s.lines > linesMax:
			found = append(found, fmt.Sprintf("%s has %d lines, more than %d", s.path, s.lines, linesMax))
		case excepted && s.lines <= linesMax:
			found = append(found, fmt.Sprintf("%s has %d lines: it needs no exception any more", s.path, s.lines))
		case excepted && s.lines != allowed:
			found = append(found, fmt.Sprintf("%s has %d lines and the exception says %d: it may only shrink, and the exception with it", s.path, s.lines, allowed))
		}
	}
	return found
}

func checkDocstrings(t *testing.T, tree fs.FS) (found []string) {
	for _, s := range sources(t, tree) {
		if s.test || ast.IsGenerated(s.file) {
			continue
		}
		complain := func(name string) { found = append(found, fmt.Sprintf("%s: %s has no docstring", s.path, name)) }
		for _, decl := range s.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if name, exported := exportedName(d); exported && d.Doc == nil {
					complain(name)
				}
			case *ast.GenDecl:
				// The words before a group speak for its members.
				for _, spec := range d.Specs {
					for _, name := range specNames(spec) {
						if name.IsExported() && d.Doc == nil && !specDoc(spec) {
							complain(name.Name)
						}
					}
				}
			}
		}
	}
	return found
}

// exportedName gives a function's name, with its receiver's, and whether the outside can call it.
func exportedName(d *ast.FuncDecl) (string, bool) {
	if d.Recv == nil {
		return d.Name.Name, d.Name.IsExported()
	}
	receiver := d.Recv.List[0].Type
	for {
		switch x := receiver.(type) {
		case *ast.StarExpr:
			receiver = x.X
		case *ast.IndexExpr:
			receiver = x.X
		case *ast.IndexListExpr:
			receiver = x.X
		case *ast.Ident:
			return x.Name + "." + d.Name.Name, x.IsExported() && d.Name.IsExported()
		default:
			return d.Name.Name, false
		}
	}
}

func specDoc(spec ast.Spec) bool {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return s.Doc != nil || s.Comment != nil
	case *ast.ValueSpec:
		return s.Doc != nil || s.Comment != nil
	}
	return false
}

func specNames(spec ast.Spec) []*ast.Ident {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return []*ast.Ident{s.Name}
	case *ast.ValueSpec:
		return s.Names
	}
	return nil
}

// sources parses every Go file of the tree.
func sources(t *testing.T, tree fs.FS) (all []source) {
	t.Helper()
	walk(t, tree, func(name string, entry fs.DirEntry) {
		if entry.IsDir() || path.Ext(name) != ".go" {
			return
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), lines: strings.Count(string(text), "\n"), file: file})
	})
	return all
}

// walk visits what belongs to the house: nothing hidden, nothing downloaded, no test data.
func walk(t *testing.T, tree fs.FS, visit func(string, fs.DirEntry)) {
	t.Helper()
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		if entry.IsDir() && (hidden || slices.Contains([]string{"testdata", "node_modules", "dist"}, entry.Name())) {
			return fs.SkipDir
		}
		visit(name, entry)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func importsOf(file *ast.File) (names []string) {
	for _, spec := range file.Imports {
		names = append(names, unquote(spec.Path))
	}
	return names
}

func unquote(lit *ast.BasicLit) string {
	name, err := strconv.Unquote(lit.Value)
	if err != nil {
		return lit.Value
	}
	return name
}

// within says whether a slash-separated name is root or lies under it.
func within(name, root string) bool { return name == root || strings.HasPrefix(name, root+"/") }
