package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"entente/bridge/intake"
	"entente/schema/refusal"
	"entente/settlement/programme"
)

func newDeskRecords() *cobra.Command {
	cmd := &cobra.Command{Use: "records", Short: "Check and write files of records, with no desk running", Args: noArgs,
		Long: `Works on files alone: no desk, database or network is needed, and nothing is stored.

A count of records is a CSV file or a workbook (.xlsx). In another layout than the
template's it needs a mapping file, which states how columns, dates and numbers are
written; ` + "`entente desk records template mapping.json`" + ` writes one to begin with.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newRecordsCheck(), newRecordsTemplate(), newRecordsExport(), newRecordsLines())
	return cmd
}

// recordFlags say whose records a file holds, and how.
type recordFlags struct {
	agreement, nation, mapping, against, out string
	json                                     bool
}

func (f *recordFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.agreement, "agreement", "", "the exercise's agreement.json")
	cmd.Flags().StringVar(&f.nation, "nation", "", "the member whose count it is, such as DEU")
	cmd.Flags().StringVar(&f.mapping, "mapping", "", "mapping file (default: the template's own layout)")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
}

func newRecordsCheck() *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{Use: "check FILE --agreement FILE --nation NATION", Short: "Tell everything wrong with a count, or what it comes to", Args: oneFile,
		Long: `Reads a count of records from end to end. Either every error is told, each with its line
and column, or what the records come to, by category and currency, with what they change
of an earlier file of the same layout (--against). Nothing is stored.

Dates and numbers are read as the mapping states, never guessed. A cell that is a formula
is refused, and so is a text that a spreadsheet program would take for one: put an
apostrophe before it, which does not count. Hidden rows of a workbook are read as well.

Exit code 0: sound. 1: refused, standard error names every error. 2: a file is not there.`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.check(cmd, args[0]) }}
	f.add(cmd)
	cmd.Flags().StringVar(&f.against, "against", "", "an earlier file of the same layout, to tell new, unchanged and changed records apart")
	return cmd
}

// counted is a file that was checked.
type counted struct {
	*intake.Checked
	earlier int // records of the file it was compared with
	close   func() error
}

// read checks a file of records as the flags say. What is wrong with it comes beside the summary.
func (f *recordFlags) read(cmd *cobra.Command, path string) (*counted, error) {
	if f.agreement == "" || f.nation == "" {
		return nil, usage(errors.New("--agreement FILE and --nation NATION are needed"))
	}
	sheet, err := open(f.agreement)
	if err != nil {
		return nil, err
	}
	defer sheet.Close()
	im := intake.Import{Nation: programme.Nation(f.nation), Source: filepath.Base(path), Mapping: intake.DefaultMapping()}
	if im.Agreement, err = intake.ReadAgreement(sheet, filepath.Base(f.agreement)); err != nil {
		return nil, err
	}
	if f.mapping != "" {
		mapping, err := open(f.mapping)
		if err != nil {
			return nil, err
		}
		defer mapping.Close()
		if im.Mapping, err = intake.ReadMapping(mapping, filepath.Base(f.mapping)); err != nil {
			return nil, err
		}
	}
	earlier := map[programme.Key]programme.Record{}
	if f.against != "" {
		c, err := f.one(cmd, im, f.against)
		if c != nil {
			defer func() { _ = c.close() }() // it was only read
		}
		if err != nil {
			return nil, err
		}
		if err := c.Each(func(r programme.Record, _ intake.Change) error { earlier[r.Key] = r; return nil }); err != nil {
			return nil, err
		}
	}
	im.Prior = func(k programme.Key) (programme.Record, bool) { r, ok := earlier[k]; return r, ok }
	c, err := f.one(cmd, im, path)
	if c != nil {
		c.earlier = len(earlier)
	}
	return c, err
}

// one opens and checks one file.
func (f *recordFlags) one(cmd *cobra.Command, im intake.Import, path string) (*counted, error) {
	var err error
	if im.Format, err = intake.FormatOf(path); err != nil {
		return nil, err
	}
	im.Source = filepath.Base(path)
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, &exitError{ExitUndecidable, refusal.Newf(intake.CodeUnexpectedFile, "name a plain file", "%s is no regular file", path)}
	}
	bars := newBars(cmd.ErrOrStderr())
	im.Progress = func(_ int, done, total int64) { bars.show("records", int(done), int(total)) }
	c, err := im.Check(file, info.Size())
	bars.end()
	return &counted{Checked: c, close: file.Close}, err
}

// open opens a file for reading. Where that fails nothing can be decided.
func open(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &exitError{ExitUndecidable, refusal.Newf(intake.CodeFileMissing, "name a file that can be read", "%v", err)}
	}
	return file, nil
}

func (f *recordFlags) check(cmd *cobra.Command, path string) error {
	c, err := f.read(cmd, path)
	if c == nil {
		return err
	}
	defer func() { _ = c.close() }() // it was only read
	if f.json {
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(c.object(err)); err != nil {
			return err
		}
	}
	if c.FindingCount > 0 {
		return &exitError{ExitFailed, everyOf(c.Findings, c.FindingCount)}
	}
	if err != nil || f.json {
		return err
	}
	return c.print(cmd.OutOrStdout())
}

// everyOf joins all findings that were kept.
func everyOf(found []*intake.Finding, total int) error {
	var all []error
	for _, one := range found {
		all = append(all, one)
	}
	if more := total - len(found); more > 0 {
		all = append(all, fmt.Errorf("and %d further errors", more))
	}
	return errors.Join(all...)
}

func (c *counted) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %d records of %s, nothing wrong\n", c.Source, c.Records, c.Nation)
	if len(c.Totals) > 0 {
		fmt.Fprintf(w, "category\tdirection\trecords\tamount\n")
	}
	for _, t := range c.Totals {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", t.Category, t.Direction, t.Records, t.Amount.Format())
	}
	fmt.Fprintf(w, "%d new, %d unchanged, %d changed", c.Added, c.Unchanged, c.Changed)
	if absent := c.absent(); absent > 0 {
		fmt.Fprintf(w, ", %d of the earlier file missing", absent)
	}
	fmt.Fprintln(w)
	for _, change := range c.Changes {
		fmt.Fprintf(w, "line %d %s: %s, was %s\n", change.Line, change.Key, change.After, change.Before)
	}
	if more := c.Changed - len(c.Changes); more > 0 {
		fmt.Fprintf(w, "and %d further changes\n", more)
	}
	fmt.Fprintf(w, "digest %s\nnothing was stored\n", c.Digest)
	return w.Flush()
}

func (c *counted) absent() int { return c.earlier - c.Unchanged - c.Changed }

// object is the summary for programs.
func (c *counted) object(failed error) map[string]any {
	totals, changes := []any{}, []any{}
	for _, t := range c.Totals {
		totals = append(totals, map[string]any{"category": t.Category, "direction": t.Direction, "records": t.Records, "amount": t.Amount.Decimal(), "currency": t.Amount.Currency().Code()})
	}
	for _, change := range c.Changes {
		k := change.Key
		changes = append(changes, map[string]any{"line": change.Line, "date": k.Date, "category": k.Category, "supplier": k.Supplier, "receiver": k.Receiver, "item": k.Item, "before": change.Before, "after": change.After})
	}
	o := map[string]any{"source": c.Source, "nation": c.Nation, "sound": failed == nil, "records": c.Records, "finding_count": c.FindingCount, "findings": findingObjects(c.Findings)}
	if failed == nil {
		o["new"], o["unchanged"], o["changed"], o["absent"] = c.Added, c.Unchanged, c.Changed, c.absent()
		o["totals"], o["changes"], o["digest"] = totals, changes, c.Digest
	}
	return o
}

func findingObjects(found []*intake.Finding) []any {
	all := []any{}
	for _, one := range found {
		o := map[string]any{"line": one.Line, "code": one.Refusal.Code, "what": one.Refusal.What, "do": one.Refusal.Do}
		if one.Column != "" {
			o["column"] = one.Column
		}
		if one.Cell != "" {
			o["cell"] = one.Cell
		}
		all = append(all, o)
	}
	return all
}
