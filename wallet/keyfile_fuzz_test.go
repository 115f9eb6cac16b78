package wallet

import (
	"bytes"
	"testing"
)

// FuzzParsePlain reads bytes as the contents of a key file that was opened: an error, or the one text of a ring.
func FuzzParsePlain(f *testing.F) {
	f.Add([]byte(`{"version":1,"owner":"JPN","signers":[],"identities":[],"secrets":[]}`))
	f.Add([]byte(`{"version":1,"owner":"JPN","signers":[{"name":"asha","purpose":"user","epoch":1,"seed":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}],"identities":[],` +
		`"secrets":[{"name":"blinding","epoch":1,"value":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		ring, err := parsePlain(plain)
		if err != nil {
			return
		}
		if again, err := ring.plain(); err != nil || !bytes.Equal(again, plain) {
			t.Errorf("the ring is written as other bytes (%v)", err)
		}
	})
}
