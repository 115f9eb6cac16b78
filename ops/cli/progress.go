package cli

import (
	"io"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bars shows how far long work is, one bar a phase, on a terminal and nowhere else. NO_COLOR leaves it plain, TERM=dumb leaves it out.
type bars struct {
	mu       sync.Mutex
	progress *mpb.Progress
	phase    string
	bar      *mpb.Bar
}

func newBars(w io.Writer) *bars {
	b := &bars{}
	if isTerminal(w) && os.Getenv("TERM") != "dumb" {
		b.progress = mpb.New(mpb.WithOutput(w), mpb.WithWidth(48), mpb.WithAutoRefresh())
	}
	return b
}

// isTerminal tells whether w is a character device, which is what a person looks at.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

// show moves the bar of a phase, and begins it when it is new.
func (b *bars) show(phase string, done, total int) {
	if b.progress == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if phase != b.phase {
		b.finish()
		b.phase = phase
		b.bar = b.progress.New(int64(total), mpb.BarStyle().Lbound("[").Rbound("]").Filler("=").Tip(">").Padding(" "),
			mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name(phase, decor.WC{W: 12, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.CountersNoUnit("%d/%d", decor.WCSyncSpace)))
	}
	if total > 0 {
		b.bar.SetTotal(int64(total), false)
	}
	b.bar.SetCurrent(int64(done))
}

// finish takes the present bar away. The bars are locked.
func (b *bars) finish() {
	if b.bar != nil {
		b.bar.SetTotal(-1, true)
		b.bar = nil
	}
}

// end takes everything away, so that what is printed next stands on clean lines.
func (b *bars) end() {
	if b.progress == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finish()
	b.progress.Wait()
	b.progress = nil
}
