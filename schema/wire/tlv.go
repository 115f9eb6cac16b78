package wire

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"entente/schema/refusal"
)

const (
	headerBytes = 6 // u16 tag and u32 length
	countBytes  = 4
)

// Fields walks a document's fields in order, in one of two directions: it writes them into bytes, or reads them out of bytes. One `fields` method per
// document serves both, so that encoder and decoder cannot drift apart. The first error sticks; later calls do nothing.
type Fields struct {
	reading bool
	bytes   []byte
	offset  int // reading: position in bytes
	base    int // reading: position of bytes in the outermost document, for messages
	at      int // reading: where the field in hand starts, for messages
	last    uint16
	err     error
}

// Document is anything with a fixed list of fields.
type Document interface {
	fields(*Fields)
}

// Encode gives the canonical bytes of a document. It panics if a value breaks the document's own limits (a text too long, a list too large): the caller
// validates what comes from outside before it encodes.
func Encode(d Document) []byte {
	f := &Fields{}
	d.fields(f)
	if f.err != nil {
		panic("wire: a document outside its own limits was to be encoded: " + f.err.Error())
	}
	return f.bytes
}

// TryEncode is Encode for values from outside: it returns the broken limit as a refusal.
func TryEncode(d Document) ([]byte, error) { return TryAppend(nil, d) }

// TryAppend is TryEncode behind bytes that are there already, within their capacity where it is enough.
func TryAppend(b []byte, d Document) ([]byte, error) {
	f := &Fields{bytes: b}
	d.fields(f)
	return f.bytes, f.err
}

// Decode reads a document from its canonical bytes, at most limit bytes long.
// Refusals: too_large before anything is parsed; malformed with tag and offset.
func Decode(b []byte, limit int, d Document) error {
	if len(b) > limit {
		return refusal.Newf(CodeTooLarge, "send a smaller document", "a document of %d bytes exceeds the limit of %d bytes", len(b), limit)
	}
	f := &Fields{reading: true, bytes: b}
	d.fields(f)
	f.end()
	return f.err
}

// end refuses bytes after the last field of a document that was read.
func (f *Fields) end() {
	if f.err == nil && f.offset != len(f.bytes) {
		f.at = f.offset
		f.fail(f.last, "bytes trail the last field")
	}
}

// EncodeFields gives the canonical bytes of fields walked by another package's document. It returns the broken limit as a refusal.
func EncodeFields(walk func(*Fields)) ([]byte, error) { return AppendFields(nil, walk) }

// AppendFields is EncodeFields behind bytes that are there already, within their capacity where it is enough.
func AppendFields(b []byte, walk func(*Fields)) ([]byte, error) { return TryAppend(b, walker(walk)) }

// DecodeFields reads another package's document by walking its fields, as Decode does.
func DecodeFields(b []byte, limit int, walk func(*Fields)) error {
	return Decode(b, limit, walker(walk))
}

type walker func(*Fields)

func (w walker) fields(f *Fields) { w(f) }

// Refuse lets another package's document refuse a value it has just read, under the field's tag.
func (f *Fields) Refuse(tag uint16, what string) { f.fail(tag, what) }

func (f *Fields) fail(tag uint16, what string) {
	if f.err == nil {
		f.err = refusal.Newf(CodeMalformed, "send the document in the canonical encoding of version 1", "%d@%d: %s", tag, f.base+f.at, what)
	}
}

// value gives the next field's bytes when reading, nil and false when writing or after an error.
func (f *Fields) value(tag uint16) ([]byte, bool) {
	if f.err != nil {
		return nil, false
	}
	if tag <= f.last {
		f.fail(tag, "fields are declared out of order")
		return nil, false
	}
	f.last = tag
	if !f.reading {
		return nil, false
	}
	f.at = f.offset
	rest := f.bytes[f.offset:]
	if len(rest) < headerBytes {
		f.fail(tag, "the document ends before this field")
		return nil, false
	}
	if got := binary.BigEndian.Uint16(rest); got != tag {
		f.fail(got, "another field is due here")
		return nil, false
	}
	n := binary.BigEndian.Uint32(rest[2:])
	if uint64(n) > uint64(len(rest)-headerBytes) {
		f.fail(tag, "the field is longer than the document")
		return nil, false
	}
	f.offset += headerBytes + int(n)
	return rest[headerBytes : headerBytes+int(n) : headerBytes+int(n)], true
}

