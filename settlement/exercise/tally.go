package exercise

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/programme"
)

// Tally is one file of one counting device: for each key how much the device has counted so far in all, never how much since the file before. So a file
// that comes twice, late or out of order adds nothing. Manual entry and imported tables are tallies too, of devices named for them.
type Tally struct {
	Device  string // one of the nation's, for ever the same
	File    uint64 // the device's own counter of its files, from 1
	Entries []TallyEntry
}

// TallyEntry is what a device has counted of one key so far.
type TallyEntry struct {
	programme.Key
	Quantity  decimal.Decimal // in all, and never less than in an earlier file
	Unit      string
	UnitPrice decimal.Decimal // in major units of the supplier's currency
	Evidence  wire.Hash       // of a photograph or a signed sheet; zero where there is none
}

// Limits of one tally.
const (
	// MaxEntries bounds one tally's entries; what is longer comes in several.
	MaxEntries    = 1 << 13
	maxTallyBytes = MaxEventBytes
)

// Bytes gives the canonical encoding, in which a device signs its file. Refused: malformed, when a text or number is beyond its limit.
func (t Tally) Bytes() ([]byte, error) { return wire.EncodeFields(t.fields) }

// ParseTally reads what Bytes gives and nothing else. Refusals: too_large, malformed. Whether its entries make sense, a State says.
func ParseTally(b []byte) (Tally, error) {
	var t Tally
	err := wire.DecodeFields(b, maxTallyBytes, t.fields)
	return t, err
}

func (t *Tally) fields(f *wire.Fields) {
	f.Text(1, &t.Device, 64)
	f.U64(2, &t.File)
	wire.List(f, 3, &t.Entries, MaxEntries, func(f *wire.Fields, e *TallyEntry) {
		e.Key.Fields(f)
		programme.DecimalField(f, 6, &e.Quantity)
		f.Text(7, &e.Unit, programme.MaxUnitBytes)
		programme.DecimalField(f, 8, &e.UnitPrice)
		hashField(f, 9, &e.Evidence)
	})
}

func (e TallyEntry) record() programme.Record {
	return programme.Record{Key: e.Key, Quantity: e.Quantity, Unit: e.Unit, UnitPrice: e.UnitPrice}
}

// compare orders what one device said of one key: the larger quantity is the later word. The rest only makes the order total.
func (e TallyEntry) compare(f TallyEntry) int {
	return cmp.Or(e.Quantity.Cmp(f.Quantity), cmp.Compare(e.Unit, f.Unit), e.UnitPrice.Cmp(f.UnitPrice), compareHashes(e.Evidence, f.Evidence))
}

// Tallies are the files of all devices of one nation, merged: one counter for each device and key that only grows, and a key's count is their sum. Adding
// and merging give the same whatever their order and repetition. The zero value holds nothing.
type Tallies struct {
	counters map[programme.Key]map[string]TallyEntry
	files    map[string]map[uint64][]wire.Hash // by device and number; two under one number mean two devices of one name
}

// Add takes one file. It gives the keys whose count grew.
func (t *Tallies) Add(file Tally) ([]programme.Key, error) {
	b, err := file.Bytes()
	if err != nil {
		return nil, err
	}
	t.see(file.Device, file.File, wire.AttachmentHash(b))
	var grew []programme.Key
	for _, e := range file.Entries {
		if t.raise(file.Device, e) {
			grew = append(grew, e.Key)
		}
	}
	return grew, nil
}

// Merge takes everything another desk of the same nation has.
func (t *Tallies) Merge(other *Tallies) {
	for device, files := range other.files {
		for n, hashes := range files {
			for _, h := range hashes {
				t.see(device, n, h)
			}
		}
	}
	for _, devices := range other.counters {
		for device, e := range devices {
			t.raise(device, e)
		}
	}
}

func (t *Tallies) see(device string, n uint64, h wire.Hash) {
	if t.files == nil {
		t.files = map[string]map[uint64][]wire.Hash{}
	}
	if t.files[device] == nil {
		t.files[device] = map[uint64][]wire.Hash{}
	}
	if !slices.Contains(t.files[device][n], h) {
		t.files[device][n] = slices.SortedFunc(slices.Values(append(t.files[device][n], h)), compareHashes)
	}
}

func (t *Tallies) raise(device string, e TallyEntry) bool {
	if t.counters == nil {
		t.counters = map[programme.Key]map[string]TallyEntry{}
	}
	if t.counters[e.Key] == nil {
		t.counters[e.Key] = map[string]TallyEntry{}
	}
	before, had := t.counters[e.Key][device]
	if had && e.compare(before) <= 0 {
		return false
	}
	t.counters[e.Key][device] = e
	return !had || !e.Quantity.Equal(before.Quantity)
}

// Total gives a nation's count of a key, over all devices, and the evidence for it. It says false where no device counted it.
func (t *Tallies) Total(key programme.Key) (programme.Record, []wire.Hash, bool) {
	if t == nil || len(t.counters[key]) == 0 {
		return programme.Record{}, nil, false
	}
	entries := make([]TallyEntry, 0, len(t.counters[key]))
	for _, e := range t.counters[key] {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, TallyEntry.compare)
	total := entries[len(entries)-1].record()
	var evidence []wire.Hash
	for i, e := range entries {
		if i < len(entries)-1 {
			total.Quantity = total.Quantity.Add(e.Quantity)
		}
		if !e.Evidence.IsZero() && !slices.Contains(evidence, e.Evidence) {
			evidence = append(evidence, e.Evidence)
		}
	}
	slices.SortFunc(evidence, compareHashes)
	return total, evidence, true
}

