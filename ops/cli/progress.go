package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// bars shows how far long work is, in one line that is written over, on a terminal and nowhere else. It is plain text without colours, so NO_COLOR asks for
// nothing more; TERM=dumb leaves it out.
type bars struct {
	w io.Writer // nil when nobody looks

	mu    sync.Mutex
	phase string
	drawn time.Time
}

const (
	barWidth = 40
	// redrawAfter keeps work that moves fast from spending its time on telling so.
	redrawAfter = 50 * time.Millisecond
	// overwrite goes back to the line's start and clears it (ECMA-48: CR, EL).
	overwrite = "\r\x1b[K"
)

func newBars(w io.Writer) *bars {
	if !isTerminal(w) || os.Getenv("TERM") == "dumb" {
		return &bars{}
	}
	return &bars{w: w}
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

// show tells how far a phase is. Total is 0 where it is not known.
func (b *bars) show(phase string, done, total int) {
	if b.w == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if phase == b.phase && done < total && time.Since(b.drawn) < redrawAfter {
		return
	}
	b.phase, b.drawn = phase, time.Now()
	fmt.Fprint(b.w, overwrite+line(phase, done, total))
}

// line is the text of the progress line: the phase, and a bar where it is known how much there is.
func line(phase string, done, total int) string {
	if total <= 0 {
		return phase + " ..."
	}
	done = min(max(done, 0), total)
	full := barWidth * done / total
	return fmt.Sprintf("%-10s [%s%s] %d of %d", phase, strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), done, total)
}

// end takes the line away, so that what is printed next stands on a clean one.
func (b *bars) end() {
	if b.w == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.phase != "" {
		fmt.Fprint(b.w, overwrite)
		b.phase = ""
	}
}
