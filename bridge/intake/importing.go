package intake

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/settlement/programme"
)

// Format is what a file of records is.
type Format string

// The closed list of formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// FormatOf gives the format that a file's name ends in (usage otherwise: an unknown format is a mistake of whoever named it).
func FormatOf(name string) (Format, error) {
	switch ext := Format(strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))); ext {
	case CSV, XLSX:
		return ext, nil
	}
	return "", refusal.Newf(CodeUnexpectedFile, "name it .csv or .xlsx, as what it is", "%.80q is neither a CSV file nor a workbook", filepath.Base(name))
}

// Import is one file of one nation's own records, and how to read it.
type Import struct {
	Agreement programme.Agreement
	Nation    programme.Nation // whose count it is
	Source    string           // what the file is called in messages
	Format    Format
	Mapping   Mapping
	// Prior gives the record that is stored already under a key. Nil is an empty store.
	Prior func(programme.Key) (programme.Record, bool)
	// Progress is told from time to time how many records were read, and how far the reading is: bytes of a file, unpacked ones of a workbook. Total is 0
	// where it is not known. Nil is told nothing.
	Progress func(records int, done, total int64)
}

// Checked is a file that was read from end to end and found sound. Nothing of it is kept but sums.
type Checked struct {
	Summary
	from   Import
	file   io.ReaderAt
	size   int64
	sealed [sha256.Size]byte
}

// Change says what a record does to what is stored already.
type Change uint8

// The closed list of changes.
const (
	Added     Change = 1 // nothing is stored under its key
	Unchanged Change = 2 // the same is stored: nothing to do
	Changed   Change = 3 // something else is stored under its key
)

// Check reads the whole file and stores nothing. It gives what the file comes to, or every error, each as a *Finding with line and column, at most
// MaxReported of them joined; Findings of the summary has up to MaxFindings, and it is given in either case. Memory does not grow with the file but for
// 24 bytes or so a record. A file that fails is a fault.
func (im Import) Check(file io.ReaderAt, size int64) (*Checked, error) {
	c := &Checked{from: im, file: file, size: size, Summary: Summary{Source: im.Source, Nation: im.Nation}}
	err := c.check()
	c.FindingCount, c.Findings = c.found.total, c.found.kept
	return c, err
}

func (c *Checked) check() error {
	im := c.from
	if err := im.Mapping.check(); err != nil {
		return err
	}
	if _, ok := im.Agreement.Member(im.Nation); !ok {
		return refusal.Newf(programme.CodeUnknownMember, "only members count", "%.20q is no member of %s", im.Nation, im.Agreement.ID)
	}
	r, err := im.open(c.file, c.size, &c.found)
	if err != nil {
		return err
	}
	seen := map[[16]byte]uint32{}
	digest := newRecordDigest()
	totals := totalling{of: map[totalKey]*Total{}}
	for {
		record, ok, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if c.Records++; c.Records > MaxRecords {
			r.refuse("", CodeTooLarge, "split it", "it has more than %d records; the rest of the file was not read", MaxRecords)
			break
		}
		if !ok {
			continue
		}
		if sound := im.judge(r, record); !sound {
			continue
		}
		id := digest.add(record)
		if first, repeated := seen[id]; repeated {
			r.refuse("", programme.CodeRecordRepeated, "add the quantities into one row, or tell the items apart", "it states the same as line %d (%s)", first, record.Key)
			continue
		}
		seen[id] = uint32(record.Line)
		c.compare(record, totals.add(r, im.Agreement, record))
	}
	if im.Progress != nil {
		im.Progress(c.Records, r.grid.done(), r.total)
	}
	c.Totals, c.Digest = totals.list(im.Agreement), hex.EncodeToString(digest.sum(&c.sealed))
	return c.found.err()
}

