package ledger

import (
	"bytes"
	"reflect"
	"testing"
)

func image(t *testing.T, s *State) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.WriteImage(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every field counts: a state that was read must equal the one that was written, and so must what comes of both afterwards.
func TestAStateReadFromItsImageGoesOnAsIfItHadNeverLeft(t *testing.T) {
	b := journal(t)
	for at := range len(b.entries) + 1 {
		written, err := fold(b.entries[:at])
		if err != nil {
			t.Fatal(err)
		}
		read := NewState("", "")
		if err := read.ReadImage(bytes.NewReader(image(t, written))); err != nil {
			t.Fatal(err)
		}
		for _, e := range b.entries[at:] {
			if err := read.Apply(e); err != nil {
				t.Fatalf("after %d entries: %v", at, err)
			}
		}
		if !bytes.Equal(image(t, read), image(t, b.state)) {
			t.Fatalf("after %d entries the two go different ways", at)
		}
		again := NewState("", "")
		if err := again.ReadImage(bytes.NewReader(image(t, written))); err != nil {
			t.Fatal(err)
		}
		if !same(written, again) {
			t.Fatalf("after %d entries:\n%+v\nwas written and read as\n%+v", at, written, again)
		}
	}
}

// same compares field by field, so that one that image forgot is missed. Lists that were emptied and lists that never were are the same.
func same(a, b *State) bool {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		p, q := x.Field(i), y.Field(i)
		if p.Kind() == reflect.Slice && p.Len() == 0 && q.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(reflect.NewAt(p.Type(), p.Addr().UnsafePointer()).Elem().Interface(), reflect.NewAt(q.Type(), q.Addr().UnsafePointer()).Elem().Interface()) {
			return false
		}
	}
	return true
}

func TestABrokenImageIsNotRead(t *testing.T) {
	whole := image(t, journal(t).state)
	for _, broken := range [][]byte{nil, whole[:len(whole)-1], append(bytes.Clone(whole), 0), append([]byte{9}, whole[1:]...)} {
		if err := NewState("", "").ReadImage(bytes.NewReader(broken)); err == nil {
			t.Errorf("%d of %d bytes are read", len(broken), len(whole))
		}
	}
}
