package witness_test

import (
	"bytes"
	"strings"
	"testing"

	"entente/bridge/witness"
	"entente/schema/refusal"
)

func FuzzRequest(f *testing.F) {
	l := newLog(f, origin, "log", 30)
	f.Add(l.request(0, 1))
	f.Add(l.request(20, 25))
	f.Add(l.request(25, 25))
	f.Add([]byte("old 0\n\n\n\n"))
	f.Add([]byte("old 00\n\nx"))
	f.Add([]byte("old 9223372036854775807\n" + strings.Repeat(l.head(3).Root.String()+"\n", 63) + "\nx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := witness.ParseRequest(b)
		if err != nil {
			if refusal.CodeOf(err) != witness.CodeMalformed {
				t.Errorf("got %v", err)
			}
			return
		}
		if again := r.Bytes(); !bytes.Equal(again, b) {
			t.Errorf("%q is read as %q", b, again)
		}
		if len(r.Proof) > 63 || r.Old >= 1<<63 || len(r.Note) == 0 {
			t.Errorf("%q is taken", b)
		}
	})
}