// with gives what the count of a key would be after one more entry.
func (t *Tallies) with(device string, e TallyEntry) decimal.Decimal {
	sum := e.Quantity
	if t == nil {
		return sum
	}
	for other, before := range t.counters[e.Key] {
		if other != device {
			sum = sum.Add(before.Quantity)
		} else if before.Quantity.GreaterThan(e.Quantity) {
			sum = sum.Add(before.Quantity.Sub(e.Quantity))
		}
	}
	return sum
}

// Trouble is what is wrong with the files of a device: some have not come, or two carry one number, so that one name stands for two devices.
type Trouble struct {
	Device  string
	Missing []uint64 // at most 100
	Twice   []uint64
}

// Troubles lists the devices with files missing or doubled, by name. Missing files cost no count once a later one is there.
func (t *Tallies) Troubles() []Trouble {
	if t == nil {
		return nil
	}
	var found []Trouble
	for device, files := range t.files {
		trouble, last := Trouble{Device: device}, uint64(0)
		for n, hashes := range files {
			last = max(last, n)
			if len(hashes) > 1 {
				trouble.Twice = append(trouble.Twice, n)
			}
		}
		slices.Sort(trouble.Twice)
		for n := uint64(1); n < last && len(trouble.Missing) < 100; n++ {
			if files[n] == nil {
				trouble.Missing = append(trouble.Missing, n)
			}
		}
		if len(trouble.Missing)+len(trouble.Twice) > 0 {
			found = append(found, trouble)
		}
	}
	slices.SortFunc(found, func(a, b Trouble) int { return cmp.Compare(a.Device, b.Device) })
	return found
}

// Count hands in one tally of the author's own. The same act serves manual entry, imported tables and files from the field.
type Count struct{ Tally Tally }

// Kind gives count.
func (*Count) Kind() string { return "count" }

func (a *Count) fields(f *wire.Fields) { a.Tally.fields(f) }

func (a *Count) cites() []wire.Hash { return nil }

func (a *Count) judge(s *State, e *Entry) error {
	if err := textFault("device", a.Tally.Device, 64); err != nil {
		return err
	}
	if a.Tally.File == 0 || len(a.Tally.Entries) == 0 {
		return refusal.Newf(CodeActInvalid, "number files from 1 and count something", "file %d of %s with %d entries", a.Tally.File, a.Tally.Device, len(a.Tally.Entries))
	}
	counts := map[*Version]*programme.Count{}
	for i, entry := range a.Tally.Entries {
		v, err := s.ruling(entry.Key)
		if err != nil {
			return err
		}
		if counts[v] == nil {
			counts[v] = &programme.Count{Nation: e.Author, Source: fmt.Sprintf("%s file %d", a.Tally.Device, a.Tally.File)}
		}
		r := entry.record()
		r.Line = i + 1
		counts[v].Records = append(counts[v].Records, r)
	}
	for _, v := range s.versions {
		if counts[v] == nil {
			continue
		}
		if err := v.Terms.Agreement.CheckCount(*counts[v]); err != nil {
			return err
		}
	}
	return a.judgeTotals(s, e)
}

func (a *Count) judgeTotals(s *State, e *Entry) error {
	own := s.tallies[e.Author]
	for i, entry := range a.Tally.Entries {
		before, _, counted := own.Total(entry.Key)
		if counted && (before.Unit != entry.Unit || !before.UnitPrice.Equal(entry.UnitPrice)) {
			return refusal.Newf(CodeTallyDiffers, "count by one unit and price, or propose another price in a case",
				"%s file %d line %d: %s is counted by %s at %s already, not by %s at %s", a.Tally.Device, a.Tally.File, i+1, entry.Key, before.Unit, before.UnitPrice, entry.Unit, entry.UnitPrice)
		}
		v, err := s.ruling(entry.Key)
		if err != nil {
			return err
		}
		total := entry.record()
		total.Quantity = own.with(a.Tally.Device, entry)
		if err := v.Terms.Agreement.CheckCount(programme.Count{Nation: e.Author, Source: "all devices", Records: []programme.Record{total}}); err != nil {
			return err
		}
	}
	return nil
}

func (a *Count) do(s *State, e *Entry) {
	if s.tallies[e.Author] == nil {
		s.tallies[e.Author] = &Tallies{}
	}
	grew, err := s.tallies[e.Author].Add(a.Tally)
	if err != nil {
		panic("exercise: a tally that was read cannot be written: " + err.Error())
	}
	for _, key := range grew {
		side := counted{e.Author, key}
		if p := e.Person(); !slices.Contains(s.counters[side], p) {
			s.counters[side] = append(s.counters[side], p)
		}
		s.match(key, e)
	}
}

func (a *Count) tell(*State) string {
	return fmt.Sprintf("hands in file %d of %s, entries: %d", a.Tally.File, a.Tally.Device, len(a.Tally.Entries))
}
