package intake

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"entente/settlement/programme"
)

// Exercise is everything a data directory says, sound in itself: Match and DraftBills accept it.
type Exercise struct {
	Agreement programme.Agreement
	Counts    []programme.Count // one for each member, in the agreement's order
	Cases     []programme.Case  // ordered by id
	Rates     Rates
}

// Load reads a data directory (see the package documentation for its layout), checks everything, and only then gives it. What is wrong comes as one error
// that joins a refusal for each finding, with file and line; a file system that fails comes as a fault among them.
func Load(fsys fs.FS) (*Exercise, error) {
	l := loading{fsys: fsys}
	var e Exercise
	l.read("agreement.json", func(r io.Reader) { e.Agreement = readAgreement(r, "agreement.json", &l.problems) })
	sound := len(l.found) == 0
	l.read("rates.csv", func(r io.Reader) { e.Rates = readRates(r, "rates.csv", &l.problems) })
	if sound {
		if len(l.found) == 0 {
			l.checkRates(e)
		}
		e.Counts = l.counts(e.Agreement)
		e.Cases = l.cases(e.Agreement)
	}
	if err := l.err(); err != nil {
		return nil, err
	}
	return &e, nil
}

type loading struct {
	problems
	fsys fs.FS
}

// read opens a regular file for what reads it. A missing file is a refusal, a failing one a fault.
func (l *loading) read(name string, use func(io.Reader)) {
	info, err := fs.Stat(l.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.refuse(CodeFileMissing, name, "add it; a file of records or receipts may consist of its header alone", "the file is not there")
		return
	case err != nil:
		l.add(fmt.Errorf("data directory: %w", err))
		return
	case !info.Mode().IsRegular():
		l.refuse(CodeUnexpectedFile, name, "put a plain file there", "it is no regular file")
		return
	case info.Size() > MaxCSVBytes:
		l.refuse(CodeTooLarge, name, "split it", "it has %d bytes, at most %d are read", info.Size(), MaxCSVBytes)
		return
	}
	f, err := l.fsys.Open(name)
	if err != nil {
		l.add(fmt.Errorf("data directory: %w", err))
		return
	}
	defer f.Close() // it was only read
	use(f)
}

// checkRates wants a rate of every member's currency for every day of the exercise, and names the days each lacks.
func (l *loading) checkRates(e Exercise) {
	a := e.Agreement
	checked := map[string]bool{}
	for _, m := range a.Members {
		if checked[m.Currency.Code()] {
			continue
		}
		checked[m.Currency.Code()] = true
		var without []programme.Date
		for d := a.Starts; !a.Ends.Before(d); d = d.AddDays(1) {
			if _, _, err := e.Rates.Cross(d, euro, m.Currency); err != nil {
				without = append(without, d)
			}
		}
		if len(without) > 0 {
			l.refuse(CodeRateMissing, "rates.csv", "add the fixings to the rates", "no reference rate of %s and %s on %s or within %d days before: %s",
				euro, m.Currency, spans(without), MaxFallbackDays, e.Rates.why(without[0], euro, m.Currency))
		}
	}
}

func (l *loading) counts(a programme.Agreement) []programme.Count {
	for _, entry := range l.list("records") {
		nation, isCSV := strings.CutSuffix(entry.Name(), ".csv")
		switch _, member := a.Member(programme.Nation(nation)); {
		case !isCSV:
			l.refuse(CodeUnexpectedFile, "records/"+entry.Name(), "only <NATION>.csv has a place here", "it is no CSV file")
		case !member:
			l.refuse(programme.CodeUnknownMember, "records/"+entry.Name(), "name the file after a member", "%.20q is no member of %s", nation, a.ID)
		}
	}
	counts := make([]programme.Count, 0, len(a.Members))
	for _, m := range a.Members {
		name := "records/" + string(m.Nation) + ".csv"
		l.read(name, func(r io.Reader) {
			count := readCount(r, m.Nation, name, &l.problems)
			l.add(a.CheckCount(count))
			counts = append(counts, count)
		})
	}
	return counts
}

func (l *loading) cases(a programme.Agreement) (cases []programme.Case) {
	entries := l.list("cases")
	if len(entries) > MaxCases {
		l.refuse(CodeTooLarge, "cases", "split the exercise", "there are %d cases, at most %d are read", len(entries), MaxCases)
		return nil
	}
	for _, entry := range entries {
		dir := path.Join("cases", entry.Name())
		if !entry.IsDir() {
			l.refuse(CodeUnexpectedFile, dir, "put each case into a folder named after it", "it is no folder")
			continue
		}
		c, before := programme.Case{ID: entry.Name(), Source: dir}, len(l.found)
		l.read(dir+"/case.json", func(r io.Reader) {
			doc, _ := readDocument(r, dir+"/case.json", &l.problems, []string{"title", "supplier", "receiver", "category"}, nil)
			c.Title, c.Supplier, c.Receiver, c.Category = doc.text("title"), programme.Nation(doc.text("supplier")), programme.Nation(doc.text("receiver")), doc.text("category")
		})
		l.read(dir+"/contract.csv", func(r io.Reader) { c.Lines = readContract(r, dir+"/contract.csv", &l.problems) })
		l.read(dir+"/receipts.csv", func(r io.Reader) { c.Receipts = readReceipts(r, dir+"/receipts.csv", &l.problems) })
		if len(l.found) == before {
			_, _, err := a.Deliveries(c)
			l.add(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// list gives a folder's entries by name, without hidden ones; a folder that is not there has none.
func (l *loading) list(dir string) []fs.DirEntry {
	entries, err := fs.ReadDir(l.fsys, dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.add(fmt.Errorf("data directory: %w", err))
		}
		return nil
	}
	visible := entries[:0]
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			visible = append(visible, entry)
		}
	}
	return visible
}
