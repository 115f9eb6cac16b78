package trust

import (
	"bytes"
	"testing"

	"entente/schema/refusal"
)

// FuzzParse reads bytes as a trust file: refused by name, or without fault and the same network after a round trip.
func FuzzParse(f *testing.F) {
	vkey := "boj.example/log+00000000+AQ=="
	f.Add([]byte(`{"version":1,"network":"n","checkpoint_age_max_s":1,"witness_quorum":0,"banks":[],"members":[],"providers":[],"auditors":[],"circuits":[]}`))
	f.Add([]byte(`{"version":1,"network":"n","checkpoint_age_max_s":1,"witness_quorum":0,"banks":[{"id":"B","currency":"JPY","log_origin":"boj.example/log","log_vkey":"` + vkey + `"}],
		"members":[{"nation":"J","bank":"B","account":"a","seal_to":"age1","approvals":1,"keys":[{"name":"k","purpose":"user","epoch":1,"public":"AAAA"}]}]}`))
	f.Add([]byte(`{"version":1}{}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		n, err := Parse(file)
		if err != nil {
			if refusal.CodeOf(err) == "" {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		written, err := n.File()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(written)
		if err != nil {
			t.Fatalf("the file it writes is refused: %v", err)
		}
		if again, err := back.File(); err != nil || !bytes.Equal(again, written) {
			t.Errorf("the file changes on its way (%v)", err)
		}
	})
}