// Each reads the file once more and gives every record with what it changes, in the file's order. Store them in one transaction: where the file is no
// longer what was checked, file_changed comes last. An error of use ends it and is given back.
func (c *Checked) Each(use func(programme.Record, Change) error) error {
	if c.FindingCount > 0 {
		return c.found.err()
	}
	var wrong findings
	r, err := c.from.open(c.file, c.size, &wrong)
	if err != nil {
		return err
	}
	digest := newRecordDigest()
	for {
		record, ok, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if !ok {
			return c.changed()
		}
		digest.add(record)
		change, _ := c.from.change(record)
		if err := use(record, change); err != nil {
			return err
		}
	}
	var sum [sha256.Size]byte
	digest.sum(&sum)
	if sum != c.sealed || wrong.total > 0 {
		return c.changed()
	}
	return nil
}

func (c *Checked) changed() error {
	return refusal.Newf(CodeFileChanged, "check it again", "%s says something else than when it was checked", c.Source)
}

// change compares a record with what is stored.
func (im Import) change(r programme.Record) (Change, programme.Record) {
	if im.Prior == nil {
		return Added, programme.Record{}
	}
	before, there := im.Prior(r.Key)
	switch {
	case !there:
		return Added, before
	case before.Unit == r.Unit && before.Quantity.Equal(r.Quantity) && before.UnitPrice.Equal(r.UnitPrice):
		return Unchanged, before
	}
	return Changed, before
}

// judge checks a record against the agreement, and says whether it is sound.
func (im Import) judge(r *recordReader, record programme.Record) bool {
	err := im.Agreement.CheckCount(programme.Count{Nation: im.Nation, Records: []programme.Record{record}})
	if err == nil {
		return true
	}
	p := problems{}
	p.add(err)
	place := fmt.Sprintf("count of %s line %d: ", im.Nation, record.Line) // which programme puts before what it tells
	for _, e := range p.found {
		var fault *refusal.Refusal
		if !errors.As(e, &fault) {
			panic(fmt.Sprintf("intake: %v is no refusal", e))
		}
		bare := *fault
		bare.What = strings.TrimPrefix(bare.What, place)
		r.found.add(r.finding(r.blamed(&bare, record), &bare))
	}
	return false
}

// blamed names the field that a rule of the agreement speaks of: by the rule where it has one field, else by the field its sentence begins with; "" is the row.
func (r *recordReader) blamed(fault *refusal.Refusal, record programme.Record) string {
	switch fault.Code {
	case programme.CodeDateOutsidePeriod:
		return "date"
	case programme.CodeUnknownCategory:
		return "category"
	}
	word := strings.FieldsFunc(fault.What, func(c rune) bool { return c == ' ' || c == ':' })
	if len(word) > 0 && slices.Contains(Fields, word[0]) {
		return word[0]
	}
	return ""
}

// recordDigest is a running hash over records, whatever file they came from.
type recordDigest struct {
	hash   hash.Hash
	buffer []byte
}

func newRecordDigest() *recordDigest { return &recordDigest{hash: sha256.New()} }

// add gives a short name of the record's key, under which a second one of the same key is found.
func (d *recordDigest) add(r programme.Record) (id [16]byte) {
	d.buffer = d.buffer[:0]
	field := func(text string) {
		d.buffer = binary.BigEndian.AppendUint32(d.buffer, uint32(len(text)))
		d.buffer = append(d.buffer, text...)
	}
	d.buffer = binary.BigEndian.AppendUint32(d.buffer, uint32(r.Date.Year))
	d.buffer = append(d.buffer, byte(r.Date.Month), byte(r.Date.Day))
	field(r.Category)
	field(string(r.Supplier))
	field(string(r.Receiver))
	field(r.Item)
	key := sha256.Sum256(d.buffer)
	field(r.Quantity.String())
	field(r.Unit)
	field(r.UnitPrice.String())
	d.hash.Write(d.buffer)
	return [16]byte(key[:16])
}

func (d *recordDigest) sum(into *[sha256.Size]byte) []byte {
	copy(into[:], d.hash.Sum(nil))
	return into[:]
}

// lineAmount prices a record as a bill does.
func lineAmount(a programme.Agreement, r programme.Record) (money.Amount, error) {
	supplier, _ := a.Member(r.Supplier)
	return money.LineTotal(r.Quantity, r.UnitPrice, supplier.Currency, money.RoundHalfEven)
}
