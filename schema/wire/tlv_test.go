package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entente/schema/refusal"
)

// probe has one field of every shape.
type probe struct {
	U8     uint8
	U16    uint16
	U32    uint32
	U64    uint64
	Count  int64
	Bool   bool
	Fixed  [4]byte
	Bytes  []byte
	Text   string
	Nested inner
	List   []inner
}

type inner struct{ A, B uint8 }

func (i *inner) fields(f *Fields) {
	f.U8(1, &i.A)
	f.U8(3, &i.B)
}

func (p *probe) fields(f *Fields) {
	f.U8(1, &p.U8)
	f.U16(2, &p.U16)
	f.U32(3, &p.U32)
	f.U64(4, &p.U64)
	f.Count(5, &p.Count)
	f.Bool(6, &p.Bool)
	f.Fixed(7, p.Fixed[:])
	f.Bytes(8, &p.Bytes, 5)
	f.Text(9, &p.Text, 5)
	f.Nested(10, &p.Nested)
	List(f, 11, &p.List, 3, func(f *Fields, i *inner) { i.fields(f) })
}

func tlv(tag uint16, value ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, tag)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// probeFields are the fields of a valid probe, one by one.
func probeFields() [][]byte {
	one := slices.Concat(tlv(1, 10), tlv(3, 11))
	list := slices.Concat([]byte{0, 0, 0, 1, 0, 0, 0, byte(len(one))}, one)
	return [][]byte{
		tlv(1, 1), tlv(2, 0, 2), tlv(3, 0, 0, 0, 3), tlv(4, 0, 0, 0, 0, 0, 0, 0, 4), tlv(5, 0, 0, 0, 0, 0, 0, 0, 5), tlv(6, 1), tlv(7, 1, 2, 3, 4),
		tlv(8, 9), tlv(9, 'h', 'i'), tlv(10, one...), tlv(11, list...),
	}
}