func (f *Fields) write(tag uint16, value []byte) {
	if f.err != nil {
		return
	}
	f.bytes = binary.BigEndian.AppendUint16(f.bytes, tag)
	f.bytes = binary.BigEndian.AppendUint32(f.bytes, uint32(len(value)))
	f.bytes = append(f.bytes, value...)
}

func (f *Fields) writeText(tag uint16, value string) {
	if f.err != nil {
		return
	}
	f.bytes = binary.BigEndian.AppendUint16(f.bytes, tag)
	f.bytes = binary.BigEndian.AppendUint32(f.bytes, uint32(len(value)))
	f.bytes = append(f.bytes, value...)
}

// integer is the shared body of U8 to U64: size bytes, big-endian.
func (f *Fields) integer(tag uint16, size int, v uint64) uint64 {
	if b, ok := f.value(tag); ok {
		if len(b) != size {
			f.fail(tag, "an integer of another width is due here")
			return 0
		}
		var padded [8]byte
		copy(padded[8-size:], b)
		return binary.BigEndian.Uint64(padded[:])
	}
	if !f.reading {
		var padded [8]byte
		binary.BigEndian.PutUint64(padded[:], v)
		f.write(tag, padded[8-size:])
	}
	return v
}

// U8 is an 8-bit unsigned integer.
func (f *Fields) U8(tag uint16, v *uint8) { *v = uint8(f.integer(tag, 1, uint64(*v))) }

// U16 is a 16-bit unsigned integer.
func (f *Fields) U16(tag uint16, v *uint16) { *v = uint16(f.integer(tag, 2, uint64(*v))) }

// U32 is a 32-bit unsigned integer.
func (f *Fields) U32(tag uint16, v *uint32) { *v = uint32(f.integer(tag, 4, uint64(*v))) }

// U64 is a 64-bit unsigned integer.
func (f *Fields) U64(tag uint16, v *uint64) { *v = f.integer(tag, 8, *v) }

// Count is a non-negative int64: minor units, milliseconds, sequence numbers. The top bit is refused.
func (f *Fields) Count(tag uint16, v *int64) {
	if !f.reading && *v < 0 {
		f.fail(tag, "a negative number cannot be encoded")
		return
	}
	u := f.integer(tag, 8, uint64(*v))
	if u > math.MaxInt64 {
		f.fail(tag, "the number exceeds 2^63-1")
		return
	}
	*v = int64(u)
}

// Bool is one byte, 0 or 1.
func (f *Fields) Bool(tag uint16, v *bool) {
	var u uint8
	if *v {
		u = 1
	}
	f.U8(tag, &u)
	if u > 1 {
		f.fail(tag, "a truth value is 0 or 1")
		return
	}
	*v = u == 1
}

// Fixed is exactly len(v) bytes: pass an array's slice, such as id[:].
func (f *Fields) Fixed(tag uint16, v []byte) {
	if b, ok := f.value(tag); ok {
		if len(b) != len(v) {
			f.fail(tag, "a value of another length is due here")
			return
		}
		copy(v, b)
		return
	}
	if !f.reading {
		f.write(tag, v)
	}
}

// Bytes is at most max bytes.
func (f *Fields) Bytes(tag uint16, v *[]byte, max int) {
	if b, ok := f.value(tag); ok {
		if len(b) > max {
			f.fail(tag, "the value is longer than its limit")
			return
		}
		*v = append([]byte(nil), b...)
		return
	}
	if !f.reading {
		if len(*v) > max {
			f.fail(tag, "the value is longer than its limit")
			return
		}
		f.write(tag, *v)
	}
}

// Text is at most max bytes of UTF-8 without control characters.
func (f *Fields) Text(tag uint16, v *string, max int) {
	if b, ok := f.value(tag); ok {
		if len(b) > max {
			f.fail(tag, "the text is longer than its limit")
			return
		}
		*v = string(b)
		f.checkText(tag, *v)
		return
	}
	if !f.reading {
		if len(*v) > max {
			f.fail(tag, "the text is longer than its limit")
			return
		}
		f.checkText(tag, *v)
		f.writeText(tag, *v)
	}
}

