package intake

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"entente/schema/refusal"
)

// The limits of a workbook. Nothing a workbook's archive says about its own sizes is believed: what is unpacked is counted.
const (
	// MaxWorkbookBytes bounds the file.
	MaxWorkbookBytes = 32 << 20
	// MaxUnpackedBytes bounds everything unpacked from it.
	MaxUnpackedBytes = 512 << 20
	// MaxUnpackRatio bounds how many bytes one packed byte of a part may give, for parts of more than a mebibyte. Sheets of records reach about 20.
	MaxUnpackRatio = 120
	// MaxSharedBytes bounds the texts that cells share, which are kept.
	MaxSharedBytes = 64 << 20
	maxParts       = 4096
	maxSheets      = 256
	maxStyles      = 65_536
	maxXMLDepth    = 32
)

var (
	errUnpacked = errors.New("it unpacks to more than is read")
	errRatio    = errors.New("it unpacks to far more than it holds packed")
	errXML      = errors.New("it is no sound XML")
)

// workbook is an XLSX file (ECMA-376, SpreadsheetML) of which one sheet is read.
type workbook struct {
	source   string
	size     int64
	parts    map[string]*zip.File
	unpacked int64
	sheets   []sheetEntry
	date1904 bool
	shared   []string
	isDate   []bool // by the number of a cell's style
}

type sheetEntry struct{ name, id, part string }

// openWorkbook reads everything about a workbook but its sheets' cells.
func openWorkbook(r io.ReaderAt, size int64, source string) (*workbook, error) {
	w := &workbook{source: source, size: size, parts: map[string]*zip.File{}}
	if size > MaxWorkbookBytes {
		return nil, w.refuse(CodeTooLarge, "split it", "it has %d bytes, at most %d are read", size, MaxWorkbookBytes)
	}
	var begin [8]byte
	n, err := r.ReadAt(begin[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, w.broken("the file", err)
	}
	if bytes.HasPrefix(begin[:n], []byte("\xd0\xcf\x11\xe0")) {
		return nil, w.refuse(CodeMalformedXLSX, "save it as .xlsx without a password", "it is an older workbook, or one with a password")
	}
	entries, err := countEntries(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, w.broken("the file", err)
	}
	if entries > maxParts {
		return nil, w.refuse(CodeTooLarge, "save the sheet alone", "it has more than %d parts", maxParts)
	}
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, w.refuse(CodeMalformedXLSX, "save it as .xlsx again", "it is no workbook: %v", err)
	}
	for _, f := range archive.File {
		name := strings.ToLower(strings.TrimPrefix(f.Name, "/"))
		if w.parts[name] != nil {
			return nil, w.refuse(CodeMalformedXLSX, "save it as .xlsx again", "it has the part %.80q twice", f.Name)
		}
		w.parts[name] = f
	}
	if found := w.readBook(); found != nil {
		return nil, found
	}
	if found := w.readStyles(); found != nil {
		return nil, found
	}
	if found := w.readShared(); found != nil {
		return nil, found
	}
	return w, nil
}