func TestEveryShapeOfFieldIsReadAndWritten(t *testing.T) {
	want := probe{1, 2, 3, 4, 5, true, [4]byte{1, 2, 3, 4}, []byte{9}, "hi", inner{10, 11}, []inner{{10, 11}}}
	b := slices.Concat(probeFields()...)
	var got probe
	if err := Decode(b, len(b), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(Encode(&got), b) {
		t.Error("the bytes do not encode to themselves")
	}
}

func TestMalformedBytesAreNamedByTagAndOffset(t *testing.T) {
	one := slices.Concat(tlv(1, 10), tlv(3, 11))
	at := func(n int) int { return len(slices.Concat(probeFields()[:n]...)) } // where field n+1 starts
	with := func(n int, field []byte) []byte {
		fields := probeFields()
		fields[n-1] = field
		return slices.Concat(fields...)
	}
	all := slices.Concat(probeFields()...)
	text := func(s string) []byte { return with(9, tlv(9, []byte(s)...)) }
	list := func(b ...byte) []byte { return with(11, tlv(11, b...)) }
	for name, c := range map[string]struct {
		bytes []byte
		want  string
	}{
		"nothing":                                {nil, "1@0: the document ends before this field"},
		"a header cut short":                     {all[:5], "1@0: the document ends before this field"},
		"a value cut short":                      {all[:6], "1@0: the field is longer than the document"},
		"a document cut between two fields":      {all[:7], "2@7: the document ends before this field"},
		"the last byte missing":                  {all[:len(all)-1], fmt.Sprintf("11@%d: the field is longer than the document", at(10))},
		"a length of 4 GiB":                      {[]byte{0, 1, 255, 255, 255, 255, 1}, "1@0: the field is longer than the document"},
		"a trailing byte":                        {append(bytes.Clone(all), 0), fmt.Sprintf("11@%d: bytes trail the last field", len(all))},
		"an extra field at the end":              {append(bytes.Clone(all), tlv(12, 0)...), fmt.Sprintf("11@%d: bytes trail the last field", len(all))},
		"an extra field at the start":            {append(tlv(0, 0), all...), "0@0: another field is due here"},
		"an extra field between two":             {slices.Concat(all[:7], tlv(100, 0), all[7:]), "100@7: another field is due here"},
		"a field twice":                          {slices.Concat(all[:7], all), "1@7: another field is due here"},
		"two fields exchanged":                   {slices.Concat(probeFields()[1], probeFields()[0], all[at(2):]), "2@0: another field is due here"},
		"a field missing":                        {all[7:], "2@0: another field is due here"},
		"an 8-bit integer of two bytes":          {with(1, tlv(1, 0, 1)), "1@0: an integer of another width is due here"},
		"an 8-bit integer of none":               {with(1, tlv(1)), "1@0: an integer of another width is due here"},
		"a 16-bit integer of one byte":           {with(2, tlv(2, 2)), fmt.Sprintf("2@%d: an integer of another width is due here", at(1))},
		"a 32-bit integer of eight bytes":        {with(3, tlv(3, 0, 0, 0, 0, 0, 0, 0, 3)), fmt.Sprintf("3@%d: an integer of another width is due here", at(2))},
		"a 64-bit integer of four bytes":         {with(4, tlv(4, 0, 0, 0, 4)), fmt.Sprintf("4@%d: an integer of another width is due here", at(3))},
		"a count of nine bytes":                  {with(5, tlv(5, 0, 0, 0, 0, 0, 0, 0, 0, 5)), fmt.Sprintf("5@%d: an integer of another width is due here", at(4))},
		"a negative count":                       {with(5, tlv(5, 128, 0, 0, 0, 0, 0, 0, 0)), fmt.Sprintf("5@%d: the number exceeds 2^63-1", at(4))},
		"a truth value of two":                   {with(6, tlv(6, 2)), fmt.Sprintf("6@%d: a truth value is 0 or 1", at(5))},
		"a fixed value too short":                {with(7, tlv(7, 1, 2, 3)), fmt.Sprintf("7@%d: a value of another length is due here", at(6))},
		"a fixed value too long":                 {with(7, tlv(7, 1, 2, 3, 4, 5)), fmt.Sprintf("7@%d: a value of another length is due here", at(6))},
		"a value above its limit":                {with(8, tlv(8, 1, 2, 3, 4, 5, 6)), fmt.Sprintf("8@%d: the value is longer than its limit", at(7))},
		"a text above its limit":                 {text("sixsix"), fmt.Sprintf("9@%d: the text is longer than its limit", at(8))},
		"a text that is not UTF-8":               {text("\xff"), fmt.Sprintf("9@%d: the text is not UTF-8", at(8))},
		"a text with half a character":           {text("\xe2\x82"), fmt.Sprintf("9@%d: the text is not UTF-8", at(8))},
		"a text with a surrogate":                {text("\xed\xa0\x80"), fmt.Sprintf("9@%d: the text is not UTF-8", at(8))},
		"a text with a line break":               {text("a\nb"), fmt.Sprintf("9@%d: the text holds a control character", at(8))},
		"a text with a null":                     {text("\x00"), fmt.Sprintf("9@%d: the text holds a control character", at(8))},
		"a text with a delete":                   {text("\x7f"), fmt.Sprintf("9@%d: the text holds a control character", at(8))},
		"a text with a terminal's C1 sequence":   {text("\u009b"), fmt.Sprintf("9@%d: the text holds a control character", at(8))},
		"a nested document cut short":            {with(10, tlv(10, one[:8]...)), fmt.Sprintf("3@%d: the document ends before this field", at(9)+6+7)},
		"bytes after a nested document":          {with(10, tlv(10, append(bytes.Clone(one), 0)...)), fmt.Sprintf("3@%d: bytes trail the last field", at(9)+6+len(one))},
		"an extra field in a nested document":    {with(10, tlv(10, append(tlv(2, 0), one...)...)), fmt.Sprintf("2@%d: another field is due here", at(9)+6)},
		"a list without a count":                 {list(0, 0, 0), fmt.Sprintf("11@%d: the list has no count", at(10))},
		"a list above its limit":                 {list(append([]byte{0, 0, 0, 4}, make([]byte, 16)...)...), fmt.Sprintf("11@%d: the list's count exceeds its limit or its bytes", at(10))},
		"a list with more elements than bytes":   {list(0, 0, 0, 3, 0, 0, 0, 0), fmt.Sprintf("11@%d: the list's count exceeds its limit or its bytes", at(10))},
		"a list that claims 2^32-1 elements":     {list(255, 255, 255, 255, 0, 0, 0, 0), fmt.Sprintf("11@%d: the list's count exceeds its limit or its bytes", at(10))},
		"an element longer than its list":        {list(0, 0, 0, 1, 0, 0, 0, 1), fmt.Sprintf("11@%d: an element is longer than the list", at(10))},
		"an element of 4 GiB":                    {list(0, 0, 0, 1, 255, 255, 255, 255), fmt.Sprintf("11@%d: an element is longer than the list", at(10))},
		"a list that ends inside an element":     {list(slices.Concat([]byte{0, 0, 0, 2, 0, 0, 0, 14}, one, []byte{0})...), fmt.Sprintf("11@%d: the list ends before its last element", at(10))},
		"an empty element where one is due":      {list(0, 0, 0, 1, 0, 0, 0, 0), fmt.Sprintf("1@%d: the document ends before this field", at(10)+6+8)},
		"bytes after the last field of an elem.": {list(slices.Concat([]byte{0, 0, 0, 1, 0, 0, 0, 15}, one, []byte{0})...), fmt.Sprintf("3@%d: bytes trail the last field", at(10)+6+8+len(one))},
		"bytes after the last element":           {list(slices.Concat([]byte{0, 0, 0, 1, 0, 0, 0, 14}, one, []byte{0})...), fmt.Sprintf("11@%d: bytes trail the list's last element", at(10))},
	} {
		t.Run(name, func(t *testing.T) {
			var p probe
			err := Decode(c.bytes, 1<<10, &p)
			want := "malformed: " + c.want + "; nothing was changed; send the document in the canonical encoding of version 1"
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if refusal.CodeOf(err) != CodeMalformed {
				t.Errorf("code %q", refusal.CodeOf(err))
			}
		})
	}
}

func TestTheSizeIsCheckedBeforeAnythingIsParsed(t *testing.T) {
	var p probe
	err := Decode(bytes.Repeat([]byte{0xff}, 17<<10), LimitMessage, &p)
	if refusal.CodeOf(err) != CodeTooLarge {
		t.Errorf("17 KiB give %v", err)
	}
	if err := Decode(make([]byte, LimitMessage), LimitMessage, &p); refusal.CodeOf(err) != CodeMalformed {
		t.Errorf("16 KiB are to be parsed, got %v", err)
	}
}

func TestACountClaimsNoMemoryThatItsBytesDoNotFill(t *testing.T) {
	const size = 1 << 20
	claim := make([]byte, size) // the count, then element lengths of zero, each too short for an element
	binary.BigEndian.PutUint32(claim, size/4-1)
	b := sampleBundle()
	b.Bills = nil
	head := Encode(b)
	empty := tlv(6, 0, 0, 0, 0)
	hostile := bytes.Replace(head, empty, tlv(6, claim...), 1)
	if len(hostile) < size {
		t.Fatal("the empty list was not found")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var got Bundle
	err := Decode(hostile, LimitBundle, &got)
	runtime.ReadMemStats(&after)
	if refusal.CodeOf(err) != CodeMalformed {
		t.Errorf("got %v", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > size {
		t.Errorf("a claim of %d elements took %d bytes", size/4-1, used)
	}
}

func TestValuesOutsideADocumentsLimitsAreNotEncoded(t *testing.T) {
	for name, p := range map[string]probe{
		"a negative count":          {Count: -1},
		"too many bytes":            {Bytes: make([]byte, 6)},
		"a text too long":           {Text: "sixsix"},
		"a text that is not UTF-8":  {Text: "\xff"},
		"a text with a tab":         {Text: "\t"},
		"too many elements":         {List: make([]inner, 4)},
		"an error after the others": {List: make([]inner, 4), Count: -1},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := TryEncode(&p); refusal.CodeOf(err) != CodeMalformed {
				t.Errorf("got %v", err)
			}
			defer func() {
				if recover() == nil {
					t.Error("Encode did not panic")
				}
			}()
			Encode(&p)
		})
	}
	if _, err := TryEncode(&probe{Count: -1}); err == nil || !strings.Contains(err.Error(), "5@0: a negative number cannot be encoded") {
		t.Errorf("a negative count gives %v", err)
	}
	disordered := func(f *Fields) {
		f.U8(2, new(uint8))
		f.U8(1, new(uint8))
	}
	if _, err := EncodeFields(disordered); refusal.CodeOf(err) != CodeMalformed {
		t.Errorf("a document that declares its fields out of order gives %v", err)
	}
	deep := &Bundle{Bills: []ProvenBill{{Envelope: Envelope{Type: PayloadType(strings.Repeat("x", 97))}}}}
	if _, err := TryEncode(deep); refusal.CodeOf(err) != CodeMalformed {
		t.Errorf("a fault two levels down gives %v", err)
	}
}

func TestOtherPackagesWalkTheSameCodec(t *testing.T) {
	colour, walk := uint8(3), func(c *uint8) func(*Fields) {
		return func(f *Fields) {
			f.U8(1, c)
			if *c > 3 {
				f.Refuse(1, "no such colour")
			}
		}
	}
	b, err := EncodeFields(walk(&colour))
	if err != nil || !bytes.Equal(b, tlv(1, 3)) {
		t.Fatalf("%x, %v", b, err)
	}
	var read uint8
	if err := DecodeFields(b, 7, walk(&read)); err != nil || read != 3 {
		t.Errorf("%d, %v", read, err)
	}
	for name, c := range map[string]struct {
		bytes []byte
		code  refusal.Code
	}{"a refused value": {tlv(1, 4), CodeMalformed}, "a trailing byte": {append(tlv(1, 3)[:6:6], 3, 0), CodeTooLarge}, "nothing": {nil, CodeMalformed}} {
		if err := DecodeFields(c.bytes, 7, walk(&read)); refusal.CodeOf(err) != c.code {
			t.Errorf("%s gives %v", name, err)
		}
	}
	colour = 4
	if _, err := EncodeFields(walk(&colour)); refusal.CodeOf(err) != CodeMalformed {
		t.Errorf("a value out of bounds is written: %v", err)
	}
}

// draw fills a document with arbitrary values inside its limits.
func draw(t *rapid.T, v reflect.Value, name string) {
	switch v.Interface().(type) {
	case LeafKind:
		v.SetUint(uint64(rapid.Uint8Range(1, 11).Draw(t, name)))
		return
	case Verdict:
		v.SetUint(uint64(rapid.Uint8Range(1, 2).Draw(t, name)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			draw(t, v.Field(i), v.Type().Field(i).Name)
		}
	case reflect.String:
		v.SetString(rapid.StringOfN(rapid.RuneFrom([]rune("aZ0 /+€é𝄞")), 0, 3, 3).Draw(t, name))
	case reflect.Int64:
		v.SetInt(rapid.Int64Range(0, 1<<63-1).Draw(t, name))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64Range(0, 1<<v.Type().Bits()-1).Draw(t, name))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	case reflect.Array:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				draw(t, v.Index(i), name)
			}
			return
		}
		reflect.Copy(v, reflect.ValueOf(fill(rapid.Byte().Draw(t, name), v.Len())))
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(t, name)
		if name == "Amount" {
			n = rapid.SampledFrom([]int{0, 64}).Draw(t, name)
		}
		if n == 0 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		if v.Type().Elem().Kind() == reflect.Uint8 {
			reflect.Copy(v, reflect.ValueOf(fill(rapid.Byte().Draw(t, name), n)))
			return
		}
		for i := range n {
			draw(t, v.Index(i), name)
		}
	default:
		t.Fatalf("no way to draw a %s", v.Type())
	}
}