func (f *Fields) checkText(tag uint16, s string) {
	if fault := textFault(s); fault != "" {
		f.fail(tag, fault)
	}
}

// plain tells whether a text is of printable ASCII alone, as most are.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func textFault(s string) string {
	if plain(s) {
		return ""
	}
	if !utf8.ValidString(s) {
		return "the text is not UTF-8"
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "the text holds a control character"
	}
	return ""
}

// Nested is another document's fields in one field.
func (f *Fields) Nested(tag uint16, d Document) {
	if b, ok := f.value(tag); ok {
		inner := &Fields{reading: true, bytes: b, base: f.base + f.offset - len(b)}
		d.fields(inner)
		inner.end()
		f.err = inner.err
		return
	}
	if f.reading || f.err != nil {
		return
	}
	inner := &Fields{}
	d.fields(inner)
	f.err = inner.err
	f.write(tag, inner.bytes)
}

// List is a u32 count and then, for each element, a u32 length and the element's own fields.
func List[T any](f *Fields, tag uint16, items *[]T, max int, each func(*Fields, *T)) {
	if b, ok := f.value(tag); ok {
		*items = readList(f, tag, b, max, each)
		return
	}
	if f.reading || f.err != nil {
		return
	}
	if len(*items) > max {
		f.fail(tag, "the list is longer than its limit")
		return
	}
	whole := f.open(tag)
	f.bytes = binary.BigEndian.AppendUint32(f.bytes, uint32(len(*items)))
	inner := &Fields{}
	for i := range *items {
		element := len(f.bytes)
		*inner = Fields{bytes: append(f.bytes, 0, 0, 0, 0)}
		each(inner, &(*items)[i])
		if inner.err != nil {
			f.err = inner.err
			return
		}
		f.bytes = inner.bytes
		f.close(element)
	}
	f.close(whole)
}

// open writes the head of a field whose length is known later, and gives where the length stands.
func (f *Fields) open(tag uint16) int {
	f.bytes = binary.BigEndian.AppendUint16(f.bytes, tag)
	f.bytes = append(f.bytes, 0, 0, 0, 0)
	return len(f.bytes) - countBytes
}

// close writes the length of what was written behind a length's place.
func (f *Fields) close(at int) {
	binary.BigEndian.PutUint32(f.bytes[at:], uint32(len(f.bytes)-at-countBytes))
}

func readList[T any](f *Fields, tag uint16, b []byte, max int, each func(*Fields, *T)) []T {
	start := f.base + f.offset - len(b)
	if len(b) < countBytes {
		f.fail(tag, "the list has no count")
		return nil
	}
	n := binary.BigEndian.Uint32(b)
	// Every element takes at least its length field.
	if uint64(n) > uint64(max) || uint64(n)*countBytes > uint64(len(b)-countBytes) {
		f.fail(tag, "the list's count exceeds its limit or its bytes")
		return nil
	}
	var items []T // grows with the elements read: memory follows the bytes that came, not the count they claim
	at := countBytes
	for range n {
		if len(b)-at < countBytes {
			f.fail(tag, "the list ends before its last element")
			return nil
		}
		size := int64(binary.BigEndian.Uint32(b[at:]))
		at += countBytes
		if size > int64(len(b)-at) {
			f.fail(tag, "an element is longer than the list")
			return nil
		}
		inner := &Fields{reading: true, bytes: b[at : at+int(size)], base: start + at}
		var item T
		each(inner, &item)
		inner.end()
		if inner.err != nil {
			f.err = inner.err
			return nil
		}
		items = append(items, item)
		at += int(size)
	}
	if at != len(b) {
		f.fail(tag, "bytes trail the list's last element")
		return nil
	}
	return items
}

// hashList is a list of 32-byte hashes.
func hashList(f *Fields, tag uint16, hashes *[]Hash, max int) {
	List(f, tag, hashes, max, func(f *Fields, h *Hash) { f.Fixed(1, h[:]) })
}
