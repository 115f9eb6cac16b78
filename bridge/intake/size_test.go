package intake

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"entente/settlement/programme"
)

// many writes so many records to a file and opens it.
func many(t testing.TB, format Format, records int) (*os.File, int64) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "count."+string(format)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	w, err := NewRecordWriter(f, format)
	if err != nil {
		t.Fatal(err)
	}
	categories, partners := []string{"MED", "WATER", "PARTS"}, []programme.Nation{"FRA", "GBR", "KWT"}
	for i := range records {
		r := programme.Record{Quantity: decimal.New(int64(i%977+1), -1), Unit: "kg", UnitPrice: decimal.New(int64(i%3571), -2)}
		r.Key = programme.Key{Date: programme.Date{Year: 2023, Month: 11, Day: 6 + i%2}, Category: categories[i%3], Supplier: "DEU", Receiver: partners[i%7%3], Item: fmt.Sprintf("item %06d of the store", i)}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return f, info.Size()
}

// peak gives the most heap in use above what there was before, looked at all the time that work goes on.
func peak(work func()) uint64 {
	live := func() uint64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before, most := live(), uint64(0)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			if now := live(); now > before {
				most = max(most, now-before)
			}
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	work()
	close(done)
	<-stopped
	return most
}

// A hundred thousand records kept as such take more than 40 MiB. What is measured includes garbage not yet collected.
func TestAHundredThousandRecordsAreImportedInBoundedMemory(t *testing.T) {
	const records, ceiling = 100_000, 48 << 20
	for _, format := range []Format{CSV, XLSX} {
		f, size := many(t, format, records)
		im := from(t, "count."+string(format), DefaultMapping())
		var told []int
		im.Progress = func(records int, done, total int64) {
			if done <= 0 || total > 0 && done > total {
				t.Errorf("%d of %d bytes", done, total)
			}
			told = append(told, records)
		}
		seen := 0
		most := peak(func() {
			c, err := im.Check(f, size)
			if err != nil || c.Records != records || c.Added != records {
				t.Errorf("%d records (%v)", c.Records, err)
				return
			}
			if format == XLSX {
				return // the second reading is the first one's
			}
			if err := c.Each(func(programme.Record, Change) error { seen++; return nil }); err != nil || seen != records {
				t.Errorf("%d records (%v)", seen, err)
			}
		})
		t.Logf("%s: %d bytes, at most %.1f MiB of heap", format, size, float64(most)/(1<<20))
		if len(told) < 100 || told[len(told)-1] < records {
			t.Errorf("progress told %d times", len(told))
		}
		if most > ceiling {
			t.Errorf("%s took %d MiB, more than %d", format, most>>20, ceiling>>20)
		}
	}
}

// BenchmarkImport reports rows a second of a whole check, and how many times longer it takes than encoding/csv alone over the same file in the same run.
func BenchmarkImport(b *testing.B) {
	const records = 100_000
	text, textSize := many(b, CSV, records)
	workbook, workbookSize := many(b, XLSX, records)
	alone := func() time.Duration {
		begin, rows := time.Now(), 0
		r := csv.NewReader(io.NewSectionReader(text, 0, textSize))
		r.ReuseRecord = true
		for {
			if _, err := r.Read(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			rows++
		}
		if rows != records+1 {
			b.Fatal(rows)
		}
		return time.Since(begin)
	}
	for _, of := range []struct {
		name string
		file *os.File
		size int64
	}{{"count.csv", text, textSize}, {"count.xlsx", workbook, workbookSize}} {
		b.Run(of.name, func(b *testing.B) {
			im := from(b, of.name, DefaultMapping())
			var ours, theirs time.Duration
			for b.Loop() {
				theirs += alone()
				begin := time.Now()
				if c, err := im.Check(of.file, of.size); err != nil || c.Records != records {
					b.Fatal(err)
				}
				ours += time.Since(begin)
			}
			b.ReportMetric(float64(records*b.N)/ours.Seconds(), "rows/s")
			b.ReportMetric(float64(records*b.N)/theirs.Seconds(), "csv-alone-rows/s")
			b.ReportMetric(float64(ours)/float64(theirs), "x-csv-alone")
		})
	}
}