func TestEveryDocumentReadsBackAsItWasWritten(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				d := k.empty()
				draw(t, reflect.ValueOf(d).Elem(), k.name)
				b, err := TryEncode(d)
				if err != nil {
					t.Fatal(err)
				}
				read := k.empty()
				if err := Decode(b, LimitBundle, read); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(d, read); diff != "" {
					t.Fatal(diff)
				}
			})
		})
	}
}

func TestBytesThatDecodeEncodeToThemselves(t *testing.T) {
	for _, k := range kinds() {
		good := Encode(k.sample)
		t.Run(k.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				b := bytes.Clone(good)
				for range rapid.IntRange(1, 3).Draw(t, "changes") {
					b = mutate(t, b)
				}
				identity(t, k, b)
			})
		})
	}
}

func mutate(t *rapid.T, b []byte) []byte {
	if len(b) == 0 {
		return []byte{0}
	}
	at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
	switch rapid.SampledFrom([]string{"set", "drop", "insert", "repeat", "cut"}).Draw(t, "change") {
	case "set":
		b[at] = rapid.Byte().Draw(t, "byte")
	case "drop":
		b = slices.Delete(b, at, min(len(b), at+rapid.IntRange(1, 40).Draw(t, "length")))
	case "insert":
		b = slices.Insert(b, at, rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "bytes")...)
	case "repeat":
		b = slices.Insert(b, at, bytes.Clone(b[at:min(len(b), at+rapid.IntRange(1, 40).Draw(t, "length"))])...)
	case "cut":
		b = b[:at]
	}
	return b
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// identity wants bytes to be refused by name, or to encode to themselves.
func identity(t failer, k kind, b []byte) {
	t.Helper()
	d := k.empty()
	if err := Decode(b, k.limit, d); err != nil {
		if code := refusal.CodeOf(err); code != CodeMalformed && code != CodeTooLarge {
			t.Fatalf("%s: not a refusal: %v", k.name, err)
		}
		return
	}
	if again := Encode(d); !bytes.Equal(again, b) {
		t.Fatalf("%s: accepted bytes encode to others:\n%x\n%x", k.name, b, again)
	}
}
