package intake

import (
	"errors"
	"fmt"
	"strings"

	"entente/schema/refusal"
)

// Finding is one thing wrong with an imported file, and where: a refusal with its place. Unwrap gives the refusal, without the place.
type Finding struct {
	Source  string
	Line    int    // the line of a CSV file or the row of a sheet; 0 is the file as a whole
	Column  string // the column as the file's header names it; "" is the row as a whole
	Cell    string // the cell of a sheet, such as F17; "" in a CSV file
	Refusal *refusal.Refusal
}

// Place gives "count.csv line 17, column Menge", or "count.xlsx line 17, column Menge (F17)".
func (f *Finding) Place() string {
	var b strings.Builder
	b.WriteString(f.Source)
	if f.Line > 0 {
		fmt.Fprintf(&b, " line %d", f.Line)
	}
	if f.Column != "" {
		fmt.Fprintf(&b, ", column %s", f.Column)
	}
	if f.Cell != "" {
		fmt.Fprintf(&b, " (%s)", f.Cell)
	}
	return b.String()
}

// Error gives the refusal's text with the place put before what it tells.
func (f *Finding) Error() string {
	placed := *f.Refusal
	placed.What = f.Place() + ": " + placed.What
	return placed.Error()
}

// Unwrap gives the refusal.
func (f *Finding) Unwrap() error { return f.Refusal }

// findings keeps the first MaxFindings, and counts all.
type findings struct {
	kept  []*Finding
	total int
}

func (f *findings) add(found *Finding) {
	if f.total++; len(f.kept) < MaxFindings {
		f.kept = append(f.kept, found)
	}
}

// err joins what was found, at most MaxReported of it, or gives nil.
func (f *findings) err() error {
	p := problems{}
	for _, found := range f.kept[:min(len(f.kept), MaxReported)] {
		p.found = append(p.found, found)
	}
	if more := f.total - MaxReported; more > 0 {
		p.found = append(p.found, fmt.Errorf("and %d further errors", more))
	}
	return errors.Join(p.found...)
}
