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

func newRecordsTemplate() *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{Use: "template FILE", Short: "Write an empty file of records, or a mapping to begin with", Args: oneFile,
		Long: `Writes an empty count to fill in: FILE.csv has the header alone; FILE.xlsx also explains its
columns on a second sheet and, with --agreement, lets its categories and members be chosen
from lists. FILE.json is a mapping that states the template's own layout, to be changed.
A file that is there already is never overwritten.`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.template(cmd, args[0]) }}
	cmd.Flags().StringVar(&f.agreement, "agreement", "", "the exercise's agreement.json, for lists to choose from")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	return cmd
}

func (f *recordFlags) template(cmd *cobra.Command, path string) error {
	write := intake.WriteMapping
	if filepath.Ext(path) != ".json" {
		format, err := intake.FormatOf(path)
		if err != nil {
			return err
		}
		var agreement *programme.Agreement
		if f.agreement != "" {
			sheet, err := open(f.agreement)
			if err != nil {
				return err
			}
			defer sheet.Close()
			a, err := intake.ReadAgreement(sheet, filepath.Base(f.agreement))
			if err != nil {
				return err
			}
			agreement = &a
		}
		write = func(w io.Writer) error { return intake.WriteTemplate(w, format, agreement) }
	}
	if err := writeNew(path, write); err != nil {
		return err
	}
	return f.wrote(cmd, path, 0)
}

// writeNew writes a file that was not there before. What could not be written to its end is removed.
func writeNew(path string, write func(io.Writer) error) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return refusal.Newf("file_exists", "name another file, or remove it first", "%s is there already", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (f *recordFlags) wrote(cmd *cobra.Command, path string, records int) error {
	if f.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"written": path, "records": records})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s written, %d records\n", path, records)
	return err
}

func newRecordsExport() *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{Use: "export FILE --out FILE --agreement FILE --nation NATION", Short: "Write a sound count in the template's layout, as CSV or a workbook", Args: oneFile,
		Long: `Checks a count as ` + "`entente desk records check`" + ` does and writes it to the file that --out names
(.csv or .xlsx) in the template's layout, such as it has under records/ in an exercise's
directory. Nothing is written where anything is wrong, and nothing is overwritten. A text
that a spreadsheet program would calculate gets an apostrophe before it.`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.export(cmd, args[0]) }}
	f.add(cmd)
	cmd.Flags().StringVar(&f.out, "out", "", "the file to write")
	return cmd
}

func (f *recordFlags) export(cmd *cobra.Command, path string) error {
	if f.out == "" {
		return usage(errors.New("--out FILE is missing"))
	}
	format, err := intake.FormatOf(f.out)
	if err != nil {
		return err
	}
	c, err := f.read(cmd, path)
	if c == nil {
		return err
	}
	defer func() { _ = c.close() }() // it was only read
	if c.FindingCount > 0 {
		return everyOf(c.Findings, c.FindingCount)
	}
	if err != nil {
		return err
	}
	if err := writeNew(f.out, func(w io.Writer) error {
		records, err := intake.NewRecordWriter(w, format)
		if err != nil {
			return err
		}
		if err := c.Each(func(r programme.Record, _ intake.Change) error { return records.Write(r) }); err != nil {
			return errors.Join(err, records.Close())
		}
		return records.Close()
	}); err != nil {
		return err
	}
	return f.wrote(cmd, f.out, c.Records)
}

func newRecordsLines() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "lines FILE", Short: "Add up equipment contract lines of a budget book, and name each refused row", Args: oneFile,
		Long: `Reads equipment contract lines as budget books publish them: a CSV file with the columns
supplier, item, cost_category, line_no, award_month, quantity, quantity_units, unit_cost and
unit_cost_units (Dollars, Thousands or Millions). Rows that cannot be billed are named and
left out; the others are added up exactly, and as bills would have them, to the cent.

Exit code 0: read to its end, whatever rows were refused. 1: it is no such file.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			report, err := intake.ReadBook(file, filepath.Base(args[0]), func(intake.BookLine) error { return nil })
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(bookObject(&report))
			}
			return printBook(cmd.OutOrStdout(), &report)
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func printBook(out io.Writer, r *intake.BookReport) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d rows: %d lines, %d refused\n", r.Rows, r.Lines, r.Refused)
	fmt.Fprintf(w, "cost in\tlines\tdollars, exactly\n")
	for _, of := range r.Of {
		fmt.Fprintf(w, "%s\t%d\t%s\n", of.CostUnits, of.Lines, of.Exact)
	}
	fmt.Fprintf(w, "all\t%d\t%s\n", r.Lines, r.Exact)
	fmt.Fprintf(w, "billed\t\t%s\n", r.Amount.Format())
	fmt.Fprintf(w, "lines over a part of a unit: %d; at no cost: %d\n", r.Fractional, r.Free)
	for _, found := range r.Findings {
		fmt.Fprintf(w, "refused %s: %s: %s\n", found.Place(), found.Refusal.Code, found.Refusal.What)
	}
	return w.Flush()
}

func bookObject(r *intake.BookReport) map[string]any {
	of := []any{}
	for _, total := range r.Of {
		of = append(of, map[string]any{"cost_units": total.CostUnits, "lines": total.Lines, "exact": total.Exact.String()})
	}
	return map[string]any{"rows": r.Rows, "lines": r.Lines, "refused": r.Refused, "fractional": r.Fractional, "free": r.Free, "exact": r.Exact.String(),
		"amount": r.Amount.Decimal(), "currency": r.Amount.Currency().Code(), "of": of, "findings": findingObjects(r.Findings)}
}