// countEntries counts the signatures of directory entries (APPNOTE 4.3.12), so that no directory is read that would fill the memory.
func countEntries(r io.Reader) (int, error) {
	signature := []byte("PK\x01\x02")
	buffer, kept, count := make([]byte, 64<<10), 0, 0
	for {
		n, err := r.Read(buffer[kept:])
		text := buffer[:kept+n]
		count += bytes.Count(text, signature)
		kept = copy(buffer, text[max(0, len(text)-3):])
		if errors.Is(err, io.EOF) {
			return count, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

func (w *workbook) refuse(code refusal.Code, do, format string, args ...any) *Finding {
	return &Finding{Source: w.source, Refusal: refusal.Newf(code, do, format, args...)}
}

func (w *workbook) broken(part string, err error) *Finding {
	switch {
	case errors.Is(err, errUnpacked):
		return w.refuse(CodeTooLarge, "split it", "%s: it unpacks to more than %d bytes", part, MaxUnpackedBytes)
	case errors.Is(err, errRatio):
		return w.refuse(CodeTooLarge, "save it again with a spreadsheet program", "%s: it unpacks to more than %d times its size", part, MaxUnpackRatio)
	case errors.Is(err, errRowTooLong):
		return w.refuse(CodeTooLarge, "shorten its texts", "%s: a text has more than %d bytes", part, maxRowBytes)
	}
	return w.refuse(CodeMalformedXLSX, "save it as .xlsx again", "%s cannot be read: %.200v", part, err)
}

// part opens a part of the archive for reading as XML; false where there is none.
func (w *workbook) part(name string) (*markup, bool, error) {
	f := w.parts[strings.ToLower(name)]
	if f == nil {
		return nil, false, nil
	}
	body, err := f.Open()
	if err != nil {
		return nil, false, err
	}
	counted := &unpacking{r: body, total: &w.unpacked, packed: min(int64(f.CompressedSize64&(1<<62-1)), w.size)}
	gulp := &gulps{r: counted, limit: maxRowBytes}
	return &markup{decoder: xml.NewDecoder(gulp), gulp: gulp, close: body.Close}, true, nil
}

// unpacking counts what comes out of a part and stops a bomb.
type unpacking struct {
	r      io.Reader
	packed int64
	own    int64
	total  *int64
}

func (u *unpacking) Read(b []byte) (int, error) {
	n, err := u.r.Read(b)
	u.own += int64(n)
	*u.total += int64(n)
	switch {
	case *u.total > MaxUnpackedBytes:
		return 0, errUnpacked
	case u.own > 1<<20 && u.own > u.packed*MaxUnpackRatio:
		return 0, errRatio
	}
	return n, err
}

// markup reads XML as a stream, with bounds on depth and on the size of one token, and without document types, in which the bombs of XML live.
type markup struct {
	decoder *xml.Decoder
	gulp    *gulps
	close   func() error
	open    []string
}

// next gives the next start or end of an element, or text: a value that is valid until the next call.
func (m *markup) next() (xml.Token, error) {
	for {
		m.gulp.breathe()
		token, err := m.decoder.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) && len(m.open) > 0 {
				return nil, fmt.Errorf("%w: it ends too early", errXML)
			}
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if m.open = append(m.open, t.Name.Local); len(m.open) > maxXMLDepth {
				return nil, fmt.Errorf("%w: it is too deep", errXML)
			}
			return t, nil
		case xml.EndElement:
			if last := len(m.open) - 1; last < 0 || m.open[last] != t.Name.Local {
				return nil, fmt.Errorf("%w: %.40q ends nothing", errXML, t.Name.Local)
			}
			m.open = m.open[:len(m.open)-1]
			return t, nil
		case xml.CharData:
			return t, nil
		case xml.Directive:
			return nil, fmt.Errorf("%w: it has a document type", errXML)
		}
	}
}

// each calls use for every element's start, until the end.
func (m *markup) each(use func(xml.StartElement) error) error {
	defer func() { _ = m.close() }() // it was only read
	for {
		token, err := m.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			if err := use(start); err != nil {
				return err
			}
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// readBook reads which sheets there are and where their parts lie.
func (w *workbook) readBook() *Finding {
	targets := map[string]string{}
	rels, there, err := w.part("xl/_rels/workbook.xml.rels")
	if err == nil && there {
		err = rels.each(func(e xml.StartElement) error {
			if e.Name.Local == "Relationship" && len(targets) < maxParts {
				target := attr(e, "Target")
				if !strings.HasPrefix(target, "/") {
					target = "/xl/" + target
				}
				targets[attr(e, "Id")] = strings.TrimPrefix(path.Clean(target), "/")
			}
			return nil
		})
	}
	if err != nil {
		return w.broken("its list of parts", err)
	}
	book, ok, err := w.part("xl/workbook.xml")
	if err == nil && (!ok || !there) {
		return w.refuse(CodeMalformedXLSX, "save it as .xlsx again", "it is an archive, but no workbook")
	}
	if err == nil {
		err = book.each(func(e xml.StartElement) error {
			switch e.Name.Local {
			case "workbookPr":
				w.date1904 = attr(e, "date1904") == "1" || attr(e, "date1904") == "true"
			case "sheet":
				if len(w.sheets) == maxSheets {
					return fmt.Errorf("it has more than %d sheets", maxSheets)
				}
				var id string
				for _, a := range e.Attr {
					if a.Name.Local == "id" && a.Name.Space != "" {
						id = a.Value
					}
				}
				w.sheets = append(w.sheets, sheetEntry{attr(e, "name"), id, targets[id]})
			}
			return nil
		})
	}
	if err != nil {
		return w.broken("its list of sheets", err)
	}
	return nil
}

// readStyles learns which styles show a number as a date.
func (w *workbook) readStyles() *Finding {
	formats := map[int]string{}
	styles, there, err := w.part("xl/styles.xml")
	if err == nil && there {
		inCells := false
		err = styles.each(func(e xml.StartElement) error {
			switch e.Name.Local {
			case "numFmt":
				if id, err := strconv.Atoi(attr(e, "numFmtId")); err == nil && len(formats) < maxStyles {
					formats[id] = attr(e, "formatCode")
				}
			case "cellXfs":
				inCells = true
			case "cellStyleXfs", "cellStyles", "dxfs":
				inCells = false
			case "xf":
				if !inCells {
					break
				}
				if len(w.isDate) == maxStyles {
					return fmt.Errorf("it has more than %d styles", maxStyles)
				}
				id, err := strconv.Atoi(attr(e, "numFmtId"))
				w.isDate = append(w.isDate, err == nil && showsDate(id, formats[id]))
			}
			return nil
		})
	}
	if err != nil {
		return w.broken("its styles", err)
	}
	return nil
}

// showsDate says whether a number format shows a day: the built-in ones (ECMA-376 part 1, 18.8.30, with those of East Asia), or one with a year or a day in it.
func showsDate(id int, code string) bool {
	if code == "" {
		return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 54 || id == 57 || id == 58
	}
	quoted, bracketed := false, false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c == '\\' || c == '_' || c == '*':
			i++ // the next character stands for itself
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == ']':
			bracketed = c == '['
		case bracketed:
		case c == ';':
			return false // only the format of positive numbers counts
		case strings.IndexByte("yYdD", c) >= 0:
			return true
		}
	}
	return false
}

// readShared reads the texts that cells share, without their phonetic readings.
func (w *workbook) readShared() *Finding {
	texts, there, err := w.part("xl/sharedstrings.xml")
	if err != nil {
		return w.broken("its texts", err)
	}
	if !there {
		return nil
	}
	defer func() { _ = texts.close() }() // it was only read
	total := 0
	for {
		token, err := texts.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return w.broken("its texts", err)
		}
		if start, ok := token.(xml.StartElement); !ok || start.Name.Local != "si" {
			continue
		}
		text, err := texts.text("si")
		if err != nil {
			return w.broken("its texts", err)
		}
		if total += len(text) + 16; total > MaxSharedBytes {
			return w.refuse(CodeTooLarge, "split it", "its texts have more than %d bytes", MaxSharedBytes)
		}
		w.shared = append(w.shared, text)
	}
}

// text reads what t elements hold until the end of an element, without phonetic readings.
func (m *markup) text(until string) (string, error) {
	var b strings.Builder
	depth := len(m.open)
	for {
		token, err := m.next()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.EndElement:
			if t.Name.Local == until && len(m.open) == depth-1 {
				return b.String(), nil
			}
		case xml.CharData:
			if last := len(m.open) - 1; m.open[last] == "t" && !slices.Contains(m.open, "rPh") {
				if b.Write(t); b.Len() > maxRowBytes {
					return "", errRowTooLong
				}
			}
		}
	}
}
