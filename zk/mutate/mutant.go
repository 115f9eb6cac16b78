package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// rewritten is a file of the circuits with a switch around each of its assertions.
type rewritten struct {
	text    []byte
	mutants []string // what each switch turns off: file, line and assertion
}

// switches is added to the package. The switch with the number in the environment is off; without one all are on.
const switches = `package circuit

import (
	"math/big"
	"os"

	"github.com/consensys/gnark/frontend"
)

var off = os.Getenv("` + variable + `")

// keep does what is asserted.
func keep(name string, assert func()) {
	if name != off {
		assert()
	}
}

// equal asserts that two values are equal. They are worked out even when it is off, with all that is asserted of each.
func equal(name string, assert func(a, b frontend.Variable), a, b frontend.Variable) {
	if name != off {
		assert(a, b)
	}
}

// either gives the asserted value, or the same value of which nothing is asserted.
func either(name string, asserted, plain func() frontend.Variable) frontend.Variable {
	if name == off {
		return plain()
	}
	return asserted()
}

// unchecked spells a number without saying that its bits are bits.
func unchecked(api frontend.API, bits []frontend.Variable) frontend.Variable {
	sum := frontend.Variable(0)
	for i, bit := range bits {
		sum = api.Add(sum, api.Mul(bit, new(big.Int).Lsh(big.NewInt(1), uint(i))))
	}
	return sum
}
`

// variable of the environment names the switch that is off.
const variable = "ENTENTE_MUTANT"

// statements are calls that constrain without giving anything back, besides equations. A product that nobody uses is there for its constraint.
var statements = []string{"AssertIsBoolean", "assertEquals", "Mul"}

// rewrite puts switches into a file. Their names are numbers from first.
func rewrite(file string, text []byte, first int) (rewritten, error) {
	positions := token.NewFileSet()
	tree, err := parser.ParseFile(positions, file, text, parser.SkipObjectResolution)
	if err != nil {
		return rewritten{}, fmt.Errorf("mutate: %w", err)
	}
	offset := func(p token.Pos) int { return positions.Position(p).Offset }
	source := func(n ast.Node) string { return string(text[offset(n.Pos()):offset(n.End())]) }
	type edit struct {
		at, cut int
		text    string
	}
	var edits []edit
	var result rewritten
	add := func(call *ast.CallExpr) (name string) {
		name = fmt.Sprintf("%q", fmt.Sprint(first+len(result.mutants)))
		line := positions.Position(call.Pos()).Line
		result.mutants = append(result.mutants, fmt.Sprintf("%s:%d %s", filepath.Base(file), line, strings.Join(strings.Fields(source(call)), " ")))
		return name
	}
	wrap := func(call *ast.CallExpr, before, after string) {
		edits = append(edits, edit{offset(call.Pos()), 0, fmt.Sprintf(before, add(call))}, edit{offset(call.End()), 0, after})
	}
	value := func(call *ast.CallExpr, bits string) {
		wrap(call, "either(%s, func() frontend.Variable { return ", fmt.Sprintf(" }, func() frontend.Variable { return unchecked(api, %s) })", bits))
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ExprStmt:
			if call, ok := n.X.(*ast.CallExpr); ok {
				switch selector, ok := call.Fun.(*ast.SelectorExpr); {
				case ok && selector.Sel.Name == "AssertIsEqual":
					edits = append(edits, edit{offset(call.Pos()), 0, fmt.Sprintf("equal(%s, ", add(call))}, edit{offset(call.Lparen), 1, ", "})
				case ok && slices.Contains(statements, selector.Sel.Name):
					wrap(call, "keep(%s, func() { ", " })")
				}
			}
		case *ast.CallExpr:
			switch function := n.Fun.(type) {
			case *ast.Ident:
				if function.Name == "assertBits" {
					value(n, source(n.Args[1]))
				}
			case *ast.SelectorExpr:
				if function.Sel.Name == "assertOpens" {
					value(n, source(function.X)+".Amount[:]")
				}
			}
		}
		return true
	})
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.at, b.at) })
	written := 0
	for _, e := range edits {
		result.text = append(append(result.text, text[written:e.at]...), e.text...)
		written = e.at + e.cut
	}
	result.text = append(result.text, text[written:]...)
	return result, nil
}
